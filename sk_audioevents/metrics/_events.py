"""Event-based metrics: which events are found, with onset and offset nearly right.

A. Mesaros, T. Heittola and T. Virtanen, "Metrics for polyphonic sound event detection", Applied
Sciences 6(6), 2016, doi:10.3390/app6060162.
"""

from dataclasses import replace
from numbers import Real

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

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

COLLAR = Interval(Real, 0, None, closed="left")
PARAMETERS = EVENT_PARAMETERS | {
    "onset_collar": [COLLAR],
    "offset_collar": [COLLAR, None],
    "offset_share": [COLLAR],
}


@validate_params(PARAMETERS, prefer_skip_nested_validation=True)
def event_report(
    y_true,
    y_pred,
    *,
    onset_collar=0.2,
    offset_collar=0.2,
    offset_share=0.5,
    labels=None,
    durations=None,
):
    """Tabulate how many events of each label are found.

    A predicted event can be a true one if it has the same path and label, its onset is at most
    `onset_collar` away, and its offset at most `offset_collar` or `offset_share` of the true
    event's length, whichever is more. Each event counts once: of all ways to pair them, one with
    the most pairs is taken.

    Parameters
    ----------
    y_true : DataFrame
        The events that there are, one a row: ``path``, ``onset`` and ``offset`` (seconds),
        ``label``. Events of one label may overlap.
    y_pred : DataFrame
        The events that were predicted, with the same columns.
    onset_collar : float, default=0.2
        How far onsets may lie apart, in seconds.
    offset_collar : float or None, default=0.2
        How far offsets may lie apart, in seconds. None does not look at offsets.
    offset_share : float, default=0.5
        How far offsets may lie apart, as a share of the true event's length.
    labels : array-like of shape (n_classes,), default=None
        The labels to report, in this order; no others may occur. None: those that occur, sorted.
    durations : float, or dict or Series of floats by path, default=None
        The lengths of the recordings in seconds. Events that do not fit into them and paths that
        have none are errors. None checks neither.

    Returns
    -------
    report : DataFrame of shape (n_classes, 9)
        One row a class, by label: ``n_true`` and ``n_pred`` (events), ``n_hits`` (pairs),
        ``precision``, ``recall``, ``f1``, ``error_rate``, ``deletion_rate`` (missed events per true
        one) and ``insertion_rate`` (false alarms per true one). The rates of a label that `y_true`
        has not are NaN; of one that `y_pred` has not, precision, recall and F1 are 0.

    See Also
    --------
    event_scores : The scores over all classes.
    intersection_report : The same without collars, by shares of overlap.

    Examples
    --------
    >>> import pandas as pd
    >>> from sk_audioevents.metrics import event_report
    >>> columns = ["path", "onset", "offset", "label"]
    >>> y_true = pd.DataFrame([("a", 1.0, 2.0, "dog"), ("b", 0.0, 1.0, "cat")], columns=columns)
    >>> y_pred = pd.DataFrame([("a", 1.1, 2.4, "dog"), ("a", 4.0, 5.0, "dog")], columns=columns)
    >>> event_report(y_true, y_pred)[["n_true", "n_pred", "n_hits", "precision", "recall"]]
           n_true  n_pred  n_hits  precision  recall
    label
    cat         1       0       0        0.0     0.0
    dog         1       2       1        0.5     1.0
    """
    true, pred, labels = check_event_sets(
        y_true, y_pred, name="event_report", labels=labels, durations=durations
    )
    tolerance = (onset_collar, offset_collar, offset_share)
    counts, _ = _count(true, pred, labels, tolerance)
    return detection_report(counts, error_rates=True)


