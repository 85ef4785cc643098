"""Precision, recall and F1 against the threshold."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, precision_score, recall_score

from sk_audioevents.plotting import ThresholdCurveDisplay


@pytest.mark.parametrize("threshold", [0.05, 0.31, 0.5, 0.72])
def test_the_lines_say_what_scikit_learn_says_at_any_threshold(make_clips, draw, threshold):
    y_true, y_score = make_clips(60, 2)
    display = draw(ThresholdCurveDisplay.from_predictions(y_true, y_score))
    metrics = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
    for label in (0, 1):
        for name, metric in metrics.items():
            line = display.lines_[label][name]
            assert line.get_drawstyle() == "steps-pre"  # a value holds down to the point before
            row = np.searchsorted(line.get_xdata(), threshold)
            expected = metric(y_true[:, label], y_score[:, label] >= threshold, zero_division=0)
            assert line.get_ydata()[row] == pytest.approx(expected)


def test_the_threshold_with_the_largest_f1_is_marked(make_clips):
    y_true, y_score = make_clips(60, 2)
    display = ThresholdCurveDisplay.from_predictions(y_true, y_score)
    for label, threshold in display.thresholds_.items():
        scores = np.unique(y_score[:, label])
        f1 = [f1_score(y_true[:, label], y_score[:, label] >= score) for score in scores]
        assert threshold == scores[np.argmax(f1)]
        marked = display.axes_[label].lines[3]
        assert marked.get_xdata() == [threshold, threshold]
        assert f"F1 {max(f1):.2f}" in display.axes_[label].texts[0].get_text()


@pytest.mark.parametrize("thresholds", [0.4, {0: 0.4}])
def test_a_given_threshold_is_marked_with_its_f1(make_clips, thresholds):
    y_true, y_score = make_clips(60, 2)
    display = ThresholdCurveDisplay.from_predictions(y_true, y_score, thresholds=thresholds)
    assert display.thresholds_[0] == 0.4
    assert (display.thresholds_[1] == 0.4) == (thresholds == 0.4)
    expected = f1_score(y_true[:, 0], y_score[:, 0] >= 0.4)
    assert display.axes_[0].texts[0].get_text() == f"0.40: F1 {expected:.2f}"


def test_a_threshold_above_all_scores_has_no_f1(draw):
    display = ThresholdCurveDisplay.from_predictions([[1], [0]], [[0.7], [0.2]], thresholds=0.9)
    assert draw(display).axes_[0].texts[0].get_text() == "0.90: F1 0.00"


def test_clips_that_are_not_labelled_do_not_count():
    y_true = np.array([[1.0], [0.0], [np.nan], [1.0]])
    y_score = np.array([[0.9], [0.5], [0.7], [0.3]])
    display = ThresholdCurveDisplay.from_predictions(y_true, y_score)
    curve = display.curves[0]
    assert curve["threshold"].tolist() == [0.3, 0.5, 0.9]
    np.testing.assert_allclose(curve["precision"], [2 / 3, 1 / 2, 1])


def test_a_weight_of_two_is_a_clip_twice(make_clips):
    y_true, y_score = make_clips(20, 2)
    weight = np.arange(20) % 3
    display = ThresholdCurveDisplay.from_predictions(y_true, y_score, sample_weight=weight)
    rows = np.repeat(np.arange(20), weight)
    expected = ThresholdCurveDisplay.from_predictions(y_true[rows], y_score[rows])
    pd.testing.assert_frame_equal(display.curves[1], expected.curves[1])


def test_of_many_classes_those_with_the_most_clips_are_drawn(make_clips):
    y_true, y_score = make_clips(60, 20)
    display = ThresholdCurveDisplay.from_predictions(y_true, y_score, max_classes=4)
    support = y_true.sum(axis=0)
    assert len(display.curves) == len(display.axes_) == len(display.figure_.axes) == 4
    drawn = list(display.curves)
    assert support[drawn].min() >= np.delete(support, drawn).max()
    assert drawn == sorted(drawn)


def test_classes_without_clips_are_left_out_unless_asked_for(make_clips):
    y_true, y_score = make_clips(30, 3)
    y_true[:, 1] = 0
    display = ThresholdCurveDisplay.from_predictions(y_true, y_score)
    assert list(display.curves) == [0, 2]
    with pytest.raises(ValueError, match=r"others have no recall. Got \[1\]"):
        ThresholdCurveDisplay.from_predictions(y_true, y_score, show=1)
    with pytest.raises(ValueError, match=r"must have a class in some clip"):
        ThresholdCurveDisplay.from_predictions(0 * y_true, y_score)


def test_classes_are_drawn_in_the_order_asked_for_on_the_axes_given(make_clips, pyplot, draw):
    y_true, y_score = make_clips(30, 3)
    _, axes = pyplot.subplots(1, 2)
    names = ["owl", "wren", "tit"]
    display = ThresholdCurveDisplay.from_predictions(
        y_true, y_score, labels=names, show=["tit", "owl"], ax=axes
    )
    assert [ax.get_title() for ax in draw(display).axes_] == ["tit", "owl"]
    assert list(display.axes_) == list(axes)
    assert axes[0].get_xlabel() == "threshold"
    assert axes[0].get_ylabel() == "precision, recall, F1"


def test_one_class_takes_single_axes(make_clips, pyplot):
    _, ax = pyplot.subplots()
    display = ThresholdCurveDisplay.from_predictions(*make_clips(30, 3), show=2, ax=ax)
    assert list(display.axes_) == [ax]


def test_from_estimator_draws_the_classes_of_the_estimator():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2)), np.array(["wren", "owl", "tit"])[np.arange(30) % 3]
    model = LogisticRegression().fit(X, y)
    display = ThresholdCurveDisplay.from_estimator(model, X, y)
    assert list(display.curves) == ["owl", "tit", "wren"]
    assert display.curves["tit"]["threshold"].tolist() == sorted(model.predict_proba(X)[:, 1])


def test_wrong_options_are_refused(make_clips, pyplot):
    clips = make_clips(20, 2)
    from_predictions = ThresholdCurveDisplay.from_predictions
    with pytest.raises(ValueError, match=r"'show' .* no labels but \[0, 1\]. Got \['owl'\]"):
        from_predictions(*clips, show="owl")
    with pytest.raises(ValueError, match=r"'thresholds' .* no labels but \[0, 1\]. Got \[7\]"):
        from_predictions(*clips, thresholds={7: 0.5})
    with pytest.raises(ValueError, match=r"'max_classes' .* an int from 1 on. Got 0"):
        from_predictions(*clips, max_classes=0)
    with pytest.raises(ValueError, match=r"one matplotlib Axes for each of the 2 classes. Got 1"):
        from_predictions(*clips, ax=pyplot.subplots()[1])
