"""Noise from arrays and from files: which part of it, and how loud."""

import numpy as np
import pytest
import soundfile

from sk_audioevents.augmentation import BackgroundNoise
from sk_audioevents.exceptions import AudioFileNotFoundError


def add_noise(noises, waveform, seed=0, sample_rate=8000, snr_db=10.0):
    """Return what is added to a waveform, of RMS 1."""
    fixed = BackgroundNoise(noises, min_snr_db=snr_db, max_snr_db=snr_db, probability=1.0)
    added = fixed(waveform, sample_rate, np.random.default_rng(seed)).astype(float) - waveform
    return added / np.sqrt(np.mean(added**2))


def noise_of(n_samples, seed=0):
    return np.random.default_rng(seed).normal(size=n_samples)


@pytest.mark.parametrize("snr_db", [-10.0, 0.0, 25.0])
@pytest.mark.parametrize("n_noise", [100, 4000, 9000])
def test_the_ratio_measured_again_is_the_one_that_was_asked_for(snr_db, n_noise):
    waveform = 0.1 * noise_of(4000)
    fixed = BackgroundNoise([noise_of(n_noise, 1)], min_snr_db=snr_db, max_snr_db=snr_db)
    noisy = fixed.set_params(probability=1.0)(waveform, 8000, np.random.default_rng(0))
    measured = 10 * np.log10(np.mean(waveform**2) / np.mean((noisy - waveform) ** 2))
    assert measured == pytest.approx(snr_db, abs=1e-3)


@pytest.mark.parametrize("kind", ["array", "file"])
def test_any_part_of_a_longer_noise_may_be_taken(kind, tmp_path):
    noise = 100 + np.arange(14.0)
    if kind == "file":
        path = tmp_path / "noise.wav"
        soundfile.write(path, noise / 200, 8000, subtype="DOUBLE")
    waveform, starts = noise_of(10), []
    for seed in range(60):
        added = add_noise([path if kind == "file" else noise], waveform, seed)
        steps = np.diff(added)
        starts.append(round(added[0] / steps.mean() - 100))
        part = noise[starts[-1] : starts[-1] + 10]
        np.testing.assert_allclose(added, part / np.sqrt(np.mean(part**2)), atol=1e-5)
    assert set(starts) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("kind", ["array", "file"])
def test_a_shorter_noise_is_repeated_from_anywhere_on(kind, tmp_path):
    noise = np.array([1.0, 2.0, 3.0, 4.0])
    if kind == "file":
        path = tmp_path / "noise.wav"
        soundfile.write(path, noise / 8, 8000, subtype="DOUBLE")
    waveform, firsts = noise_of(10), set()
    for seed in range(40):
        added = add_noise([path if kind == "file" else noise], waveform, seed)
        scaled = np.rint(added / np.abs(np.diff(added)[:2]).min()).astype(int)
        firsts.add(scaled[0])
        np.testing.assert_array_equal(scaled, (scaled[0] - 1 + np.arange(10)) % 4 + 1)
    assert firsts == {1, 2, 3, 4}


def test_a_file_is_resampled_to_the_rate_of_the_waveform(tmp_path):
    time = np.arange(5 * 44100) / 44100
    soundfile.write(tmp_path / "hum.flac", 0.5 * np.sin(2 * np.pi * 500 * time), 44100)
    for seed in range(5):
        added = add_noise([tmp_path / "hum.flac"], noise_of(8000), seed)
        assert np.abs(np.fft.rfft(added)).argmax() == 500
        assert np.abs(added[-100:]).max() == pytest.approx(np.sqrt(2), rel=0.01)


def test_all_noises_are_used():
    noises = [np.full(9, -1.0), np.full(20, 1.0), np.full(5, 1.0)]
    signs = [np.sign(add_noise(noises, noise_of(9), seed)[0]) for seed in range(300)]
    assert np.mean(signs) == pytest.approx(1 / 3, abs=0.15)


def test_silent_noise_adds_nothing():
    waveform = noise_of(100).astype(np.float32)
    silent = BackgroundNoise([np.zeros(50)], probability=1.0)
    np.testing.assert_array_equal(silent(waveform, 8000, np.random.default_rng(0)), waveform)


def test_a_missing_file_is_the_error_of_reading_it(tmp_path):
    with pytest.raises(AudioFileNotFoundError, match=r"rain\.wav"):
        add_noise([tmp_path / "rain.wav"], noise_of(9))


@pytest.mark.parametrize(
    ("noises", "message"),
    [
        ([], "must hold at least one noise. Got none"),
        ("rain.wav", "'noises' parameter of BackgroundNoise must be an array-like"),
        ([np.zeros((2, 5))], r"must be a path or a 1-D array .* of shape \(2, 5\)"),
        ([np.zeros(0)], r"Got an array of shape \(0,\)"),
        ([np.array([0.0, np.inf])], "of finite samples"),
    ],
    ids=["none", "one path", "2-D", "empty", "infinite"],
)
def test_bad_noises_are_errors(noises, message):
    with pytest.raises(ValueError, match=message):
        add_noise(noises, noise_of(9))
