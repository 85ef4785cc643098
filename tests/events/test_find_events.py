"""Events in tables of scores."""

import numpy as np
import pandas as pd
import pytest

from sk_audioevents.events import find_events


def table(scores, path="a.wav", start=0.0, step=0.5):
    """Return a timeline of one recording."""
    starts = start + step * np.arange(len(next(iter(scores.values()))))
    index = pd.MultiIndex.from_arrays(
        [[path] * len(starts), starts, starts + step], names=["path", "start_time", "end_time"]
    )
    return pd.DataFrame(scores, index=index)


def spans(events):
    return list(events[["path", "onset", "offset", "label"]].itertuples(index=False, name=None))


SCORES = {"owl": [0.1, 0.3, 0.9, 0.6, 0.2, 0.0, 0.8, 0.1], "fox": [0.6, 0.1, 0, 0, 0, 0, 0.3, 0.7]}


def test_events_are_where_scores_are_above_the_threshold():
    events = find_events(table(SCORES), offset_ratio=1.0)
    assert spans(events) == [
        ("a.wav", 0.0, 0.5, "fox"),
        ("a.wav", 1.0, 2.0, "owl"),
        ("a.wav", 3.0, 3.5, "owl"),
        ("a.wav", 3.5, 4.0, "fox"),
    ]
    assert events["score"].tolist() == [0.6, 0.9, 0.8, 0.7]


def test_event_goes_on_down_to_the_offset_threshold():
    events = find_events(table(SCORES), threshold=0.8, offset_ratio=0.25)
    assert spans(events) == [("a.wav", 0.5, 2.5, "owl"), ("a.wav", 3.0, 3.5, "owl")]


def test_each_rule_may_differ_between_classes():
    events = find_events(
        table(SCORES),
        threshold={"fox": 0.65},
        offset_ratio={"owl": 1.0, "fox": 0.4},
        merge_gap={"owl": 1.0},
        min_duration={"fox": 0.75},
    )
    assert spans(events) == [("a.wav", 1.0, 3.5, "owl"), ("a.wav", 3.0, 4.0, "fox")]


def test_median_filter_removes_single_scores():
    events = find_events(table(SCORES)[["owl"]], median_filter=1.5, offset_ratio=1.0)
    assert spans(events) == [("a.wav", 1.0, 2.0, "owl")]
    assert events["score"].tolist() == [0.6]  # of what was filtered


def test_pieces_are_joined_before_any_is_too_short():
    scores = {"owl": [0.9, 0.1, 0.9, 0.1, 0.9, 0.1]}
    events = find_events(table(scores), merge_gap=0.5, min_duration=2.5)
    assert spans(events) == [("a.wav", 0.0, 2.5, "owl")]


def test_events_end_with_their_recording_and_at_missing_steps():
    above = {"owl": [0.9, 0.9]}
    timeline = pd.concat([table(above, "b"), table(above, "a"), table(above, "a", start=1.5)])
    events = find_events(timeline, merge_gap=5.0)
    assert spans(events) == [
        ("b", 0.0, 1.0, "owl"),
        ("a", 0.0, 1.0, "owl"),
        ("a", 1.5, 2.5, "owl"),
    ]


def test_order_of_rows_does_not_matter():
    timeline = table(SCORES)
    shuffled = timeline.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(find_events(shuffled), find_events(timeline))


@pytest.mark.parametrize(
    "timeline",
    [table(SCORES), table(SCORES)[:0], table({"owl": [0.0]}, path=3), table({4: [0.1]})],
    ids=["silence", "no rows", "row number", "integer label"],
)
def test_no_events_are_a_table_of_the_same_types(timeline):
    none = find_events(timeline * 0)
    some = find_events(pd.DataFrame(1.0, index=timeline.index, columns=timeline.columns))
    assert len(none) == 0
    assert none.columns.tolist() == ["path", "onset", "offset", "label", "score"]
    assert none.dtypes.tolist() == some.dtypes.tolist()
    assert none["onset"].dtype == none["score"].dtype == np.float64


def test_row_numbers_stay_numbers():
    assert find_events(table({"owl": [0.9]}, path=3))["path"].dtype == np.int64


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"threshold": 1.5}, "'threshold' parameter of find_events must be a float in the range"),
        ({"offset_ratio": 0.0}, "'offset_ratio' parameter of find_events must be a float"),
        ({"median_filter": -1.0}, "'median_filter' parameter of find_events must be a float"),
        ({"threshold": {"wolf": 0.5}}, r"no keys but the labels \['owl', 'fox'\]. Got \['wolf'\]"),
        ({"merge_gap": {"owl": -1.0}}, r"'merge_gap' .* for each label. Got -1.0 for 'owl'"),
        ({"offset_ratio": {"owl": 0}}, r"'offset_ratio' .* Got 0 for 'owl'"),
        ({"min_duration": {"owl": "1"}}, r"'min_duration' .* Got '1' for 'owl'"),
    ],
)
def test_wrong_rules_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        find_events(table(SCORES), **parameters)


@pytest.mark.parametrize(
    ("timeline", "message"),
    [
        (pd.DataFrame(SCORES), "must have an index with the levels path, start_time, end_time"),
        (table({"owl": [0.1, np.nan]}), "must hold finite scores"),
        (table({"owl": [0.1, 0.2]}, step=-1.0), "must satisfy start_time < end_time"),
        (pd.concat([table(SCORES), table(SCORES)]), "steps that do not overlap.*in it twice?"),
    ],
    ids=["index", "NaN", "backwards", "overlap"],
)
def test_tables_that_are_no_timelines_are_refused(timeline, message):
    with pytest.raises(ValueError, match=message):
        find_events(timeline)


def test_list_is_no_timeline():
    with pytest.raises(TypeError, match="'timeline' parameter of find_events must be an instance"):
        find_events([0.1, 0.9])
