"""PSDS against sed_scores_eval and against detections at each threshold, counted in loops."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from sk_audioevents.metrics import PSDSScenario, intersection_report, psd_roc, psds

LABELS = ["owl", "cat", "dog", "bee"]
FRAME = 0.1  # seconds
HALF_HOUR = {f"{i}.wav": 450.0 for i in range(4)}  # one false positive is 2 / h
SCENARIOS = {
    "1": (1, PSDSScenario()),
    "2": (
        2,
        PSDSScenario(dtc_threshold=0.1, gtc_threshold=0.1, cttc_threshold=0.3, alpha_ct=0.5),
    ),
    "own": (
        *[
            PSDSScenario(
                dtc_threshold=0.5,
                gtc_threshold=0.3,
                cttc_threshold=0.2,
                alpha_ct=1.0,
                alpha_st=0.0,
                max_efpr=3000.0,
            )
        ]
        * 2,
    ),
}


def draw(seed, n_files=4, n_frames=300, n_levels=None):
    """Draw disjoint events at times between frames, and scores that follow them, with noise."""
    rng = np.random.default_rng(seed)
    events, frames = [], []
    edges = np.arange(n_frames + 1) * FRAME
    for file in range(n_files):
        active = np.zeros((n_frames, len(LABELS)))
        for i, label in enumerate(LABELS):
            onset = rng.exponential(12)
            while (offset := onset + rng.uniform(0.15, 2)) < edges[-1]:
                events.append((f"{file}.wav", onset, offset, label))
                active[int(onset / FRAME) : int(offset / FRAME) + 1, i] = 1
                onset = offset + 0.05 + rng.exponential(12)
        noise = rng.normal(size=active.shape)
        scores = 1 / (1 + np.exp(0.7 * noise - 2 * active - 0.5 * active[:, ::-1] + 1))
        if n_levels:
            scores = np.round(scores * n_levels) / n_levels
        frame = pd.DataFrame(scores, columns=LABELS)
        frames.append(frame.assign(path=f"{file}.wav", onset=edges[:-1], offset=edges[1:]))
    y_true = pd.DataFrame(events, columns=["path", "onset", "offset", "label"])
    return y_true, pd.concat(frames, ignore_index=True)


def score_with_sed_scores_eval(toolbox, y_true, y_score, scenario, durations=None):
    create = toolbox.base_modules.scores.create_score_dataframe
    scores, truth = {}, {}
    for path, frames in y_score.groupby("path"):
        edges = np.append(frames["onset"], frames["offset"].iloc[-1])
        scores[path] = create(frames[LABELS].to_numpy(), edges, LABELS)
        of_file = y_true[y_true["path"] == path]
        truth[path] = list(of_file[["onset", "offset", "label"]].itertuples(index=False, name=None))
    if durations is None:
        durations = {path: frames["offset"].iloc[-1] for path, frames in scores.items()}
    return toolbox.intersection_based.psds(
        scores,
        truth,
        durations,
        dtc_threshold=scenario.dtc_threshold,
        gtc_threshold=scenario.gtc_threshold,
        cttc_threshold=scenario.cttc_threshold,
        alpha_ct=scenario.alpha_ct,
        alpha_st=scenario.alpha_st,
        max_efpr=scenario.max_efpr,
    )


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("n_levels", [None, 10, 3, 1])
@pytest.mark.parametrize("seed", range(4))
def test_score_equals_that_of_sed_scores_eval(sed_scores_eval, name, n_levels, seed):
    given, scenario = SCENARIOS[name]
    y_true, y_score = draw(seed, n_levels=n_levels)
    expected, of_classes, (ratios, rates), _ = score_with_sed_scores_eval(
        sed_scores_eval, y_true, y_score, scenario, HALF_HOUR
    )
    assert 0 < expected < 1 or n_levels in (1, 3)
    given = {"scenario": given, "durations": HALF_HOUR}
    assert psds(y_true, y_score, **given) == pytest.approx(expected, abs=1e-12)
    scores = psds(y_true, y_score, average=None, **given)
    assert scores.to_dict() == pytest.approx(of_classes, abs=1e-12)
    ours = psd_roc(y_true, y_score, **given)
    at = np.linspace(0, scenario.max_efpr, 1001) + 1e-7
    np.testing.assert_allclose(
        ours[1][np.searchsorted(ours[0], at, side="right") - 1],
        ratios[np.searchsorted(rates, at, side="right") - 1],
        atol=1e-12,
    )


def test_each_file_ends_with_its_last_frame_unless_durations_are_given(sed_scores_eval):
    y_true, y_score = draw(0)
    scenario = PSDSScenario(max_efpr=3000.0)
    expected, *_ = score_with_sed_scores_eval(sed_scores_eval, y_true, y_score, scenario)
    assert expected > 0
    for durations in (None, 30.0, pd.Series(30.0, index=list(HALF_HOUR))):
        score = psds(y_true, y_score, scenario=scenario, durations=durations)
        assert score == pytest.approx(expected, abs=1e-12)
    assert psds(y_true, y_score, scenario=scenario, durations=31.0) > expected


def detections(y_score, label, threshold):
    """Return the runs of frames of a label that reach a threshold, as a table of events."""
    rows = []
    for path, frames in y_score.groupby("path"):
        is_on = False
        for frame in frames.itertuples():
            reached = getattr(frame, label) >= threshold
            if reached and not is_on:
                rows.append([path, frame.onset, None, label])
            if reached:
                rows[-1][2] = frame.offset
            is_on = reached
    return pd.DataFrame(rows, columns=["path", "onset", "offset", "label"])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.7, 0.1])
def test_curve_of_a_class_is_that_of_intersections_at_each_threshold(seed, share):
    y_true, y_score = draw(seed, n_files=2, n_levels=12)
    y_true = y_true[y_true["label"] == "owl"]
    points = [(0.0, 0.0)]
    for threshold in y_score["owl"].unique():
        found = detections(y_score, "owl", threshold)
        report = intersection_report(y_true, found, dtc_threshold=share, gtc_threshold=share)
        row = report.loc["owl"]
        n_false = row["n_hits"] / row["precision"] - row["n_hits"] if row["n_hits"] else len(found)
        points.append((round(n_false) / 60 * 3600, row["recall"]))
    points.sort()
    scenario = PSDSScenario(dtc_threshold=share, gtc_threshold=share, alpha_st=0.0, max_efpr=5000.0)
    rates, ratios = psd_roc(y_true, y_score, scenario=scenario)
    for rate in range(0, 5000, 150):
        expected = max(ratio for x, ratio in points if x <= rate)
        assert ratios[np.searchsorted(rates, rate, side="right") - 1] == pytest.approx(expected)


def test_perfect_scores_score_one_in_both_scenarios():
    y_true, y_score = draw(0)
    y_true[["onset", "offset"]] = y_true[["onset", "offset"]].round(1)
    y_true = y_true[y_true["onset"] < y_true["offset"]]
    y_score[LABELS] = 0.0
    for event in y_true.itertuples():
        inside = (y_score["offset"] > event.onset + 1e-6) & (y_score["onset"] < event.offset - 1e-6)
        y_score.loc[inside & (y_score["path"] == event.path), event.label] = 1.0
    assert psds(y_true, y_score, scenario=1) == pytest.approx(1.0)
    assert psds(y_true, y_score, scenario=2) == pytest.approx(1.0)


def test_any_rising_function_of_the_scores_scores_the_same():
    y_true, y_score = draw(0)
    transformed = y_score.copy()
    transformed[LABELS] = np.log(y_score[LABELS]) * 100
    assert psds(y_true, transformed, scenario=2) == psds(y_true, y_score, scenario=2) > 0


def test_order_of_rows_and_columns_does_not_matter():
    y_true, y_score = draw(0)
    columns = [*LABELS[::-1], "offset", "path", "onset"]
    shuffled = y_score[columns].sample(frac=1, random_state=0)
    score = psds(y_true.sample(frac=1, random_state=0), shuffled, scenario=2)
    assert score == pytest.approx(psds(y_true, y_score, scenario=2), abs=1e-12)


def test_class_without_events_is_left_out_as_if_it_had_no_column():
    y_true, y_score = draw(0)
    y_true = y_true[y_true["label"] != "dog"]
    expected = psds(y_true, y_score.drop(columns="dog"), scenario=2)
    assert psds(y_true, y_score, scenario=2) == expected
    scores = psds(y_true, y_score, scenario=2, average=None)
    assert scores.index.tolist() == LABELS
    assert scores.isna().tolist() == [False, False, True, False]


def test_single_class_has_no_cross_triggers():
    y_true, y_score = draw(0)
    y_true = y_true[y_true["label"] == "owl"]
    without = PSDSScenario(dtc_threshold=0.1, gtc_threshold=0.1)
    assert psds(y_true, y_score, scenario=2) == psds(y_true, y_score, scenario=without)


def test_files_without_events_count_with_their_false_positives():
    y_true, y_score = draw(0)
    quiet = y_true[y_true["path"] != "3.wav"]
    remaining = y_score[y_score["path"] != "3.wav"]
    assert psds(quiet, y_score, scenario=2) < psds(quiet, remaining, scenario=2)


def test_no_events_at_all_is_nan_with_a_warning():
    y_true, y_score = draw(0)
    with pytest.warns(
        UndefinedMetricWarning, match="No events in 'y_true': psds is NaN"
    ) as warnings:
        assert np.isnan(psds(y_true[:0], y_score))
    assert warnings[0].filename == __file__
    assert psds(y_true[:0], y_score, average=None).isna().all()
    with pytest.raises(ValueError, match="'y_true' parameter of psd_roc must hold events"):
        psd_roc(y_true[:0], y_score)


def test_event_that_no_threshold_finds_scores_zero():
    y_true = pd.DataFrame({"path": ["a"], "onset": [0.0], "offset": [10.0], "label": ["owl"]})
    y_score = pd.DataFrame({"path": ["a"], "onset": [0.0], "offset": [1.0], "owl": [0.9]})
    assert psds(y_true, y_score) == 0
    rates, ratios = psd_roc(y_true, y_score)
    assert (rates.tolist(), ratios.tolist()) == ([0.0], [0.0])


def test_row_numbers_are_paths_too():
    y_true, y_score = draw(0)
    expected = psds(y_true, y_score, scenario=2)
    for table in (y_true, y_score):
        table["path"] = table["path"].str[0].astype(int)
    assert psds(y_true, y_score, scenario=2) == expected > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda y: y.drop(columns="onset"),
            "must have the columns path, onset, offset and one for",
        ),
        (
            lambda y: y[["path", "onset", "offset"]],
            "and one for each label. Got path, onset, offse",
        ),
        (lambda y: y[:0], "must hold at least one frame. Got an empty table"),
        (
            lambda y: y.assign(owl=np.nan),
            "finite numbers in 'owl', 'cat', .* frames without scores",
        ),
        (
            lambda y: y.assign(name="x"),
            "must hold finite numbers in .* other columns besides those",
        ),
        (
            lambda y: y.drop(index=5),
            r"without gap .* from 0.4 s to 0.5 s is followed by one from 0.6",
        ),
        (lambda y: y.assign(offset=y["offset"] + 0.05), "is followed by one from 0.1 s"),
        (lambda y: y[:1].assign(offset=0.0), "the frame from 0.0 s to 0.0 s is not of that kind"),
        (lambda y: y[:1].assign(onset=-0.1), "the frame from -0.1 s to 0.1 s is not of that kind"),
        (lambda y: y.rename(columns={"cat": "owl"}), "one for each label. Got owl, owl"),
    ],
)
def test_bad_table_of_scores_is_an_error(change, message):
    y_true, y_score = draw(0)
    with pytest.raises(ValueError, match=message):
        psds(y_true, change(y_score))


@pytest.mark.parametrize(
    ("event", "parameters", "message"),
    [
        (
            ("0.wav", 0.0, 1.0, "eel"),
            {},
            "'y_true' parameter of psds must hold no labels but 'owl'",
        ),
        (("9.wav", 0.0, 1.0, "owl"), {}, "must hold no paths but those in 'y_score'. Got '9.wav'"),
        (("0.wav", 0.0, 90.0, "owl"), {}, "must hold no events of one label that overlap"),
        (
            ("0.wav", 0.0, 90.0, "owl"),
            {"durations": 30.0},
            "must hold events within their recordings",
        ),
        (
            ("0.wav", 0.0, 0.1, "owl"),
            {"durations": {"0.wav": 30.0}},
            "without a duration|a duration",
        ),
        (("0.wav", 0.0, 0.1, "owl"), {"scenario": 3}, "The 'scenario' parameter of psds must be"),
    ],
)
def test_bad_truth_or_parameter_is_an_error(event, parameters, message):
    y_true, y_score = draw(0)
    y_true = pd.concat([y_true, pd.DataFrame([event], columns=y_true.columns)])
    with pytest.raises(ValueError, match=message):
        psds(y_true, y_score, **parameters)


def test_path_without_duration_is_an_error():
    y_true, y_score = draw(0)
    with pytest.raises(
        ValueError, match=r"a duration for each path in 'y_score'. Got none for '1.w"
    ):
        psds(y_true[y_true["path"] == "0.wav"], y_score, durations={"0.wav": 30.0})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"dtc_threshold": 0.0},
            r"'dtc_threshold' parameter of PSDSScenario must be a float in the ",
        ),
        ({"gtc_threshold": 1.5}, "'gtc_threshold' .* Got 1.5 instead"),
        ({"cttc_threshold": 30, "alpha_ct": 1.0}, "'cttc_threshold' .* Got 30 instead"),
        ({"alpha_st": -1.0}, "'alpha_st' .* Got -1.0 instead"),
        ({"max_efpr": 0.0}, "'max_efpr' .* Got 0.0 instead"),
        ({"alpha_ct": 0.5}, "must be set together. Got None and 0.5"),
        ({"cttc_threshold": 0.3}, "must be set together. Got 0.3 and 0.0"),
    ],
)
def test_bad_scenario_is_an_error(parameters, message):
    with pytest.raises(ValueError, match=message):
        PSDSScenario(**parameters)
