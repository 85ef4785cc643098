"""Metrics per clip against scikit-learn and slow loops."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    label_ranking_average_precision_score,
    roc_auc_score,
)

from sk_audioevents.metrics import (
    accuracy,
    d_prime,
    lwlrap,
    mean_auc,
    mean_average_precision,
    mean_average_precision_at_k,
)

METRICS = (mean_average_precision, mean_auc, d_prime, lwlrap, mean_average_precision_at_k)


def draw(n_clips=50, n_classes=7, n_levels=None, seed=0, share=0.3, dtype=np.float64):
    """Draw labels and scores, of few levels for many ties."""
    rng = np.random.default_rng(seed)
    y_true = (rng.random((n_clips, n_classes)) < share).astype(int)
    y_score = rng.random((n_clips, n_classes)) + 0.3 * y_true
    if n_levels:
        y_score = np.round(y_score * n_levels) / n_levels
    return y_true, y_score.astype(dtype)


def weights(n_clips=50, seed=9):
    rng = np.random.default_rng(seed)
    return rng.random(n_clips) * (rng.random(n_clips) < 0.8)


@pytest.mark.parametrize("n_levels", [None, 10, 2, 1])
@pytest.mark.parametrize("sample_weight", [None, weights()])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("metric", "reference"),
    [(mean_average_precision, average_precision_score), (mean_auc, roc_auc_score)],
)
def test_each_average_equals_that_of_scikit_learn(
    metric, reference, n_levels, sample_weight, dtype
):
    y_true, y_score = draw(n_levels=n_levels, dtype=dtype)
    for average in ("macro", "micro", None):
        expected = reference(y_true, y_score, average=average, sample_weight=sample_weight)
        score = metric(y_true, y_score, average=average, sample_weight=sample_weight)
        np.testing.assert_allclose(score, expected, rtol=1e-12)


@pytest.mark.parametrize("sample_weight", [None, weights()])
def test_accuracy_is_that_of_scikit_learn(sample_weight):
    y_true, y_score = draw()
    expected = accuracy_score(y_true, y_score > 0.4, sample_weight=sample_weight)
    score = accuracy(y_true, y_score, threshold=0.4, sample_weight=sample_weight)
    assert score == pytest.approx(expected)
    names = np.array(list("abcdefg"))
    labels = names[np.random.default_rng(1).integers(7, size=50)]
    expected = accuracy_score(labels, names[y_score.argmax(axis=1)], sample_weight=sample_weight)
    score = accuracy(labels, y_score, labels=names, sample_weight=sample_weight)
    assert score == pytest.approx(expected)
    two = names[y_true[:, 0]]
    expected = accuracy_score(two, names[(y_score[:, 0] > 0.5) * 1], sample_weight=sample_weight)
    score = accuracy(two, np.clip(y_score[:, 0], 0, 1), sample_weight=sample_weight)
    assert score == pytest.approx(expected)


def test_accuracy_leaves_out_what_is_not_labelled():
    y_true = [[1, np.nan], [0, 1], [np.nan, 0]]
    y_score = [[0.9, 0.9], [0.9, 0.9], [0.9, 0.1]]
    assert accuracy(y_true, y_score) == pytest.approx(2 / 3)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.02, 0.98])
def test_more_classes_than_a_block_rare_or_frequent(seed, share):
    y_true, y_score = draw(n_clips=300, n_classes=130, seed=seed, share=share, n_levels=50)
    y_true[:2] = [[0], [1]]
    for metric, reference in (
        (mean_average_precision, average_precision_score),
        (mean_auc, roc_auc_score),
    ):
        expected = reference(y_true, y_score, average=None)
        np.testing.assert_allclose(metric(y_true, y_score, average=None), expected, rtol=1e-12)


def test_class_without_positives_or_negatives_is_left_out_and_not_counted_as_zero():
    y_true, y_score = draw()
    y_true[:, 2], y_true[:, 4] = 0, 1
    precisions = mean_average_precision(y_true, y_score, average=None)
    areas = mean_auc(y_true, y_score, average=None)
    assert np.flatnonzero(np.isnan(precisions)).tolist() == [2]
    assert np.flatnonzero(np.isnan(areas)).tolist() == [2, 4]
    scored = [0, 1, 3, 5, 6]
    expected = roc_auc_score(y_true[:, scored], y_score[:, scored])
    assert mean_auc(y_true, y_score) == pytest.approx(expected, rel=1e-12)
    expected = average_precision_score(y_true[:, [*scored, 4]], y_score[:, [*scored, 4]])
    assert mean_average_precision(y_true, y_score) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("metric", "reference"),
    [(mean_average_precision, average_precision_score), (mean_auc, roc_auc_score)],
)
@pytest.mark.parametrize("sample_weight", [None, weights()])
def test_clips_that_are_not_labelled_for_a_class_are_left_out_of_it(
    metric, reference, sample_weight
):
    y_true, y_score = draw(n_levels=10)
    y_true = y_true.astype(float)
    y_true[np.random.default_rng(1).random(y_true.shape) < 0.4] = np.nan
    known = ~np.isnan(y_true)
    expected = [
        reference(
            y_true[known[:, i], i],
            y_score[known[:, i], i],
            sample_weight=None if sample_weight is None else sample_weight[known[:, i]],
        )
        for i in range(y_true.shape[1])
    ]
    score = metric(y_true, y_score, average=None, sample_weight=sample_weight)
    np.testing.assert_allclose(score, expected, rtol=1e-12)
    rows = None if sample_weight is None else np.nonzero(known)[0]
    expected = reference(
        y_true[known],
        y_score[known],
        sample_weight=None if rows is None else sample_weight[rows],
    )
    score = metric(y_true, y_score, average="micro", sample_weight=sample_weight)
    assert score == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_labels_as_strings_or_as_an_indicator_score_the_same(metric):
    y_true, y_score = draw()
    labels = np.array(["owl", "ant", "cow", "dog", "bee", "eel", "fox"])
    y_true[:] = 0
    y_true[np.arange(50), np.arange(50) % 6] = 1  # no fox
    expected = metric(y_true, y_score)
    assert metric(labels[y_true.argmax(axis=1)], y_score, labels=labels) == expected
    columns = np.argsort(labels)
    names = labels[y_true.argmax(axis=1)].tolist()
    assert metric(names, y_score[:, columns], labels=sorted(labels)) == pytest.approx(expected)


@pytest.mark.parametrize("y_true", [[0, 1, 1, 0], [False, True, True, False], list("abba")])
def test_one_column_of_scores_is_that_of_the_second_label(y_true):
    y_score, positive = [0.1, 0.4, 0.35, 0.4], [0, 1, 1, 0]
    assert mean_auc(y_true, y_score) == roc_auc_score(positive, y_score)
    expected = average_precision_score(positive, y_score)
    assert mean_average_precision(y_true, y_score) == pytest.approx(expected)
    both = np.column_stack([1 - np.array(y_score), y_score])
    assert lwlrap(y_true, y_score) == pytest.approx(lwlrap(y_true, both))
    assert lwlrap(y_true, y_score) == pytest.approx((2 + 2 * 0.5) / 4)  # right at 0.1 and 0.4


@pytest.mark.parametrize("label", [0, 1])
def test_fold_of_one_label_of_zeros_and_ones_has_no_area(label):
    with pytest.warns(UndefinedMetricWarning, match="No class has positives and negatives"):
        assert np.isnan(mean_auc([label] * 3, [0.1, 0.2, 0.3]))


@pytest.mark.parametrize("metric", METRICS)
def test_nothing_to_score_is_nan_with_a_warning(metric):
    y_true, y_score = np.zeros((4, 3)), draw(4, 3)[1]
    message = rf"^No (class|clip) has .*: {metric.__name__} is NaN"
    with pytest.warns(UndefinedMetricWarning, match=message) as warnings:
        assert np.isnan(metric(y_true, y_score))
    assert [warning.filename for warning in warnings] == [__file__]


@pytest.mark.parametrize("metric", [mean_average_precision, mean_auc])
def test_nothing_to_score_is_nan_for_each_class_without_a_warning(metric):
    assert np.isnan(metric(np.zeros((4, 3)), draw(4, 3)[1], average=None)).all()


@pytest.mark.parametrize("metric", METRICS)
def test_clips_of_weight_zero_do_not_count(metric):
    y_true, y_score = draw()
    weight = weights()
    kept = weight > 0
    expected = metric(y_true[kept], y_score[kept], sample_weight=weight[kept])
    assert metric(y_true, y_score, sample_weight=weight) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_weights_of_one_change_nothing_and_double_ones_count_twice(metric):
    y_true, y_score = draw()
    score = metric(y_true, y_score)
    assert metric(y_true, y_score, sample_weight=np.ones(50)) == pytest.approx(score, rel=1e-12)
    twice = np.repeat(np.arange(50), np.where(np.arange(50) < 20, 2, 1))
    expected = metric(y_true[twice], y_score[twice])
    weight = np.where(np.arange(50) < 20, 2.0, 1.0)
    assert metric(y_true, y_score, sample_weight=weight) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_order_of_clips_does_not_matter(metric):
    y_true, y_score = draw(n_levels=5)
    order = np.random.default_rng(3).permutation(50)
    expected = metric(y_true, y_score)
    assert metric(y_true[order], y_score[order]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("auc", [0.5, 0.75, 0.95])
def test_d_prime_is_the_distance_of_two_normal_distributions_with_that_area(auc):
    y_true = [0] * 20 + [1] * 20
    below = round(auc * 20)
    y_score = [*range(20), *[below - 0.5] * 20]
    assert mean_auc(y_true, y_score) == auc
    distance = d_prime(y_true, y_score)
    assert norm.cdf(distance / np.sqrt(2)) == pytest.approx(auc)  # chance that one exceeds another


def test_d_prime_of_a_perfect_ranking_is_infinite():
    assert d_prime([0, 1], [0.1, 0.2]) == np.inf


@pytest.mark.parametrize("n_levels", [None, 4])
@pytest.mark.parametrize("sample_weight", [None, weights()])
def test_lwlrap_is_scikit_learns_ranking_precision_weighted_by_the_number_of_labels(
    n_levels, sample_weight
):
    y_true, y_score = draw(n_levels=n_levels)
    n_labels = y_true.sum(axis=1)
    expected = label_ranking_average_precision_score(
        y_true,
        y_score,
        sample_weight=n_labels * (1 if sample_weight is None else sample_weight),
    )
    score = lwlrap(y_true, y_score, sample_weight=sample_weight)
    assert score == pytest.approx(expected, rel=1e-12)


def test_lwlrap_of_classes_weighted_by_their_labels_gives_that_of_all():
    y_true, y_score = draw(n_levels=8)
    y_true[:, 3] = 0
    per_class = lwlrap(y_true, y_score, average=None)
    assert np.isnan(per_class[3])
    counts = y_true.sum(axis=0)
    expected = np.nansum(per_class * counts) / counts.sum()
    assert lwlrap(y_true, y_score) == pytest.approx(expected)


def test_lwlrap_looks_at_many_labels_in_parts(monkeypatch):
    y_true, y_score = draw()
    expected = lwlrap(y_true, y_score)
    monkeypatch.setattr("sk_audioevents.metrics._clips.ENTRIES", 20)
    assert lwlrap(y_true, y_score) == expected


@pytest.mark.parametrize("metric", [lwlrap, mean_average_precision_at_k])
def test_classes_that_are_not_labelled_are_left_out_of_the_ranking_of_their_clip(metric):
    y_true, y_score = draw(n_levels=6)
    partly = y_true.astype(float)
    partly[:, 5:] = np.nan
    assert metric(partly, y_score) == pytest.approx(metric(y_true[:, :5], y_score[:, :5]))


def average_precision_at_k(truth, scores, k):
    """Return AP@k of one clip, where labels come last among equal scores."""
    ranking = sorted(range(len(truth)), key=lambda i: (-scores[i], truth[i]))
    n_hits = total = 0
    for j, i in enumerate(ranking[:k], 1):
        if truth[i]:
            n_hits += 1
            total += n_hits / j
    return total / min(sum(truth), k)


@pytest.mark.parametrize("k", [1, 3, 7, 20])
@pytest.mark.parametrize("n_levels", [None, 3])
def test_map_at_k_equals_a_loop(k, n_levels):
    y_true, y_score = draw(n_levels=n_levels)
    expected = np.mean(
        [average_precision_at_k(y, s, k) for y, s in zip(y_true, y_score) if y.any()]
    )
    assert mean_average_precision_at_k(y_true, y_score, k=k) == pytest.approx(expected)


def test_map_at_3_of_single_labels_is_the_mean_reciprocal_rank_up_to_3():
    y_score = [[9, 8, 7, 6]] * 4
    assert mean_average_precision_at_k(list("abcd"), y_score) == pytest.approx(
        (1 + 1 / 2 + 1 / 3 + 0) / 4
    )


def test_equal_scores_gain_nothing_at_k():
    assert mean_average_precision_at_k(list("abcd"), np.ones((4, 4)), k=3) == 0


@pytest.mark.parametrize(
    ("metric", "parameters", "message"),
    [
        (
            mean_average_precision,
            {"average": "mean"},
            "The 'average' parameter of mean_average_pre",
        ),
        (lwlrap, {"average": "macro"}, "The 'average' parameter of lwlrap must be"),
        (mean_average_precision_at_k, {"k": 0}, r"'k' parameter .* an int in the range \[1, inf\)"),
    ],
)
def test_bad_parameter_is_an_error(metric, parameters, message):
    with pytest.raises(ValueError, match=message):
        metric(*draw(), **parameters)
