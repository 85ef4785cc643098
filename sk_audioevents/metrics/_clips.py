"""Metrics per clip: how well scores rank clips within a class, and classes within a clip."""

import warnings
from numbers import Integral, Real

import numpy as np
from scipy.special import ndtri
from sklearn.exceptions import UndefinedMetricWarning

from sk_audioevents._base import Interval, StrOptions, validate_params
from sk_audioevents.metrics._clip_targets import check_clip_targets
from sk_audioevents.metrics._ranking import choose_search, rank_classes, rank_clips

CLIP_PARAMETERS = {
    "y_true": ["array-like"],
    "y_score": ["array-like"],
    "labels": ["array-like", None],
    "sample_weight": ["array-like", None],
}
AVERAGE = {"average": [StrOptions({"macro", "micro"}), None]}
ENTRIES = 2**24  # scores that are compared at a time


@validate_params(
    CLIP_PARAMETERS | {"threshold": [Interval(Real, None, None, closed="neither")]},
    prefer_skip_nested_validation=True,
)
def accuracy(y_true, y_score, *, threshold=0.5, labels=None, sample_weight=None):
    """Compute the share of clips that are labelled right, from scores.

    Of clips with one label each, those whose label scores highest; of clips with several, those for
    which all classes are right (scikit-learn's subset accuracy).

    Parameters
    ----------
    y_true : array-like of shape (n_clips, n_classes) or (n_clips,)
        The truth: 1 where a clip has a class, 0 where it has not, NaN where that is not known
        (which is neither right nor wrong). Or the label of each clip.
    y_score : array-like of shape (n_clips, n_classes) or (n_clips,)
        The scores. If 1-D, probabilities of the second of two labels.
    threshold : float, default=0.5
        The score above which a clip has a class. Only for an indicator.
    labels : array-like of shape (n_classes,), default=None
        For 1-D `y_true`, the labels in the order of the columns of `y_score`. None: the sorted
        labels that occur.
    sample_weight : array-like of shape (n_clips,), default=None
        The weights of the clips, not negative. None is 1 each.

    Returns
    -------
    score : float
        From 0 to 1, higher is better.

    See Also
    --------
    sklearn.metrics.accuracy_score : The same from predicted labels.

    Examples
    --------
    >>> from sk_audioevents.metrics import accuracy
    >>> accuracy(["dog", "cat", "owl"], [[0.1, 0.6, 0.3], [0.5, 0.3, 0.2], [0.2, 0.5, 0.3]])
    0.6666666666666666
    >>> accuracy([[1, 0], [1, 1]], [[0.9, 0.2], [0.8, 0.4]])
    0.5
    """
    targets = check_clip_targets(
        y_true,
        y_score,
        name="accuracy",
        labels=labels,
        sample_weight=sample_weight,
        both_classes=True,
    )
    if np.ndim(y_true) == 1:
        highest = targets.score.argmax(axis=1)
        right = targets.positive[np.arange(len(highest)), highest]
    else:
        wrong = (targets.score > threshold) != targets.positive
        wrong = wrong if targets.labelled is None else wrong & targets.labelled
        right = ~wrong.any(axis=1)
    return float(np.average(right, weights=targets.weight))


