"""Thresholds with the largest F1, against trying them all."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from sk_audioevents.events._thresholds import f1_threshold, f1_thresholds, mark_steps
from sk_audioevents.events._time_steps import TimedScores


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("decimals", [1, 6], ids=["ties", "no ties"])
def test_no_other_threshold_has_a_larger_f1(seed, decimals):
    rng = np.random.default_rng(seed)
    truth = rng.random(60) < 0.3
    scores = np.clip(rng.normal(0.4 + 0.2 * truth, 0.2), 0, 1).round(decimals)
    threshold = f1_threshold(scores, truth)
    best = max(f1_score(truth, scores >= value) for value in np.unique(scores))
    assert f1_score(truth, scores >= threshold) == best


def test_threshold_lies_between_positives_and_negatives():
    assert f1_threshold(np.array([0.9, 0.1, 0.7, 0.3]), np.array([1, 0, 1, 0], bool)) == 0.5


def test_highest_of_equally_good_thresholds_is_taken():
    # F1 is 2/3 with the first alone (one hit, one missed) and with all four (two hits, two false).
    scores, truth = np.array([0.8, 0.6, 0.4, 0.2]), np.array([1, 0, 0, 1], bool)
    assert f1_threshold(scores, truth) == pytest.approx(0.7)


def test_threshold_counts_all_where_all_are_positive():
    threshold = f1_threshold(np.array([0.4, 0.2, 0.9]), np.ones(3, bool))
    assert threshold == 0.2


def test_classes_have_thresholds_of_their_own():
    scores = np.array([[0.9, 0.4], [0.1, 0.2], [0.7, 0.1]])
    truth = np.array([[True, True], [False, True], [True, False]])
    assert f1_thresholds(scores, truth, ["a", "b"]) == pytest.approx([0.4, 0.15])


def test_class_without_examples_keeps_one_half_and_is_named():
    scores, truth = np.array([[0.9, 0.4], [0.1, 0.2]]), np.array([[True, False], [False, False]])
    with pytest.warns(UserWarning, match=r"no example of \['b'\] to tune a threshold on"):
        thresholds = f1_thresholds(scores, truth, ["a", "b"])
    assert thresholds == [0.5, 0.5]


def test_steps_are_marked_whose_middle_an_event_covers():
    edges = np.arange(6.0)
    timed = TimedScores("a.wav", edges[:-1], edges[1:], np.zeros((5, 2)))
    events = pd.DataFrame(
        {"onset": [0.6, 3.1, -9.0], "offset": [2.5, 3.2, 9.0], "label": ["a", "a", "b"]}
    )
    truth = mark_steps(timed, events, ["a", "b"])
    assert truth[:, 0].tolist() == [False, True, False, True, False]
    assert truth[:, 1].all()


def test_events_outside_a_window_of_the_recording_mark_nothing():
    timed = TimedScores("a.wav", np.array([10.0]), np.array([11.0]), np.zeros((1, 1)))
    events = pd.DataFrame({"onset": [2.0, 30.0], "offset": [3.0, 31.0], "label": ["a", "a"]})
    assert not mark_steps(timed, events, ["a"]).any()
