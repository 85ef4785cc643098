"""Intersection-based metrics: which events are found, by the share that predictions cover.

Ç. Bilen, G. Ferroni, F. Tuveri, J. Azcarreta and S. Krstulović, "A framework for the robust
evaluation of sound event detection", ICASSP 2020, arXiv:1910.08440.
"""

from numbers import Real

import numpy as np

from sk_audioevents._base import Interval, validate_params
from sk_audioevents.metrics._detection_scores import (
    DetectionCounts,
    detection_report,
    detection_scores,
)
from sk_audioevents.metrics._event_sets import (
    EVENT_PARAMETERS,
    check_event_sets,
    pairs_in_windows,
)

SHARE = Interval(Real, 0, 1, closed="right")
PARAMETERS = EVENT_PARAMETERS | {"dtc_threshold": [SHARE], "gtc_threshold": [SHARE]}
PER_SECOND = 1e6  # durations are compared in whole microseconds, so that equal shares are equal


@validate_params(PARAMETERS, prefer_skip_nested_validation=True)
def intersection_report(
    y_true, y_pred, *, dtc_threshold=0.7, gtc_threshold=0.7, labels=None, durations=None
):
    """Tabulate how many events of each label are covered by predictions.

    A predicted event is relevant if true events of its label cover at least `dtc_threshold` of it
    (the detection tolerance criterion); otherwise it is a false alarm. A true event is found if
    relevant predictions cover at least `gtc_threshold` of it (the ground truth intersection
    criterion). So an event that is found in two parts is found, and onsets need not be exact.

    Parameters
    ----------
    y_true : DataFrame
        The events that there are, one a row: ``path``, ``onset`` and ``offset`` (seconds),
        ``label``. Events of one label in one file must not overlap.
    y_pred : DataFrame
        The events that were predicted, with the same columns and the same restriction.
    dtc_threshold : float, default=0.7
        The share of a predicted event that must be true, above 0 and at most 1.
    gtc_threshold : float, default=0.7
        The share of a true event that must be predicted, above 0 and at most 1.
    labels : array-like of shape (n_classes,), default=None
        The labels to report, in this order; no others may occur. None: those that occur, sorted.
    durations : float, or dict or Series of floats by path, default=None
        The lengths of the recordings in seconds. Events that do not fit into them and paths that
        have none are errors. None checks neither.

    Returns
    -------
    report : DataFrame of shape (n_classes, 6)
        One row a class, by label: ``n_true`` and ``n_pred`` (events), ``n_hits`` (true events that
        are found), ``precision`` (hits per hit or false alarm), ``recall``, ``f1``. The scores of a
        label that `y_true` has not are NaN; of one that `y_pred` has not, they are 0.

    Raises
    ------
    ValueError
        If events of one label overlap.

    See Also
    --------
    psds : The same over all thresholds on scores.

    Examples
    --------
    >>> import pandas as pd
    >>> from sk_audioevents.metrics import intersection_report
    >>> columns = ["path", "onset", "offset", "label"]
    >>> y_true = pd.DataFrame([("a", 1.0, 5.0, "dog")], columns=columns)
    >>> y_pred = pd.DataFrame([("a", 1.5, 3.0, "dog"), ("a", 3.5, 5.5, "dog")], columns=columns)
    >>> intersection_report(y_true, y_pred)[["n_true", "n_pred", "n_hits", "f1"]]
           n_true  n_pred  n_hits   f1
    label
    dog         1       2       1  1.0
    """
    counts = _count(
        y_true, y_pred, dtc_threshold, gtc_threshold, labels, durations, "intersection_report"
    )
    return detection_report(counts, error_rates=False)


