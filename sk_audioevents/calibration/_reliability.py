"""How far predicted probabilities are from what then happens, class by class."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import type_of_target

from sk_audioevents._base import Interval, StrOptions, validate_params

_PARAMETERS = {
    "y_true": ["array-like", "sparse matrix"],
    "y_prob": ["array-like"],
    "labels": ["array-like", None],
    "n_bins": [Interval(Integral, 1, None, closed="left")],
    "strategy": [StrOptions({"uniform", "quantile"})],
}


@validate_params(_PARAMETERS, prefer_skip_nested_validation=True)
def calibration_table(y_true, y_prob, *, labels=None, n_bins=10, strategy="uniform"):
    """Tabulate how often each class was right, by the probability that it was given.

    Of the clips to which a calibrated classifier gives a class with probability 0.7, 70 % are of
    the class.

    Parameters
    ----------
    y_true : array-like of shape (n_clips,) or (n_clips, n_classes)
        The labels, or a 0/1 indicator for clips with several labels.
    y_prob : array-like of shape (n_clips, n_classes) or (n_clips,)
        The probability of each class, 0 to 1, as ``predict_proba`` gives it; 1-D is that of the
        second of two classes.
    labels : array-like of shape (n_classes,), default=None
        The class of each column of `y_prob`: ``classes_`` of the classifier. None is the sorted
        labels of `y_true`, or the column numbers of an indicator.
    n_bins : int, default=10
        Number of bins of probabilities, at least 1.
    strategy : {"uniform", "quantile"}, default="uniform"
        Whether bins are equally wide, or hold equally many clips of each class's probabilities. A
        value on the edge of two bins belongs to the lower one.

    Returns
    -------
    table : DataFrame
        One row for each class and bin that holds a clip, with the columns

        - label: the class;
        - lower, upper: the edges of the bin;
        - n_clips: how many clips have a probability in it;
        - mean_probability: their mean probability;
        - frequency: the share of them that are of the class.

    Raises
    ------
    ValueError
        If a probability is not in the range from 0 to 1, or the shapes or labels do not fit.

    See Also
    --------
    expected_calibration_error : The differences of the last two columns, in one number.
    sklearn.calibration.calibration_curve : The last two columns, for one class.

    Examples
    --------
    >>> from sk_audioevents.calibration import calibration_table
    >>> y_prob = [0.1, 0.2, 0.3, 0.6, 0.8, 0.9]
    >>> table = calibration_table([0, 0, 1, 1, 1, 1], y_prob, n_bins=2)
    >>> table[["label", "lower", "upper", "n_clips", "mean_probability", "frequency"]].round(2)
       label  lower  upper  n_clips  mean_probability  frequency
    0      1    0.0    0.5        3              0.20       0.33
    1      1    0.5    1.0        3              0.77       1.00
    """
    present, y_prob, labels = _check(y_true, y_prob, labels, "calibration_table")
    tables = [
        _bin(present[:, i], y_prob[:, i], n_bins, strategy).assign(label=labels[i])
        for i in range(len(labels))
    ]
    columns = ["label", "lower", "upper", "n_clips", "mean_probability", "frequency"]
    return pd.concat(tables, ignore_index=True)[columns]


@validate_params(
    _PARAMETERS | {"average": [StrOptions({"macro", "top_label"}), None]},
    prefer_skip_nested_validation=True,
)
def expected_calibration_error(
    y_true, y_prob, *, labels=None, n_bins=10, strategy="uniform", average="macro"
):
    r"""Compute the mean difference between probabilities and what then happens.

    Parameters
    ----------
    y_true : array-like of shape (n_clips,) or (n_clips, n_classes)
        The labels, or a 0/1 indicator for clips with several labels.
    y_prob : array-like of shape (n_clips, n_classes) or (n_clips,)
        The probability of each class, 0 to 1, as ``predict_proba`` gives it; 1-D is that of the
        second of two classes.
    labels : array-like of shape (n_classes,), default=None
        The class of each column of `y_prob`: ``classes_`` of the classifier. None is the sorted
        labels of `y_true`, or the column numbers of an indicator.
    n_bins : int, default=10
        Number of bins of probabilities, at least 1.
    strategy : {"uniform", "quantile"}, default="uniform"
        Whether bins are equally wide, or hold equally many clips.
    average : {"macro", "top_label"} or None, default="macro"
        What is returned: the mean over classes, each against all others; the error of the
        probability of the most probable class alone, for 1-D `y_true` only; or (None) the error of
        each class.

    Returns
    -------
    error : float or Series of shape (n_classes,)
        From 0, calibrated, to 1. With ``average=None`` a Series by label.

    Raises
    ------
    ValueError
        If a probability is not in the range from 0 to 1, or the shapes or labels do not fit.

    See Also
    --------
    calibration_table : The bins that the error is the sum of.

    Notes
    -----
    With :math:`n_b` of :math:`n` clips in bin :math:`b`, their mean probability :math:`p_b` and the
    share :math:`f_b` of them that are of the class,

    .. math:: \mathrm{ECE} = \sum_b \frac{n_b}{n} \, |f_b - p_b|.

    A finite number of clips has an error above 0 even where the probabilities are right, the more
    so the more bins: compare classifiers on the same clips and bins. Where a class is rare, most of
    its probabilities lie in the lowest of equally wide bins; "quantile" looks into that.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
       networks", ICML 2017, equation 3 (top label).
    .. [2] J. Nixon, M. W. Dusenberry, L. Zhang, G. Jerfel and D. Tran, "Measuring calibration in
       deep learning", CVPR Workshops 2019 (classes one by one, bins of equal mass).

    Examples
    --------
    >>> from sk_audioevents.calibration import expected_calibration_error
    >>> y_prob = [[0.8, 0.2], [0.8, 0.2], [0.8, 0.2], [0.4, 0.6], [0.4, 0.6]]
    >>> error = expected_calibration_error(["cat", "cat", "dog", "dog", "dog"], y_prob)
    >>> round(float(error), 2)
    0.24
    """
    name = "expected_calibration_error"
    present, y_prob, labels = _check(y_true, y_prob, labels, name)
    if average == "top_label":
        present, y_prob = _top_label(present, y_prob, type_of_target(y_true), name)
        labels = labels[:1]
    errors = [
        _error(_bin(present[:, i], y_prob[:, i], n_bins, strategy)) for i in range(len(labels))
    ]
    if average is None:
        return pd.Series(errors, index=pd.Index(labels, name="label"), name="error")
    return float(np.mean(errors))


def _check(y_true, y_prob, labels, name):
    """Return what is present, its probability, both (n_clips, n_classes), and the classes."""
    y_prob = check_array(y_prob, ensure_2d=False, dtype=np.float64, input_name="y_prob")
    check_consistent_length(y_true, y_prob)
    if y_prob.min() < 0 or y_prob.max() > 1:
        worst = y_prob.min() if y_prob.min() < 0 else y_prob.max()
        raise ValueError(
            f"The 'y_prob' parameter of {name} must be in the range from 0 to 1. Got {worst:g}: is "
            "it the decision_function?"
        )
    kind = type_of_target(y_true, input_name="y_true")
    if kind == "multilabel-indicator":
        present = check_array(y_true, accept_sparse=True)
        present = (present.toarray() if hasattr(present, "toarray") else present) != 0
        labels = np.arange(present.shape[1]) if labels is None else np.asarray(labels)
        _check_shapes(present.shape[1], y_prob, labels, name)
        return present, y_prob, labels
    if kind not in ("binary", "multiclass"):
        raise ValueError(
            f"The 'y_true' parameter of {name} must be labels or a 0/1 indicator. Got a {kind!r} "
            "array instead."
        )
    y_true = column_or_1d(y_true)
    labels = np.unique(y_true) if labels is None else np.asarray(labels)
    unknown = np.setdiff1d(y_true, labels)
    if len(unknown):
        raise ValueError(
            f"The 'labels' parameter of {name} must hold all labels of y_true. "
            f"{unknown.tolist()[:5]} are not in it."
        )
    if y_prob.ndim == 1 and len(labels) == 2:
        labels, y_prob = labels[1:], y_prob[:, None]
    _check_shapes(len(labels), y_prob, labels, name)
    return y_true[:, None] == labels, y_prob, labels


def _check_shapes(n_classes, y_prob, labels, name):
    if y_prob.ndim != 2 or y_prob.shape[1] != n_classes or labels.shape != (n_classes,):
        raise ValueError(
            f"The 'y_prob' parameter of {name} must have one column for each class. Got shape "
            f"{y_prob.shape} for {n_classes} classes and {labels.size} labels: if a class is not "
            "in y_true, pass the classes_ of the classifier as labels."
        )


def _top_label(present, y_prob, kind, name):
    """Return whether the most probable class is present, and its probability, (n_clips, 1)."""
    if kind == "multilabel-indicator":
        raise ValueError(
            f"The 'average' parameter of {name} must be 'macro' or None for a multi-label y_true. "
            "Got 'top_label' instead."
        )
    if y_prob.shape[1] == 1:  # the second of two classes
        y_prob, present = np.hstack([1 - y_prob, y_prob]), np.hstack([~present, present])
    top = y_prob.argmax(axis=1)[:, None]
    return np.take_along_axis(present, top, axis=1), np.take_along_axis(y_prob, top, axis=1)


def _bin(present, probability, n_bins, strategy):
    """Return the bins of one class that hold clips."""
    edges = np.linspace(0, 1, n_bins + 1)
    if strategy == "quantile":
        edges = np.quantile(probability, edges)
    bins = np.searchsorted(edges[1:-1], probability)
    n_clips = np.bincount(bins, minlength=n_bins)
    with np.errstate(invalid="ignore"):  # 0 / 0 in bins without clips
        table = pd.DataFrame(
            {
                "lower": edges[:-1],
                "upper": edges[1:],
                "n_clips": n_clips,
                "mean_probability": np.bincount(bins, probability, n_bins) / n_clips,
                "frequency": np.bincount(bins, present, n_bins) / n_clips,
            }
        )
    return table[n_clips > 0]


def _error(table):
    gaps = (table["frequency"] - table["mean_probability"]).abs()
    return float((table["n_clips"] * gaps).sum() / table["n_clips"].sum())
