"""The batch that augmentations get and give."""

import numpy as np
import torch


def test_without_n_frames_all_frames_are_the_clips_own(batch_of):
    batch = batch_of(torch.zeros(7, 8, 9))
    assert batch.lengths.tolist() == [8] * 7
    assert batch.is_padding() is None


def test_padding_is_what_lies_beyond_n_frames(random_batch):
    batch = random_batch()
    assert batch.lengths.tolist() == [13, 4, 9, 1, 13]
    assert torch.equal(batch.is_padding(), batch.frames.isnan().all(dim=2))


def test_frames_are_taken_as_an_index_says(random_batch):
    batch = random_batch()
    rng = np.random.default_rng(0)
    index = torch.from_numpy(rng.integers(13, size=(5, 6)))
    clips = torch.from_numpy(rng.integers(5, size=5))
    for taken, rows in ((batch.take_frames(index), range(5)),
                        (batch.take_frames(index, clips), clips)):  # fmt: skip
        expected = np.stack([batch.frames[row].numpy()[i] for row, i in zip(rows, index.numpy())])
        np.testing.assert_array_equal(taken, expected)
