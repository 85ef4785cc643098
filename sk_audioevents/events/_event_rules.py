"""When a score is an event: thresholds and durations, each for all classes or for some."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real

import numpy as np
import pandas as pd

from sk_audioevents._base import Interval
from sk_audioevents.events._runs import (
    drop_short,
    find_runs,
    merge_gaps,
    odd_steps,
    peak_scores,
    smooth_scores,
)

RANGES = {
    "threshold": Interval(Real, 0, 1, closed="both"),
    "offset_ratio": Interval(Real, 0, 1, closed="right"),
    "median_filter": Interval(Real, 0, None, closed="left"),
    "merge_gap": Interval(Real, 0, None, closed="left"),
    "min_duration": Interval(Real, 0, None, closed="left"),
}
RULE_CONSTRAINTS = {name: [interval, dict] for name, interval in RANGES.items()}
DEFAULTS = {  # of `find_events`, for labels that a dict leaves out
    "threshold": 0.5,
    "offset_ratio": 0.5,
    "median_filter": 0.0,
    "merge_gap": 0.0,
    "min_duration": 0.0,
}
EVENT_TABLE_COLUMNS = ("path", "onset", "offset", "label", "score")


@dataclass(frozen=True, slots=True)
class EventRules:
    """What makes an event of a run of scores; each rule is an array of shape (n_classes,).

    Attributes
    ----------
    threshold : float array
        What the largest score of an event reaches.
    offset_ratio : float array
        All scores of an event reach this share of the threshold.
    median_filter : float array
        Over how many seconds the median of the scores is taken first.
    merge_gap : float array
        Events no further apart than this, in seconds, become one.
    min_duration : float array
        Events shorter than this, in seconds, are left out, after merging.
    """

    threshold: np.ndarray
    offset_ratio: np.ndarray
    median_filter: np.ndarray
    merge_gap: np.ndarray
    min_duration: np.ndarray

    def smooth(self, timed):
        """Return the median-filtered scores of a recording, of shape (n_times, n_classes)."""
        if not self.median_filter.any() or len(timed.scores) < 2:
            return timed.scores
        step = np.median(timed.ends - timed.starts)
        return smooth_scores(timed.scores, odd_steps(self.median_filter, step))

    def events(self, timed):
        """Find the events of a recording.

        Parameters
        ----------
        timed : TimedScores
            The scores, step after step without gaps.

        Returns
        -------
        onset, offset : float arrays of shape (n_events,)
            In seconds.
        column : int array of shape (n_events,)
            The class of each event.
        score : float array of shape (n_events,)
            The largest filtered score of each.
        """
        scores = self.smooth(timed)
        runs = find_runs(scores, self.threshold, self.threshold * self.offset_ratio)
        runs = merge_gaps(runs, timed.starts, timed.ends, self.merge_gap)
        runs = drop_short(runs, timed.starts, timed.ends, self.min_duration)
        onset, offset = timed.starts[runs.first], timed.ends[runs.stop - 1]
        return onset, offset, runs.column, peak_scores(runs, scores)


def event_rules(labels, caller, **parameters):
    """Make the rules of `find_events` or of a detector.

    Parameters
    ----------
    labels : sequence of length n_classes
        The labels.
    caller : str
        Whose parameters they are, for errors.
    **parameters : float or dict
        One value for all classes, or by label; a label that a dict leaves out has the default.

    Returns
    -------
    rules : EventRules
        The rules.
    """
    return EventRules(
        **{name: _per_class(value, name, labels, caller) for name, value in parameters.items()}
    )


def _per_class(value, name, labels, caller):
    if not isinstance(value, Mapping):
        return np.full(len(labels), float(value))
    check_label_values(value, name, labels, caller)
    return np.array([float(value.get(label, DEFAULTS[name])) for label in labels])


def check_label_values(values, name, labels, caller):
    """Raise unless all keys of a dict are labels and all of its values what `name` may be."""
    labels = np.asarray(labels).tolist()
    unknown = [label for label in values if label not in labels]
    if unknown:
        raise ValueError(
            f"The {name!r} parameter of {caller} must have no keys but the labels {labels!r:.200}. "
            f"Got {unknown!r:.200}: are the labels spelt alike?"
        )
    interval = RANGES[name]
    for label, value in values.items():
        if not interval.is_satisfied_by(value):
            raise ValueError(
                f"The {name!r} parameter of {caller} must be {interval} for each label. "
                f"Got {value!r} for {label!r}."
            )


def event_table(found, labels, path_dtype):
    """Tabulate the events of recordings.

    Parameters
    ----------
    found : list of (path, onset, offset, column, score)
        The events of each recording, as `EventRules.events` gives them.
    labels : sequence of length n_classes
        The labels.
    path_dtype : dtype
        int64 for row numbers, object for paths.

    Returns
    -------
    events : DataFrame
        The columns path, onset, offset, label and score, sorted by recording and onset.
    """
    labels = np.asarray(labels)
    columns = {name: [] for name in EVENT_TABLE_COLUMNS}
    for path, onset, offset, column, score in found:
        order = np.lexsort([column, offset, onset])
        columns["path"].append(np.full(len(order), path, dtype=path_dtype))
        columns["onset"].append(onset[order])
        columns["offset"].append(offset[order])
        columns["label"].append(labels[column[order]])
        columns["score"].append(score[order])
    empty = {"path": np.empty(0, path_dtype), "label": labels[:0]}
    table = pd.DataFrame(
        {name: np.concatenate([empty.get(name, []), *parts]) for name, parts in columns.items()}
    )
    text = {"path": path_dtype.kind == "O", "label": all(isinstance(x, str) for x in labels)}
    return table.astype({name: "str" for name in text if text[name]})
