"""Augmented versions of clips that a training chooses from."""

import pickle

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from sk_audioevents import (
    LogMelTransformer,
    MFCCTransformer,
    SLATSegmenter,
    VGGEventClassifier,
)
from sk_audioevents._versions import ClipVersions
from sk_audioevents.augmentation import SpeedPerturb
from sk_audioevents.classification._batches import ExampleSet, TrainingBatches
from sk_audioevents.exceptions import AudioDecodeWarning

RATE = 8000
HALVED = SpeedPerturb(min_rate=2.0, max_rate=2.0)
SMALL = {"channels": (4, 4, 4), "embedding_dim": 8, "max_epochs": 3, "random_state": 0}


def noise(n_clips=6, n_samples=8000):
    return np.random.default_rng(0).normal(size=(n_clips, n_samples)).astype(np.float32)


def make_transformer(**parameters):
    settings = {"sample_rate": RATE, "n_mels": 20, "augmentation": SpeedPerturb()}
    return LogMelTransformer(**settings | {"n_versions": 4, "random_state": 0} | parameters)


def quieter(waveform, sample_rate, rng):
    """Take off 20 dB, and as many more as are drawn."""
    return waveform * 10 ** (-1 - rng.random() / 20)


@pytest.fixture
def files(tmp_path):
    """Return the paths of six files."""
    paths = [tmp_path / f"{i}.wav" for i in range(6)]
    for path, clip in zip(paths, noise()):
        soundfile.write(path, 0.1 * clip, RATE)
    return paths


@pytest.mark.parametrize("transformer", [LogMelTransformer, MFCCTransformer])
def test_versions_are_what_the_augmentation_makes_of_the_waveform(transformer):
    plain = transformer(sample_rate=RATE, n_mels=40)
    clips = noise()
    rows = clone(plain).set_params(augmentation=HALVED, n_versions=3).fit_transform(clips)
    expected = plain.transform([HALVED(clip, RATE, np.random.default_rng(0)) for clip in clips])
    for row, original, augmented in zip(rows, plain.transform(clips), expected):
        assert len(row.versions) == 3
        assert_array_equal(row, original)
        for version in row.versions[1:]:
            assert_array_equal(version, augmented)
            assert len(version) < len(original)


def test_transform_augments_nothing():
    clips = noise()
    transformer = make_transformer()
    transformer.fit_transform(clips)
    plain = transformer.transform(clips)
    assert plain.shape == (6, 16, 20)
    assert_array_equal(plain, LogMelTransformer(sample_rate=RATE, n_mels=20).transform(clips))


@pytest.mark.parametrize("parameters", [{"augmentation": None}, {"n_versions": 1}])
def test_without_versions_fit_transform_is_transform(parameters):
    transformer = make_transformer(**parameters)
    frames = transformer.fit_transform(noise())
    assert isinstance(frames, np.ndarray)
    assert frames.ndim == 3
    assert_array_equal(frames, transformer.transform(noise()))
    assert not transformer.__sklearn_tags__().non_deterministic


def test_versions_depend_on_the_seed_and_not_on_the_number_of_threads(files):
    def versions(**parameters):
        rows = make_transformer(augmentation=quieter, **parameters).fit_transform(files)
        return np.stack([row.versions for row in rows])

    first = versions()
    assert_array_equal(first, versions(n_jobs=2))
    assert not np.allclose(first[:, 1:], versions(random_state=1)[:, 1:])
    drawn = first[:, 1:].mean(axis=(2, 3)) - first[:, :1].mean(axis=(2, 3))
    assert len(np.unique(drawn.round(6))) == drawn.size  # each version of each clip is its own
    assert_array_equal((drawn < -20) & (drawn > -21), True)


def test_files_and_their_waveforms_have_the_same_versions(files):
    of_files = make_transformer().fit_transform(files)
    waveforms = [soundfile.read(path, dtype="float32")[0] for path in files]
    for row, other in zip(of_files, make_transformer().fit_transform(waveforms)):
        for version, expected in zip(row.versions, other.versions, strict=True):
            assert_array_equal(version, expected)


def test_a_cache_keeps_the_clips_and_not_their_versions(files, tmp_path):
    cached = make_transformer(cache_dir=tmp_path / "cache", lazy=True)
    rows = cached.fit_transform(files)
    n_kept = len(list((tmp_path / "cache").rglob("*")))
    for row, expected in zip(rows, make_transformer().fit_transform(files)):
        for version, other in zip(row.versions, expected.versions, strict=True):
            assert_array_equal(version, other)
    cached.set_params(n_versions=2, augmentation=HALVED, random_state=5).fit_transform(files)
    assert len(list((tmp_path / "cache").rglob("*"))) == n_kept


def test_a_file_that_cannot_be_read_is_silence_in_one_version(files):
    files[2].write_bytes(b"no sound")
    with pytest.warns(AudioDecodeWarning):
        rows = make_transformer(on_error="warn").fit_transform(files)
    assert [len(row.versions) for row in rows] == [4, 4, 1, 4, 4, 4]
    assert np.ptp(rows[2]) == 0


