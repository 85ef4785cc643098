"""Values of parameters and of fitted attributes, as JSON that gives the same values back.

What JSON has itself stands for itself: null, true, false, integers, finite floats, text and lists.
All else is an object with a "type". Large arrays and arrays of floats become tensors beside it.
"""

import math
from pathlib import Path, PurePath

import numpy as np

from sk_audioevents._validation import object_array
from sk_audioevents.persistence._problems import FormatProblem, NotStorable, problem_with
from sk_audioevents.persistence._safetensors import CODES
from sk_audioevents.persistence._strict_json import MAX_INT

MAX_INLINE = 4096  # values of an array that stand in the JSON
MAX_TEXT = 2**24  # bytes of all arrays of text together: numpy pads each item to the longest one
NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
KEY_TYPES = (str, int, float, bool, type(None), np.generic)


def encode(value, where, packer):
    """Turn a value into what JSON can hold.

    Parameters
    ----------
    value : object
        The value.
    where : str
        Its place in the model, which names its tensors.
    packer : Packer
        What takes tensors, and encodes estimators.

    Returns
    -------
    content : object
        JSON.

    Raises
    ------
    NotStorable
        If there is no way to store it.
    """
    kind = type(value)
    if value is None or kind in (bool, str):
        return value
    if kind is int and abs(value) < MAX_INT:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"type": "float", "value": str(value)}
    if kind in (list, tuple):
        items = [encode(item, f"{where}.{i}", packer) for i, item in enumerate(value)]
        return items if kind is list else {"type": "tuple", "items": items}
    if kind is dict:
        return {"type": "dict", "items": _encode_items(value, where, packer)}
    if isinstance(value, np.generic):
        return {"type": "scalar", "dtype": _scalar_dtype(value), "value": _item(value)}
    if kind is np.ndarray:
        return {"type": "array", **_encode_array(value, where, packer)}
    if isinstance(value, PurePath):
        return {"type": "path", "value": str(value)}
    return packer.pack(value, where)


def decode(content, unpacker):
    """Turn JSON into the value that it was made of.

    Parameters
    ----------
    content : object
        What `encode` gave.
    unpacker : Unpacker
        What has the tensors, and makes estimators.

    Returns
    -------
    value : object
        The value.

    Raises
    ------
    FormatProblem
        If the JSON is none that `encode` gives.
    """
    if type(content) is list:
        return [decode(item, unpacker) for item in content]
    if type(content) is not dict:
        return content
    kind = content.get("type")
    if type(kind) is not str or kind not in DECODERS:
        raise FormatProblem(f"its description holds a value of the unknown type {kind!r:.40}")
    return DECODERS[kind](content, unpacker)


def check_fields(content, what, required, optional=()):
    """Raise unless a JSON object has all required fields, and no unknown one.

    Parameters
    ----------
    content : object
        What should be the object.
    what : str
        What it describes, for the error.
    required, optional : iterable of str
        The fields.

    Returns
    -------
    content : dict
        The object.
    """
    if type(content) is not dict:
        raise FormatProblem(f"{what} must be a JSON object. It is {content!r:.40}")
    missing = sorted(set(required) - content.keys())
    unknown = sorted(content.keys() - set(required) - set(optional))
    if missing:
        raise FormatProblem(f"{what} lacks the field {missing[0]!r}")
    if unknown:
        raise FormatProblem(f"{what} has the unknown field {unknown[0]!r:.80}")
    return content


def _encode_items(value, where, packer):
    for key in value:
        if not isinstance(key, KEY_TYPES):
            raise NotStorable(f"a dict with a {type(key).__name__} as key")
    return [
        [encode(key, where, packer), encode(item, f"{where}.{i}", packer)]
        for i, (key, item) in enumerate(value.items())
    ]


def _scalar_dtype(value):
    if value.dtype.kind == "U":
        return "str"
    if value.dtype.name not in CODES:
        raise NotStorable(f"a number of the type {value.dtype}")
    return value.dtype.name


def _item(value):
    item = value.item()
    return str(item) if type(item) is float and not math.isfinite(item) else item


