"""Conformal sets: their coverage against its law, slow loops, MAPIE, and scikit-learn's checks."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse, stats
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupShuffleSplit,
    ShuffleSplit,
    cross_val_score,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_audioevents.calibration import ConformalClassifier


@parametrize_with_checks(
    [
        ConformalClassifier(LogisticRegression()),
        ConformalClassifier(LogisticRegression(), method="aps", class_conditional=True),
        ConformalClassifier(KNeighborsClassifier(n_neighbors=3)),  # multi-label too
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


class Oracle(ClassifierMixin, BaseEstimator):
    """Takes probabilities for X, and gives them back."""

    def __init__(self, n_classes=5, multilabel=False):
        self.n_classes = n_classes
        self.multilabel = multilabel
        self.classes_ = np.arange(n_classes)

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return X

    def predict(self, X):
        return (X > 0.5).astype(int) if self.multilabel else X.argmax(axis=1)


def draw(n_clips, rng, n_classes=5):
    """Return probabilities, and labels that do not follow them well: a poor classifier."""
    right = rng.dirichlet(np.linspace(0.3, 1.0, n_classes), n_clips)
    wrong = right**0.3 * rng.gamma(2.0, size=right.shape)
    y = (right.cumsum(axis=1) > rng.random((n_clips, 1))).argmax(axis=1)
    return wrong / wrong.sum(axis=1, keepdims=True), y


def frozen(**parameters):
    return ConformalClassifier(FrozenEstimator(Oracle()), **parameters)


@pytest.mark.parametrize(
    ("confidence", "n_calibration"), [(0.9, 99), (0.9, 100), (0.8, 41), (0.5, 7), (0.95, 19)]
)
def test_coverage_follows_its_law(confidence, n_calibration):
    """Hits among m new clips are beta-binomial(m, k, n + 1 - k): their mean over 400 draws."""
    rng = np.random.default_rng(0)
    k = int(np.ceil((n_calibration + 1) * confidence - 1e-9))
    law = stats.betabinom(50, k, n_calibration + 1 - k)
    hits = []
    for _ in range(400):
        model = frozen(confidence=confidence).fit(*draw(n_calibration, rng))
        X, y = draw(50, rng)
        hits.append(model.predict_set(X)[np.arange(50), y].sum())
    assert abs(np.mean(hits) - law.mean()) < 4 * law.std() / np.sqrt(400)
    assert law.mean() / 50 >= confidence - 1e-9
    # Not the mean alone: the spread over calibration sets is that of the law too.
    assert np.std(hits) == pytest.approx(law.std(), rel=0.15)


@pytest.mark.parametrize("class_conditional", [False, True])
def test_aps_covers_at_least_as_often_as_promised(class_conditional):
    rng = np.random.default_rng(0)
    rates = []
    for _ in range(200):
        model = frozen(method="aps", class_conditional=class_conditional, confidence=0.8)
        X, y = draw(200, rng)
        Z, z = draw(200, rng)
        rates.append(model.fit(X, y).predict_set(Z)[np.arange(200), z].mean())
    standard_error = np.std(rates) / np.sqrt(200)
    assert np.mean(rates) > 0.8 - 3 * standard_error
    assert np.mean(rates) < 0.83


@pytest.mark.parametrize("method", ["lac", "aps"])
def test_class_conditional_coverage_holds_for_each_class(method):
    rng = np.random.default_rng(0)
    by_class = {True: [], False: []}
    for class_conditional, rates in by_class.items():
        for _ in range(100):
            model = frozen(method=method, class_conditional=class_conditional)
            X, y = draw(300, rng)
            Z, z = draw(300, rng)
            held = model.fit(X, y).predict_set(Z)[np.arange(300), z]
            rates.append([held[z == c].mean() for c in range(5)])
    worst = {key: np.nanmean(rates, axis=0).min() for key, rates in by_class.items()}
    assert worst[True] > 0.9 - 0.01
    assert worst[False] < 0.9 - 0.02  # which the option is there for


def test_several_labels_are_covered_class_by_class():
    """Of the clips with a class, 90 % of the sets hold it, whatever the probabilities."""
    rng = np.random.default_rng(0)
    hits, sizes = [], []
    for _ in range(200):
        X, Z = rng.random((2, 150, 3))
        y, z = (rng.random((150, 3)) < p**2 for p in (X, Z))
        model = ConformalClassifier(FrozenEstimator(Oracle(3, multilabel=True)))
        sets = model.fit(X, y.astype(int)).predict_set(Z)
        hits.append([sets[z[:, c], c].mean() for c in range(3)])
        sizes.append(sets.mean())
    means = np.mean(hits, axis=0)
    errors = np.std(hits, axis=0) / np.sqrt(200)
    assert (means > 0.9 - 3 * errors).all()
    assert (means < 0.925).all()  # 0.9 + 1 / (n + 1) for the n = 50 clips of a class
    assert np.mean(sizes) < 0.8


def slow_score(probabilities, label, method):
    if method == "lac":
        return 1 - probabilities[label]
    return sum(p for p in probabilities if p > probabilities[label])


@pytest.mark.parametrize("method", ["lac", "aps"])
@pytest.mark.parametrize("class_conditional", [False, True])
def test_sets_are_those_of_the_definition(method, class_conditional):
    rng = np.random.default_rng(3)
    X, y = draw(120, rng)
    Z, _ = draw(50, rng)
    model = frozen(method=method, class_conditional=class_conditional, confidence=0.85).fit(X, y)
    for label in range(5):
        counted = [i for i in range(120) if not class_conditional or y[i] == label]
        scores = sorted(slow_score(X[i], y[i], method) for i in counted)
        threshold = scores[int(np.ceil((len(scores) + 1) * 0.85)) - 1]
        expected = [slow_score(z, label, method) <= threshold + 1e-12 for z in Z]
        np.testing.assert_array_equal(model.predict_set(Z)[:, label], expected)
        assert model.thresholds_[label] == pytest.approx(threshold)
        assert model.n_calibration_[label] == len(counted)


def test_the_threshold_is_not_one_too_high_by_rounding():
    """100 * 0.55 is 55.00000000000001 in double precision."""
    X, y = draw(99, np.random.default_rng(0))
    model = frozen(confidence=0.55).fit(X, y)
    assert model.thresholds_[0] == np.sort(1 - X[np.arange(99), y])[54]


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95])
def test_sets_are_those_of_mapie(confidence):
    classification = pytest.importorskip("mapie.classification", reason="needs MAPIE 1.x")
    X, y = make_classification(600, n_informative=6, n_classes=4, random_state=0)
    inner = LogisticRegression().fit(X[:200], y[:200])
    other = classification.SplitConformalClassifier(inner, confidence_level=confidence)
    expected = other.conformalize(X[200:400], y[200:400]).predict_set(X[400:])[1][:, :, 0]
    model = ConformalClassifier(FrozenEstimator(inner), confidence=confidence)
    sets = model.fit(X[200:400], y[200:400]).predict_set(X[400:])
    np.testing.assert_array_equal(sets, expected)


@pytest.mark.parametrize("class_conditional", [False, True])
def test_aps_sets_hold_the_most_probable_label(class_conditional):
    rng = np.random.default_rng(0)
    X, y = draw(300, rng)
    model = frozen(method="aps", class_conditional=class_conditional, confidence=0.6).fit(X, y)
    Z, _ = draw(200, rng)
    assert model.predict_set(Z)[np.arange(200), Z.argmax(axis=1)].all()


@pytest.mark.parametrize("method", ["lac", "aps"])
def test_more_confidence_makes_larger_sets(method):
    rng = np.random.default_rng(0)
    X, y = draw(300, rng)
    Z, _ = draw(200, rng)
    levels = (0.3, 0.6, 0.9, 0.99)
    sets = [frozen(method=method, confidence=c).fit(X, y).predict_set(Z) for c in levels]
    for smaller, larger in pairwise(sets):
        assert (smaller <= larger).all()
        assert smaller.sum() < larger.sum()


@pytest.mark.parametrize(("n_clips", "is_enough"), [(8, False), (9, True)])
def test_too_few_clips_give_sets_of_everything_and_a_warning(n_clips, is_enough):
    rng = np.random.default_rng(0)
    model = frozen(confidence=0.9).fit(*draw(n_clips, rng))
    Z, _ = draw(30, rng)
    if is_enough:
        assert np.isfinite(model.thresholds_).all()
        assert not model.predict_set(Z).all()
        return
    assert np.isinf(model.thresholds_).all()
    with pytest.warns(
        UserWarning, match="at least 9 calibration clips, and got 8. All sets hold 5"
    ):
        assert model.predict_set(Z).all()


def test_the_warning_names_a_class_with_too_few_clips():
    X, y = draw(300, np.random.default_rng(0))
    keep = (y != 2) | (np.cumsum(y == 2) <= 3)
    model = frozen(class_conditional=True).fit(X[keep], y[keep])
    with pytest.warns(UserWarning, match="of each class, and got 3. .* 1 of 5 .* among them 2"):
        assert model.predict_set(X)[:, 2].all()


def data(n_clips=300, **parameters):
    settings = {
        "n_informative": 6,
        "n_classes": 3,
        "class_sep": 2.0,
        "random_state": 0,
    } | parameters
    return make_classification(n_clips, **settings)


def test_a_share_of_the_clips_is_held_out_from_training():
    X, y = data()
    model = ConformalClassifier(LogisticRegression(), calibration=0.3, random_state=4).fit(X, y)
    train, held_out = next(ShuffleSplit(1, test_size=0.3, random_state=4).split(X))
    inner = LogisticRegression().fit(X[train], y[train])
    np.testing.assert_array_equal(model.predict_proba(X), inner.predict_proba(X))
    expected = ConformalClassifier(FrozenEstimator(inner)).fit(X[held_out], y[held_out])
    np.testing.assert_array_equal(model.thresholds_, expected.thresholds_)
    assert (model.n_calibration_ == 90).all()


def test_a_splitter_holds_out_its_first_test_set_and_groups_stay_together():
    X, y = data()
    groups = np.arange(300) // 10
    splitter = GroupShuffleSplit(3, test_size=0.2, random_state=0)
    model = ConformalClassifier(LogisticRegression(), calibration=splitter)
    model.fit(X, y, groups=groups)
    train, test = next(splitter.split(X, y, groups))
    assert not set(groups[train]) & set(groups[test])
    inner = LogisticRegression().fit(X[train], y[train])
    np.testing.assert_array_equal(model.predict_proba(X), inner.predict_proba(X))


def test_a_frozen_estimator_is_not_trained():
    X, y = data()
    inner = LogisticRegression().fit(X[:150], y[:150])
    model = ConformalClassifier(FrozenEstimator(inner)).fit(X[150:], y[150:])
    np.testing.assert_array_equal(model.predict_proba(X), inner.predict_proba(X))
    assert (model.n_calibration_ == 150).all()


def test_the_estimator_passed_in_is_left_alone():
    inner = LogisticRegression()
    ConformalClassifier(inner).fit(*data())
    assert not hasattr(inner, "coef_")


def test_predictions_and_scores_are_those_of_the_classifier():
    X, y = data()
    model = ConformalClassifier(LogisticRegression(), random_state=0).fit(X, y)
    for method in ("predict", "predict_proba", "decision_function"):
        expected = getattr(model.estimator_, method)(X)
        np.testing.assert_array_equal(getattr(model, method)(X), expected)
    assert not hasattr(ConformalClassifier(KNeighborsClassifier()), "decision_function")


@pytest.mark.parametrize("names", [["dog", "cat", "rain"], [7, -2, 100]])
def test_columns_of_sets_are_those_of_classes(names):
    X, codes = data()
    y = np.array(names)[codes]
    model = ConformalClassifier(LogisticRegression(), random_state=0).fit(X, y)
    np.testing.assert_array_equal(model.classes_, np.unique(y))
    held = model.predict_set(X)[np.arange(300), np.searchsorted(model.classes_, y)]
    assert held.mean() > 0.85
    assert model.predict_set(X).dtype == bool


@pytest.mark.parametrize(
    "inner", [KNeighborsClassifier(20), RandomForestClassifier(20, random_state=0)]
)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_classifiers_that_give_a_list_for_several_labels(inner, container):
    X, y = make_multilabel_classification(400, n_classes=3, random_state=0)
    y[:, 2] = 1  # one column of probabilities for the one value that it has
    model = ConformalClassifier(inner, random_state=0).fit(X, container(y))
    assert model.classes_.tolist() == [0, 1, 2]
    sets = model.predict_set(X)
    assert sets.shape == (400, 3)
    assert sets[:, 2].all()
    assert all(sets[y[:, c] == 1, c].mean() > 0.85 for c in (0, 1))


def test_a_label_that_was_not_trained_on_is_improbable():
    """A forest gives one column of probabilities for it, that of its absence."""
    X, y = make_multilabel_classification(400, n_classes=3, random_state=0)
    inner = RandomForestClassifier(20, random_state=0)
    model = ConformalClassifier(inner, calibration=Split(y[:, 1] == 1)).fit(X, y)
    assert model.thresholds_[1] == 1


def test_it_works_in_cross_validation_and_search():
    X, y = data()
    model = ConformalClassifier(LogisticRegression(), random_state=0)
    assert cross_val_score(model, X, y, cv=3, error_score="raise").mean() > 0.7
    grid = {"estimator__C": [0.01, 1.0], "method": ["lac", "aps"]}
    search = GridSearchCV(model, grid, cv=3, error_score="raise").fit(X, y)
    assert search.predict(X).shape == (300,)
    assert clone(model).get_params()["estimator__C"] == 1.0


def test_the_same_seed_gives_the_same_sets():
    X, y = data()
    one, two, three = (
        ConformalClassifier(LogisticRegression(), random_state=seed).fit(X, y).thresholds_[0]
        for seed in (0, 0, 1)
    )
    assert one == two != three


def test_it_must_be_fitted():
    with pytest.raises(NotFittedError):
        ConformalClassifier(LogisticRegression()).predict_set(np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"confidence": 1.0}, r"'confidence' parameter .* \(0.0, 1.0\)"),
        ({"method": "raps"}, "'method' parameter"),
        ({"calibration": 5}, "'calibration' parameter"),
        ({"calibration": 0.0}, "'calibration' parameter"),
        ({"class_conditional": "yes"}, "'class_conditional' parameter"),
        ({"estimator": LinearSVC()}, "'estimator' parameter .*predict_proba"),
    ],
)
def test_bad_parameters_are_refused(parameters, match):
    with pytest.raises(ValueError, match=match):
        ConformalClassifier(**({"estimator": LogisticRegression()} | parameters)).fit(*data())


def test_labels_that_were_all_held_out_are_refused():
    X, y = data()
    with pytest.raises(ValueError, match=r"does not know the labels \[2\].* stratified splitter"):
        ConformalClassifier(LogisticRegression(), calibration=Split(y == 2)).fit(X, y)


class Split:
    """Holds out the clips of a mask."""

    def __init__(self, held_out):
        self.held_out = held_out

    def split(self, X, y=None, groups=None):
        yield np.flatnonzero(~self.held_out), np.flatnonzero(self.held_out)


def test_aps_takes_one_label_a_clip():
    X, y = make_multilabel_classification(100, n_classes=3, random_state=0)
    with pytest.raises(ValueError, match=r"must be 'lac' for a multi-label y\. Got 'aps'"):
        ConformalClassifier(KNeighborsClassifier(), method="aps").fit(X, y)


def test_a_column_for_each_class_is_needed():
    X = np.random.default_rng(0).random((40, 2))
    with pytest.raises(ValueError, match="It gives 2 for 5 classes"):
        frozen().fit(X, np.arange(40) % 5)


def test_probabilities_that_are_no_numbers_are_refused():
    X, y = draw(40, np.random.default_rng(0))
    X[3, 2] = np.nan
    with pytest.raises(ValueError, match="predict_proba contains NaN"):
        frozen().fit(X, y)


def test_fitting_does_not_warn_of_too_few_clips():
    """Who only predicts, as a search does, needs no sets."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frozen().fit(*draw(3, np.random.default_rng(0)))
