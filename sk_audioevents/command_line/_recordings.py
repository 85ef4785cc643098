"""Recordings that the user named: labelled ones for training, others to predict."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sk_audioevents.audio import inspect_files

# What a folder is searched for; a file that is named itself may be called anything.
SUFFIXES = {".aac", ".aif", ".aiff", ".au", ".caf", ".flac", ".m4a", ".mka", ".mp3", ".mp4"} | {
    ".oga",
    ".ogg",
    ".opus",
    ".rf64",
    ".w64",
    ".wav",
    ".webm",
}
LABEL_SEPARATOR = ";"
REQUIRED = ("path", "label")
TIMES = ("start_time", "end_time")


@dataclass(frozen=True, kw_only=True)
class LabelledClips:
    """Clips, and what is in them.

    Attributes
    ----------
    table : DataFrame
        One row a clip: path, label and perhaps fold, group, start_time and end_time.
    multilabel : bool
        Whether a clip may have several labels, or none.
    """

    table: pd.DataFrame
    multilabel: bool

    @property
    def X(self):  # noqa: N802
        """The clips as estimators take them."""
        times = [name for name in TIMES if name in self.table]
        return self.table[["path", *times]] if times else self.table["path"].tolist()

    @property
    def y(self):
        """Labels (n_clips,), or an indicator whose columns are the classes."""
        if not self.multilabel:
            return self.table["label"].to_numpy(dtype=object).astype(str)
        return self.table["label"].str.get_dummies(LABEL_SEPARATOR)

    @property
    def folds(self):
        """The fold of each clip, or None."""
        return self.table["fold"].to_numpy(dtype=str) if "fold" in self.table else None

    @property
    def groups(self):
        """What each clip was cut from, or None; windows of one recording are a group anyway."""
        if "group" in self.table:
            return self.table["group"].to_numpy(dtype=str)
        paths = self.table["path"]
        return paths.to_numpy(dtype=str) if paths.duplicated().any() else None

    def without_unreadable(self, options, messages):
        """Return the clips that can be decoded, and the number of recordings that cannot."""
        paths = self.table["path"].drop_duplicates().tolist()
        messages.tell(f"Checking {len(paths)} recordings.")
        found = inspect_files(paths, n_jobs=options.n_jobs, verbose=messages.verbose)
        bad = found[found["problem"].notna()]
        for path, problem in zip(bad["path"], bad["problem"]):
            text = f"cannot read {path!r}: {problem}"
            if options.on_error == "stop":
                raise ValueError(text)
            messages.warn(text)
        kept = self.table[~self.table["path"].isin(bad["path"])].reset_index(drop=True)
        if len(kept) == 0:
            raise ValueError(f"None of the {len(paths)} recordings can be read.")
        return replace(self, table=kept), len(bad)


def read_labelled(source, *, multilabel=False):
    """Read which recordings there are, and what is in them.

    Parameters
    ----------
    source : str
        A folder with one sub-folder for each class, or a CSV file.
    multilabel : bool, default=False
        Whether clips may have several labels even if none has.

    Returns
    -------
    clips : LabelledClips
        The clips, not yet decoded.
    """
    source = Path(source)
    if source.is_dir():
        return LabelledClips(table=_read_folder(source), multilabel=False)
    if not source.exists():
        raise FileNotFoundError(f"There is no folder or CSV file at {str(source)!r}.")
    table = _read_csv(source)
    multilabel = multilabel or bool(table["label"].str.contains(LABEL_SEPARATOR).any())
    if multilabel:
        labels = table["label"].str.split(LABEL_SEPARATOR)
        table["label"] = [LABEL_SEPARATOR.join(filter(None, map(str.strip, x))) for x in labels]
    elif (table["label"] == "").any():
        row = int(np.flatnonzero(table["label"] == "")[0])
        raise ValueError(
            f"Each row of {str(source)!r} must have a label. Row {row + 2} has none: if clips may "
            "have none of the classes, say --multilabel."
        )
    return LabelledClips(table=table, multilabel=multilabel)


def find_recordings(paths):
    """Return recordings, and those in folders, as a list of str without repetitions."""
    found = []
    for path in paths:
        if os.path.isdir(path):
            inside = _audio_files(Path(path))
            if not inside:
                raise ValueError(f"There are no recordings in the folder {path!r}.")
            found += inside
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def _read_folder(folder):
    rows = [
        {"path": path, "label": inner.name}
        for inner in sorted(folder.iterdir())
        if inner.is_dir() and not inner.name.startswith(".")
        for path in _audio_files(inner)
    ]
    if not rows:
        raise ValueError(
            f"The folder {str(folder)!r} must hold one sub-folder of recordings for each class. "
            "There are none in it."
        )
    return pd.DataFrame(rows)


def _audio_files(folder):
    return sorted(
        str(path)
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )


def _read_csv(path):
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"{str(path)!r} is no CSV file in UTF-8: {error}") from error
    missing = [name for name in REQUIRED if name not in table]
    if missing or len(table) == 0:
        raise ValueError(
            f"The CSV file {str(path)!r} must have the columns path and label, and a row for each "
            f"clip. It has {len(table)} rows and the columns {', '.join(table.columns)}."
        )
    for name in ("fold", "group"):
        if name in table and (table[name] == "").any():
            raise ValueError(f"Each row of {str(path)!r} must have a {name}, or none of them.")
    for name in TIMES:
        if name in table:
            table[name] = _seconds(table[name], name, path)
    if "start_time" in table:
        table["start_time"] = table["start_time"].fillna(0.0)
    table["label"] = table["label"].str.strip()
    table["path"] = [str(path.parent / recording) for recording in table["path"]]
    return table


def _seconds(column, name, path):
    try:
        return pd.to_numeric(column.replace("", None), errors="raise").astype(float)
    except ValueError as error:
        raise ValueError(f"The column {name} of {str(path)!r} must be seconds: {error}") from error
