"""One score at each time, from segments that overlap."""

import numpy as np
import pytest

from sk_audioevents.events._time_steps import TimedScores, score_over_time

N_SEGMENTS, N_CLASSES = 7, 3


@pytest.fixture(params=[(2.0, 1.0), (2.5, 1.0), (1.0, 1.0), (3.0, 1.0), (0.6, 0.2)])
def segments(request):
    """Return starts, ends and scores of segments of several lengths and steps."""
    length, step = request.param
    starts = step * np.arange(N_SEGMENTS) - 0.01
    scores = np.random.default_rng(0).random((N_SEGMENTS, N_CLASSES))
    return starts, starts + length, scores


def score_at(time, edges, scores):
    return scores[np.searchsorted(edges, time, side="right") - 1]


@pytest.mark.parametrize(
    ("overlap_pooling", "pool"), [("mean", np.mean), ("max", np.max)], ids=["mean", "max"]
)
def test_instant_has_the_pooled_score_of_the_segments_that_cover_it(
    segments, overlap_pooling, pool
):
    starts, ends, scores = segments
    duration = ends[-1] - 0.05
    edges, over_time = score_over_time(starts, ends, scores, overlap_pooling, duration)
    for time in np.random.default_rng(1).uniform(0, duration, 200):
        covering = (starts <= time) & (time < ends)
        expected = pool(scores[covering], axis=0)
        np.testing.assert_allclose(score_at(time, edges, over_time), expected, rtol=1e-12)


def test_instant_has_the_score_of_the_nearest_centre(segments):
    starts, ends, scores = segments
    duration = ends[-1] - 0.05
    edges, over_time = score_over_time(starts, ends, scores, "center", duration)
    centers = (starts + ends) / 2
    for time in np.random.default_rng(1).uniform(0, duration, 200):
        expected = scores[np.abs(centers - time).argmin()]
        np.testing.assert_array_equal(score_at(time, edges, over_time), expected)


@pytest.mark.parametrize("overlap_pooling", ["center", "mean", "max"])
def test_steps_go_from_the_start_to_the_end_of_the_recording(segments, overlap_pooling):
    starts, ends, scores = segments
    for duration in (ends[-1] - 0.05, ends[-1] + 0.5):
        edges, over_time = score_over_time(starts, ends, scores, overlap_pooling, duration)
        assert edges[0] == 0
        assert edges[-1] == duration
        assert (np.diff(edges) > 1e-6).all()
        assert len(over_time) == len(edges) - 1


def test_edges_that_differ_by_rounding_are_one():
    starts = 0.1 * np.arange(4)
    edges, over_time = score_over_time(starts, starts + 0.3, np.ones((4, 1)), "mean", 0.6)
    np.testing.assert_allclose(edges, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    np.testing.assert_array_equal(over_time, np.ones((6, 1)))


def test_instant_between_segments_has_the_score_of_the_one_before():
    starts, scores = np.array([0.0, 2.0]), np.array([[0.2], [0.4]])
    edges, over_time = score_over_time(starts, starts + 1, scores, "mean", 3.0)
    np.testing.assert_array_equal(edges, [0, 1, 2, 3])
    np.testing.assert_array_equal(over_time[:, 0], [0.2, 0.2, 0.4])


@pytest.mark.parametrize("overlap_pooling", ["center", "mean", "max"])
def test_recording_of_no_length_has_one_step_that_does_not_last(overlap_pooling):
    starts, scores = np.array([-0.1]), np.array([[0.3]])
    edges, over_time = score_over_time(starts, starts + 1, scores, overlap_pooling, 0.0)
    timed = TimedScores("a.wav", edges[:-1], edges[1:], over_time)
    assert timed.scores.tolist() == [[0.3]]
    assert len(timed.lasting().scores) == 0
