"""The convolutions of a VGG network with batch norm folded in, run without touching the module."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from sk_audioevents.explain._convolution import Convolution, Products


@dataclass(frozen=True, slots=True)
class Pooling:
    """What a max pooling took from where.

    Attributes
    ----------
    size : tuple of two int
        By how much time and bands are pooled.
    indices : Tensor of shape (B, C, T', F')
        Flat place of each largest value.
    shape : tuple of int
        Shape (B, C, T, F) of the input.
    """

    size: tuple
    indices: torch.Tensor
    shape: tuple

    def unpool(self, relevance):
        """Give the relevance of each output to the input that it is."""
        return functional.max_unpool2d(
            relevance, self.indices, self.size, output_size=self.shape[2:]
        )


class FoldedNetwork:
    """From frames to embeddings, as a `VGGNetwork` does in evaluation.

    Only the weights of the module are read: neither its mode nor anything else of it changes, and
    its gradients are not computed.

    Parameters
    ----------
    module : BlockNetwork
        The network.
    """

    def __init__(self, module):
        self.band_mean, self.band_scale = module.band_mean, module.band_scale
        self.steps = []  # convolutions, each followed by a ReLU, and sizes of max poolings
        for block in module.blocks:
            self.steps += [Convolution.from_unit(unit) for unit in block.units]
            self.steps.append(_pair(block.pool_size))
        self.steps.append(Convolution.from_unit(module.embedding))
        self.n_layers = sum(isinstance(step, Convolution) for step in self.steps)

    def standardise(self, frames):
        """Map frames (B, T, n_bands) to what the first convolution sees, (B, 1, T, n_bands)."""
        return ((frames - self.band_mean) / self.band_scale)[:, None]

    def run(self, x, start=None, stop=None):
        """Run some of the steps, by default from standardised frames to embeddings.

        Parameters
        ----------
        x : Tensor of shape (B, C, T, F)
            What the first of the steps gets.
        start, stop : int, default=None
            A slice of ``steps``.

        Returns
        -------
        x : Tensor of shape (B, C', T', F')
            What the last of them gives; embeddings have shape (B, embedding_dim, K, 1).
        """
        for step in self.steps[start:stop]:
            if isinstance(step, Convolution):
                x = torch.relu(step.within(x.shape[2])(x))
            else:
                x = functional.max_pool2d(x, step, ceil_mode=True)
        return x

    @torch.no_grad()
    def record(self, x):
        """Run all steps, and note what relevance needs on its way back.

        Parameters
        ----------
        x : Tensor of shape (B, 1, T, n_bands)
            Standardised frames.

        Returns
        -------
        embeddings : Tensor of shape (B, embedding_dim, K, 1)
            The embeddings.
        record : list of Products and Pooling
            The steps in order.
        """
        record = []
        for step in self.steps:
            if isinstance(step, Convolution):
                layer = step.within(x.shape[2])
                output = layer(x)
                record.append(Products(layer, x, output, signed=not record))
                x = torch.relu(output)
            else:
                shape = x.shape
                x, indices = functional.max_pool2d(x, step, ceil_mode=True, return_indices=True)
                record.append(Pooling(step, indices, shape))
        return x, record


@torch.no_grad()
def propagate(record, relevance, rules, distribute):
    """Take relevance from embeddings to standardised frames.

    Parameters
    ----------
    record : list of Products and Pooling
        What `FoldedNetwork.record` noted.
    relevance : Tensor of shape (B, embedding_dim, K, 1)
        Relevance of the embeddings.
    rules : list of Rule
        The rule of each convolution.
    distribute : bool
        Whether biases give away their share.

    Returns
    -------
    relevance : Tensor of shape (B, 1, T, n_bands)
        Relevance of the frames.
    kept : float64 Tensor of shape (B,)
        What biases and stabilisers kept.
    """
    rules = list(rules)
    total = torch.zeros(len(relevance), dtype=torch.float64, device=relevance.device)
    for step in reversed(record):
        if isinstance(step, Pooling):
            relevance = step.unpool(relevance)
        else:
            relevance, kept = rules.pop().propagate(step, relevance, distribute)
            total += kept
    return relevance, total


def _pair(size):
    return (size, size) if isinstance(size, int) else tuple(size)
