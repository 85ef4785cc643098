"""The fully convolutional VGG network.

A. Kumar, M. Khadkevich and C. Fügen, "Knowledge transfer from weakly labeled audio using
convolutional neural network for sound events and scenes", ICASSP 2018, arXiv:1711.01369, Table 1.
"""

from sk_audioevents.networks._block_network import BlockNetwork
from sk_audioevents.networks._convolution_network import BlockShape

CHANNELS = (16, 32, 64, 128, 256, 512)


class VGGNetwork(BlockNetwork):
    """Log-mel frames of any length → segment logits → pooled class probabilities.

    Blocks of two 3×3 convolutions (the last block: one), each followed by batch norm and ReLU and
    each block closed by max pooling; a convolution over 2 time steps and all bands that are left,
    to the embedding; optionally an LSTM over the segments, whose outputs stand beside their
    embeddings; a 1×1 convolution to the classes. With six blocks that halve time, a segment output
    sees 128 frames and the next one starts 64 later: T frames give K = max(1, ceil(T / 64) - 1)
    segment outputs, 896 frames thus 13.

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

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.networks import VGGNetwork
    >>> network = VGGNetwork(n_bands=128, n_outputs=10).eval()
    >>> network.segment_logits(torch.zeros(1, 896, 128))[0].shape
    torch.Size([1, 13, 10])
    """

    def __init__(
        self,
        n_bands,
        n_outputs,
        channels=CHANNELS,
        pool_sizes=None,
        embedding_dim=1024,
        temporal=None,
        temporal_dim=256,
        pooling="mean",
        exclusive=False,
        seed=0,
    ):
        head = {
            "n_outputs": n_outputs,
            "temporal": temporal,
            "temporal_dim": temporal_dim,
            "pooling": pooling,
            "exclusive": exclusive,
        }
        blocks = vgg_blocks(n_bands, channels, pool_sizes)
        super().__init__(n_bands, blocks, embedding_dim, head, seed)


def vgg_blocks(n_bands, channels=CHANNELS, pool_sizes=None, rounds_up=True):
    """Yield the shape of each block of a VGG network.

    Parameters
    ----------
    n_bands : int
        Number of bands of the input.
    channels, pool_sizes
        As for `VGGNetwork`.
    rounds_up : bool, default=True
        Whether pooling rounds the number of bands up.

    Yields
    ------
    block : BlockShape
        The sizes of a block.
    """
    for i, n_filters in enumerate(channels):
        n_units = 1 if i == len(channels) - 1 else 2
        default = (2, 2 if n_bands >= 4 else 1)
        time_pool, band_pool = default if pool_sizes is None else pool_sizes[i]
        yield BlockShape(n_filters, n_units, (time_pool, min(band_pool, n_bands)))
        n_bands = -(-n_bands // band_pool) if rounds_up else n_bands // band_pool
