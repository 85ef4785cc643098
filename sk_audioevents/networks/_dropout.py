"""Dropout that is drawn from a seed of its own, not from torch's global random state."""

import torch
from torch import nn


class Dropout(nn.Module):
    """Set a random share of the values to 0 in training, and scale the others up.

    What is dropped depends on the seed and on how often the layer was used since, so that a
    training gives the same bits each time and can be taken up between epochs.

    Parameters
    ----------
    rate : float
        The share, from 0 to below 1.

    References
    ----------
    .. [1] N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, "Dropout: a
       simple way to prevent neural networks from overfitting", JMLR 15(56), 2014.
    """

    def __init__(self, rate):
        super().__init__()
        self.rate = rate
        self.seed(0)

    def seed(self, seed):
        """Decide what is dropped from now on.

        Parameters
        ----------
        seed : int
            The seed, from 0 on.
        """
        self._seed, self._n_uses = seed, 0

    def forward(self, x):
        """Return x of any shape with some values 0; x itself in evaluation."""
        if not self.training or self.rate == 0:
            return x
        return x * self._mask(x)

    @torch.compiler.disable  # it has no generators
    def _mask(self, x):
        generator = torch.Generator(x.device).manual_seed(self._seed + self._n_uses)
        self._n_uses += 1
        kept = 1 - self.rate
        return torch.empty_like(x).bernoulli_(kept, generator=generator).div_(kept)
