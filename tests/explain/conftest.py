"""Small classifiers of every kind, trained once, and one thread for torch."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from sk_audioevents import VGGEventClassifier

N_FRAMES, N_BANDS = 45, 21


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Let torch compute in one thread: more cost more than they give for a few values."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


def make_clips(n_classes, n_clips=54):
    """Return noise (54, 45, 21) with a block of energy whose bands tell the class."""
    rng = np.random.default_rng(0)
    frames = rng.normal(
        np.linspace(-1, 2, N_BANDS), np.linspace(0.8, 1.4, N_BANDS), (n_clips, 45, 21)
    )
    y = np.arange(n_clips) % n_classes
    for clip, label in zip(frames, y):
        start = rng.integers(0, 25)
        clip[start : start + 12, 6 * label : 6 * label + 6] += 4
    return frames, y


@pytest.fixture(scope="session")
def trained():
    """Return a function that gives a fitted classifier of its own, and the clips it learnt."""
    models = {}

    def classifier(pooling="mean", temporal=None, *, n_classes=3, dtype=np.float32, labels=None):
        frames, y = make_clips(n_classes)
        key = pooling, temporal, n_classes, dtype, labels
        if key not in models:
            models[key] = VGGEventClassifier(
                channels=(4, 5, 6),
                embedding_dim=8,
                temporal=temporal,
                temporal_dim=5,
                pooling=pooling,
                max_epochs=40,
                batch_size=64,
                learning_rate=0.02,
                random_state=0,
            ).fit(frames.astype(dtype), y if labels is None else np.asarray(labels)[y])
            models[key].net_.module_.eval()
        return deepcopy(models[key]), frames[:18].astype(dtype)

    return classifier