@pytest.mark.parametrize(
    ("returned", "message"),
    [(np.zeros((2, 8)), r"array of shape \(2, 8\)"), (np.full(8, np.nan), "with NaN or infinity")],
)
def test_a_function_that_returns_no_waveform_is_an_error(returned, message):
    transformer = make_transformer(augmentation=lambda waveform, sample_rate, rng: returned)
    with pytest.raises(ValueError, match=f"'augmentation' parameter must be.*{message}"):
        transformer.fit_transform(noise())


def test_rows_survive_pickling():
    rows = make_transformer().fit_transform(noise())
    for row, other in zip(rows, pickle.loads(pickle.dumps(rows))):
        for version, expected in zip(row.versions, other.versions, strict=True):
            assert_array_equal(version, expected)


def test_lazy_rows_survive_pickling_whatever_the_augmentation_is(files, tmp_path):
    transformer = make_transformer(
        augmentation=lambda waveform, sample_rate, rng: waveform,
        cache_dir=tmp_path / "cache",
        lazy=True,
    )
    for row in pickle.loads(pickle.dumps(transformer.fit_transform(files))):
        assert_array_equal(row.versions[0], row.versions[1])


def test_segments_are_cut_from_each_version():
    rows = make_transformer(augmentation=HALVED).fit_transform(noise())
    segmenter = SLATSegmenter(segment_frames=8, hop_frames=4)
    for bag, row in zip(segmenter.transform(rows), rows):
        assert isinstance(bag, ClipVersions)
        for segments, version in zip(bag.versions, row.versions, strict=True):
            assert_array_equal(segments, segmenter.transform(version[None])[0])


def make_versions(n_clips=40, n_versions=3):
    """Return clips whose frames hold their own number and that of the version."""
    clips = []
    for clip in range(n_clips):
        versions = [np.full((10 + i, 2), [clip, i], dtype=np.float32) for i in range(n_versions)]
        clips.append(ClipVersions(versions))
    return clips


def labelled(clips):
    ones = np.ones((len(clips), 1))
    return ExampleSet(clips).label(ones, ones, np.ones(len(clips)))


def test_each_epoch_takes_each_clip_once_in_a_version_of_its_own():
    batches = TrainingBatches(labelled(make_versions()), batch_size=7, seed=3)
    seen = np.zeros((40, 3))
    for _ in range(30):
        taken = []
        for inputs, _ in batches:
            lengths = inputs.get("n_frames", [inputs["frames"].shape[1]] * len(inputs["frames"]))
            for frames, length in zip(inputs["frames"].numpy(), lengths):
                clip, version = frames[0].astype(int)
                assert length == 10 + version
                taken.append(clip)
                seen[clip, version] += 1
        assert sorted(taken) == list(range(40))
    assert (seen > 0).all()
    # 30 draws of three: 10 each, with a standard deviation of 2.6; over clips, of 0.4.
    assert_array_equal(np.abs(seen.mean(axis=0) - 10) < 2, True)


def test_batches_of_segments_are_of_one_version_at_the_same_place():
    bags = [
        ClipVersions(
            [np.arange(n, dtype=np.float32)[:, None, None] * np.ones((n, 4, 2)) for n in (6, 3)]
        )
    ]
    examples = labelled(bags * 8)
    examples.draw_versions(np.random.default_rng(0))
    versions = set()
    for index, (segment, version) in enumerate(zip(examples.segment_of, examples.version_of)):
        expected = segment if version == 0 else segment // 2
        assert examples.frames(index)[0, 0] == expected
        versions.add(version)
    assert versions == {0, 1}


def test_a_pipeline_trains_on_versions_and_predicts_from_the_clips(files):
    y = [0, 1] * 3
    model = make_pipeline(make_transformer(), VGGEventClassifier(**SMALL))
    proba = model.fit(files, y).predict_proba(files)
    assert_array_equal(proba, clone(model).fit(files, y).predict_proba(files))
    plain = clone(model).set_params(logmeltransformer__augmentation=None).fit(files, y)
    assert not np.allclose(proba, plain.predict_proba(files))
    # Of the same weights, both predict the same: prediction knows no versions.
    frames = plain[0].transform(files)
    assert_array_equal(model[-1].predict_proba(frames), proba)
    assert cross_val_score(model, files, y, cv=3).shape == (3,)


def test_early_stopping_goes_by_the_clips_as_they_were_recorded(files):
    y = [0, 1] * 3
    rows = make_transformer(augmentation=quieter).fit_transform(files)
    settings = SMALL | {"early_stopping": True, "validation_fraction": 0.34}
    classifier = VGGEventClassifier(**settings).fit(rows, y)
    assert "valid_loss" in classifier.history_
    plain = np.stack([np.asarray(row) for row in rows])
    alone = VGGEventClassifier(**settings | {"learning_rate": 1e-30}).fit(plain, y)
    still = VGGEventClassifier(**settings | {"learning_rate": 1e-30}).fit(rows, y)
    assert_array_equal(alone.history_["valid_loss"][:1], still.history_["valid_loss"][:1])