@validate_params(PARAMETERS, prefer_skip_nested_validation=True)
def event_scores(
    y_true,
    y_pred,
    *,
    onset_collar=0.2,
    offset_collar=0.2,
    offset_share=0.5,
    labels=None,
    durations=None,
):
    """Compute event-based F1 and error rate over all classes.

    Parameters
    ----------
    y_true : DataFrame
        The events that there are, as for `event_report`.
    y_pred : DataFrame
        The events that were predicted, as for `event_report`.
    onset_collar : float, default=0.2
        How far onsets may lie apart, in seconds.
    offset_collar : float or None, default=0.2
        How far offsets may lie apart, in seconds. None does not look at offsets.
    offset_share : float, default=0.5
        How far offsets may lie apart, as a share of the true event's length.
    labels : array-like of shape (n_classes,), default=None
        The labels that may occur. None: those that do.
    durations : float, or dict or Series of floats by path, default=None
        The lengths of the recordings in seconds, against which events are checked.

    Returns
    -------
    scores : dict of str to float
        ``precision``, ``recall`` and ``f1``, each as ``..._micro`` (of all events) and
        ``..._macro`` (the mean over the classes that `y_true` has); ``error_rate``,
        ``substitution_rate``, ``deletion_rate``, ``insertion_rate``; ``n_true``, ``n_pred``,
        ``n_classes`` and ``n_scored_classes`` (that `y_true` has). Where `y_true` has no events,
        all scores are NaN, with an UndefinedMetricWarning; where `y_pred` has none, precision,
        recall and F1 are 0 and the error rate is 1.

    Notes
    -----
    A missed event and a false alarm of another label, at the same time within the same tolerance,
    are one substitution, not a deletion and an insertion. Substitutions are counted among the
    events that the pairing left over. Where several pairings have equally many pairs, this number
    may depend on which was taken; precision, recall and F1 do not.

    References
    ----------
    .. [1] A. Mesaros, T. Heittola and T. Virtanen, "Metrics for polyphonic sound event detection",
       Applied Sciences 6(6), 2016, doi:10.3390/app6060162, section 3.2.

    Examples
    --------
    >>> import pandas as pd
    >>> from sk_audioevents.metrics import event_scores
    >>> columns = ["path", "onset", "offset", "label"]
    >>> y_true = pd.DataFrame([("a", 1.0, 2.0, "dog"), ("b", 0.0, 1.0, "cat")], columns=columns)
    >>> y_pred = pd.DataFrame([("a", 1.1, 2.4, "dog"), ("a", 4.0, 5.0, "dog")], columns=columns)
    >>> scores = event_scores(y_true, y_pred)
    >>> scores["f1_micro"], round(scores["f1_macro"], 3), scores["error_rate"]
    (0.5, 0.333, 1.0)
    """
    true, pred, labels = check_event_sets(
        y_true, y_pred, name="event_scores", labels=labels, durations=durations
    )
    tolerance = (onset_collar, offset_collar, offset_share)
    counts, matched = _count(true, pred, labels, tolerance)
    is_missed, is_false = np.ones(len(true), dtype=bool), np.ones(len(pred), dtype=bool)
    is_missed[matched[0]], is_false[matched[1]] = False, False
    substituted, _ = _match(true.take(is_missed), pred.take(is_false), tolerance, same_label=False)
    counts = replace(counts, n_substitutions=len(substituted))
    return detection_scores(counts, name="event_scores", error_rates=True)


def _count(true, pred, labels, tolerance):
    """Return the counts, and which true and predicted events are pairs."""
    matched = _match(true, pred, tolerance, same_label=True)
    n_true, n_pred, n_hits = (
        np.bincount(numbers, minlength=len(labels))
        for numbers in (true.label, pred.label, true.label[matched[0]])
    )
    return DetectionCounts(labels, n_true, n_pred, n_hits, n_pred - n_hits), matched


def _match(true, pred, tolerance, same_label):
    """Return the indices of the most pairs of events within the tolerance, each event once."""
    onset_collar, offset_collar, offset_share = tolerance
    n_labels = 1 + max(true.label.max(initial=0), pred.label.max(initial=0))
    groups = [
        events.file * n_labels + events.label if same_label else events.file
        for events in (true, pred)
    ]
    order = np.lexsort((pred.onset, groups[1]))
    i, j = pairs_in_windows(
        groups[0],
        true.onset - onset_collar,
        true.onset + onset_collar,
        groups[1][order],
        pred.onset[order],
        pred.onset[order],
    )
    j = order[j]
    near = np.abs(true.onset[i] - pred.onset[j]) <= onset_collar
    if offset_collar is not None:
        allowed = np.maximum(offset_collar, offset_share * (true.offset - true.onset)[i])
        near &= np.abs(true.offset[i] - pred.offset[j]) <= allowed
    i, j = i[near], j[near]
    graph = csr_array((np.ones(len(i), dtype=bool), (i, j)), shape=(len(true), len(pred)))
    partner = maximum_bipartite_matching(graph, perm_type="column")
    found = np.flatnonzero(partner >= 0)
    return found, partner[found]
