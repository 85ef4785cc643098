"""Waveforms shifted in time."""

import numpy as np
from scipy import stats

from sk_audioevents.augmentation import WaveformShift


def test_samples_are_rolled_by_a_share_of_the_length():
    waveform = np.arange(1000, dtype=np.float32)
    for seed in range(20):
        rng, twin = np.random.default_rng(seed), np.random.default_rng(seed)
        augmentation = WaveformShift(max_shift=0.2)
        augmented = augmentation(waveform, 8000, rng)
        twin.random()  # whether to shift at all
        shift = round(augmentation._draw(twin)["share"] * 1000)
        np.testing.assert_array_equal(augmented, np.roll(waveform, shift))


def test_shifts_are_uniform_within_their_bound():
    rng, waveform = np.random.default_rng(0), np.arange(1000)
    first = np.array([WaveformShift(max_shift=0.2)(waveform, 8000, rng)[0] for _ in range(3000)])
    shifts = -((first + 500) % 1000 - 500)
    assert stats.kstest(shifts + rng.uniform(-0.5, 0.5, 3000), "uniform", (-200, 400)).pvalue > 0.01
