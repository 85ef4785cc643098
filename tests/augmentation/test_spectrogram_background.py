"""Backgrounds: their ratio measured again, and where they come from."""

import numpy as np
import pytest
import torch
from scipy import stats

from sk_audioevents.augmentation import BackgroundMix


def power_of(frames):
    return 10 ** (np.asarray(frames, dtype=np.float64) / 10)


def test_the_ratio_measured_in_the_mixture_is_the_one_that_was_drawn(
    random_batch, drawn_and_augmented
):
    batch = random_batch()
    backgrounds = [np.random.default_rng(i).normal(-60, 9, size=(5 + i, 7)) for i in range(3)]
    for given in (None, backgrounds):
        augmentation = BackgroundMix(backgrounds=given, min_snr_db=-5.0, probability=1.0)
        drawn, augmented = drawn_and_augmented(augmentation, batch)
        for before, after, n, snr_db in zip(
            batch.frames, augmented.frames, batch.n_frames, drawn["snr_db"]
        ):
            clip, mixture = power_of(before[:n]), power_of(after[:n])
            measured = 10 * np.log10(clip.mean() / (mixture - clip).mean())
            assert measured == pytest.approx(float(snr_db), abs=1e-6)


def test_what_is_added_is_the_partner_from_its_start_on_and_again(
    random_batch, drawn_and_augmented
):
    batch = random_batch()
    drawn, augmented = drawn_and_augmented(BackgroundMix(probability=1.0, min_snr_db=0), batch)
    for row, (partner, start) in enumerate(zip(drawn["partner"], drawn["start"].tolist())):
        n, n_partner = int(batch.n_frames[row]), int(batch.n_frames[partner])
        added = power_of(augmented.frames[row, :n]) - power_of(batch.frames[row, :n])
        index = [(int(start * n_partner) + t) % n_partner for t in range(n)]
        noise = power_of(batch.frames[partner])[index]
        np.testing.assert_allclose(added / added.mean(), noise / noise.mean(), rtol=1e-6, atol=1e-9)


def test_labels_and_weights_stay_as_they_are(random_batch):
    batch = random_batch(weighted=True)
    augmented = BackgroundMix(probability=1.0)(batch, torch.Generator().manual_seed(0))
    assert augmented.targets is batch.targets
    assert augmented.target_weight is batch.target_weight
    assert augmented.sample_weight is batch.sample_weight


def test_given_backgrounds_are_drawn_alike_and_begin_anywhere(batch_of, drawn_and_augmented):
    backgrounds = [np.arange(5.0)[:, None], np.arange(10.0, 17.0)[:, None]]
    batch = batch_of(torch.zeros(8000, 3, 1))
    drawn, _ = drawn_and_augmented(BackgroundMix(backgrounds=backgrounds, probability=1.0), batch)
    cuts = drawn["background"][:, :, 0].numpy().astype(int)
    first_half = cuts[:, 0] < 10
    assert stats.binomtest(int(first_half.sum()), 8000).pvalue > 0.01
    assert stats.chisquare(np.bincount(cuts[first_half, 0], minlength=5)).pvalue > 0.01
    assert set(map(tuple, cuts[first_half])) == {
        (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 0), (4, 0, 1)
    }  # fmt: skip


def test_ratios_are_uniform_within_their_bounds(batch_of):
    augmentation = BackgroundMix(min_snr_db=-5, max_snr_db=15)
    drawn = augmentation._draw(batch_of(torch.zeros(20000, 1, 1)), torch.Generator().manual_seed(0))
    assert stats.kstest(drawn["snr_db"].numpy(), stats.uniform(-5, 20).cdf).pvalue > 0.01


@pytest.mark.parametrize(
    ("backgrounds", "message"),
    [
        ([], "must hold at least one background. Got none"),
        ([np.zeros((3, 7)), np.zeros((3, 8))], r"must have shape \(n_frames, 7\).*Item 1 has"),
        ([np.zeros(7)], r"Item 0 has shape \(7,\)"),
        ([np.zeros((0, 7))], r"Item 0 has shape \(0, 7\)"),
        ([np.full((3, 7), np.nan)], "must be finite. It holds NaN or infinity"),
    ],
    ids=["none", "bands", "1-D", "empty", "nan"],
)
def test_bad_backgrounds_are_errors(backgrounds, message, random_batch):
    with pytest.raises(ValueError, match=message):
        BackgroundMix(backgrounds=backgrounds)(random_batch(), torch.Generator())
