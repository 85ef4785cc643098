"""Values become JSON and come back as they were, in type and in every bit."""

import json
from pathlib import Path

import numpy as np
import pytest

from sk_audioevents.persistence._problems import FormatProblem, NotStorable
from sk_audioevents.persistence._strict_json import parse_json
from sk_audioevents.persistence._values import decode, encode


class Tensors:
    """What stands for a file here: it keeps the arrays as they are."""

    def __init__(self):
        self.arrays = {}

    def add_tensor(self, name, array):
        assert name not in self.arrays
        self.arrays[name] = array
        return name

    def take_tensor(self, name):
        return self.arrays.pop(name)

    def count_text(self, n_bytes):
        pass

    def pack(self, item, where):
        raise NotStorable(f"a {type(item).__name__}")


def there_and_back(value):
    """Return what comes back of a value by way of JSON text."""
    tensors = Tensors()
    text = json.dumps({"value": encode(value, "here", tensors)}, allow_nan=False)
    found = decode(parse_json(text, "text")["value"], tensors)
    assert not tensors.arrays
    return found


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(2**63),
        2**64 - 1,
        0.1,
        -0.0,
        5e-324,
        1.7976931348623157e308,
        float("inf"),
        -float("inf"),
        float("nan"),
        "",
        "naïve \U0001f989 \ud800 \x00 \"'\\",
        [],
        (),
        {},
        [1, (2.0, [None, ("x",)])],
        {"a": 1, 2: (True,), None: {}, 0.5: [3], np.int64(7): "seven"},
        {True: 1, "True": 2},
        np.float32(0.1),
        np.float16(-0.0),
        np.float64("nan"),
        np.float32("-inf"),
        np.int8(-128),
        np.uint64(2**64 - 1),
        np.bool_(True),
        np.str_("x"),
        Path("/a/b.wav"),
    ],
    ids=repr,
)
def test_values_come_back_as_they_were(value):
    found = there_and_back(value)
    assert type(found) is type(value)
    assert repr(found) == repr(value)  # tells 0.0 from -0.0, tuples from lists, types of keys


@pytest.mark.parametrize(
    "array",
    [
        np.array([True, False]),
        np.arange(6, dtype=np.int16).reshape(2, 3),
        np.arange(5000, dtype=np.uint8),
        np.array([0.1, np.nan, -np.inf, -0.0]),
        np.arange(24, dtype=np.float32).reshape(2, 3, 4)[:, ::2].transpose(2, 0, 1),
        np.array(3.5),
        np.array(7),
        np.zeros((0, 3)),
        np.zeros((2, 0), dtype=np.int64),
        np.array(["a", "bcd", ""]),
        np.array([["a", "b"]], dtype="<U9"),
        np.array(["x", 1, None, (2,)], dtype=object),
        np.array([["a", "b"], ["c", "d"]], dtype=object),
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}",
)
def test_arrays_come_back_as_they_were(array):
    np.testing.assert_array_equal(there_and_back(array), array, strict=True)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (lambda: 0, "a function"),
        ({1, 2}, "a set"),
        (2**64, "a int"),
        (1j, "a complex"),
        (np.longdouble(1), "a number of the type"),
        (np.datetime64("2026-01-01"), "a number of the type datetime64"),
        (np.array(["2026-01-01"], dtype="datetime64[D]"), "an array of the type datetime64"),
        (np.array([1j]), "an array of the type complex128"),
        (np.ma.array([1.0]), "a MaskedArray"),
        ({(1, 2): 3}, "a dict with a tuple as key"),
        ([1, [b"x"]], "a bytes"),
    ],
    ids=lambda item: item if isinstance(item, str) else type(item).__name__,
)
def test_values_that_would_not_come_back_are_refused(value, reason):
    with pytest.raises(NotStorable, match=reason):
        there_and_back(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1, "a": 1}', "same key twice"),
        ('{"a": [NaN]}', "holds NaN"),
        ('{"a": -1e400}', "too large"),
        ('{"a": 18446744073709551616}', "too large"),
        ('{"a": 1}}', "is no JSON"),
        ("[1]", "no JSON object"),
        ("", "is no JSON"),
    ],
)
def test_json_of_two_meanings_is_refused(text, reason):
    with pytest.raises(FormatProblem, match=reason):
        parse_json(text, "text")
