"""Clips that are held out of the training, to see when it should stop."""

import warnings

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit

from sk_audioevents.model_selection import (
    MultilabelStratifiedGroupKFold,
    MultilabelStratifiedKFold,
)


def held_out_rows(y, groups, fraction, seed, name):
    """Choose clips to hold out, with the classes in the proportions of y.

    Parameters
    ----------
    y : ndarray of shape (n_clips,) or (n_clips, n_classes)
        The labels; NaN is not labelled.
    groups : array of shape (n_clips,) or None
        The recording that each clip comes from: clips of one are on the same side.
    fraction : float
        Share of the clips, about.
    seed : int
        Seed of the choice.
    name : str
        The estimator that errors speak of.

    Returns
    -------
    rows : int array
        The held-out clips, in order; at least one, and not all.

    Raises
    ------
    ValueError
        If there are too few clips or groups for it.
    """
    n_clips, n_folds = len(y), max(2, round(1 / fraction))
    multilabel = y.ndim == 2
    labels = np.nan_to_num(y).astype(int) if multilabel else y
    folds = {"n_splits": n_folds, "shuffle": True, "random_state": seed}
    if groups is not None:
        splitter = (MultilabelStratifiedGroupKFold if multilabel else StratifiedGroupKFold)(**folds)
    elif multilabel:
        splitter = MultilabelStratifiedKFold(**folds)
    else:
        splitter = StratifiedShuffleSplit(1, test_size=fraction, random_state=seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a class with fewer groups than folds is no error here
            train, held_out = next(splitter.split(np.zeros(n_clips), labels, groups))
    except ValueError as error:
        raise ValueError(
            f"The early stopping of {name} cannot hold out {fraction:.0%} of {n_clips} clips "
            f"({error}). Pass more clips of each class, a 'validation_data' of your own, or "
            "early_stopping=False."
        ) from error
    if len(train) == 0 or len(held_out) == 0:
        raise ValueError(
            f"The early stopping of {name} cannot hold out {fraction:.0%} of {n_clips} clips: "
            "one side would be empty. Are there at least two groups?"
        )
    return np.sort(held_out)
