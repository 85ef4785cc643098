"""SpecAugment's masks: where they are, how wide, and what is under them."""

import numpy as np
import pytest
import torch
from scipy import stats

from sk_audioevents.augmentation import SpecAugment


def masked_frames(augmented):
    """Return which frames are masked, in a batch of ones whose band_mean is below 0."""
    return (augmented.frames < 0).all(dim=2)


def test_masks_are_those_of_the_paper_mask_by_mask(random_batch, drawn_and_augmented):
    batch = random_batch(n_frames=(40, 12, 25))
    settings = {"max_time_mask_frames": 6, "max_time_mask_share": 0.3, "max_band_mask_bands": 3}
    augmentation = SpecAugment(n_time_masks=2, n_band_masks=3, **settings)
    drawn, augmented = drawn_and_augmented(augmentation, batch)
    for row, n in enumerate(batch.n_frames.tolist()):
        expected = batch.frames[row].clone()
        for share_of_width, share_of_start in drawn["times"][row].T.tolist():
            width = int(share_of_width * (min(6, round(0.3 * n)) + 1))
            start = int(share_of_start * (n - width + 1))
            expected[start : start + width] = batch.band_mean
        for share_of_width, share_of_start in drawn["bands"][row].T.tolist():
            width = int(share_of_width * 4)
            start = int(share_of_start * (7 - width + 1))
            expected[:, start : start + width] = batch.band_mean[start : start + width]
        np.testing.assert_array_equal(augmented.frames[row], expected)


def test_all_widths_and_places_are_equally_likely(batch_of):
    batch = batch_of(torch.ones(20000, 10, 1))
    augmentation = SpecAugment(
        n_time_masks=1, max_time_mask_frames=4, max_time_mask_share=1.0, n_band_masks=0
    )
    masked = masked_frames(augmentation(batch, torch.Generator().manual_seed(0)))
    widths = masked.sum(dim=1)
    assert stats.chisquare(np.bincount(widths, minlength=5)).pvalue > 0.01
    starts = masked[widths == 4].int().argmax(dim=1)
    assert stats.chisquare(np.bincount(starts, minlength=7)).pvalue > 0.01


def test_short_clips_keep_most_of_their_frames(batch_of):
    batch = batch_of(torch.ones(500, 128, 1))
    augmentation = SpecAugment(n_time_masks=2, n_band_masks=0)
    masked = masked_frames(augmentation(batch, torch.Generator().manual_seed(0)))
    assert 26 < masked.sum(dim=1).max() <= 2 * round(0.2 * 128)


def test_a_mask_may_be_wider_than_there_are_bands(random_batch):
    augmentation = SpecAugment(n_time_masks=0, n_band_masks=1, max_band_mask_bands=1000)
    batch = random_batch(n_frames=[9] * 200)
    augmented = augmentation(batch, torch.Generator().manual_seed(0))
    n_masked = (augmented.frames != batch.frames).all(dim=1).sum(dim=1)
    assert set(n_masked.tolist()) == set(range(8))


def test_without_masks_nothing_changes(random_batch):
    batch = random_batch()
    augmented = SpecAugment(n_time_masks=0, n_band_masks=0)(batch, torch.Generator())
    np.testing.assert_array_equal(augmented.frames, batch.frames)


@pytest.mark.parametrize(
    "settings",
    [{"n_time_masks": -1}, {"max_time_mask_share": 1.5}, {"max_band_mask_bands": 2.5}],
    ids=lambda settings: next(iter(settings)),
)
def test_bad_settings_are_errors(settings, random_batch):
    with pytest.raises(ValueError, match=f"'{next(iter(settings))}' parameter of SpecAugment"):
        SpecAugment(**settings)(random_batch(), torch.Generator())
