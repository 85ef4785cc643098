"""Longer or shorter at the same pitch: a phase vocoder with locked phases.

J. Laroche and M. Dolson, "Improved phase vocoder time-scale modification of audio", IEEE
Transactions on Speech and Audio Processing 7(3), 1999.
"""

import numpy as np
import scipy.fft
import scipy.signal
from numpy.lib.stride_tricks import sliding_window_view

WINDOW_DURATION = 0.046  # seconds, rounded to a power of two samples: 2048 at 44.1 kHz
OVERLAP = 4  # windows over each sample


def stretch(waveform, rate, sample_rate):
    """Play a waveform faster or slower at the same pitch.

    Parameters
    ----------
    waveform : float32 ndarray of shape (n_samples,)
        The samples, at least one.
    rate : float
        2 takes half the time.
    sample_rate : int
        Samples per second; decides on the length of the windows.

    Returns
    -------
    waveform : float32 ndarray of shape (round(n_samples / rate),)
        The stretched waveform.
    """
    n_fft = max(16, 2 ** round(np.log2(WINDOW_DURATION * sample_rate)))
    hop_length = n_fft // OVERLAP
    window = scipy.signal.get_window("hann", n_fft).astype(np.float32)
    n_samples = round(len(waveform) / rate)
    n_steps = 1 + -(-n_samples // hop_length)
    position = np.arange(n_steps) * rate  # of each synthesis frame, in analysis frames
    spectrum = _analyse(waveform, window, hop_length, n_frames=int(position[-1]) + 2)
    return _synthesise(_resample_frames(spectrum, position), window, hop_length)[:n_samples]


def _analyse(waveform, window, hop_length, n_frames):
    """Return the spectra of n_frames windows, the first centred on the first sample."""
    n_fft = len(window)
    n_needed = (n_frames - 1) * hop_length + n_fft
    before = n_fft // 2
    after = max(0, n_needed - before - len(waveform))
    padded = np.pad(waveform, (before, after))[:n_needed]
    frames = sliding_window_view(padded, n_fft)[::hop_length]
    return scipy.fft.rfft(frames * window, axis=1)


def _resample_frames(spectrum, position):
    """Return spectra at positions between frames: magnitudes interpolated, phases continued."""
    before = position.astype(int)
    weight = (position - before).astype(np.float32)[:, None]
    magnitude = np.abs(spectrum)
    phase = _continue_phases(spectrum, magnitude, before)
    magnitude = (1 - weight) * magnitude[before] + weight * magnitude[before + 1]
    return magnitude * np.exp(1j * phase)


def _continue_phases(spectrum, magnitude, before):
    """Return phases that go on from one synthesis frame to the next as those of the analysis do.

    Only the peaks of a spectrum are continued; the bins around a peak keep the phases that they
    have relative to it ("identity phase locking"). Bins that go their own ways, as in the plain
    phase vocoder, fall out of step with each other: noise then loses 3 to 4 dB.

    Parameters
    ----------
    spectrum, magnitude : ndarray of shape (n_frames, n_bins)
        The analysis.
    before : int ndarray of shape (n_steps,)
        The analysis frame at or before each synthesis frame.

    Returns
    -------
    phase : float32 ndarray of shape (n_steps, n_bins)
        In radians.
    """
    analysed = np.angle(spectrum)
    # Synthesis has the hop of the analysis, so a peak's phase goes on by as much as from one
    # analysed frame to the next; multiples of a full turn need not be known.
    advance = np.angle(spectrum[1:] * spectrum[:-1].conj())
    phase = np.empty((len(before), spectrum.shape[1]))  # double, as a sum over the whole clip
    phase[0] = analysed[0]
    for step in range(1, len(before)):
        frame = before[step]
        turn = phase[step - 1] + advance[before[step - 1]] - analysed[frame]
        phase[step] = analysed[frame] + turn[_nearest_peaks(magnitude[frame])]
    return np.remainder(phase, 2 * np.pi).astype(np.float32)


def _nearest_peaks(magnitude):
    """Return the peak nearest to each bin, or each bin itself where there is no peak."""
    bins = np.arange(len(magnitude))
    inner = magnitude[1:-1]
    peaks = 1 + np.flatnonzero((inner >= magnitude[:-2]) & (inner > magnitude[2:]))
    if len(peaks) == 0:
        return bins
    return peaks[np.searchsorted((peaks[1:] + peaks[:-1]) / 2, bins)]


def _synthesise(spectrum, window, hop_length):
    """Return the waveform of overlapping spectra, from the centre of the first one on."""
    frames = scipy.fft.irfft(spectrum, len(window), axis=1) * window
    samples = _overlap_add(frames, hop_length)
    weight = _overlap_add(np.broadcast_to(window**2, frames.shape), hop_length)
    start = len(window) // 2
    return samples[start:] / np.maximum(weight[start:], 1e-3)  # 0 beyond the last frames only


def _overlap_add(frames, hop_length):
    n_frames, n_fft = frames.shape
    blocks = np.zeros((n_frames + n_fft // hop_length - 1, hop_length), dtype=frames.dtype)
    for i, start in enumerate(range(0, n_fft, hop_length)):
        blocks[i : i + n_frames] += frames[:, start : start + hop_length]
    return blocks.ravel()
