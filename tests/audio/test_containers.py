"""Whether the walks over MP4 boxes and Matroska elements find what is cut off or misplaced."""

import io
import struct

import pytest

from sk_audioevents.audio._containers import check_matroska, check_mp4


def box(name, body=b""):
    return struct.pack(">I4s", 8 + len(body), name) + body


def element(name, body=b"", size=None):
    """Return an element with a size of eight bytes; -1 leaves the size open."""
    size = len(body) if size is None else size
    size = b"\x01" + b"\xff" * 7 if size == -1 else (1 << 56 | size).to_bytes(8, "big")
    return bytes.fromhex(name) + size + body


EBML, SEGMENT, CLUSTER, INFO = "1a45dfa3", "18538067", "1f43b675", "1549a966"
SIMPLE_BLOCK, BLOCK_GROUP = "a3", "a0"
MP4 = box(b"ftyp", b"M4A ") + box(b"moov", bytes(40)) + box(b"mdat", bytes(100))
BLOCKS = element(SIMPLE_BLOCK, bytes(20)) + element(BLOCK_GROUP, bytes(30))
CLUSTERS = element(CLUSTER, BLOCKS) * 2


def mp4_problem(data):
    return check_mp4(io.BytesIO(data))[0]


def matroska_problem(data):
    return check_matroska(io.BytesIO(data))[0]


@pytest.mark.parametrize(
    "data",
    [
        MP4,
        box(b"ftyp") + box(b"mdat", bytes(9)) + box(b"moov"),
        MP4[:-108] + struct.pack(">I4sQ", 1, b"mdat", 116) + bytes(100),  # 64-bit size
        MP4[:-108] + struct.pack(">I4s", 0, b"mdat") + bytes(77),  # up to the end
    ],
)
def test_whole_mp4_has_no_damage(data):
    assert mp4_problem(data) is None


@pytest.mark.parametrize("size", range(1, len(MP4)))
def test_every_truncation_of_an_mp4_is_found(size):
    if size == len(MP4) - 108:  # between two boxes: the tables of the tracks tell, not the walk
        return
    assert "Is the copy complete?" in mp4_problem(MP4[:size])


def test_bytes_that_are_no_box_are_found():
    assert mp4_problem(MP4 + struct.pack(">I4s", 3, b"junk")) == (
        f"byte {len(MP4)} should begin an MP4 box and does not"
    )


@pytest.mark.parametrize(
    "data",
    [
        element(EBML, bytes(9)) + element(SEGMENT, element(INFO, bytes(7)) + CLUSTERS),
        element(EBML, bytes(9)) + element(SEGMENT, CLUSTERS, size=-1),
        element(EBML, bytes(9)) + element(SEGMENT, element(CLUSTER, BLOCKS, size=-1) * 2, size=-1),
    ],
)
def test_whole_matroska_has_no_damage_and_its_blocks_are_counted(data):
    assert check_matroska(io.BytesIO(data)) == (None, 4)


def test_every_truncation_of_a_matroska_file_is_found():
    data = element(EBML, bytes(9)) + element(SEGMENT, CLUSTERS)
    for size in range(19, len(data)):
        assert "Matroska" in matroska_problem(data[:size]), size


@pytest.mark.parametrize("junk", [b"\0" * 8, b"\x01\xff\xff\xff\xff\xff\xff\xff\xff"])
def test_bytes_that_are_no_element_are_found(junk):
    data = element(EBML, bytes(9)) + element(SEGMENT, CLUSTERS, size=-1)
    assert matroska_problem(data + junk) == (
        f"byte {len(data)} should begin a Matroska element and does not"
    )


def test_size_left_open_where_it_may_not_be_is_found():
    data = element(EBML, bytes(9)) + element(SEGMENT, size=-1)
    assert "should begin" in matroska_problem(data + element(INFO, bytes(9), size=-1))


def test_joined_matroska_files_are_found():
    data = element(EBML, bytes(9)) + element(SEGMENT, CLUSTERS)
    assert "several recordings" in matroska_problem(data + data)
