"""The table of classes against scikit-learn, class by class."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_fscore_support, roc_auc_score

from sk_audioevents.metrics import (
    class_report,
    clip_scores,
    d_prime,
    lwlrap,
    mean_auc,
    mean_average_precision,
)


@pytest.fixture
def clips():
    rng = np.random.default_rng(0)
    y_true = (rng.random((60, 5)) < 0.4).astype(float)
    return y_true, np.clip(0.3 * y_true + 0.7 * rng.random((60, 5)), 0, 1)


@pytest.mark.parametrize("threshold", [0.5, [0.1, 0.3, 0.5, 0.7, 0.9]])
@pytest.mark.parametrize("weighted", [False, True])
def test_columns_equal_those_of_scikit_learn(clips, threshold, weighted):
    y_true, y_score = clips
    weight = np.random.default_rng(1).random(60) if weighted else None
    report = class_report(y_true, y_score, threshold=threshold, sample_weight=weight)
    precision, recall, f1, support = precision_recall_fscore_support(
        y_true, y_score > threshold, sample_weight=weight
    )
    areas = roc_auc_score(y_true, y_score, average=None, sample_weight=weight)
    precisions = average_precision_score(y_true, y_score, average=None, sample_weight=weight)
    np.testing.assert_allclose(report["precision"], precision)
    np.testing.assert_allclose(report["recall"], recall)
    np.testing.assert_allclose(report["f1"], f1)
    np.testing.assert_allclose(report["support"], support)
    np.testing.assert_allclose(report["auc"], areas)
    np.testing.assert_allclose(report["average_precision"], precisions)
    np.testing.assert_allclose(report["n_labelled"], 60 if weight is None else weight.sum())


def test_row_of_a_class_with_missing_labels_is_that_of_its_labelled_clips(clips):
    y_true, y_score = clips
    y_true[:25, 3] = np.nan
    report = class_report(y_true, y_score)
    expected = class_report(y_true[25:, [3]], y_score[25:, [3]])
    assert report.loc[3].tolist() == expected.loc[0].tolist()
    assert report["n_labelled"].tolist() == [60, 60, 60, 35, 60]


def test_class_without_support_has_no_scores_and_its_detections_are_told(clips):
    y_true, y_score = clips
    y_true[:, 2] = 0
    report = class_report(y_true, y_score, threshold=0.4)
    assert report.loc[2, "support"] == 0
    assert report.loc[2, "n_detected"] == (y_score[:, 2] > 0.4).sum() > 0
    assert report.loc[2, ["average_precision", "auc", "precision", "recall", "f1"]].isna().all()
    assert report.drop(index=2).notna().all(axis=None)


def test_class_that_is_never_detected_scores_zero(clips):
    report = class_report(*clips, threshold=1.0)
    assert (report[["precision", "recall", "f1"]] == 0).all(axis=None)


def test_one_column_of_scores_gives_the_row_of_the_second_label():
    report = class_report(["dog", "cat", "dog"], [0.9, 0.8, 0.2])
    assert report.index.tolist() == ["dog"]
    assert report.loc["dog", ["support", "n_detected", "precision", "recall"]].tolist() == [
        *(2, 2, 0.5, 0.5)
    ]


@pytest.mark.parametrize("threshold", [np.nan, [0.5] * 4, [[0.5] * 5]])
def test_threshold_must_be_one_or_one_a_class(clips, threshold):
    with pytest.raises(ValueError, match=r"a number or one for each of the 5 classes. Got"):
        class_report(*clips, threshold=threshold)


def test_scores_over_all_classes_are_those_of_the_functions(clips):
    y_true, y_score = clips
    y_true[:, 1], y_true[:, 4] = 0, 1
    scores = clip_scores(y_true, y_score)
    assert scores == {
        "mean_average_precision": mean_average_precision(y_true, y_score),
        "mean_auc": mean_auc(y_true, y_score),
        "d_prime": d_prime(y_true, y_score),
        "lwlrap": lwlrap(y_true, y_score),
        "n_classes": 5,
        "n_scored_classes": 4,
        "n_auc_classes": 3,
    }


def test_scores_of_no_labels_are_nan():
    scores = clip_scores(np.zeros((3, 2)), np.ones((3, 2)))
    assert np.isnan([scores[name] for name in list(scores)[:4]]).all()
    assert scores["n_scored_classes"] == scores["n_auc_classes"] == 0
