"""The splitters: what folds hold, scikit-learn's protocol, and bad input."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)

from sk_audioevents.model_selection import (
    MultilabelStratifiedGroupKFold,
    MultilabelStratifiedKFold,
)

SPLITTERS = [MultilabelStratifiedKFold, MultilabelStratifiedGroupKFold]


def problem(seed, *, n_clips=300, n_classes=8, n_groups=60, multilabel=True):
    """Return labels that groups share to some degree, as those of a recording do, and groups."""
    rng = np.random.default_rng(seed)
    groups = rng.choice(n_groups, n_clips, p=rng.dirichlet(np.full(n_groups, 2.0)))
    share = rng.beta(0.6, 4, n_classes) + 0.02
    if multilabel:
        tendency = 0.6 * rng.random((n_groups, n_classes))[groups]
        y = (tendency + 0.4 * rng.random((n_clips, n_classes)) < 1.2 * share).astype(int)
        return y[:, y.any(axis=0)], groups
    share /= share.sum()
    y = rng.choice(n_classes, n_groups, p=share)[groups]
    return np.where(rng.random(n_clips) < 0.3, rng.choice(n_classes, n_clips, p=share), y), groups


def folds_of(cv, y, groups):
    """Return the test fold of each clip; every clip is in one."""
    n_clips = y.shape[0] if hasattr(y, "shape") else len(y)
    folds = np.full(n_clips, -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # classes in too few groups
        for fold, (train, test) in enumerate(cv.split(np.zeros(n_clips), y, groups)):
            assert (folds[test] == -1).all()
            assert not np.intersect1d(train, test).size
            assert len(train) + len(test) == n_clips
            folds[test] = fold
    assert (folds >= 0).all()
    return folds


def indicator(y):
    return y if y.ndim == 2 else (y[:, None] == np.unique(y)).astype(int)


def deviation(y, folds):
    """Return the mean absolute difference between class frequencies in the folds and in all."""
    y = indicator(y)
    return np.mean([np.abs(y[folds == k].mean(axis=0) - y.mean(axis=0)) for k in np.unique(folds)])


def n_missing(y, folds):
    """Return in how many folds classes are missing."""
    return sum((indicator(y)[folds == k].sum(axis=0) == 0).sum() for k in np.unique(folds))


@pytest.mark.parametrize("multilabel", [True, False])
@pytest.mark.parametrize("shuffle", [True, False])
def test_groups_are_never_divided(multilabel, shuffle):
    for seed in range(5):
        y, groups = problem(seed, multilabel=multilabel)
        cv = MultilabelStratifiedGroupKFold(4, shuffle=shuffle)
        folds = folds_of(cv, y, groups)
        assert (pd.Series(folds).groupby(groups).nunique() == 1).all()
        assert len(np.unique(folds)) == 4


@pytest.mark.parametrize(("n_groups", "n_splits"), [(12, 5), (30, 5), (60, 5), (60, 10)])
def test_grouped_folds_are_more_even_than_those_of_group_k_fold(n_groups, n_splits):
    ours, theirs = [], []
    for seed in range(10):
        y, groups = problem(seed, n_groups=n_groups)
        ours.append(measures(MultilabelStratifiedGroupKFold(n_splits), y, groups))
        theirs.append(measures(GroupKFold(n_splits), y, groups))
    assert (np.mean(ours, axis=0) < np.mean(theirs, axis=0)).all()


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(("n_groups", "n_splits"), [(12, 5), (30, 5), (60, 5), (60, 10)])
def test_grouped_folds_are_as_even_as_those_of_stratified_group_k_fold(n_groups, n_splits, shuffle):
    ours, theirs = [], []
    cv = MultilabelStratifiedGroupKFold(
        n_splits, shuffle=shuffle, random_state=0 if shuffle else None
    )
    for seed in range(30):
        y, groups = problem(seed, n_groups=n_groups, multilabel=False)
        ours.append(measures(cv, y, groups))
        theirs.append(measures(StratifiedGroupKFold(n_splits), y, groups))
    assert (np.mean(ours, axis=0) <= np.mean(theirs, axis=0)).all()


def measures(cv, y, groups):
    folds = folds_of(cv, y, groups)
    return deviation(y, folds), n_missing(y, folds)


def test_folds_are_as_even_as_those_of_stratified_k_fold():
    for seed in range(8):
        y, _ = problem(seed, multilabel=False)
        ours = deviation(y, folds_of(MultilabelStratifiedKFold(5), y, None))
        theirs = deviation(y, folds_of(StratifiedKFold(5), y, None))
        assert ours <= theirs + 1e-9


@pytest.mark.parametrize("seed", [None, *range(5)])  # of 150 seeds, 8 end 2 clips apart
def test_each_class_differs_by_little_between_folds(seed):
    """Between random folds, counts differ by their binomial spread, here up to 8 clips."""
    y, _ = problem(0, n_clips=500)
    splitter = MultilabelStratifiedKFold(5, shuffle=seed is not None, random_state=seed)
    folds = folds_of(splitter, y, None)
    counts = np.array([y[folds == k].sum(axis=0) for k in range(5)])
    assert (counts.max(axis=0) - counts.min(axis=0) <= 2).all()
    sizes = np.bincount(folds)
    assert sizes.max() - sizes.min() <= 1
    random = folds_of(KFold(5, shuffle=True, random_state=0), y, None)
    assert deviation(y, folds) < deviation(y, random) / 4


def test_each_fold_has_each_class_that_is_in_enough_groups():
    """Every class is in exactly as many groups as there are folds."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(25), 4)
        y = np.zeros((100, 5), dtype=int)
        for k in range(5):  # so there is a solution: groups 0-4 have class 0, 5-9 class 1, ...
            y[(groups // 5 == k) & (rng.random(100) < 0.6), k] = 1
            y[::4][5 * k : 5 * k + 5, k] = 1
        order = rng.permutation(100)
        folds = folds_of(MultilabelStratifiedGroupKFold(5), y[order], groups[order])
        assert n_missing(y[order], folds) == 0


def test_a_class_of_as_many_clips_as_folds_is_in_every_fold():
    y = np.zeros((50, 2), dtype=int)
    y[:45, 0] = 1
    y[40:45, 1] = 1
    assert n_missing(y, folds_of(MultilabelStratifiedKFold(5), y, None)) == 0


def test_clips_without_any_label_are_spread_too():
    y = np.zeros((60, 2), dtype=int)
    y[:20] = 1  # two labels, so that the number of labels in a fold does not tell
    y[20:30, 0] = y[30:40, 1] = 1
    folds = folds_of(MultilabelStratifiedKFold(5, shuffle=True, random_state=0), y, None)
    assert [(~y[folds == k].any(axis=1)).sum() for k in range(5)] == [4] * 5


@pytest.mark.parametrize("cls", SPLITTERS)
def test_the_same_data_give_the_same_folds(cls):
    y, groups = problem(0)
    groups = groups if cls is MultilabelStratifiedGroupKFold else None
    for parameters in ({}, {"shuffle": True, "random_state": 3}):
        one, two = (folds_of(cls(5, **parameters), y, groups) for _ in range(2))
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("cls", SPLITTERS)
def test_another_seed_gives_other_folds(cls):
    y, groups = problem(0)
    groups = groups if cls is MultilabelStratifiedGroupKFold else None
    one, two = (folds_of(cls(5, shuffle=True, random_state=s), y, groups) for s in (0, 1))
    together = [folds[:, None] == folds for folds in (one, two)]
    assert np.mean(together[0] != together[1]) > 0.1


def test_a_generator_is_advanced_from_call_to_call():
    y, _ = problem(0)
    cv = MultilabelStratifiedKFold(5, shuffle=True, random_state=np.random.RandomState(0))
    assert (folds_of(cv, y, None) != folds_of(cv, y, None)).any()


@pytest.mark.parametrize("cls", SPLITTERS)
@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array, np.ndarray.tolist])
def test_an_indicator_may_be_sparse_or_a_list(cls, container):
    y, groups = problem(0)
    groups = groups if cls is MultilabelStratifiedGroupKFold else None
    folds = folds_of(cls(3), container(y), groups)
    np.testing.assert_array_equal(folds, folds_of(cls(3), y, groups))


