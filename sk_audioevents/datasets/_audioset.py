"""AudioSet, ten-second segments of videos with 527 classes (Gemmeke et al., ICASSP 2017)."""

import os
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from sk_audioevents._base import validate_params
from sk_audioevents.datasets._audioset_classes import audioset_classes
from sk_audioevents.datasets._index import check_subset, indicator, read_index

_PARTS = ("balanced_train", "unbalanced_train", "eval")
_SEGMENT_COLUMNS = ["ytid", "start_seconds", "end_seconds", "positive_labels"]
_CLASS_COLUMNS = ["index", "mid", "display_name"]
_SUFFIXES = {".aac", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav", ".webm"}
# An id has 11 characters, which may be "_" and "-" too. PANNs put a "Y" before it; others put the
# start of the segment behind it, and its end, in seconds or in milliseconds.
_FILE_NAME = re.compile(r"Y?([\w-]{11})(?:[_-](\d+(?:\.\d+)?))?(?:[_-]\d+(?:\.\d+)?)?", re.ASCII)


@validate_params(
    {
        "folder": [str, os.PathLike],
        "subset": [str, "array-like"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def load_audioset(folder, *, subset=("balanced_train", "eval"), return_X_y=False):
    """Load what there is of AudioSet on a local disk: segments of 10 s, 527 classes, several each.

    AudioSet is published as tables of YouTube videos: 22,160 segments in the balanced training set,
    2,041,789 in the unbalanced one and 20,371 to evaluate with. Videos vanish, so that no two
    copies of the sound are equal: segments without a file are left out, counted in a warning and
    listed in ``missing``.

    Parameters
    ----------
    folder : str or path-like
        The folder that holds the official tables, in itself or in a folder ``metadata``:
        ``balanced_train_segments.csv``, ``unbalanced_train_segments.csv``, ``eval_segments.csv``,
        and ``class_labels_indices.csv``, for which `audioset_classes` stands in where it is not
        there. Sound files are found anywhere below it by their names: see Notes.
    subset : str or list of str, default=("balanced_train", "eval")
        The parts to load: "balanced_train", "unbalanced_train", "eval" or a list of them.
    return_X_y : bool, default=False
        Whether to return ``(paths, target)`` instead of a `Bunch`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With these attributes, in the order of the tables:

        paths : ndarray of shape (n_clips,), dtype object
            The absolute path of the file of each segment, a str.
        target : ndarray of shape (n_clips, n_classes), dtype int8
            1 where a segment is labelled with a class, 0 elsewhere. The labels are weak: the class
            is heard somewhere in the segment.
        target_names : ndarray of shape (n_classes,), dtype str
            The name of each class, such as "Bird vocalization, bird call, bird song".
        target_ids : ndarray of shape (n_classes,), dtype str
            The id of each class, such as "/m/020bb7".
        split : ndarray of shape (n_clips,), dtype str
            The part that each segment belongs to. By default,
            ``PredefinedSplit(np.where(split == "eval", 0, -1))`` trains on the balanced set and
            tests on the evaluation set.
        groups : ndarray of shape (n_clips,), dtype object
            The id of the video, a str.
        missing : DataFrame
            The segments without a file: the columns of ``frame`` but ``path``.
        metrics : tuple of str
            The metrics of the benchmark, by their names in `sk_audioevents.metrics`:
            mean_average_precision and mean_auc.
        frame : DataFrame of n_clips rows
            ``path``, ``split``, ``ytid``, ``start_seconds``, ``end_seconds`` and
            ``positive_labels`` of each segment.
        DESCR : str
            What the data are, their source, licence and citation.
    (paths, target) : tuple of ndarray
        If ``return_X_y`` is True.

    Raises
    ------
    FileNotFoundError
        If a table of segments is not there, or no file has the name of any segment.
    ValueError
        If a table is not as published, a segment has a label that is no class, or ``subset`` names
        no part.

    Warns
    -----
    UserWarning
        If segments have no file.

    See Also
    --------
    audioset_classes : The names and ids of the classes.
    load_fsd50k : Recordings that may be passed on, with some of the classes.

    Notes
    -----
    A file's name is the id of the video, perhaps after a "Y", perhaps followed by the start of the
    segment or by start and end, in seconds or in milliseconds, after "_" or "-". These all name one
    segment: ``-0RWZT-miFs.wav``, ``Y-0RWZT-miFs.flac``, ``-0RWZT-miFs_420.m4a``,
    ``-0RWZT-miFs_420.000_430.000.wav``, ``-0RWZT-miFs_420000_430000.ogg``. A file of another start
    is not the segment's. A file must hold the segment alone, not the whole video: none is opened
    here.

    Files are aac, flac, m4a, mp3, ogg, opus, wav or webm. The target of the unbalanced training set
    takes 1.1 GB.

    References
    ----------
    .. [1] J. F. Gemmeke, D. P. W. Ellis, D. Freedman, A. Jansen, W. Lawrence, R. C. Moore, M.
           Plakal and M. Ritter, "Audio Set: an ontology and human-labeled dataset for audio
           events", ICASSP 2017. :doi:`10.1109/ICASSP.2017.7952261`

    Examples
    --------
    >>> from sk_audioevents.datasets import load_audioset
    >>> data = load_audioset("audioset", subset="balanced_train")  # doctest: +SKIP
    >>> data.target.shape[1], list(data.missing)  # doctest: +SKIP
    (527, ['split', 'ytid', 'start_seconds', 'end_seconds', 'positive_labels'])
    """
    folder = Path(folder).expanduser().absolute()
    parts = check_subset(subset, _PARTS, "load_audioset")
    tables = _table_folder(folder)
    classes = _read_classes(tables / "class_labels_indices.csv")
    segments = pd.concat([_read_segments(tables, part) for part in parts], ignore_index=True)
    segments.insert(0, "path", _find_paths(folder, segments))
    frame, missing = _part_missing(segments, folder)
    paths = np.array(frame["path"], dtype=object)
    target = indicator(frame["positive_labels"], classes["id"])
    if return_X_y:
        return paths, target
    return Bunch(
        paths=paths,
        target=target,
        target_names=classes["name"].to_numpy(dtype=str),
        target_ids=classes["id"].to_numpy(dtype=str),
        split=frame["split"].to_numpy(dtype=str),
        groups=np.array(frame["ytid"], dtype=object),
        missing=missing,
        metrics=("mean_average_precision", "mean_auc"),
        frame=frame,
        DESCR=_DESCR,
    )


def _table_folder(folder):
    """Return the folder itself or its folder metadata, wherever there are tables of segments."""
    inner = folder / "metadata"
    return inner if any((inner / f"{part}_segments.csv").is_file() for part in _PARTS) else folder


def _read_classes(path):
    if not path.is_file():
        return audioset_classes()
    classes = read_index(path, _CLASS_COLUMNS).sort_values("index")
    return classes.rename(columns={"mid": "id", "display_name": "name"})


def _read_segments(tables, part):
    path = tables / f"{part}_segments.csv"
    # Three lines of comments, the last of which names the columns; spaces after the commas.
    frame = read_index(
        path,
        [],
        comment="#",
        header=None,
        names=_SEGMENT_COLUMNS,
        skipinitialspace=True,
        dtype=str,
        index_col=False,
    )
    times = ["start_seconds", "end_seconds"]
    frame[times] = frame[times].apply(pd.to_numeric, errors="coerce")
    if frame.isna().any(axis=None):
        raise ValueError(
            f"Each line of {str(path)!r} must be 'YTID, start_seconds, end_seconds, "
            f"\"positive_labels\"', or begin with '#'. Line {frame.isna().any(axis=1).argmax() + 1}"
            " after the comments is not."
        )
    frame.insert(0, "split", part)
    return frame


def _find_paths(folder, segments):
    """Return the path of the file of each segment, or None."""
    files = _find_files(folder)
    paths = []
    for ytid, start in zip(segments["ytid"], segments["start_seconds"]):
        starts = files.get(ytid, {})
        keys = (start, 1000 * start, None)  # seconds, milliseconds, or a name without times
        paths.append(next((starts[key] for key in keys if key in starts), None))
    return paths


def _find_files(folder):
    """Return the sound files below a folder: {id: {start, as the name says it, or None: path}}."""
    files = {}
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            stem, suffix = os.path.splitext(name)
            match = _FILE_NAME.fullmatch(stem)
            if match and suffix.lower() in _SUFFIXES:
                start = None if match[2] is None else float(match[2])
                files.setdefault(match[1], {}).setdefault(start, os.path.join(place, name))
    return files


def _part_missing(segments, folder):
    """Split the segments into those with a file and those without."""
    found = segments["path"].notna()
    frame = segments[found].reset_index(drop=True)
    missing = segments[~found].drop(columns="path").reset_index(drop=True)
    if len(frame) == 0:
        raise FileNotFoundError(
            f"No file below {str(folder)!r} has the name of any of the {len(segments)} segments, "
            f"such as '{segments['ytid'].iloc[0]}.wav'. Are the names of another form than "
            "load_audioset documents?"
        )
    if len(missing):
        warnings.warn(
            f"{len(missing)} of the {len(segments)} segments have no file below {str(folder)!r} "
            "and are left out. The attribute 'missing' lists them.",
            UserWarning,
            stacklevel=4,
        )
    return frame, missing


_DESCR = """\
AudioSet
========

Segments of 10 s of YouTube videos, labelled by hand with 527 classes, several a segment: 22,160 in
the balanced training set (at least 59 of each class), 2,041,789 in the unbalanced one, 20,371 in
the evaluation set. Labels are weak: a class is heard somewhere in the segment. Only tables and
features are published; which of the recordings a copy holds depends on when it was made, so results
on different copies differ a little.

Benchmark: mean average precision and mean area under the ROC curve over the classes, of the
evaluation set. Say how many of its segments there were.

Source: https://research.google.com/audioset/

Licence: the tables are under Creative Commons Attribution 4.0, the ontology under Creative Commons
Attribution-ShareAlike 4.0; the recordings belong to who made them.

Citation: J. F. Gemmeke, D. P. W. Ellis, D. Freedman, A. Jansen, W. Lawrence, R. C. Moore, M. Plakal
and M. Ritter, "Audio Set: an ontology and human-labeled dataset for audio events", ICASSP 2017,
doi:10.1109/ICASSP.2017.7952261.
"""
