"""What all augmentations of spectrograms share: draw the parameters on the CPU, then apply them."""

import torch
from sklearn.base import BaseEstimator

from sk_audioevents.augmentation._batch import SpectrogramBatch
from sk_audioevents.augmentation._ranges import PROBABILITY


class SpectrogramAugmentation(BaseEstimator):
    """Base of the augmentations of batches of spectrograms.

    A subclass has a parameter ``probability`` and implements two steps. ``_draw(batch, generator)``
    returns the parameters as a dict of CPU tensors, one row a clip, so that the same generator
    draws the same on any device. ``_apply(batch, **drawn)`` gets them on the device of the batch,
    and must not draw anything.
    """

    _parameter_constraints = {"probability": PROBABILITY}

    def __call__(self, batch, generator):
        """Augment a batch.

        Parameters
        ----------
        batch : SpectrogramBatch
            The batch; it is not changed.
        generator : torch.Generator
            A CPU generator, the only source of randomness.

        Returns
        -------
        batch : SpectrogramBatch
            The augmented batch, of the same shapes. Each clip was augmented with parameters of its
            own, or left as it was.

        Raises
        ------
        TypeError
            If the batch is something else, or the generator, or it is on another device.
        ValueError
            If a parameter is out of its range.
        """
        self._validate_params()
        name = type(self).__name__
        if not isinstance(batch, SpectrogramBatch):
            raise TypeError(
                f"{name} augments a SpectrogramBatch. Got a {type(batch).__name__}: is {name} "
                "meant to be the 'augment' of a classifier?"
            )
        if not isinstance(generator, torch.Generator) or generator.device.type != "cpu":
            raise TypeError(
                f"The generator of {name} must be a torch.Generator on the CPU, also for batches "
                f"on another device, so that all devices draw the same. Got {generator!r:.80}."
            )
        drawn = self._draw(batch, generator)
        return self._apply(batch, **{key: _move(value, batch) for key, value in drawn.items()})

    def _draw_chosen(self, n_clips, generator):
        """Draw which clips are augmented at all."""
        return torch.rand(n_clips, dtype=torch.float64, generator=generator) < self.probability


def draw_uniform(low, high, shape, generator):
    """Draw from the uniform distribution, in double precision whatever the batch has.

    Parameters
    ----------
    low, high : float
        The bounds.
    shape : int or tuple of int
        How many.
    generator : torch.Generator
        The source of randomness.

    Returns
    -------
    values : float64 Tensor
        The numbers.
    """
    return low + (high - low) * torch.rand(shape, dtype=torch.float64, generator=generator)


def choose_integer(share, n_choices):
    """Turn uniform numbers from 0 to 1 into integers from 0 to n_choices - 1.

    Parameters
    ----------
    share : Tensor
        The numbers; 1 itself may have come about by rounding.
    n_choices : int64 Tensor
        How many integers there are to choose from, at least 1.

    Returns
    -------
    integers : int64 Tensor
        All equally likely.
    """
    return torch.minimum((share * n_choices).long(), n_choices - 1)


def _move(value, batch):
    dtype = batch.frames.dtype if value.is_floating_point() else value.dtype
    return value.to(device=batch.frames.device, dtype=dtype)
