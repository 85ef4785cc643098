"""A trained classifier as a step of a pipeline: embeddings of paths for another classifier."""

import numpy as np
import pytest
import soundfile
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sk_audioevents import LogMelTransformer, VGGEventClassifier, WaveformEventClassifier
from sk_audioevents.datasets import make_sound_events

RATE = 8000  # hertz


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Return the paths of 40 clips of one second, and their labels, four names."""
    sounds = make_sound_events(40, n_classes=4, duration=1.0, sample_rate=RATE, random_state=0)
    folder = tmp_path_factory.mktemp("recordings")
    paths = [str(folder / f"{i}.wav") for i in range(40)]
    for path, waveform in zip(paths, sounds.waveforms):
        soundfile.write(path, waveform, RATE)
    return np.array(paths), sounds.target_names[sounds.target]


@pytest.fixture(scope="module")
def features():
    return LogMelTransformer(sample_rate=RATE, n_mels=24)


@pytest.fixture(scope="module")
def trained(recordings, features):
    """Return a classifier that was trained on the clips of two of the labels."""
    paths, labels = recordings
    kept = np.isin(labels, np.unique(labels)[:2])
    classifier = VGGEventClassifier(
        channels=(4, 8), embedding_dim=16, max_epochs=15, batch_size=8, random_state=0
    )
    return classifier.fit(features.transform(paths[kept]), labels[kept])


@pytest.fixture
def model(features, trained):
    return make_pipeline(features, FrozenEstimator(trained), StandardScaler(), LinearSVC())


def test_embeddings_of_paths_serve_another_classifier(model, recordings):
    paths, labels = recordings
    model.fit(paths[::2], labels[::2])
    assert model.score(paths[1::2], labels[1::2]) > 0.6  # four classes, two of them new to it
    assert set(model.classes_) == set(labels)


def test_the_frozen_step_gives_the_embeddings_and_is_not_trained_again(
    model, trained, features, recordings
):
    paths, labels = recordings
    net, n_epochs = trained.net_, trained.n_iter_
    model.fit(paths, labels)
    assert trained.net_ is net
    assert trained.n_iter_ == n_epochs == len(net.history)
    expected = trained.transform(features.transform(paths))
    np.testing.assert_array_equal(model[:2].transform(paths), expected)
    assert expected.shape == (40, 16)


def test_clone_keeps_the_frozen_step(model, trained):
    assert clone(model)[1].estimator is trained


def test_the_columns_of_the_embedding_have_names(model, recordings):
    paths, labels = recordings
    model.fit(paths, labels)
    names = [f"vggeventclassifier{i}" for i in range(16)]
    np.testing.assert_array_equal(model[1:-1].get_feature_names_out(), names)


@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_cross_validation_over_paths(n_jobs, model, recordings):
    scores = cross_val_score(model, *recordings, cv=2, n_jobs=n_jobs, error_score="raise")
    assert scores.mean() > 0.6


def test_a_search_over_what_follows_and_over_the_embedding_itself(model, trained, recordings):
    paths, labels = recordings
    untrained = clone(trained).set_params(max_epochs=1, learning_rate=1e-30)
    grid = {
        "frozenestimator": [FrozenEstimator(trained), untrained],
        "linearsvc__C": [0.1, 1.0],
    }
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(paths, labels)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_score_ > 0.6
    assert search.predict(paths[:3]).shape == (3,)


def test_without_freezing_the_step_is_trained_on_each_fold(features, trained, recordings):
    paths, labels = recordings
    model = make_pipeline(features, trained, StandardScaler(), LinearSVC())
    refit = clone(model).fit(paths, labels)
    assert len(refit[1].classes_) == 4
    assert len(trained.classes_) == 2


def test_a_waveform_classifier_is_a_step_without_features(recordings):
    paths, labels = recordings
    small = {"channels": (4, 6), "kernel_sizes": (9, 3), "pool_sizes": (16,), "hidden_dim": 4}
    trained = WaveformEventClassifier(
        sample_rate=RATE, segment_duration=0.4, **small, embedding_dim=6, max_epochs=2
    ).fit(paths[:20], labels[:20])
    model = make_pipeline(FrozenEstimator(trained), StandardScaler(), LinearSVC())
    scores = cross_val_score(model, paths, labels, cv=2, error_score="raise")
    assert np.isfinite(scores).all()
