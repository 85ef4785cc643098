"""The log-mel transformer against librosa, and against what a spectrogram must do."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_audioevents import LogMelTransformer
from sk_audioevents.exceptions import (
    AudioDecodeError,
    AudioDecodeWarning,
    AudioFileNotFoundError,
)

librosa = pytest.importorskip("librosa")

RATE = 8000
SMALL = {"sample_rate": RATE, "n_fft": 256, "hop_length": 100, "n_mels": 20}


@parametrize_with_checks(
    [
        LogMelTransformer(),
        LogMelTransformer(sample_rate=100, n_fft=16, hop_length=4, n_mels=5),
        LogMelTransformer(center=False),
        LogMelTransformer(precision="single"),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def noise(n_samples, seed=0):
    return np.random.default_rng(seed).normal(size=n_samples).astype(np.float32)


def librosa_log_mel(waveform, *, sample_rate, top_db=80.0, ref=1.0, amin=1e-10, **parameters):
    mel = librosa.feature.melspectrogram(
        y=waveform.astype(np.float64), sr=sample_rate, **parameters
    )
    return librosa.power_to_db(mel, ref=ref, amin=amin, top_db=top_db).T


# What single precision cannot tell: a band far below its frame's loudest has few digits left.
TOLERANCE = {"single": 1.2e-3, "double": 1e-4}


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"n_fft": 128, "n_mels": 13},
        {"n_fft": 512},
        {"n_fft": 2048, "hop_length": 1},
        {"n_fft": 64, "n_mels": 7},
        {"n_fft": 300},
        {"n_fft": 301, "n_mels": 11},
        {"win_length": 200},
        {"win_length": 201, "window": "hamming"},
        {"hop_length": 333},
        {"hop_length": 20000},
        {"fmin": 300.0, "fmax": 3000.0, "n_mels": 13},
        {"htk": True},
        {"norm": None},
        {"power": 1.0},
        {"power": 1.5},
        {"center": False},
        {"pad_mode": "reflect"},
        {"pad_mode": "reflect", "n_fft": 301, "n_mels": 11},
        {"pad_mode": "reflect", "center": False},
        {"top_db": None},
        {"top_db": 12.0},
        {"ref": 0.01, "amin": 1e-3},
    ],
    ids=str,
)
def test_values_equal_librosa(changed, precision):
    parameters = SMALL | changed
    waveform = noise(3456)
    expected = librosa_log_mel(waveform, **parameters)
    frames = LogMelTransformer(**parameters, precision=precision).transform([waveform])[0]
    assert frames.dtype == np.float32
    np.testing.assert_allclose(frames, expected, rtol=0, atol=TOLERANCE[precision])


def largest_differences_from_librosa(paths):
    extractors = {
        precision: LogMelTransformer(precision=precision)._make_extractor(n_clips=10**6)
        for precision in TOLERANCE
    }
    largest = dict.fromkeys(TOLERANCE, 0.0)
    for path in paths:
        waveform, sample_rate = soundfile.read(path, dtype="float32")
        expected = librosa_log_mel(
            waveform, sample_rate=sample_rate, n_fft=1024, hop_length=512, n_mels=128
        )
        for precision, extract in extractors.items():
            difference = abs(extract(waveform) - expected).max()
            largest[precision] = max(largest[precision], difference)
    return largest


def test_values_equal_librosa_on_real_recordings(esc10_folder):
    paths = sorted(esc10_folder.rglob("*.ogg"))[::40]
    assert len(paths) == 10
    largest = largest_differences_from_librosa(paths)
    assert largest["double"] <= TOLERANCE["double"]
    assert largest["single"] <= TOLERANCE["single"]


@pytest.mark.slow
def test_values_equal_librosa_on_all_recordings(esc10_folder):
    paths = sorted(esc10_folder.rglob("*.ogg"))
    assert len(paths) == 400
    largest = largest_differences_from_librosa(paths)
    assert largest["double"] <= TOLERANCE["double"]
    assert largest["single"] <= TOLERANCE["single"]


def test_a_tone_is_loudest_in_the_band_around_its_frequency():
    centres = librosa.mel_frequencies(n_mels=22, fmin=0, fmax=RATE / 2)[1:-1]
    for band in (4, 11, 18):
        tone = np.sin(2 * np.pi * centres[band] * np.arange(RATE) / RATE)
        frames = LogMelTransformer(**SMALL).transform(tone[None])[0]
        assert frames[40].argmax() == band


def test_twice_the_amplitude_is_6_decibels_more():
    waveform = noise(2000)
    quiet, loud = LogMelTransformer(**SMALL, top_db=None).transform([waveform, 2 * waveform])
    np.testing.assert_allclose(loud - quiet, 20 * np.log10(2), atol=1e-4)


def test_a_shift_by_whole_hops_shifts_the_frames():
    waveform = noise(3000)
    later = np.concatenate([np.zeros(300, dtype=np.float32), waveform])
    frames, shifted = LogMelTransformer(**SMALL, top_db=None).transform([waveform, later])
    np.testing.assert_allclose(shifted[6:30], frames[3:27], atol=1e-4)


def test_silence_lies_at_the_level_of_amin():
    frames = LogMelTransformer(**SMALL).transform(np.zeros((1, 1000)))
    np.testing.assert_array_equal(frames, -100.0)


@pytest.mark.parametrize("n_samples", [0, 1, 10, 99, 100, 101, 255, 256, 257])
def test_short_clips_have_one_frame_for_each_begun_hop(n_samples):
    (frames,) = LogMelTransformer(**SMALL).transform([noise(n_samples)])
    assert frames.shape == (1 + n_samples // 100, 20)
    assert np.isfinite(frames).all()


def test_uncentred_clips_shorter_than_a_window_are_padded_to_one_frame():
    (frames,) = LogMelTransformer(**SMALL, center=False).transform([noise(7)])
    assert frames.shape == (1, 20)


def test_the_kind_of_input_decides_the_container(tmp_path):
    transformer = LogMelTransformer(**SMALL)
    waveform = noise(1000)
    assert transformer.transform(np.stack([waveform, waveform])).shape == (2, 11, 20)
    ragged = transformer.transform([waveform, waveform])
    assert ragged.dtype == object
    assert ragged.shape == (2,)
    soundfile.write(tmp_path / "a.wav", waveform, RATE, subtype="FLOAT")
    files = transformer.transform([tmp_path / "a.wav", str(tmp_path / "a.wav")])
    assert files.dtype == object
    assert files.shape == (2,)
    np.testing.assert_array_equal(files[0], ragged[0])


@pytest.fixture
def recording(tmp_path):
    """Return a path of 2 s of noise, and its samples."""
    waveform = noise(2 * RATE) / 10
    soundfile.write(tmp_path / "noise.wav", waveform, RATE, subtype="FLOAT")
    return str(tmp_path / "noise.wav"), waveform


def test_paths_may_come_in_any_sequence(recording):
    path, _ = recording
    transformer = LogMelTransformer(**SMALL)
    expected = transformer.transform([path])[0]
    for X in ((path,), np.array([path]), np.array([path], dtype=object), pd.Series([path])):
        np.testing.assert_array_equal(transformer.transform(X)[0], expected)


def test_a_table_gives_windows_of_recordings(recording):
    path, waveform = recording
    table = pd.DataFrame(
        {"path": [path, path], "start_time": [0.0, 0.5], "end_time": [1.25, np.nan]}
    )
    transformer = LogMelTransformer(**SMALL)
    windows = transformer.fit_transform(table)
    expected = transformer.transform([waveform[: RATE * 5 // 4], waveform[RATE // 2 :]])
    for window, frames in zip(windows, expected):
        np.testing.assert_array_equal(window, frames)


def test_files_are_resampled_to_the_sample_rate(tmp_path):
    tone = np.sin(2 * np.pi * 1000 * np.arange(3 * 16000) / 16000)
    soundfile.write(tmp_path / "16k.wav", tone, 16000, subtype="FLOAT")
    resampled = LogMelTransformer(**SMALL, top_db=40).transform([tmp_path / "16k.wav"])[0]
    direct = LogMelTransformer(**SMALL, top_db=40).transform(
        [np.sin(2 * np.pi * 1000 * np.arange(3 * RATE) / RATE)]
    )[0]
    np.testing.assert_allclose(resampled[10:-10], direct[10:-10], atol=0.05)


def test_threads_change_nothing(recording):
    path, _ = recording
    one = LogMelTransformer(**SMALL).transform([path] * 9)
    two = LogMelTransformer(**SMALL, n_jobs=2).transform([path] * 9)
    for a, b in zip(one, two):
        np.testing.assert_array_equal(a, b)


def test_verbose_shows_progress(recording, capsys):
    LogMelTransformer(**SMALL, verbose=1).transform([recording[0]] * 3)
    assert "3/3" in capsys.readouterr().err


def test_quiet_is_quiet(recording, capsys):
    LogMelTransformer(**SMALL).fit_transform([recording[0]] * 3)
    assert capsys.readouterr() == ("", "")


def test_all_paths_are_checked_before_the_first_is_decoded(recording, tmp_path, monkeypatch):
    decoded = []
    monkeypatch.setattr(
        "sk_audioevents.features._clip_work.decode",
        lambda path, *args, **kwargs: decoded.append(path),
    )
    with pytest.raises(AudioFileNotFoundError, match=r"gone\.wav"):
        LogMelTransformer().transform([recording[0], str(tmp_path / "gone.wav")])
    assert decoded == []


def test_a_damaged_file_raises_an_error_that_names_it(recording, tmp_path):
    (tmp_path / "notes.wav").write_text("This is not sound.")
    with pytest.raises(AudioDecodeError, match=r"notes\.wav"):
        LogMelTransformer(**SMALL).transform([recording[0], tmp_path / "notes.wav"])


def test_on_error_warn_keeps_the_row_as_silence_and_lists_the_file(recording, tmp_path):
    path, _ = recording
    broken, gone = str(tmp_path / "broken.wav"), str(tmp_path / "gone.wav")
    with open(path, "rb") as whole, open(broken, "wb") as part:
        part.write(whole.read()[:2000])
    table = pd.DataFrame(
        {"path": [path, broken, gone], "start_time": 0.0, "end_time": [np.nan, np.nan, 0.5]}
    )
    transformer = LogMelTransformer(**SMALL, on_error="warn").fit(table)
    with pytest.warns(AudioDecodeWarning, match=r"2 of 3 clips could not be decoded") as caught:
        frames = transformer.transform(table)
    assert len(caught) == 1
    assert list(transformer.failed_) == [broken, gone]
    assert "header promises" in transformer.failed_[broken]
    np.testing.assert_array_equal(frames[1], np.full((1 + RATE // 100, 20), -100))
    np.testing.assert_array_equal(frames[2], np.full((1 + RATE // 200, 20), -100))
    np.testing.assert_array_equal(frames[0], LogMelTransformer(**SMALL).transform([path])[0])


def test_on_error_warn_is_quiet_where_all_is_well(recording):
    transformer = LogMelTransformer(**SMALL, on_error="warn").fit([recording[0]])
    transformer.transform([recording[0]])
    assert transformer.failed_ == {}


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("a.wav", TypeError, r"single path 'a.wav': put it into a list"),
        ([], ValueError, r"Got an empty list: 0 sample"),
        (np.array([["a.wav", "b.wav"]]), ValueError, r"strings of shape \(1, 2\): pass the one"),
        (np.array([["a.wav"]], dtype=object), ValueError, r"strings of shape \(1, 1\)"),
        (["a.wav", 3], TypeError, r"X\[1\] is a int, 3"),
        ([np.zeros(5), np.zeros((2, 5))], ValueError, r"X\[1\] has shape \(2, 5\)"),
        ([np.zeros(5), np.array([0, np.nan])], ValueError, r"Input X\[1\] contains NaN"),
        (np.array([[0.0, np.inf]]), ValueError, r"Input X contains infinity"),
        (np.zeros((2, 3, 4)), ValueError, r"Found array with dim 3"),
        (
            pd.DataFrame({"path": ["a.wav"], "start_time": [2.0], "end_time": [1.0]}),
            ValueError,
            r"Row 0, 'a.wav', has start_time=2.0, end_time=1.0",
        ),
        (
            pd.DataFrame({"path": ["a.wav"], "start_time": [-1.0], "end_time": [1.0]}),
            ValueError,
            r"0 <= start_time < end_time",
        ),
        (
            pd.DataFrame({"path": ["a.wav"], "start_time": [np.nan], "end_time": [1.0]}),
            ValueError,
            r"0 <= start_time < end_time",
        ),
        (pd.DataFrame({"path": []}), ValueError, r"a table of 0 sample"),
    ],
)
def test_bad_input_raises_an_error_that_says_what_it_got(X, error, message):
    with pytest.raises(error, match=message):
        LogMelTransformer(**SMALL).fit(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hop_length": 0}, r"'hop_length' parameter of LogMelTransformer must be an int"),
        ({"precision": "half"}, r"'precision' parameter of LogMelTransformer must be a str among"),
        ({"on_error": "ignore"}, r"'on_error' parameter of LogMelTransformer must be a str among"),
        ({"win_length": 300}, r"'win_length' .* at most n_fft. Got win_length=300, n_fft=256"),
        ({"fmin": 5000.0}, r"fmin < fmax <= sample_rate / 2. Got fmin=5000.0"),
        ({"fmax": 4001.0}, r"Got fmin=0.0, fmax=4001.0, sample_rate=8000"),
    ],
)
def test_bad_parameters_raise_an_error_that_names_them(parameters, message):
    with pytest.raises(ValueError, match=message):
        LogMelTransformer(**(SMALL | parameters)).transform([noise(100)])
