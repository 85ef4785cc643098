"""Rows that are read from the cache when they are used give what arrays in memory give."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

from sk_audioevents import LogMelTransformer, SLATSegmenter, VGGEventClassifier
from sk_audioevents._lazy import LazyArray
from sk_audioevents._validation import object_array
from sk_audioevents.audio._decode import decode
from sk_audioevents.exceptions import AudioDecodeError

RATE = 8000
SMALL = {"sample_rate": RATE, "n_fft": 256, "hop_length": 100, "n_mels": 20}
N_CLIPS = 15


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Return the paths of 15 WAV files of unequal lengths, two of them shorter than a segment."""
    folder = tmp_path_factory.mktemp("recordings")
    paths = [str(folder / f"{i:02}.wav") for i in range(N_CLIPS)]
    for i, path in enumerate(paths):
        n_samples = [300, 2500, 4000, 7000, 5100][i % 5] + 100 * (i // 5)
        waveform = np.random.default_rng(i).normal(size=n_samples) / 10
        soundfile.write(path, waveform, RATE, subtype="FLOAT")
    return np.array(paths)


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    """Return a cache that the tests of this module share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def lazy(paths, cache_dir):
    """Return the frames of all clips, to be read."""
    return LogMelTransformer(**SMALL, cache_dir=cache_dir, lazy=True).transform(paths)


@pytest.fixture(scope="module")
def eager(paths):
    """Return the frames of all clips, in memory."""
    return LogMelTransformer(**SMALL).transform(paths)


def entries(cache_dir):
    return list(Path(cache_dir).glob("??/*.frames"))


def test_rows_are_told_by_shape_and_dtype_like_arrays(lazy, eager):
    assert lazy.shape == eager.shape
    assert lazy.dtype == object
    for row, frames in zip(lazy, eager):
        assert isinstance(row, LazyArray)
        assert (row.shape, row.ndim, row.dtype) == (frames.shape, frames.ndim, frames.dtype)
        assert len(row) == len(frames)
        assert np.shape(row) == frames.shape
        assert str(frames.shape) in repr(row)


def test_waveforms_give_arrays_which_are_smaller_than_themselves(cache_dir):
    waveform = np.random.default_rng(0).normal(size=1000)
    for _ in range(2):
        frames = LogMelTransformer(**SMALL, cache_dir=cache_dir, lazy=True).transform([waveform])
        assert type(frames[0]) is np.ndarray


@pytest.mark.parametrize(
    "index",
    [0, 5, -1, np.int64(3), slice(None), slice(2, 9), slice(-4, None), slice(9, 2), slice(0, 9, 2)]
    + [slice(None, None, -1), [1, 4], (slice(2, 5), 3), (..., 0), np.arange(25) % 2 == 0],
    ids=str,
)
def test_rows_are_indexed_like_arrays(lazy, eager, index):
    row, frames = lazy[1], eager[1][:26]
    if isinstance(index, np.ndarray):
        index = np.resize(index, len(row))
    np.testing.assert_array_equal(row[index], frames[index], strict=True)


def test_an_index_beyond_the_end_is_an_error(lazy):
    for index in (len(lazy[0]), -len(lazy[0]) - 1):
        with pytest.raises(IndexError):
            lazy[0][index]


def test_rows_are_read_by_numpy(lazy, eager):
    np.testing.assert_array_equal(np.asarray(lazy[2]), eager[2])
    np.testing.assert_array_equal(np.asarray(lazy[2], dtype=np.float64), eager[2].astype("f8"))
    np.testing.assert_array_equal(np.stack([lazy[2], lazy[2]]), np.stack([eager[2]] * 2))
    np.testing.assert_array_equal(list(lazy[2]), eager[2])
    assert np.mean(lazy[2]) == np.mean(eager[2])
    with pytest.raises(ValueError, match="CachedFrames is read into a new array"):
        np.array(lazy[2], copy=False)


def test_rows_are_pickled_as_the_place_where_they_are(lazy, eager):
    pickled = pickle.dumps(lazy)
    assert len(pickled) < 4000 + 300 * len(lazy)
    for row, frames in zip(pickle.loads(pickled), eager):
        np.testing.assert_array_equal(row, frames)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc/self/fd")
def test_rows_keep_no_file_open_and_map_none(lazy, cache_dir):
    open_files = {
        os.readlink(entry.path)
        for entry in os.scandir("/proc/self/fd")
        if os.path.exists(entry.path)
    }
    assert not [name for name in open_files if name.startswith(str(cache_dir))]
    [np.asarray(row) for row in lazy]
    assert str(cache_dir) not in Path("/proc/self/maps").read_text()


def test_rows_that_were_evicted_or_damaged_are_computed_again(paths, tmp_path, eager):
    rows = LogMelTransformer(**SMALL, cache_dir=tmp_path, lazy=True).transform(paths)
    one, two = entries(tmp_path)[:2]
    one.unlink()
    two.write_bytes(two.read_bytes()[:-1])
    for row, frames in zip(pickle.loads(pickle.dumps(rows)), eager):
        np.testing.assert_array_equal(row[3:], frames[3:])
    assert len(entries(tmp_path)) == N_CLIPS


def test_rows_keep_the_frames_of_their_version_of_a_file(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.full(1000, 0.1), RATE)
    transformer = LogMelTransformer(**SMALL, cache_dir=tmp_path / "cache", lazy=True)
    (before,) = transformer.transform([path])
    expected = np.asarray(before)
    soundfile.write(path, np.full(1200, 0.2), RATE)
    (after,) = transformer.transform([path])
    np.testing.assert_array_equal(before, expected)
    assert len(after) == 13
    for entry in entries(tmp_path / "cache"):
        entry.unlink()
    assert np.asarray(after).shape == (13, 20)
    with pytest.raises(AudioDecodeError, match=r"a.wav.* changed or removed after its frames"):
        np.asarray(before)


def test_rows_do_not_follow_later_parameters_of_their_transformer(paths, tmp_path, eager):
    transformer = LogMelTransformer(**SMALL, cache_dir=tmp_path, lazy=True)
    rows = transformer.transform(paths[:1])
    transformer.set_params(n_mels=7)
    entries(tmp_path)[0].unlink()
    np.testing.assert_array_equal(rows[0], eager[0])


@pytest.mark.parametrize("last_segment", ["pad", "drop"])
@pytest.mark.parametrize("pad_mode", ["minimum", "edge", "wrap"])
@pytest.mark.parametrize("hop_frames", [3, 8, 11])
def test_segments_are_those_of_arrays(lazy, eager, last_segment, pad_mode, hop_frames):
    segmenter = SLATSegmenter(
        segment_frames=8, hop_frames=hop_frames, last_segment=last_segment, pad_mode=pad_mode
    )
    bags, expected = segmenter.fit_transform(lazy), segmenter.fit_transform(eager)
    assert bags.shape == expected.shape
    for bag, array in zip(bags, expected):
        assert isinstance(bag, LazyArray)
        assert (bag.shape, bag.dtype) == (array.shape, array.dtype)
        np.testing.assert_array_equal(bag, array)
        for k in range(len(array)):
            np.testing.assert_array_equal(bag[k], array[k], strict=True)
        np.testing.assert_array_equal(bag[1:3], array[1:3], strict=True)
        np.testing.assert_array_equal(bag[2:1], array[2:1], strict=True)


class CountingFrames(LazyArray):
    """Frames in memory that note what is read."""

    is_finite = True

    def __init__(self, frames):
        self.frames = frames
        self.shape, self.dtype = frames.shape, frames.dtype
        self.reads = []

    def read(self, start=0, stop=None):
        self.reads.append((start, stop))
        return self.frames[start:stop]


def counting_rows(eager):
    return object_array([CountingFrames(frames) for frames in eager])


def test_a_segment_reads_its_own_frames_only(eager):
    rows = counting_rows(eager)
    bags = SLATSegmenter(segment_frames=8, hop_frames=4).fit_transform(rows)
    bags[2][3]
    assert rows[2].reads == [(12, 20)]
    assert not any(row.reads for row in rows[3:])


def test_nothing_is_read_until_a_clip_is_used(eager):
    rows = counting_rows(eager)
    bags = SLATSegmenter(segment_frames=8, hop_frames=4).fit_transform(rows)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        VGGEventClassifier().fit(bags, [0, 1])
    assert not any(row.reads for row in rows)


def test_what_is_not_finite_is_refused_without_being_kept(eager):
    rows = counting_rows([*eager[:3], np.full((9, 20), np.inf, dtype=np.float32)])
    rows[3].is_finite = False
    with pytest.raises(ValueError, match=r"Input X\[3\] contains infinity"):
        VGGEventClassifier().fit(rows, [0, 1, 0, 1])
    assert [len(row.reads) for row in rows] == [0, 0, 0, 1]


def test_another_number_of_bands_is_refused(lazy, paths, cache_dir):
    other = LogMelTransformer(**(SMALL | {"n_mels": 7}), cache_dir=cache_dir, lazy=True)
    mixed = np.concatenate([lazy[:1], other.transform(paths[:1])])
    with pytest.raises(ValueError, match=r"X\[1\] has shape .*, 7\)"):
        SLATSegmenter().fit(mixed)


def model(segmenter, **parameters):
    return make_pipeline(
        LogMelTransformer(**SMALL, **parameters),
        segmenter,
        VGGEventClassifier(
            channels=(4, 4), embedding_dim=8, max_epochs=3, batch_size=6, random_state=0
        ),
    )


@pytest.mark.parametrize(
    "segmenter",
    [SLATSegmenter(segment_frames=8, hop_frames=4), "passthrough"],
    ids=["slat", "whole"],
)
def test_training_and_prediction_give_the_same_bits(paths, cache_dir, segmenter):
    y = np.arange(N_CLIPS) % 3
    weights = {"vggeventclassifier__sample_weight": np.arange(N_CLIPS) % 4}
    in_memory = model(segmenter).fit(paths, y, **weights)
    read = model(segmenter, cache_dir=cache_dir, lazy=True).fit(paths, y, **weights)
    assert read[-1].loss_curve_ == in_memory[-1].loss_curve_
    np.testing.assert_array_equal(read.predict_proba(paths), in_memory.predict_proba(paths))
    features = read[:-1].transform(paths)
    for one, two in zip(
        read[-1].predict_segments(features),
        in_memory[-1].predict_segments(in_memory[:-1].transform(paths)),
    ):
        np.testing.assert_array_equal(one, two)
    clone(read[-1]).partial_fit(features, y, classes=[0, 1, 2])


def test_a_bounded_cache_smaller_than_the_data_gives_the_same_bits(paths, tmp_path):
    y = np.arange(N_CLIPS) % 3
    segmenter = SLATSegmenter(segment_frames=8, hop_frames=4)
    expected = model(segmenter).fit(paths, y).predict_proba(paths)
    bounded = model(segmenter, cache_dir=tmp_path, cache_size=20000, lazy=True).fit(paths, y)
    np.testing.assert_array_equal(bounded.predict_proba(paths), expected)
    assert 0 < len(entries(tmp_path)) < N_CLIPS


def test_lazy_rows_are_cut_into_folds_by_scikit_learn(lazy, eager):
    y = np.arange(N_CLIPS) % 3
    classifier = model("passthrough")[-1]
    one = cross_val_predict(classifier, lazy, y, cv=3, method="predict_proba")
    two = cross_val_predict(classifier, eager, y, cv=3, method="predict_proba")
    np.testing.assert_array_equal(one, two)


def test_each_clip_is_decoded_once_in_training_and_prediction(paths, tmp_path, monkeypatch):
    decoded = []

    def counting_decode(path, *window, **options):
        decoded.append(path)
        return decode(path, *window, **options)

    monkeypatch.setattr("sk_audioevents.features._clip_work.decode", counting_decode)
    segmenter = SLATSegmenter(segment_frames=8, hop_frames=4)
    fitted = model(segmenter, cache_dir=tmp_path, lazy=True).fit(paths, np.arange(N_CLIPS) % 3)
    fitted.predict(paths)
    assert sorted(decoded) == list(paths)
