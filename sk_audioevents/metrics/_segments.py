"""Segment-based metrics: which labels are active in each second.

A. Mesaros, T. Heittola and T. Virtanen, "Metrics for polyphonic sound event detection", Applied
Sciences 6(6), 2016, doi:10.3390/app6060162.
"""

from numbers import Real

import numpy as np

from sk_audioevents._base import Interval, validate_params
from sk_audioevents.metrics._detection_scores import (
    DetectionCounts,
    detection_report,
    detection_scores,
)
from sk_audioevents.metrics._event_sets import EVENT_PARAMETERS, check_event_sets

PARAMETERS = EVENT_PARAMETERS | {"resolution": [Interval(Real, 0, None, closed="neither")]}
ROUNDING = 1e-6  # segments; 0.3 s is the third edge of segments of 0.1 s, though 0.3 / 0.1 < 3


@validate_params(PARAMETERS, prefer_skip_nested_validation=True)
def segment_report(y_true, y_pred, *, resolution=1.0, labels=None, durations=None):
    """Tabulate how well the segments in which each label is active are found.

    Parameters
    ----------
    y_true : DataFrame
        The events that there are, one a row: ``path``, ``onset`` and ``offset`` (seconds),
        ``label``.
    y_pred : DataFrame
        The events that were predicted, with the same columns.
    resolution : float, default=1.0
        The length of a segment in seconds, above 0. A label is active in each segment that one of
        its events touches.
    labels : array-like of shape (n_classes,), default=None
        The labels to report, in this order; no others may occur. None: those that occur, sorted.
    durations : float, or dict or Series of floats by path, default=None
        The lengths of the recordings in seconds. Events that do not fit into them and paths that
        have none are errors. None checks neither.

    Returns
    -------
    report : DataFrame of shape (n_classes, 9)
        One row a class, by label: ``n_true`` and ``n_pred`` (active segments), ``n_hits``,
        ``precision``, ``recall``, ``f1``, ``error_rate``, ``deletion_rate`` (missed segments per
        true one) and ``insertion_rate`` (false segments per true one). The rates of a label that
        `y_true` has not are NaN; of one that `y_pred` has not, precision, recall and F1 are 0.

    See Also
    --------
    segment_scores : The scores over all classes.
    event_report : Scores of whole events in place of segments.

    Examples
    --------
    >>> import pandas as pd
    >>> from sk_audioevents.metrics import segment_report
    >>> columns = ["path", "onset", "offset", "label"]
    >>> y_true = pd.DataFrame([("a", 0.2, 3.5, "dog"), ("a", 1.0, 2.0, "cat")], columns=columns)
    >>> y_pred = pd.DataFrame([("a", 1.1, 4.5, "dog")], columns=columns)
    >>> segment_report(y_true, y_pred)[["n_true", "n_pred", "n_hits", "f1", "error_rate"]]
           n_true  n_pred  n_hits    f1  error_rate
    label
    cat         1       0       0  0.00         1.0
    dog         4       4       3  0.75         0.5
    """
    counts = _count(y_true, y_pred, resolution, labels, durations, "segment_report")
    return detection_report(counts, error_rates=True)


