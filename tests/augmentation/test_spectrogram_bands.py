"""Shifts in frequency against numpy, clip by clip."""

import numpy as np
import pytest
import torch
from scipy import stats

from sk_audioevents import LogMelTransformer
from sk_audioevents.augmentation import FrequencyShift


def test_bands_are_interpolated_and_the_edges_filled(random_batch, drawn_and_augmented):
    batch = random_batch()
    drawn, augmented = drawn_and_augmented(FrequencyShift(max_bands=9.0, probability=1.0), batch)
    bands = np.arange(7)
    for before, after, shift in zip(batch.frames, augmented.frames, drawn["shift"].tolist()):
        position = bands - shift
        outside = (position < 0) | (position > 6)
        for frame, shifted in zip(before.numpy(), after.numpy()):
            expected = np.where(outside, batch.band_mean, np.interp(position, bands, frame))
            np.testing.assert_allclose(shifted, expected, atol=1e-9)


def test_a_whole_shift_and_back_restores_what_stayed_inside(random_batch):
    batch = random_batch()
    shift = torch.tensor([2.0, -3.0, 0.0, 1.0, -1.0], dtype=torch.float64)
    back = FrequencyShift()._apply(FrequencyShift()._apply(batch, shift), -shift)
    for before, after, by in zip(batch.frames, back.frames, shift.int().tolist()):
        inside = slice(max(0, -by), 7 - max(0, by))
        torch.testing.assert_close(
            after[:, inside], before[:, inside], rtol=0, atol=0, equal_nan=True
        )


def test_a_band_is_about_half_a_semitone_above_1_khz(batch_of):
    """As the docstring says: 0.55 semitones with 128 bands up to 22.05 kHz."""
    time = np.arange(44100) / 44100
    tones = [np.sin(2 * np.pi * 3000 * 2 ** (n * 0.55 / 12) * time) for n in (0, 4)]
    frames = torch.from_numpy(LogMelTransformer().transform(np.stack(tones)))
    shifted = FrequencyShift()._apply(batch_of(frames[:1]), torch.tensor([4.0]))
    low, shifted, high = frames[0, 40], shifted.frames[0, 40], frames[1, 40]
    assert low.argmax() + 4 == shifted.argmax() == high.argmax()


def test_shifts_are_uniform_within_their_bound(batch_of):
    drawn = FrequencyShift(max_bands=2.5, probability=1.0)._draw(
        batch_of(torch.zeros(20000, 1, 1)), torch.Generator().manual_seed(0)
    )
    assert stats.kstest(drawn["shift"].numpy(), stats.uniform(-2.5, 5).cdf).pvalue > 0.01


def test_a_bound_is_not_negative(random_batch):
    with pytest.raises(ValueError, match="'max_bands' parameter of FrequencyShift"):
        FrequencyShift(max_bands=-1.0)(random_batch(), torch.Generator())
