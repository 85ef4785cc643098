"""Batches with unequal axes, and the parameters that an augmentation drew for them."""

import pytest
import torch

from sk_audioevents.augmentation import SpectrogramBatch


def make_batch_of(frames, n_frames=None, *, n_outputs=3, weighted=False, seed=0):
    """Return a batch of the given frames with random targets and weights."""
    generator = torch.Generator().manual_seed(seed)
    n_clips, _, n_bands = frames.shape

    def uniform(*shape):
        return torch.rand(shape, dtype=torch.float64, generator=generator).to(frames.dtype)

    return SpectrogramBatch(
        frames=frames,
        targets=(uniform(n_clips, n_outputs) < 0.5).to(frames.dtype),
        target_weight=0.5 + uniform(n_clips, n_outputs),
        band_mean=-40 + uniform(n_bands),
        n_frames=None if n_frames is None else torch.as_tensor(n_frames),
        sample_weight=1 + uniform(n_clips) if weighted else None,
    )


def make_random_batch(n_frames=(13, 4, 9, 1, 13), n_bands=7, dtype=torch.float64, **settings):
    """Return a batch of clips of different lengths, whose padding is NaN and so cannot be used."""
    generator = torch.Generator().manual_seed(1)
    shape = (len(n_frames), max(n_frames), n_bands)
    frames = -40 + 15 * torch.randn(shape, dtype=torch.float64, generator=generator)
    for clip, n in zip(frames, n_frames):
        clip[n:] = torch.nan
    return make_batch_of(frames.to(dtype), n_frames, **settings)


def draw_and_apply(augmentation, batch, seed=0):
    """Return what an augmentation drew, and the batch that it made with it."""
    drawn = augmentation._draw(batch, torch.Generator().manual_seed(seed))
    return drawn, augmentation(batch, torch.Generator().manual_seed(seed))


@pytest.fixture
def batch_of():
    """Return the function that makes a batch of given frames."""
    return make_batch_of


@pytest.fixture
def random_batch():
    """Return the function that makes a batch of clips of different lengths."""
    return make_random_batch


@pytest.fixture
def drawn_and_augmented():
    """Return the function that augments, and tells what was drawn."""
    return draw_and_apply
