"""Pipelines: relevance on the time axis of recordings, in seconds and hertz."""

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_audioevents import LogMelTransformer, MFCCTransformer, SLATSegmenter, VGGEventClassifier
from sk_audioevents.datasets import fetch_esc10
from sk_audioevents.explain import explain_lrp, grad_cam

RATE, HOP = 8000, 200


def make_steps(n_mels=16, **parameters):
    features = LogMelTransformer(
        sample_rate=RATE, n_fft=400, hop_length=HOP, n_mels=n_mels, **parameters
    )
    classifier = VGGEventClassifier(
        channels=(3, 4), embedding_dim=5, max_epochs=4, learning_rate=0.02, random_state=0
    )
    return features, classifier


@pytest.fixture(scope="module")
def sounds():
    """Return eight waveforms of 0.5 s to 0.75 s, noise and tones, and their labels."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(4000, 6000, 8)
    waveforms = [rng.normal(0, 0.1, n).astype(np.float32) for n in lengths]
    for waveform in waveforms[1::2]:
        waveform[1000:2500] += np.sin(np.arange(1500) * 0.8).astype(np.float32)
    return waveforms, ["noise", "tone"] * 4


@pytest.fixture(scope="module")
def whole(sounds):
    """Return a fitted pipeline without segments."""
    return make_pipeline(*make_steps()).fit(*sounds)


@pytest.fixture(scope="module")
def cut(sounds):
    """Return a fitted pipeline with overlapping segments of 10 frames, 4 apart."""
    features, classifier = make_steps()
    cutter = SLATSegmenter(segment_frames=10, hop_frames=4)
    return make_pipeline(features, cutter, classifier).fit(*sounds)


def total(maps):
    return np.array([relevance.astype(np.float64).sum() for relevance in maps])


def test_maps_lie_over_the_frames_of_recordings(whole, sounds):
    waveforms, _ = sounds
    result = explain_lrp(whole, waveforms)
    frames = whole[0].transform(waveforms)
    for i, clip in enumerate(frames):
        assert result.relevance[i].shape == clip.shape
        np.testing.assert_array_equal(result.frames[i], clip)
        expected = librosa.frames_to_time(np.arange(len(clip)), sr=RATE, hop_length=HOP)
        np.testing.assert_allclose(result.times[i], expected)
    centres = librosa.mel_frequencies(16 + 2, fmin=0, fmax=RATE / 2)[1:-1]
    np.testing.assert_allclose(result.frequencies, centres)
    assert result.target.tolist() == whole.predict(waveforms).tolist()
    np.testing.assert_allclose(total(result.relevance), result.score, atol=1e-5)
    assert not result.padding_relevance.any()


def test_maps_are_those_of_the_classifier(whole, sounds):
    waveforms, _ = sounds
    by_classifier = explain_lrp(whole[1], whole[0].transform(waveforms), target="tone")
    result = explain_lrp(whole, waveforms, target="tone")
    for mine, expected in zip(result.relevance, by_classifier.relevance):
        np.testing.assert_array_equal(mine, expected)


@pytest.mark.parametrize("target", [None, [["noise", "tone"]]])
def test_overlapping_segments_are_added_up_frame_by_frame(cut, sounds, target):
    waveforms, _ = sounds
    result = explain_lrp(cut, waveforms, target=target)
    frames = cut[0].transform(waveforms)
    bags = explain_lrp(cut[2], cut[1].transform(frames), target=target)
    for i, bag in enumerate(bags.relevance):
        expected = np.zeros((*bag.shape[:-3], 200, 16))
        for k in range(bag.shape[-3]):
            for frame in range(10):
                expected[..., 4 * k + frame, :] += bag[..., k, frame, :]
        n_frames = len(frames[i])
        np.testing.assert_allclose(result.relevance[i], expected[..., :n_frames, :], atol=1e-7)
        beyond = expected[..., n_frames:, :].sum(axis=(-2, -1))
        np.testing.assert_allclose(result.padding_relevance[i], beyond, atol=1e-7)
        together = result.relevance[i].sum(axis=(-2, -1)) + result.padding_relevance[i]
        np.testing.assert_allclose(together, result.score[i], atol=1e-5)


def test_segment_times_are_where_segments_lie(whole, cut, sounds):
    waveforms, _ = sounds
    for model, n_frames, hop in ((whole, 8, 4), (cut, 10, 4)):
        result = explain_lrp(model, waveforms[:1])
        times = result.segment_times[0]
        n_segments = result.segment_scores[0].size
        n_parts = 1 if model is whole else 2  # 10 frames have two outputs of 8
        k, part = np.divmod(np.arange(n_segments), n_parts)
        # A frame stands for the time from half a hop before its centre to half a hop after it.
        np.testing.assert_allclose(times[:, 0], (hop * k + 4 * part - 0.5) * HOP / RATE)
        np.testing.assert_allclose(times[:, 1] - times[:, 0], min(8, n_frames) * HOP / RATE)


def test_uncentred_frames_begin_half_a_window_in(sounds):
    waveforms, y = sounds
    model = make_pipeline(*make_steps(center=False, htk=True, fmin=100.0, fmax=3000.0))
    result = explain_lrp(model.fit(waveforms, y), waveforms[:2])
    assert result.times[0][0] == 200 / RATE
    centres = librosa.mel_frequencies(18, fmin=100, fmax=3000, htk=True)[1:-1]
    np.testing.assert_allclose(result.frequencies, centres)


def test_files_and_windows_of_files(whole, sounds, tmp_path):
    waveforms, _ = sounds
    path = tmp_path / "tone.wav"
    soundfile.write(path, waveforms[1], RATE, subtype="FLOAT")
    by_waveform = explain_lrp(whole, [waveforms[1]])
    by_path = explain_lrp(whole, [path])
    np.testing.assert_array_equal(by_path.relevance[0], by_waveform.relevance[0])
    window = pd.DataFrame({"path": [str(path)], "start_time": [0.1], "end_time": [0.4]})
    result = explain_lrp(whole, window)
    assert result.times[0][0] == 0
    np.testing.assert_allclose(result.times[0][-1], 0.3)


def test_a_recording_shorter_than_a_segment_gives_the_rest_to_padding(cut):
    result = explain_lrp(cut, [np.ones(3 * HOP, np.float32)])
    assert result.relevance[0].shape == (4, 16)
    assert result.padding_relevance[0] != 0
    together = total(result.relevance) + result.padding_relevance
    np.testing.assert_allclose(together, result.score, atol=1e-6)


def test_silence_has_a_finite_map(whole):
    assert np.isfinite(explain_lrp(whole, [np.zeros(4000, np.float32)]).relevance[0]).all()


def test_a_pipeline_in_a_pipeline_and_steps_that_keep_the_shape(sounds):
    waveforms, y = sounds
    features, classifier = make_steps()
    same = FunctionTransformer(lambda clips: clips)
    model = make_pipeline(make_pipeline(features, "passthrough"), same, classifier)
    result = explain_lrp(model.fit(waveforms, y), waveforms[:2])
    assert result.relevance[0].shape == result.frames[0].shape


def test_cepstral_coefficients_have_no_frequencies(sounds):
    waveforms, y = sounds
    features = MFCCTransformer(sample_rate=RATE, n_mels=20, n_mfcc=12)
    model = make_pipeline(features, make_steps()[1]).fit(waveforms, y)
    result = grad_cam(model, waveforms[:2])
    assert result.frequencies is None
    assert result.relevance[0].shape[1] == 12


def test_a_step_that_changes_the_shape_is_refused(sounds):
    waveforms, y = sounds
    features, classifier = make_steps()
    half = FunctionTransformer(lambda clips: [clip[::2] for clip in clips])
    model = make_pipeline(features, half, classifier).fit(waveforms, y)
    with pytest.raises(ValueError, match=r"FunctionTransformer changes the shape of frames"):
        explain_lrp(model, waveforms)


def test_a_pipeline_without_features_is_refused(whole, sounds):
    frames = whole[0].transform(sounds[0])
    model = make_pipeline(SLATSegmenter(segment_frames=8, hop_frames=4), whole[1])
    with pytest.raises(
        TypeError, match=r"must begin with a LogMelTransformer .* Got SLATSegmenter"
    ):
        explain_lrp(model, frames)


def test_an_unfitted_pipeline_is_refused_before_any_work(sounds):
    with pytest.raises(NotFittedError):
        explain_lrp(make_pipeline(*make_steps()), ["no such file"])


def test_field_recordings_are_explained_and_conserved(esc10_folder):
    paths = fetch_esc10(data_home=esc10_folder.parent, download_if_missing=False).paths[::50]
    features = LogMelTransformer(sample_rate=22050, hop_length=1024, n_mels=40)
    classifier = VGGEventClassifier(
        channels=(4, 6, 8, 8), embedding_dim=8, max_epochs=3, learning_rate=0.01, random_state=0
    )
    model = make_pipeline(features, SLATSegmenter(segment_frames=64, hop_frames=32), classifier)
    result = explain_lrp(model.fit(paths, np.arange(len(paths)) % 2), paths)
    difference = total(result.relevance) + result.padding_relevance - result.score
    assert (abs(difference) <= 1e-5 * total([abs(clip) for clip in result.relevance])).all()
    assert [len(times) for times in result.times] == [len(clip) for clip in result.frames]
