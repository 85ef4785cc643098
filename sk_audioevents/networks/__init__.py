"""Torch modules: blocks, poolings of segments, LSTM, losses and the networks."""

from sk_audioevents.networks._kumar2018 import Kumar2018Network
from sk_audioevents.networks._losses import (
    binary_cross_entropy,
    cross_entropy,
    focal_loss,
    smooth_labels,
)
from sk_audioevents.networks._panns import PANNsNetwork
from sk_audioevents.networks._pooling import ClipScores, SegmentPooling
from sk_audioevents.networks._vgg import VGGNetwork
from sk_audioevents.networks._waveform import WaveformNetwork

__all__ = [
    "ClipScores",
    "Kumar2018Network",
    "PANNsNetwork",
    "SegmentPooling",
    "VGGNetwork",
    "WaveformNetwork",
    "binary_cross_entropy",
    "cross_entropy",
    "focal_loss",
    "smooth_labels",
]
