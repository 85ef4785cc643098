"""The convolutional networks of PANNs: CNN6, CNN10 and CNN14.

Q. Kong, Y. Cao, T. Iqbal, Y. Wang, W. Wang and M. D. Plumbley, "PANNs: large-scale pretrained audio
neural networks for audio pattern recognition", IEEE/ACM TASLP 28, 2020, arXiv:1912.10211, Table 1;
weights and layout: github.com/qiuqiangkong/audioset_tagging_cnn.
"""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from sk_audioevents.networks._blocks import WeightedBatchNorm2d, frame_weight, valid_frames
from sk_audioevents.networks._convolution_network import (
    BlockShape,
    ConvolutionNetwork,
    with_steps,
)
from sk_audioevents.networks._dropout import Dropout

BLOCK_DROPOUT, EMBEDDING_DROPOUT = 0.2, 0.5
SEGMENT_FRAMES = 96  # 0.96 s of the published features


class PANNsShape(NamedTuple):
    """The sizes of one of the networks.

    Attributes
    ----------
    channels : tuple of int
        Filters of each block.
    n_units : int
        Convolutions of each block.
    kernel_size : int
        How many steps and bands a filter spans.
    n_pooled : int
        How many of the blocks halve time and bands; the last ones of more do not.
    embedding_dim : int
        Size of the embedding in the publication.
    """

    channels: tuple
    n_units: int
    kernel_size: int
    n_pooled: int
    embedding_dim: int

    @property
    def step_frames(self):
        """Frames of a step, which the blocks leave."""
        return 2**self.n_pooled


PANNS_SHAPES = {
    "cnn6": PANNsShape((64, 128, 256, 512), 1, 5, 4, 512),
    "cnn10": PANNsShape((64, 128, 256, 512), 2, 3, 4, 512),
    "cnn14": PANNsShape((64, 128, 256, 512, 1024, 2048), 2, 3, 5, 2048),
}


