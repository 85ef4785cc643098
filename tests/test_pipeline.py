"""Whole pipelines over file paths inside scikit-learn's own tools."""

import io
from contextlib import redirect_stdout

import numpy as np
import pandas as pd
import pytest
import sklearn
import soundfile
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    PredefinedSplit,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline

from sk_audioevents import LogMelTransformer, SLATSegmenter, VGGEventClassifier
from sk_audioevents.datasets import make_sound_events

FOLDS = 3


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Return the paths of 36 WAV files of unequal length, their labels (strings) and folds."""
    sounds = make_sound_events(
        n_clips=36, n_classes=3, duration=1.0, sample_rate=8000, snr_db=(20, 30), random_state=0
    )
    folder = tmp_path_factory.mktemp("recordings")
    paths = []
    for i, waveform in enumerate(sounds.waveforms):
        paths.append(str(folder / f"{i}.wav"))
        soundfile.write(paths[-1], waveform[: len(waveform) - 100 * (i % 5)], 8000)
    labels = np.asarray(sounds.target_names)[sounds.target]
    folds = np.empty(36, dtype=int)
    for label in np.unique(labels):
        folds[labels == label] = np.arange((labels == label).sum()) % FOLDS
    return np.array(paths), labels, folds


def model(**parameters):
    settings = {"channels": (8, 8, 8), "embedding_dim": 16, "max_epochs": 15, "batch_size": 12}
    settings |= {"learning_rate": 1e-2, "random_state": 0}
    return make_pipeline(
        LogMelTransformer(sample_rate=8000, n_fft=256, hop_length=128, n_mels=32),
        SLATSegmenter(segment_frames=16, hop_frames=8),
        VGGEventClassifier(**(settings | parameters)),
    )


def test_cross_val_score_on_paths(recordings):
    paths, labels, folds = recordings
    scores = cross_val_score(model(), paths, labels, cv=PredefinedSplit(folds))
    assert scores.mean() > 0.8  # chance is 0.33


@pytest.mark.parametrize(
    "container", [list, pd.Series, lambda paths: pd.DataFrame({"path": paths})]
)
def test_paths_may_come_in_any_container(recordings, container):
    paths, labels, folds = recordings
    expected = cross_val_score(model(max_epochs=2), paths, labels, cv=PredefinedSplit(folds))
    scores = cross_val_score(
        model(max_epochs=2), container(paths), labels, cv=PredefinedSplit(folds)
    )
    np.testing.assert_array_equal(scores, expected)


def test_cross_validate_with_scorers_of_probabilities(recordings):
    paths, labels, folds = recordings
    scoring = ["accuracy", "roc_auc_ovr", "average_precision", "neg_log_loss"]
    scores = cross_validate(
        model(), paths, labels, cv=PredefinedSplit(folds), scoring=scoring, error_score="raise"
    )
    assert scores["test_roc_auc_ovr"].mean() > 0.9
    assert scores["test_average_precision"].mean() > 0.8
    assert scores["test_neg_log_loss"].mean() > -np.log(3)


def test_cross_val_predict_gives_each_clip_out_of_fold_probabilities(recordings):
    paths, labels, folds = recordings
    split = PredefinedSplit(folds)
    probabilities = cross_val_predict(model(), paths, labels, cv=split, method="predict_proba")
    assert probabilities.shape == (36, 3)
    for train, test in split.split():
        expected = model().fit(paths[train], labels[train]).predict_proba(paths[test])
        np.testing.assert_array_equal(probabilities[test], expected)


@pytest.fixture(scope="module")
def searches(recordings):
    """Return one search, in one process and in two."""
    paths, labels, folds = recordings
    grid = {
        "slatsegmenter": [SLATSegmenter(segment_frames=16, hop_frames=8), "passthrough"],
        "vggeventclassifier__loss": ["bce", "focal"],
    }
    return [
        GridSearchCV(
            model(max_epochs=6),
            grid,
            cv=PredefinedSplit(folds),
            scoring="neg_log_loss",
            n_jobs=n_jobs,
            error_score="raise",
        ).fit(paths, labels)
        for n_jobs in (1, 2)
    ]


def test_grid_search_over_slat_against_weak_labels(searches, recordings):
    search = searches[1]
    assert len(search.cv_results_["params"]) == 4
    assert len(set(search.cv_results_["mean_test_score"])) == 4
    assert search.predict(recordings[0]).shape == (36,)


def test_results_are_the_same_bits_whatever_the_number_of_jobs(searches, recordings):
    one, two = searches
    for key in one.cv_results_:
        if "test_score" in key:
            np.testing.assert_array_equal(one.cv_results_[key], two.cv_results_[key])
    np.testing.assert_array_equal(
        one.predict_proba(recordings[0]), two.predict_proba(recordings[0])
    )


def test_results_are_the_same_bits_in_threads(recordings):
    import joblib

    paths, labels, folds = recordings
    split = PredefinedSplit(folds)
    one = cross_val_score(model(max_epochs=3), paths, labels, cv=split, scoring="neg_log_loss")
    with joblib.parallel_config(backend="threading"):
        two = cross_val_score(
            model(max_epochs=3), paths, labels, cv=split, scoring="neg_log_loss", n_jobs=2
        )
    np.testing.assert_array_equal(one, two)


def test_calibration(recordings):
    paths, labels, folds = recordings
    calibrated = CalibratedClassifierCV(model(), cv=PredefinedSplit(folds)).fit(paths, labels)
    np.testing.assert_allclose(calibrated.predict_proba(paths).sum(axis=1), 1)
    assert calibrated.score(paths, labels) > 0.8


def test_stacking(recordings):
    paths, labels, folds = recordings
    stack = StackingClassifier(
        [("bce", model()), ("focal", model(loss="focal"))],
        final_estimator=LogisticRegression(),
        cv=list(PredefinedSplit(folds).split()),
    ).fit(paths, labels)
    assert stack.score(paths, labels) > 0.8


def test_several_labels_per_clip(recordings):
    paths, labels, _ = recordings
    y = (labels[:, None] == np.unique(labels)).astype(int)
    fitted = model().fit(paths, y)
    assert get_scorer("average_precision")(fitted, paths, y) > 0.9
    assert get_scorer("roc_auc")(fitted, paths, y) > 0.9


def test_sample_weights_are_routed_to_the_classifier(recordings):
    paths, labels, folds = recordings
    weights = np.where(labels == labels[0], 5.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = model(max_epochs=2)
        routed[-1].set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        scores = cross_validate(
            routed,
            paths,
            labels,
            cv=PredefinedSplit(folds),
            params={"sample_weight": weights},
            return_estimator=True,
            error_score="raise",
        )
    for (train, test), fitted, score in zip(
        PredefinedSplit(folds).split(), scores["estimator"], scores["test_score"]
    ):
        features = model()[:2].fit_transform(paths)
        expected = clone(model(max_epochs=2)[-1]).fit(
            features[train], labels[train], sample_weight=weights[train]
        )
        np.testing.assert_array_equal(
            fitted.predict_proba(paths[test]), expected.predict_proba(features[test])
        )
        hits = expected.predict(features[test]) == labels[test]
        assert score == pytest.approx(np.average(hits, weights=weights[test]))


class EpochCounter:
    """A scikit-learn callback that notes the classifier's tasks, and may stop the training."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.epochs = []

    max_propagation_depth = None

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name == "epoch":
            self.epochs.append(fitted_estimator.net_.history[-1]["epoch"])
            return self.stop_after == len(self.epochs)
        return False


