"""An open recording: what its header promises, and the samples that it then delivers."""

import numpy as np
import soundfile

from sk_audioevents.audio._files import check_file, system_path
from sk_audioevents.audio._header import CONVERT, find_header_problem, find_open_problem, reason
from sk_audioevents.audio._mp3 import count_frames
from sk_audioevents.audio._ogg import find_damage, last_page_start
from sk_audioevents.exceptions import AudioDecodeError

BLOCK_LENGTH = 2**16  # samples
_UNKNOWN_LENGTH = 2**62  # libsndfile gives 2**63 - 1 where a FLAC header leaves the length open
_MP3_FRAME = 1152  # samples, at most
_MP3_MAX_PADDING = 8 * _MP3_FRAME  # samples: the encoder's delay and padding have 12 bits each
_MP3_PRE_ROLL = 32 * _MP3_FRAME  # samples: the bit reservoir of 511 bytes spans at most 22 frames
_MAX_VORBIS_BLOCK = 8192  # samples: Vorbis I specification, section 4.2.2
_SAMPLES_PER_BYTE = 64  # of room made at once; more is made if the file turns out to hold more


class _Stream(soundfile.SoundFile):
    """A sound file that is read without a seek between two blocks.

    soundfile seeks after each read to where it already is. In an MP3 file that drops the bits that
    a frame borrows from earlier ones, and errors of up to a fifth of full scale come in.
    """

    def seekable(self):
        return False

    def can_seek(self):
        return super().seekable()


class Recording:
    """A recording whose header has been checked.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Attributes
    ----------
    sample_rate : int
        In hertz, from 1,000 to 768,000.
    n_channels : int
        From 1 to 64.
    n_samples : int or None
        The samples of each channel, or None where the header leaves the length open.

    Raises
    ------
    AudioDecodeError
        If the file cannot be opened or its header is wrong.
    """

    def __init__(self, path):
        self.path = path
        self._size = check_file(path)
        self._encoded = system_path(path)
        self._stream = None
        try:
            self._stream = self._open()
            self.sample_rate = self._stream.samplerate
            self.n_channels = self._stream.channels
            frames = self._stream.frames
            self.n_samples = frames if frames < _UNKNOWN_LENGTH else None
            self._check_header()
        except BaseException as error:
            self.__exit__()
            if isinstance(error, OSError):  # a disk that fails, a file that vanishes
                problem = f"the file cannot be read ({error.strerror})"
                raise AudioDecodeError(path, problem) from error
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._stream is not None:
            self._stream.close()

    def read(self, first, n_samples):
        """Decode part of the recording and mix it down to mono.

        Parameters
        ----------
        first : int
            The first sample to decode, from 0.
        n_samples : int
            How many samples to decode at most.

        Returns
        -------
        waveform : ndarray of shape (n_decoded,)
            The mean over the channels, float32. Shorter than `n_samples` if the recording ends.

        Raises
        ------
        AudioDecodeError
            If the samples cannot be decoded.
        """
        n_decoded = 0
        try:
            # A header can promise more than fits into memory: room is made as samples arrive.
            waveform = np.empty(min(n_samples, _SAMPLES_PER_BYTE * self._size), dtype=np.float32)
            self._go_to(first)
            while n_decoded < n_samples:
                if n_decoded == len(waveform):
                    waveform.resize(min(2 * n_decoded, n_samples), refcheck=False)
                n_new = self._read_block(waveform[n_decoded : n_decoded + BLOCK_LENGTH])
                if n_new == 0:
                    break
                n_decoded += n_new
        except MemoryError as error:
            problem = f"there is no memory for {self._seconds(n_samples)} of samples"
            raise AudioDecodeError(self.path, problem) from error
        except soundfile.LibsndfileError as error:
            raise AudioDecodeError(
                self.path,
                f"from {self._seconds(first + n_decoded)} on, the data are damaged or missing "
                f"({reason(error)}). Is the copy complete?",
            ) from error
        return waveform[:n_decoded]

    def _open(self):
        try:
            return _Stream(self._encoded)
        except (soundfile.LibsndfileError, TypeError) as error:
            # soundfile asks for the sample rate of a file called .raw with a TypeError.
            problem = find_open_problem(self._first_bytes(), error)
            raise AudioDecodeError(self.path, problem) from error

    def _first_bytes(self):
        with open(self._encoded, "rb") as file:
            return file.read(12)

    def _check_header(self):
        problem = find_header_problem(self._stream, self._first_bytes())
        problem = problem or self._container_problem()
        if problem is None and self.n_samples == 0:
            problem = "the file holds no samples"
        if problem is not None:
            raise AudioDecodeError(self.path, problem)

    def _container_problem(self):
        if self._stream.format == "OGG":
            return find_damage(self._encoded)
        if self._stream.format == "MP3":
            return self._mp3_problem()
        return None

    def _mp3_problem(self):
        count = count_frames(self._encoded)
        if count.has_length:
            return self._promise_problem(count)
        # At a constant bit rate libsndfile guesses right to within a frame, and that is padding.
        if count.problem is None and count.n_samples > self.n_samples + _MP3_FRAME:
            return f"its bit rate varies, and no MP3 frame tells its length. {CONVERT}"
        self.n_samples = min(count.n_samples, self.n_samples)
        return count.problem

    def _promise_problem(self, count):
        """Compare the length in the first MP3 frame with the frames; they hold padding besides."""
        promise = f"the header promises {self.n_samples} samples and the file holds"
        if count.n_samples < self.n_samples:
            return count.problem or f"{promise} {count.n_samples}. Is the copy complete?"
        if count.n_samples > self.n_samples + _MP3_MAX_PADDING:
            return f"{promise} {count.n_samples}. Was it joined from several? {CONVERT}"
        return None

    def _go_to(self, first):
        """Seek to a sample, and decode up to it where a seek alone would be inexact."""
        target = first
        if self._stream.format == "MP3":
            target = first - _MP3_PRE_ROLL
        elif self._stream.subtype == "VORBIS":
            # libsndfile reckons back from the end of a page, and the last page is cut short:
            # a seek into it arrives beside the mark, and does not say so.
            target = min(first, last_page_start(self._encoded) - _MAX_VORBIS_BLOCK)
        if target > 0 and self._stream.can_seek():
            n_extra = first - self._stream.seek(target)
        else:
            n_extra = first
        while n_extra > 0:
            n_new = len(self._stream.read(min(n_extra, BLOCK_LENGTH), always_2d=True))
            if n_new == 0:
                break
            n_extra -= n_new

    def _read_block(self, mono):
        """Decode into `mono` and return how many samples there were."""
        if self.n_channels == 1:
            return len(self._stream.read(out=mono))
        block = self._stream.read(len(mono), dtype="float32", always_2d=True)
        mono = mono[: len(block)]
        mono[:] = block[:, 0]
        # Channel by channel: eight times as fast as a mean over an axis of two.
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused later
            for channel in range(1, self.n_channels):
                mono += block[:, channel]
            mono /= self.n_channels
        return len(block)

    def _seconds(self, n_samples):
        return f"{n_samples / self.sample_rate:.6g} s"
