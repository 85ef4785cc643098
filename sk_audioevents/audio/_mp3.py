"""How many samples the frames of an MP3 file hold.

Most MP3 files begin with a Xing, Info or VBRI frame that counts the others. libsndfile reads no
further than this count, or without one than its own guess from the size of the file. Here the
frames are counted, after ISO/IEC 11172-3 and 13818-3, section 2.4.2.3 (headers of layer III).
"""

import os
from functools import lru_cache
from typing import NamedTuple

# Rows by the version bits of the header: 3 is MPEG-1, 2 is MPEG-2, 0 is MPEG-2.5.
_SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_MPEG1_KBITS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG2_KBITS = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_LAYER_3 = 1
_TAG_END = 46  # bytes: header 4, checksum 2, side information at most 32, tag name 4, flags 4
_END_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN")


class FrameCount(NamedTuple):
    """What the frames of an MP3 file amount to.

    Attributes
    ----------
    n_samples : int
        The samples of each channel up to the problem, without a first frame that holds none.
    has_length : bool
        Whether the first frame tells the length.
    problem : str or None
        What is wrong with the frames, in one sentence without a full stop.
    """

    n_samples: int
    has_length: bool
    problem: str | None


def count_frames(path):
    """Count the samples of an MP3 file by its frames.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        An MP3 file of layer III.

    Returns
    -------
    count : FrameCount
        The samples, whether the file tells how many they are, and what is wrong with the frames.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    status = os.stat(path)
    return _count(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _count(path, mtime_ns, size):  # noqa: ARG001 mtime_ns is part of the cache's key
    n_samples = 0
    with open(path, "rb") as file:
        offset = _skip_id3(file)
        file.seek(offset)
        beginning = file.read(_TAG_END)
        has_length = _tells_length(beginning)
        if has_length is not None:
            offset += _parse_header(beginning)[0] or 0
        while offset < size:
            file.seek(offset)
            header = file.read(11)
            n_bytes, n_in_frame = _parse_header(header)
            if n_bytes is None:
                if _ends_here(file, offset):
                    break
                problem = f"byte {offset} should begin an MP3 frame and does not"
                return FrameCount(n_samples, bool(has_length), problem)
            if offset + n_bytes > size:
                problem = "the last MP3 frame breaks off. Is the copy complete?"
                return FrameCount(n_samples, bool(has_length), problem)
            offset += n_bytes
            n_samples += n_in_frame
    return FrameCount(n_samples, bool(has_length), None)


def _ends_here(file, offset):
    """Tell whether nothing follows but zeros and tags that stand at the end of a file."""
    file.seek(offset)
    rest = b""
    while not rest and (block := file.read(2**16)):
        rest = block.lstrip(b"\0")
    return not rest or (rest + file.read(16)).startswith(_END_TAGS)


def _tells_length(beginning):
    """Tell whether the first frame counts the others, or return None if it is one of them."""
    for tag in (b"Xing", b"Info"):
        position = beginning.find(tag)
        if position >= 0:
            # Bit 0 of the flags says whether there is a count.
            return bool(int.from_bytes(beginning[position + 4 : position + 8], "big") & 1)
    return True if b"VBRI" in beginning else None


def _skip_id3(file):
    """Return where the first frame begins: after any ID3v2 tags, whose sizes have 7-bit bytes."""
    offset = 0
    while (tag := file.read(10))[:3] == b"ID3" and len(tag) == 10:
        size = 0
        for byte in tag[6:]:
            size = size << 7 | byte & 0x7F
        offset += 10 + size
        file.seek(offset)
    return offset


def _parse_header(header):
    """Return the bytes and the samples of a frame, or (None, None) if no frame begins here."""
    bits = int.from_bytes(header[:4], "big")
    version, layer, bit_rate, rate = bits >> 19 & 3, bits >> 17 & 3, bits >> 12 & 15, bits >> 10 & 3
    no_frame = bits >> 21 != 0x7FF or layer != _LAYER_3 or version == 1
    if no_frame or bit_rate in (0, 15) or rate == 3:
        return None, None
    kbits = (_MPEG1_KBITS if version == 3 else _MPEG2_KBITS)[bit_rate - 1]
    n_samples = 1152 if version == 3 else 576
    padding = bits >> 9 & 1
    return n_samples // 8 * 1000 * kbits // _SAMPLE_RATES[version][rate] + padding, n_samples
