"""Torch modules: blocks, pooling of segments, losses and the VGG network."""

from sk_audioevents.networks._losses import binary_cross_entropy, cross_entropy, focal_loss
from sk_audioevents.networks._pooling import ClipScores, SegmentPooling
from sk_audioevents.networks._vgg import VGGNetwork

__all__ = [
    "ClipScores",
    "SegmentPooling",
    "VGGNetwork",
    "binary_cross_entropy",
    "cross_entropy",
    "focal_loss",
]
