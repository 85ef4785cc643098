"""What networks share whose blocks pool by maxima and see the end of a clip."""

from sk_audioevents.networks._convolution_network import ConvolutionNetwork


class BlockNetwork(ConvolutionNetwork):
    """Frames → blocks of convolutions with max pooling → a convolution over two steps: embeddings.

    Segments overlap by half, and pooling rounds up, so that the last frames of a clip are not
    thrown away. These are the networks that are explained and exported.
    """

    rounds_up = True
