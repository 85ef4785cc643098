"""The check of event tables: what comes out in order, and what is refused with which words."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sk_audioevents._event_table import check_events

NAME = "The 'events' parameter of f"


def table(rows, columns=("path", "onset", "offset", "label"), index=None):
    return pd.DataFrame(rows, columns=list(columns), index=index)


TWO = table([("b.wav", 1.0, 2.0, "dog"), ("a.wav", 0.0, 0.5, "cat")])


def test_events_come_out_sorted_by_path_onset_and_offset_with_a_default_index():
    rows = [
        ("b", 0, 2, "x"),
        ("a", 1, 3, "x"),
        ("a", 1, 2, "y"),
        ("a", 0, 9, "x"),
        ("b", 0, 1, "x"),
    ]
    checked = check_events(table(rows, index=[7, 7, 3, -1, 0]), name=NAME)
    assert list(checked.itertuples(index=False, name=None)) == sorted(rows)
    assert checked.index.tolist() == [0, 1, 2, 3, 4]
    assert checked.dtypes["onset"] == checked.dtypes["offset"] == np.float64


def test_the_given_table_is_not_changed():
    given = table([("b", 0, 2.0005, "x"), ("a", 0, 2.0, "x")])
    before = given.copy()
    checked = check_events(given, name=NAME, duration=2.0)
    checked["onset"] += 1
    pd.testing.assert_frame_equal(given, before)


def test_other_columns_are_left_out_and_scores_kept_only_where_asked_for():
    given = TWO.assign(score=[0.25, 0.75], snr_db=3.0)
    assert check_events(given, name=NAME).columns.tolist() == ["path", "onset", "offset", "label"]
    scored = check_events(given, name=NAME, with_score=True)
    assert scored.columns.tolist() == ["path", "onset", "offset", "label", "score"]
    assert scored["score"].tolist() == [0.75, 0.25]


@pytest.mark.parametrize("dtype", [None, object])
def test_path_objects_become_strings_and_row_numbers_integers(dtype):
    paths = check_events(TWO.assign(path=[Path("x/b.wav"), "a.wav"]), name=NAME)["path"]
    assert paths.tolist() == ["a.wav", str(Path("x/b.wav"))]
    rows = pd.Series([10, 9], dtype=dtype)
    numbers = check_events(TWO.assign(path=rows), name=NAME)["path"]
    assert numbers.tolist() == [9, 10]
    assert numbers.dtype == np.int64


@pytest.mark.parametrize("empty", [TWO[:0], table([])])
@pytest.mark.parametrize("duration", [None, 2.0, {}])
def test_a_table_without_rows_is_a_table_of_no_events(empty, duration):
    checked = check_events(empty, name=NAME, labels=["dog"], duration=duration)
    assert checked.shape == (0, 4)
    assert checked.dtypes["offset"] == np.float64


def test_events_of_one_label_may_overlap():
    overlapping = table([("a", 0, 2, "x"), ("a", 1, 3, "x"), ("a", 0, 2, "y")])
    assert len(check_events(overlapping, name=NAME)) == 3


@pytest.mark.parametrize(
    "duration",
    [2.0, 2, {"a.wav": 0.5, "b.wav": 2.0}, pd.Series([2.0, 0.5], index=[Path("b.wav"), "a.wav"])],
)
def test_an_event_may_end_with_its_recording(duration):
    checked = check_events(TWO, name=NAME, duration=duration)
    assert checked["offset"].tolist() == [0.5, 2.0]


def test_an_offset_rounded_past_the_end_becomes_the_end():
    checked = check_events(TWO, name=NAME, duration=1.9996)
    assert checked["offset"].tolist() == [0.5, 1.9996]


def test_labels_that_may_occur_need_not():
    assert len(check_events(TWO, name=NAME, labels=np.array(["dog", "cat", "owl"]))) == 2


@pytest.mark.parametrize("column", ["path", "onset", "offset", "label", "score"])
def test_a_missing_column_is_named(column):
    given = TWO.assign(score=1.0).drop(columns=column)
    with pytest.raises(ValueError, match=f"{NAME} must have the columns .* Missing: {column}; got"):
        check_events(given, name=NAME, with_score=True)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("a", 2.0, 1.0, "x"), "0 <= onset < offset, in seconds. Row 2, 'a', has onset=2.0"),
        (("a", 1.0, 1.0, "x"), "0 <= onset < offset"),
        (("a", -0.1, 1.0, "x"), "0 <= onset < offset"),
        (
            ("a", np.nan, 1.0, "x"),
            "finite numbers in 'onset'. Row 2 holds nan: a recording without",
        ),
        (("a", 0.0, np.inf, "x"), "finite numbers in 'offset'. Row 2 holds inf"),
        (("a", 0.0, "1,5", "x"), "numbers in 'offset'. Got dtype .*decimal comma"),
        (("a", 0.0, 1.0, None), "a label in each row. Row 2 has none"),
        (("a", 0.0, 1.0, "cow"), "no labels but 'dog', 'cat'. Got 'cow': are 'labels' complete"),
        (("c.wav", 0.0, 1.0, "dog"), "no paths without a duration. Got 'c.wav'"),
        (("b.wav", 1.0, 4.1, "dog"), "within their recordings. Row 2, 'b.wav', .* duration of 4.0"),
        (("b.wav", 4.0, 4.0005, "dog"), "within their recordings"),
        (
            ("b.wav", 1.0, 2.0, "dog"),
            r"each event once. Row 2 repeats 'dog' .* drop_duplicates\(\)",
        ),
    ],
)
def test_a_bad_row_is_named(row, message):
    given = table([*TWO.itertuples(index=False, name=None), row], index=[5, 6, 5])
    with pytest.raises(ValueError, match=message):
        check_events(
            given,
            name=NAME,
            labels=["dog", "cat", *(["x"] if row[3] == "x" else [])],
            duration={"a.wav": 4.0, "b.wav": 4.0, **({"a": 9.0} if row[0] == "a" else {})},
        )


def test_a_bad_score_is_named():
    with pytest.raises(ValueError, match=r"finite numbers in 'score'. Row 1 holds nan"):
        check_events(TWO.assign(score=[1.0, np.nan]), name=NAME, with_score=True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([("a", 0, 1, "x")], "must be a DataFrame .* Got list"),
        (TWO.assign(path=[1.5, 2.5]), "a path .* or the row number .* Row 0 holds 1.5"),
        (TWO.assign(path=["a", None]), "Row 1 holds (None|nan)"),
        (TWO.assign(path=[True, False]), "Row 0 holds True"),
        (TWO.assign(path=["a", 1]), "either paths or row numbers in 'path'. Got both"),
    ],
)
def test_what_is_no_table_or_no_path_is_a_type_error(given, message):
    with pytest.raises(TypeError, match=message):
        check_events(given, name=NAME)


def test_a_duration_of_another_kind_is_a_type_error():
    with pytest.raises(TypeError, match=r"a number of seconds or a mapping .* Got list"):
        check_events(TWO, name=NAME, duration=[1.0])


def test_many_unknown_labels_are_counted():
    given = table([("a", i, i + 1, i) for i in range(9)])
    with pytest.raises(ValueError, match=r"Got 1, 2, 3, 4, 5 and 3 more"):
        check_events(given, name=NAME, labels=[0])
