"""A gain of the frames against a gain of the waveform."""

import numpy as np
import torch
from scipy import stats

from sk_audioevents import LogMelTransformer
from sk_audioevents.augmentation import Gain


def test_a_gain_is_added_to_all_frames_and_bands(random_batch, drawn_and_augmented):
    batch = random_batch()
    drawn, augmented = drawn_and_augmented(Gain(), batch)
    for before, after, gain_db in zip(batch.frames, augmented.frames, drawn["gain_db"]):
        np.testing.assert_array_equal(after, before + gain_db)


def test_frames_with_a_gain_are_those_of_the_waveform_with_a_gain(batch_of, drawn_and_augmented):
    waveforms = np.random.default_rng(0).normal(size=(3, 8000)).astype(np.float32)
    waveforms[:, 4000:] *= 1e-6  # below the floor that top_db sets
    transformer = LogMelTransformer(sample_rate=8000, n_mels=40)
    batch = batch_of(torch.from_numpy(transformer.transform(waveforms)))
    drawn, augmented = drawn_and_augmented(Gain(min_gain_db=-20, max_gain_db=20), batch)
    louder = waveforms * 10 ** (drawn["gain_db"].numpy()[:, None] / 20)
    np.testing.assert_allclose(augmented.frames, transformer.transform(louder), atol=1e-3)


def test_gains_are_uniform_within_their_bounds(batch_of):
    drawn = Gain(min_gain_db=-3, max_gain_db=9)._draw(
        batch_of(torch.zeros(20000, 1, 1)), torch.Generator().manual_seed(0)
    )
    assert stats.kstest(drawn["gain_db"].numpy(), stats.uniform(-3, 12).cdf).pvalue > 0.01
