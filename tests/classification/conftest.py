"""Small clips with an event in them, and small classifiers."""

import numpy as np
import pytest

from sk_audioevents import VGGEventClassifier


@pytest.fixture
def clips():
    """Return a function that makes noise in which class k is loud in band 2 k + 1 for a while."""

    def make(n_clips=24, n_classes=3, n_frames=30, n_bands=9, seed=0):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n_clips, n_frames, n_bands)).astype(np.float32)
        codes = np.arange(n_clips) % n_classes
        for clip, code in zip(X, codes):
            start = rng.integers(n_frames - 10)
            clip[start : start + 10, 2 * code + 1] += 4
        return X, codes

    return make


@pytest.fixture
def tiny():
    """Return a function that makes a classifier of few parameters."""

    def make(**parameters):
        small = {"channels": (4, 4), "embedding_dim": 8, "max_epochs": 5, "learning_rate": 0.01}
        return VGGEventClassifier(**small | {"random_state": 0, "batch_size": 8} | parameters)

    return make