@validate_params(CLIP_PARAMETERS | AVERAGE, prefer_skip_nested_validation=True)
def mean_average_precision(y_true, y_score, *, average="macro", labels=None, sample_weight=None):
    """Compute the mean over the classes of the average precision (mAP).

    A class without positives has no average precision and is left out of the mean, where
    scikit-learn's `average_precision_score` counts it as 0.

    Parameters
    ----------
    y_true : array-like of shape (n_clips, n_classes) or (n_clips,)
        The truth: 1 where a clip has a class, 0 where it has not, NaN where that is not known
        (such a clip is left out for this class). Or the label of each clip.
    y_score : array-like of shape (n_clips, n_classes) or (n_clips,)
        The scores, of any range: higher is more likely. If 1-D, those of the second of two labels,
        and the score is that of this class alone.
    average : {"macro", "micro"} or None, default="macro"
        The mean over the classes, the score of all clips and classes as if they were one class, or
        the score of each class, NaN where there is none: ``np.isfinite(...).sum()`` tells how many
        classes the mean is of.
    labels : array-like of shape (n_classes,), default=None
        For 1-D `y_true`, the labels in the order of the columns of `y_score`. None: the sorted
        labels that occur.
    sample_weight : array-like of shape (n_clips,), default=None
        The weights of the clips, not negative. None is 1 each.

    Returns
    -------
    score : float or ndarray of shape (n_classes,)
        From 0 to 1, higher is better; chance level is the share of positives. NaN with an
        UndefinedMetricWarning if no class has positives.

    See Also
    --------
    class_report : The scores of each class in a table.
    mean_auc : The area under the ROC curve, whose chance level is 0.5 for all classes.

    References
    ----------
    .. [1] J. F. Gemmeke et al., "Audio Set: an ontology and human-labeled dataset for audio
       events", ICASSP 2017.

    Examples
    --------
    >>> from sk_audioevents.metrics import mean_average_precision
    >>> y_true = [[1, 0, 0], [0, 1, 0], [1, 1, 0]]
    >>> y_score = [[0.9, 0.2, 0.1], [0.1, 0.8, 0.3], [0.7, 0.1, 0.2]]
    >>> mean_average_precision(y_true, y_score, average=None).round(3)
    array([1.   , 0.833,   nan])
    >>> round(mean_average_precision(y_true, y_score), 3)
    0.917
    """
    name = "mean_average_precision"
    targets = check_clip_targets(
        y_true, y_score, name=name, labels=labels, sample_weight=sample_weight
    )
    score = _average(targets, average, 0)
    if average is not None and np.isnan(score):
        return _undefined(name, "class has positives")
    return score


@validate_params(CLIP_PARAMETERS | AVERAGE, prefer_skip_nested_validation=True)
def mean_auc(y_true, y_score, *, average="macro", labels=None, sample_weight=None):
    """Compute the mean over the classes of the area under the ROC curve (MAUC).

    A class without positives or without negatives has no such area and is left out of the mean.

    Parameters
    ----------
    y_true : array-like of shape (n_clips, n_classes) or (n_clips,)
        The truth: 1 where a clip has a class, 0 where it has not, NaN where that is not known
        (such a clip is left out for this class). Or the label of each clip.
    y_score : array-like of shape (n_clips, n_classes) or (n_clips,)
        The scores, of any range: higher is more likely. If 1-D, those of the second of two labels.
    average : {"macro", "micro"} or None, default="macro"
        The mean over the classes, the score of all clips and classes as if they were one class, or
        the score of each class, NaN where there is none.
    labels : array-like of shape (n_classes,), default=None
        For 1-D `y_true`, the labels in the order of the columns of `y_score`. None: the sorted
        labels that occur.
    sample_weight : array-like of shape (n_clips,), default=None
        The weights of the clips, not negative. None is 1 each.

    Returns
    -------
    score : float or ndarray of shape (n_classes,)
        The chance that a clip of the class scores higher than one of another, ties counted half:
        from 0 to 1, 0.5 for guessing. NaN with an UndefinedMetricWarning if no class has both.

    See Also
    --------
    d_prime : The same on a scale on which differences near 1 can be seen.

    Examples
    --------
    >>> from sk_audioevents.metrics import mean_auc
    >>> mean_auc(["dog", "cat", "dog", "cat"], [0.9, 0.2, 0.4, 0.6])  # scores of "dog"
    0.75
    """
    targets = check_clip_targets(
        y_true, y_score, name="mean_auc", labels=labels, sample_weight=sample_weight
    )
    score = _average(targets, average, 1)
    if average is not None and np.isnan(score):
        return _undefined("mean_auc", "class has positives and negatives")
    return score