@pytest.mark.parametrize("cls", SPLITTERS)
@pytest.mark.parametrize("kind", [str, float, lambda code: code - 7, lambda code: f"class {code}"])
def test_labels_may_be_of_any_type(cls, kind):
    y, groups = problem(0, multilabel=False)
    groups = groups if cls is MultilabelStratifiedGroupKFold else None
    named = np.array([kind(code) for code in y])
    np.testing.assert_array_equal(folds_of(cls(5), y, groups), folds_of(cls(5), named, groups))


def test_two_classes_are_balanced():
    y = np.repeat(["no", "yes"], [80, 20])
    folds = folds_of(MultilabelStratifiedKFold(5), y, None)
    assert [(y[folds == k] == "yes").sum() for k in range(5)] == [4] * 5
    assert np.bincount(folds).tolist() == [20] * 5


def test_groups_may_be_names_in_any_container():
    y, groups = problem(0)
    expected = folds_of(MultilabelStratifiedGroupKFold(3), y, groups)
    names = [f"recording {code:03d}" for code in groups]
    for container in (list, np.array, pd.Series, pd.Categorical):
        folds = folds_of(MultilabelStratifiedGroupKFold(3), y, container(names))
        np.testing.assert_array_equal(folds, expected)


def test_a_group_for_each_clip_is_no_grouping():
    y, _ = problem(0)
    np.testing.assert_array_equal(
        folds_of(MultilabelStratifiedGroupKFold(5), y, np.arange(len(y))),
        folds_of(MultilabelStratifiedKFold(5), y, None),
    )


