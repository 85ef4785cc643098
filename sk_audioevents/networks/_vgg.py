"""The fully convolutional VGG network.

A. Kumar, M. Khadkevich and C. Fügen, "Knowledge transfer from weakly labeled audio using
convolutional neural network for sound events and scenes", ICASSP 2018, arXiv:1711.01369, Table 1.
"""

import torch
from torch import nn

from sk_audioevents.networks._blocks import ConvBlock, ConvUnit, valid_frames
from sk_audioevents.networks._segment_network import SegmentNetwork


class VGGNetwork(SegmentNetwork):
    """Log-mel frames of any length → segment logits → pooled class probabilities.

    Blocks of two 3×3 convolutions (the last block: one), each followed by batch norm and ReLU and
    each block closed by max pooling; a convolution over 2 time steps and all bands that are left,
    to the embedding; optionally an LSTM over the segments; a 1×1 convolution to the classes. With
    six blocks that halve time, a segment output sees 128 frames and the next one starts 64 later:
    T frames give K = max(1, ceil(T / 64) - 1) segment outputs, 896 frames thus 13.

    Parameters
    ----------
    n_bands : int
        Number of frequency bands of the input.
    n_outputs : int
        Number of class outputs.
    channels : sequence of int, default=(16, 32, 64, 128, 256, 512)
        Filters of each block.
    pool_sizes : sequence of (int, int), default=None
        By how much each block pools time and bands. None is (2, 2), and (2, 1) where fewer than 4
        bands are left.
    embedding_dim : int, default=1024
        Size of a segment's embedding.
    temporal : {None, "lstm", "bilstm"}, default=None
        The recurrent layer over the segments.
    temporal_dim : int, default=256
        Its number of units, in each direction.
    pooling : {"mean", "max", "attention", "linear_softmax", "auto"}, default="mean"
        How the segments' probabilities become those of the clip: see `SegmentPooling`.
    exclusive : bool, default=False
        Whether the classes exclude each other (softmax) or not (sigmoids).
    seed : int, default=0
        Seed of the initial weights. The global random state is neither read nor changed.

    Attributes
    ----------
    segment_frames : int
        Frames that a segment output is about.
    segment_hop_frames : int
        Frames between the starts of segments.
    context_frames : int
        How many frames on each side of its own the convolutions of a segment output see.

    Notes
    -----
    What differs from the paper: convolutions have no bias (batch norm follows); pooling rounds up,
    so that the end of a clip is seen, which changes nothing where T is a multiple of 64; bands are
    pooled only while at least 4 are left and the embedding's convolution spans those that remain (2
    of 128, as in the paper), so that any number of bands works; inputs are standardised per band by
    the buffers ``band_mean`` and ``band_scale``.
    """

    def __init__(
        self,
        n_bands,
        n_outputs,
        channels=(16, 32, 64, 128, 256, 512),
        pool_sizes=None,
        embedding_dim=1024,
        temporal=None,
        temporal_dim=256,
        pooling="mean",
        exclusive=False,
        seed=0,
    ):
        super().__init__()
        self.segment_hop_frames, self.context_frames = 1, 0
        with torch.device("meta"):  # weights are made once, below, from their own generator
            self.blocks = nn.ModuleList()
            in_channels, bands_left = 1, n_bands
            for i, out_channels in enumerate(channels):
                n_units = 1 if i == len(channels) - 1 else 2
                default = (2, 2 if bands_left >= 4 else 1)
                time_pool, band_pool = default if pool_sizes is None else pool_sizes[i]
                pool_size = (time_pool, min(band_pool, bands_left))
                self.blocks.append(ConvBlock(in_channels, out_channels, n_units, pool_size))
                in_channels, bands_left = out_channels, -(-bands_left // band_pool)
                self.context_frames += n_units * self.segment_hop_frames
                self.segment_hop_frames *= time_pool
            self.embedding = ConvUnit(in_channels, embedding_dim, kernel_size=(2, bands_left))
            self._add_head(embedding_dim, n_outputs, temporal, temporal_dim, pooling, exclusive)
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
            Log-mel frames, not standardised; what stands after a clip's end does not matter.
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