@validate_params(CLIP_PARAMETERS, prefer_skip_nested_validation=True)
def d_prime(y_true, y_score, *, labels=None, sample_weight=None):
    r"""Compute the sensitivity index d' of the mean area under the ROC curve.

    It is the distance, in standard deviations, between two normal distributions with that area:

    .. math:: d' = \sqrt{2} \, \Phi^{-1}(\mathrm{MAUC})

    Parameters
    ----------
    y_true : array-like of shape (n_clips, n_classes) or (n_clips,)
        The truth, as for `mean_auc`.
    y_score : array-like of shape (n_clips, n_classes) or (n_clips,)
        The scores, as for `mean_auc`.
    labels : array-like of shape (n_classes,), default=None
        For 1-D `y_true`, the labels in the order of the columns of `y_score`. None: the sorted
        labels that occur.
    sample_weight : array-like of shape (n_clips,), default=None
        The weights of the clips, not negative. None is 1 each.

    Returns
    -------
    score : float
        0 for guessing, 2.33 for an area of 0.95, infinite for one of 1. NaN where `mean_auc` is.

    References
    ----------
    .. [1] S. Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017,
       arXiv:1609.09430, section 4.

    Examples
    --------
    >>> from sk_audioevents.metrics import d_prime
    >>> round(d_prime(["dog", "cat", "dog", "cat"], [0.9, 0.2, 0.4, 0.6]), 3)
    0.954
    """
    targets = check_clip_targets(
        y_true, y_score, name="d_prime", labels=labels, sample_weight=sample_weight
    )
    auc = _average(targets, "macro", 1)
    if np.isnan(auc):
        return _undefined("d_prime", "class has positives and negatives")
    return auc_to_d_prime(auc)


@validate_params(
    CLIP_PARAMETERS | {"average": [StrOptions({"weighted"}), None]},
    prefer_skip_nested_validation=True,
)
def lwlrap(y_true, y_score, *, average="weighted", labels=None, sample_weight=None):
    """Compute the label-weighted label-ranking average precision (lwlrap).

    For each label of a clip it takes the classes that score no lower than this label, and asks
    which share of them the clip has. The score is the mean over all labels of all clips.

    Parameters
    ----------
    y_true : array-like of shape (n_clips, n_classes) or (n_clips,)
        The truth: 1 where a clip has a class, 0 where it has not, NaN where that is not known
        (such a class is left out of this clip's ranking). Or the label of each clip.
    y_score : array-like of shape (n_clips, n_classes) or (n_clips,)
        The scores, which must be comparable between classes. If 1-D, probabilities of the second of
        two labels.
    average : {"weighted"} or None, default="weighted"
        The mean over all labels, or the mean over the labels of each class, NaN for a class without
        any. Weighted by the number of labels of each class, the latter give the former.
    labels : array-like of shape (n_classes,), default=None
        For 1-D `y_true`, the labels in the order of the columns of `y_score`. None: the sorted
        labels that occur.
    sample_weight : array-like of shape (n_clips,), default=None
        The weights of the clips, not negative. None is 1 each.

    Returns
    -------
    score : float or ndarray of shape (n_classes,)
        From 0 to 1, higher is better. NaN with an UndefinedMetricWarning if no clip has a label.

    References
    ----------
    .. [1] E. Fonseca, M. Plakal, F. Font, D. P. W. Ellis and X. Serra, "Audio tagging with noisy
       labels and minimal supervision", DCASE 2019 workshop, arXiv:1906.02975.

    Examples
    --------
    >>> from sk_audioevents.metrics import lwlrap
    >>> round(lwlrap([[1, 0, 0], [0, 1, 1]], [[0.5, 0.9, 0.1], [0.9, 0.4, 0.5]]), 3)
    0.556
    """
    targets = check_clip_targets(
        y_true,
        y_score,
        name="lwlrap",
        labels=labels,
        sample_weight=sample_weight,
        both_classes=True,
    )
    clips, classes = np.nonzero(targets.positive)
    if len(clips) == 0 and average is not None:
        return _undefined("lwlrap", "clip has a label")
    weights = np.ones(len(clips)) if targets.weight is None else targets.weight[clips]
    precision = _label_precision(targets, clips, classes)
    if average is not None:
        return float(weights @ precision / weights.sum())
    n_classes = len(targets.labels)
    sums = np.bincount(classes, weights, minlength=n_classes)
    means = np.full(n_classes, np.nan)
    weighted = np.bincount(classes, weights * precision, minlength=n_classes)
    return np.divide(weighted, sums, out=means, where=sums > 0)


