"""The fully convolutional network on raw waveforms.

After the 1-D model of Zafar, "Beginner's guide to audio data", a kernel of the competition
Freesound General-Purpose Audio Tagging Challenge (Kaggle 2018; the data are FSDKaggle2018, E.
Fonseca et al., DCASE 2018 Workshop, arXiv:1807.09902).
"""

import math

from sk_audioevents.networks._block_network import BlockNetwork
from sk_audioevents.networks._convolution_network import BlockShape


class WaveformNetwork(BlockNetwork):
    """Waveforms of any length → segment logits → pooled class probabilities.

    Blocks of two convolutions in time, each followed by batch norm and ReLU and each block closed
    by max pooling, the last one over half a segment; a 1×1 convolution that narrows them; a
    convolution over the two halves of a segment, to its embedding; optionally an LSTM over the
    segments, whose outputs stand beside their embeddings; a 1×1 convolution to the classes. By
    default, at 16 kHz, the blocks make a step of 20 ms, and a segment output is about 2 s of which
    the next one shares the second half: T samples give K = max(1, ceil(T / 16,000) - 1) segment
    outputs, 5 s thus 4.

    To the parts that it shares with `VGGNetwork`, a waveform is frames of one sample and one band.

    Parameters
    ----------
    n_outputs : int
        Number of class outputs.
    segment_samples : int, default=32000
        How many samples a segment output is about. Half of it is rounded to whole steps, at least
        one, of as many samples as the product of ``pool_sizes``.
    channels : sequence of int, default=(16, 32, 32, 256)
        Filters of each block.
    kernel_sizes : sequence of int, default=(9, 3, 3, 3)
        Length of the filters of each block; odd.
    pool_sizes : sequence of int, default=(16, 4, 5)
        By how much each block but the last pools time.
    hidden_dim : int, default=64
        Filters of the narrow layer before the embedding.
    embedding_dim : int, default=1028
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
        Samples that a segment output is about.
    segment_hop_frames : int
        Samples between the starts of segments.
    context_frames : int
        How many samples on each side of its own the convolutions of a segment output see: 808 by
        default, 0.05 s.

    Notes
    -----
    What differs from the kernel: it reads windows of 2 s, one output each, with a global maximum
    before its two dense layers; here each half of a segment has its maximum and its narrow layer,
    and the embedding's convolution is the dense layer over both halves, so that one pass serves
    clips of any length. Convolutions are padded with zeros rather than losing their ends. The third
    pooling is 5, not 4, so that a second at 16 kHz is a whole number of steps (50). Batch norm
    stands in place of biases and of dropout, which would draw from torch's global random state; and
    waveforms are standardised by the buffers ``band_mean`` and ``band_scale``, not each by its own
    extremes, so that a recording can be read in parts.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.networks import WaveformNetwork
    >>> network = WaveformNetwork(n_outputs=41).eval()
    >>> logits, _ = network.segment_logits(torch.zeros(1, 5 * 16000, 1))
    >>> logits.shape
    torch.Size([1, 4, 41])
    """

    def __init__(
        self,
        n_outputs,
        segment_samples=32000,
        channels=(16, 32, 32, 256),
        kernel_sizes=(9, 3, 3, 3),
        pool_sizes=(16, 4, 5),  # 4 and 4 in the kernel
        hidden_dim=64,
        embedding_dim=1028,
        temporal=None,
        temporal_dim=256,
        pooling="mean",
        exclusive=False,
        seed=0,
    ):
        step = math.prod(pool_sizes)
        steps_of_half = max(1, round(segment_samples / (2 * step)))
        blocks = [
            BlockShape(n_filters, 2, (pool_size, 1), (kernel_size, 1))
            for n_filters, kernel_size, pool_size in zip(
                channels, kernel_sizes, (*pool_sizes, steps_of_half), strict=True
            )
        ]
        blocks.append(BlockShape(hidden_dim, 1, (1, 1), (1, 1)))  # the kernel's first dense layer
        head = {
            "n_outputs": n_outputs,
            "temporal": temporal,
            "temporal_dim": temporal_dim,
            "pooling": pooling,
            "exclusive": exclusive,
        }
        super().__init__(1, blocks, embedding_dim, head, seed)
