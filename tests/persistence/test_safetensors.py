"""Our safetensors files against the library of that name, both ways."""

import io
import struct

import numpy as np
import pytest
from safetensors.numpy import load, save

from sk_audioevents.persistence._problems import FormatProblem
from sk_audioevents.persistence._safetensors import DTYPES, TensorFile, write_tensors


@pytest.fixture
def tensors():
    """Return a tensor of each type, of unequal axes, some of them unusual."""
    rng = np.random.default_rng(0)
    made = {name: rng.integers(0, 2, (2, 3)).astype(name) for name in DTYPES.values()}
    made["float32"] = rng.normal(size=(7, 8, 9)).astype(np.float32)
    made["transposed"] = rng.normal(size=(4, 5)).T
    return made | {"scalar": np.array(2.5), "none": np.zeros((0, 4)), "ünïcode \\": np.ones(1)}


def test_the_library_reads_what_we_write(tensors):
    file = io.BytesIO()
    write_tensors(file, tensors, {"key": 'a "text" with ünïcode'})
    found = load(file.getvalue())
    assert found.keys() == tensors.keys()
    for name, array in tensors.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


def test_we_read_what_the_library_writes(tensors, tmp_path):
    tensors["transposed"] = np.ascontiguousarray(tensors["transposed"])
    (tmp_path / "file").write_bytes(save(tensors, {"key": "ünïcode"}))
    with open(tmp_path / "file", "rb") as opened:
        file = TensorFile(opened)
        assert file.metadata == {"key": "ünïcode"}
        assert file.places.keys() == tensors.keys()
        for name, array in tensors.items():
            np.testing.assert_array_equal(file.read(name), array, strict=True)


def test_tensors_begin_where_processors_like_them(tensors, tmp_path):
    with open(tmp_path / "file", "w+b") as opened:
        write_tensors(opened, tensors, {})
        opened.seek(0)
        assert struct.unpack("<Q", opened.read(8))[0] % 8 == 0
        opened.seek(0)
        places = TensorFile(opened).places.values()
    assert all(place.start % np.dtype(place.dtype).itemsize == 0 for place in places)


def test_a_description_too_long_for_its_weights_is_refused():
    with pytest.raises(ValueError, match="more than a file may have that holds 8 bytes of weights"):
        write_tensors(io.BytesIO(), {"a": np.ones(1)}, {"key": "x" * 2**20})


def test_a_file_that_becomes_shorter_is_noticed(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(save({"a": np.ones(10**6)}))
    with open(path, "rb") as opened:
        file = TensorFile(opened)
        with open(path, "r+b") as other:
            other.truncate(path.stat().st_size // 2)
        with pytest.raises(FormatProblem, match="became shorter while it was read"):
            file.read("a")
