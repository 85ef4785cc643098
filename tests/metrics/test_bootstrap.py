"""Bootstrap intervals against formulas and against themselves."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from sk_audioevents.metrics import bootstrap_interval, mean_auc


def mean_of_truth(y_true, y_score):
    return float(np.mean(y_true))


def test_interval_of_a_mean_is_that_of_the_normal_distribution():
    y = np.random.default_rng(0).normal(size=400)
    interval = bootstrap_interval(mean_of_truth, y, y, n_resamples=4000, random_state=0)
    half = 1.96 * y.std() / 20
    assert interval.score == y.mean()
    assert interval.low == pytest.approx(y.mean() - half, abs=0.005)
    assert interval.high == pytest.approx(y.mean() + half, abs=0.005)
    assert interval.n_resamples == 4000


def test_ends_are_percentiles_of_resampled_scores():
    y = np.random.default_rng(0).normal(size=30)
    interval = bootstrap_interval(
        mean_of_truth, y, y, n_resamples=200, confidence=0.8, random_state=3
    )
    rng = np.random.RandomState(3)
    scores = [y[rng.randint(30, size=30)].mean() for _ in range(200)]
    assert interval[1:3] == pytest.approx(np.percentile(scores, [10, 90]), rel=1e-12)


def test_more_confidence_is_a_wider_interval():
    y = np.random.default_rng(0).normal(size=50)
    widths = []
    for confidence in (0.5, 0.8, 0.99):
        interval = bootstrap_interval(
            mean_of_truth, y, y, n_resamples=300, confidence=confidence, random_state=0
        )
        widths.append(interval.high - interval.low)
    assert widths == sorted(widths)


def test_groups_of_equal_clips_widen_the_interval_as_if_they_were_one_clip_each():
    means = np.random.default_rng(0).normal(size=40)
    y = np.repeat(means, 9)
    groups = np.repeat([f"site {i}" for i in range(40)], 9)
    shuffle = np.random.default_rng(1).permutation(360)
    grouped = bootstrap_interval(
        mean_of_truth, y[shuffle], y, n_resamples=500, groups=groups[shuffle], random_state=0
    )
    single = bootstrap_interval(mean_of_truth, y, y, n_resamples=500, random_state=0)
    half = 1.96 * means.std() / np.sqrt(40)
    assert (grouped.high - grouped.low) / 2 == pytest.approx(half, rel=0.15)
    assert (single.high - single.low) / 2 == pytest.approx(half / 3, rel=0.15)


def test_groups_of_one_clip_are_like_no_groups():
    y = np.random.default_rng(0).normal(size=25)
    expected = bootstrap_interval(mean_of_truth, y, y, n_resamples=50, random_state=0)
    interval = bootstrap_interval(
        mean_of_truth, y, y, n_resamples=50, groups=np.arange(25), random_state=0
    )
    assert interval == pytest.approx(expected)


@pytest.mark.parametrize("metric", [mean_auc, roc_auc_score])
def test_resamples_without_positives_are_left_out_and_counted(metric):
    y_true = [1, *[0] * 9]
    y_score = np.linspace(1, 0, 10)
    interval = bootstrap_interval(metric, y_true, y_score, n_resamples=400, random_state=0)
    assert interval.n_resamples == pytest.approx(400 * (1 - 0.9**10), abs=40)
    assert interval[:3] == (1.0, 1.0, 1.0)


def test_labels_and_predictions_may_be_lists_of_strings():
    y = ["cat", "dog"] * 10
    interval = bootstrap_interval(accuracy_score, y, y, n_resamples=20, random_state=0)
    assert interval == (1.0, 1.0, 1.0, 20)


def test_metric_that_is_nan_everywhere_is_an_error():
    with pytest.raises(ValueError, match=r"defined on some resamples. It is NaN on all of them"):
        bootstrap_interval(mean_auc, [0, 0, 0], [0.1, 0.2, 0.3], n_resamples=5)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_resamples": 0}, "The 'n_resamples' parameter of bootstrap_interval must be an int"),
        ({"confidence": 95}, r"The 'confidence' parameter .* in the range \(0.0, 1.0\)"),
        ({"groups": [1, 2]}, "inconsistent numbers of samples"),
    ],
)
def test_bad_parameter_is_an_error(parameters, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(mean_auc, [0, 1, 0], [0.1, 0.2, 0.3], **parameters)
