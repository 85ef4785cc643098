"""Segment-based metrics against sed_eval and dense activity matrices."""

import math
from warnings import catch_warnings, simplefilter

import numpy as np
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from sk_audioevents.metrics import segment_report, segment_scores

RATES = ("error_rate", "substitution_rate", "deletion_rate", "insertion_rate")


def activity(events, resolution, labels, file):
    """Return which labels (columns) are active in which segments (rows) of a file."""
    active = np.zeros((200, len(labels)), dtype=bool)
    for event in events[events["path"] == file].itertuples():
        first = math.floor(event.onset / resolution)
        active[first : math.ceil(event.offset / resolution), labels.index(event.label)] = True
    return active


@pytest.mark.parametrize("resolution", [0.25, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(10))
def test_scores_equal_those_of_dense_activity_matrices(
    random_events, predict_events, resolution, seed
):
    rng = np.random.default_rng(seed)
    y_true = random_events(rng)
    y_pred = predict_events(rng, y_true)
    true, pred = (
        np.concatenate([activity(y, resolution, "abc", f"{i}.wav") for i in range(3)])
        for y in (y_true, y_pred)
    )
    n_true, n_pred, n_hits = true.sum(axis=1), pred.sum(axis=1), (true & pred).sum(axis=1)
    substitutions = (np.minimum(n_true, n_pred) - n_hits).sum()
    scores = segment_scores(y_true, y_pred, resolution=resolution)
    assert scores["precision_micro"] == pytest.approx(n_hits.sum() / n_pred.sum())
    assert scores["recall_micro"] == pytest.approx(n_hits.sum() / n_true.sum())
    assert [scores[rate] * n_true.sum() for rate in RATES] == pytest.approx(
        [
            np.maximum(n_true, n_pred).sum() - n_hits.sum(),
            substitutions,
            np.maximum(n_true - n_pred, 0).sum(),
            np.maximum(n_pred - n_true, 0).sum(),
        ]
    )
    report = segment_report(y_true, y_pred, resolution=resolution, labels=list("cab"))
    order = [2, 0, 1]
    assert report["n_true"].tolist() == true.sum(axis=0)[order].tolist()
    assert report["n_pred"].tolist() == pred.sum(axis=0)[order].tolist()
    assert report["n_hits"].tolist() == (true & pred).sum(axis=0)[order].tolist()


def evaluate_with_sed_eval(sed_eval, y_true, y_pred, resolution):
    metrics = sed_eval.sound_event.SegmentBasedMetrics(list("abc"), time_resolution=resolution)
    metrics.empty_system_output_handling = "zero_score"
    for file in set(y_true["path"]) | set(y_pred["path"]):
        tables = (y[y["path"] == file] for y in (y_true, y_pred))
        metrics.evaluate(
            *(
                [
                    {"event_onset": on, "event_offset": off, "event_label": label, "file": file}
                    for _, on, off, label in table.itertuples(index=False)
                ]
                for table in tables
            )
        )
    with catch_warnings():
        simplefilter("ignore", RuntimeWarning)  # the mean of no class
        return metrics.results_overall_metrics(), metrics.results_class_wise_average_metrics()


@pytest.mark.parametrize("seed", range(20))
def test_scores_equal_those_of_sed_eval(sed_eval, random_events, predict_events, seed):
    rng = np.random.default_rng(seed)
    for trial in range(10):
        y_true = random_events(rng)
        y_pred = predict_events(rng, y_true) if trial else y_true[:0]
        overall, averages = evaluate_with_sed_eval(sed_eval, y_true, y_pred, 1.0)
        scores = segment_scores(y_true, y_pred)
        f1 = overall["f_measure"]["f_measure"], averages["f_measure"]["f_measure"]
        assert (scores["f1_micro"], scores["f1_macro"]) == pytest.approx(f1, abs=1e-12)
        for rate in RATES:
            assert scores[rate] == pytest.approx(overall["error_rate"][rate], abs=1e-12)


def test_times_that_are_whole_numbers_of_segments_but_for_rounding_are_edges(event_table):
    y_true = event_table(("a", 0.3, 0.6, "x"))  # 0.3 / 0.1 < 3 and 0.6 / 0.1 < 6 < 0.7 / 0.1
    report = segment_report(y_true, event_table(("a", 0.6, 0.7, "x")), resolution=0.1)
    assert report.loc["x", ["n_true", "n_pred", "n_hits"]].tolist() == [3, 1, 0]


def test_event_shorter_than_the_rounding_is_active_in_one_segment(event_table):
    y_true = event_table(("a", 2.0, 2.0000001, "x"), ("a", 2.9999999, 3.0, "x"))
    assert segment_report(y_true, y_true)["n_true"].tolist() == [2]


def test_overlapping_events_of_one_label_count_once(event_table):
    y_true = event_table(("a", 0.0, 2.0, "x"), ("a", 1.0, 3.0, "x"), ("b", 0.0, 1.0, "x"))
    assert segment_report(y_true, y_true).loc["x", ["n_true", "f1"]].tolist() == [4, 1]


def test_no_predictions_score_zero(event_table):
    y_true = event_table(("a", 0.0, 2.0, "x"))
    scores = segment_scores(y_true, y_true[:0])
    assert [scores[f"{score}_micro"] for score in ("precision", "recall", "f1")] == [0, 0, 0]
    assert [scores[f"{score}_macro"] for score in ("precision", "recall", "f1")] == [0, 0, 0]
    assert [scores[rate] for rate in RATES] == [1, 0, 1, 0]


@pytest.mark.parametrize("n_predictions", [0, 1])
def test_no_truth_is_nan_with_a_warning(event_table, n_predictions):
    y_pred = event_table(("a", 0.0, 2.0, "x"))[:n_predictions]
    with pytest.warns(
        UndefinedMetricWarning, match="the scores of segment_scores are NaN"
    ) as warnings:
        scores = segment_scores(y_pred[:0], y_pred)
    assert warnings[0].filename == __file__
    counts = {"n_true": 0, "n_pred": 2 * n_predictions, "n_classes": n_predictions}
    assert {name: scores.pop(name) for name in counts} == counts
    assert scores.pop("n_scored_classes") == 0
    assert np.isnan(list(scores.values())).all()


def test_label_that_only_predictions_have_is_a_false_alarm_and_no_part_of_the_mean(event_table):
    y_true = event_table(("a", 0.0, 2.0, "x"))
    y_pred = event_table(("a", 0.0, 2.0, "x"), ("a", 5.0, 7.0, "y"))
    scores = segment_scores(y_true, y_pred)
    assert (scores["f1_macro"], scores["f1_micro"]) == (1, pytest.approx(2 / 3))
    assert (scores["n_classes"], scores["n_scored_classes"]) == (2, 1)
    report = segment_report(y_true, y_pred)
    assert report.loc["y", ["n_true", "n_pred"]].tolist() == [0, 2]
    assert report.loc["y", ["precision", "recall", "f1", "error_rate"]].isna().all()


def test_row_numbers_are_paths_too(event_table):
    y_true = event_table((0, 0.0, 2.0, "x"), (1, 0.0, 2.0, "x"))
    assert segment_scores(y_true, y_true[:1])["recall_micro"] == 0.5


@pytest.mark.parametrize(
    ("y_pred", "parameters", "message"),
    [
        (("a", 0.0, 1.0, "y"), {"labels": ["x"]}, "The 'y_pred' parameter of segment_scores must "),
        (("b", 0.0, 1.0, "x"), {"durations": {"a": 3.0}}, "no paths without a duration. Got 'b'"),
        (("a", 0.0, 4.0, "x"), {"durations": {"a": 3.0}}, "events within their recordings"),
        (("a", 0.0, 1.0, "x"), {"labels": ["x", "x"]}, "'labels' .* must hold each label once"),
        (
            ("a", 0.0, 1.0, "x"),
            {"resolution": 0.0},
            "'resolution' parameter .* a float in the rang",
        ),
    ],
)
def test_bad_input_is_an_error(event_table, y_pred, parameters, message):
    with pytest.raises(ValueError, match=message):
        segment_scores(event_table(("a", 0.0, 1.0, "x")), event_table(y_pred), **parameters)


def test_paths_against_row_numbers_are_a_type_error(event_table):
    with pytest.raises(TypeError, match="must both hold paths or both hold row numbers"):
        segment_scores(event_table(("a", 0.0, 1.0, "x")), event_table((0, 0.0, 1.0, "x")))
