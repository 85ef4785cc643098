"""Recordings of any length: seams, times, and every form of X."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_audioevents import LogMelTransformer, SLATSegmenter
from sk_audioevents.events import SoundEventDetector
from sk_audioevents.exceptions import AudioDecodeError, AudioDecodeWarning

SAMPLE_RATE = 8000


def timeline(model, X, **parameters):
    return SoundEventDetector(model, threshold=0.5, **parameters).predict_timeline(X)


def one_pass(model, waveform):
    """Return the segment scores of a whole recording, by the steps of the pipeline alone."""
    frames = model[:-1].transform([waveform])
    return model[-1].predict_segments(frames)[0]


@pytest.mark.parametrize("window", [8.0, 12.3, 25.0, 49.0, 60.0])
def test_windows_give_what_one_pass_over_the_whole_recording_gives(model, recording, window):
    table = timeline(model, [recording], window=window)
    np.testing.assert_allclose(table.to_numpy(), one_pass(model, recording), rtol=0, atol=1e-5)


@pytest.mark.parametrize("center", [True, False])
def test_seams_cannot_be_told_whatever_the_length(make_model, sounds, labels, recording, center):
    model = make_model(center=center, max_epochs=2).fit(sounds.waveforms, labels)
    lengths = [1, 3000, 64000, 64001, 95999, 96000, 96001, 97600, 111700, 128000]
    table = timeline(model, [recording[:length] for length in lengths], window=8.0)
    for row, length in enumerate(lengths):
        expected = one_pass(model, recording[:length])
        np.testing.assert_allclose(table.loc[row].to_numpy(), expected, rtol=0, atol=1e-5)


def test_windows_overlap_no_more_than_the_network_needs(make_model, sounds, labels, recording):
    model = make_model(max_epochs=2).fit(sounds.waveforms, labels)
    model[-1].context_frames_ = 10  # 2 convolutions at a step of 1 frame, 2 at 2 and 1 at 4
    table = timeline(model, [recording], window=2.0)
    np.testing.assert_allclose(table.to_numpy(), one_pass(model, recording), rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match=r"at least 1\.2 s"):
        timeline(model, [recording], window=1.1)


def test_too_short_an_overlap_shows_the_seams(model, recording):
    table = timeline(model, [recording], window=8.0, overlap=0.2)
    assert np.abs(table.to_numpy() - one_pass(model, recording)).max() > 1e-3


def test_bags_of_segments_are_joined_too(make_model, sounds, labels, recording):
    frames, classifier = make_model(max_epochs=2)
    segmenter = SLATSegmenter(segment_frames=40, hop_frames=25)
    model = make_pipeline(frames, segmenter, classifier).fit(sounds.waveforms, labels)
    table = timeline(model, [recording], window=5.0)
    expected = one_pass(model, recording)[:-1]  # the last is padded with the least of its window
    np.testing.assert_allclose(table.to_numpy()[:-1], expected, rtol=0, atol=1e-5)
    starts = table.index.get_level_values("start_time")
    np.testing.assert_allclose(np.diff(starts[1:]), 25 * 200 / SAMPLE_RATE)


@pytest.fixture
def wav(tmp_path, recording):
    soundfile.write(tmp_path / "dawn.wav", recording, SAMPLE_RATE, subtype="FLOAT")
    return str(tmp_path / "dawn.wav")


def test_file_gives_what_its_waveform_gives(model, recording, wav):
    of_file = timeline(model, [wav], window=12.0)
    of_waveform = timeline(model, [recording], window=12.0)
    np.testing.assert_array_equal(of_file.to_numpy(), of_waveform.to_numpy())
    assert set(of_file.index.get_level_values("path")) == {wav}
    assert set(of_waveform.index.get_level_values("path")) == {0}


def test_resampled_file_has_no_seams_either(model, recording, tmp_path):
    wav = tmp_path / "dawn.wav"
    soundfile.write(wav, np.repeat(recording, 2), 2 * SAMPLE_RATE, subtype="FLOAT")
    windows = timeline(model, [wav], window=8.0)
    whole = timeline(model, [wav], window=60.0)
    np.testing.assert_allclose(windows.to_numpy(), whole.to_numpy(), rtol=0, atol=1e-5)


def test_row_of_a_table_has_the_times_of_its_recording(model, recording, wav):
    X = pd.DataFrame({"path": [wav, wav], "start_time": [0.0, 10.0], "end_time": [4.0, 30.0]})
    table = timeline(model, X, window=8.0)
    starts = table.index.get_level_values("start_time").to_numpy()
    ends = table.index.get_level_values("end_time").to_numpy()
    second = starts >= 10.0
    assert (starts[0], ends[~second][-1]) == (0.0, 4.0)
    assert (starts[second][0], ends[-1]) == (10.0, 30.0)
    expected = one_pass(model, recording[10 * SAMPLE_RATE : 30 * SAMPLE_RATE])
    np.testing.assert_allclose(table[second].to_numpy(), expected, rtol=0, atol=1e-5)


def test_array_of_clips_gives_what_a_list_of_them_gives(model, sounds):
    of_array = timeline(model, sounds.waveforms[:5])
    of_list = timeline(model, list(sounds.waveforms[:5]))
    np.testing.assert_allclose(of_array.to_numpy(), of_list.to_numpy(), rtol=0, atol=1e-6)
    pd.testing.assert_index_equal(of_array.index, of_list.index)


def test_long_rows_of_an_array_are_cut_into_windows(model, recording):
    X = np.stack([recording[:240000], recording[160000:400000]])
    table = timeline(model, X, window=8.0)
    for row, waveform in enumerate(X):
        expected = one_pass(model, waveform)
        np.testing.assert_allclose(table.loc[row].to_numpy(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("overlap_pooling", ["center", "mean", "max"])
def test_steps_follow_each_other_and_fill_the_recording(model, recording, overlap_pooling):
    table = timeline(model, [recording], window=8.0, overlap_pooling=overlap_pooling)
    starts = table.index.get_level_values("start_time").to_numpy()
    ends = table.index.get_level_values("end_time").to_numpy()
    assert (starts[0], ends[-1]) == (0.0, len(recording) / SAMPLE_RATE)
    np.testing.assert_array_equal(starts[1:], ends[:-1])
    assert (ends > starts).all()


@pytest.mark.parametrize(("center", "shift"), [(True, 0.0), (False, 256 / SAMPLE_RATE)])
def test_segments_lie_around_the_centres_of_their_frames(make_model, sounds, labels, center, shift):
    model = make_model(center=center, max_epochs=1).fit(sounds.waveforms, labels)
    table = timeline(model, [sounds.waveforms[0]])
    # Frame t is centred on 0.025 t (+ half of n_fft); segment k has frames 8 k to 8 k + 15.
    centers = 0.025 * (8 * np.arange(len(table)) + 7.5) + shift
    edges = table.index.get_level_values("start_time")[1:]
    np.testing.assert_allclose(edges, (centers[1:] + centers[:-1]) / 2, rtol=1e-12)


def test_click_is_heard_where_it_is(make_model):
    """The loudest step holds the click, for a classifier that measures loudness."""

    class Loudness(ClassifierMixin, BaseEstimator):
        segment_frames_, segment_hop_frames_ = 4, 3
        classes_ = np.array(["click"])

        def predict_segments(self, X):
            windows = [np.lib.stride_tricks.sliding_window_view(x.max(1), 4)[::3] for x in X]
            return [np.clip(w.max(1) / 200 + 1, 0, 1)[:, None] for w in windows]

        def fit(self, X, y=None):
            return self

        def __sklearn_is_fitted__(self):
            return True

    frames = LogMelTransformer(
        sample_rate=SAMPLE_RATE, n_fft=128, hop_length=64, n_mels=8, top_db=None
    )
    waveform = np.zeros(40 * SAMPLE_RATE, dtype=np.float32)
    waveform[np.rint(np.array([3.3, 17.0, 29.99]) * SAMPLE_RATE).astype(int)] = 1.0
    table = timeline(
        make_pipeline(frames, Loudness()), [waveform], window=4.0, overlap_pooling="mean"
    )
    loud = table.index[table["click"] > 0.6]
    starts, ends = (loud.get_level_values(name).to_numpy() for name in ("start_time", "end_time"))
    for time in (3.3, 17.0, 29.99):
        assert ((starts <= time) & (time < ends)).any()
    assert np.abs(starts[:, None] - [3.3, 17.0, 29.99]).min(axis=1).max() < 0.05


def test_where_the_clip_is_the_one_segment_windows_are_scored(make_model, sounds, labels):
    model = make_model(
        backbone="cnn6",
        segment_frames="clip",
        channels=(16, 32, 64, 128, 256, 512),
        embedding_dim=4,
        max_epochs=1,
    )
    model.fit(sounds.waveforms, labels)
    waveform = np.concatenate(sounds.waveforms[:3])
    window = len(sounds.waveforms[0]) / SAMPLE_RATE
    table = timeline(model, [waveform], window=window, overlap=0.0)
    expected = model.predict_proba(sounds.waveforms[:3])
    np.testing.assert_allclose(table.to_numpy(), expected, rtol=0, atol=1e-6)


def test_each_call_of_the_estimator_gets_a_bounded_amount_of_sound(model, recording):
    seconds = []

    def measure(X):
        seconds.append(sum(len(waveform) for waveform in X) / SAMPLE_RATE)
        return X

    measured = make_pipeline(FunctionTransformer(measure), *model)
    hour = np.tile(recording, 20)
    timeline(measured, [hour[:50], *[recording] * 5, hour], window=20.0)
    assert len(seconds) > 4  # of 1,300 s in all
    assert max(seconds) <= 300
    assert np.mean(seconds) > 150  # short recordings are scored together


def test_nested_frozen_and_searched_pipelines_are_seen_through(model, sounds, labels):
    expected = timeline(model, sounds.waveforms[:3])
    frames, classifier = model
    nested = make_pipeline("passthrough", make_pipeline(frames), FrozenEstimator(classifier))
    pd.testing.assert_frame_equal(timeline(nested, sounds.waveforms[:3]), expected)
    pd.testing.assert_frame_equal(timeline(FrozenEstimator(model), sounds.waveforms[:3]), expected)
    parameters = {"vggeventclassifier__max_epochs": [1]}
    search = GridSearchCV(model, parameters, cv=2).fit(sounds.waveforms, labels)
    pd.testing.assert_frame_equal(
        timeline(search, sounds.waveforms[:3]),
        timeline(search.best_estimator_, sounds.waveforms[:3]),
    )


class Mean(FunctionTransformer):
    """Mean and deviation of the bands of each window."""

    def transform(self, X):
        return np.array([np.concatenate([x.mean(0), x.std(0)]) for x in X])


@pytest.fixture(scope="module")
def window_model(sounds, labels):
    """Return a fitted classifier of whole windows."""
    frames = LogMelTransformer(sample_rate=SAMPLE_RATE, n_fft=512, n_mels=16)
    return make_pipeline(frames, Mean(), LogisticRegression()).fit(sounds.waveforms, labels)


def test_classifier_of_windows_scores_each_window(window_model, recording):
    table = timeline(window_model, [recording], window=2.0, overlap=0.5, overlap_pooling="mean")
    starts = np.append(1.5 * np.arange(33), 48.1)  # the last ends with the recording, at 50.1
    pieces = [recording[round(s * 8000) : round((s + 2) * 8000)] for s in starts]
    proba = window_model.predict_proba(pieces)
    times = (table.index.get_level_values(1) + table.index.get_level_values(2)) / 2
    for time, row in zip(times, table.to_numpy()):
        covering = (starts <= time) & (time < starts + 2)
        np.testing.assert_allclose(row, proba[covering].mean(0), rtol=1e-6)


def test_classifier_of_windows_scores_whole_rows_without_a_window(window_model, sounds, wav):
    table = timeline(window_model, sounds.waveforms[:4])
    np.testing.assert_allclose(table.to_numpy(), window_model.predict_proba(sounds.waveforms[:4]))
    assert table.index.tolist() == [(row, 0.0, 1.5) for row in range(4)]
    assert timeline(window_model, [wav]).index.tolist() == [(wav, 0.0, 50.1)]


def test_windows_overlap_by_half_by_default(window_model, recording):
    table = timeline(window_model, [recording[:40000]], window=2.0)
    assert table.index.get_level_values("end_time").tolist() == [1.5, 2.5, 3.5, 5.0]


def test_window_of_a_file_is_what_its_waveform_has_there(window_model, recording, wav):
    of_file = timeline(window_model, [wav], window=2.0)
    of_waveform = timeline(window_model, [recording], window=2.0)
    np.testing.assert_array_equal(of_file.to_numpy(), of_waveform.to_numpy())


def test_recordings_without_samples_have_no_steps(model, window_model, sounds):
    X = [np.zeros(0, dtype=np.float32), sounds.waveforms[0], np.zeros(0, dtype=np.float32)]
    for table in (
        timeline(model, X),
        timeline(window_model, X),
        timeline(window_model, X, window=1.0),
    ):
        assert set(table.index.get_level_values("path")) == {1}
        assert np.isfinite(table.to_numpy()).all()
    assert timeline(model, X[:1]).shape == (0, 3)


def test_unreadable_file_raises_or_has_no_steps_as_the_transformer_says(
    make_model, sounds, labels, wav, tmp_path
):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    model = make_model(max_epochs=1).fit(sounds.waveforms, labels)
    with pytest.raises(AudioDecodeError, match=r"broken\.wav"):
        timeline(model, [wav, broken])
    model[0].set_params(on_error="warn")
    with pytest.warns(AudioDecodeWarning, match="1 of 2 clips"):
        table = timeline(model, [wav, broken])
    assert set(table.index.get_level_values("path")) == {wav}


def test_recording_whose_header_leaves_the_length_open_is_read_to_its_end(
    model, recording, tmp_path
):
    open_ended = tmp_path / "open.flac"
    soundfile.write(open_ended, recording, SAMPLE_RATE, subtype="PCM_16")
    data = bytearray(open_ended.read_bytes())
    data[21] &= 0xF0  # the number of samples: 36 bits in STREAMINFO
    data[22:26] = bytes(4)
    open_ended.write_bytes(data)
    table = timeline(model, [open_ended], window=12.0)
    assert table.index.get_level_values("end_time")[-1] == 50.1


def test_silence_is_a_recording_like_others(model):
    table = timeline(model, [np.zeros(80000, dtype=np.float32)])
    assert np.isfinite(table.to_numpy()).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"window": 0.5}, r"'window' parameter of SoundEventDetector must be at least 1.2 s"),
        ({"overlap": 0.0}, r"'overlap' parameter of SoundEventDetector must be at least 0.2 s"),
        ({"window": 5.0, "overlap": 5.0}, r"'window' parameter .* at least 5.2 s"),
    ],
)
def test_windows_that_cannot_be_joined_are_refused(model, recording, parameters, message):
    with pytest.raises(ValueError, match=message):
        timeline(model, [recording], **parameters)


def test_overlap_as_long_as_the_window_is_refused(window_model, recording):
    with pytest.raises(ValueError, match=r"'overlap' .* must be less than window=2.0"):
        timeline(window_model, [recording], window=2.0, overlap=2.0)


def test_segments_without_a_time_axis_are_refused(model, sounds):
    with pytest.raises(ValueError, match="must have a step with 'sample_rate' and 'hop_length'"):
        timeline(model[-1], sounds.waveforms)


def test_waveforms_without_a_sample_rate_are_refused(sounds, labels):
    model = LogisticRegression().fit(sounds.waveforms[:, :9], labels)
    with pytest.raises(ValueError, match="without it, waveforms have no times"):
        timeline(model, sounds.waveforms[:, :9])


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("a.wav", TypeError, "Got the single path 'a.wav': put it into a list"),
        ([], ValueError, "Got an empty list"),
        ([np.zeros((2, 9))], ValueError, r"must be a 1-D array of mono samples. X\[0\]"),
    ],
)
def test_what_holds_no_recordings_is_refused_in_the_name_of_the_detector(model, X, error, message):
    with pytest.raises(error, match=f"X of SoundEventDetector.*{message}"):
        timeline(model, X)


def test_progress_goes_to_the_length_of_the_recordings(model, recording, capsys):
    timeline(model, [recording, recording[:80000]], verbose=1)
    assert "60/60" in capsys.readouterr().err
