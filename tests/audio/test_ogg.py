"""Whether the walk over Ogg pages finds each kind of damage, and none where there is none."""

import struct

import numpy as np
import pytest
import soundfile

from sk_audioevents.audio._ogg import _checksum, find_damage, last_page_start

SAMPLE_RATE = 48000


def write_noise(path, subtype="VORBIS", seconds=3):
    noise = 0.1 * np.random.default_rng(0).standard_normal(seconds * SAMPLE_RATE)
    soundfile.write(path, noise, SAMPLE_RATE, format="OGG", subtype=subtype)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return the pages of a Vorbis file, each as bytes."""
    path = tmp_path_factory.mktemp("ogg") / "noise.ogg"
    write_noise(path)
    data = path.read_bytes()
    starts = [i for i in range(len(data)) if data.startswith(b"OggS\0", i)]
    assert len(starts) >= 6
    return [data[a:b] for a, b in zip(starts, starts[1:] + [len(data)], strict=True)]


def slow_checksum(data):
    """Return the checksum bit by bit, as RFC 3533 states it: polynomial 0x04C11DB7, from zero."""
    register = 0
    for byte in data:
        register ^= byte << 24
        for _ in range(8):
            carry = register & 0x80000000
            register = register << 1 & 0xFFFFFFFF
            if carry:
                register ^= 0x04C11DB7
    return register


def changed(page, *, flags=None, serial=None, sequence=None):
    """Return a page with other header fields and the checksum that belongs to them."""
    page = bytearray(page)
    if flags is not None:
        page[5] = flags
    if serial is not None:
        page[14:18] = struct.pack("<I", serial)
    if sequence is not None:
        page[18:22] = struct.pack("<I", sequence)
    page[22:26] = bytes(4)
    page[22:26] = struct.pack("<I", slow_checksum(page))
    return bytes(page)


@pytest.fixture
def damage(tmp_path):
    def find(pages):
        path = tmp_path / "a.ogg"
        path.write_bytes(b"".join(pages))
        return find_damage(path)

    return find


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_sound_file_has_no_damage(subtype, tmp_path):
    write_noise(tmp_path / "a.ogg", subtype)
    assert find_damage(tmp_path / "a.ogg") is None


def test_checksum_is_that_of_the_rfc():
    data = np.random.default_rng(1).bytes(1000)
    assert [_checksum(data[:n]) for n in (0, 1, 27, 1000)] == [
        slow_checksum(data[:n]) for n in (0, 1, 27, 1000)
    ]


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_every_truncation_is_found(subtype, tmp_path):
    write_noise(tmp_path / "whole.ogg", subtype)
    data = (tmp_path / "whole.ogg").read_bytes()
    for size in np.linspace(1, len(data) - 1, 60).astype(int):
        cut = tmp_path / f"{size}.ogg"
        cut.write_bytes(data[:size])
        assert "Is the copy complete?" in find_damage(cut), size


def test_truncation_between_two_pages_is_found(damage, pages):
    assert "no Ogg page is marked as the end" in damage(pages[:-1])


def test_every_flipped_bit_is_found(tmp_path, pages):
    data = b"".join(pages)
    rng = np.random.default_rng(2)
    for position in rng.integers(0, len(data), 60):
        flipped = bytearray(data)
        flipped[position] ^= 1 << int(rng.integers(8))
        path = tmp_path / f"{position}.ogg"
        path.write_bytes(flipped)
        assert find_damage(path) is not None, position


def test_wrong_checksum_is_named_with_its_page(damage, pages):
    broken = pages[3][:-1] + bytes([pages[3][-1] ^ 1])
    offset = sum(map(len, pages[:3]))
    assert damage([*pages[:3], broken, *pages[4:]]) == (
        f"the Ogg page at byte {offset} does not match its checksum"
    )


def test_missing_page_is_found(damage, pages):
    assert "missing or out of order" in damage([*pages[:3], *pages[4:]])


def test_swapped_pages_are_found(damage, pages):
    assert "missing or out of order" in damage([*pages[:3], pages[4], pages[3], *pages[5:]])


def test_bytes_between_pages_are_found(damage, pages):
    assert "should begin an Ogg page" in damage([*pages[:3], b"junk", *pages[3:]])


def test_bytes_after_the_last_page_are_found(damage, pages):
    assert "should begin an Ogg page" in damage([*pages, b"junk"])


def test_missing_beginning_is_found(damage, pages):
    assert "not the beginning" in damage(pages[1:])


def test_chained_recordings_are_found(damage, pages):
    assert "several Ogg streams" in damage([*pages, *pages])


def test_page_of_another_stream_is_found(damage, pages):
    other = changed(pages[3], serial=12345)
    assert "several Ogg streams" in damage([*pages[:3], other, *pages[4:]])


def test_page_after_the_end_is_found(damage, pages):
    early_end = changed(pages[-2], flags=pages[-2][5] | 4)
    assert "follow the one marked as the end" in damage([*pages[:-2], early_end, pages[-1]])


def test_end_that_is_not_marked_is_found(damage, pages):
    unmarked = changed(pages[-1], flags=pages[-1][5] & ~4)
    assert "no Ogg page is marked as the end" in damage([*pages[:-1], unmarked])


def test_header_fields_may_change_where_the_rules_are_kept(damage, pages):
    renumbered = [changed(page, serial=7) for page in pages]
    assert damage(renumbered) is None


def test_last_page_starts_where_the_page_before_it_ends(tmp_path, pages):
    (tmp_path / "a.ogg").write_bytes(b"".join(pages))
    assert last_page_start(tmp_path / "a.ogg") == struct.unpack_from("<q", pages[-2], 6)[0]


def test_a_change_of_the_file_is_noticed(tmp_path, pages):
    path = tmp_path / "a.ogg"
    path.write_bytes(b"".join(pages))
    assert find_damage(path) is None
    path.write_bytes(b"".join(pages[:-1]))
    assert find_damage(path) is not None


def test_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        find_damage(tmp_path / "gone.ogg")
