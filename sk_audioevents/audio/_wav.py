"""WAV files of 16-bit samples, read without a decoder: the samples lie in the file as they are.

Only files whose header leaves no doubt are read here, and that is most: of one format chunk, with
sizes that are those of the file. libsndfile reads all others, and says what is wrong with them. The
samples are the same, and a clip of five seconds arrives in 0.4 of the time. After the RIFF
specification (IBM and Microsoft, 1991), chapters 2 and 3.
"""

import struct
from dataclasses import dataclass

import numpy as np

from sk_audioevents._memory import ThreadRoom
from sk_audioevents.audio._header import find_limit_problem
from sk_audioevents.audio._recording import (
    BLOCK_SAMPLES,
    INT_16,
    STEP_16,
    Recording,
    block_of_integers,
    unreadable,
)

HEADER_BYTES = 1024  # where the samples must begin; recorders write their notes before them
_PCM = 1
_LONGEST_AT_ONCE = 2**22  # samples: 8 MiB of integers, that a thread keeps

_integer_room = ThreadRoom()


@dataclass(frozen=True, slots=True)
class WavLayout:
    """Where in a WAV file the samples lie.

    Attributes
    ----------
    sample_rate : int
        In hertz.
    n_channels : int
        Samples of all channels at one time stand side by side.
    offset : int
        The byte at which they begin; they end where the file does.
    n_samples : int
        The samples of each channel.
    """

    sample_rate: int
    n_channels: int
    offset: int
    n_samples: int


def find_layout(first_bytes, size):
    """Return where the 16-bit samples of a WAV file lie.

    Parameters
    ----------
    first_bytes : bytes
        Its first 1024 bytes.
    size : int
        How many bytes the file has.

    Returns
    -------
    layout : WavLayout or None
        None if it is no such file, or if anything in its header is out of the ordinary.
    """
    riff_size = int.from_bytes(first_bytes[4:8], "little")
    if first_bytes[:4] != b"RIFF" or first_bytes[8:12] != b"WAVE" or riff_size != size - 8:
        return None
    formats, at = [], 12
    while at + 8 <= len(first_bytes):
        name, n_bytes = struct.unpack_from("<4sI", first_bytes, at)
        at += 8
        if name == b"data":
            return _layout(formats, at, n_bytes) if at + n_bytes == size else None
        if name == b"fmt ":
            formats.append(first_bytes[at : at + n_bytes])
        at += n_bytes + n_bytes % 2
    return None


def _layout(formats, offset, n_bytes):
    if [len(content) for content in formats] != [16]:
        return None
    tag, n_channels, sample_rate, per_second, align, bits = struct.unpack("<HHIIHH", *formats)
    sound = (
        tag == _PCM
        and bits == 8 * INT_16.itemsize
        and n_channels > 0
        and align == n_channels * INT_16.itemsize
        and per_second == sample_rate * align
        and n_bytes > 0
        and n_bytes % align == 0
        and find_limit_problem(sample_rate, n_channels) is None
    )
    return WavLayout(sample_rate, n_channels, offset, n_bytes // align) if sound else None


class WavRecording(Recording):
    """A WAV file of 16-bit samples whose layout is known.

    Parameters
    ----------
    path, size, first_bytes
        As of `Recording`.
    file : io.FileIO
        The open file, which the recording closes.
    layout : WavLayout
        Where its samples lie.
    """

    format = "WAV"
    subtype = "PCM_16"

    def __init__(self, path, size, first_bytes, file, layout):
        self._file = file
        self.sample_rate = layout.sample_rate
        self.n_channels = layout.n_channels
        self.n_samples = layout.n_samples
        self._offset = layout.offset
        super().__init__(path, size, first_bytes)

    def _open(self):
        """Do nothing: the file was opened to find the layout."""

    def close(self):
        """Close the file."""
        self._file.close()

    def blocks(self, first, n_samples, dtype=np.float32):
        at, stop = first, min(first + n_samples, self.n_samples)
        longest = max(1, BLOCK_SAMPLES // self.n_channels)
        while at < stop:
            integers = self._integers(at, min(longest, stop - at), _integer_room)
            if len(integers) == 0:
                break
            at += len(integers)
            yield block_of_integers(integers, dtype)

    def _mono(self, first, n_samples, empty, dtype):
        if self.n_channels > 1 or n_samples > _LONGEST_AT_ONCE:
            return super()._mono(first, n_samples, empty, dtype)
        if dtype == INT_16:
            return self._integers(first, n_samples, empty)[:, 0]
        integers = self._integers(first, n_samples, _integer_room)[:, 0]
        waveform = empty(integers.shape, np.float32)
        np.copyto(waveform, integers)  # a product of both types at once takes longer than two steps
        return np.multiply(waveform, STEP_16, out=waveform)

    def _integers(self, first, n_samples, empty):
        """Return the samples from the first one on, of shape (n_read, n_channels), as they are."""
        room = empty((n_samples, self.n_channels), INT_16)
        missing = memoryview(room).cast("B")
        try:
            self._file.seek(self._offset + first * self.n_channels * INT_16.itemsize)
            while missing:  # more than 2 GiB do not arrive at once
                n_bytes = self._file.readinto(missing)
                if not n_bytes:  # the file was cut off since it was opened
                    break
                missing = missing[n_bytes:]
        except OSError as error:
            raise unreadable(self.path, error) from error
        n_read = (room.nbytes - len(missing)) // (self.n_channels * INT_16.itemsize)
        return room[:n_read]
