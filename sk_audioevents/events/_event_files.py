"""Tables of events in files: CSV, and the formats of Audacity, Raven and sed_eval."""

import os
from numbers import Real
from pathlib import Path

import numpy as np
import pandas as pd

from sk_audioevents._atomic import publish_file
from sk_audioevents._base import StrOptions, validate_params
from sk_audioevents._event_table import check_events
from sk_audioevents.events._event_formats import (
    audacity_text,
    csv_text,
    parse_audacity,
    parse_csv,
    parse_raven,
    parse_sed_eval,
    raven_text,
    sed_eval_text,
)

FORMATS = ("csv", "audacity", "raven", "sed_eval")
SUFFIXES = {  # the longest one that fits says the format
    ".csv": "csv",
    ".tsv": "sed_eval",
    ".selections.txt": "raven",  # as Raven names its tables: dawn.Table.1.selections.txt
}
# A file name may hold any bytes: those that are no UTF-8 are kept.
TEXT = {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}


@validate_params(
    {
        "events": [pd.DataFrame],
        "path": [str, os.PathLike],
        "format": [StrOptions(set(FORMATS)), None],
        "frequency_range": [tuple, list],
    },
    prefer_skip_nested_validation=True,
)
def write_events(events, path, *, format=None, frequency_range=(0.0, 20000.0)):  # noqa: A002
    """Write a table of events to a file that other programs read.

    A file that is there already is replaced, as pandas and soundfile do; if anything goes wrong, it
    stays as it was.

    Parameters
    ----------
    events : DataFrame
        One row an event: ``path``, ``onset``, ``offset`` (seconds), ``label`` and, if there are
        any, ``score``. Other columns are left out.
    path : str or os.PathLike
        The file to write.
    format : {"csv", "audacity", "raven", "sed_eval"}, default=None
        "csv" has these columns. "audacity" is a label track, for *File > Import > Labels*: start,
        end and label. "raven" is a selection table. "sed_eval" has filename, onset, offset and
        event_label, as sed_eval and the DCASE challenges do. None goes by the name of the file:
        .csv, .tsv (sed_eval) or .selections.txt (Raven).
    frequency_range : tuple of two floats, default=(0.0, 20000.0)
        The lower and upper edge of Raven's boxes, in hertz. Events have no frequencies.

    Raises
    ------
    ValueError
        If the table is no table of events, the format cannot be told, a label or path holds a tab
        or a line break that the format cannot, or events of several recordings are to be written to
        a format that has one recording per file (Audacity and Raven).

    See Also
    --------
    read_events : Reads them back.

    Notes
    -----
    Times are written such that they are read back exactly, but for Audacity, which has microseconds
    and drops the scores, as sed_eval does.

    Raven and Audacity show a table beside one recording, and count time from its beginning. For
    several recordings, write one file each: ``for path, part in events.groupby("path"): ...``.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from sk_audioevents.events import read_events, write_events
    >>> events = pd.DataFrame(
    ...     {"path": ["dawn.wav"], "onset": [1.5], "offset": [2.0], "label": ["wren"]}
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_events(events, f"{folder}/dawn.selections.txt")
    ...     read_events(f"{folder}/dawn.selections.txt", recording="dawn.wav")
           path  onset  offset label
    0  dawn.wav    1.5     2.0  wren
    """
    with_score = "score" in events.columns
    name = "The 'events' parameter of write_events"
    table = check_events(events, name=name, with_score=with_score)
    kind = _format_of(path, format, "write_events")
    if kind in ("audacity", "raven") and table["path"].nunique() > 1:
        raise ValueError(
            f"{name} must be of one recording, since {kind!r} has one per file. Got "
            f"{table['path'].nunique()}: write a file for each group of events.groupby('path')."
        )
    writers = {"csv": csv_text, "audacity": audacity_text, "sed_eval": sed_eval_text}
    if kind == "raven":
        text = raven_text(table, _check_range(frequency_range))
    else:
        text = writers[kind](table)
    content = text.encode(TEXT["encoding"], TEXT["errors"])
    publish_file(lambda file: file.write(content), Path(path), overwrite=True)


@validate_params(
    {
        "path": [str, os.PathLike],
        "format": [StrOptions(set(FORMATS)), None],
        "recording": [str, os.PathLike, None],
    },
    prefer_skip_nested_validation=True,
)
def read_events(path, *, format=None, recording=None):  # noqa: A002
    """Read a table of events from a file.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    format : {"csv", "audacity", "raven", "sed_eval"}, default=None
        Its format, as for `write_events`. None goes by the name of the file.
    recording : str or os.PathLike, default=None
        The recording that the events are in, where the file does not say: needed for Audacity's
        label tracks, and for Raven's tables without the column "Begin Path".

    Returns
    -------
    events : DataFrame
        The columns ``path``, ``onset``, ``offset`` (seconds), ``label`` and, if the file has it,
        ``score``, sorted by path and onset. Labels are str. Paths that are all whole numbers are
        row numbers (int).

    Raises
    ------
    ValueError
        If the format or the recording cannot be told, a column is missing, or a row is no event:
        an event ends after it begins, so Audacity's point labels are none.

    See Also
    --------
    write_events : Writes them.

    Notes
    -----
    In a Raven table, rows of the waveform view repeat those of the spectrogram view and are left
    out. Where it has "Begin Path" and "File Offset (s)", times are those within each file. The
    label is in the column "Annotation", else "Species" or "Label". The frequencies of an Audacity
    track are left out.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sk_audioevents.events import read_events
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     labels = Path(folder, "labels.txt")
    ...     _ = labels.write_text("1.5 2.0 wren".replace(" ", chr(9)))  # tabs
    ...     read_events(labels, format="audacity", recording="dawn.wav")
           path  onset  offset label
    0  dawn.wav    1.5     2.0  wren
    """
    parsers = {
        "csv": parse_csv,
        "audacity": parse_audacity,
        "raven": parse_raven,
        "sed_eval": parse_sed_eval,
    }
    parse = parsers[_format_of(path, format, "read_events")]
    with open(path, **TEXT) as file:
        table = parse(file.read())
    if "path" not in table.columns:
        if recording is None:
            raise ValueError(
                "The 'recording' parameter of read_events must name the recording that the events "
                f"are in, since {str(path)!r} does not. Got None instead."
            )
        table["path"] = os.fspath(recording)
    elif len(table) and table["path"].str.fullmatch(r"\d+").all():
        table["path"] = table["path"].astype(np.int64)
    return check_events(
        table, name=f"The table in {str(path)!r}", with_score="score" in table.columns
    )


def _format_of(path, format, function):  # noqa: A002
    if format is not None:
        return format
    name = os.fspath(path).lower()
    for suffix, found in SUFFIXES.items():
        if name.endswith(suffix):
            return found
    raise ValueError(
        f"The 'format' parameter of {function} must be one of {', '.join(map(repr, FORMATS))} "
        f"where the name of the file does not tell it ({', '.join(SUFFIXES)}). "
        f"Got None and {os.fspath(path)!r}."
    )


def _check_range(frequency_range):
    valid = (
        len(frequency_range) == 2
        and all(isinstance(edge, Real) for edge in frequency_range)
        and 0 <= frequency_range[0] < frequency_range[1] < np.inf
    )
    if not valid:
        raise ValueError(
            "The 'frequency_range' parameter of write_events must be two frequencies in hertz, the "
            f"lower and the upper. Got {frequency_range!r}."
        )
    return frequency_range