@validate_params(PARAMETERS, prefer_skip_nested_validation=True)
def segment_scores(y_true, y_pred, *, resolution=1.0, labels=None, durations=None):
    r"""Compute segment-based F1 and error rate over all classes.

    In each segment, with :math:`N` true labels, :math:`M` predicted ones and :math:`H` common to
    both, :math:`S = \min(N, M) - H` labels are substituted by others, :math:`D = \max(0, N - M)`
    are deleted and :math:`I = \max(0, M - N)` inserted. The error rate is the sum of these over all
    segments, divided by that of :math:`N`; it may exceed 1.

    Parameters
    ----------
    y_true : DataFrame
        The events that there are, as for `segment_report`.
    y_pred : DataFrame
        The events that were predicted, as for `segment_report`.
    resolution : float, default=1.0
        The length of a segment in seconds, above 0.
    labels : array-like of shape (n_classes,), default=None
        The labels that may occur. None: those that do.
    durations : float, or dict or Series of floats by path, default=None
        The lengths of the recordings in seconds, against which events are checked.

    Returns
    -------
    scores : dict of str to float
        ``precision``, ``recall`` and ``f1``, each as ``..._micro`` (of all segments of all classes)
        and ``..._macro`` (the mean over the classes that `y_true` has); ``error_rate``,
        ``substitution_rate``, ``deletion_rate``, ``insertion_rate``; ``n_true``, ``n_pred``,
        ``n_classes`` and ``n_scored_classes`` (that `y_true` has). Where `y_true` has no events,
        all scores are NaN, with an UndefinedMetricWarning; where `y_pred` has none, precision,
        recall and F1 are 0 and the error rate is 1.

    References
    ----------
    .. [1] A. Mesaros, T. Heittola and T. Virtanen, "Metrics for polyphonic sound event detection",
       Applied Sciences 6(6), 2016, doi:10.3390/app6060162, section 3.1.

    Examples
    --------
    >>> import pandas as pd
    >>> from sk_audioevents.metrics import segment_scores
    >>> columns = ["path", "onset", "offset", "label"]
    >>> y_true = pd.DataFrame([("a", 0.2, 3.5, "dog")], columns=columns)
    >>> y_pred = pd.DataFrame([("a", 1.1, 4.5, "dog")], columns=columns)
    >>> scores = segment_scores(y_true, y_pred)
    >>> scores["f1_micro"], scores["error_rate"]
    (0.75, 0.5)
    """
    counts = _count(y_true, y_pred, resolution, labels, durations, "segment_scores")
    return detection_scores(counts, name="segment_scores", error_rates=True)


def _count(y_true, y_pred, resolution, labels, durations, name):
    true, pred, labels = check_event_sets(
        y_true, y_pred, name=name, labels=labels, durations=durations
    )
    n_labels = max(1, len(labels))
    (first_true, end_true), (first_pred, end_pred) = (
        _segment_range(events, resolution) for events in (true, pred)
    )
    n_segments = max(end_true.max(initial=1), end_pred.max(initial=1))
    active_true = _active(true, first_true, end_true, n_segments, n_labels)
    active_pred = _active(pred, first_pred, end_pred, n_segments, n_labels)
    hits = np.intersect1d(active_true, active_pred, assume_unique=True)
    n_true, n_pred, n_hits = (
        np.bincount(active % n_labels, minlength=len(labels))
        for active in (active_true, active_pred, hits)
    )
    return DetectionCounts(
        labels=labels,
        n_true=n_true,
        n_pred=n_pred,
        n_hits=n_hits,
        n_false=n_pred - n_hits,
        n_substitutions=_count_substitutions(
            active_true // n_labels, active_pred // n_labels, len(hits)
        ),
    )


def _segment_range(events, resolution):
    """Return the first segment that each event touches, and the one after the last."""
    onset, offset = events.onset / resolution, events.offset / resolution
    first = np.floor(onset + ROUNDING).astype(np.int64)
    return first, np.maximum(np.ceil(offset - ROUNDING).astype(np.int64), first + 1)


def _active(events, first, end, n_segments, n_labels):
    """Return the sorted numbers (file, segment, label) of what is active."""
    n_touched = end - first
    event = np.repeat(np.arange(len(events)), n_touched)
    step = np.arange(len(event)) - np.repeat(np.cumsum(n_touched) - n_touched, n_touched)
    segment = events.file[event] * n_segments + first[event] + step
    return np.unique(segment * n_labels + events.label[event])


def _count_substitutions(true_segments, pred_segments, n_hits):
    """Return the sum over the segments of min(N, M) - H."""
    segments, n_true = np.unique(true_segments, return_counts=True)
    others, n_pred = np.unique(pred_segments, return_counts=True)
    _, at_true, at_pred = np.intersect1d(segments, others, assume_unique=True, return_indices=True)
    return int(np.minimum(n_true[at_true], n_pred[at_pred]).sum()) - n_hits
