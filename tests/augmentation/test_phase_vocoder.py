"""The phase vocoder, by what it keeps: frequencies, levels and places."""

import librosa
import numpy as np
import pytest
import scipy.signal

from sk_audioevents.augmentation._phase_vocoder import _nearest_peaks, stretch


def level_db(waveform):
    return 10 * np.log10(np.mean(np.square(waveform, dtype=np.float64)))


def noise_of(n_samples, seed=0):
    return np.random.default_rng(seed).normal(size=n_samples).astype(np.float32)


@pytest.mark.parametrize("rate", [0.5, 0.8, 1.26, 2.0])
def test_partials_keep_their_frequencies_and_levels(rate):
    time = np.arange(3 * 44100) / 44100
    frequencies, amplitudes = np.array([330.0, 1234.5, 5000.0]), np.array([0.5, 0.3, 0.01])
    waveform = (amplitudes @ np.sin(2 * np.pi * frequencies[:, None] * time)).astype(np.float32)
    stretched = stretch(waveform, rate, 44100)
    assert len(stretched) == round(len(waveform) / rate)
    middle = stretched[10000:54100]  # one second: a bin is a hertz
    window = scipy.signal.windows.flattop(44100)
    spectrum = np.abs(np.fft.rfft(middle * window)) * 2 / window.sum()
    for frequency, amplitude in zip(frequencies, amplitudes):
        around = spectrum[int(frequency) - 20 : int(frequency) + 20]
        assert around.max() == pytest.approx(amplitude, rel=0.02)
        assert np.average(np.arange(-20, 20), weights=around**2) == pytest.approx(
            frequency - int(frequency), abs=0.05
        )


@pytest.mark.parametrize("rate", [0.8, 0.95, 1.05, 1.26])
def test_noise_keeps_its_level_better_than_in_the_plain_phase_vocoder(rate):
    noise = noise_of(3 * 44100)
    loss_db = level_db(noise) - level_db(stretch(noise, rate, 44100))
    plain_loss_db = level_db(noise) - level_db(librosa.effects.time_stretch(noise, rate=rate))
    assert abs(loss_db) < 2.0
    assert plain_loss_db > 3.0


def test_the_spectrum_of_noise_keeps_its_shape():
    """The power in each tenth of the band changes by the same number of decibels, within 0.5."""
    numerator, denominator = scipy.signal.butter(1, 0.1)
    noise = scipy.signal.lfilter(numerator, denominator, noise_of(10 * 44100)).astype(np.float32)
    before, after = (
        np.log10(scipy.signal.welch(x, nperseg=2048)[1][:1020].reshape(10, -1).mean(axis=1)) * 10
        for x in (noise, stretch(noise, 1.1, 44100))
    )
    assert np.ptp(after - before) < 0.5


@pytest.mark.parametrize("rate", [0.7, 1.3])
def test_events_stay_in_their_places(rate):
    waveform = np.zeros(44100, np.float32)
    waveform[[10000, 30000]] = 1.0
    stretched = stretch(waveform, rate, 44100)
    for half, place in zip(np.array_split(stretched, [round(20000 / rate)]), (10000, 30000)):
        start = 0 if place == 10000 else round(20000 / rate)
        middle = start + np.average(np.arange(len(half)), weights=half.astype(float) ** 2)
        assert middle == pytest.approx(place / rate, abs=0.01 * 44100)


@pytest.mark.parametrize(
    ("magnitude", "nearest"),
    [
        ([0, 3, 0, 0, 0, 5, 4], [1, 1, 1, 1, 5, 5, 5]),
        ([0, 2, 2, 0, 0], [2, 2, 2, 2, 2]),
        ([0, 0, 0, 0], [0, 1, 2, 3]),
        ([4, 3, 2, 1], [0, 1, 2, 3]),
    ],
    ids=["two peaks", "plateau", "silence", "no peak"],
)
def test_each_bin_belongs_to_its_nearest_peak(magnitude, nearest):
    assert _nearest_peaks(np.array(magnitude)).tolist() == nearest


def test_a_rate_of_1_gives_the_waveform_back():
    waveform = noise_of(20000)
    np.testing.assert_allclose(stretch(waveform, 1.0, 44100), waveform, atol=1e-3)


@pytest.mark.parametrize("sample_rate", [1, 100, 8000, 22050, 48000, 192000])
@pytest.mark.parametrize("n_samples", [1, 5, 999])
def test_any_rate_and_length_will_do(sample_rate, n_samples):
    waveform = noise_of(n_samples)
    for rate in (0.3, 1.7):
        stretched = stretch(waveform, rate, sample_rate)
        assert len(stretched) == round(n_samples / rate)
        assert np.isfinite(stretched).all()
        assert stretched.dtype == np.float32