def test_as_many_groups_as_folds_leave_one_group_out():
    y, groups = problem(0, n_groups=6)
    folds = folds_of(MultilabelStratifiedGroupKFold(6), y, groups)
    assert len(set(zip(groups, folds))) == 6


def test_forty_thousand_clips_of_two_hundred_classes():
    """Takes about 2 s; counts of frequent classes differ by a few clips of hundreds."""
    rng = np.random.default_rng(0)
    y = (rng.random((40_000, 200)) < rng.beta(0.5, 20, 200)).astype(np.int8)
    folds = folds_of(MultilabelStratifiedKFold(5), y, None)
    assert np.bincount(folds).tolist() == [8000] * 5
    counts = np.array([y[folds == k].sum(axis=0) for k in range(5)])
    assert (counts.max(axis=0) - counts.min(axis=0)).max() <= 4


def test_ten_thousand_clips_in_two_thousand_groups():
    y, groups = problem(0, n_clips=10_000, n_groups=2000, n_classes=30)
    cv = MultilabelStratifiedGroupKFold(5)
    assert deviation(y, folds_of(cv, y, groups)) < 1e-3


@pytest.mark.parametrize("y_kind", ["multilabel", "strings"])
def test_cross_val_score_and_a_search_on_lists_of_paths(y_kind):
    y, groups = problem(0, n_clips=600)
    y = (
        y[:, y.sum(axis=0) > 30]
        if y_kind == "multilabel"
        else np.array(["a", "b", "c"])[groups % 3]
    )
    paths = [f"{i}.wav" for i in range(len(y))]
    model = DummyClassifier(strategy="stratified", random_state=0)
    for cv, parameters in (
        (MultilabelStratifiedKFold(3), {}),
        (MultilabelStratifiedGroupKFold(3), {"groups": groups}),
    ):
        scores = cross_val_score(model, paths, y, cv=cv, error_score="raise", **parameters)
        splits = cv.split(paths, y, *parameters.values())
        expected = [
            clone(model).fit([0] * len(a), y[a]).score([0] * len(b), y[b]) for a, b in splits
        ]
        np.testing.assert_allclose(scores, expected)
        search = GridSearchCV(model, {"strategy": ["prior", "uniform"]}, cv=cv)
        assert search.fit(paths, y, **parameters).n_splits_ == 3


def test_groups_are_routed_as_metadata():
    y, groups = problem(0, multilabel=False)
    X = np.zeros((len(y), 1))
    cv = MultilabelStratifiedGroupKFold(3)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = cross_validate(
            DummyClassifier(), X, y, cv=cv, params={"groups": groups}, return_indices=True
        )
    for routed_test, (_, test) in zip(routed["indices"]["test"], cv.split(X, y, groups)):
        np.testing.assert_array_equal(routed_test, test)


