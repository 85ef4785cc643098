"""The scores of clips in one table, a row a class, and in one line, over all classes."""

from numbers import Real

import numpy as np
import pandas as pd

from sk_audioevents._base import validate_params
from sk_audioevents.metrics._clip_targets import check_clip_targets
from sk_audioevents.metrics._clips import CLIP_PARAMETERS, auc_to_d_prime, lwlrap, mean_of_scored
from sk_audioevents.metrics._ranking import rank_classes


@validate_params(
    CLIP_PARAMETERS | {"threshold": [Real, "array-like"]}, prefer_skip_nested_validation=True
)
def class_report(y_true, y_score, *, threshold=0.5, labels=None, sample_weight=None):
    """Tabulate how well each class is told apart.

    Parameters
    ----------
    y_true : array-like of shape (n_clips, n_classes) or (n_clips,)
        The truth: 1 where a clip has a class, 0 where it has not, NaN where that is not known
        (such a clip is left out for this class). Or the label of each clip.
    y_score : array-like of shape (n_clips, n_classes) or (n_clips,)
        The scores: higher is more likely. If 1-D, those of the second of two labels, and the table
        has one row.
    threshold : float or array-like of shape (n_classes,), default=0.5
        Scores above it count as detections, for precision, recall and F1; one for all or one each.
    labels : array-like of shape (n_classes,), default=None
        The names of the columns of `y_score`. None: the sorted labels that occur in a 1-D `y_true`;
        the column names of a table, else column numbers.
    sample_weight : array-like of shape (n_clips,), default=None
        The weights of the clips, not negative. None is 1 each.

    Returns
    -------
    report : DataFrame of shape (n_classes, 8)
        One row a class, by label:

        n_labelled, support, n_detected : float
            The clips that are labelled for the class, those that have it, and those that score
            above the threshold; their summed weights if there are weights.
        average_precision, auc : float
            Threshold-free, as in `mean_average_precision` and `mean_auc`.
        precision, recall, f1 : float
            At the threshold. The precision of a class that is never detected is 0.

        All scores of a class without support are NaN, and the AUC of a class without negatives.

    Raises
    ------
    ValueError
        If the threshold is NaN, or there is not one for each class.

    See Also
    --------
    clip_scores : The means over the classes.

    Examples
    --------
    >>> from sk_audioevents.metrics import class_report
    >>> y_true = [[1, 0, 0], [0, 1, 0], [1, 1, 0]]
    >>> y_score = [[0.9, 0.2, 0.1], [0.1, 0.8, 0.3], [0.7, 0.1, 0.2]]
    >>> report = class_report(y_true, y_score, labels=["cat", "dog", "owl"])
    >>> report[["support", "average_precision", "auc", "recall"]].round(2)
           support  average_precision  auc  recall
    label
    cat      2.0               1.00  1.0     1.0
    dog      2.0               0.83  0.5     0.5
    owl      0.0                NaN  NaN     NaN
    """
    targets = check_clip_targets(
        y_true, y_score, name="class_report", labels=labels, sample_weight=sample_weight
    )
    average_precision, auc = rank_classes(targets)
    detected = targets.score > _check_threshold(threshold, targets.score.shape[1])
    negative = targets.negative
    support, n_negative, n_hits, n_false = (
        _sum_clips(clips, targets.weight)
        for clips in (
            targets.positive,
            negative,
            detected & targets.positive,
            detected & negative,
        )
    )
    n_detected = n_hits + n_false
    scored = np.where(support > 0, 1.0, np.nan)
    return pd.DataFrame(
        {
            "n_labelled": support + n_negative,
            "support": support,
            "n_detected": n_detected,
            "average_precision": average_precision,
            "auc": auc,
            "precision": scored * _divide(n_hits, n_detected),
            "recall": scored * _divide(n_hits, support),
            "f1": scored * _divide(2 * n_hits, support + n_detected),
        },
        index=pd.Index(targets.labels, name="label"),
    )


@validate_params(CLIP_PARAMETERS, prefer_skip_nested_validation=True)
def clip_scores(y_true, y_score, *, labels=None, sample_weight=None):
    """Compute the usual scores over all classes at once.

    Parameters
    ----------
    y_true : array-like of shape (n_clips, n_classes) or (n_clips,)
        The truth, as for `class_report`.
    y_score : array-like of shape (n_clips, n_classes) or (n_clips,)
        The scores, as for `class_report`.
    labels : array-like of shape (n_classes,), default=None
        The names of the columns of `y_score`. None: the sorted labels that occur in a 1-D `y_true`.
    sample_weight : array-like of shape (n_clips,), default=None
        The weights of the clips, not negative. None is 1 each.

    Returns
    -------
    scores : dict of str to float
        ``mean_average_precision``, ``mean_auc``, ``d_prime``, ``lwlrap``, as the functions of these
        names compute them, and how many classes there are: ``n_classes``, ``n_scored_classes``
        (with positives) and ``n_auc_classes`` (with positives and negatives). A score of nothing is
        NaN.

    See Also
    --------
    class_report : The scores of each class.

    Examples
    --------
    >>> from sk_audioevents.metrics import clip_scores
    >>> y_true = [[1, 0, 0], [0, 1, 0], [1, 1, 0]]
    >>> y_score = [[0.9, 0.2, 0.1], [0.1, 0.8, 0.3], [0.7, 0.1, 0.2]]
    >>> scores = clip_scores(y_true, y_score)
    >>> round(scores["mean_average_precision"], 3), scores["n_classes"], scores["n_scored_classes"]
    (0.917, 3, 2)
    """
    targets = check_clip_targets(
        y_true, y_score, name="clip_scores", labels=labels, sample_weight=sample_weight
    )
    average_precision, auc = rank_classes(targets)
    mauc = mean_of_scored(auc)
    return {
        "mean_average_precision": mean_of_scored(average_precision),
        "mean_auc": mauc,
        "d_prime": auc_to_d_prime(mauc),
        "lwlrap": lwlrap(y_true, y_score, labels=labels, sample_weight=sample_weight)
        if targets.positive.any()
        else np.nan,
        "n_classes": len(average_precision),
        "n_scored_classes": int(np.isfinite(average_precision).sum()),
        "n_auc_classes": int(np.isfinite(auc).sum()),
    }


def _check_threshold(threshold, n_classes):
    thresholds = np.asarray(threshold, dtype=np.float64)
    if thresholds.shape not in ((), (n_classes,)) or np.isnan(thresholds).any():
        raise ValueError(
            "The 'threshold' parameter of class_report must be a number or one for each of the "
            f"{n_classes} classes. Got {threshold!r} instead."
        )
    return thresholds


def _sum_clips(clips, weight):
    """Return how many clips are True in each column, or what they weigh."""
    return clips.sum(axis=0, dtype=np.float64) if weight is None else weight @ clips


def _divide(numerator, denominator):
    """Divide, with 0 / 0 = 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