def _encode_array(array, where, packer):
    shape, name = list(array.shape), array.dtype.name
    if array.dtype.kind == "U":
        packer.count_text(array.nbytes)
        width = array.dtype.itemsize // 4
        return {"dtype": "str", "width": width, "shape": shape, "items": array.ravel().tolist()}
    if array.dtype.kind == "O":
        items = [encode(item, f"{where}.{i}", packer) for i, item in enumerate(array.ravel())]
        return {"dtype": "object", "shape": shape, "items": items}
    if name not in CODES:
        raise NotStorable(f"an array of the type {array.dtype}")
    if array.dtype.kind != "f" and array.size <= MAX_INLINE:
        return {"dtype": name, "shape": shape, "items": array.ravel().tolist()}
    return {"tensor": packer.add_tensor(where, array)}


def _decode_float(content, _):
    check_fields(content, "a float", ["type", "value"])
    if content["value"] not in [*NOT_FINITE]:
        raise FormatProblem(f"its description holds the float {content['value']!r:.40}")
    return NOT_FINITE[content["value"]]


def _decode_tuple(content, unpacker):
    check_fields(content, "a tuple", ["type", "items"])
    return tuple(decode(item, unpacker) for item in _list_of(content, "items"))


def _decode_dict(content, unpacker):
    check_fields(content, "a dict", ["type", "items"])
    value = {}
    for item in _list_of(content, "items"):
        if type(item) is not list or len(item) != 2:
            raise FormatProblem("an item of a dict must be a key and a value")
        key = decode(item[0], unpacker)
        if not isinstance(key, KEY_TYPES) or key in value:
            raise FormatProblem(f"a dict has the key {key!r:.80}, which it may not have (again)")
        value[key] = decode(item[1], unpacker)
    return value


def _decode_scalar(content, _):
    check_fields(content, "a scalar", ["type", "dtype", "value"])
    dtype, value = content["dtype"], content["value"]
    if dtype == "str" and type(value) is str:
        return np.str_(value)
    if _numpy_type(dtype).kind == "f" and type(value) is str and value in NOT_FINITE:
        value = NOT_FINITE[value]
    return _typed_array([value], dtype)[0]


def _decode_path(content, _):
    check_fields(content, "a path", ["type", "value"])
    if type(content["value"]) is not str or "\0" in content["value"]:
        raise FormatProblem("its description holds a path that is no text")
    return Path(content["value"])


def _decode_array(content, unpacker):
    if "tensor" in content:
        check_fields(content, "an array", ["type", "tensor"])
        return unpacker.take_tensor(content["tensor"])
    is_text = content.get("dtype") == "str"
    check_fields(content, "an array", ["type", "dtype", "shape", "items"], ["width"] * is_text)
    shape, items = _list_of(content, "shape"), _list_of(content, "items")
    if not all(type(n) is int and n >= 0 for n in shape) or math.prod(shape) != len(items):
        raise FormatProblem(f"an array of the shape {shape} has {len(items)} items")
    if is_text:
        array = _text_array(items, content.get("width"), unpacker)
    elif content["dtype"] == "object":
        array = object_array([decode(item, unpacker) for item in items])
    else:
        array = _typed_array(items, content["dtype"])
    with problem_with("an array"):
        return array.reshape(shape)


def _text_array(items, width, unpacker):
    if not all(type(item) is str for item in items) or type(width) is not int:
        raise FormatProblem("an array of text must have a width, and texts for items")
    if not max(map(len, items), default=0) <= width <= MAX_TEXT:
        raise FormatProblem(f"an array of text has a width of {width}, which its items have not")
    unpacker.count_text(4 * width * len(items))
    return np.array(items, dtype=f"<U{width}")


def _typed_array(items, dtype):
    numpy_type = _numpy_type(dtype)
    types = {"b": (bool,), "f": (float, int)}.get(numpy_type.kind, (int,))
    if not all(type(item) in types for item in items):
        raise FormatProblem(f"an array or scalar of {dtype} holds something else")
    with problem_with("an array or scalar"), np.errstate(over="raise"):
        return np.array(items, dtype=numpy_type)


def _numpy_type(name):
    if type(name) is not str or name not in CODES:
        raise FormatProblem(f"an array or scalar is of the unknown type {name!r:.40}")
    return np.dtype(name)


def _list_of(content, field):
    if type(content[field]) is not list:
        raise FormatProblem(f"the {field!r} of a {content['type']} must be a list")
    return content[field]


DECODERS = {
    "array": _decode_array,
    "dict": _decode_dict,
    "float": _decode_float,
    "object": lambda content, unpacker: unpacker.unpack(content),
    "path": _decode_path,
    "scalar": _decode_scalar,
    "tuple": _decode_tuple,
}
