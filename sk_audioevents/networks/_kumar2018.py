"""The fully convolutional network weak_mxh64_1024, exactly as it was published.

A. Kumar, M. Khadkevich and C. Fügen, "Knowledge transfer from weakly labeled audio using
convolutional neural network for sound events and scenes", ICASSP 2018, arXiv:1711.01369; weights
and layout: github.com/anuragkr90/weak_feature_extractor.
"""

from sk_audioevents.networks._convolution_network import ConvolutionNetwork
from sk_audioevents.networks._vgg import vgg_blocks


class Kumar2018Network(ConvolutionNetwork):
    """Log-mel frames of any length → segment logits → pooled class probabilities, as published.

    The network that `VGGNetwork` is after. It differs from that one where a clip ends: pooling
    rounds down, so that T frames give K = max(1, floor(T / 64) - 1) segment outputs; and a clip of
    less than 128 frames is followed by zeros up to there, which count as frames.

    Parameters
    ----------
    n_bands : int
        Number of frequency bands of the input; 128 in the publication.
    n_outputs : int
        Number of class outputs.
    embedding_dim : int, default=1024
        Size of a segment's embedding.
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
    The published convolutions have biases. Batch norm follows each of them, so they are a part of
    its means.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.networks import Kumar2018Network
    >>> network = Kumar2018Network(n_bands=128, n_outputs=527).eval()
    >>> network.segment_logits(torch.zeros(1, 431, 128))[0].shape
    torch.Size([1, 5, 527])
    """

    rounds_up = False
    least_steps = 2

    def __init__(
        self,
        n_bands,
        n_outputs,
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
        blocks = vgg_blocks(n_bands, rounds_up=False)
        super().__init__(n_bands, blocks, embedding_dim, head, seed)
