"""Pitch and speed, by the frequencies that come out."""

import librosa
import numpy as np
import pytest
import scipy.signal
from scipy import stats

from sk_audioevents.augmentation import PitchShift, SpeedPerturb


def tone(frequency, n_samples=22050, sample_rate=22050):
    """Return a tone of five harmonics, with its edges faded."""
    phase = 2 * np.pi * frequency * np.arange(n_samples) / sample_rate
    harmonics = sum(np.sin(k * phase) / k for k in range(1, 6))
    return (harmonics * scipy.signal.windows.tukey(n_samples, 0.1)).astype(np.float32)


def fundamental(waveform, sample_rate=22050):
    """Return the frequency of the largest peak of the spectrum, in hertz, interpolated."""
    spectrum = np.log(np.abs(np.fft.rfft(waveform * np.hanning(len(waveform)))) + 1e-12)
    k = int(spectrum.argmax())
    left, peak, right = spectrum[k - 1 : k + 2]
    return (k + 0.5 * (left - right) / (left - 2 * peak + right)) * sample_rate / len(waveform)


def shifted(waveform, semitones, sample_rate=22050):
    augmentation = PitchShift(min_semitones=semitones, max_semitones=semitones, probability=1.0)
    return augmentation(waveform, sample_rate, np.random.default_rng(0))


@pytest.mark.parametrize("semitones", [-12, -5, -0.7, 0, 0.3, 2, 7, 12])
def test_the_fundamental_moves_by_the_semitones_as_librosa_moves_it(semitones):
    waveform = tone(440.0)
    augmented = shifted(waveform, semitones)
    oracle = librosa.effects.pitch_shift(waveform, sr=22050, n_steps=semitones)
    assert len(augmented) == len(waveform)
    assert fundamental(augmented) == pytest.approx(440.0 * 2 ** (semitones / 12), rel=2e-4)
    assert fundamental(augmented) == pytest.approx(fundamental(oracle), rel=2e-4)


@pytest.mark.parametrize("semitones", [-4, -0.5, 4])
def test_a_tone_keeps_its_level(semitones):
    waveform = tone(440.0)
    change_db = 10 * np.log10(np.mean(shifted(waveform, semitones) ** 2) / np.mean(waveform**2))
    assert abs(change_db) < 0.2


@pytest.mark.parametrize("semitones", [-4, 4])
def test_the_clip_ends_where_it_ended(semitones):
    """No silence at the end, where a frame too few would leave some."""
    noise = np.random.default_rng(0).normal(size=22050).astype(np.float32)
    augmented = shifted(noise, semitones)
    assert np.mean(augmented[-200:] ** 2) > 0.3


@pytest.mark.parametrize("semitones", [-4, 4])
def test_events_stay_in_their_places(semitones):
    for start in (2000, 15000):
        waveform = np.zeros(22050, np.float32)
        waveform[start : start + 3000] = tone(500.0, 3000)
        power = shifted(waveform, semitones).astype(float) ** 2
        middle = np.average(np.arange(22050), weights=power)
        assert middle == pytest.approx(start + 1500, abs=0.01 * 22050)


def test_shifts_are_uniform_within_their_bounds():
    rng = np.random.default_rng(0)
    drawn = [PitchShift(min_semitones=-1, max_semitones=3)._draw(rng) for _ in range(2000)]
    semitones = [draw["semitones"] for draw in drawn]
    assert stats.kstest(semitones, "uniform", (-1, 4)).pvalue > 0.01


@pytest.mark.parametrize("rate", [0.9, 1.0, 1.1, 1.2345])
def test_speed_changes_the_length_and_the_frequency(rate):
    fixed = SpeedPerturb(min_rate=rate, max_rate=rate)
    augmented = fixed(tone(440.0), 22050, np.random.default_rng(0))
    assert len(augmented) == round(22050 / rate)
    assert fundamental(augmented) == pytest.approx(440.0 * rate, rel=1e-4)


def test_speed_by_a_fraction_is_resampling():
    waveform = tone(440.0)
    fixed = SpeedPerturb(min_rate=1.25, max_rate=1.25)
    augmented = fixed(waveform, 22050, np.random.default_rng(0))
    np.testing.assert_allclose(augmented, scipy.signal.resample_poly(waveform, 4, 5), atol=2e-3)


def test_rates_are_uniform_within_their_bounds():
    rng = np.random.default_rng(0)
    rates = [SpeedPerturb(min_rate=0.8, max_rate=1.1)._draw(rng)["rate"] for _ in range(2000)]
    assert stats.kstest(rates, "uniform", (0.8, 0.3)).pvalue > 0.01
