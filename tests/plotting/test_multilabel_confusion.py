"""Confusions of clips with several labels."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.multioutput import MultiOutputClassifier

from sk_audioevents.plotting import MultilabelConfusionDisplay
from sk_audioevents.plotting._multilabel_confusion import multilabel_confusion

LONG = "Domestic sounds, home sounds and whatever else"


def count_slowly(true, predicted):
    """Return the matrix, clip by clip with sets, as the docstring tells."""
    n_classes = true.shape[1]
    matrix = np.zeros((n_classes + 1, n_classes + 1), dtype=int)
    for true_row, predicted_row in zip(true, predicted):
        T, P = set(np.flatnonzero(true_row)), set(np.flatnonzero(predicted_row))
        for label in T & P:
            matrix[label, label] += 1
        missed, wrong = T - P, P - T
        rows = missed or T or {n_classes}
        columns = wrong or ({n_classes} if missed or not T else set())
        for row in rows:
            for column in columns:
                matrix[row, column] += 1
    return matrix


@pytest.mark.parametrize("seed", range(5))
def test_counts_are_those_of_a_slow_loop_over_clips(seed):
    rng = np.random.default_rng(seed)
    true, predicted = rng.random((2, 60, 5)) < 0.3
    np.testing.assert_array_equal(
        multilabel_confusion(true, predicted), count_slowly(true, predicted)
    )


def test_with_one_label_a_clip_it_is_the_usual_confusion_matrix():
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 4, size=(2, 80))
    matrix = multilabel_confusion(np.eye(4, dtype=bool)[true], np.eye(4, dtype=bool)[predicted])
    np.testing.assert_array_equal(matrix[:-1, :-1], confusion_matrix(true, predicted))
    assert matrix[-1].sum() == matrix[:, -1].sum() == 0


@pytest.mark.parametrize(
    ("true", "predicted", "counted"),
    [
        ([], [], {(3, 3): 1}),
        ([], [0, 2], {(3, 0): 1, (3, 2): 1}),
        ([0, 1], [], {(0, 3): 1, (1, 3): 1}),
        ([0, 1], [0], {(0, 0): 1, (1, 3): 1}),
        ([0], [0, 2], {(0, 0): 1, (0, 2): 1}),
        ([0, 1], [0, 2], {(0, 0): 1, (1, 2): 1}),
        ([0], [1, 2], {(0, 1): 1, (0, 2): 1}),
    ],
)
def test_each_kind_of_clip_counts_as_documented(true, predicted, counted):
    clips = np.zeros((2, 1, 3), dtype=bool)
    clips[0, 0, true] = clips[1, 0, predicted] = True
    matrix = multilabel_confusion(*clips)
    assert {tuple(map(int, at)): int(matrix[tuple(at)]) for at in np.argwhere(matrix)} == counted


@pytest.mark.parametrize(("normalize", "axis"), [("true", 1), ("pred", 0)])
def test_the_image_holds_the_shares(make_clips, draw, normalize, axis):
    y_true, y_score = make_clips(40, 4)
    display = draw(
        MultilabelConfusionDisplay.from_predictions(y_true, y_score > 0.5, normalize=normalize)
    )
    matrix = count_slowly(y_true, y_score > 0.5)
    np.testing.assert_array_equal(display.confusion_matrix, matrix)
    shares = matrix / matrix.sum(axis=axis, keepdims=True)
    np.testing.assert_allclose(display.image_.get_array(), shares)
    i, j = np.argwhere(shares >= 0.1)[0]
    assert display.text_[i, j].get_text() == f"{shares[i, j]:.2f}"[1:]
    assert display.text_[i, j].get_position() == (j, i)


def test_counts_are_drawn_as_counts(make_clips):
    y_true, y_score = make_clips(40, 3)
    display = MultilabelConfusionDisplay.from_predictions(y_true, y_score > 0.5, normalize=None)
    np.testing.assert_array_equal(display.image_.get_array(), display.confusion_matrix)
    largest = np.unravel_index(display.confusion_matrix.argmax(), display.confusion_matrix.shape)
    assert display.text_[largest].get_text() == str(display.confusion_matrix.max())


def test_rows_and_columns_are_named_and_axes_too(make_clips):
    y_true, y_score = make_clips(40, 2)
    display = MultilabelConfusionDisplay.from_predictions(
        y_true, y_score > 0.5, labels=["owl", "wren"]
    )
    for axis in (display.ax_.xaxis, display.ax_.yaxis):
        assert [text.get_text() for text in axis.get_ticklabels()] == ["owl", "wren", "(none)"]
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == (
        "predicted class",
        "true class",
    )


def test_of_many_classes_the_most_confused_are_drawn_with_shares_of_all():
    matrix = np.diag([9, 9, 9, 9, 0])
    matrix[1, 3], matrix[0, 2] = 3, 1
    display = MultilabelConfusionDisplay(matrix).plot(max_classes=2)
    assert display.drawn_.tolist() == [1, 3, 4]
    expected = [[9 / 12, 3 / 12, 0], [0, 1, 0], [0, 0, 0]]
    np.testing.assert_allclose(display.image_.get_array(), expected)
    assert display.ax_.get_title() == "the 2 most confused of 4 classes"


@pytest.mark.parametrize("n_classes", [3, 12, 100])
@pytest.mark.parametrize("figsize", [None, (3.4, 3.4), (8.0, 6.0)])
def test_names_do_not_overlap(make_clips, draw, overlap, pyplot, n_classes, figsize):
    y_true, y_score = make_clips(40, n_classes)
    ax = None if figsize is None else pyplot.subplots(figsize=figsize, layout="constrained")[1]
    display = draw(
        MultilabelConfusionDisplay.from_predictions(
            y_true, y_score > 0.5, labels=[f"{LONG} {i}" for i in range(n_classes)], ax=ax
        )
    )
    assert not overlap(display.ax_.get_yticklabels())
    assert not overlap(display.ax_.get_xticklabels())


def test_from_estimator_predicts_or_compares_with_a_threshold():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = (X + rng.normal(size=X.shape) > 0).astype(int)
    model = MultiOutputClassifier(LogisticRegression()).fit(X, y)
    display = MultilabelConfusionDisplay.from_estimator(model, X, y)
    np.testing.assert_array_equal(display.confusion_matrix, count_slowly(y, model.predict(X)))
    probabilities = np.column_stack([column[:, 1] for column in model.predict_proba(X)])
    display = MultilabelConfusionDisplay.from_estimator(model, X, y, threshold=[0.2, 0.8])
    expected = count_slowly(y, probabilities > [0.2, 0.8])
    np.testing.assert_array_equal(display.confusion_matrix, expected)


def test_what_has_no_such_matrix_is_refused():
    from_predictions = MultilabelConfusionDisplay.from_predictions
    with pytest.raises(ValueError, match=r"Got 1 axes: for one label a clip there is sklearn"):
        from_predictions([0, 1], [[1, 0], [0, 1]])
    with pytest.raises(ValueError, match=r"must hold 0 and 1. Got NaN"):
        from_predictions([[0, np.nan]], [[1, 0]])
    with pytest.raises(ValueError, match=r"must hold 0 and 1. Got 0.3: are they scores"):
        from_predictions([[0, 1]], [[0.3, 0.6]])
    with pytest.raises(ValueError, match=r"'normalize' parameter .* one of 'true', 'pred', None"):
        from_predictions([[0, 1]], [[0, 1]], normalize="all")


def test_a_figure_in_place_of_axes_is_refused(pyplot):
    with pytest.raises(TypeError, match=r"'ax' parameter of MultilabelC.* Got Figure instead"):
        MultilabelConfusionDisplay(np.eye(3)).plot(ax=pyplot.figure())
