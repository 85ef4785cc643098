"""The fully convolutional VGG network.

A. Kumar, M. Khadkevich and C. Fügen, "Knowledge transfer from weakly labeled audio using
convolutional neural network for sound events and scenes", ICASSP 2018, arXiv:1711.01369, Table 1.
"""

import torch
from torch import nn

from sk_audioevents.networks._blocks import ConvBlock, ConvUnit, valid_frames
from sk_audioevents.networks._pooling import SegmentPooling


class VGGNetwork(nn.Module):
    """Log-mel frames of any length → segment logits → pooled class probabilities.

    Blocks of two 3×3 convolutions (the last block: one), each followed by batch norm and ReLU and
    each block closed by 2×2 max pooling; a 2×2 convolution to the embedding; a 1×1 convolution to
    the classes. With six blocks a segment output sees 128 frames and the next one starts 64 later:
    T frames give K = max(1, ceil(T / 64) - 1) segment outputs, 896 frames thus 13.

    Parameters
    ----------
    n_bands : int
        Number of frequency bands of the input.
    n_outputs : int
        Number of class outputs.
    channels : sequence of int, default=(16, 32, 64, 128, 256, 512)
        Filters of each block. Each block halves the time resolution.
    embedding_dim : int, default=1024
        Size of a segment's embedding.
    pooling : {"mean", "max"}, default="mean"
        How the segments' probabilities become those of the clip.
    exclusive : bool, default=False
        Whether the classes exclude each other (softmax) or not (sigmoids).
    seed : int, default=0
        Seed of the initial weights. The global random state is neither read nor changed.

    Notes
    -----
    What differs from the paper: convolutions have no bias (batch norm follows); pooling rounds up,
    so that the end of a clip is seen, which changes nothing where T is a multiple of 64; frequency
    is halved only while at least 4 bands are left and the embedding's convolution spans the bands
    that remain (2 of 128, as in the paper), so that any number of bands works; inputs are
    standardised per band by the buffers ``band_mean`` and ``band_scale``.
    """

    def __init__(
        self,
        n_bands,
        n_outputs,
        channels=(16, 32, 64, 128, 256, 512),
        embedding_dim=1024,
        pooling="mean",
        exclusive=False,
        seed=0,
    ):
        super().__init__()
        self.segment_hop_frames = 2 ** len(channels)
        self.segment_frames = 2 * self.segment_hop_frames
        with torch.device("meta"):  # weights are made once, below, from their own generator
            self.blocks = nn.ModuleList()
            in_channels, bands_left = 1, n_bands
            for i, out_channels in enumerate(channels):
                n_units = 1 if i == len(channels) - 1 else 2
                band_pool = 2 if bands_left >= 4 else 1
                self.blocks.append(ConvBlock(in_channels, out_channels, n_units, (2, band_pool)))
                in_channels, bands_left = out_channels, -(-bands_left // band_pool)
            self.embedding = ConvUnit(in_channels, embedding_dim, kernel_size=(2, bands_left))
            self.classes = nn.Conv2d(embedding_dim, n_outputs, kernel_size=1)
        self.pooling = SegmentPooling(pooling, exclusive)
        self.to_empty(device="cpu")
        self.register_buffer("band_mean", torch.zeros(n_bands))
        self.register_buffer("band_scale", torch.ones(n_bands))
        self.reset_parameters(torch.Generator().manual_seed(seed))

    def reset_parameters(self, generator):
        """Draw the weights as He et al. (2015) do; the class layer begins at 0.

        So every class begins with probability 1/2 (or 1/n), whatever the input, and what the first
        steps learn of the classes' frequencies holds for all inputs.

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
        nn.init.zeros_(self.classes.weight)
        nn.init.zeros_(self.classes.bias)

    def segment_logits(self, frames, n_frames=None, sample_weight=None):
        """Compute the class logits of each segment.

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
        logits : Tensor of shape (B, K, n_outputs)
            The logits.
        n_segments : int64 Tensor of shape (B,) or None
            How many of the K outputs are the clip's own; None for all.
        """
        weight = None if sample_weight is None else sample_weight[:, None, None, None]
        x = ((frames - self.band_mean) / self.band_scale)[:, None]  # (B, 1, T, n_bands)
        valid = valid_frames(n_frames, x.shape[2], x.dtype)
        x = x if valid is None else x * valid
        for block in self.blocks:
            x = block(x, valid, weight)  # (B, channels, ceil(T / 2), bands / 2)
            n_frames = None if n_frames is None else (n_frames + 1) // 2
            valid = valid_frames(n_frames, x.shape[2], x.dtype)
        if x.shape[2] == 1:  # a clip within half a segment
            x = nn.functional.pad(x, (0, 0, 0, 1))
        n_segments = None if n_frames is None else (n_frames - 1).clamp_min(1)
        valid = valid_frames(n_segments, x.shape[2] - 1, x.dtype)
        x = self.embedding(x, valid, weight)  # (B, embedding_dim, K, 1)
        return self.classes(x)[..., 0].transpose(1, 2), n_segments

    def forward(self, frames, n_frames=None, sample_weight=None):
        """Compute the class probabilities of clips.

        Parameters
        ----------
        frames : Tensor of shape (B, T, n_bands)
            Log-mel frames, as for `segment_logits`.
        n_frames : int64 Tensor of shape (B,), default=None
            Length of each clip; None where all have T frames.
        sample_weight : Tensor of shape (B,), default=None
            Weight of each clip in batch norm, in training.

        Returns
        -------
        scores : ClipScores of shape (B, n_outputs)
            Log probabilities of the clips.
        """
        return self.pooling(*self.segment_logits(frames, n_frames, sample_weight))
