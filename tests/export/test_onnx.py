"""Exported files against the package, and what they tell about themselves."""

import json

import numpy as np
import onnx
import pytest
from sklearn.pipeline import make_pipeline

from sk_audioevents import (
    LogMelTransformer,
    MFCCTransformer,
    SLATSegmenter,
    VGGEventClassifier,
    WaveformEventClassifier,
)
from sk_audioevents.export import export_onnx

SAMPLE_RATE = 8000
LABELS = {
    "multiclass": np.array(["dog", "rain", "sea"] * 2),
    "binary": np.array(["dog", "rain"] * 3),
    "multilabel": np.array([[0, 1, 1], [1, 0, 0]] * 3),
}
FRONT_ENDS = {
    "logmel": LogMelTransformer(sample_rate=SAMPLE_RATE, n_fft=512, n_mels=12, hop_length=160),
    "mfcc": MFCCTransformer(sample_rate=SAMPLE_RATE, n_fft=512, win_length=None, n_mfcc=12),
}
SEGMENTERS = {"slat": SLATSegmenter(segment_frames=12, hop_frames=5), "clips": "passthrough"}


def noise(*shape):
    """Return soft white noise, always the same."""
    return np.random.default_rng(0).normal(0, 0.1, shape).astype(np.float32)


WAVEFORMS = [noise(n) for n in (0, 1, 300, 4001, 20000)] + [np.zeros(9000, dtype=np.float32)]


@pytest.fixture(scope="module")
def make_model(randomise):
    """Return a function that gives a fitted model whose weights were then drawn at random."""

    def make_model(kind="multiclass", front_end="logmel", segmenter="clips", **parameters):
        clips = noise(6, 4000)
        steps = []
        if front_end is not None:
            steps = [FRONT_ENDS[front_end], SEGMENTERS[segmenter]]
            classifier = VGGEventClassifier(channels=(4, 5), embedding_dim=8, temporal_dim=5)
        else:
            classifier = WaveformEventClassifier(sample_rate=SAMPLE_RATE, segment_duration=0.2)
            clips = list(clips)
        classifier.set_params(max_epochs=1, random_state=0, **parameters)
        model = make_pipeline(*steps, classifier) if steps else classifier
        model.fit(clips, LABELS[kind])
        randomise(classifier.net_.module_)
        return model

    return make_model


def expected_outputs(model, waveform):
    """Return what the methods of the classifier say of one clip."""
    classifier, X = model, [waveform]
    if hasattr(model, "steps"):
        classifier, X = model[-1], model[:-1].transform(X)
    return {
        "probabilities": classifier.predict_proba(X),
        "segment_probabilities": classifier.predict_segments(X)[0][None],
        "embedding": classifier.transform(X),
    }


def assert_same_outputs(outputs, expected):
    assert outputs.keys() == expected.keys()
    for name, values in outputs.items():
        assert values.dtype == np.float32
        assert values.shape == expected[name].shape
        scale = max(1.0, np.abs(expected[name]).max())
        np.testing.assert_allclose(values, expected[name], rtol=0, atol=1e-4 * scale)


MODELS = [
    *({"pooling": p} for p in ("mean", "max", "attention", "linear_softmax", "auto")),
    *({"pooling": p, "segmenter": "slat"} for p in ("mean", "attention")),
    {"loss": "cross_entropy"},
    {"loss": "cross_entropy", "pooling": "max", "segmenter": "slat"},
    {"kind": "binary"},
    {"kind": "binary", "pooling": "max", "segmenter": "slat"},
    {"kind": "multilabel"},
    {"kind": "multilabel", "segmenter": "slat"},
    {"temporal": "lstm"},
    {"temporal": "bilstm", "pooling": "attention"},
    {"temporal": "bilstm", "segmenter": "slat"},
    {"front_end": "mfcc"},
    {"front_end": None},
    {"front_end": None, "temporal": "lstm", "kind": "multilabel"},
]


@pytest.mark.parametrize("parameters", MODELS, ids=str)
def test_one_file_serves_clips_of_all_lengths(make_model, run_onnx, tmp_path, parameters):
    model = make_model(**parameters)
    export_onnx(model, tmp_path / "model.onnx")
    for waveform in WAVEFORMS:
        outputs = run_onnx(tmp_path / "model.onnx", waveform=waveform[None])
        assert_same_outputs(outputs, expected_outputs(model, waveform))


@pytest.mark.parametrize("segmenter", ["clips", "slat"])
def test_a_batch_gives_what_its_clips_give(make_model, run_onnx, tmp_path, segmenter):
    model = make_model(segmenter=segmenter, temporal="lstm")
    export_onnx(model, tmp_path / "model.onnx")
    clips = noise(3, 5000) * [[1.0], [1e-3], [0.0]]
    together = run_onnx(tmp_path / "model.onnx", waveform=clips)
    for row, clip in enumerate(clips):
        expected = expected_outputs(model, clip)
        assert_same_outputs({name: value[[row]] for name, value in together.items()}, expected)


@pytest.mark.parametrize("segmenter", ["clips", "slat"])
def test_a_file_without_front_end_takes_frames(make_model, run_onnx, tmp_path, segmenter):
    model = make_model(segmenter=segmenter)
    export_onnx(model, tmp_path / "model.onnx", front_end=False)
    for waveform in WAVEFORMS:
        frames = model[0].transform([waveform])[0][None]
        outputs = run_onnx(tmp_path / "model.onnx", frames=frames)
        assert_same_outputs(outputs, expected_outputs(model, waveform))


