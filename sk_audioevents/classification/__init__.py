"""Classifiers of sound events."""

from sk_audioevents.classification._vgg_classifier import VGGEventClassifier
from sk_audioevents.classification._waveform_classifier import WaveformEventClassifier

__all__ = ["VGGEventClassifier", "WaveformEventClassifier"]
