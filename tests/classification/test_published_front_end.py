"""The features of published networks, against their own recipes with librosa."""

import librosa
import numpy as np
import pytest

from sk_audioevents import LogMelTransformer
from sk_audioevents.classification import published_front_end


def waveform(sample_rate, seconds=2.0):
    """Noise, a tone and a stretch of near silence."""
    rng = np.random.default_rng(0)
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    wave = 0.05 * rng.normal(size=len(time)) + 0.3 * np.sin(2 * np.pi * 1000 * time)
    wave[len(wave) // 2 : len(wave) * 3 // 4] *= 1e-4
    return wave.astype(np.float32)


def panns_levels(wave):
    """Return log-mel levels as torchlibrosa computes them for PANNs."""
    spectrum = np.abs(librosa.stft(wave, n_fft=1024, hop_length=320, pad_mode="reflect")) ** 2
    bank = librosa.filters.mel(sr=32000, n_fft=1024, n_mels=64, fmin=50, fmax=14000)
    return 10 * np.log10(np.maximum(bank @ spectrum, 1e-10)).T


def kumar2018_levels(wave):
    """Return log-mel levels as librosa computed them when the network was published."""
    mel = librosa.feature.melspectrogram(
        y=wave, sr=44100, n_fft=1024, hop_length=512, n_mels=128, pad_mode="reflect"
    )
    return librosa.power_to_db(mel).T


@pytest.mark.parametrize(
    ("layout", "levels"),
    [
        ("cnn6", panns_levels),
        ("cnn10", panns_levels),
        ("cnn14", panns_levels),
        ("kumar2018", kumar2018_levels),
    ],
)
def test_levels_equal_the_published_ones(layout, levels):
    front_end = LogMelTransformer(**published_front_end(layout))
    wave = waveform(front_end.sample_rate)
    ours, theirs = front_end.transform([wave])[0], levels(wave)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-3)
    assert theirs.max() - theirs.min() > 79  # the range of levels matters


def test_the_parameters_may_be_changed_without_changing_those_of_others():
    published_front_end("cnn6")["sample_rate"] = 1
    assert published_front_end("cnn6") == published_front_end("cnn14")
    assert published_front_end("cnn6")["sample_rate"] == 32000
