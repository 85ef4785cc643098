"""Whether an Ogg file is whole, after RFC 3533, "The Ogg Encapsulation Format".

Decoders pass over missing and damaged pages without a word, and a recording comes back short. The
pages themselves tell: they follow each other without a gap, are numbered, carry a checksum, and the
first and the last are marked (RFC 3533, section 6).
"""

import os
import struct
import zlib
from functools import lru_cache
from typing import NamedTuple

_HEADER = struct.Struct("<4sBBqIIIB")  # RFC 3533, section 6: 27 bytes, little-endian
_BEGIN_OF_STREAM = 2
_END_OF_STREAM = 4
_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class _Page(NamedTuple):
    offset: int
    flags: int
    granule: int  # samples up to the end of the page; -1 where no packet ends
    serial: int
    sequence: int
    intact: bool


class _BrokenPageError(Exception):
    """A page cannot be read; the message is the sentence for the user."""


def find_damage(path):
    """Say what is wrong with the pages of an Ogg file.

    The answer is remembered while the file's size and time of change stay the same, since windows
    of one long recording ask for it again and again.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        An Ogg file, whatever codec it holds.

    Returns
    -------
    problem : str or None
        The first thing wrong, in one sentence without a full stop, or None if the file is whole.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    return _walk_unchanged(path)[0]


def last_page_start(path):
    """Return the sample at which the last page of an Ogg Vorbis file begins.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        An Ogg file without damage.

    Returns
    -------
    start : int
        The number of samples before the last page, 0 if there is no other page with samples.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    return _walk_unchanged(path)[1]


def _walk_unchanged(path):
    status = os.stat(path)
    return _walk(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _walk(path, mtime_ns, size):  # noqa: ARG001 the last two are part of the cache's key
    granules = [0]
    previous = None
    try:
        with open(path, "rb") as file:
            for page in _read_pages(file):
                problem = _page_problem(page, previous)
                if problem is not None:
                    return problem, 0
                if page.granule >= 0:
                    granules = [*granules[-1:], page.granule]
                previous = page
    except _BrokenPageError as error:
        return str(error), 0
    if previous is None or not previous.flags & _END_OF_STREAM:
        return "no Ogg page is marked as the end of the recording. Is the copy complete?", 0
    return None, granules[0]


def _read_pages(file):
    """Yield the pages; a page has at most 65,307 bytes, so no size in the file can ask for more."""
    offset = 0
    while header := file.read(_HEADER.size):
        if not b"OggS".startswith(header[:4]):
            raise _BrokenPageError(f"byte {offset} should begin an Ogg page and does not")
        if len(header) < _HEADER.size:
            raise _BrokenPageError("the last Ogg page breaks off. Is the copy complete?")
        _, _, flags, granule, serial, sequence, checksum, n_segments = _HEADER.unpack(header)
        segments = file.read(n_segments)
        body = file.read(sum(segments))
        if len(segments) < n_segments or len(body) < sum(segments):
            raise _BrokenPageError("the last Ogg page breaks off. Is the copy complete?")
        # The checksum is taken with its own four bytes set to zero.
        intact = _checksum(header[:22] + bytes(4) + header[26:] + segments + body) == checksum
        yield _Page(offset, flags, granule, serial, sequence, intact)
        offset += len(header) + len(segments) + len(body)


def _page_problem(page, previous):
    if not page.intact:
        return f"the Ogg page at byte {page.offset} does not match its checksum"
    begins = bool(page.flags & _BEGIN_OF_STREAM)
    if previous is None:
        return None if begins else "the first Ogg page is not the beginning of a recording"
    if begins or page.serial != previous.serial:
        return "it holds several Ogg streams, of which only the first would be read. Split it"
    if previous.flags & _END_OF_STREAM:
        return f"at byte {page.offset}, Ogg pages follow the one marked as the end"
    if page.sequence != previous.sequence + 1:
        return f"Ogg pages are missing or out of order at byte {page.offset}"
    return None


def _checksum(data):
    """Return the CRC-32 of RFC 3533, section 6, field 7.

    It has zlib's polynomial, but takes the bits of each byte in the other direction, starts from
    zero and ends without inversion. So zlib computes it, a hundred times as fast as a Python loop.
    """
    reflected = ~zlib.crc32(data.translate(_REVERSED_BITS), 0xFFFFFFFF) & 0xFFFFFFFF
    return int.from_bytes(reflected.to_bytes(4, "little").translate(_REVERSED_BITS), "big")
