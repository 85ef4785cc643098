"""Cross-validation folds with an even share of each class, also for several labels a clip."""

import warnings
from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_array, check_random_state, column_or_1d
from sklearn.utils.multiclass import type_of_target

from sk_audioevents.model_selection._balance import deal_out
from sk_audioevents.model_selection._groups import group_codes


class _BalancedKFold(BaseCrossValidator):
    """Base of the splitters: their parameters, and folds made of groups of clips."""

    def __init__(self, n_splits=5, *, shuffle=False, random_state=None):
        name = type(self).__name__
        if not isinstance(n_splits, Integral) or n_splits < 2:
            raise ValueError(
                f"The 'n_splits' parameter of {name} must be an int in the range [2, inf). "
                f"Got {n_splits!r} instead."
            )
        if not isinstance(shuffle, (bool, np.bool_)):
            raise ValueError(
                f"The 'shuffle' parameter of {name} must be True or False. Got {shuffle!r} instead."
            )
        if not shuffle and random_state is not None:
            raise ValueError(
                f"The 'random_state' parameter of {name} must be None unless shuffle is True: it "
                f"has no effect otherwise. Got {random_state!r} instead."
            )
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def get_n_splits(self, X=None, y=None, groups=None):  # noqa: ARG002 as scikit-learn has it
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : object
            Ignored.

        Returns
        -------
        n_splits : int
            The number of folds.
        """
        return int(self.n_splits)

    def _iter_test_masks(self, X, y, groups):  # noqa: ARG002 as scikit-learn has it
        name = type(self).__name__
        labels, names = _label_table(y, name)
        group_of = np.arange(labels.shape[0]) if groups is None else group_codes(groups, name)
        counts = _count_labels(labels, group_of)
        if len(counts) < self.n_splits:
            raise ValueError(
                f"The 'n_splits' parameter of {name} must be at most the number of "
                f"{self._unit}. Got n_splits={self.n_splits} for {len(counts)} {self._unit}."
            )
        self._warn_of_rare_classes(counts, names)
        rng = check_random_state(self.random_state) if self.shuffle else None
        folds = deal_out(counts, self.n_splits, rng)[group_of]
        for fold in range(self.n_splits):
            yield folds == fold

    def _warn_of_rare_classes(self, counts, names):
        n_groups = np.count_nonzero(counts[:, : len(names)], axis=0)
        rare = np.flatnonzero((n_groups > 0) & (n_groups < self.n_splits))
        if len(rare):
            some = ", ".join(map(repr, names[rare[:5]].tolist()))
            more = f" and {len(rare) - 5} more" if len(rare) > 5 else ""
            warnings.warn(
                f"{len(rare)} of {len(names)} classes are in fewer than n_splits={self.n_splits} "
                f"{self._unit}, and missing from some folds: {some}{more}.",
                UserWarning,
                stacklevel=5,  # where the folds are asked for
            )


class MultilabelStratifiedKFold(_BalancedKFold):
    """Split clips into folds that hold each class alike, also with several labels a clip.

    Each clip is in one fold, and each fold is once the test set. The folds are of nearly equal
    size. Where several clips come from one recording, use `MultilabelStratifiedGroupKFold`.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    shuffle : bool, default=False
        Whether to draw the folds at random. If False, the same data give the same folds.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw, with ``shuffle=True`` only. Pass an int for the same folds at each call.

    See Also
    --------
    MultilabelStratifiedGroupKFold : The same, with recordings that are never divided.
    sklearn.model_selection.StratifiedKFold : For one label a clip.

    Notes
    -----
    The cost of a fold is the sum over classes of :math:`(n - s)^2 / v`, where it holds :math:`n`
    clips of the class, its share is :math:`s`, and :math:`v` is the variance of the binomial
    distribution that :math:`n` would have in a random fold; the size of the fold counts as one more
    class, and clips without any label as another. Clips are dealt out one by one, those with rare
    classes first, and then moved and swapped as long as that lowers the cost. A class with at
    least `n_splits` clips that is missing from a fold costs more than any imbalance.

    This is the aim of iterative stratification [1]_; the search is another one.

    References
    ----------
    .. [1] K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the stratification of multi-label data",
       ECML PKDD 2011, LNCS 6913, pp. 145-158.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_audioevents.model_selection import MultilabelStratifiedKFold
    >>> paths = [f"clip{i}.wav" for i in range(6)]
    >>> y = np.array([[1, 0], [1, 0], [1, 1], [0, 1], [0, 1], [1, 1]])
    >>> for train, test in MultilabelStratifiedKFold(n_splits=2).split(paths, y):
    ...     print(test, y[test].sum(axis=0))
    [0 2 3] [2 2]
    [1 4 5] [2 2]
    """

    _unit = "clips"

    def split(self, X, y, groups=None):
        """Generate the clips of the training and of the test set, fold by fold.

        Parameters
        ----------
        X : array-like of shape (n_clips, ...)
            The clips, of which only the number matters.
        y : array-like or sparse matrix of shape (n_clips,) or (n_clips, n_classes)
            The labels, or a 0/1 indicator for clips with several labels.
        groups : object, default=None
            Ignored, with a warning.

        Yields
        ------
        train : ndarray of shape (n_train,)
            Row numbers of the training set.
        test : ndarray of shape (n_test,)
            Row numbers of the test set.
        """
        if groups is not None:
            warnings.warn(
                "The groups parameter is ignored by MultilabelStratifiedKFold: is it meant for "
                "MultilabelStratifiedGroupKFold?",
                UserWarning,
                stacklevel=2,
            )
        yield from super().split(X, y)


class MultilabelStratifiedGroupKFold(_BalancedKFold):
    """Split recordings into folds that hold each class alike, also with several labels a clip.

    All clips of a group (a recording, a site, an individual) are in one fold, so that no test clip
    comes from a recording that was trained on. Within this, each fold holds its share of each class
    and of all clips, as nearly as the groups allow.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2 and at most the number of groups.
    shuffle : bool, default=False
        Whether to draw the folds at random, among those that are nearly as good. If False, the same
        data give the same folds.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw, with ``shuffle=True`` only. Pass an int for the same folds at each call.

    See Also
    --------
    MultilabelStratifiedKFold : The same for clips that do not belong together.
    check_leakage : Find recordings that are on both sides of a split.
    sklearn.model_selection.StratifiedGroupKFold : For one label a clip.

    Notes
    -----
    The method is that of `MultilabelStratifiedKFold`, with groups in place of clips. Where a class
    is in fewer groups than there are folds, some folds lack it; that is a warning.

    scikit-learn passes groups on if asked: ``cross_val_score(..., groups=groups)``, or through
    metadata routing, which the splitter requests them from.

    References
    ----------
    .. [1] K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the stratification of multi-label data",
       ECML PKDD 2011, LNCS 6913, pp. 145-158.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_audioevents.model_selection import MultilabelStratifiedGroupKFold
    >>> paths = [f"clip{i}.wav" for i in range(6)]
    >>> y = np.array([[1, 0], [1, 0], [1, 1], [0, 1], [0, 1], [1, 1]])
    >>> recordings = ["a", "a", "b", "b", "c", "d"]
    >>> cv = MultilabelStratifiedGroupKFold(n_splits=2)
    >>> for train, test in cv.split(paths, y, recordings):
    ...     print(test, y[test].sum(axis=0))
    [2 3 5] [2 3]
    [0 1 4] [2 1]
    """

    _unit = "groups"
    __metadata_request__split = {"groups": True}

    def split(self, X, y, groups):
        """Generate the clips of the training and of the test set, fold by fold.

        Parameters
        ----------
        X : array-like of shape (n_clips, ...)
            The clips, of which only the number matters.
        y : array-like or sparse matrix of shape (n_clips,) or (n_clips, n_classes)
            The labels, or a 0/1 indicator for clips with several labels.
        groups : array-like of shape (n_clips,)
            Where each clip comes from: names or numbers.

        Yields
        ------
        train : ndarray of shape (n_train,)
            Row numbers of the training set.
        test : ndarray of shape (n_test,)
            Row numbers of the test set.
        """
        if groups is None:
            raise ValueError(
                "The 'groups' parameter of MultilabelStratifiedGroupKFold must be an array of "
                "shape (n_clips,). Got None: pass groups to cross_val_score, or to fit of a search."
            )
        yield from super().split(X, y, groups)


def _label_table(y, name):
    """Return what each clip holds, 0/1 of shape (n_clips, n_columns), and the names of classes.

    After the columns of the classes come one for clips without any label, if there are such clips,
    and one for all clips.
    """
    if y is None:
        raise ValueError(f"The 'y' parameter of {name} must be the labels of the clips. Got None.")
    y = check_array(y, accept_sparse=True, ensure_2d=False, dtype=None, input_name="y")
    kind = type_of_target(y, input_name="y")
    if kind in ("binary", "multiclass"):
        names, codes = np.unique(column_or_1d(y), return_inverse=True)
        rows = np.arange(len(codes))
        table = sparse.csr_array((np.ones(len(codes)), (rows, codes)))
    elif kind == "multilabel-indicator":
        table = sparse.csr_array(y).astype(bool).astype(np.float64)
        names = np.arange(table.shape[1])
    else:
        raise ValueError(
            f"The 'y' parameter of {name} must be labels of shape (n_clips,) or a 0/1 indicator of "
            f"shape (n_clips, n_classes). Got a {kind!r} y instead."
        )
    is_unlabelled = table.sum(axis=1) == 0
    extra = [is_unlabelled] if is_unlabelled.any() else []
    return sparse.hstack([table, np.column_stack([*extra, np.ones(len(is_unlabelled))])]), names


def _count_labels(labels, group_of):
    """Return the sum of the rows of each group, as a dense array (n_groups, n_columns)."""
    n_clips = len(group_of)
    membership = sparse.csr_array((np.ones(n_clips), (group_of, np.arange(n_clips))))
    return (membership @ labels).toarray()