def test_a_classifier_alone_takes_frames(make_model, run_onnx, tmp_path):
    classifier = make_model()[-1]
    export_onnx(classifier, tmp_path / "model.onnx", front_end=False)
    frames = noise(2, 33, 12)
    outputs = run_onnx(tmp_path / "model.onnx", frames=frames)
    np.testing.assert_allclose(
        outputs["probabilities"], classifier.predict_proba(frames), atol=1e-4
    )


def test_a_classifier_of_double_precision_can_be_exported(make_model, run_onnx, tmp_path):
    clips = noise(6, 3000).astype(np.float64)
    classifier = WaveformEventClassifier(segment_duration=0.1, max_epochs=1, random_state=0)
    classifier.fit(clips, LABELS["binary"])
    assert str(classifier.net_.module_.band_mean.dtype) == "torch.float64"
    export_onnx(classifier, tmp_path / "model.onnx")
    outputs = run_onnx(tmp_path / "model.onnx", waveform=clips)
    np.testing.assert_allclose(outputs["probabilities"], classifier.predict_proba(clips), atol=1e-4)


def read_metadata(path):
    return {item.key: json.loads(item.value) for item in onnx.load(path).metadata_props}


def test_metadata_tell_classes_and_where_segments_lie(make_model, tmp_path):
    export_onnx(make_model(), tmp_path / "model.onnx")
    metadata = read_metadata(tmp_path / "model.onnx")
    assert metadata.pop("versions").keys() == {"sk_audioevents", "format"}
    # Two blocks: segments of 8 frames, 4 apart; frame 0 stands for half a hop around sample 0.
    assert metadata == {
        "classes": ["dog", "rain", "sea"],
        "multilabel": False,
        "sample_rate": 8000,
        "segment_start": -0.01,
        "segment_duration": 0.16,
        "segment_hop": 0.08,
    }


def test_another_backbone_whose_one_segment_is_the_clip(run_onnx, tmp_path):
    clips = noise(4, 8000)
    classifier = VGGEventClassifier(
        backbone="cnn6", segment_frames="clip", embedding_dim=8, max_epochs=1, random_state=0
    )
    model = make_pipeline(FRONT_ENDS["logmel"], classifier).fit(clips, LABELS["binary"][:4])
    export_onnx(model, tmp_path / "model.onnx")
    for waveform in WAVEFORMS:
        outputs = run_onnx(tmp_path / "model.onnx", waveform=waveform[None])
        assert_same_outputs(outputs, expected_outputs(model, waveform))
    metadata = read_metadata(tmp_path / "model.onnx")
    assert metadata.keys() == {"classes", "multilabel", "versions", "sample_rate"}


def test_metadata_of_bags_tell_of_the_segments_of_the_bag(make_model, tmp_path):
    export_onnx(make_model(segmenter="slat"), tmp_path / "model.onnx")
    metadata = read_metadata(tmp_path / "model.onnx")
    assert (metadata["segment_duration"], metadata["segment_hop"]) == (0.24, 0.1)


def test_metadata_of_a_file_of_frames_tell_how_to_compute_them(make_model, tmp_path):
    model = make_model()
    export_onnx(model, tmp_path / "model.onnx", front_end=False)
    front_end = read_metadata(tmp_path / "model.onnx")["front_end"]
    assert front_end.pop("class") == "LogMelTransformer"
    assert "cache_dir" not in front_end
    again = LogMelTransformer(**front_end)
    np.testing.assert_array_equal(
        again.transform(WAVEFORMS[-2:-1])[0], model[0].transform(WAVEFORMS[-2:-1])[0]
    )


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.array([2.0, -1.0] * 3), [-1.0, 2.0]),
        (np.array([False, True] * 3), [False, True]),
        (np.array([7, 9] * 3, dtype=np.int8), [7, 9]),
    ],
)
def test_labels_of_any_type_are_in_the_metadata(tmp_path, labels, expected):
    frames = noise(6, 20, 12)
    classifier = VGGEventClassifier(channels=(4,), embedding_dim=8, max_epochs=1)
    export_onnx(classifier.fit(frames, labels), tmp_path / "model.onnx", front_end=False)
    assert read_metadata(tmp_path / "model.onnx")["classes"] == expected


def test_classes_may_be_given_names(make_model, tmp_path):
    export_onnx(
        make_model("multilabel"), tmp_path / "model.onnx", class_names=np.array(list("abc"))
    )
    assert read_metadata(tmp_path / "model.onnx")["classes"] == ["a", "b", "c"]


def test_too_few_names_of_classes_are_an_error(make_model, tmp_path):
    with pytest.raises(ValueError, match=r"must be 3 names, one for each class\. Got 2"):
        export_onnx(make_model(), tmp_path / "model.onnx", class_names=["a", "b"])


def test_a_file_is_replaced_only_where_that_was_asked_for(make_model, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=r"model\.onnx' already\. Pass overwrite=True"):
        export_onnx(make_model(), path)
    assert path.read_text() == "mine"
    export_onnx(make_model(), path, overwrite=True)
    onnx.checker.check_model(onnx.load(path))


def test_a_failure_leaves_the_old_file_and_nothing_else(make_model, tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    path.write_text("old")

    def fail(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        export_onnx(make_model(), path, overwrite=True)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_classifier_without_transformer_has_no_front_end(make_model, tmp_path):
    with pytest.raises(ValueError, match="'front_end' parameter of export_onnx must be False for"):
        export_onnx(make_model()[-1], tmp_path / "model.onnx")


def test_what_is_no_model_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="The 'model' parameter of export_onnx must be"):
        export_onnx(LogMelTransformer(), tmp_path / "model.onnx")
