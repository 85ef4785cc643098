"""Calibration and conformal sets of a network that reads files."""

import numpy as np
import pytest
import soundfile
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from sk_audioevents import LogMelTransformer, VGGEventClassifier
from sk_audioevents.calibration import ConformalClassifier, expected_calibration_error
from sk_audioevents.datasets import make_sound_events
from sk_audioevents.model_selection import MultilabelStratifiedGroupKFold

RATE = 8000


def network(**parameters):
    settings = {"channels": (8,), "embedding_dim": 8, "max_epochs": 12, "learning_rate": 3e-2}
    return make_pipeline(
        LogMelTransformer(sample_rate=RATE, n_fft=256, hop_length=128, n_mels=16),
        VGGEventClassifier(**(settings | {"random_state": 0} | parameters)),
    )


@pytest.fixture(scope="module")
def sounds():
    return make_sound_events(
        60, n_classes=3, duration=0.5, sample_rate=RATE, snr_db=(10, 20), random_state=0
    )


@pytest.fixture(scope="module")
def clips(sounds, tmp_path_factory):
    """Return the paths of 60 clips, and their labels."""
    folder = tmp_path_factory.mktemp("clips")
    paths = [str(folder / f"{i}.wav") for i in range(60)]
    for path, waveform in zip(paths, sounds.waveforms):
        soundfile.write(path, waveform, RATE, subtype="FLOAT")
    return paths, sounds.target_names[sounds.target]


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
def test_scikit_learn_calibrates_a_pipeline(clips, method):
    X, y = clips
    model = CalibratedClassifierCV(network(), method=method, cv=2).fit(X, y)
    probabilities = model.predict_proba(X)
    assert probabilities.shape == (60, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (model.predict(X) == y).mean() > 0.7
    assert expected_calibration_error(y, probabilities, labels=model.classes_) < 0.3


def test_waveforms_are_calibrated_as_files_are(sounds, clips):
    X, y = clips
    one, two = (
        CalibratedClassifierCV(network(), cv=2).fit(form, y) for form in (sounds.waveforms, X)
    )
    np.testing.assert_allclose(one.predict_proba(sounds.waveforms), two.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("method", ["lac", "aps"])
def test_conformal_sets_of_a_pipeline(clips, method):
    X, y = clips
    model = ConformalClassifier(
        network(), confidence=0.8, method=method, calibration=0.4, random_state=0
    ).fit(X, y)
    sets = model.predict_set(X)
    assert sets.shape == (60, 3)
    assert sets[np.arange(60), np.searchsorted(model.classes_, y)].mean() > 0.7
    assert set(model.predict(X)) <= set(y)


def test_conformal_sets_with_recordings_kept_together(clips):
    X, y = clips
    groups = np.arange(60) // 3
    splitter = MultilabelStratifiedGroupKFold(3)
    model = ConformalClassifier(network(max_epochs=2), calibration=splitter)
    model.fit(X, y, groups=groups)
    _, held_out = next(splitter.split(X, y, groups))
    assert (model.n_calibration_ == len(held_out)).all()


def test_conformal_classifier_in_cross_validation(clips):
    X, y = clips
    model = ConformalClassifier(network(max_epochs=2), random_state=0)
    assert cross_val_score(model, X, y, cv=2, error_score="raise").shape == (2,)


def test_conformal_sets_of_several_labels():
    sounds = make_sound_events(
        60, n_classes=3, duration=0.5, sample_rate=RATE, multilabel=True, random_state=0
    )
    model = ConformalClassifier(network(), confidence=0.7, calibration=0.4, random_state=0)
    sets = model.fit(sounds.waveforms, sounds.target).predict_set(sounds.waveforms)
    for c in range(3):
        assert sets[sounds.target[:, c] == 1, c].mean() > 0.6
