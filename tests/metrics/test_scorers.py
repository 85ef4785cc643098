"""The scorers in scikit-learn's own machinery, for all kinds of y."""

import numpy as np
import pytest
import sklearn
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, check_scoring, get_scorer, roc_auc_score
from sklearn.model_selection import GridSearchCV, PredefinedSplit, cross_val_score, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler, label_binarize

from sk_audioevents import metrics
from sk_audioevents.metrics import CLIP_METRICS, mean_auc_scorer, mean_average_precision_scorer

SCORERS = {name: getattr(metrics, f"{name}_scorer") for name in CLIP_METRICS}
LABELS = np.array(["owl", "cat", "dog", "bee"])


def single_labels(n_classes):
    X, y = make_classification(
        80, n_features=6, n_informative=5, n_redundant=0, n_classes=n_classes, random_state=0
    )
    return X, LABELS[y]


def test_each_metric_by_name_has_a_scorer():
    assert all(scorer._score_func is CLIP_METRICS[name] for name, scorer in SCORERS.items())
    assert set(SCORERS) == {
        name.removesuffix("_scorer") for name in metrics.__all__ if name.endswith("_scorer")
    }


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "forest"])
def test_cross_validation_of_any_kind_of_y_gives_finite_scores(name, kind):
    model = make_pipeline(StandardScaler(), LogisticRegression())
    if kind in ("multilabel", "forest"):
        X, y = make_multilabel_classification(80, n_classes=3, random_state=0)
        model = (
            RandomForestClassifier(5, random_state=0)
            if kind == "forest"  # whose predict_proba is a list of arrays
            else OneVsRestClassifier(GaussianNB())
        )
    else:
        X, y = single_labels(2 if kind == "binary" else 4)
    scores = cross_val_score(model, X, y, scoring=SCORERS[name], cv=2, error_score="raise")
    assert np.isfinite(scores).all()
    # Chance level is 0 and, for all of three labels right, 1/8.
    assert scores.min() > {"d_prime": 0, "accuracy": 1 / 8}.get(name, 0.3)


def test_binary_scores_are_those_of_scikit_learn():
    X, y = single_labels(2)
    model = LogisticRegression().fit(X[:50], y[:50])
    assert mean_auc_scorer(model, X[50:], y[50:]) == pytest.approx(
        get_scorer("roc_auc")(model, X[50:], y[50:])
    )
    expected = average_precision_score(y[50:] == "owl", model.predict_proba(X[50:])[:, 1])
    assert mean_average_precision_scorer(model, X[50:], y[50:]) == pytest.approx(expected)


def test_multiclass_scores_are_those_of_each_class_against_the_rest():
    X, y = single_labels(4)
    model = LogisticRegression().fit(X[:50], y[:50])
    probabilities = model.predict_proba(X[50:])
    expected = roc_auc_score(y[50:], probabilities, multi_class="ovr")
    assert mean_auc_scorer(model, X[50:], y[50:]) == pytest.approx(expected)
    indicator = label_binarize(y[50:], classes=model.classes_)
    expected = average_precision_score(indicator, probabilities)
    assert mean_average_precision_scorer(model, X[50:], y[50:]) == pytest.approx(expected)


@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_fold_that_lacks_a_class_is_scored_on_the_others(n_classes):
    X, y = single_labels(n_classes)
    model = LogisticRegression().fit(X, y)
    kept = y != "cat" if n_classes > 2 else np.arange(80) >= 0
    labels = y[kept]
    expected = [
        average_precision_score(labels == label, model.predict_proba(X[kept])[:, i])
        for i, label in enumerate(model.classes_)
        if (labels == label).any() and (n_classes > 2 or i == 1)
    ]
    score = mean_average_precision_scorer(model, X[kept], labels)
    assert score == pytest.approx(np.mean(expected))


def test_grid_search_picks_the_best_candidate():
    X, y = single_labels(4)
    model = Pipeline([("model", LogisticRegression())])
    candidates = {"model": [DummyClassifier(strategy="uniform", random_state=0), *model[:]]}
    search = GridSearchCV(model, candidates, scoring=mean_average_precision_scorer, cv=3)
    scores = search.fit(X, y).cv_results_["mean_test_score"]
    assert search.best_index_ == 1
    assert scores[1] > scores[0] + 0.2


class CountingClassifier(LogisticRegression):
    n_calls = 0

    def predict_proba(self, X):
        CountingClassifier.n_calls += 1
        return super().predict_proba(X)


def test_several_scorers_share_one_prediction():
    X, y = single_labels(4)
    CountingClassifier.n_calls = 0
    fold = PredefinedSplit(np.where(np.arange(80) < 40, -1, 0))
    results = cross_validate(CountingClassifier(), X, y, scoring=SCORERS, cv=fold)
    assert CountingClassifier.n_calls == 1
    assert {f"test_{name}" for name in SCORERS} < set(results)


def test_sample_weights_reach_the_metric_directly_and_by_routing():
    X, y = single_labels(4)
    model = LogisticRegression().fit(X, y)
    weight = np.linspace(0, 1, 80)
    expected = mean_auc_scorer(model, X[40:], y[40:], sample_weight=weight[40:])
    assert expected != mean_auc_scorer(model, X[40:], y[40:])
    fold = PredefinedSplit(np.where(np.arange(80) < 40, -1, 0))
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = metrics._scorers._make_scorer(metrics.mean_auc)
        scorer.set_score_request(sample_weight=True)
        estimator = LogisticRegression().set_fit_request(sample_weight=False)
        (routed,) = cross_val_score(
            estimator, X, y, scoring=scorer, cv=fold, params={"sample_weight": weight}
        )
    model = LogisticRegression().fit(X[:40], y[:40])
    assert routed == mean_auc_scorer(model, X[40:], y[40:], sample_weight=weight[40:])


def test_scorers_are_scikit_learns_and_say_what_they_are():
    assert check_scoring(LogisticRegression(), mean_auc_scorer) is mean_auc_scorer
    assert repr(mean_auc_scorer) == "make_scorer(mean_auc, response_method='predict_proba')"
