"""An open recording: what its header promises, and the samples that it then delivers."""

import numpy as np

from sk_audioevents._memory import ThreadRoom
from sk_audioevents._time import samples_to_seconds
from sk_audioevents.audio._files import system_path
from sk_audioevents.exceptions import AudioDecodeError

BLOCK_SAMPLES = 2**16  # of all channels together: 256 KiB of float32
STEP_16, STEP_32 = np.float32(2**-15), np.float32(2**-31)  # full scale of integers is 1
INT_16 = np.dtype("<i2")  # as files hold them; numpy.int16 on all but a few old machines
SAMPLES_PER_BYTE = 64  # of room made at once; more is made if the file turns out to hold more

block_room = ThreadRoom()  # where each thread's next block of float32 lies


class Recording:
    """Base of the recordings that the decoders open; the header has been checked.

    A decoder implements ``_open``, which sets the attributes below, ``blocks`` and ``close``.

    Parameters
    ----------
    path : str or os.PathLike
        The file, after `file_size`.
    size : int
        Its size in bytes.
    first_bytes : bytes
        Its first 12 bytes.

    Attributes
    ----------
    sample_rate : int
        In hertz, from 1,000 to 768,000.
    n_channels : int
        From 1 to 64.
    n_samples : int or None
        The samples of each channel, or None where the header leaves the length open.
    format : str
        The container, such as "WAV".
    subtype : str
        How the samples are encoded, such as "PCM_16".

    Raises
    ------
    AudioDecodeError
        If the file cannot be opened or its header is wrong.
    """

    def __init__(self, path, size, first_bytes):
        self.path = path
        self._size = size
        self._first_bytes = first_bytes
        self._encoded = system_path(path)
        try:
            self._open()
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise unreadable(path, error) from error
            raise

    @property
    def dtype(self):
        """What the waveform can be read as without any computation.

        int16 where the file holds one channel of 16-bit samples, float32 otherwise.
        """
        is_integer = self.subtype == "PCM_16" and self.n_channels == 1 and INT_16.isnative
        return INT_16 if is_integer else np.dtype(np.float32)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def blocks(self, first, n_samples, dtype=np.float32):
        """Decode part of the recording, one block after the other.

        Parameters
        ----------
        first : int
            The first sample to decode, from 0.
        n_samples : int
            How many samples to decode at most.
        dtype : dtype, default=np.float32
            What to decode to: that, or the recording's own ``dtype``.

        Yields
        ------
        block : ndarray of shape (n_in_block, n_channels)
            The next samples, until the thread's next block takes their place. The blocks end early
            if the recording does.

        Raises
        ------
        AudioDecodeError
            If the samples cannot be decoded, or end before `first`.
        """
        raise NotImplementedError

    def read(self, first, n_samples, empty=np.empty, dtype=np.float32):
        """Decode part of the recording and mix it down to mono.

        Parameters
        ----------
        first : int
            The first sample to decode, from 0.
        n_samples : int
            How many samples to decode at most.
        empty : callable, default=np.empty
            Returns memory for a shape and a dtype, that the waveform may lie in.
        dtype : dtype, default=np.float32
            What to decode to: that, or the recording's own ``dtype``.

        Returns
        -------
        waveform : ndarray of shape (n_decoded,)
            The mean over the channels. Shorter than `n_samples` if the recording ends.

        Raises
        ------
        AudioDecodeError
            If the samples cannot be decoded.
        """
        try:
            return self._mono(first, n_samples, empty, dtype)
        except MemoryError as error:
            problem = f"there is no memory for {self._seconds(n_samples)} of samples"
            raise AudioDecodeError(self.path, problem) from error

    def _mono(self, first, n_samples, empty, dtype):
        # A header can promise more than fits into memory: room is made as samples arrive.
        n_decoded, n_likely = 0, min(n_samples, SAMPLES_PER_BYTE * self._size)
        waveform = empty((n_likely,), dtype)
        for block in self.blocks(first, n_samples, dtype):
            start, n_decoded = n_decoded, n_decoded + len(block)
            if n_decoded > len(waveform):
                decoded = waveform[:start]
                n_likely = min(max(2 * len(waveform), n_decoded), n_samples)
                waveform = np.empty(n_likely, dtype)
                waveform[:start] = decoded
            waveform[start:n_decoded] = mix_down(block)
        return waveform[:n_decoded]

    def check_end(self, n_held):
        """Raise if the samples end before the header says so, or if there are none.

        Parameters
        ----------
        n_held : int
            How many samples the file turned out to hold.

        Raises
        ------
        AudioDecodeError
            If these are too few.
        """
        if self.n_samples is not None and n_held < self.n_samples:
            raise AudioDecodeError(
                self.path,
                f"the header promises {self.n_samples} samples and the file holds {n_held}. "
                "Is the copy complete?",
            )
        if n_held == 0:
            raise AudioDecodeError(self.path, "the file holds no samples")

    def check_window(self, first, stop, n_held):
        """Raise if a window reaches past the end by more than the one sample of rounding.

        Parameters
        ----------
        first, stop : int
            The first sample of the window and the one after its last.
        n_held : int
            How many samples the recording has.

        Raises
        ------
        AudioDecodeError
            If the window begins or ends beyond the recording.
        """
        if first >= n_held:
            problem = f"begins at {self._seconds(first)}"
        elif stop > n_held + 1:
            problem = f"ends at {self._seconds(stop)}"
        else:
            return
        problem = f"the window {problem} and the recording lasts {self._seconds(n_held)}"
        raise AudioDecodeError(self.path, problem)

    def _check_begin(self, first, n_held):
        """Raise if the samples came to their end before the first one that was asked for."""
        if n_held < first:
            self.check_end(n_held)
            self.check_window(first, first, n_held)

    def _damaged(self, sample, reason):
        """Return the error for samples that cannot be decoded."""
        return AudioDecodeError(
            self.path,
            f"from {self._seconds(sample)} on, the data are damaged or missing ({reason}). "
            "Is the copy complete?",
        )

    def _seconds(self, n_samples):
        return f"{samples_to_seconds(n_samples, self.sample_rate):.9g} s"


def block_of_integers(integers, dtype):
    """Return a block of integer samples as they are, or as float32 in the range from -1 to 1.

    Parameters
    ----------
    integers : int16 or int32 ndarray of shape (n_samples, n_channels)
        The samples.
    dtype : dtype
        What is wanted: that of the integers, or float32.

    Returns
    -------
    block : ndarray of shape (n_samples, n_channels)
        The samples, until the thread's next block takes their place.
    """
    if dtype == integers.dtype:
        return integers
    step = STEP_16 if integers.dtype == INT_16 else STEP_32
    return np.multiply(integers, step, out=block_room(integers.shape, np.float32))


def unreadable(path, error):
    """Return the error for a disk that fails or a file that vanishes.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    error : OSError
        What the operating system says.

    Returns
    -------
    error : AudioDecodeError
        The error that names the file.
    """
    return AudioDecodeError(path, f"the file cannot be read ({error.strerror})")


def mix_down(block):
    """Return the mean over the channels.

    Parameters
    ----------
    block : ndarray of shape (n_samples, n_channels)
        The samples, float32, or of any type if there is one channel.

    Returns
    -------
    mono : ndarray of shape (n_samples,)
        Of the same type; not finite where a sample is not, or where the sum overflows.
    """
    if block.shape[1] == 1:
        return block[:, 0]
    mono = block[:, 0].copy()
    # Channel by channel: eight times as fast as a mean over an axis of two.
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused later
        for channel in range(1, block.shape[1]):
            mono += block[:, channel]
        mono /= block.shape[1]
    return mono
