"""What an estimator says of clips, and under which names."""

import numpy as np


def clip_probabilities(estimator, X, y, labels, caller):
    """Return the probabilities of clips, and the labels of their columns.

    Parameters
    ----------
    estimator : estimator
        Fitted, with ``predict_proba``.
    X : array-like
        The clips.
    y : array-like of shape (n_clips,) or (n_clips, n_classes)
        The truth.
    labels : array-like of shape (n_classes,) or None
        The labels that the user gave.
    caller : str
        Who asks, for errors.

    Returns
    -------
    scores : ndarray of shape (n_clips, n_classes)
        The probabilities.
    labels : array-like or None
        The classes of the estimator if y is 1-D and no labels were given.
    """
    if not hasattr(estimator, "predict_proba"):
        raise TypeError(
            f"The 'estimator' parameter of {caller} must be a fitted classifier with "
            f"predict_proba. Got {type(estimator).__name__}: pass its scores to from_predictions."
        )
    scores = estimator.predict_proba(X)
    if isinstance(scores, list):  # as forests and neighbours give for a multi-label y
        scores = np.column_stack([column[:, 1] for column in scores])
    if labels is None and np.ndim(y) == 1:
        labels = estimator.classes_
    return scores, labels
