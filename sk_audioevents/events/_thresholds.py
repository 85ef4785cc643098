"""Thresholds that make F1 largest, on clips that the classifier was not fitted on."""

import warnings

import numpy as np
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from sk_audioevents._base import check_method_params, safe_indexing

DEFAULT = 0.5  # the threshold of a class that no clip holds


def out_of_fold(score, estimator, X, y, splits, fit_params, n_jobs):
    """Score clips by estimators that were fitted on the others.

    Parameters
    ----------
    score : callable
        Takes a fitted estimator and some rows of X, and returns one item per row.
    estimator : estimator
        Is cloned and fitted for each split.
    X, y : array-like
        Clips and labels.
    splits : iterable of (train, test)
        Row numbers; None for train takes the estimator as it is.
    fit_params : dict
        Metadata for ``fit``.
    n_jobs : int or None
        Number of splits at the same time.

    Returns
    -------
    rows : int array of shape (n_scored,)
        The rows of X that were scored, split by split.
    scores : list of length n_scored
        Their scores.
    """
    splits = list(splits)
    of_splits = Parallel(n_jobs=n_jobs)(
        delayed(_score_split)(score, estimator, X, y, train, test, fit_params)
        for train, test in splits
    )
    rows = np.concatenate([np.arange(len(y))[test] for _, test in splits])
    return rows, [item for items in of_splits for item in items]


def _score_split(score, estimator, X, y, train, test, fit_params):
    if train is not None:
        fit_params = check_method_params(X, fit_params, indices=train)
        estimator = clone(estimator)
        estimator.fit(safe_indexing(X, train), safe_indexing(y, train), **fit_params)
    return score(estimator, safe_indexing(X, test))


def f1_thresholds(scores, truth, labels):
    """Find for each class the threshold with the largest F1.

    Parameters
    ----------
    scores : array of shape (n, n_classes)
        Scores of clips or time steps.
    truth : bool array of shape (n, n_classes)
        Which of them hold the class.
    labels : sequence of length n_classes
        The classes, for the warning that there is no example of one.

    Returns
    -------
    thresholds : list of float
        The thresholds; 0.5 for a class without examples.
    """
    missing = np.asarray(labels)[~truth.any(axis=0)].tolist()
    if missing:
        warnings.warn(
            f"There is no example of {missing!r:.200} to tune a threshold on. It stays at "
            f"{DEFAULT}.",
            stacklevel=3,
        )
    return [
        f1_threshold(column, positive) if positive.any() else DEFAULT
        for column, positive in zip(scores.T, truth.T)
    ]


def f1_threshold(scores, truth):
    """Find the threshold that separates positives from negatives with the largest F1.

    Parameters
    ----------
    scores : array of shape (n,)
        Scores of examples.
    truth : bool array of shape (n,)
        Which of them are positive, at least one.

    Returns
    -------
    threshold : float
        Half-way between the least score that counts as positive and the one below; the least of all
        scores where all count. Of several thresholds with the same F1, the highest.
    """
    order = np.argsort(-scores, kind="stable")
    scores, truth = scores[order], truth[order]
    n_taken = np.flatnonzero(np.append(scores[1:] < scores[:-1], True)) + 1
    f1 = 2 * np.cumsum(truth)[n_taken - 1] / (n_taken + truth.sum())  # 2 TP / (taken + positive)
    best = n_taken[np.argmax(f1)]
    return float(scores[best - 1 : best + 1].mean())


def mark_steps(timed, events, labels):
    """Tell which time steps of a recording hold which events.

    Parameters
    ----------
    timed : TimedScores
        The recording.
    events : DataFrame
        Its events: onset, offset (seconds) and label.
    labels : sequence of length n_classes
        The labels.

    Returns
    -------
    truth : bool array of shape (n_times, n_classes)
        True where an event covers the middle of a step, and where it has its own middle.
    """
    truth = np.zeros(timed.scores.shape, dtype=bool)
    middles = (timed.starts + timed.ends) / 2
    columns = {label: column for column, label in enumerate(labels)}
    for onset, offset, label in zip(events["onset"], events["offset"], events["label"]):
        column, middle = columns[label], (onset + offset) / 2
        truth[np.searchsorted(middles, onset) : np.searchsorted(middles, offset), column] = True
        truth[(timed.starts <= middle) & (middle < timed.ends), column] = True
    return truth
