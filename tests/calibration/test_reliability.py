"""Calibration tables and errors against a slow loop, scikit-learn and published definitions."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.calibration import calibration_curve

from sk_audioevents.calibration import calibration_table, expected_calibration_error


def problem(seed=0, n_clips=500, n_classes=4, sharpness=2.0):
    """Return labels drawn from probabilities, and other, overconfident probabilities."""
    rng = np.random.default_rng(seed)
    right = rng.dirichlet(np.full(n_classes, 0.5), n_clips)
    y = np.array([rng.choice(n_classes, p=p) for p in right])
    claimed = right**sharpness
    return y, claimed / claimed.sum(axis=1, keepdims=True), right


def slow_error(present, probability, edges):
    """Return the ECE by definition, bin by bin: open below, closed above."""
    error = 0
    for i, (lower, upper) in enumerate(pairwise(edges)):
        inside = [j for j, p in enumerate(probability) if (lower < p or i == 0) and p <= upper]
        if inside:
            gap = np.mean([probability[j] for j in inside]) - np.mean([present[j] for j in inside])
            error += len(inside) / len(probability) * abs(gap)
    return error


@pytest.mark.parametrize("n_bins", [1, 5, 15])
def test_the_error_of_each_class_is_that_of_the_definition(n_bins):
    y, y_prob, _ = problem()
    edges = np.linspace(0, 1, n_bins + 1)
    expected = [slow_error(y == k, y_prob[:, k], edges) for k in range(4)]
    errors = expected_calibration_error(y, y_prob, n_bins=n_bins, average=None)
    np.testing.assert_allclose(errors, expected, rtol=1e-10)
    assert errors.index.tolist() == [0, 1, 2, 3]
    mean = expected_calibration_error(y, y_prob, n_bins=n_bins)
    assert mean == pytest.approx(np.mean(expected))


def test_bins_of_equal_mass_are_those_of_the_definition():
    y, y_prob, _ = problem()
    expected = []
    for k in range(4):
        edges = np.quantile(y_prob[:, k], np.linspace(0, 1, 11))
        expected.append(slow_error(y == k, y_prob[:, k], edges))
    errors = expected_calibration_error(y, y_prob, strategy="quantile", average=None)
    np.testing.assert_allclose(errors, expected, rtol=1e-10)


def test_bins_of_equal_mass_hold_equally_many_clips():
    y, y_prob, _ = problem()
    table = calibration_table(y, y_prob, strategy="quantile", n_bins=10)
    assert (table.n_clips == 50).all()


def test_the_error_of_the_top_label_is_that_of_guo_and_of_torchmetrics():
    """Sum over bins of n_b / n * |accuracy - confidence| (Guo et al. 2017, equation 3)."""
    y, y_prob, _ = problem()
    confidence, accuracy = y_prob.max(axis=1), y_prob.argmax(axis=1) == y
    bins = np.digitize(confidence, np.linspace(0, 1, 16))
    expected = sum(
        np.mean(bins == b) * abs(accuracy[bins == b].mean() - confidence[bins == b].mean())
        for b in np.unique(bins)
    )
    error = expected_calibration_error(y, y_prob, n_bins=15, average="top_label")
    assert error == pytest.approx(expected)


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_the_table_is_the_calibration_curve_of_each_class(strategy):
    y, y_prob, _ = problem()
    table = calibration_table(y, y_prob, n_bins=7, strategy=strategy)
    for k, rows in table.groupby("label"):
        frequency, mean = calibration_curve(y == k, y_prob[:, k], n_bins=7, strategy=strategy)
        np.testing.assert_allclose(rows.frequency, frequency)
        np.testing.assert_allclose(rows.mean_probability, mean)
        assert rows.n_clips.sum() == 500
        assert (rows.lower <= rows.mean_probability).all()
        assert (rows.mean_probability <= rows.upper).all()


def test_the_columns_of_the_table():
    table = calibration_table(*problem()[:2])
    names = ["label", "lower", "upper", "n_clips", "mean_probability", "frequency"]
    assert table.columns.tolist() == names
    assert table.index.equals(pd.RangeIndex(len(table)))


def test_bins_without_clips_have_no_row():
    table = calibration_table([0, 1, 1], [0.05, 0.95, 0.96], n_bins=10)
    assert table.lower.round(1).tolist() == [0.0, 0.9]


def test_an_edge_belongs_to_the_lower_bin():
    table = calibration_table([0, 1, 1, 0], [0.0, 0.5, 0.6, 1.0], n_bins=2)
    assert table.n_clips.tolist() == [2, 2]
    assert table.mean_probability.tolist() == [0.25, 0.8]


def test_right_probabilities_have_less_error_than_overconfident_ones():
    y, claimed, right = problem(n_clips=4000)
    assert (
        expected_calibration_error(y, right) < 0.02 < 0.05 < expected_calibration_error(y, claimed)
    )


@pytest.mark.parametrize(("probability", "expected"), [(1.0, 0.0), (0.75, 0.25), (0.0, 1.0)])
def test_the_error_of_a_constant(probability, expected):
    """All clips are of the class that has this probability."""
    y_prob = np.tile([1 - probability, probability], (8, 1))
    error = expected_calibration_error([1] * 8, y_prob, labels=[0, 1])
    assert error == pytest.approx(expected)


def test_the_probability_of_the_second_of_two_classes_is_enough():
    y, y_prob, _ = problem(n_classes=2)
    names = np.array(["no", "yes"])[y]
    table = calibration_table(names, y_prob[:, 1])
    assert set(table.label) == {"yes"}
    for average in ("macro", "top_label"):
        one = expected_calibration_error(names, y_prob[:, 1], average=average, n_bins=9)
        two = expected_calibration_error(names, y_prob, average=average, n_bins=9)
        assert one == pytest.approx(two)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, np.ndarray.tolist])
def test_several_labels_a_clip(container):
    rng = np.random.default_rng(0)
    y_prob = rng.random((300, 3))
    y = (rng.random((300, 3)) < y_prob**2).astype(int)
    errors = expected_calibration_error(container(y), y_prob, average=None)
    expected = [slow_error(y[:, k], y_prob[:, k], np.linspace(0, 1, 11)) for k in range(3)]
    np.testing.assert_allclose(errors, expected)
    named = calibration_table(container(y), y_prob, labels=["dog", "cat", "rain"])
    assert named.label.unique().tolist() == ["dog", "cat", "rain"]


def test_classes_that_no_clip_has_need_the_labels():
    y_prob = np.full((4, 3), 1 / 3)
    with pytest.raises(ValueError, match=r"Got shape \(4, 3\) for 2 classes.* pass the classes_"):
        expected_calibration_error(["a", "b", "a", "b"], y_prob)
    errors = expected_calibration_error(
        ["a", "b", "a", "b"], y_prob, labels=["a", "b", "c"], average=None
    )
    np.testing.assert_allclose(errors, [1 / 6, 1 / 6, 1 / 3])
    assert errors.index.tolist() == ["a", "b", "c"]


def test_labels_may_come_in_the_order_of_the_columns():
    y, y_prob, _ = problem()
    order = [2, 0, 3, 1]
    errors = expected_calibration_error(y, y_prob[:, order], labels=order, average=None)
    expected = expected_calibration_error(y, y_prob, average=None)
    np.testing.assert_allclose(errors, expected[order])


@pytest.mark.parametrize("function", [calibration_table, expected_calibration_error])
@pytest.mark.parametrize(
    ("y_true", "y_prob", "parameters", "match"),
    [
        ([0, 1], [0.5, 1.5], {}, r"range from 0 to 1. Got 1.5: is it the decision_function"),
        ([0, 1], [-2.0, 0.5], {}, "Got -2: is it"),
        ([0, 1], [np.nan, 0.5], {}, "NaN"),
        ([0, 1, 1], [0.5, 0.5], {}, "inconsistent numbers of samples"),
        ([0, 1, 2], [0.5, 0.5, 0.5], {}, r"Got shape \(3,\) for 3 classes"),
        ([0, 1], [0.5, 0.5], {"labels": [0, 2]}, r"must hold all labels of y_true. \[1\] are not"),
        ([[0, 1], [1, 1]], [[0.5, 0.5]] * 2, {"labels": ["a"]}, "2 classes and 1 labels"),
        ([0.5, 0.2], [0.5, 0.5], {}, "Got a 'continuous' array"),
        ([0, 1], [0.5, 0.5], {"n_bins": 0}, "'n_bins' parameter"),
        ([0, 1], [0.5, 0.5], {"strategy": "equal"}, "'strategy' parameter"),
    ],
)
def test_bad_input_is_refused(function, y_true, y_prob, parameters, match):
    with pytest.raises(ValueError, match=match):
        function(y_true, y_prob, **parameters)


def test_there_is_no_top_label_among_several_labels():
    with pytest.raises(ValueError, match="must be 'macro' or None for a multi-label"):
        expected_calibration_error([[0, 1], [1, 1]], [[0.5, 0.5]] * 2, average="top_label")
