"""Segments against explicit loops."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_audioevents import SLATSegmenter


@parametrize_with_checks([SLATSegmenter(), SLATSegmenter(segment_frames=4, hop_frames=3)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def frames_of(n_frames, n_bands=7, seed=0):
    return np.random.default_rng(seed).normal(size=(n_frames, n_bands)).astype(np.float32)


@pytest.mark.parametrize(
    ("n_frames", "n_segments"), [(896, 13), (128, 1), (1, 1), (129, 2), (431, 6)]
)
def test_the_number_of_segments_with_the_default_lengths(n_frames, n_segments):
    (bag,) = SLATSegmenter().transform([frames_of(n_frames)])
    assert bag.shape == (n_segments, 128, 7)


@pytest.mark.parametrize(
    ("n_frames", "n_segments"), [(896, 13), (128, 1), (1, 1), (191, 1), (431, 5)]
)
def test_the_number_of_segments_without_the_last_part(n_frames, n_segments):
    (bag,) = SLATSegmenter(last_segment="drop").transform([frames_of(n_frames)])
    assert bag.shape == (n_segments, 128, 7)


@pytest.mark.parametrize("n_frames", [1, 7, 8, 9, 10, 11, 12, 30])
@pytest.mark.parametrize("hop", [1, 3, 8, 9])
@pytest.mark.parametrize("pad_mode", ["minimum", "edge", "wrap"])
def test_segments_equal_a_loop_over_the_padded_clip(n_frames, hop, pad_mode):
    frames = frames_of(n_frames)
    expected, start = [], 0
    while start == 0 or start + 8 < n_frames + hop:
        rows = []
        for t in range(start, start + 8):
            if t < n_frames:
                rows.append(frames[t])
            elif pad_mode == "minimum":
                rows.append(frames.min(axis=0))
            else:
                rows.append(frames[-1] if pad_mode == "edge" else frames[t % n_frames])
        expected.append(rows)
        start += hop
    segmenter = SLATSegmenter(segment_frames=8, hop_frames=hop, pad_mode=pad_mode)
    np.testing.assert_array_equal(segmenter.transform([frames])[0], expected)


def test_uniform_and_ragged_clips_give_the_same_segments_in_their_own_containers():
    clips = np.stack([frames_of(21, seed=seed) for seed in range(3)])
    segmenter = SLATSegmenter(segment_frames=8, hop_frames=4)
    uniform, ragged = segmenter.transform(clips), segmenter.transform(list(clips))
    assert uniform.shape == (3, 5, 8, 7)
    assert ragged.shape == (3,)
    assert ragged.dtype == object
    np.testing.assert_array_equal(uniform, np.stack(list(ragged)))


def test_segments_of_whole_clips_are_views():
    clips = np.zeros((2, 896, 40), dtype=np.float32)
    bags = SLATSegmenter().transform(clips)
    assert np.shares_memory(bags, clips)
    (bag,) = SLATSegmenter(last_segment="drop").transform([clips[0, :890]])
    assert np.shares_memory(bag, clips)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (["a.wav"], TypeError, "Got paths: put a LogMelTransformer before SLATSegmenter"),
        (np.zeros((2, 3, 4, 5)), ValueError, "are they segments already"),
        ([np.zeros((3, 4)), np.zeros((3, 5))], ValueError, r"X\[1\] has shape \(3, 5\)"),
        ([np.zeros((3, 4)), np.zeros((0, 4))], ValueError, r"X\[1\] has shape \(0, 4\)"),
        ([np.zeros((3, 4)), np.full((3, 4), np.nan)], ValueError, r"Input X\[1\] contains NaN"),
        (np.zeros((2, 0, 4)), ValueError, r"no empty axis. Got shape \(2, 0, 4\)"),
    ],
)
def test_bad_input_raises_an_error_that_says_what_it_got(X, error, message):
    with pytest.raises(error, match=message):
        SLATSegmenter().fit(X)


def test_another_number_of_bands_than_in_fit_is_an_error():
    segmenter = SLATSegmenter().fit([frames_of(9, n_bands=5)])
    with pytest.raises(ValueError, match="X has 6 features, but SLATSegmenter is expecting 5"):
        segmenter.transform([frames_of(9, n_bands=6)])