@pytest.mark.parametrize("cls", SPLITTERS)
def test_they_are_shown_by_their_parameters(cls):
    expected = f"{cls.__name__}(n_splits=3, random_state=1, shuffle=True)"
    assert repr(cls(3, shuffle=True, random_state=1)) == expected


@pytest.mark.parametrize("cls", SPLITTERS)
def test_the_number_of_folds_is_known_without_data(cls):
    assert cls(7).get_n_splits() == 7


@pytest.mark.parametrize("cls", SPLITTERS)
@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"n_splits": 1}, r"'n_splits' parameter of Multi\w+ must be an int .* Got 1"),
        ({"n_splits": 2.5}, r"'n_splits' parameter .* Got 2.5"),
        ({"shuffle": 1}, "'shuffle' parameter .* Got 1"),
        ({"random_state": 3}, "must be None unless shuffle is True.* Got 3"),
    ],
)
def test_bad_parameters_are_refused(cls, parameters, match):
    with pytest.raises(ValueError, match=match):
        cls(**parameters)


@pytest.mark.parametrize("cls", SPLITTERS)
@pytest.mark.parametrize(
    ("y", "match"),
    [
        (None, "'y' parameter of Multi.* must be the labels of the clips. Got None"),
        ([0.1, 0.2, 0.7, 1.5, 2.5, 9.1], "Got a 'continuous' y"),
        ([[1, 2], [3, 0]] * 3, "Got a 'multiclass-multioutput' y"),
        ([np.nan, 1.0, 0.0, 1.0, 0.0, 1.0], "NaN"),
        ([[np.nan, 1.0], [0.0, 1.0]] * 3, "NaN"),
        ([0, 1, 0], "inconsistent numbers of samples"),
    ],
)
def test_bad_labels_are_refused(cls, y, match):
    with pytest.raises(ValueError, match=match):
        next(cls(2).split(np.zeros(6), y, *([] if "Group" not in cls.__name__ else [range(6)])))


@pytest.mark.parametrize(
    ("groups", "match"),
    [
        (None, "'groups' parameter of Multi.* Got None: pass groups to"),
        ([0, 0, 0, 0, 1, 1], "at most the number of groups. Got n_splits=3 for 2 groups"),
        ([0, 1, 2], "inconsistent numbers of samples"),
        ([0, 1, np.nan, 3, 4, 5], "That of clip 2 is missing"),
        (["a", "b", "c", "d", "e", None], "clip 5 is missing: None or NaN"),
        (np.zeros((6, 2)), "1d array"),
    ],
)
def test_bad_groups_are_refused(groups, match):
    with pytest.raises(ValueError, match=match):
        next(MultilabelStratifiedGroupKFold(3).split(np.zeros(6), [0, 1] * 3, groups))


def test_fewer_clips_than_folds_are_refused():
    with pytest.raises(
        ValueError, match=r"at most the number of clips\. Got n_splits=5 for 4 clips"
    ):
        next(MultilabelStratifiedKFold(5).split(np.zeros(4), [0, 1, 0, 1]))


def test_rare_classes_are_a_warning():
    y = np.zeros((20, 8), dtype=int)
    y[:, 0] = 1
    y[:3, 1:7] = 1
    with pytest.warns(
        UserWarning, match="6 of 8 classes .* fewer than n_splits=5 clips.*: 1, 2, 3, 4, 5 and 1 m"
    ):
        next(MultilabelStratifiedKFold(5).split(np.zeros(20), y))
    with pytest.warns(UserWarning, match="1 of 2 classes .*: 'rare'") as record:
        next(MultilabelStratifiedKFold(5).split(np.zeros(20), ["rare"] + ["often"] * 19))
    assert record[0].filename == __file__


def test_groups_that_are_not_used_are_a_warning():
    with pytest.warns(UserWarning, match="groups parameter is ignored .*GroupKFold"):
        next(MultilabelStratifiedKFold(2).split(np.zeros(4), [0, 1, 0, 1], [0, 0, 1, 1]))
