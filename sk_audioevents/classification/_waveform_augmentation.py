"""Augmentations of waveforms, where a training batch is made."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from sk_audioevents._validation import check_augmented
from sk_audioevents.augmentation import Compose, WaveformBetweenClass
from sk_audioevents.augmentation._spectrogram_base import SpectrogramAugmentation


@dataclass(frozen=True, slots=True)
class BatchOfWaveforms:
    """From an augmentation of a waveform to one of a batch of them.

    Attributes
    ----------
    augment : callable
        From a waveform, its sample rate and a `numpy.random.Generator` to a waveform; a
        `WaveformBetweenClass`; or a `Compose` that ends in one, which mixes what is augmented.
    sample_rate : int
        Samples per second.
    """

    augment: object
    sample_rate: int

    def __call__(self, batch, generator):
        """Augment each waveform of a batch with a generator of its own, then mix them.

        Parameters
        ----------
        batch : SpectrogramBatch
            Frames of one band, the samples.
        generator : torch.Generator
            The source of randomness.

        Returns
        -------
        batch : SpectrogramBatch
            The augmented batch, as long as its longest waveform now is.
        """
        augment, mixing = split_mixing(self.augment)
        if augment is not None:
            batch = self._augment_each(augment, batch, generator)
        return batch if mixing is None else mixing(batch, generator)

    def _augment_each(self, augment, batch, generator):
        seeds = torch.randint(2**62, (len(batch.frames),), generator=generator).tolist()
        waveforms = batch.frames[..., 0].cpu().numpy()
        augmented = [
            self._augmented(augment, waveform[:n_samples], seed)
            for waveform, n_samples, seed in zip(waveforms, batch.lengths.tolist(), seeds)
        ]
        lengths = [len(waveform) for waveform in augmented]
        frames = np.zeros((len(augmented), max(lengths), 1), dtype=waveforms.dtype)
        for row, waveform in zip(frames, augmented):
            row[: len(waveform), 0] = waveform
        device = batch.frames.device
        n_frames = None if len(set(lengths)) == 1 else torch.tensor(lengths, device=device)
        return replace(batch, frames=torch.from_numpy(frames).to(device), n_frames=n_frames)

    def _augmented(self, augment, waveform, seed):
        augmented = augment(waveform, self.sample_rate, np.random.default_rng(seed))
        return check_augmented(augmented, augment, "augment", min_samples=1)


def split_mixing(augment):
    """Return what augments single waveforms, or None, and what mixes them at the end, or None."""
    if isinstance(augment, WaveformBetweenClass):
        return None, augment
    if isinstance(augment, Compose) and augment.steps:
        last = augment.steps[-1]
        last = last[1] if isinstance(last, tuple) else last
        if isinstance(last, WaveformBetweenClass):
            return Compose(augment.steps[:-1]), last
    return augment, None


def check_augments_waveforms(augment, name):
    """Raise if an augmentation, or a step of it, is for spectrograms."""
    augment, _ = split_mixing(augment)
    parts = [augment, *augment.get_params().values()] if hasattr(augment, "get_params") else []
    for part in parts:
        if isinstance(part, SpectrogramAugmentation):
            raise ValueError(
                f"The 'augment' parameter of {name} must be an augmentation of waveforms, such as "
                f"WaveformShift(), or a Compose of several. Got {part!r:.80}, which augments "
                "spectrograms."
            )
