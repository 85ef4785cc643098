"""Event-based metrics against sed_eval and a search through all pairings."""

from warnings import catch_warnings, simplefilter

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from sk_audioevents.metrics import event_report, event_scores

RATES = ("error_rate", "substitution_rate", "deletion_rate", "insertion_rate")


def can_match(true, pred, onset_collar=0.2, offset_collar=0.2, offset_share=0.5):
    if (true.path, true.label) != (pred.path, pred.label):
        return False
    if abs(true.onset - pred.onset) > onset_collar:
        return False
    allowed = max(offset_collar, offset_share * (true.offset - true.onset))
    return abs(true.offset - pred.offset) <= allowed


def most_pairs(candidates, used=frozenset()):
    """Return the size of the largest matching, by trying all of them."""
    if not candidates:
        return 0
    best = most_pairs(candidates[1:], used)
    for j in candidates[0]:
        if j not in used:
            best = max(best, 1 + most_pairs(candidates[1:], used | {j}))
    return best


def draw_crowd(rng, n_events):
    """Draw events of one label so close together that each can match several."""
    onset = np.round(rng.uniform(0, 0.8, n_events), 2)
    offset = onset + np.round(rng.uniform(0.5, 0.9, n_events), 2)
    return pd.DataFrame({"path": "a", "onset": onset, "offset": offset, "label": "x"})


@pytest.mark.parametrize("seed", range(40))
def test_as_many_pairs_are_found_as_there_can_be(seed):
    rng = np.random.default_rng(seed)
    y_true, y_pred = (draw_crowd(rng, 7).drop_duplicates() for _ in range(2))
    pred = list(y_pred.itertuples())
    candidates = [
        [j for j in range(len(pred)) if can_match(true, pred[j])] for true in y_true.itertuples()
    ]
    expected = most_pairs(candidates)
    assert event_report(y_true, y_pred).loc["x", "n_hits"] == expected > 0


def evaluate_with_sed_eval(sed_eval, y_true, y_pred, **parameters):
    metrics = sed_eval.sound_event.EventBasedMetrics(
        list("abc"),
        event_matching_type="optimal",
        empty_system_output_handling="zero_score",
        **parameters,
    )
    for file in sorted(set(y_true["path"]) | set(y_pred["path"])):
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