@validate_params(
    CLIP_PARAMETERS | {"k": [Interval(Integral, 1, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def mean_average_precision_at_k(y_true, y_score, *, k=3, labels=None, sample_weight=None):
    r"""Compute the mean over the clips of the average precision at k (MAP@k).

    With one label a clip it is the mean of 1 / rank of this label, where ranks beyond k count 0.
    With :math:`n` labels,

    .. math:: AP@k = \frac{1}{\min(n, k)} \sum_{j=1}^{k} P(j) \, \mathrm{rel}(j)

    where :math:`P(j)` is the precision of the j highest scores, and :math:`\mathrm{rel}(j)` is 1 if
    the j-th is a label and 0 otherwise.

    Parameters
    ----------
    y_true : array-like of shape (n_clips, n_classes) or (n_clips,)
        The truth: 1 where a clip has a class, 0 where it has not, NaN where that is not known
        (such a class is left out of this clip's ranking). Or the label of each clip. Clips without
        any label are left out.
    y_score : array-like of shape (n_clips, n_classes) or (n_clips,)
        The scores, which must be comparable between classes. Of equal scores, those of labels come
        last: a classifier gains nothing from not deciding. If 1-D, probabilities of the second of
        two labels.
    k : int, default=3
        How many classes are looked at, at least 1.
    labels : array-like of shape (n_classes,), default=None
        For 1-D `y_true`, the labels in the order of the columns of `y_score`. None: the sorted
        labels that occur.
    sample_weight : array-like of shape (n_clips,), default=None
        The weights of the clips, not negative. None is 1 each.

    Returns
    -------
    score : float
        From 0 to 1, higher is better. NaN with an UndefinedMetricWarning if no clip has a label.

    References
    ----------
    .. [1] E. Fonseca et al., "General-purpose tagging of Freesound audio with AudioSet labels: task
       description, dataset, and baseline", DCASE 2018 workshop, arXiv:1807.09902.

    Examples
    --------
    >>> from sk_audioevents.metrics import mean_average_precision_at_k
    >>> y_score = [[0.6, 0.3, 0.1], [0.5, 0.4, 0.1]]
    >>> mean_average_precision_at_k(["cat", "dog"], y_score, labels=["cat", "dog", "owl"])
    0.75
    """
    name = "mean_average_precision_at_k"
    targets = check_clip_targets(
        y_true,
        y_score,
        name=name,
        labels=labels,
        sample_weight=sample_weight,
        both_classes=True,
    )
    n_labels = targets.positive.sum(axis=1)
    if not n_labels.any():
        return _undefined(name, "clip has a label")
    order = np.lexsort((targets.positive, -_rankable(targets)), axis=1)[:, :k]
    hits = np.take_along_axis(targets.positive, order, axis=1)
    precision = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    scored = n_labels > 0
    per_clip = (precision * hits).sum(axis=1)[scored] / np.minimum(n_labels[scored], k)
    weight = None if targets.weight is None else targets.weight[scored]
    return float(np.average(per_clip, weights=weight))


def _average(targets, average, which):
    """Return the average precision (which=0) or the AUC (1), averaged over the classes."""
    if average == "micro":
        known = slice(None) if targets.labelled is None else targets.labelled
        weight = targets.weight
        if weight is not None:
            weight = np.broadcast_to(weight[:, None], targets.score.shape)[known].ravel()
        positive, score = targets.positive[known].ravel(), targets.score[known].ravel()
        return float(rank_clips(positive, score, weight, choose_search(score.size))[which])
    scores = rank_classes(targets)[which]
    return scores if average is None else mean_of_scored(scores)


def auc_to_d_prime(auc):
    """Return the distance of two normal distributions with a certain area."""
    return float(np.sqrt(2) * ndtri(auc))


def mean_of_scored(scores):
    """Return the mean of those scores that are not NaN, NaN if there are none."""
    scored = scores[~np.isnan(scores)]
    return float(scored.mean()) if len(scored) else np.nan


def _undefined(name, what):
    warnings.warn(f"No {what}: {name} is NaN.", UndefinedMetricWarning, stacklevel=4)
    return np.nan


def _label_precision(targets, clips, classes):
    """Return the share of labels among the classes that score no lower than each label does."""
    scores = _rankable(targets)
    precision = np.empty(len(clips))
    step = max(1, ENTRIES // scores.shape[1])
    for start in range(0, len(clips), step):
        rows, columns = clips[start : start + step], classes[start : start + step]
        not_lower = scores[rows] >= scores[rows, columns][:, None]
        hits = (not_lower & targets.positive[rows]).sum(axis=1)
        precision[start : start + step] = hits / not_lower.sum(axis=1)
    return precision


def _rankable(targets):
    """Return scores in which classes that are not labelled come last."""
    if targets.labelled is None:
        return targets.score
    return np.where(targets.labelled, targets.score, -np.inf)
