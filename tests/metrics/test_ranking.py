"""The search and the ranking behind average precision and AUC."""

import numpy as np
import pytest

from sk_audioevents.metrics import _ranking, _search_kernel, mean_auc, mean_average_precision


def places_by_loop(values, scores):
    places = []
    for score in scores:
        n_below = sum(value < score for value in values)
        places.append(2 * n_below + (score in values))
    return places


@pytest.mark.parametrize("find_places", [_ranking.find_places, _search_kernel.find_places])
@pytest.mark.parametrize("n_values", [1, 2, 3, 4, 5, 7, 8, 9, 31])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_places_equal_those_of_a_loop(find_places, n_values, dtype):
    rng = np.random.default_rng(n_values)
    values = np.unique(rng.integers(0, 40, size=n_values)).astype(dtype)
    scores = rng.integers(-1, 42, size=50).astype(dtype)
    places = np.empty(50, dtype=np.int64)
    find_places(values, scores, places)
    assert places.tolist() == places_by_loop(values, scores)


def test_compiled_search_goes_on_beyond_a_block():
    rng = np.random.default_rng(0)
    values, scores = np.unique(rng.random(200)), rng.random(3000)
    scores[::7] = values[rng.integers(200, size=len(scores[::7]))]
    places, expected = np.empty((2, 3000), dtype=np.int64)
    _search_kernel.find_places(values, scores, places)
    _ranking.find_places(values, scores, expected)
    assert (places == expected).all()


@pytest.mark.parametrize("metric", [mean_average_precision, mean_auc])
@pytest.mark.parametrize("average", [None, "micro"])
def test_many_scores_are_ranked_as_few_are(metric, average, monkeypatch):
    rng = np.random.default_rng(0)
    y_true, y_score = rng.random((200, 70)) < 0.2, rng.integers(0, 50, size=(200, 70)) / 50
    expected = metric(y_true, y_score, average=average)
    monkeypatch.setattr(_ranking, "MANY", 1)
    np.testing.assert_array_equal(metric(y_true, y_score, average=average), expected)
