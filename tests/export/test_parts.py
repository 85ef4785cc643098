"""What can be exported, and what an error says of the rest."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_audioevents import (
    LogMelTransformer,
    SLATSegmenter,
    SoundEventDetector,
    VGGEventClassifier,
    WaveformEventClassifier,
)
from sk_audioevents.export._parts import model_parts


@pytest.fixture(scope="module")
def classifier():
    """Return a fitted classifier."""
    frames = np.random.default_rng(0).normal(size=(4, 20, 6)).astype(np.float32)
    return VGGEventClassifier(channels=(3,), embedding_dim=4, max_epochs=1).fit(frames, [0, 1] * 2)


def test_steps_of_pipelines_in_pipelines_are_found(classifier):
    front_end, segmenter = LogMelTransformer(), SLATSegmenter()
    inner = make_pipeline("passthrough", front_end, segmenter)
    assert model_parts(make_pipeline(inner, None, classifier)) == (front_end, segmenter, classifier)


def test_a_frozen_classifier_is_the_classifier(classifier):
    front_end = LogMelTransformer()
    model = make_pipeline(front_end, FrozenEstimator(classifier))
    assert model_parts(model) == (front_end, None, classifier)


def test_a_classifier_may_stand_alone(classifier):
    assert model_parts(classifier) == (None, None, classifier)


@pytest.mark.parametrize(
    "before",
    [
        [FunctionTransformer()],
        [LogMelTransformer(), FunctionTransformer()],
        [SLATSegmenter(), LogMelTransformer()],
    ],
)
def test_other_steps_are_an_error(classifier, before):
    found = ", ".join(type(step).__name__ for step in before)
    with pytest.raises(TypeError, match=f"Got {found}, VGGEventClassifier instead"):
        model_parts(make_pipeline(*before, classifier))


@pytest.mark.parametrize("model", [LogisticRegression(), make_pipeline(LogisticRegression())])
def test_other_classifiers_are_an_error(model):
    with pytest.raises(TypeError, match="Got LogisticRegression instead"):
        model_parts(model)


def test_a_waveform_classifier_stands_alone():
    with pytest.raises(TypeError, match="Got LogMelTransformer, WaveformEventClassifier instead"):
        model_parts(make_pipeline(LogMelTransformer(), WaveformEventClassifier()))


def test_a_fitted_detector_is_told_where_its_pipeline_is(classifier):
    model = make_pipeline(LogMelTransformer(n_mels=6), classifier)
    detector = SoundEventDetector(FrozenEstimator(model), threshold=0.5)
    detector.fit(np.zeros((2, 4000)), [0, 1])
    with pytest.raises(TypeError, match="pass the 'estimator_' of a detector"):
        model_parts(detector)


def test_a_fitted_search_is_told_where_its_best_is(classifier):
    search = GridSearchCV(classifier, {})
    search.best_estimator_ = classifier
    with pytest.raises(TypeError, match="pass the 'best_estimator_' of a search"):
        model_parts(search)


def test_a_model_that_is_not_fitted_is_an_error():
    with pytest.raises(NotFittedError, match="This VGGEventClassifier instance is not fitted"):
        model_parts(make_pipeline(LogMelTransformer(), VGGEventClassifier()))
