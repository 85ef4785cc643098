"""Tables of scores, a row a frame, as arrays."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sk_audioevents._event_table import path_column

TIME_COLUMNS = ("path", "onset", "offset")
GAP = 1e-6  # seconds by which frames that follow each other may seem to be apart


@dataclass(frozen=True, slots=True)
class FrameScores:
    """The scores of the frames of all files, sorted by file and time.

    Attributes
    ----------
    paths : Index of length n_files
        The files.
    labels : Index of length n_classes
        The labels.
    scores : ndarray of float64 of shape (n_classes, n_frames)
        The scores of all frames of all files.
    edges : ndarray of float64 of shape (n_frames + n_files,)
        Where the frames of each file begin, and where its last one ends, in seconds.
    first_frames : ndarray of int64 of shape (n_files + 1,)
        The first frame of each file, and the number of frames.
    """

    paths: pd.Index
    labels: pd.Index
    scores: np.ndarray
    edges: np.ndarray
    first_frames: np.ndarray

    @property
    def files(self):
        """The number of the file of each frame."""
        return np.repeat(np.arange(len(self.paths)), np.diff(self.first_frames))

    @property
    def ends(self):
        """The end of the last frame of each file, in seconds."""
        return self.edges[self.first_frames[1:] + np.arange(len(self.paths))]


def check_frame_scores(y_score, name):
    """Check a table of scores.

    Parameters
    ----------
    y_score : DataFrame
        The columns ``path``, ``onset``, ``offset``, and one for each label; in any order of rows.
    name : str
        The function whose parameter it is.

    Returns
    -------
    frames : FrameScores
        The scores.

    Raises
    ------
    ValueError
        If there is no frame or no label, a value is not a finite number, or the frames of a file do
        not follow each other without gap or overlap.
    """
    name = f"The 'y_score' parameter of {name}"
    labels = pd.Index([column for column in y_score.columns if column not in TIME_COLUMNS], object)
    missing = [column for column in TIME_COLUMNS if column not in y_score.columns]
    if missing or len(labels) == 0 or not labels.is_unique:
        raise ValueError(
            f"{name} must have the columns {', '.join(TIME_COLUMNS)} and one for each label. "
            f"Got {', '.join(map(str, y_score.columns)) or 'none'}."
        )
    if len(y_score) == 0:
        raise ValueError(f"{name} must hold at least one frame. Got an empty table.")
    onset, offset = (_finite(y_score[[column]], name)[:, 0] for column in TIME_COLUMNS[1:])
    scores = _finite(y_score[labels], name)
    files, paths = pd.factorize(path_column(y_score["path"], name), sort=True)
    order = np.lexsort((onset, files))
    files, onset, offset, scores = files[order], onset[order], offset[order], scores[order]
    same_file = np.diff(files) == 0
    gaps = np.flatnonzero(same_file & (np.abs(onset[1:] - offset[:-1]) > GAP))
    if len(gaps) or not (onset < offset).all() or onset.min() < 0:
        i = gaps[0] if len(gaps) else np.flatnonzero((onset >= offset) | (onset < 0))[0]
        raise ValueError(
            f"{name} must hold frames of 0 <= onset < offset that follow each other without gap or "
            f"overlap. In {paths[files[i]]!r}, the frame from {onset[i]} s to {offset[i]} s is "
            + (f"followed by one from {onset[i + 1]} s." if len(gaps) else "not of that kind.")
        )
    last_frames = np.append(np.flatnonzero(~same_file), len(files) - 1)
    return FrameScores(
        paths=pd.Index(paths),
        labels=labels,
        scores=np.ascontiguousarray(scores.T),
        edges=np.insert(onset, last_frames + 1, offset[last_frames]),
        first_frames=np.concatenate([[0], last_frames + 1]),
    )


def _finite(columns, name):
    try:
        values = columns.to_numpy(dtype=np.float64)
    except (TypeError, ValueError):
        values = None
    if values is None or not np.isfinite(values).all():
        raise ValueError(
            f"{name} must hold finite numbers in {', '.join(map(repr, columns.columns[:5]))}. Are "
            "there other columns besides those of labels, or frames without scores?"
        )
    return values
