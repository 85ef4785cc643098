"""From the scores of overlapping segments to one score at each time."""

from dataclasses import dataclass

import numpy as np

ROUNDING = 1e-6  # seconds; edges of segments that are closer are one: 3 * 0.1 is not 0.3


@dataclass(frozen=True, slots=True)
class TimedScores:
    """Scores of a recording over time.

    Attributes
    ----------
    path : str or int
        The recording: a file, or the row number of a waveform.
    starts, ends : float arrays of shape (n_times,)
        Where the time steps begin and end, in seconds.
    scores : array of shape (n_times, n_classes)
        The scores.
    """

    path: str | int
    starts: np.ndarray
    ends: np.ndarray
    scores: np.ndarray

    def with_scores(self, scores):
        """Return the same steps with other scores."""
        return TimedScores(self.path, self.starts, self.ends, scores)

    def lasting(self):
        """Return the steps that last; a recording of no samples has steps of no length."""
        mask = self.ends > self.starts
        return TimedScores(self.path, self.starts[mask], self.ends[mask], self.scores[mask])


def score_over_time(starts, ends, scores, overlap_pooling, duration):
    """Turn the scores of segments into scores of successive time steps.

    Parameters
    ----------
    starts, ends : arrays of shape (n_segments,)
        Where the segments begin and end, in seconds, both increasing. They may reach beyond the
        recording.
    scores : array of shape (n_segments, n_classes)
        Their scores.
    overlap_pooling : {"center", "mean", "max"}
        "center": each instant has the score of the segment whose centre is nearest. "mean" and
        "max": the mean or largest score of the segments that cover it, and that of the segment
        before where none does.
    duration : float
        Length of the recording, in seconds.

    Returns
    -------
    edges : array of shape (n_times + 1,)
        The bounds of the steps, from 0 to `duration`.
    scores : array of shape (n_times, n_classes)
        Their scores.
    """
    if overlap_pooling == "center":
        centers = (starts + ends) / 2
        inner = (centers[:-1] + centers[1:]) / 2
        return np.concatenate([[0.0], np.minimum(inner, duration), [duration]]), scores
    edges = np.unique(np.clip(np.concatenate([starts, ends, [0.0, duration]]), 0.0, duration))
    if len(edges) == 1:  # a recording of no length
        return np.zeros(2), scores[:1]
    edges = np.append(edges[:-1][np.diff(edges) > ROUNDING], duration)
    middles = (edges[:-1] + edges[1:]) / 2
    stop = np.maximum(np.searchsorted(starts, middles, side="right"), 1)
    first = np.minimum(np.searchsorted(ends, middles, side="right"), stop - 1)
    reduce = {"mean": np.add, "max": np.maximum}[overlap_pooling].reduceat
    padded = np.concatenate([scores, scores[:1]])  # a place for the stop of the last
    covered = reduce(padded, np.column_stack([first, stop]).ravel(), axis=0)[::2]
    return edges, covered / (stop - first)[:, None] if overlap_pooling == "mean" else covered
