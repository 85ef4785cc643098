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


class ConvolutionNetwork(SegmentNetwork):
    """Frames → blocks of convolutions that pool time: steps → embeddings of segments.

    Here a segment is two steps, which a convolution makes an embedding of.

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
    pooling : {"max", "mean"}, default="max"
        How blocks pool.
    dropout : float, default=0.0
        What share of its output each block drops in training.
    """

    def __init__(self, n_bands, blocks, embedding_dim, head, seed, pooling="max", dropout=0.0):
        super().__init__()
        self.step_frames, self.context_frames = 1, 0
        with torch.device("meta"):  # weights are made once, below, from their own generator
            self._add_band_norm(n_bands)
            self.blocks = nn.ModuleList()
            in_channels, bands_left = 1, n_bands
            for block in blocks:
                self.blocks.append(ConvBlock(in_channels, *block, pooling, self.rounds_up, dropout))
                in_channels = block.n_filters
                bands_left = self.n_pooled(bands_left, block.pool_size[1])
                reach = block.kernel_size[0] // 2
                self.context_frames += block.n_units * reach * self.step_frames
                self.step_frames *= block.pool_size[0]
            self._add_embedding(in_channels, bands_left, embedding_dim)
            self._add_head(embedding_dim, **head)
        self.to_empty(device="cpu")
        self.register_buffer("band_mean", torch.zeros(n_bands))
        self.register_buffer("band_scale", torch.ones(n_bands))
        self.reset_parameters(torch.Generator().manual_seed(seed))

    def _add_band_norm(self, n_bands):
        """Add what follows the standardisation; called where tensors are on the meta device."""

    def _add_embedding(self, in_channels, bands_left, embedding_dim):
        """Add what makes an embedding of steps; called where tensors are on the meta device."""
        self.embedding = ConvUnit(in_channels, embedding_dim, (self.segment_steps, bands_left))

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

    def body_stages(self):
        """Return the blocks and the embedding.

        Returns
        -------
        stages : list of (str, list of Module)
            "block1", "block2", ..., "embedding", each with its module.
        """
        blocks = [(f"block{i}", [block]) for i, block in enumerate(self.blocks, start=1)]
        return [*blocks, ("embedding", [self.embedding])]

    def encode(self, frames, n_frames=None, sample_weight=None):
        """Compute what the blocks leave of clips.

        Parameters
        ----------
        frames, n_frames, sample_weight : Tensors
            As for `embed`.

        Returns
        -------
        steps : Tensor of shape (B, channels, S, bands)
            The steps; zeros after a clip's end.
        n_steps : int64 Tensor of shape (B,) or None
            How many of the S are the clip's own; None for all.
        """
        weight = per_clip(sample_weight)
        x = ((frames - self.band_mean) / self.band_scale)[:, None]  # (B, 1, T, n_bands)
        x = self._normalised(x, valid_frames(n_frames, x.shape[2], x.dtype), weight)
        x, n_frames = self._lengthened(x, n_frames)
        valid = valid_frames(n_frames, x.shape[2], x.dtype)
        for block in self.blocks:
            x = block(x, valid, weight)  # (B, channels, T / time_pool, bands / band_pool)
            if n_frames is not None:
                n_frames = self.n_pooled(n_frames, block.pool_size[0])
                valid = valid_frames(n_frames, x.shape[2], x.dtype)
                x = x if self.rounds_up else x * valid  # a window that a clip does not fill
        return x, n_frames

    def _normalised(self, x, valid, weight):  # noqa: ARG002
        """Return standardised frames (B, 1, T, n_bands), zeros after a clip's end."""
        return x if valid is None else x * valid

    def _lengthened(self, x, n_frames):
        """Return clips with zeros up to the shortest length that the blocks leave a step of."""
        least = 1 if self.rounds_up else self.least_steps * self.step_frames
        n_frames = None if n_frames is None else n_frames.clamp_min(least)
        return with_steps(x, least), n_frames

    def join(self, steps, n_steps=None, sample_weight=None):
        """Compute the embeddings of segments from what the blocks left.

        Parameters
        ----------
        steps, n_steps : Tensors
            What `encode` returned.
        sample_weight : Tensor of shape (B,), default=None
            Weight of each clip in batch norm, in training.

        Returns
        -------
        embeddings : Tensor of shape (B, embedding_dim, K, 1)
            The embeddings; zeros after a clip's end.
        """
        steps = with_steps(steps, self.segment_steps)  # a clip within half a segment has one
        n_segments = None if n_steps is None else self.n_segments_of(n_steps)
        valid = valid_frames(n_segments, steps.shape[2] - self.segment_steps + 1, steps.dtype)
        return self.embedding(steps, valid, per_clip(sample_weight))


def with_steps(x, n_steps):
    """Return x of shape (B, C, T, F) with zeros after it if it has fewer than so many steps T."""
    n_missing = n_steps - x.shape[2]
    return nn.functional.pad(x, (0, 0, 0, n_missing)) if n_missing > 0 else x


def per_clip(weight):
    """Return weights (B,) of clips such that they broadcast to (B, C, T, F); None for None."""
    return None if weight is None else weight[:, None, None, None]
