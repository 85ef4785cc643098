"""Classifiers of sound events."""

from sk_audioevents.classification._vgg_classifier import VGGEventClassifier

__all__ = ["VGGEventClassifier"]
