"""Intersection-based metrics against sed_scores_eval and the definition in loops."""

import numpy as np
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from sk_audioevents.metrics import intersection_report, intersection_scores


@pytest.fixture
def disjoint_events(random_events):
    """Return a function that draws events that do not overlap within a label."""

    def draw(rng):
        events = random_events(rng, max_events=12)
        kept, end = [], {}
        for event in events.sort_values(["path", "onset"]).itertuples():
            key = (event.path, event.label)
            kept.append(event.onset > end.get(key, 0))
            end[key] = max(end.get(key, 0), event.offset)
        return events.sort_values(["path", "onset"])[kept]

    return draw


def overlap(a, b):
    same = (a.path, a.label) == (b.path, b.label)
    return max(0, min(a.offset, b.offset) - max(a.onset, b.onset)) * same


def count_by_loops(y_true, y_pred, dtc, gtc, label):
    """Return hits and false alarms of a label by the two criteria as they are written."""
    true, pred = (list(y[y["label"] == label].itertuples()) for y in (y_true, y_pred))
    relevant = [
        p for p in pred if sum(overlap(t, p) for t in true) >= dtc * (p.offset - p.onset) - 1e-9
    ]
    hits = [
        t for t in true if sum(overlap(t, p) for p in relevant) >= gtc * (t.offset - t.onset) - 1e-9
    ]
    return len(hits), len(pred) - len(relevant)


@pytest.mark.parametrize("criteria", [(0.7, 0.7), (0.1, 0.1), (0.5, 0.3), (1.0, 1.0)])
@pytest.mark.parametrize("seed", range(10))
def test_counts_equal_those_of_loops(disjoint_events, criteria, seed):
    rng = np.random.default_rng(seed)
    y_true, y_pred = disjoint_events(rng), disjoint_events(rng)
    y_pred = y_pred if seed % 2 else y_true.assign(offset=y_true["offset"] - 0.05)
    dtc, gtc = criteria
    report = intersection_report(y_true, y_pred, dtc_threshold=dtc, gtc_threshold=gtc)
    for label in report.index:
        n_hits, n_false = count_by_loops(y_true, y_pred, dtc, gtc, label)
        row = report.loc[label]
        assert row["n_hits"] == n_hits
        assert row["recall"] == n_hits / row["n_true"]
        assert row["precision"] == n_hits / max(1, n_hits + n_false)
        assert row["f1"] == pytest.approx(2 * n_hits / (row["n_true"] + n_hits + n_false))


@pytest.mark.parametrize("seed", range(10))
def test_f1_equals_that_of_sed_scores_eval(sed_scores_eval, disjoint_events, seed):
    rng = np.random.default_rng(seed)
    y_true = disjoint_events(rng)
    y_pred = disjoint_events(rng) if seed % 2 else y_true.assign(offset=y_true["offset"] - 0.05)
    create = sed_scores_eval.base_modules.scores.create_score_dataframe
    scores, truth = {}, {}
    edges = np.arange(0, 1201) / 100
    for file in sorted(set(y_true["path"]) | set(y_pred["path"])):
        active = np.zeros((1200, 3))
        for event in y_pred[y_pred["path"] == file].itertuples():
            frames = slice(round(event.onset * 100), round(event.offset * 100))
            active[frames, "abc".index(event.label)] = 1
        scores[file] = create(active, edges, list("abc"))
        truth[file] = [
            (event.onset, event.offset, event.label)
            for event in y_true[y_true["path"] == file].itertuples()
        ]
    expected, *_ = sed_scores_eval.intersection_based.fscore(
        scores, truth, threshold=0.5, dtc_threshold=0.7, gtc_threshold=0.7
    )
    ours = intersection_scores(y_true, y_pred)
    assert ours["f1_macro"] == pytest.approx(expected["macro_average"], abs=1e-9)
    assert ours["f1_micro"] == pytest.approx(expected["micro_average"], abs=1e-9)


def test_event_found_in_two_parts_is_found_and_both_parts_are_right(event_table):
    y_true = event_table(("a", 1.0, 5.0, "x"))
    y_pred = event_table(("a", 1.0, 2.5, "x"), ("a", 3.0, 5.0, "x"))
    assert intersection_report(y_true, y_pred).loc["x", ["n_hits", "precision"]].tolist() == [1, 1]


def test_prediction_that_spans_two_events_and_the_gap_is_right_if_the_gap_is_short(event_table):
    y_true = event_table(("a", 0.0, 4.0, "x"), ("a", 6.0, 10.0, "x"))
    y_pred = event_table(("a", 0.0, 10.0, "x"))
    assert intersection_report(y_true, y_pred, dtc_threshold=0.8).loc["x", "n_hits"] == 2
    assert intersection_report(y_true, y_pred, dtc_threshold=0.81).loc["x", "n_hits"] == 0


@pytest.mark.parametrize("share", [0.1, 0.3, 0.7])
def test_share_that_is_reached_exactly_is_reached_whatever_the_rounding(event_table, share):
    y_true = event_table(("a", 0.1, 0.1 + share, "x"), ("a", 100.1, 100.1 + share, "x"))
    y_pred = event_table(("a", 0.1, 1.1, "x"), ("a", 100.1, 101.1, "x"))
    assert intersection_report(y_true, y_pred, dtc_threshold=share).loc["x", "n_hits"] == 2
    assert intersection_report(y_pred, y_true, gtc_threshold=share).loc["x", "n_hits"] == 2


def test_events_that_touch_are_two(event_table):
    y_true = event_table(("a", 0.0, 1.0, "x"), ("a", 1.0, 2.0, "x"), ("b", 0.5, 2.0, "x"))
    assert intersection_report(y_true, y_true).loc["x", ["n_true", "n_hits"]].tolist() == [3, 3]


def test_no_predictions_score_zero(event_table):
    y_true = event_table(("a", 0.0, 1.0, "x"))
    scores = intersection_scores(y_true, y_true[:0])
    assert [scores[f"{score}_macro"] for score in ("precision", "recall", "f1")] == [0, 0, 0]
    assert "error_rate" not in scores


def test_no_truth_is_nan_with_a_warning(event_table):
    y_pred = event_table(("a", 0.0, 1.0, "x"))
    with pytest.warns(
        UndefinedMetricWarning, match="the scores of intersection_scores are NaN"
    ) as warnings:
        assert np.isnan(intersection_scores(y_pred[:0], y_pred)["f1_micro"])
    assert warnings[0].filename == __file__


@pytest.mark.parametrize("parameter", ["y_true", "y_pred"])
def test_overlapping_events_of_one_label_are_an_error(event_table, parameter):
    tables = {"y_true": event_table(("a", 0.0, 1.0, "x")), "y_pred": event_table()}
    tables[parameter] = event_table(("a", 0.5, 3.0, "x"), ("a", 0.0, 1.0, "x"))
    message = f"The '{parameter}' parameter of intersection_scores must hold no events of one label"
    with pytest.raises(ValueError, match=f"{message} that overlap. Got 'x' from 0.0 s to 1.0 s"):
        intersection_scores(**tables)


@pytest.mark.parametrize("parameter", ["dtc_threshold", "gtc_threshold"])
@pytest.mark.parametrize("value", [0.0, 1.1, 70])
def test_criteria_are_shares(event_table, parameter, value):
    y_true = event_table(("a", 0.0, 1.0, "x"))
    with pytest.raises(
        ValueError, match=rf"'{parameter}' .* in the range \(0.0, 1.0\]. Got {value}"
    ):
        intersection_scores(y_true, y_true, **{parameter: value})
