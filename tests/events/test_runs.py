"""Filtering, hysteresis, gaps and durations, each against a loop that can be read."""

import numpy as np
import pytest

from sk_audioevents.events._runs import (
    Runs,
    drop_short,
    find_runs,
    merge_gaps,
    odd_steps,
    peak_scores,
    smooth_scores,
)


@pytest.fixture
def scores():
    """Return scores of 60 times and 5 classes, with ties and plateaus."""
    return np.random.default_rng(0).integers(0, 6, size=(60, 5)) / 5


def slow_median(column, n_steps):
    half = n_steps // 2
    padded = [column[0]] * half + list(column) + [column[-1]] * half
    return [np.median(padded[i : i + n_steps]) for i in range(len(column))]


def slow_runs(column, high, low):
    runs, first = [], None
    for t, score in enumerate([*column, -np.inf]):
        if score >= low and first is None:
            first = t
        if score < low and first is not None:
            if max(column[first:t]) >= high:
                runs.append((first, t))
            first = None
    return runs


def as_lists(runs, n_classes):
    return [
        list(zip(runs.first[runs.column == c].tolist(), runs.stop[runs.column == c].tolist()))
        for c in range(n_classes)
    ]


def test_median_filter_of_each_class_equals_a_loop(scores):
    n_steps = np.array([1, 3, 5, 5, 9])
    smoothed = smooth_scores(scores, n_steps)
    expected = np.column_stack([slow_median(c, n) for c, n in zip(scores.T, n_steps)])
    np.testing.assert_array_equal(smoothed, expected)


def test_median_filter_longer_than_the_recording_works(scores):
    smoothed = smooth_scores(scores[:3, :1], np.array([9]))
    np.testing.assert_array_equal(smoothed[:, 0], slow_median(scores[:3, 0], 9))


def test_scores_are_not_changed_in_place(scores):
    before = scores.copy()
    smooth_scores(scores, np.full(5, 7))
    np.testing.assert_array_equal(scores, before)


@pytest.mark.parametrize(
    ("seconds", "n_steps"), [(0.0, 1), (0.19, 1), (0.21, 3), (0.3, 3), (0.39, 3), (0.5, 5)]
)
def test_filter_has_the_odd_number_of_steps_nearest_to_its_length(seconds, n_steps):
    assert odd_steps(np.array([seconds]), 0.1) == n_steps


def test_runs_of_all_classes_equal_a_loop(scores):
    high = np.array([0.2, 0.4, 0.8, 1.0, 0.6])
    low = high * np.array([1.0, 0.5, 0.5, 0.2, 0.9])
    runs = find_runs(scores, high, low)
    assert as_lists(runs, 5) == [slow_runs(*arguments) for arguments in zip(scores.T, high, low)]


def test_run_that_lasts_throughout_is_found():
    runs = find_runs(np.ones((4, 2)), np.array([0.5, 1.0]), np.array([0.5, 0.5]))
    assert as_lists(runs, 2) == [[(0, 4)], [(0, 4)]]


def test_no_scores_give_no_runs():
    runs = find_runs(np.empty((0, 3)), np.full(3, 0.5), np.full(3, 0.5))
    assert as_lists(runs, 3) == [[], [], []]
    assert peak_scores(runs, np.empty((0, 3))).shape == (0,)


def test_peaks_are_the_largest_scores_of_their_runs(scores):
    runs = find_runs(scores, np.full(5, 0.4), np.full(5, 0.4))
    expected = [
        scores[first:stop, c].max() for c, first, stop in zip(runs.column, runs.first, runs.stop)
    ]
    np.testing.assert_array_equal(peak_scores(runs, scores), expected)


def slow_merge(runs, starts, ends, longest):
    merged = []
    for first, stop in runs:
        if merged and longest and starts[first] - ends[merged[-1][1] - 1] <= longest + 1e-6:
            merged[-1] = (merged[-1][0], stop)
        else:
            merged.append((first, stop))
    return merged


def test_gaps_are_closed_as_a_loop_closes_them(scores):
    edges = np.concatenate([[0.0], np.cumsum(np.random.default_rng(1).uniform(0.1, 0.3, 60))])
    starts, ends = edges[:-1], edges[1:]
    longest = np.array([0.0, 0.25, 0.5, 0.8, 2.0])
    runs = find_runs(scores, np.full(5, 0.6), np.full(5, 0.6))
    merged = merge_gaps(runs, starts, ends, longest)
    expected = [
        slow_merge(of_class, starts, ends, gap) for of_class, gap in zip(as_lists(runs, 5), longest)
    ]
    assert as_lists(merged, 5) == expected
    assert len(merged.column) < len(runs.column)


def test_gap_as_long_as_allowed_is_closed_in_spite_of_rounding():
    starts = np.array([0.0, 0.1, 0.2 + 0.1])  # 0.30000000000000004
    ends = starts + 0.1
    runs = Runs(np.array([0, 0]), np.array([0, 2]), np.array([1, 3]))
    merged = merge_gaps(runs, starts, ends, np.array([0.2]))
    assert as_lists(merged, 1) == [[(0, 3)]]


def test_short_runs_are_left_out_by_class():
    edges = np.arange(11) / 10
    runs = Runs(np.array([0, 0, 1, 1]), np.array([0, 5, 0, 5]), np.array([3, 6, 3, 6]))
    kept = drop_short(runs, edges[:-1], edges[1:], np.array([0.3, 0.0]))
    assert as_lists(kept, 2) == [[(0, 3)], [(0, 3), (5, 6)]]
