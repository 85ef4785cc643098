"""Two tables of events as arrays that can be compared: the truth and the predictions."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
import pandas as pd

from sk_audioevents._event_table import check_events

EVENT_PARAMETERS = {
    "y_true": [pd.DataFrame],
    "y_pred": [pd.DataFrame],
    "labels": ["array-like", None],
    "durations": [Real, dict, pd.Series, None],
}
MARGIN = 1e-6  # seconds; windows are searched a little too wide, and what is found is looked at


@dataclass(frozen=True, slots=True)
class EventSet:
    """Events, sorted by file and onset.

    Attributes
    ----------
    file, label : ndarray of int64 of shape (n_events,)
        Numbers of files and labels, the same in all sets that are compared.
    onset, offset : ndarray of float64 of shape (n_events,)
        Seconds.
    """

    file: np.ndarray
    label: np.ndarray
    onset: np.ndarray
    offset: np.ndarray

    def __len__(self):
        return len(self.file)

    def take(self, indices):
        """Return some of the events, by number or by a mask."""
        return EventSet(
            self.file[indices], self.label[indices], self.onset[indices], self.offset[indices]
        )


def check_event_sets(y_true, y_pred, *, name, labels=None, durations=None):
    """Check the truth and the predictions, and number their files and labels.

    Parameters
    ----------
    y_true, y_pred : DataFrame
        Tables of events, as `check_events` wants them.
    name : str
        The function whose parameters they are.
    labels : array-like of shape (n_classes,), default=None
        The labels that may occur. None: those that do, sorted.
    durations : float or mapping of paths to floats, default=None
        The lengths of the recordings in seconds, which no event may exceed.

    Returns
    -------
    true, pred : EventSet
        The events.
    labels : list of length n_classes
        The labels by their numbers.
    """
    if labels is not None and len(set(labels)) < len(labels):
        raise ValueError(
            f"The 'labels' parameter of {name} must hold each label once. Got {list(labels)}."
        )
    tables = [
        check_events(
            table,
            name=f"The {parameter!r} parameter of {name}",
            labels=labels,
            duration=durations,
        )
        for parameter, table in {"y_true": y_true, "y_pred": y_pred}.items()
    ]
    return _number(tables, labels, name)


def pairs_in_windows(group, low, high, other_group, other_start, other_stop):
    """Pair each item with the others of its group that lie in its window.

    Parameters
    ----------
    group, low, high : ndarray of shape (n_items,)
        Groups and windows.
    other_group, other_start, other_stop : ndarray of shape (n_others,)
        Groups, starts and stops of the others, sorted by group and start, and by group and stop.

    Returns
    -------
    items, others : ndarray of int64 of shape (n_pairs,)
        Indices of the pairs. Some pairs may lie up to ``MARGIN`` outside.
    """
    # Complex numbers are compared by their real parts and then by their imaginary parts.
    first = np.searchsorted(other_group + 1j * other_stop, group + 1j * (low - MARGIN), side="left")
    end = np.searchsorted(
        other_group + 1j * other_start, group + 1j * (high + MARGIN), side="right"
    )
    n_pairs = np.maximum(end - first, 0)
    items = np.repeat(np.arange(len(group)), n_pairs)
    within = np.arange(len(items)) - np.repeat(np.cumsum(n_pairs) - n_pairs, n_pairs)
    return items, np.repeat(first, n_pairs) + within


def _number(tables, labels, name):
    """Return checked tables as event sets, and the labels by their numbers."""
    filled = [table for table in tables if len(table)]
    if len({table["path"].dtype.kind == "i" for table in filled}) > 1:
        raise TypeError(
            f"The tables given to {name} must both hold paths or both hold row numbers in 'path'."
        )
    columns = pd.concat([table[["path", "label"]] for table in filled or tables])
    files, _ = pd.factorize(columns["path"])
    if labels is None:
        labels = _sorted_labels(columns["label"].unique().tolist())
    labels = pd.Index(labels, dtype=object)
    sets, start = [], 0
    for table in tables:
        sets.append(
            EventSet(
                files[start : start + len(table)],
                labels.get_indexer(pd.Index(table["label"], dtype=object)),
                table["onset"].to_numpy(),
                table["offset"].to_numpy(),
            )
        )
        start += len(table)
    return *(events.take(np.lexsort((events.onset, events.file))) for events in sets), list(labels)


def _sorted_labels(labels):
    try:
        return sorted(labels)
    except TypeError:  # numbers and strings
        return sorted(labels, key=str)
