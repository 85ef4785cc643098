"""Whether an MP4 or a Matroska file is whole.

FFmpeg reads what is there of a file that breaks off, and says nothing. Both containers are made of
elements that begin with their size, so a walk over them tells whether the last one is cut off.
After ISO/IEC 14496-12, section 4.2 (MP4), and RFC 8794, sections 4 to 6, with RFC 9559 (Matroska).
"""

import struct

_CUT = "breaks off. Is the copy complete?"
_EBML = 0x1A45DFA3
_SEGMENT = 0x18538067
_PARENTS = (_SEGMENT, 0x1F43B675)  # and the clusters: what is within is looked at
_BLOCKS = (0xA0, 0xA3)  # BlockGroup and SimpleBlock


def check_mp4(file):
    """Walk over the boxes of an MP4 file.

    Parameters
    ----------
    file : file object
        The file, open for reading bytes.

    Returns
    -------
    problem : str or None
        The first thing wrong, in one sentence without a full stop, or None.
    n_packets : None
        How many packets there are is not counted.
    """
    end, offset, names = _size(file), 0, []
    while offset < end:
        file.seek(offset)
        header = file.read(16)
        if len(header) < 8:
            return f"the last MP4 box {_CUT}", None
        size, name = struct.unpack(">I4s", header[:8])
        if size == 1:  # the size has 64 bits and follows the name
            size = int.from_bytes(header[8:], "big")
        elif size == 0:  # up to the end of the file
            size = end - offset
        if size < 8:
            return f"byte {offset} should begin an MP4 box and does not", None
        if offset + size > end:
            return f"the MP4 box {name.decode('latin-1')!r} at byte {offset} {_CUT}", None
        names.append(name)
        offset += size
    if b"moov" not in names:
        return "no MP4 box describes the tracks. Is the copy complete?", None
    return None, None


def check_matroska(file):
    """Walk over the elements of a Matroska or WebM file.

    Parameters
    ----------
    file : file object
        The file, open for reading bytes.

    Returns
    -------
    problem : str or None
        The first thing wrong, in one sentence without a full stop, or None.
    n_packets : int
        At least how many packets there are, over all tracks: a block has one or more.
    """
    end, offset, n_segments, n_packets = _size(file), 0, 0, 0
    while offset < end:
        file.seek(offset)
        name, size, n_header = _read_element(file.read(12))
        if name is None or (size is None and name not in _PARENTS):
            return f"byte {offset} should begin a Matroska element and does not", 0
        if size is not None and offset + n_header + size > end:
            return f"the Matroska element at byte {offset} {_CUT}", 0
        if n_segments and name in (_EBML, _SEGMENT):
            return "it holds several recordings, of which only the first would be read", 0
        n_segments += name == _SEGMENT
        n_packets += name in _BLOCKS
        offset += n_header if name in _PARENTS else n_header + size
    if n_packets == 0:
        return "the Matroska file holds no packets. Is the copy complete?", 0
    return None, n_packets


def _size(file):
    return file.seek(0, 2)


def _read_element(header):
    """Return the name of an element, its size (None if left open) and the length of its header."""
    name, n_name = _read_number(header)
    size, n_size = _read_number(header[n_name:])
    if n_name > 4 or name is None or size is None:
        return None, None, 0
    marker = 1 << 7 * n_size  # the first bit that is set belongs to the name, not to the size
    return name, (None if size == 2 * marker - 1 else size - marker), n_name + n_size


def _read_number(data):
    """Return a number and its length in bytes, which its leading zero bits tell."""
    n_bytes = 9 - data[0].bit_length() if data else 9
    if n_bytes > 8 or len(data) < n_bytes:
        return None, 0
    return int.from_bytes(data[:n_bytes], "big"), n_bytes