def test_callbacks_of_scikit_learn_see_each_epoch_through_the_pipeline(recordings):
    paths, labels, _ = recordings
    counter = EpochCounter()
    model(max_epochs=4).set_callbacks(counter).fit(paths, labels)
    assert counter.epochs == [1, 2, 3, 4]


def test_a_callback_of_scikit_learn_can_stop_the_training(recordings):
    paths, labels, _ = recordings
    counter = EpochCounter(stop_after=2)
    fitted = model(max_epochs=4).set_callbacks(counter).fit(paths, labels)
    assert fitted[-1].n_iter_ == 2
    assert fitted.predict(paths).shape == (36,)


def test_the_progress_bar_of_scikit_learn_shows_epochs_in_a_grid_search(recordings, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setenv("COLUMNS", "200")
    paths, labels, folds = recordings
    search = GridSearchCV(
        model(max_epochs=3), {"vggeventclassifier__loss": ["bce"]}, cv=PredefinedSplit(folds)
    )
    shown = io.StringIO()
    with redirect_stdout(shown):
        search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(paths, labels)
    bars = [line for line in shown.getvalue().splitlines() if "VGGEventClassifier - fit" in line]
    assert len(bars) == FOLDS + 1  # one for each fold, one for the refit
    assert all("100%" in bar for bar in bars)


def test_the_scoring_monitor_of_scikit_learn_logs_each_epoch(recordings):
    paths, labels, _ = recordings
    features = model()[:2].fit_transform(paths)
    monitor = ScoringMonitor(scoring="neg_log_loss")
    classifier = model(max_epochs=4)[-1].set_callbacks(monitor)
    classifier.fit(features, labels)
    table = monitor.get_logs().data_as_pandas
    scores = table.loc[table["task_name"] == "epoch", "neg_log_loss"]
    assert len(scores) == 4
    expected = get_scorer("neg_log_loss")(classifier, features, labels)
    assert scores.iloc[-1] == pytest.approx(expected)


def test_dogs_are_told_from_rain_in_real_recordings(esc10_folder):
    table = pd.read_csv(esc10_folder / "esc10.csv")
    table = table[table["category"].isin(["Dog bark", "Rain"])]
    paths = [str(esc10_folder / path) for path in table["path"]]
    pipeline = make_pipeline(
        LogMelTransformer(sample_rate=16000, n_mels=40, n_jobs=2),
        VGGEventClassifier(
            channels=(4, 8, 16, 16), embedding_dim=32, max_epochs=15, batch_size=16, random_state=0
        ),
    )
    scores = cross_val_score(pipeline, paths, table["category"], cv=PredefinedSplit(table["fold"]))
    assert len(scores) == 5
    assert scores.mean() > 0.9
