"""Shifts and stretches in time against numpy, clip by clip."""

import numpy as np
import pytest
import torch
from scipy import stats

from sk_audioevents.augmentation import TimeShift, TimeStretch


def test_each_clip_is_rolled_within_its_own_frames(random_batch, drawn_and_augmented):
    batch = random_batch()
    drawn, augmented = drawn_and_augmented(TimeShift(max_shift=1.0), batch)
    for before, after, n, share in zip(
        batch.frames, augmented.frames, batch.n_frames, drawn["share"]
    ):
        shift = round(float(share * n))
        np.testing.assert_array_equal(after[:n], np.roll(before[:n], shift, axis=0))
        np.testing.assert_array_equal(after[n:], before[n:])


def test_a_shift_and_the_opposite_shift_cancel_out(random_batch):
    batch = random_batch()
    share = torch.tensor([0.3, -0.5, 0.2, 0.1, -1.0])
    there = TimeShift()._apply(batch, share)
    back = TimeShift()._apply(there, -share)
    torch.testing.assert_close(back.frames, batch.frames, rtol=0, atol=0, equal_nan=True)


def test_shifts_are_uniform_within_their_bound(batch_of):
    drawn = TimeShift(max_shift=0.2)._draw(
        batch_of(torch.zeros(20000, 1, 1)), torch.Generator().manual_seed(0)
    )
    assert stats.kstest(drawn["share"].numpy(), stats.uniform(-0.2, 0.4).cdf).pvalue > 0.01


def test_bags_are_shifted_segment_by_segment(batch_of, drawn_and_augmented):
    segments = torch.randn(6, 128, 5, generator=torch.Generator().manual_seed(0))
    drawn, augmented = drawn_and_augmented(TimeShift(), batch_of(segments))
    for before, after, share in zip(segments, augmented.frames, drawn["share"]):
        assert torch.equal(after, before.roll(round(float(share * 128)), dims=0))


@pytest.mark.parametrize("max_shift", [-0.1, 1.1])
def test_a_shift_is_a_share(max_shift, random_batch):
    with pytest.raises(ValueError, match="'max_shift' parameter of TimeShift"):
        TimeShift(max_shift=max_shift)(random_batch(), torch.Generator())


def test_a_stretched_clip_is_interpolated_between_its_own_frames(random_batch, drawn_and_augmented):
    batch = random_batch(n_frames=(23, 14, 9, 1, 23, 6))
    stretch = TimeStretch(min_rate=0.5, max_rate=2.0, probability=1.0)
    for seed in range(5):
        drawn, augmented = drawn_and_augmented(stretch, batch, seed)
        for row, n in enumerate(batch.n_frames.tolist()):
            rate, start = float(drawn["rate"][row]), float(drawn["start"][row])
            n_long = max(1, round(n / rate))
            n_after = min(23, n_long)
            first = int(start * (n_long - n_after + 1))
            assert augmented.n_frames[row] == n_after
            frames = batch.frames[row, :n].numpy()
            position = np.arange(first, first + n_after) * rate
            expected = [np.interp(position, np.arange(n), band) for band in frames.T]
            np.testing.assert_allclose(
                augmented.frames[row, :n_after], np.transpose(expected), atol=1e-9
            )


def test_a_ramp_stretched_is_a_ramp_of_another_slope(batch_of):
    ramp = torch.arange(100.0).reshape(1, 100, 1)
    for rate in (0.8, 1.0, 1.25):
        fixed = TimeStretch(min_rate=rate, max_rate=rate, probability=1.0)
        augmented = fixed(batch_of(ramp), torch.Generator().manual_seed(0))
        slope = augmented.frames[0, :79, 0].diff()
        torch.testing.assert_close(slope, torch.full_like(slope, rate), atol=1e-4, rtol=0)


def test_what_is_cut_off_a_slowed_clip_is_not_always_its_end(batch_of):
    ramp = torch.arange(100.0).expand(2000, 100)[:, :, None]
    half = TimeStretch(min_rate=0.5, max_rate=0.5, probability=1.0)
    augmented = half(batch_of(ramp), torch.Generator().manual_seed(0))
    first = augmented.frames[:, 0, 0] * 2
    assert stats.chisquare(np.bincount(first.round().long(), minlength=101)).pvalue > 0.01


def test_log_rates_are_uniform_within_their_bounds(batch_of):
    drawn = TimeStretch(probability=1.0)._draw(
        batch_of(torch.zeros(20000, 1, 1)), torch.Generator().manual_seed(0)
    )
    low, high = np.log([0.8, 1.25])
    log_rate = np.log(drawn["rate"].numpy())
    assert stats.kstest(log_rate, stats.uniform(low, high - low).cdf).pvalue > 0.01


def test_a_rate_is_positive(random_batch):
    with pytest.raises(ValueError, match=r"'min_rate' parameter of TimeStretch .* Got 0 instead"):
        TimeStretch(min_rate=0)(random_batch(), torch.Generator())
