"""What comes back from a file, class by class, is what was saved, to the bit."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sk_audioevents import (
    MFCCTransformer,
    SoundEventDetector,
    VGGEventClassifier,
    WaveformEventClassifier,
)
from sk_audioevents.augmentation import (
    BackgroundNoise,
    Compose,
    PitchShift,
    TimeShift,
    WaveformAugmenter,
    WaveformShift,
)
from sk_audioevents.calibration import ConformalClassifier
from sk_audioevents.explain import explain_lrp
from sk_audioevents.model_selection import MultilabelStratifiedKFold
from sk_audioevents.persistence import load_model, save_model

# Of the machine or the training: documented as not stored.
NOT_STORED = {"cache_dir", "checkpoint_dir", "compile", "device", "lazy", "memory", "pretrained"}


@pytest.fixture
def reload(tmp_path):
    """Return a function that saves and loads a model."""

    def again(model, **options):
        save_model(model, tmp_path / "model.safetensors", overwrite=True)
        return load_model(tmp_path / "model.safetensors", **options)

    return again


@pytest.fixture
def frames():
    """Return frames (n_clips, n_frames, n_bands) of unequal axes."""
    return np.random.default_rng(0).normal(size=(12, 40, 7)).astype(np.float32)


def settings(model):
    """Return the parameters of a model and of its parts, estimators as their types."""
    return {
        name: type(value) if hasattr(value, "get_params") else value
        for name, value in model.get_params().items()
        if name.rpartition("__")[2] not in {"steps", "estimators", *NOT_STORED}
    }


def learnt(model):
    """Return the names of the fitted attributes."""
    return {name for name in vars(model) if name.endswith("_") and not name.startswith("__")}


@pytest.mark.slow
def test_a_pipeline_predicts_the_same_in_a_new_process(pipeline, model_file, sounds, tmp_path):
    np.save(tmp_path / "clips.npy", sounds.waveforms)
    code = f"""if True:
        import numpy as np
        from sk_audioevents.persistence import load_model
        model = load_model({str(model_file)!r})
        clips = np.load({str(tmp_path / "clips.npy")!r})
        np.save({str(tmp_path / "found.npy")!r}, model.predict_proba(clips))"""
    subprocess.run([sys.executable, "-c", code], check=True)
    found = np.load(tmp_path / "found.npy")
    np.testing.assert_array_equal(found, pipeline.predict_proba(sounds.waveforms))


def test_every_method_of_a_loaded_pipeline_gives_the_same(pipeline, sounds, reload):
    loaded, X = reload(pipeline), sounds.waveforms
    for method in ("predict", "predict_proba", "decision_function", "transform"):
        expected = getattr(pipeline, method)(X)
        np.testing.assert_array_equal(getattr(loaded, method)(X), expected, strict=True)
    bags = pipeline[:-1].transform(X)
    np.testing.assert_array_equal(
        loaded[-1].predict_segments(bags), pipeline[-1].predict_segments(bags)
    )
    expected, found = explain_lrp(pipeline, X[:3]), explain_lrp(loaded, X[:3])
    for one, other in zip(found.relevance, expected.relevance, strict=True):
        np.testing.assert_array_equal(one, other)


def test_parameters_and_what_was_learnt_come_back(pipeline, reload):
    loaded = reload(pipeline)
    assert settings(loaded) == settings(pipeline)
    for (_, expected), (_, found) in zip(pipeline.steps, loaded.steps, strict=True):
        assert type(found) is type(expected)
        assert learnt(found) == learnt(expected) - {"failed_"}
    assert loaded[-1].history_.equals(pipeline[-1].history_)
    assert loaded[-1].history_.dtypes.equals(pipeline[-1].history_.dtypes)
    assert loaded[-1].loss_curve_ == pipeline[-1].loss_curve_
    assert repr(clone(loaded)) == repr(clone(pipeline).set_params(vggeventclassifier__device="cpu"))


@pytest.mark.parametrize(
    "labels",
    [
        np.array([3, 7]),
        np.array([3, 7, 9], dtype=np.int16),
        np.array([False, True]),
        np.array(["owl", "Käuz", "\U0001f989"]),
        np.array(["a", "b"], dtype="<U30"),
        np.array(["frog", "toad"], dtype=object),
        np.array([0.5, 1.5]).astype(int).astype(float),
    ],
    ids=lambda labels: f"{labels.dtype}-{len(labels)}",
)
def test_labels_of_any_type_come_back(tiny, frames, reload, labels):
    y = labels[np.arange(len(frames)) % len(labels)]
    model = tiny().fit(frames, y)
    loaded = reload(model)
    np.testing.assert_array_equal(loaded.classes_, model.classes_, strict=True)
    np.testing.assert_array_equal(loaded.predict(frames), model.predict(frames), strict=True)


@pytest.mark.parametrize(
    "parameters",
    [
        {"pooling": "attention", "temporal": "bilstm", "temporal_dim": 3},
        {"pooling": "auto", "loss": "cross_entropy", "channels": [4, 6]},
        {"pool_sizes": ((2, 1), (4, 3)), "class_weight": {0: 1.0, 1: 2, 2: np.float32(0.1)}},
        {"ema_decay": 0.9, "early_stopping": True, "validation_fraction": 0.25},
        {"augment": TimeShift(max_shift=0.25), "callbacks": None, "learning_rate": np.float64(1)},
    ],
    ids=lambda parameters: "-".join(parameters),
)
def test_networks_of_all_kinds_come_back(tiny, frames, reload, parameters):
    y = np.arange(12) % 3
    model = tiny(**parameters).fit(frames, y)
    loaded = reload(model)
    assert repr(settings(loaded)) == repr(settings(model))  # which tells lists from tuples
    np.testing.assert_array_equal(loaded.predict_proba(frames), model.predict_proba(frames))
    np.testing.assert_array_equal(loaded.transform(frames), model.transform(frames))


def test_a_multi_label_classifier_comes_back(tiny, frames, reload):
    y = (np.random.default_rng(0).random((12, 4)) < 0.5).astype(int)
    model = tiny(class_weight=[{0: 1.0, 1: 2.0}] * 4).fit(frames, y)
    loaded = reload(model)
    np.testing.assert_array_equal(loaded.predict(frames), model.predict(frames), strict=True)
    assert loaded.class_weight == model.class_weight


def test_another_backbone_comes_back(frames, reload):
    model = VGGEventClassifier(backbone="cnn6", max_epochs=1, random_state=0)
    model.fit(frames[:4], [0, 1, 0, 1])
    np.testing.assert_array_equal(
        reload(model).predict_segments(frames), model.predict_segments(frames)
    )


def test_a_network_of_published_weights_comes_back(reload):
    state, n_in = {}, 1
    for number, n_out in enumerate([16, 16, 0, 32, 32, 0, 64, 64, 0, 128, 128, 0, 256, 256, 0]):
        state |= published_layer(number + 1, n_out, n_in, 3) if n_out else {}
        n_in = n_out or n_in
    state |= published_layer(16, 512, 256, 3) | published_layer(18, 1024, 512, 2)
    head = published_layer(19, 3, 1024, 1)
    state |= {key: tensor for key, tensor in head.items() if key.startswith("layer19.0")}
    model = VGGEventClassifier.from_torch_state_dict(state, classes=["wind", "rain", "hail"])
    loaded = reload(model)
    frames = np.random.default_rng(0).normal(size=(2, 150, 128)).astype(np.float32)
    assert loaded.front_end_ == model.front_end_
    assert learnt(loaded) == learnt(model)
    assert loaded.classes_.tolist() == ["wind", "rain", "hail"]
    np.testing.assert_array_equal(loaded.predict_proba(frames), model.predict_proba(frames))


def published_layer(number, n_out, n_in, size):
    """Return random weights of a layer under their published names."""
    generator = torch.Generator().manual_seed(number)
    return {
        f"layer{number}.0.weight": torch.randn(n_out, n_in, size, size, generator=generator) / 9,
        f"layer{number}.0.bias": torch.randn(n_out, generator=generator),
        f"layer{number}.1.weight": torch.ones(n_out),
        f"layer{number}.1.bias": torch.zeros(n_out),
        f"layer{number}.1.running_mean": torch.zeros(n_out),
        f"layer{number}.1.running_var": torch.ones(n_out),
    }


def test_double_precision_comes_back(tiny, frames, reload):
    model = tiny().fit(frames.astype(np.float64), np.arange(12) % 2)
    loaded = reload(model)
    assert next(loaded.net_.module_.parameters()).dtype == torch.float64
    np.testing.assert_array_equal(loaded.decision_function(frames), model.decision_function(frames))


def test_a_classifier_of_waveforms_comes_back(sounds, reload):
    model = WaveformEventClassifier(
        sample_rate=8000,
        segment_duration=0.2,
        channels=[4, 5, 6],
        kernel_sizes=(9, 3, 3),
        pool_sizes=(8, 4),
        embedding_dim=6,
        augment=Compose([("shift", WaveformShift()), PitchShift(probability=0.25)]),
        max_epochs=1,
        random_state=0,
    ).fit(list(sounds.waveforms), sounds.target)
    loaded = reload(model)
    assert repr(loaded.set_params(device="auto")) == repr(model)
    X = list(sounds.waveforms)
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_a_detector_comes_back_with_its_thresholds(pipeline, sounds, reload):
    y = sounds.target_names[sounds.target]
    detector = SoundEventDetector(
        pipeline,
        threshold={"click": 0.4},
        median_filter={"click": 0.1},
        cv=MultilabelStratifiedKFold(2, shuffle=True, random_state=3),
    ).fit(sounds.waveforms, y)
    loaded = reload(detector)
    assert loaded.thresholds_ == detector.thresholds_
    assert loaded.threshold == {"click": 0.4}
    assert vars(loaded.cv) == vars(detector.cv)
    pd.testing.assert_frame_equal(
        loaded.predict_events(sounds.waveforms), detector.predict_events(sounds.waveforms)
    )


def test_a_detector_around_a_fitted_classifier_needs_no_fit(pipeline, sounds, reload):
    detector = SoundEventDetector(pipeline, threshold=0.3)
    pd.testing.assert_frame_equal(
        reload(detector).predict_events(sounds.waveforms), detector.predict_events(sounds.waveforms)
    )


def test_an_estimator_that_is_in_two_places_is_stored_once(pipeline, model_file, sounds, tmp_path):
    y = sounds.target_names[sounds.target]
    detector = SoundEventDetector(FrozenEstimator(pipeline)).fit(sounds.waveforms, y)
    save_model(detector, tmp_path / "detector.safetensors")
    loaded = load_model(tmp_path / "detector.safetensors")
    assert loaded.estimator_ is loaded.estimator
    assert (tmp_path / "detector.safetensors").stat().st_size < 1.3 * model_file.stat().st_size


@pytest.mark.parametrize("method", ["lac", "aps"])
def test_a_conformal_classifier_comes_back(pipeline, sounds, reload, method):
    y = sounds.target_names[sounds.target]
    model = ConformalClassifier(
        FrozenEstimator(pipeline), confidence=0.6, method=method, calibration=StratifiedKFold(4)
    ).fit(sounds.waveforms, y)
    loaded = reload(model)
    np.testing.assert_array_equal(loaded.thresholds_, model.thresholds_, strict=True)
    np.testing.assert_array_equal(
        loaded.predict_set(sounds.waveforms), model.predict_set(sounds.waveforms), strict=True
    )


@pytest.mark.parametrize("head", [LinearSVC(), LogisticRegression(C=0.5, class_weight="balanced")])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_embeddings_with_a_linear_model_come_back(pipeline, sounds, reload, head, n_classes):
    y = sounds.target % n_classes
    embed = make_pipeline(*(step for _, step in pipeline.steps))
    model = make_pipeline(FrozenEstimator(embed), StandardScaler(), clone(head))
    loaded = reload(model.fit(sounds.waveforms, y))
    assert type(loaded[-1]) is type(head)
    assert loaded[-1].get_params() == head.get_params()
    np.testing.assert_array_equal(
        loaded.decision_function(sounds.waveforms), model.decision_function(sounds.waveforms)
    )


def test_the_best_of_a_grid_search_comes_back(front_end, tiny, sounds, reload):
    search = GridSearchCV(
        make_pipeline(front_end, "passthrough", tiny(max_epochs=1)),
        {"vggeventclassifier__loss": ["bce", "focal"]},
        cv=2,
    ).fit(sounds.waveforms, sounds.target)
    loaded = reload(search.best_estimator_)
    assert loaded.steps[1][1] == "passthrough"
    np.testing.assert_array_equal(
        loaded.predict_proba(sounds.waveforms), search.predict_proba(sounds.waveforms)
    )


@pytest.mark.parametrize("options", [{"voting": "soft", "weights": [1, 2]}, {"voting": "hard"}])
def test_a_committee_comes_back(front_end, tiny, sounds, reload, options):
    y = sounds.target_names[sounds.target]
    members = [
        (name, make_pipeline(front_end, tiny(random_state=i))) for i, name in enumerate("ab")
    ]
    committee = VotingClassifier(members, **options).fit(sounds.waveforms, y)
    loaded = reload(committee)
    assert settings(loaded) == settings(committee)
    assert learnt(loaded) == learnt(committee)
    assert loaded.named_estimators_["b"] is loaded.estimators_[1]
    np.testing.assert_array_equal(
        loaded.transform(sounds.waveforms), committee.transform(sounds.waveforms)
    )
    np.testing.assert_array_equal(
        loaded.predict(sounds.waveforms), committee.predict(sounds.waveforms), strict=True
    )


def test_a_committee_comes_back_without_the_member_that_was_dropped(tiny, frames, reload):
    members = [("a", tiny()), ("b", "drop"), ("c", tiny(random_state=1))]
    loaded = reload(VotingClassifier(members).fit(frames, [0, 1, 2] * 4))
    assert list(loaded.named_estimators_) == ["a", "b", "c"]
    assert loaded.named_estimators_["b"] == "drop"
    assert loaded.named_estimators_["c"] is loaded.estimators_[1]


def test_other_front_ends_come_back(tiny, sounds, reload):
    noise = np.random.default_rng(0).normal(size=400).astype(np.float32)
    augmenter = WaveformAugmenter(BackgroundNoise([noise, "rain.wav"]), sample_rate=8000)
    model = make_pipeline(
        augmenter.set_params(augmentation__probability=0.0),
        MFCCTransformer(sample_rate=8000, n_mfcc=9, deltas=1, win_length=None),
        tiny(max_epochs=1),
    ).fit(sounds.waveforms, sounds.target)
    loaded = reload(model)
    noises = loaded[0].augmentation.noises
    np.testing.assert_array_equal(noises[0], noise, strict=True)
    assert noises[1] == "rain.wav"
    np.testing.assert_array_equal(
        loaded.predict_proba(sounds.waveforms), model.predict_proba(sounds.waveforms)
    )


def test_names_of_columns_and_float_statistics_come_back(reload):
    X = pd.DataFrame({"low": [0.1, 2.0, 3.5], "high": [1.0, 1.0, 7.0]})
    scaler = StandardScaler(with_mean=False).fit(X)
    loaded = reload(scaler)
    assert loaded.feature_names_in_.tolist() == ["low", "high"]
    assert loaded.get_params() == scaler.get_params()
    np.testing.assert_array_equal(loaded.transform(X), scaler.transform(X))


def test_what_belongs_to_the_machine_stays_there(front_end, tiny, sounds, tmp_path, reload):
    front_end.set_params(cache_dir=tmp_path / "cache")
    classifier = tiny(max_epochs=1, checkpoint_dir=str(tmp_path / "checkpoints"))
    model = make_pipeline(front_end, classifier, memory=None).fit(sounds.waveforms, sounds.target)
    loaded = reload(model)
    assert loaded[0].cache_dir is None
    assert loaded[1].checkpoint_dir is None
    assert str(tmp_path) not in (tmp_path / "model.safetensors").read_text("latin-1")


def test_the_device_is_what_load_model_is_told(pipeline, reload):
    assert reload(pipeline)[-1].device == "cpu"
    assert reload(pipeline, device="auto")[-1].device == "auto"
    with pytest.raises(ValueError, match="The 'device' parameter of load_model must be"):
        reload(pipeline, device="gpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_named(pipeline, reload):
    with pytest.raises(ValueError, match="'device' parameter of load_model is 'cuda'"):
        reload(pipeline, device="cuda")


@pytest.mark.gpu
def test_a_model_trained_on_cuda_predicts_on_the_cpu(tiny, frames, reload):
    model = tiny(device="cuda").fit(frames, np.arange(12) % 3)
    loaded = reload(model)
    assert next(loaded.net_.module_.parameters()).device.type == "cpu"
    np.testing.assert_allclose(
        loaded.predict_proba(frames), model.predict_proba(frames), rtol=0, atol=1e-5
    )
    again = reload(model, device="cuda")
    np.testing.assert_array_equal(again.predict_proba(frames), model.predict_proba(frames))


def test_a_loaded_model_goes_on_training(tiny, frames, reload):
    y = np.arange(12) % 3
    model = tiny(warm_start=True, learning_rate=0.01, max_epochs=3).fit(frames, y)
    one, two = reload(model), reload(model)
    before = one.predict_proba(frames)
    one.fit(frames, y)
    two.fit(frames, y)
    assert one.n_iter_ == 6
    assert one.history_["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert one.history_[:3].equals(model.history_)
    assert one.loss_curve_[3] < model.loss_curve_[0]  # it did not begin anew
    assert np.abs(one.predict_proba(frames) - before).max() > 0
    np.testing.assert_array_equal(one.predict_proba(frames), two.predict_proba(frames))


def test_a_loaded_model_learns_from_parts(tiny, frames, reload):
    y = np.arange(12) % 3
    loaded = reload(tiny().partial_fit(frames, y, classes=[0, 1, 2]))
    assert loaded.partial_fit(frames, y).n_iter_ == 2
    with pytest.raises(ValueError, match="labels that are not among its classes"):
        loaded.partial_fit(frames, y + 1)


def global_state():
    """Return the state of numpy's global generator."""
    return np.random.get_state()[1]  # noqa: NPY002


def test_loading_reads_no_global_random_state_and_changes_none(tiny, frames, reload):
    model = tiny(random_state=None).fit(frames, np.arange(12) % 2)
    state, torch_state = global_state().copy(), torch.get_rng_state()
    reload(model)
    np.testing.assert_array_equal(global_state(), state)
    assert torch.equal(torch.get_rng_state(), torch_state)