@validate_params(PARAMETERS, prefer_skip_nested_validation=True)
def intersection_scores(
    y_true, y_pred, *, dtc_threshold=0.7, gtc_threshold=0.7, labels=None, durations=None
):
    """Compute intersection-based F1 over all classes.

    Parameters
    ----------
    y_true : DataFrame
        The events that there are, as for `intersection_report`.
    y_pred : DataFrame
        The events that were predicted, as for `intersection_report`.
    dtc_threshold : float, default=0.7
        The share of a predicted event that must be true, above 0 and at most 1.
    gtc_threshold : float, default=0.7
        The share of a true event that must be predicted, above 0 and at most 1.
    labels : array-like of shape (n_classes,), default=None
        The labels that may occur. None: those that do.
    durations : float, or dict or Series of floats by path, default=None
        The lengths of the recordings in seconds, against which events are checked.

    Returns
    -------
    scores : dict of str to float
        ``precision``, ``recall`` and ``f1``, each as ``..._micro`` (of all events) and
        ``..._macro`` (the mean over the classes that `y_true` has); ``n_true``, ``n_pred``,
        ``n_classes`` and ``n_scored_classes`` (that `y_true` has). Where `y_true` has no events,
        all scores are NaN, with an UndefinedMetricWarning; where `y_pred` has none, they are 0.

    Raises
    ------
    ValueError
        If events of one label overlap.

    References
    ----------
    .. [1] Ç. Bilen, G. Ferroni, F. Tuveri, J. Azcarreta and S. Krstulović, "A framework for the
       robust evaluation of sound event detection", ICASSP 2020, arXiv:1910.08440, section 2.

    Examples
    --------
    >>> import pandas as pd
    >>> from sk_audioevents.metrics import intersection_scores
    >>> columns = ["path", "onset", "offset", "label"]
    >>> y_true = pd.DataFrame([("a", 1.0, 5.0, "dog")], columns=columns)
    >>> y_pred = pd.DataFrame([("a", 1.5, 3.0, "dog"), ("a", 3.5, 5.5, "dog")], columns=columns)
    >>> intersection_scores(y_true, y_pred)["f1_macro"]
    1.0
    """
    counts = _count(
        y_true, y_pred, dtc_threshold, gtc_threshold, labels, durations, "intersection_scores"
    )
    return detection_scores(counts, name="intersection_scores", error_rates=False)


def check_disjoint(events, labels, parameter, name):
    """Check that no two events of one label and file overlap; they may touch."""
    events = events.take(np.lexsort((events.onset, events.label, events.file)))
    same = (np.diff(events.file) == 0) & (np.diff(events.label) == 0)
    overlap = np.flatnonzero(same & (events.offset[:-1] - events.onset[1:] > 1 / PER_SECOND))
    if len(overlap):
        i = overlap[0]
        raise ValueError(
            f"The {parameter!r} parameter of {name} must hold no events of one label that overlap. "
            f"Got {labels[events.label[i]]!r} from {events.onset[i]} s to {events.offset[i]} s "
            f"and from {events.onset[i + 1]} s: merge them into one."
        )


def _count(y_true, y_pred, dtc_threshold, gtc_threshold, labels, durations, name):
    true, pred, labels = check_event_sets(
        y_true, y_pred, name=name, labels=labels, durations=durations
    )
    check_disjoint(true, labels, "y_true", name)
    check_disjoint(pred, labels, "y_pred", name)
    i, j = _overlapping(true, pred, max(1, len(labels)))
    overlap = np.minimum(true.offset[i], pred.offset[j]) - np.maximum(true.onset[i], pred.onset[j])
    overlap = np.maximum(overlap, 0.0)
    relevant = _covers(np.bincount(j, overlap, minlength=len(pred)), pred, dtc_threshold)
    covered = np.bincount(i, overlap * relevant[j], minlength=len(true))
    found = _covers(covered, true, gtc_threshold)
    n_true, n_pred, n_hits, n_false = (
        np.bincount(numbers, minlength=len(labels))
        for numbers in (true.label, pred.label, true.label[found], pred.label[~relevant])
    )
    return DetectionCounts(labels, n_true, n_pred, n_hits, n_false)


def _overlapping(true, pred, n_labels):
    """Return the indices of pairs of a true and a predicted event of one label that overlap."""
    true_group, pred_group = (events.file * n_labels + events.label for events in (true, pred))
    order = np.lexsort((pred.onset, pred_group))
    i, j = pairs_in_windows(
        true_group,
        true.onset,
        true.offset,
        pred_group[order],
        pred.onset[order],
        pred.offset[order],
    )
    return i, order[j]


def _covers(covered, events, threshold):
    """Tell for each event whether the covered seconds are at least a share of its length."""
    needed = threshold * (events.offset - events.onset)
    return np.rint(covered * PER_SECOND) >= np.rint(needed * PER_SECOND)
