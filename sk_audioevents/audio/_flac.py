"""Which sample rate the first frame of a FLAC file has.

libsndfile believes the STREAMINFO block at the beginning, which no checksum guards, and passes over
what the frames say. After RFC 9639, sections 8.1 (metadata blocks) and 9.1 (frame headers).
"""

_RATES = (88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000)  # 1 to 11
_UNITS = {12: (1, 1000), 13: (2, 1), 14: (2, 10)}  # bytes at the header's end, and their unit in Hz


def first_frame_rate(path):
    """Return the sample rate that the first frame gives.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        A FLAC file.

    Returns
    -------
    sample_rate : int or None
        In hertz; None where the frame leaves it to STREAMINFO, or an ID3 tag precedes it all.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with open(path, "rb") as file:
        if file.read(4) != b"fLaC":
            return None
        is_last = False
        while not is_last:
            block = file.read(4)
            if len(block) < 4:
                return None
            is_last = block[0] >= 0x80
            file.seek(int.from_bytes(block[1:], "big"), 1)
        return _header_rate(file.read(16))


def _header_rate(header):
    if len(header) < 16 or header[0] != 0xFF or header[1] & 0xFE != 0xF8:
        return None
    block_size, rate = header[2] >> 4, header[2] & 15
    if 1 <= rate <= len(_RATES):
        return _RATES[rate - 1]
    if rate not in _UNITS:
        return None
    # The number of the first frame, 0, has one byte; the block size may follow it in one or two.
    n_bytes, unit = _UNITS[rate]
    start = 5 + {6: 1, 7: 2}.get(block_size, 0)
    return unit * int.from_bytes(header[start : start + n_bytes], "big")
