"""Levels of recordings of any length."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.signal

from sk_audioevents.plotting import _spectrogram
from sk_audioevents.plotting._spectrogram import spectrogram

RATE = 8000  # a window of 256 samples, a step of 128


def levels_of(waveform):
    return spectrogram(lambda first, n: waveform[first : first + n], len(waveform), RATE)


def slow_levels(waveform, n_columns):
    """Return the same from scipy's spectrogram, column by column."""
    transform = scipy.signal.ShortTimeFFT(
        scipy.signal.windows.hann(256, sym=False), hop=128, fs=RATE
    )
    power = np.abs(transform.stft(waveform.astype(float), p0=0, p1=1 + len(waveform) // 128)) ** 2
    bounds = np.arange(n_columns + 1) * len(waveform) / n_columns
    centres = np.arange(power.shape[1]) * 128.0
    centres[-1] = min(centres[-1], len(waveform) - 1)
    columns = [
        power[:, (centres >= start) & (centres < stop)].max(axis=1)
        for start, stop in pairwise(bounds)
    ]
    return np.maximum(10 * np.log10(np.array(columns) / np.max(columns)), -80)


@pytest.mark.parametrize(("n_samples", "n_columns"), [(8000, 62), (1280, 10), (300_000, 1500)])
def test_levels_are_those_of_scipy_and_the_loudest_frame_of_a_column_counts(n_samples, n_columns):
    waveform = np.random.default_rng(0).normal(size=n_samples).astype(np.float32)
    levels = levels_of(waveform)
    assert levels.shape == (n_columns, 129)
    expected = slow_levels(waveform, n_columns)
    np.testing.assert_allclose(10 ** (levels / 20), 10 ** (expected / 20), atol=5e-7)  # float32


def test_blocks_cannot_be_told(monkeypatch):
    waveform = np.random.default_rng(0).normal(size=10_001).astype(np.float32)
    whole = levels_of(waveform)
    monkeypatch.setattr(_spectrogram, "FRAMES_PER_BLOCK", 7)
    np.testing.assert_allclose(levels_of(waveform), whole, atol=1e-5)


def test_a_click_in_a_long_recording_is_seen():
    waveform = np.zeros(RATE * 600, dtype=np.float32)
    waveform[RATE * 300] = 1.0
    levels = levels_of(waveform)
    assert len(levels) == 1500
    assert levels[749:751].max() == 0.0
    assert levels[:749].max() == levels[752:].max() == -80.0


def test_a_tone_is_in_the_bin_of_its_frequency():
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    assert (levels_of(tone)[2:-2].argmax(axis=1) == 1000 / (RATE / 2) * 128).all()


@pytest.mark.parametrize("n_samples", [1, 100, 128, 129])
def test_short_and_silent_recordings_have_levels(n_samples):
    levels = levels_of(np.zeros(n_samples, dtype=np.float32))
    assert levels.shape == (1, 129)
    assert np.isfinite(levels).all()