class PANNsNetwork(ConvolutionNetwork):
    """Log-mel frames → blocks with mean pooling → segment logits → pooled class probabilities.

    Batch norm of each band; blocks of convolutions, each followed by batch norm and ReLU, each
    block closed by mean pooling; the mean over bands; for each segment, the sum of the largest
    value and the mean over its steps; a dense layer with ReLU, to the embedding; optionally an LSTM
    over the segments, whose outputs stand beside their embeddings; a dense layer to the classes.

    Parameters
    ----------
    n_bands : int
        Number of frequency bands of the input; 64 in the publication.
    n_outputs : int
        Number of class outputs.
    layout : {"cnn6", "cnn10", "cnn14"}, default="cnn14"
        Which of the networks: four blocks of one 5×5 convolution; four of two 3×3 convolutions; or
        six of these. A step is 16 frames, and 32 of "cnn14".
    segment_frames : int or "clip", default=None
        Frames of a segment, a multiple of a step; segments start a step apart. None is 96. "clip"
        is one segment of the whole clip, as published.
    dropout : bool, default=True
        Whether training drops 20 % of what each block gives, and half of what the dense layer gets,
        as published.
    embedding_dim : int, default=None
        Size of a segment's embedding. None is that of the publication: 512, and 2048 of "cnn14".
    temporal : {None, "lstm", "bilstm"}, default=None
        The recurrent layer over the segments; the publication has none.
    temporal_dim : int, default=256
        Its number of units, in each direction.
    pooling : {"mean", "max", "attention", "linear_softmax", "auto"}, default="mean"
        How the segments' probabilities become those of the clip: see `SegmentPooling`.
    exclusive : bool, default=False
        Whether the classes exclude each other (softmax) or not (sigmoids).
    seed : int, default=0
        Seed of the initial weights. The global random state is neither read nor changed.

    Notes
    -----
    As in the publication, pooling rounds down: frames at the end of a clip that do not fill a step,
    up to 0.3 s, have none. A clip that is shorter than a segment is a segment of the steps that it
    has; one that is shorter than a step is followed by zeros up to there.

    What differs: bands are halved only while two are left, so that any number of them works, and
    the initial weights are those of He et al. (2015), the class layer's 0. What the publication
    does to spectrograms in training is in `sk_audioevents.augmentation`.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.networks import PANNsNetwork
    >>> network = PANNsNetwork(n_bands=64, n_outputs=527, layout="cnn6").eval()
    >>> network.segment_logits(torch.zeros(1, 500, 64))[0].shape
    torch.Size([1, 26, 527])
    """

    rounds_up = False

    def __init__(
        self,
        n_bands,
        n_outputs,
        layout="cnn14",
        segment_frames=None,
        dropout=True,
        embedding_dim=None,
        temporal=None,
        temporal_dim=256,
        pooling="mean",
        exclusive=False,
        seed=0,
    ):
        shape = PANNS_SHAPES[layout]
        self.segment_steps = None
        if segment_frames != "clip":
            self.segment_steps = (segment_frames or SEGMENT_FRAMES) // shape.step_frames
        head = {
            "n_outputs": n_outputs,
            "temporal": temporal,
            "temporal_dim": temporal_dim,
            "pooling": pooling,
            "exclusive": exclusive,
        }
        super().__init__(
            n_bands,
            _blocks(n_bands, shape),
            shape.embedding_dim if embedding_dim is None else embedding_dim,
            head,
            seed,
            pooling="mean",
            dropout=dropout * BLOCK_DROPOUT,
        )
        self.dropout = Dropout(dropout * EMBEDDING_DROPOUT)
        self.seed_dropout(seed)

    def _add_band_norm(self, n_bands):
        self.band_norm = WeightedBatchNorm2d(n_bands)

    def _add_embedding(self, in_channels, bands_left, embedding_dim):  # noqa: ARG002
        self.embedding = nn.Linear(in_channels, embedding_dim)

    def reset_parameters(self, generator):
        """Draw the weights as He et al. (2015) do; the class layer begins at 0.

        Parameters
        ----------
        generator : torch.Generator
            The source of randomness.
        """
        super().reset_parameters(generator)
        self.band_norm.reset_parameters()
        nn.init.kaiming_normal_(self.embedding.weight, nonlinearity="relu", generator=generator)
        nn.init.zeros_(self.embedding.bias)

    def body_stages(self):
        """Return the blocks, the first one with the batch norm of bands, and the embedding.

        Returns
        -------
        stages : list of (str, list of Module)
            "block1", "block2", ..., "embedding", each with its modules.
        """
        (first, block1), *others, (last, embedding) = super().body_stages()
        first_stage = first, [self.band_norm, *block1]
        return [first_stage, *others, (last, [self.dropout, *embedding])]

    def encode(self, frames, n_frames=None, sample_weight=None):
        """Compute the steps of clips, as means over the bands.

        Parameters
        ----------
        frames, n_frames, sample_weight : Tensors
            As for `embed`.

        Returns
        -------
        steps : Tensor of shape (B, channels, S, 1)
            The steps; zeros after a clip's end.
        n_steps : int64 Tensor of shape (B,) or None
            How many of the S are the clip's own; None for all.
        """
        steps, n_steps = super().encode(frames, n_frames, sample_weight)
        return steps.mean(dim=3, keepdim=True), n_steps

    def _normalised(self, x, valid, weight):
        x = x.transpose(1, 3)  # to batch norm, a band is a channel
        x = self.band_norm(x, frame_weight(valid, weight)).transpose(1, 3)
        return super()._normalised(x, valid, weight)

    def join(self, steps, n_steps=None, sample_weight=None):  # noqa: ARG002
        """Compute the embeddings of segments: a dense layer of the sum of maximum and mean.

        Parameters
        ----------
        steps, n_steps : Tensors
            What `encode` returned.
        sample_weight : Tensor of shape (B,), default=None
            Not used: there is no batch norm here.

        Returns
        -------
        embeddings : Tensor of shape (B, embedding_dim, K, 1)
            The embeddings; zeros after a clip's end.
        """
        size = self.segment_steps or steps.shape[2]
        n_own = n_steps if n_steps is not None else torch.tensor([steps.shape[2]]).to(steps.device)
        steps = with_steps(steps, size)
        # Steps are positive or 0, as padding is: so it is no maximum, and only counts in the mean.
        largest = functional.max_pool2d(steps, (size, 1), stride=1)
        sums = functional.avg_pool2d(steps, (size, 1), stride=1, divisor_override=1)
        x = largest + sums / n_own.clamp_max(size)[:, None, None, None]
        x = self.dropout(x)[..., 0].transpose(1, 2)  # (B, K, channels)
        x = torch.relu(self.embedding(x)).transpose(1, 2)[..., None]
        n_segments = None if n_steps is None else self.n_segments_of(n_steps)
        valid = valid_frames(n_segments, x.shape[2], x.dtype)
        return x if valid is None else x * valid


def _blocks(n_bands, shape):
    """Yield the shape of each block."""
    for i, n_filters in enumerate(shape.channels):
        time_pool = 2 if i < shape.n_pooled else 1
        band_pool = min(time_pool, n_bands)
        kernel_size = (shape.kernel_size, shape.kernel_size)
        yield BlockShape(n_filters, shape.n_units, (time_pool, band_pool), kernel_size)
        n_bands //= band_pool
