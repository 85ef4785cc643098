"""Augmentations of waveforms on the batches of a training."""

import numpy as np
import pytest
import torch

from sk_audioevents.augmentation import SpectrogramBatch, SpeedPerturb, WaveformShift
from sk_audioevents.classification._waveform_augmentation import BatchOfWaveforms

LENGTHS = [40, 70, 55]


def batch(dtype=torch.float32, n_frames=LENGTHS):
    """Three waveforms that never cross zero, with 9 in their padding."""
    frames = 1 + torch.arange(210, dtype=dtype).reshape(3, 70, 1)
    for row, length in zip(frames, n_frames or [70] * 3):
        row[length:] = -9
    return SpectrogramBatch(
        frames=frames,
        targets=torch.eye(3, dtype=dtype),
        target_weight=torch.ones(3, 3, dtype=dtype),
        band_mean=torch.zeros(1, dtype=dtype),
        n_frames=None if n_frames is None else torch.tensor(n_frames),
    )


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def cut_to(lengths):
    """Return an augmentation that cuts the clip that begins with 1 + 70 k to lengths[k]."""
    return lambda waveform, sample_rate, rng: waveform[: lengths[int(waveform[0]) // 70]]


def test_waveforms_get_the_lengths_that_the_augmentation_gives_them():
    given = batch()
    augmented = BatchOfWaveforms(cut_to([7, 30, 55]), 8000)(given, generator())
    assert augmented.frames.shape == (3, 55, 1)
    assert augmented.n_frames.tolist() == [7, 30, 55]
    for row, (before, n) in enumerate(zip(given.frames, [7, 30, 55])):
        torch.testing.assert_close(augmented.frames[row, :n], before[:n])
        assert (augmented.frames[row, n:] == 0).all()
    assert augmented.targets is given.targets


def test_waveforms_of_equal_lengths_have_no_padding():
    augmented = BatchOfWaveforms(cut_to([25, 25, 25]), 8000)(batch(), generator())
    assert augmented.frames.shape == (3, 25, 1)
    assert augmented.n_frames is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_precision_stays_what_it_was(dtype):
    augmented = BatchOfWaveforms(SpeedPerturb(), 8000)(batch(dtype), generator())
    assert augmented.frames.dtype == dtype


def test_each_waveform_draws_from_a_generator_of_its_own():
    """What one clip draws does not depend on how much the others draw."""

    def add_noise(n_draws):
        def augment(waveform, sample_rate, rng):
            if waveform[0] == 1:  # the first clip of the batch
                rng.random(n_draws)
            return waveform + rng.normal()

        return BatchOfWaveforms(augment, 8000)(batch(n_frames=None), generator()).frames

    few, many = add_noise(1), add_noise(50)
    assert not torch.equal(few[0], many[0])
    torch.testing.assert_close(few[1:], many[1:], rtol=0, atol=0)


def test_the_generator_decides():
    shift = BatchOfWaveforms(WaveformShift(), 8000)
    first, again, other = (shift(batch(), generator(seed)).frames for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("returned", [np.zeros((5, 1)), np.zeros(0), 3.0, np.full(5, np.inf)])
def test_what_is_no_waveform_is_an_error(returned):
    broken = BatchOfWaveforms(lambda waveform, sample_rate, rng: returned, 8000)
    with pytest.raises(ValueError, match=r"'augment' .* returned an array of shape \("):
        broken(batch(), generator())
