"""What networks share that are blocks of convolutions, whatever their input is."""

from typing import NamedTuple

import torch
from torch import nn

from sk_audioevents.networks._blocks import ConvBlock, ConvUnit, valid_frames
from sk_audioevents.networks._segment_network import SegmentNetwork


class BlockShape(NamedTuple):
    """The sizes of a `ConvBlock`.

    Attributes
    ----------
    n_filters : int
        Filters of each of its convolutions.
    n_units : int
        Number of its convolutions.
    pool_size : tuple of two int
        By how much it pools time and bands.
    kernel_size : tuple of two int, default=(3, 3)
        How many time steps and bands a filter spans; odd.
    """

    n_filters: int
    n_units: int
    pool_size: tuple
    kernel_size: tuple = (3, 3)


class BlockNetwork(SegmentNetwork):
    """Frames → blocks of convolutions that pool time → a convolution over two steps: embeddings.

    A step that the blocks leave is half a segment: segments overlap by half.

    Parameters
    ----------
    n_bands : int
        Number of bands of the input.
    blocks : sequence of BlockShape
        The blocks.
    embedding_dim : int
        Size of a segment's embedding.
    head : dict
        The further parameters of ``_add_head``.
    seed : int
        Seed of the initial weights.
    """

    def __init__(self, n_bands, blocks, embedding_dim, head, seed):
        super().__init__()
        self.segment_hop_frames, self.context_frames = 1, 0
        with torch.device("meta"):  # weights are made once, below, from their own generator
            self.blocks = nn.ModuleList()
            in_channels, bands_left = 1, n_bands
            for block in blocks:
                self.blocks.append(
                    ConvBlock(
                        in_channels,
                        block.n_filters,
                        block.n_units,
                        block.pool_size,
                        block.kernel_size,
                    )
                )
                in_channels, bands_left = block.n_filters, -(-bands_left // block.pool_size[1])
                reach = block.kernel_size[0] // 2
                self.context_frames += block.n_units * reach * self.segment_hop_frames
                self.segment_hop_frames *= block.pool_size[0]
            self.embedding = ConvUnit(in_channels, embedding_dim, kernel_size=(2, bands_left))
            self._add_head(embedding_dim, **head)
        self.segment_frames = 2 * self.segment_hop_frames
        self.to_empty(device="cpu")
        self.register_buffer("band_mean", torch.zeros(n_bands))
        self.register_buffer("band_scale", torch.ones(n_bands))
        self.reset_parameters(torch.Generator().manual_seed(seed))

    def reset_parameters(self, generator):
        """Draw the weights of the convolutions as He et al. (2015) do; the class layer begins at 0.

        Parameters
        ----------
        generator : torch.Generator
            The source of randomness.
        """
        for module in self.modules():
            if isinstance(module, ConvUnit):
                nn.init.kaiming_normal_(
                    module.conv.weight, nonlinearity="relu", generator=generator
                )
                module.norm.reset_parameters()
        self._reset_head(generator)

    def embed(self, frames, n_frames=None, sample_weight=None):
        """Compute the embedding of each segment.

        Parameters
        ----------
        frames : Tensor of shape (B, T, n_bands)
            Frames, not standardised; what stands after a clip's end does not matter.
        n_frames : int64 Tensor of shape (B,), default=None
            Length of each clip; None where all have T frames.
        sample_weight : Tensor of shape (B,), default=None
            Weight of each clip in batch norm, in training.

        Returns
        -------
        embeddings : Tensor of shape (B, embedding_dim, K, 1)
            The embeddings; zeros after a clip's end.
        """
        weight = None if sample_weight is None else sample_weight[:, None, None, None]
        x = ((frames - self.band_mean) / self.band_scale)[:, None]  # (B, 1, T, n_bands)
        valid = valid_frames(n_frames, x.shape[2], x.dtype)
        x = x if valid is None else x * valid
        for block in self.blocks:
            x = block(x, valid, weight)  # (B, channels, ceil(T / time_pool), bands / band_pool)
            n_frames = None if n_frames is None else -(-n_frames // block.pool_size[0])
            valid = valid_frames(n_frames, x.shape[2], x.dtype)
        if x.shape[2] == 1:  # a clip within half a segment
            x = nn.functional.pad(x, (0, 0, 0, 1))
        n_segments = None if n_frames is None else (n_frames - 1).clamp_min(1)
        valid = valid_frames(n_segments, x.shape[2] - 1, x.dtype)
        return self.embedding(x, valid, weight)  # (B, embedding_dim, K, 1)
