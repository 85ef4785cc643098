"""Bars of classes."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import average_precision_score, recall_score

from sk_audioevents.plotting import ClassReportDisplay

LONG = "Domestic sounds, home sounds and whatever else"


def test_bars_are_the_average_precisions_in_descending_order(make_clips, draw):
    y_true, y_score = make_clips(40, 7)
    display = draw(ClassReportDisplay.from_predictions(y_true, y_score))
    expected = average_precision_score(y_true, y_score, average=None)
    drawn = [bar.get_width() for bar in display.bars_]
    np.testing.assert_allclose(drawn, np.sort(expected)[::-1])
    assert display.drawn_.index.tolist() == np.argsort(-expected).tolist()
    heights = [bar.get_y() for bar in display.bars_]
    bottom, top = display.ax_.get_ylim()
    assert bottom > top  # the first is on top
    assert heights == sorted(heights)


def test_names_and_supports_label_the_bars(make_clips):
    y_true, y_score = make_clips(30, 3)
    display = ClassReportDisplay.from_predictions(y_true, y_score, labels=["cat", "dog", LONG])
    texts = {tick.get_text() for tick in display.ax_.get_yticklabels()}
    n_cats, n_dogs, n_others = y_true.sum(axis=0)
    assert texts == {f"cat ({n_cats})", f"dog ({n_dogs})", f"{LONG[:26]}… ({n_others})"}


def test_another_metric_is_drawn_at_the_threshold(make_clips):
    y_true, y_score = make_clips(30, 4)
    display = ClassReportDisplay.from_predictions(y_true, y_score, metric="recall", threshold=0.7)
    expected = recall_score(y_true, y_score > 0.7, average=None)
    np.testing.assert_allclose([bar.get_width() for bar in display.bars_], sorted(expected)[::-1])
    assert display.ax_.get_xlabel() == "recall"


def test_the_share_of_positives_and_the_mean_are_marked(make_clips):
    y_true, y_score = make_clips(30, 4)
    display = ClassReportDisplay.from_predictions(y_true, y_score)
    (chance,) = display.ax_.collections
    marks = [segment[0, 0] for segment in chance.get_segments()]
    np.testing.assert_allclose(marks, y_true.mean(axis=0)[display.drawn_.index])
    (mean,) = display.ax_.lines
    assert mean.get_xdata()[0] == pytest.approx(average_precision_score(y_true, y_score))


@pytest.mark.parametrize(("max_classes", "n_best", "n_worst"), [(6, 3, 3), (7, 4, 3)])
def test_of_many_classes_the_best_and_the_worst_are_drawn(make_clips, max_classes, n_best, n_worst):
    y_true, y_score = make_clips(60, 527)
    display = ClassReportDisplay.from_predictions(y_true, y_score, max_classes=max_classes)
    order = display.report["average_precision"].sort_values(ascending=False, kind="stable").index
    expected = [*order[:n_best], *order[-n_worst:]]
    assert display.drawn_.index.tolist() == expected
    assert [text.get_text() for text in display.ax_.texts][-1] == f"… {527 - max_classes} more …"
    assert "527 classes" in display.ax_.get_xlabel()


def test_classes_without_positives_have_no_bar_and_are_counted(make_clips):
    y_true, y_score = make_clips(30, 4)
    y_true[:, 2] = 0
    display = ClassReportDisplay.from_predictions(y_true, y_score)
    assert sorted(display.drawn_.index) == [0, 1, 3]
    assert "1 without a score" in display.ax_.get_xlabel()


def test_no_class_with_positives_is_drawn_as_an_empty_picture(draw):
    display = ClassReportDisplay.from_predictions(np.zeros((3, 2)), np.ones((3, 2)))
    assert len(draw(display).drawn_) == 0


@pytest.mark.parametrize("n_classes", [3, 30, 527])
@pytest.mark.parametrize("figsize", [None, (3.4, 3.0), (8.0, 6.0)])
def test_names_do_not_overlap(make_clips, draw, overlap, pyplot, n_classes, figsize):
    y_true, y_score = make_clips(40, n_classes)
    ax = None if figsize is None else pyplot.subplots(figsize=figsize, layout="constrained")[1]
    labels = [f"{LONG} {i}" for i in range(n_classes)]
    display = draw(ClassReportDisplay.from_predictions(y_true, y_score, labels=labels, ax=ax))
    assert not overlap(display.ax_.get_yticklabels())
    assert display.ax_.get_window_extent().width > 60  # pixels that are left for the bars


def test_from_estimator_takes_the_classes_of_a_single_label_problem():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2)), np.array(["wren", "owl", "tit"])[np.arange(30) % 3]
    model = LogisticRegression().fit(X, y)
    display = ClassReportDisplay.from_estimator(model, X[y != "tit"], y[y != "tit"])
    assert sorted(display.drawn_.index) == ["owl", "wren"]
    assert display.report.index.tolist() == ["owl", "tit", "wren"]


def test_from_estimator_takes_the_columns_of_a_multi_label_table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2))
    y = pd.DataFrame({"owl": X[:, 0] > 0, "wren": X[:, 1] > 0}).astype(int)
    forest = RandomForestClassifier(5, random_state=0).fit(X, y)  # gives a list of probabilities
    display = ClassReportDisplay.from_estimator(forest, X, y)
    assert sorted(display.drawn_.index) == ["owl", "wren"]
    assert (display.drawn_["average_precision"] > 0.9).all()


def test_an_estimator_without_probabilities_is_refused():
    X, y = [[0.0], [1.0]], [0, 1]
    with pytest.raises(TypeError, match=r"predict_proba. Got RidgeClassifier: pass its scores"):
        ClassReportDisplay.from_estimator(RidgeClassifier().fit(X, y), X, y)


def test_wrong_options_are_refused(make_clips):
    clips = make_clips(9, 2)
    with pytest.raises(
        ValueError, match=r"'metric' parameter .* one of 'average_precision', 'auc'"
    ):
        ClassReportDisplay.from_predictions(*clips, metric="accuracy")
    with pytest.raises(ValueError, match=r"'max_classes' parameter .* an int from 2 on. Got 1"):
        ClassReportDisplay.from_predictions(*clips, max_classes=1)


def test_a_figure_in_place_of_axes_is_refused(make_clips, pyplot):
    with pytest.raises(TypeError, match=r"'ax' parameter of ClassReportDisplay.plot .* Got Figure"):
        ClassReportDisplay.from_predictions(*make_clips(9, 2), ax=pyplot.figure())
