"""Between-class learning on waveforms against the formula, pair by pair."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sk_audioevents.augmentation import SpectrogramBatch, WaveformBetweenClass


def make_batch(n_samples=(40, 33, 7, 40), seed=0):
    generator = torch.Generator().manual_seed(seed)
    waveforms = torch.randn(len(n_samples), 40, 1, generator=generator, dtype=torch.float64)
    waveforms *= torch.tensor([0.01, 1.0, 0.3, 5.0])[: len(n_samples), None, None]
    lengths = torch.tensor(n_samples)
    padding = torch.arange(40) >= lengths[:, None]
    return SpectrogramBatch(
        frames=waveforms.masked_fill(padding[..., None], torch.nan),
        targets=torch.eye(4, dtype=torch.float64)[: len(n_samples)],
        target_weight=torch.ones(len(n_samples), 4, dtype=torch.float64),
        band_mean=torch.zeros(1),
        n_frames=lengths,
    )


def level_db(clip, window):
    """Return the level of the loudest of the windows that overlap by half."""
    starts = range(0, max(1, 40 - window + 1), window // 2)
    power = [np.sum(clip[start : start + window] ** 2) / min(window, len(clip)) for start in starts]
    return 10 * np.log10(max(power))


def test_waveforms_are_mixed_as_in_the_paper():
    batch = make_batch()
    mix = WaveformBetweenClass(level_samples=10)
    drawn = mix._draw(batch, torch.Generator().manual_seed(3))
    augmented = mix(batch, torch.Generator().manual_seed(3))
    clips = [clip[:n, 0].numpy() for clip, n in zip(batch.frames, batch.lengths)]
    for i, (j, r) in enumerate(zip(drawn["partner"].tolist(), drawn["ratio"].tolist())):
        own, other = clips[i], np.resize(clips[j], len(clips[i]))
        difference_db = level_db(clips[i], 10) - level_db(clips[j], 10)
        p = 1 / (1 + 10 ** (difference_db / 20) * (1 - r) / r)
        expected = (p * own + (1 - p) * other) / np.sqrt(p**2 + (1 - p) ** 2)
        np.testing.assert_allclose(augmented.frames[i, : len(own), 0], expected)


def test_targets_are_mixed_in_the_ratio_that_is_heard():
    batch = make_batch()
    drawn = WaveformBetweenClass()._draw(batch, torch.Generator().manual_seed(3))
    augmented = WaveformBetweenClass()(batch, torch.Generator().manual_seed(3))
    for i, (j, r) in enumerate(zip(drawn["partner"].tolist(), drawn["ratio"].tolist())):
        expected = r * batch.targets[i] + (1 - r) * batch.targets[j]
        torch.testing.assert_close(augmented.targets[i], expected)


def test_at_half_the_ratio_both_are_equally_loud():
    batch = make_batch(n_samples=(40, 40))
    partner, ratio = torch.tensor([1, 0]), torch.tensor([0.5, 0.5], dtype=torch.float64)
    mixed = WaveformBetweenClass(level_samples=40)._apply(batch, partner=partner, ratio=ratio)
    first, second = batch.frames[:, :, 0].numpy()
    gains, *_ = np.linalg.lstsq(np.stack([first, second], axis=1), mixed.frames[0, :, 0].numpy())
    rms = np.sqrt(np.mean(first**2)), np.sqrt(np.mean(second**2))
    assert gains[0] * rms[0] == pytest.approx(gains[1] * rms[1])


def test_silence_gives_no_nan():
    batch = make_batch(n_samples=(40, 40))
    batch = replace(batch, frames=torch.zeros_like(batch.frames))
    assert WaveformBetweenClass()(batch, torch.Generator().manual_seed(0)).frames.abs().max() == 0


def test_a_probability_of_0_changes_nothing():
    batch = make_batch()
    augmented = WaveformBetweenClass(probability=0.0)(batch, torch.Generator().manual_seed(0))
    torch.testing.assert_close(augmented.frames, batch.frames, equal_nan=True)
    assert torch.equal(augmented.targets, batch.targets)


def test_a_single_waveform_is_an_error():
    with pytest.raises(TypeError, match=r"augments a SpectrogramBatch\. Got a ndarray"):
        WaveformBetweenClass()(np.ones(5), torch.Generator())


def test_spectrograms_are_an_error():
    batch = replace(make_batch(), frames=torch.zeros(4, 40, 3, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"Got frames of 3 bands: .* BetweenClass"):
        WaveformBetweenClass()(batch, torch.Generator())