@pytest.mark.parametrize(
    ("has_offsets", "seed"), [*((True, seed) for seed in range(20)), (False, 0), (False, 1)]
)
def test_f1_equals_that_of_sed_eval(sed_eval, random_events, predict_events, seed, has_offsets):
    rng = np.random.default_rng(seed)
    for trial in range(10):
        y_true = random_events(rng)
        y_pred = predict_events(rng, y_true) if trial else y_true[:0]
        overall, averages = evaluate_with_sed_eval(
            sed_eval, y_true, y_pred, evaluate_offset=has_offsets
        )
        scores = event_scores(y_true, y_pred, offset_collar=0.2 if has_offsets else None)
        f1 = overall["f_measure"]["f_measure"], averages["f_measure"]["f_measure"]
        assert (scores["f1_micro"], scores["f1_macro"]) == pytest.approx(f1, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_error_rates_equal_those_of_sed_eval_where_pairs_are_clear(
    sed_eval, random_events, predict_events, seed
):
    rng = np.random.default_rng(seed)
    y_true = random_events(rng, n_files=100, max_events=2)
    y_pred = predict_events(rng, y_true)
    overall, _ = evaluate_with_sed_eval(sed_eval, y_true, y_pred)
    scores = event_scores(y_true, y_pred)
    assert scores["substitution_rate"] > 0
    for rate in RATES:
        assert scores[rate] == pytest.approx(overall["error_rate"][rate], abs=1e-12)


@pytest.mark.parametrize(
    ("prediction", "n_hits"),
    [
        ((1.0, 3.0), 1),
        ((1.25, 3.0), 1),  # onsets a collar apart
        ((0.75, 3.0), 1),
        ((1.2501, 3.0), 0),
        ((1.0, 4.0), 1),  # offsets half the true length apart
        ((1.0, 4.0001), 0),
        ((1.0, 2.0), 1),
    ],
)
def test_events_just_within_the_collars_are_hits(event_table, prediction, n_hits):
    y_true = event_table(("a", 1.0, 3.0, "x"))
    y_pred = event_table(("a", *prediction, "x"))
    assert event_report(y_true, y_pred, onset_collar=0.25).loc["x", "n_hits"] == n_hits


@pytest.mark.parametrize(
    ("parameters", "n_hits"),
    [
        ({"offset_share": 0.0}, 0),
        ({"offset_share": 0.0, "offset_collar": 0.5}, 1),
        ({"offset_collar": 0.0}, 1),
        ({"offset_collar": 0.0, "offset_share": 0.2}, 0),
        ({"offset_collar": None, "offset_share": 0.0}, 1),
        ({"onset_collar": 0.0}, 1),
    ],
)
def test_each_tolerance_is_used(event_table, parameters, n_hits):
    y_true, y_pred = event_table(("a", 1.0, 2.0, "x")), event_table(("a", 1.0, 2.5, "x"))
    assert event_report(y_true, y_pred, **parameters).loc["x", "n_hits"] == n_hits


def test_events_match_within_their_file_and_label_only(event_table):
    y_true = event_table(("a", 1.0, 2.0, "x"), ("b", 4.0, 5.0, "y"))
    y_pred = event_table(("b", 1.0, 2.0, "x"), ("b", 4.0, 5.0, "x"), ("a", 4.0, 5.0, "y"))
    scores = event_scores(y_true, y_pred)
    assert scores["f1_micro"] == 0
    # The "y" that was called "x" is one substitution; one event is missed, two are inserted.
    assert [scores[rate] for rate in RATES] == [2.0, 0.5, 0.5, 1.0]


def test_report_counts_hits_misses_and_false_alarms(event_table):
    y_true = event_table(("a", 1.0, 2.0, "x"), ("a", 3.0, 4.0, "x"), ("a", 1.0, 2.0, "y"))
    y_pred = event_table(("a", 1.1, 2.1, "x"), ("a", 8.0, 9.0, "x"), ("a", 9.0, 9.5, "x"))
    report = event_report(y_true, y_pred, labels=["y", "x", "z"])
    assert report.index.tolist() == ["y", "x", "z"]
    assert report.loc["x"].tolist() == [2, 3, 1, 1 / 3, 0.5, 0.4, 1.5, 0.5, 1.0]
    assert report.loc["y"].tolist() == [1, 0, 0, 0, 0, 0, 1, 1, 0]
    assert report.loc["z", ["n_true", "n_pred"]].tolist() == [0, 0]
    assert report.loc["z"].isna().sum() == 6


def test_order_of_rows_does_not_matter(random_events, predict_events):
    rng = np.random.default_rng(0)
    y_true = random_events(rng)
    y_pred = predict_events(rng, y_true)
    shuffled = (y.sample(frac=1, random_state=1) for y in (y_true, y_pred))
    assert event_scores(*shuffled) == event_scores(y_true, y_pred)


def test_truth_and_predictions_swap_precision_and_recall_where_offsets_do_not_count(
    random_events, predict_events
):
    rng = np.random.default_rng(0)
    y_true = random_events(rng)
    y_pred = predict_events(rng, y_true)
    scores = event_scores(y_true, y_pred, offset_collar=None)
    swapped = event_scores(y_pred, y_true, offset_collar=None)
    assert scores["precision_micro"] == swapped["recall_micro"]
    assert scores["recall_micro"] == swapped["precision_micro"]


def test_no_predictions_score_zero(event_table):
    y_true = event_table(("a", 0.0, 2.0, "x"), ("a", 0.0, 2.0, "y"))
    scores = event_scores(y_true, y_true[:0])
    for average in ("micro", "macro"):
        assert [scores[f"{score}_{average}"] for score in ("precision", "recall", "f1")] == [0] * 3
    assert [scores[rate] for rate in RATES] == [1, 0, 1, 0]


@pytest.mark.parametrize("n_predictions", [0, 1])
def test_no_truth_is_nan_with_a_warning(event_table, n_predictions):
    y_pred = event_table(("a", 0.0, 2.0, "x"))[:n_predictions]
    with pytest.warns(
        UndefinedMetricWarning, match="the scores of event_scores are NaN"
    ) as warnings:
        scores = event_scores(y_pred[:0], y_pred)
    assert warnings[0].filename == __file__
    assert scores["n_pred"] == n_predictions
    assert np.isnan([scores["f1_micro"], scores["f1_macro"], scores["error_rate"]]).all()


def test_labels_of_mixed_types_are_reported(event_table):
    y_true = event_table(("a", 0.0, 1.0, 1), ("a", 0.0, 1.0, "one"))
    assert event_report(y_true, y_true)["f1"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"onset_collar": -0.1}, "The 'onset_collar' parameter of event_scores must be a float"),
        ({"offset_share": -1}, "The 'offset_share' parameter of event_scores must be a float"),
        ({"labels": ["y"]}, "The 'y_true' parameter of event_scores must hold no labels but 'y'"),
    ],
)
def test_bad_input_is_an_error(event_table, parameters, message):
    y_true = event_table(("a", 0.0, 1.0, "x"))
    with pytest.raises(ValueError, match=message):
        event_scores(y_true, y_true, **parameters)
