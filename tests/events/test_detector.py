"""The detector: fit, thresholds, labels, tables, and scikit-learn's conventions."""

import re

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, PredefinedSplit, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_audioevents.events import SoundEventDetector, find_events
from sk_audioevents.model_selection import MultilabelStratifiedKFold

SAMPLE_RATE = 8000


@parametrize_with_checks([SoundEventDetector(LogisticRegression(), cv=3)])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


class Levels(FunctionTransformer):
    """The loudness of each clip in 0.1 s steps: frames that need no training."""

    sample_rate, hop_length, n_fft, center = SAMPLE_RATE, 800, 800, False

    def transform(self, X):
        return [
            np.abs(np.resize(x, (max(1, len(x) // 800), 800))).mean(1, keepdims=True) for x in X
        ]


class Moments(ClassifierMixin, BaseEstimator):
    """Score each moment by its level, and its opposite for the second class."""

    segment_frames_ = segment_hop_frames_ = 1

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y) if np.ndim(y) == 1 else np.arange(np.shape(y)[1])
        self.weight_ = sample_weight
        return self

    def predict_segments(self, X):
        return [np.hstack([1 - x, x, x / 2])[:, : len(self.classes_)] for x in X]

    def predict_proba(self, X):
        return np.stack([scores.max(0) for scores in self.predict_segments(X)])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(1)]


def levels(*values):
    """Return a waveform with a level each 0.1 s."""
    return np.repeat(np.array(values, dtype=np.float32), 800)


def step_model():
    return make_pipeline(Levels(), Moments())


CLIPS = [levels(0.1, low, low, 0.1) for low in (0.2, 0.3, 0.25, 0.2)] + [
    levels(0.1, 0.9, high, 0.1) for high in (0.5, 0.6, 0.7, 0.8)
]
LOUD = np.repeat(["quiet", "storm"], 4)


def test_events_are_found_where_they_are():
    detector = SoundEventDetector(
        step_model(), threshold=0.5, offset_ratio=1.0, class_names=["quiet", "storm"]
    )
    events = detector.fit(CLIPS, LOUD).predict_events([CLIPS[0], levels(0.1, 0.9, 0.8, 0.2)])
    assert events.round(6).to_dict("list") == {
        "path": [0, 1, 1, 1],
        "onset": [0.0, 0.0, 0.1, 0.3],
        "offset": [0.4, 0.1, 0.3, 0.4],
        "label": ["quiet", "quiet", "storm", "quiet"],
        "score": [0.9, 0.9, 0.9, 0.8],
    }


def test_weak_labels_set_the_threshold_between_the_largest_scores_of_clips():
    detector = SoundEventDetector(step_model(), cv=2).fit(CLIPS, LOUD)
    # Largest level of quiet clips 0.2 to 0.3, of storms 0.9.
    assert detector.thresholds_["storm"] == pytest.approx((0.3 + 0.9) / 2)


def test_thresholds_fit_what_the_median_filter_leaves():
    detector = SoundEventDetector(step_model(), cv=2, median_filter=0.3).fit(CLIPS, LOUD)
    # Of (0.1, 0.9, high, 0.1), medians of three leave the highs, 0.5 to 0.8.
    assert detector.thresholds_["storm"] == pytest.approx((0.3 + 0.5) / 2)


def test_strong_labels_set_the_threshold_between_time_steps():
    events = pd.DataFrame(
        {"path": [4, 5, 6, 7], "onset": 0.1, "offset": [0.2, 0.3, 0.3, 0.3], "label": "storm"}
    )
    quiet = pd.DataFrame({"path": range(4), "onset": 0.0, "offset": 0.4, "label": "quiet"})
    detector = SoundEventDetector(step_model(), cv=2)
    detector.fit(CLIPS, LOUD, events=pd.concat([events, quiet]))
    # In clip 4 the 0.5 is no storm; the least step that is one has 0.6.
    assert detector.thresholds_["storm"] == pytest.approx(0.55)


def test_strong_labels_are_found_by_path(tmp_path):
    import soundfile

    paths = [tmp_path / f"{i}.wav" for i in range(len(CLIPS))]
    for path, clip in zip(paths, CLIPS):
        soundfile.write(path, clip, SAMPLE_RATE, subtype="FLOAT")
    frames = FunctionTransformer(lambda X: [soundfile.read(p)[0] for p in X["path"]])
    model = make_pipeline(frames, *step_model())
    X = pd.DataFrame({"path": paths, "start_time": 0.0, "end_time": 0.4})
    events = pd.DataFrame(
        {"path": [*map(str, paths[4:]), "other.wav"], "onset": 0.1, "offset": 0.3, "label": "storm"}
    )
    with pytest.warns(UserWarning, match=r"no example of \['quiet'\]"):
        detector = SoundEventDetector(model, cv=2).fit(X, LOUD, events=events)
    assert detector.thresholds_ == {"quiet": 0.5, "storm": pytest.approx((0.3 + 0.5) / 2)}


def test_thresholds_are_tuned_out_of_fold(sounds, labels):
    X = sounds.waveforms[:, :50] * 100
    forest, cv = KNeighborsClassifier(3), PredefinedSplit(np.arange(36) % 4)
    detector = SoundEventDetector(forest, cv=cv).fit(X, labels)
    scores = cross_val_predict(forest, X, labels, cv=cv, method="predict_proba")
    for label, column in zip(detector.classes_, scores.T):
        truth, f1 = labels == label, {}
        for threshold in [*np.unique(column), detector.thresholds_[label]]:
            found = column >= threshold
            f1[threshold] = 2 * (found & truth).sum() / (found.sum() + truth.sum())
        assert f1[detector.thresholds_[label]] == max(f1.values())


def test_folds_are_fitted_in_parallel_with_the_same_result(sounds, labels):
    X, detector = sounds.waveforms[:, :50], SoundEventDetector(LogisticRegression(), cv=3)
    thresholds = clone(detector).fit(X, labels).thresholds_
    with joblib.parallel_config("threading"):
        assert detector.set_params(n_jobs=2).fit(X, labels).thresholds_ == thresholds


def test_fold_that_lacks_a_class_scores_it_zero():
    X, y = np.arange(8.0)[:, None], np.array([0, 0, 1, 1, 2, 2, 2, 2])
    detector = SoundEventDetector(
        DummyClassifier(), cv=[([2, 3, 4, 5], [0, 1, 6, 7]), ([0, 1, 6], [2, 3, 4, 5])]
    ).fit(X, y)
    # The first fold has not seen class 0, which has no higher score than 2/3 in the second.
    assert detector.thresholds_[0] == 0.0


def test_fixed_thresholds_cost_no_folds():
    class Counting(Moments):
        n_fits = 0

        def fit(self, X, y):
            type(self).n_fits += 1
            return super().fit(X, y)

    model = make_pipeline(Levels(), Counting())
    detector = SoundEventDetector(model, threshold=0.25).fit(CLIPS, LOUD)
    assert Counting.n_fits == 1
    assert detector.thresholds_ == {"quiet": 0.25, "storm": 0.25}
    SoundEventDetector(model, threshold={"quiet": 0.25, "storm": 1.0}).fit(CLIPS, LOUD)
    assert Counting.n_fits == 2


def test_labels_without_a_fixed_threshold_are_tuned():
    detector = SoundEventDetector(step_model(), threshold={"quiet": 0.25}, cv=2).fit(CLIPS, LOUD)
    assert detector.thresholds_ == {"quiet": 0.25, "storm": pytest.approx(0.6)}


def test_frozen_estimator_is_not_fitted_and_tuned_on_all_clips():
    model = step_model().fit(CLIPS[:6], LOUD[:6])
    detector = SoundEventDetector(FrozenEstimator(model)).fit(CLIPS[2:], LOUD[2:])
    assert detector.estimator_.estimator is model
    assert detector.thresholds_["storm"] == pytest.approx((0.25 + 0.9) / 2)


def test_fitted_estimator_with_a_fixed_threshold_needs_no_fit():
    model = step_model().fit(CLIPS, LOUD)
    detector = SoundEventDetector(model, threshold=0.5)
    events = detector.predict_events(CLIPS)
    pd.testing.assert_frame_equal(events, clone(detector).fit(CLIPS, LOUD).predict_events(CLIPS))
    assert detector.classes_.tolist() == ["quiet", "storm"]


@pytest.mark.parametrize("threshold", ["tuned", {"storm": 0.5}])
def test_thresholds_that_are_to_be_tuned_need_fit(threshold):
    model = step_model().fit(CLIPS, LOUD)
    with pytest.raises(NotFittedError, match="needs fit to tune thresholds"):
        SoundEventDetector(model, threshold=threshold).predict_events(CLIPS)


def test_estimator_that_is_not_fitted_is_reported_as_the_detector():
    with pytest.raises(NotFittedError, match="This SoundEventDetector instance is not fitted yet"):
        SoundEventDetector(step_model(), threshold=0.5).predict_timeline(CLIPS)


@pytest.mark.parametrize("classes", [(0, 1), (-1, 1), (False, True)])
def test_absence_is_no_event(classes):
    y = np.where(LOUD == "storm", classes[1], classes[0])
    detector = SoundEventDetector(step_model(), threshold=0.5).fit(CLIPS, y)
    assert detector.labels_.tolist() == [classes[1]]
    assert detector.predict_timeline(CLIPS).columns.tolist() == [classes[1]]
    assert set(detector.predict_events(CLIPS)["label"]) == {classes[1]}
    assert detector.predict_proba(CLIPS).shape == (8, 2)


def test_yes_and_no_with_names_are_two_labels():
    detector = SoundEventDetector(step_model(), threshold=0.5, class_names=["calm", "storm"])
    detector.fit(CLIPS, (LOUD == "storm").astype(int))
    assert detector.labels_.tolist() == ["calm", "storm"]


def test_yes_and_no_need_fit_or_names():
    model = step_model().fit(CLIPS, (LOUD == "storm").astype(int))
    with pytest.raises(NotFittedError, match="needs fit, or 'class_names'"):
        SoundEventDetector(model, threshold=0.5).predict_events(CLIPS)


INDICATOR = np.column_stack([LOUD == "quiet", LOUD == "storm"]).astype(int)


def test_columns_of_an_indicator_are_named_by_its_data_frame():
    target = pd.DataFrame(INDICATOR, columns=["quiet", "storm"])
    detector = SoundEventDetector(step_model(), cv=2).fit(CLIPS, target)
    assert detector.labels_.tolist() == ["quiet", "storm"]
    assert detector.thresholds_ == pytest.approx({"quiet": 0.5, "storm": 0.6}, abs=0.5)
    assert detector.predict_timeline(CLIPS).columns.tolist() == ["quiet", "storm"]


def test_names_that_are_given_win():
    target = pd.DataFrame(INDICATOR, columns=["a", "b"])
    detector = SoundEventDetector(step_model(), cv=2, class_names=["quiet", "storm"])
    assert detector.fit(CLIPS, target).labels_.tolist() == ["quiet", "storm"]


def test_columns_without_names_are_numbers():
    detector = SoundEventDetector(step_model(), threshold=0.5).fit(CLIPS, INDICATOR)
    assert detector.labels_.tolist() == [0, 1]


def test_number_of_folds_is_stratified_for_several_labels():
    target = INDICATOR[[0, 1, 2, 3, 4, 4, 4, 4]]
    by_number = SoundEventDetector(step_model(), cv=2).fit(CLIPS, target)
    by_splitter = SoundEventDetector(step_model(), cv=MultilabelStratifiedKFold(2))
    assert by_number.thresholds_ == by_splitter.fit(CLIPS, target).thresholds_
    assert isinstance(by_number._check_cv(target), MultilabelStratifiedKFold)


def test_forest_gives_lists_for_several_labels_and_is_understood(sounds):
    X, y = sounds.waveforms[:, :9], np.eye(3, dtype=int)[sounds.target]
    forest = RandomForestClassifier(5, random_state=0)
    detector = SoundEventDetector(forest, cv=2).fit(X, y)
    assert len(detector.thresholds_) == 3


def test_class_that_no_clip_has_keeps_one_half():
    target = pd.DataFrame(INDICATOR).assign(hail=0)
    with pytest.warns(UserWarning, match=r"no example of \['hail'\]"):
        detector = SoundEventDetector(step_model(), cv=2).fit(
            CLIPS, target.set_axis(["a", "b", "hail"], axis=1)
        )
    assert detector.thresholds_["hail"] == 0.5


def test_events_are_those_of_the_timeline(model, sounds, recording, labels):
    rules = {"offset_ratio": 0.7, "median_filter": 0.6, "merge_gap": 0.3, "min_duration": 0.3}
    detector = SoundEventDetector(FrozenEstimator(model), window=12.0, **rules)
    detector.fit(sounds.waveforms, labels)
    timeline = detector.predict_timeline([recording, recording[:90000]])
    expected = find_events(timeline, threshold=detector.thresholds_, **rules)
    events = detector.predict_events([recording, recording[:90000]])
    assert len(events) > 10
    pd.testing.assert_frame_equal(events, expected)


def test_network_learns_from_weak_labels_when_sounds_occur(model, sounds, labels):
    events = (
        SoundEventDetector(FrozenEstimator(model))
        .fit(sounds.waveforms, labels)
        .predict_events(sounds.waveforms)
    )
    own = events["label"].to_numpy() == labels[events["path"]]
    assert own.mean() > 0.8


def test_rules_may_change_after_fit():
    detector = SoundEventDetector(step_model(), threshold=0.5).fit(CLIPS, LOUD)
    n_events = len(detector.predict_events(CLIPS))
    detector.set_params(min_duration=0.35)
    assert 0 < len(detector.predict_events(CLIPS)) < n_events


def test_same_recording_twice_gives_its_events_twice(tmp_path):
    detector = SoundEventDetector(step_model(), threshold=0.5).fit(CLIPS, LOUD)
    events = detector.predict_events([CLIPS[4], CLIPS[4]])
    once, again = events[events["path"] == 0], events[events["path"] == 1]
    assert once.drop(columns="path").values.tolist() == again.drop(columns="path").values.tolist()


def test_silence_has_no_events():
    detector = SoundEventDetector(step_model(), threshold=0.5).fit(
        CLIPS, (LOUD == "storm").astype(int)
    )
    events = detector.predict_events([np.zeros(8000, dtype=np.float32), np.zeros(0, np.float32)])
    assert len(events) == 0
    assert events.dtypes.astype(str).tolist() == ["int64", "float64", "float64", "int64", "float64"]


def test_clip_level_answers_are_the_estimators(model, sounds, labels):
    detector = SoundEventDetector(FrozenEstimator(model), threshold=0.5).fit(
        sounds.waveforms, labels
    )
    np.testing.assert_array_equal(
        detector.predict(sounds.waveforms), model.predict(sounds.waveforms)
    )
    np.testing.assert_array_equal(
        detector.predict_proba(sounds.waveforms), model.predict_proba(sounds.waveforms)
    )
    np.testing.assert_array_equal(
        detector.decision_function(sounds.waveforms), model.decision_function(sounds.waveforms)
    )
    np.testing.assert_array_equal(detector.classes_, model.classes_)
    assert detector.score(sounds.waveforms, labels) == model.score(sounds.waveforms, labels)


def test_methods_that_the_estimator_lacks_are_not_there():
    assert not hasattr(SoundEventDetector(step_model()), "decision_function")
    assert hasattr(SoundEventDetector(LogisticRegression()), "decision_function")


def test_grid_search_reaches_the_parameters_of_all_steps(sounds, labels):
    model = make_pipeline(FunctionTransformer(), LogisticRegression())
    grid = {"estimator__logisticregression__C": [0.1, 1.0], "min_duration": [0.0, 1.0]}
    search = GridSearchCV(SoundEventDetector(model, threshold=0.5), grid, cv=2)
    search.fit(sounds.waveforms[:, :50], labels)
    assert len(search.cv_results_["params"]) == 4


def test_fitted_detector_survives_joblib(tmp_path):
    detector = SoundEventDetector(step_model(), cv=2).fit(CLIPS, LOUD)
    joblib.dump(detector, tmp_path / "detector.joblib")
    twin = joblib.load(tmp_path / "detector.joblib")
    pd.testing.assert_frame_equal(twin.predict_events(CLIPS), detector.predict_events(CLIPS))


def test_metadata_reach_the_estimator_and_the_folds():
    weight, groups = np.arange(8.0), np.arange(8) // 2
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(Levels(), Moments().set_fit_request(sample_weight=True))
        detector = SoundEventDetector(model, cv=GroupKFold(2))
        detector.fit(CLIPS, LOUD, sample_weight=weight, groups=groups)
        np.testing.assert_array_equal(detector.estimator_[-1].weight_, weight)
        with pytest.raises(ValueError, match="'groups' parameter should not be None"):
            SoundEventDetector(step_model(), cv=GroupKFold(2)).fit(CLIPS, LOUD)


def test_metadata_without_routing_are_refused():
    with pytest.raises(ValueError, match="only supported if enable_metadata_routing=True"):
        SoundEventDetector(step_model()).fit(CLIPS, LOUD, sample_weight=np.ones(8))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"threshold": 1.2}, "'threshold' parameter of SoundEventDetector must be"),
        (
            {"threshold": {"rain": 0.5}},
            r"no keys but the labels \['quiet', 'storm'\]. Got \['rain'\]",
        ),
        ({"threshold": {"storm": 2.0}}, r"'threshold' .* for each label. Got 2.0 for 'storm'"),
        ({"window": 0.0}, "'window' parameter of SoundEventDetector must be"),
        ({"overlap": -1.0}, "'overlap' parameter of SoundEventDetector must be"),
        ({"overlap_pooling": "sum"}, "'overlap_pooling' parameter of SoundEventDetector must be"),
        ({"cv": 1.5}, "'cv' parameter of SoundEventDetector must be"),
        ({"class_names": ["storm"]}, "must be 2 different names"),
        ({"class_names": ["storm", "storm"]}, "must be 2 different names"),
        ({"min_duration": {"rain": 0.5}}, r"'min_duration' .* no keys but the labels"),
    ],
)
def test_wrong_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        SoundEventDetector(step_model(), **parameters).fit(CLIPS, LOUD)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ({"path": [0], "onset": [0.0], "offset": [0.1], "label": ["hail"]}, "'hail'"),
        ({"path": [0], "onset": [0.2], "offset": [0.1], "label": ["storm"]}, "onset < offset"),
        (
            {"path": ["0"], "onset": [0.0], "offset": [0.1], "label": ["storm"]},
            "the first path is '0' there and 0 in X",
        ),
    ],
    ids=["label", "times", "paths"],
)
def test_wrong_events_are_refused(events, message):
    with pytest.raises(
        ValueError, match=f"'events' parameter of SoundEventDetector.fit.*{message}"
    ):
        SoundEventDetector(step_model()).fit(CLIPS, LOUD, events=pd.DataFrame(events))


def test_estimator_that_scores_nothing_is_refused():
    class Silent(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            return self

    message = re.escape(
        "must have predict_proba, or a last step with predict_segments. Got Silent()"
    )
    with pytest.raises(TypeError, match=message):
        SoundEventDetector(Silent()).fit(CLIPS, LOUD)


def test_target_of_several_outputs_is_refused():
    with pytest.raises(ValueError, match="Got a multiclass-multioutput target"):
        SoundEventDetector(step_model()).fit(CLIPS, np.arange(16).reshape(8, 2))
