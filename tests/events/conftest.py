"""A small classifier of segments, trained once, and a recording to try it on."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from sk_audioevents import LogMelTransformer, VGGEventClassifier
from sk_audioevents.datasets import make_sound_events

SAMPLE_RATE = 8000


@pytest.fixture(scope="session")
def make_model():
    """Return a function that makes a pipeline: segments of 16 frames, 8 apart, which is 0.2 s."""

    def make(top_db=None, center=True, **parameters):
        frames = LogMelTransformer(
            sample_rate=SAMPLE_RATE,
            n_fft=512,
            hop_length=200,
            n_mels=32,
            top_db=top_db,
            center=center,
        )
        tiny = {"channels": (4, 8, 8), "embedding_dim": 16, "max_epochs": 15, "batch_size": 4}
        classifier = VGGEventClassifier(**tiny | {"random_state": 0} | parameters)
        return make_pipeline(frames, classifier)

    return make


@pytest.fixture(scope="session")
def sounds():
    """Return clips of three classes."""
    return make_sound_events(
        n_clips=36, n_classes=3, duration=1.5, sample_rate=SAMPLE_RATE, random_state=0
    )


@pytest.fixture(scope="session")
def labels(sounds):
    """Return the label of each clip."""
    return sounds.target_names[sounds.target]


@pytest.fixture(scope="session")
def model(make_model, sounds, labels):
    """Return a fitted pipeline; tests must not change it."""
    return make_model().fit(sounds.waveforms, labels)


@pytest.fixture(scope="session")
def recording(sounds):
    """Return a recording of 50.1 s, which no number of segments fills."""
    return np.concatenate(list(sounds.waveforms))[: int(50.1 * SAMPLE_RATE)]
