"""Recordings that libsndfile decodes: WAV, FLAC, OGG, MP3, AIFF, AU and their kin."""

import numpy as np
import soundfile

from sk_audioevents._memory import ThreadRoom
from sk_audioevents.audio._flac import first_frame_rate
from sk_audioevents.audio._header import CONVERT, find_header_problem, find_open_problem, reason
from sk_audioevents.audio._mp3 import count_frames
from sk_audioevents.audio._ogg import find_damage, last_page_start
from sk_audioevents.audio._recording import (
    BLOCK_SAMPLES,
    Recording,
    block_of_integers,
    block_room,
    unreadable,
)
from sk_audioevents.exceptions import AudioDecodeError

_UNKNOWN_LENGTH = 2**62  # libsndfile gives 2**63 - 1 where a FLAC header leaves the length open
_MP3_FRAME = 1152  # samples, at most
_MP3_MAX_PADDING = 8 * _MP3_FRAME  # samples: the encoder's delay and padding have 12 bits each
_MP3_PRE_ROLL = 32 * _MP3_FRAME  # samples: the bit reservoir of 511 bytes spans at most 22 frames
_MAX_VORBIS_BLOCK = 8192  # samples: Vorbis I specification, section 4.2.2

_integer_room = ThreadRoom()


class _Stream(soundfile.SoundFile):
    """A sound file that is read without a seek between two blocks.

    soundfile seeks after each read to where it already is. In an MP3 file that drops the bits that
    a frame borrows from earlier ones, and errors of up to a fifth of full scale come in.
    """

    def seekable(self):
        return False

    def can_seek(self):
        return super().seekable()


class SoundFileRecording(Recording):
    """A recording that libsndfile decodes, with a walk over the frames or pages of MP3 and OGG."""

    _stream = None

    def close(self):
        """Close the file."""
        if self._stream is not None:
            self._stream.close()

    def blocks(self, first, n_samples, dtype=np.float32):
        at, stop = first, first + n_samples
        try:
            self._go_to(first)
            while at < stop:
                block = self._read(stop - at, dtype)
                if len(block) == 0:
                    break
                at += len(block)
                yield block
        except soundfile.LibsndfileError as error:
            raise self._damaged(at, reason(error)) from error
        except OSError as error:
            raise unreadable(self.path, error) from error

    def _open(self):
        try:
            self._stream = _Stream(self._encoded)
        except (soundfile.LibsndfileError, TypeError) as error:
            # soundfile asks for the sample rate of a file called .raw with a TypeError.
            problem = find_open_problem(self._first_bytes, error)
            raise AudioDecodeError(self.path, problem) from error
        self.sample_rate = self._stream.samplerate
        self.n_channels = self._stream.channels
        self.format = self._stream.format
        self.subtype = self._stream.subtype
        frames = self._stream.frames
        self.n_samples = frames if frames < _UNKNOWN_LENGTH else None
        self._check_header()

    def _check_header(self):
        problem = find_header_problem(self._stream, self._first_bytes)
        problem = problem or self._container_problem()
        if problem is not None:
            raise AudioDecodeError(self.path, problem)
        if self.n_samples == 0:
            self.check_end(0)

    def _container_problem(self):
        if self.format == "OGG":
            return find_damage(self._encoded)
        if self.format == "MP3":
            return self._mp3_problem()
        if self.format == "FLAC":
            return self._flac_problem()
        return None

    def _flac_problem(self):
        rate = first_frame_rate(self._encoded)
        if rate not in (None, self.sample_rate):
            return (
                f"the header gives a sample rate of {self.sample_rate} Hz, and the first frame one "
                f"of {rate} Hz"
            )
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
        if self.format == "MP3":
            target = first - _MP3_PRE_ROLL
        elif self.subtype == "VORBIS":
            # libsndfile reckons back from the end of a page, and the last page is cut short:
            # a seek into it arrives beside the mark, and does not say so.
            target = min(first, last_page_start(self._encoded) - _MAX_VORBIS_BLOCK)
        at = self._stream.seek(target) if target > 0 and self._stream.can_seek() else 0
        while at < first:
            n_passed = len(self._read(first - at))
            if n_passed == 0:
                break
            at += n_passed
        self._check_begin(first, at)

    def _read(self, n_samples, dtype=np.float32):
        """Decode the next samples of a block."""
        shape = (min(n_samples, max(1, BLOCK_SAMPLES // self.n_channels)), self.n_channels)
        if self.subtype != "PCM_16":
            return self._stream.read(out=block_room(shape, np.float32))
        # The same numbers as libsndfile's own float32, in a third of the time.
        integers = self._stream.read(out=_integer_room(shape, np.int16))
        return block_of_integers(integers, dtype)
