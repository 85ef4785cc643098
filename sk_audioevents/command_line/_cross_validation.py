"""How well a model does on clips that it has not heard, told before it is trained on all."""

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from sk_audioevents._base import safe_indexing
from sk_audioevents.metrics import accuracy, mean_average_precision
from sk_audioevents.model_selection import (
    MultilabelStratifiedGroupKFold,
    MultilabelStratifiedKFold,
    check_leakage,
)

N_FOLDS = 5


def make_folds(clips, options, messages):
    """Return the folds, a list of (train, test), and tell what they respect.

    Parameters
    ----------
    clips : LabelledClips
        The clips.
    options : Namespace
        The arguments, of which ``folds`` and ``seed`` matter.
    messages : Messages
        Where it is told.

    Returns
    -------
    folds : list of (int array, int array)
        Rows to train on and to test on.
    """
    if clips.folds is not None:
        if options.folds is not None:
            raise ValueError("--folds cannot be chosen: the CSV file has a column fold.")
        return _given_folds(clips, messages)
    n_folds = N_FOLDS if options.folds is None else options.folds
    if clips.groups is None:
        messages.warn(
            "clips are dealt out to folds at random. If several were cut from one recording, the "
            "scores are too good: give a CSV with the column group."
        )
    else:
        n_groups = len(np.unique(clips.groups))
        messages.tell(f"Clips of one group are in one of {n_folds} folds; {n_groups} groups.")
    splitter = _splitter(clips, n_folds, options.seed)
    return list(splitter.split(np.zeros((len(clips.table), 1)), clips.y, clips.groups))


def cross_validate(model, clips, folds, options, messages):
    """Train and test on each fold.

    Parameters
    ----------
    model : estimator
        The pipeline; it is not fitted itself.
    clips : LabelledClips
        The clips.
    folds : list of (int array, int array)
        Rows to train on and to test on.
    options : Namespace
        The arguments, of which ``n_jobs`` matters.
    messages : Messages
        Where progress is told.

    Returns
    -------
    report : DataFrame
        One row a fold: fold, n_train, n_test and the scores.
    """
    _warn_of_leakage(clips, folds, options, messages)
    rows = []
    for number, (train, test) in enumerate(folds, start=1):
        messages.tell(
            f"Fold {number} of {len(folds)}: {len(train)} clips to train, {len(test)} to test."
        )
        fitted = clone(model).fit(safe_indexing(clips.X, train), safe_indexing(clips.y, train))
        scores = clip_scores(fitted, safe_indexing(clips.X, test), safe_indexing(clips.y, test))
        messages.tell(f"{scores_in_words(scores)}.")
        rows.append({"fold": number, "n_train": len(train), "n_test": len(test), **scores})
    report = pd.DataFrame(rows)
    messages.tell(f"Mean of {len(folds)} folds: {scores_in_words(report.iloc[:, 3:].mean())}.")
    return report


def clip_scores(fitted, X, y):
    """Return the scores of a fitted pipeline on clips that it has not heard, by name."""
    probabilities = fitted.predict_proba(X)
    labels = None if np.ndim(y) == 2 else fitted.classes_
    return {
        "accuracy": accuracy(y, probabilities, labels=labels),
        "mean_average_precision": mean_average_precision(y, probabilities, labels=labels),
    }


def _given_folds(clips, messages):
    folds = clips.folds
    names = np.unique(folds)
    if len(names) < 2:
        raise ValueError(
            f"The column fold must name at least 2 folds. All clips are in {names[0]}."
        )
    messages.tell(f"{len(names)} folds, as the column fold has them.")
    if clips.groups is not None:
        pairs = pd.DataFrame({"group": clips.groups, "fold": folds}).drop_duplicates()
        torn = pairs.loc[pairs["group"].duplicated(), "group"]
        if len(torn):
            messages.warn(
                f"the clips of some groups, such as {torn.iloc[0]!r}, are in several folds: the "
                "scores are too good."
            )
    return [(np.flatnonzero(folds != name), np.flatnonzero(folds == name)) for name in names]


def _splitter(clips, n_folds, seed):
    grouped = clips.groups is not None
    if clips.multilabel:
        kind = MultilabelStratifiedGroupKFold if grouped else MultilabelStratifiedKFold
    else:
        kind = StratifiedGroupKFold if grouped else StratifiedKFold
        fewest = clips.table["label"].value_counts()
        if not grouped and fewest.min() < n_folds:
            raise ValueError(
                f"Each class must have as many clips as there are folds, {n_folds}. "
                f"{fewest.idxmin()!r} has {fewest.min()}: take fewer --folds."
            )
    return kind(n_folds, shuffle=True, random_state=seed)


def _warn_of_leakage(clips, folds, options, messages):
    messages.tell("Looking for test clips that are in the training set too.")
    paths = clips.table["path"].tolist()
    leaks = check_leakage(
        paths, clips.y, clips.groups, cv=folds, n_jobs=options.n_jobs, verbose=messages.verbose
    )
    if len(leaks):
        n_clips = leaks["test_path"].nunique()
        first = leaks.iloc[0]
        messages.warn(
            f"{n_clips} of {len(paths)} clips are also in the training set when they are tested, "
            f"so that the scores are too good. The first, {first['kind']}: "
            f"{first['test_path']!r} and {first['train_path']!r}."
        )


def scores_in_words(scores):
    """Return scores by name as words."""
    return ", ".join(f"{name.replace('_', ' ')} {score:.3f}" for name, score in scores.items())
