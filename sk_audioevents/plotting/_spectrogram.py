"""The levels of a recording of any length, in as many columns as a picture has room for."""

import numpy as np
from scipy.fft import rfft
from scipy.signal.windows import hann

WINDOW = 0.025  # seconds, about; the power of two samples that is nearest on a scale of ratios
MAX_COLUMNS = 1500
FRAMES_PER_BLOCK = 2048  # frames that are in memory at once
DYNAMIC_RANGE = 80.0  # decibels below the loudest that are told apart
TINY = 1e-30  # power that silence is taken to have


def spectrogram(read, n_samples, sample_rate):
    """Compute the levels of a recording over time and frequency.

    A column of a long recording is the loudest of its frames in each frequency bin, so that short
    sounds stay visible.

    Parameters
    ----------
    read : callable
        ``read(first, n)`` returns n samples from the given one on, or fewer at the end.
    n_samples : int
        Number of samples of the recording, at least 1.
    sample_rate : int
        Their rate, in hertz.

    Returns
    -------
    levels : float32 ndarray of shape (n_columns, n_bins)
        In decibels below the loudest, from -80 to 0. Columns divide the recording into equal
        parts; bins are centred on 0 to half the sample rate.
    """
    n_fft = 2 ** max(5, round(np.log2(WINDOW * sample_rate)))
    hop = n_fft // 2
    n_frames = 1 + n_samples // hop
    n_columns = max(1, min(MAX_COLUMNS, n_samples // hop))
    # Frame t is centred on sample t * hop; the last may lie on the end itself.
    column = np.minimum(np.arange(n_frames) * hop * n_columns // n_samples, n_columns - 1)
    power = np.zeros((n_columns, n_fft // 2 + 1), dtype=np.float32)
    for start in range(0, n_frames, FRAMES_PER_BLOCK):
        stop = min(start + FRAMES_PER_BLOCK, n_frames)
        frames = _frames(read, start * hop - hop, (stop - 1) * hop + hop, n_fft, hop)
        block = np.square(np.abs(rfft(frames * hann(n_fft, sym=False).astype(np.float32), axis=1)))
        first = np.flatnonzero(np.diff(column[start:stop], prepend=-1))
        places = column[start:stop][first]
        power[places] = np.maximum(power[places], np.maximum.reduceat(block, first, axis=0))
    loudest = max(float(power.max()), TINY)
    return np.maximum(10 * np.log10(np.maximum(power, TINY) / loudest), -DYNAMIC_RANGE)


def _frames(read, first, stop, n_fft, hop):
    """Return overlapping frames of the samples from first to stop, with zeros beyond the ends."""
    samples = np.zeros(stop - first, dtype=np.float32)
    found = read(max(first, 0), stop - max(first, 0))
    samples[max(-first, 0) : max(-first, 0) + len(found)] = found
    return np.lib.stride_tricks.sliding_window_view(samples, n_fft)[::hop]
