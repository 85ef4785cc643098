"""Average precision and area under the ROC curve of all classes, ties included."""

import numpy as np

BLOCK = 64  # columns that are transposed together, so that rows are read in whole cache lines
MANY = 10**6  # scores from which on the compiled search is worth loading


def rank_classes(targets):
    """Return the average precision and the AUC of each class.

    Parameters
    ----------
    targets : ClipTargets
        Labels and scores.

    Returns
    -------
    average_precision : ndarray of shape (n_classes,)
        The average precisions; NaN for a class without positives.
    auc : ndarray of shape (n_classes,)
        The areas under the ROC curve; NaN for a class without positives or negatives.
    """
    find_places = choose_search(targets.score.size)
    n_classes = targets.score.shape[1]
    results = np.empty((n_classes, 2))
    for start in range(0, n_classes, BLOCK):
        block = slice(start, start + BLOCK)
        scores = np.ascontiguousarray(targets.score[:, block].T)
        positives = np.ascontiguousarray(targets.positive[:, block].T)
        labelled = None if targets.labelled is None else targets.labelled[:, block].T
        for i in range(len(scores)):
            known = slice(None) if labelled is None else labelled[i]
            weight = None if targets.weight is None else targets.weight[known]
            results[start + i] = rank_clips(
                positives[i][known], scores[i][known], weight, find_places
            )
    return results[:, 0], results[:, 1]


def rank_clips(positive, score, weight, find_places):
    r"""Return the average precision and the AUC of one class.

    With the distinct scores :math:`s` of the positives, and the weight :math:`w_s` of the positives
    that have them,

    .. math:: AP = \sum_s w_s P_s / \sum_s w_s

    where :math:`P_s` is the precision among all scores not below :math:`s`; the AUC is the weighted
    share of pairs of a positive and a negative that are in order, ties counted half. Only the
    scores of the positives need to be sorted; those of all clips are counted between them.

    Parameters
    ----------
    positive : ndarray of bool of shape (n_clips,)
        Whether the clip has the class.
    score : ndarray of float of shape (n_clips,)
        The scores.
    weight : ndarray of float of shape (n_clips,) or None
        Weights above 0. None is 1 each.
    find_places : callable
        What `choose_search` returned.

    Returns
    -------
    average_precision, auc : float
        NaN where there are no positives or, for the AUC, no negatives.
    """
    if not positive.any():
        return np.nan, np.nan
    if weight is None:
        values, weights = np.unique(score[positive], return_counts=True)
    else:
        values, inverse = np.unique(score[positive], return_inverse=True)
        weights = np.bincount(inverse, weight[positive])
    places = np.empty(len(score), dtype=np.int64)
    find_places(values, score, places)
    sums = np.bincount(places, weight, minlength=2 * len(values) + 1).cumsum()
    below, not_above, total = sums[:-1:2], sums[1::2], sums[-1]
    positive_not_above = weights.cumsum()
    positive_below, n_positive = positive_not_above - weights, positive_not_above[-1]
    precision = (n_positive - positive_below) / (total - below)
    # Not `@`: starting the threads of BLAS takes longer than all the rest.
    average_precision = (weights * precision).sum() / n_positive
    if positive.all():
        return average_precision, np.nan
    negative_below, negative_not_above = below - positive_below, not_above - positive_not_above
    ordered = (weights * (negative_below + negative_not_above)).sum() / 2
    return average_precision, ordered / (n_positive * (total - n_positive))


def choose_search(n_scores):
    """Return the search to use for so many scores: `find_places`, compiled or not."""
    if n_scores < MANY:
        return find_places
    from sk_audioevents.metrics import _search_kernel  # imports numba

    return _search_kernel.find_places


def find_places(values, scores, places):
    """Find where scores lie among some values.

    Parameters
    ----------
    values : ndarray of float of shape (n_values,)
        Distinct values in rising order, at least one.
    scores : ndarray of float of shape (n_scores,)
        The scores.
    places : ndarray of int64 of shape (n_scores,)
        Where the result is written: 2k if the score lies between values k - 1 and k, and 2k + 1 if
        it is value k.
    """
    first = np.searchsorted(values, scores)
    places[:] = 2 * first + (values[np.minimum(first, len(values) - 1)] == scores)
