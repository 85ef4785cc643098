"""JSON that has one meaning: no key twice, no NaN, no number that a computer does not have."""

import json
import math

from sk_audioevents.persistence._problems import FormatProblem

MAX_INT = 2**64  # of any integer of numpy


def parse_json(text, what):
    """Parse a JSON object.

    Parameters
    ----------
    text : bytes or str
        The text.
    what : str
        What it is, for errors.

    Returns
    -------
    content : dict
        The object.

    Raises
    ------
    FormatProblem
        If it is no JSON object, or not a strict one.
    """
    try:
        content = json.loads(
            text,
            object_pairs_hook=_dict_of_pairs,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_bounded_int,
        )
    except ValueError as error:  # malformed JSON, or text that is not UTF-8
        raise FormatProblem(f"its {what} is no JSON ({error})") from error
    if type(content) is not dict:
        raise FormatProblem(f"its {what} is no JSON object")
    return content


def canonical_json(content):
    """Return the one text, in ASCII, of what JSON can hold.

    Parameters
    ----------
    content : dict
        The object.

    Returns
    -------
    text : str
        Keys in order, no white space, no NaN.
    """
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _dict_of_pairs(pairs):
    content = dict(pairs)
    if len(content) < len(pairs):
        raise FormatProblem("its description has the same key twice")
    return content


def _refuse_constant(name):
    raise FormatProblem(f"its description holds {name}, which is no JSON")


def _finite_float(text):
    value = float(text)
    if not math.isfinite(value):
        raise FormatProblem(f"its description holds the number {text:.40}, which is too large")
    return value


def _bounded_int(text):
    if len(text) > 20 or not -MAX_INT < int(text) < MAX_INT:
        raise FormatProblem(f"its description holds the number {text:.40}, which is too large")
    return int(text)
