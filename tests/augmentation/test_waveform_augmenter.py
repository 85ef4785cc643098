"""Augmentation in a pipeline: while it is fitted, and never afterwards."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from sk_audioevents.augmentation import Compose, SpeedPerturb, WaveformAugmenter, WaveformShift
from sk_audioevents.exceptions import AudioFileNotFoundError


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that records what it is given."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.fitted_on_ = X
        return self

    def predict(self, X):
        self.predicted_on_ = X
        return np.full(len(X), self.classes_[0])


def clips_of(n_clips=3, n_samples=50):
    return np.random.default_rng(0).normal(size=(n_clips, n_samples)).astype(np.float32)


@pytest.fixture
def files(tmp_path):
    """Return the paths of three recordings at 8 kHz, of 50, 60 and 70 samples."""
    paths = []
    for i, n_samples in enumerate((50, 60, 70)):
        paths.append(tmp_path / f"{i}.wav")
        soundfile.write(paths[-1], 0.5 * clips_of(1, n_samples)[0] / 4, 8000, subtype="FLOAT")
    return paths


@parametrize_with_checks([WaveformAugmenter()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_with_an_augmentation_only_comparisons_of_fit_transform_with_transform_are_skipped():
    results = check_estimator(WaveformAugmenter(WaveformShift(), random_state=0), on_skip=None)
    skipped = {result["check_name"] for result in results if result["status"] == "skipped"}
    assert {result["status"] for result in results} == {"passed", "skipped"}
    plain = check_estimator(WaveformAugmenter(), on_skip=None)
    skipped_anyway = {result["check_name"] for result in plain if result["status"] == "skipped"}
    assert skipped - skipped_anyway == {
        "check_pipeline_consistency",
        "check_transformer_data_not_an_array",
        "check_transformer_general",
    }


def test_transform_never_augments():
    clips = clips_of()
    augmenter = WaveformAugmenter(WaveformShift(), random_state=0)
    assert not np.array_equal(augmenter.fit_transform(clips), clips)
    np.testing.assert_array_equal(augmenter.transform(clips), clips)
    np.testing.assert_array_equal(augmenter.fit(clips).transform(clips), clips)


def test_a_pipeline_augments_in_fit_and_not_in_predict():
    clips, y = clips_of(n_samples=5000), [0, 1, 1]
    model = make_pipeline(WaveformAugmenter(WaveformShift(), random_state=0), Recorder())
    model.fit(clips, y).predict(clips)
    assert all(
        not np.array_equal(row, clip) and sorted(row) == sorted(clip)
        for row, clip in zip(model[-1].fitted_on_, clips)
    )
    np.testing.assert_array_equal(model[-1].predicted_on_, clips)


def test_parameters_of_augmentations_can_be_searched():
    model = make_pipeline(WaveformAugmenter(Compose([WaveformShift()])), Recorder())
    grid = {"waveformaugmenter__augmentation__waveformshift__max_shift": [0.1, 0.2]}
    search = GridSearchCV(model, grid, cv=2, refit=False).fit(clips_of(8), [0, 1] * 4)
    assert len(search.cv_results_["params"]) == 2


def test_an_int_draws_the_same_each_time_and_none_does_not():
    clips = clips_of(n_samples=5000)
    fixed, free = (WaveformAugmenter(WaveformShift(), random_state=seed) for seed in (0, None))
    np.testing.assert_array_equal(fixed.fit_transform(clips), clone(fixed).fit_transform(clips))
    assert not np.array_equal(free.fit_transform(clips), free.fit_transform(clips))


def test_each_clip_is_shifted_by_an_amount_of_its_own():
    clips = np.tile(np.arange(5000.0), (20, 1))
    augmented = WaveformAugmenter(WaveformShift(), random_state=0).fit_transform(clips)
    assert len(np.unique(augmented[:, 0])) == 20


def test_threads_do_not_change_the_result():
    clips = clips_of(20)
    one, two = (
        WaveformAugmenter(WaveformShift(), random_state=0, n_jobs=n).fit_transform(clips)
        for n in (None, 2)
    )
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("rate", [0.5, 2.0])
def test_rows_of_an_array_keep_their_length(rate):
    clips = np.ones((3, 400), np.float32)
    speed = SpeedPerturb(min_rate=rate, max_rate=rate)
    augmented = WaveformAugmenter(speed, sample_rate=8000).fit_transform(clips)
    assert augmented.shape == (3, 400)
    assert augmented[:, 210:].any() == (rate < 1)


def test_clips_in_a_list_change_their_length():
    speed = SpeedPerturb(min_rate=0.5, max_rate=0.5)
    augmented = WaveformAugmenter(speed).fit_transform([np.ones(400), np.ones(500)])
    assert augmented.dtype == object
    assert [len(clip) for clip in augmented] == [800, 1000]


def test_files_are_read_and_resampled(files):
    plain, shifted = (
        WaveformAugmenter(augmentation, sample_rate=8000, random_state=0)
        for augmentation in (None, WaveformShift())
    )
    expected = [soundfile.read(path, dtype="float32")[0] for path in files]
    for waveforms in (plain.fit_transform(files), plain.transform(files), shifted.transform(files)):
        for waveform, samples in zip(waveforms, expected):
            np.testing.assert_array_equal(waveform, samples)
    for waveform, samples in zip(shifted.fit_transform(files), expected):
        np.testing.assert_array_equal(np.sort(waveform), np.sort(samples))
    halved = WaveformAugmenter(sample_rate=4000).transform(files)
    assert [len(waveform) for waveform in halved] == [25, 30, 35]


def test_windows_of_files_are_read(files):
    table = pd.DataFrame({"path": files, "start_time": 0.0, "end_time": 0.005})
    waveforms = WaveformAugmenter(WaveformShift(), sample_rate=8000).fit_transform(table)
    assert [len(waveform) for waveform in waveforms] == [40, 40, 40]


def test_a_function_is_an_augmentation():
    augmenter = WaveformAugmenter(lambda waveform, sample_rate, rng: -waveform.astype(float))
    augmented = augmenter.fit_transform(clips_of())
    np.testing.assert_array_equal(augmented, -clips_of())
    assert augmented.dtype == np.float32


@pytest.mark.parametrize(
    ("returned", "message"),
    [(np.zeros((2, 8)), r"shape \(2, 8\)\."), (np.full(8, np.nan), "with NaN or infinity")],
)
def test_a_function_that_returns_no_waveform_is_an_error(returned, message):
    augmenter = WaveformAugmenter(lambda waveform, sample_rate, rng: returned)
    with pytest.raises(ValueError, match=f"'augmentation' parameter must be.*{message}"):
        augmenter.fit_transform(clips_of())


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(AudioFileNotFoundError, match=r"rain\.wav"):
        WaveformAugmenter().transform([tmp_path / "rain.wav"])


def test_something_that_cannot_be_called_is_an_error():
    with pytest.raises(ValueError, match="'augmentation' parameter of WaveformAugmenter"):
        WaveformAugmenter([WaveformShift()]).fit(clips_of())
