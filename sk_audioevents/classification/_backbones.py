"""The networks that a `VGGEventClassifier` can train, by name."""

from numbers import Integral

from sk_audioevents.classification._layer_sizes import check_sizes, is_positive
from sk_audioevents.networks import Kumar2018Network, PANNsNetwork, VGGNetwork
from sk_audioevents.networks._panns import PANNS_SHAPES
from sk_audioevents.networks._vgg import CHANNELS

BACKBONES = ("vgg", "kumar2018", *PANNS_SHAPES)
EMBEDDING_DIM = 1024  # of the networks that are no PANNs


def backbone_network(estimator):
    """Return the network of a classifier, and those of its parameters that not all networks have.

    Parameters
    ----------
    estimator : VGGEventClassifier
        The classifier.

    Returns
    -------
    network : type
        A subclass of SegmentNetwork.
    parameters : dict
        What it is made with, beside the bands and the head.

    Raises
    ------
    ValueError
        If a parameter is set that means nothing to the network, or has a wrong value.
    """
    backbone = estimator.backbone
    if backbone == "vgg":
        _check_default(estimator, "segment_frames", None)
        channels = check_sizes(estimator.channels, "channels", estimator)
        pool_sizes = _checked_pool_sizes(estimator, len(channels))
        return VGGNetwork, {
            "channels": channels,
            "pool_sizes": pool_sizes,
            "embedding_dim": estimator.embedding_dim or EMBEDDING_DIM,
        }
    _check_default(estimator, "channels", CHANNELS)
    _check_default(estimator, "pool_sizes", None)
    if backbone == "kumar2018":
        _check_default(estimator, "segment_frames", None)
        return Kumar2018Network, {"embedding_dim": estimator.embedding_dim or EMBEDDING_DIM}
    shape = PANNS_SHAPES[backbone]
    _check_segment_frames(estimator, shape.step_frames)
    return PANNsNetwork, {
        "layout": backbone,
        "segment_frames": estimator.segment_frames,
        "dropout": bool(estimator.dropout),
        "embedding_dim": estimator.embedding_dim or shape.embedding_dim,
    }


def _check_default(estimator, parameter, default):
    value = getattr(estimator, parameter)
    is_default = value is None if default is None else tuple(value) == default
    if not is_default:
        raise ValueError(
            f"The {parameter!r} parameter of {type(estimator).__name__} means nothing to "
            f"backbone={estimator.backbone!r}, and must be {default!r}. Got {value!r} instead."
        )


def _check_segment_frames(estimator, step_frames):
    value = estimator.segment_frames
    if isinstance(value, Integral) and value % step_frames:
        raise ValueError(
            f"The 'segment_frames' parameter of {type(estimator).__name__} must be None, 'clip' or "
            f"a multiple of {step_frames}, the frames of a step of backbone="
            f"{estimator.backbone!r}. Got {value} instead."
        )


def _checked_pool_sizes(estimator, n_blocks):
    if estimator.pool_sizes is None:
        return None
    sizes = [tuple(size) if hasattr(size, "__len__") else (size,) for size in estimator.pool_sizes]
    pairs = all(len(size) == 2 and all(map(is_positive, size)) for size in sizes)
    if len(sizes) != n_blocks or not pairs:
        raise ValueError(
            f"The 'pool_sizes' parameter of {type(estimator).__name__} must be None or one pair of "
            f"ints (time, bands) from 1 on for each of the {n_blocks} blocks in 'channels'. "
            f"Got {estimator.pool_sizes!r} instead."
        )
    return tuple((int(time), int(bands)) for time, bands in sizes)
