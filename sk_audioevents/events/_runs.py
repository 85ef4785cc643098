"""From scores at each time step to runs of steps above a threshold, for all classes at once."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

ROUNDING = 1e-6  # seconds; lengths are sums of steps, and 0.1 + 0.2 is not to fall short of 0.3


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of time steps, sorted by class and time.

    Attributes
    ----------
    column : int array of shape (n_runs,)
        The class of each run.
    first, stop : int arrays of shape (n_runs,)
        Its first step and the one after its last.
    """

    column: np.ndarray
    first: np.ndarray
    stop: np.ndarray

    def keep(self, mask):
        """Return the runs where a mask is True."""
        return Runs(self.column[mask], self.first[mask], self.stop[mask])


def smooth_scores(scores, n_steps):
    """Replace each score by the median of those around it.

    Parameters
    ----------
    scores : array of shape (n_times, n_classes)
        Scores.
    n_steps : int array of shape (n_classes,)
        Over how many steps the median of each class is taken, an odd number; 1 changes nothing.
        Beyond the ends, the first and the last score go on.

    Returns
    -------
    smoothed : array of shape (n_times, n_classes)
        The medians.
    """
    smoothed = scores.copy()
    for n in np.unique(n_steps[n_steps > 1]):
        columns = n_steps == n
        smoothed[:, columns] = median_filter(scores[:, columns], size=(n, 1), mode="nearest")
    return smoothed


def odd_steps(seconds, step):
    """Return the odd numbers of steps whose lengths are nearest to given lengths.

    Parameters
    ----------
    seconds : array of shape (n_classes,)
        The lengths.
    step : float
        Length of a step, in seconds.

    Returns
    -------
    n_steps : int array of shape (n_classes,)
        At least 1.
    """
    return 2 * np.maximum(np.rint((seconds / step - 1) / 2), 0).astype(int) + 1


def find_runs(scores, onset_threshold, offset_threshold):
    """Find where scores stay at or above one threshold and reach another (hysteresis).

    Parameters
    ----------
    scores : array of shape (n_times, n_classes)
        Scores.
    onset_threshold : array of shape (n_classes,)
        What the largest score of a run reaches.
    offset_threshold : array of shape (n_classes,)
        What all scores of a run reach; at most the onset threshold.

    Returns
    -------
    runs : Runs
        The runs, each as long as it can be.
    """
    above = np.zeros((scores.shape[1], len(scores) + 2), dtype=np.int8)
    above[:, 1:-1] = (scores >= offset_threshold).T
    column, change = np.nonzero(np.diff(above))  # begin, end, begin, end, ... of each class
    runs = Runs(column[::2], change[::2], change[1::2])
    return runs.keep(peak_scores(runs, scores) >= onset_threshold[runs.column])


def peak_scores(runs, scores):
    """Return the largest score of each run, an array of shape (n_runs,)."""
    if len(runs.column) == 0:
        return np.empty(0)
    n_times = len(scores)
    by_class = np.append(scores.T.ravel(), -np.inf)  # a place for the stop of the last run
    bounds = np.column_stack([runs.first, runs.stop]) + n_times * runs.column[:, None]
    return np.maximum.reduceat(by_class, bounds.ravel())[::2]


def merge_gaps(runs, starts, ends, longest_gap):
    """Join runs of a class that lie close together.

    Parameters
    ----------
    runs : Runs
        The runs.
    starts, ends : arrays of shape (n_times,)
        Where the time steps begin and end, in seconds.
    longest_gap : array of shape (n_classes,)
        The longest gap that is closed, in seconds; 0 closes none.

    Returns
    -------
    runs : Runs
        The joined runs.
    """
    if len(runs.column) == 0:
        return runs
    gap = starts[runs.first[1:]] - ends[runs.stop[:-1] - 1]
    same_class = runs.column[1:] == runs.column[:-1]
    longest = longest_gap[runs.column[1:]]
    apart = ~(same_class & (longest > 0) & (gap <= longest + ROUNDING))
    begins, closes = np.append(True, apart), np.append(apart, True)
    return Runs(runs.column[begins], runs.first[begins], runs.stop[closes])


def drop_short(runs, starts, ends, shortest):
    """Leave out runs that are too short.

    Parameters
    ----------
    runs : Runs
        The runs.
    starts, ends : arrays of shape (n_times,)
        Where the time steps begin and end, in seconds.
    shortest : array of shape (n_classes,)
        The shortest run that stays, in seconds.

    Returns
    -------
    runs : Runs
        Those that are long enough.
    """
    lengths = ends[runs.stop - 1] - starts[runs.first]
    return runs.keep(lengths >= shortest[runs.column] - ROUNDING)
