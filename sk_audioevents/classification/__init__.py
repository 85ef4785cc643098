"""Classifiers of sound events."""

from sk_audioevents.classification._pretrained_pipeline import make_pretrained_pipeline
from sk_audioevents.classification._published_front_end import published_front_end
from sk_audioevents.classification._vgg_classifier import VGGEventClassifier
from sk_audioevents.classification._waveform_classifier import WaveformEventClassifier

__all__ = [
    "VGGEventClassifier",
    "WaveformEventClassifier",
    "make_pretrained_pipeline",
    "published_front_end",
]
