"""The safetensors format: a JSON header that tells where each tensor is, and the tensors.

The format is that of https://github.com/huggingface/safetensors, whose library reads our files. It
is read here, in few lines, because that library takes headers with a key twice, knows tensors of
numbers that numpy does not have, and maps files into memory, which kills the process if another one
shortens the file.
"""

import json
import math
import os
import stat
import struct
from typing import NamedTuple

import numpy as np

from sk_audioevents.persistence._problems import FormatProblem
from sk_audioevents.persistence._strict_json import parse_json

DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "I16": "int16",
    "F16": "float16",
    "U32": "uint32",
    "I32": "int32",
    "F32": "float32",
    "U64": "uint64",
    "I64": "int64",
    "F64": "float64",
}
CODES = {name: code for code, name in DTYPES.items()}
METADATA = "__metadata__"
# A header takes up to 20 times its length as Python objects: it may be this long, in bytes, or an
# eighth of the file.
MAX_HEADER = 2**20
# What files begin with that are often taken for models.
OTHER_FILES = {
    b"\x80": "a pickle",
    b"PK": "a zip archive, as torch.save writes",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a gzip archive",
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself",
}


class Place(NamedTuple):
    """Where a tensor is in a file.

    Attributes
    ----------
    dtype : str
        Its type, as numpy calls it.
    shape : tuple of int
        Its shape.
    start, end : int
        Its bytes, counted from the end of the header.
    """

    dtype: str
    shape: tuple
    start: int
    end: int


class TensorFile:
    """A safetensors file that is open for reading; each tensor is read when it is asked for.

    Parameters
    ----------
    file : binary file
        The file, from its beginning.

    Attributes
    ----------
    size : int
        Its size in bytes.
    metadata : dict of {str: str}
        The texts of its header.
    places : dict of {str: Place}
        The tensors.

    Raises
    ------
    FormatProblem
        If it is no such file, or not a whole one.
    """

    def __init__(self, file):
        self._file = file
        self.size = _regular_size(file)
        start = file.read(32)
        if len(start) < 8:
            raise FormatProblem(f"it has {self.size} bytes, too few for a model")
        (length,) = struct.unpack("<Q", start[:8])
        if length > self.size - 8 or start[8:9] != b"{":
            raise FormatProblem(_what_else(start))
        if length > max(MAX_HEADER, self.size // 8):
            raise FormatProblem(f"its header has {length} bytes, too many for {self.size} in all")
        file.seek(8)
        header = parse_json(file.read(length), "header")
        self._data_start = 8 + length
        self.metadata = _checked_metadata(header.pop(METADATA, {}))
        self.places = {name: _place(name, entry) for name, entry in header.items()}
        _check_covers(self.places, self.size - self._data_start)

    def read(self, name):
        """Read a tensor.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        array : ndarray
            A new array.
        """
        place = self.places[name]
        try:
            array = np.empty(place.shape, place.dtype)
        except ValueError as error:  # an axis of 0, and another one beyond all numbers
            raise FormatProblem(f"its tensor {name!r:.80} has the shape {place.shape}") from error
        self._file.seek(self._data_start + place.start)
        if self._file.readinto(array.reshape(-1).view(np.uint8)) < array.nbytes:
            raise FormatProblem("it became shorter while it was read")
        return array if np.little_endian else array.byteswap()


def write_tensors(file, tensors, metadata):
    """Write a safetensors file.

    Parameters
    ----------
    file : binary file
        Where to write.
    tensors : dict of {str: ndarray}
        The tensors.
    metadata : dict of {str: str}
        The texts of the header.
    """
    header, end = {METADATA: metadata}, 0
    # The widest numbers first: so each tensor begins at a multiple of the width of its numbers.
    names = sorted(tensors, key=lambda name: (-tensors[name].itemsize, name))
    for name in names:
        array, start = tensors[name], end
        end += array.nbytes
        header[name] = {
            "dtype": CODES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    if len(text) > max(MAX_HEADER, end // 8):
        raise ValueError(
            f"The description of the model has {len(text)} bytes, more than a file may have that "
            f"holds {end} bytes of weights. Are there arrays of text or long lists in it?"
        )
    file.write(struct.pack("<Q", len(text)))
    file.write(text)
    for name in names:
        file.write(little_endian(tensors[name]).data)


def little_endian(array):
    """Return an array as its bytes are in the file.

    Parameters
    ----------
    array : ndarray
        The array.

    Returns
    -------
    array : ndarray
        The array itself, where it is contiguous and the processor has this order.
    """
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def _regular_size(file):
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise FormatProblem("it is no regular file")
    return status.st_size


def _what_else(start):
    for magic, name in OTHER_FILES.items():
        if start.startswith(magic):
            return f"it is {name}. Models of this package are written by save_model"
    return "it is no safetensors file, or not all of one. Is the copy complete?"


def _checked_metadata(metadata):
    if type(metadata) is not dict or not all(type(value) is str for value in metadata.values()):
        raise FormatProblem(f"the {METADATA!r} of its header must be texts")
    return metadata


def _place(name, entry):
    """Return where a tensor is, as the header has it."""
    if type(entry) is not dict or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise FormatProblem(f"the header does not tell where its tensor {name!r:.80} is")
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not _is_sizes(shape) or not _is_sizes(offsets) or len(offsets) != 2 or len(shape) > 32:
        raise FormatProblem(f"the header gives its tensor {name!r:.80} no shape or no place")
    if type(entry["dtype"]) is not str or entry["dtype"] not in DTYPES:
        raise FormatProblem(
            f"its tensor {name!r:.80} is of the unknown type {entry['dtype']!r:.40}"
        )
    place = Place(DTYPES[entry["dtype"]], tuple(shape), *offsets)
    if math.prod(shape) * np.dtype(place.dtype).itemsize != place.end - place.start:
        raise FormatProblem(
            f"its tensor {name!r:.80} of {place.dtype} with the shape {shape} has "
            f"{place.end - place.start} bytes"
        )
    return place


def _is_sizes(items):
    return type(items) is list and all(type(item) is int and item >= 0 for item in items)


def _check_covers(places, n_bytes):
    """Raise unless the tensors follow each other without gap or overlap, to the end of the file."""
    end = 0
    for name, place in sorted(places.items(), key=lambda item: item[1][2:]):
        if place.start != end:
            raise FormatProblem(f"its tensor {name!r:.80} overlaps another one, or follows a gap")
        end = place.end
    if end != n_bytes:
        raise FormatProblem(
            f"its header promises {end} bytes of tensors, and it holds {n_bytes}. "
            "Is the copy complete?"
        )
