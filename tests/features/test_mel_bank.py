"""The mel filter bank against librosa's."""

import numpy as np
import pytest

from sk_audioevents import LogMelTransformer
from sk_audioevents.features._mel_bank import mel_bank

librosa = pytest.importorskip("librosa")


@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize("norm", ["slaney", None])
@pytest.mark.parametrize(
    ("sample_rate", "n_fft", "n_mels", "fmin", "fmax"),
    [
        (44100, 1024, 128, 0, 22050),
        (22050, 2048, 127, 20.5, 8000),
        (8000, 301, 11, 100, 900),
        (96000, 4096, 40, 1000, 48000),
        (8000, 300, 7, 0, 1000.0),
    ],
)
def test_weights_equal_librosa(sample_rate, n_fft, n_mels, fmin, fmax, norm, htk):
    expected = librosa.filters.mel(
        sr=sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax, htk=htk, norm=norm
    )  # float32
    weights = mel_bank(sample_rate, n_fft, n_mels, fmin, fmax, htk, norm)
    np.testing.assert_allclose(weights, expected, rtol=2e-6, atol=expected.max() * 1e-7)


def test_bands_without_a_bin_are_told():
    with pytest.warns(UserWarning, match="Empty filters"):
        expected = librosa.filters.mel(sr=8000, n_fft=64, n_mels=40, fmax=3500)
    is_empty = ~expected.any(axis=1)
    message = rf"{is_empty.sum()} of the 40 mel bands of LogMelTransformer lie between two bins"
    transformer = LogMelTransformer(sample_rate=8000, n_fft=64, n_mels=40, fmax=3500)
    with pytest.warns(UserWarning, match=message):
        frames = transformer.transform(np.random.default_rng(0).normal(size=(1, 999)))
    np.testing.assert_array_equal((frames[0] == frames.min()).all(axis=0), is_empty)
