"""Labels and scores that cannot be scored are refused with a sentence that says why."""

import numpy as np
import pandas as pd
import pytest

from sk_audioevents.metrics import class_report, mean_auc, mean_average_precision

SCORES = np.random.default_rng(0).random((4, 3))
INDICATOR = np.eye(4, 3)


@pytest.mark.parametrize(
    ("y_true", "y_score", "parameters", "message"),
    [
        (INDICATOR, SCORES[:, :2], {}, r"must have one shape, .* Got \(4, 3\) and \(4, 2\)"),
        (INDICATOR, SCORES[:, 0], {}, r"must have one shape, .* Got \(4, 3\) and \(4,\)"),
        (
            SCORES,
            INDICATOR,
            {},
            r"must hold 0, 1 and NaN .* Got 0\.\d+: are scores and labels swap",
        ),
        (INDICATOR[:3], SCORES, {}, "inconsistent numbers of samples"),
        (INDICATOR, SCORES, {"sample_weight": np.ones(3)}, "inconsistent numbers of samples"),
        (INDICATOR, SCORES, {"sample_weight": [1, 1, 1, -1]}, "Negative values in data passed to"),
        (INDICATOR, np.full((4, 3), np.nan), {}, "Input y_score contains NaN"),
        (INDICATOR, SCORES, {"labels": ["a", "b"]}, "are of 3 classes, and the labels are"),
        (list("abab"), SCORES, {}, r"of 3 classes, and the labels are \['a', 'b'\]. Where a class"),
        (list("aaaa"), SCORES[:, 0], {}, "of 2 classes, and the labels are"),
        (list("abcd"), SCORES, {"labels": list("abc")}, r"no labels but .* Got \['d'\]"),
        (np.array(["a", None, "b", "c"]), SCORES, {}, "Got none for clip 1. Clips that are label"),
        (np.empty((0, 3)), np.empty((0, 3)), {}, r"0 sample\(s\)"),
    ],
)
def test_bad_labels_and_scores_are_errors(y_true, y_score, parameters, message):
    with pytest.raises(ValueError, match=message):
        mean_average_precision(y_true, y_score, **parameters)


def test_infinite_label_is_an_error():
    y_true = INDICATOR.copy()
    y_true[1, 1] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        mean_auc(y_true, SCORES)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.float32, object])
def test_indicators_of_any_type_score_the_same(dtype):
    expected = mean_average_precision(INDICATOR, SCORES)
    assert mean_average_precision(INDICATOR.astype(dtype), SCORES) == expected
    assert mean_average_precision(INDICATOR.tolist(), SCORES.tolist()) == expected


def test_names_of_columns_are_the_labels_of_the_report():
    y_true = pd.DataFrame(INDICATOR, columns=["owl", "dog", "cat"])
    assert class_report(y_true, SCORES).index.tolist() == ["owl", "dog", "cat"]
    assert class_report(INDICATOR, SCORES).index.tolist() == [0, 1, 2]
    assert class_report(y_true, SCORES, labels=list("abc")).index.tolist() == list("abc")


def test_series_of_labels_with_another_index_are_labels_by_position():
    y_true = pd.Series(list("abca"), index=[3, 3, 1, 0])
    expected = mean_average_precision(list("abca"), SCORES)
    assert mean_average_precision(y_true, SCORES) == expected
