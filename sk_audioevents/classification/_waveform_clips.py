"""Waveforms as clips of a network: frames of one band, (n_samples, 1), read when they are used."""

import numpy as np

from sk_audioevents._lazy import LazyArray
from sk_audioevents.audio._decode import count_samples, decode
from sk_audioevents.exceptions import AudioDecodeError

MARGIN = 1  # seconds on each side of a part, which only resampling looks at


class RecordedWaveform(LazyArray):
    """A window of a file, decoded each time it is used.

    Parameters
    ----------
    clip : ClipFile
        The window.
    sample_rate : int
        The rate to resample to, in hertz.

    Raises
    ------
    AudioDecodeError
        If the header of the file is wrong or the recording ends before the window does.
    """

    __slots__ = ("clip", "sample_rate", "shape")
    dtype = np.dtype(np.float32)
    is_finite = True  # or it cannot be decoded

    def __init__(self, clip, sample_rate):
        self.clip = clip
        self.sample_rate = sample_rate
        n_samples = count_samples(clip.path, sample_rate, clip.start_time, clip.end_time)
        self.shape = (n_samples, 1)

    def read(self, start=0, stop=None):
        """Decode the samples from start to stop.

        Parameters
        ----------
        start : int, default=0
            The first sample.
        stop : int, default=None
            The one after the last sample. None is the end of the window.

        Returns
        -------
        waveform : float32 ndarray of shape (stop - start, 1)
            The samples, those of the whole window resampled to within rounding.

        Raises
        ------
        AudioDecodeError
            If the file cannot be read, or is not as long any more as it was.
        """
        stop = len(self) if stop is None else stop
        if stop <= start:
            return np.empty((0, 1), dtype=self.dtype)
        # Whole seconds are whole samples at any rate, so that all parts are resampled alike.
        first = max(0, start // self.sample_rate - MARGIN)
        last = -(-stop // self.sample_rate) + MARGIN
        at_end = last * self.sample_rate >= len(self)
        waveform, _ = decode(
            self.clip.path,
            self.sample_rate,
            self.clip.start_time + first,
            self.clip.end_time if at_end else self.clip.start_time + last,
        )
        if at_end:
            waveform = self._fit(waveform, len(self) - first * self.sample_rate)
        offset = first * self.sample_rate
        return waveform[start - offset : stop - offset, None]

    def _fit(self, waveform, n_samples):
        """Return n_samples; the header of some files is one sample of the file's own rate off."""
        n_missing = n_samples - len(waveform)
        if abs(n_missing) > self.sample_rate // 1000 + 1:  # no file has less than 1,000 hertz
            raise AudioDecodeError(
                self.clip.path,
                f"it has {len(waveform)} samples at {self.sample_rate} Hz where it had {n_samples} "
                "before. Was it changed?",
            )
        return np.pad(waveform[:n_samples], (0, max(0, n_missing)))


def waveform_frames(kind, clips, sample_rate):
    """Return clips as `check_clips` tells them apart, each as frames of one band.

    Parameters
    ----------
    kind : {"files", "waveforms", "array"}
        What they are.
    clips : list of ClipFile, list of 1-D arrays, or 2-D array
        The clips.
    sample_rate : int
        The rate that files are resampled to, in hertz.

    Returns
    -------
    clips : ndarray of shape (n_clips, n_samples, 1), or list of (n_samples, 1)
        An array for an array. Files are not decoded here, and a waveform of no samples is one of
        silence.
    """
    if kind == "files":
        return [RecordedWaveform(clip, sample_rate) for clip in clips]
    if kind == "waveforms":
        silence = np.zeros((1, 1), dtype=np.float32)
        return [clip[:, None] if len(clip) else silence for clip in clips]
    return clips[:, :, None]
