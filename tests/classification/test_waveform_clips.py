"""Waveforms of files: their length before they are decoded, and their parts."""

import pickle

import numpy as np
import pytest
import soundfile

from sk_audioevents._validation import ClipFile
from sk_audioevents.audio import load_audio
from sk_audioevents.classification import _waveform_clips
from sk_audioevents.classification._waveform_clips import RecordedWaveform, waveform_frames
from sk_audioevents.exceptions import AudioDecodeError


@pytest.fixture
def write(tmp_path):
    """Return a function that writes noise to a file and returns its path."""

    def write_file(n_samples, sample_rate, name="noise.wav"):
        noise = 0.1 * np.random.default_rng(0).standard_normal(n_samples)
        soundfile.write(tmp_path / name, noise, sample_rate)
        return tmp_path / name

    return write_file


def without_length(path):
    """Set the 36 bits of a FLAC header to 0 that tell the number of samples."""
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path.write_bytes(data)


@pytest.mark.parametrize("own_rate", [8000, 11025, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("n_samples", [1, 2, 3, 999, 12345])
def test_the_length_is_known_before_decoding(own_rate, n_samples, write, monkeypatch):
    path = write(n_samples, own_rate)
    with monkeypatch.context() as patch:
        patch.setattr("sk_audioevents.audio._decode.decode", None)
        waveform = RecordedWaveform(ClipFile(path), 16000)
    expected, _ = load_audio(path, sample_rate=16000)
    assert waveform.shape == (len(expected), 1)
    np.testing.assert_array_equal(waveform, expected[:, None], strict=True)


@pytest.mark.parametrize("own_rate", [16000, 22050])
def test_the_length_is_known_also_where_the_header_leaves_it_open(own_rate, write):
    path = write(12345, own_rate, "noise.flac")
    without_length(path)
    waveform = RecordedWaveform(ClipFile(path), 16000)
    expected, _ = load_audio(path, sample_rate=16000)
    np.testing.assert_array_equal(waveform, expected[:, None], strict=True)


@pytest.mark.parametrize("window", [(0.0, None), (0.0, 1.5), (0.3, None), (1.7001, 5.2502)])
@pytest.mark.parametrize("own_rate", [16000, 22050, 44100])
def test_parts_are_those_of_the_whole_window_resampled(own_rate, window, write):
    clip = ClipFile(write(6 * own_rate + 777, own_rate), *window)
    waveform = RecordedWaveform(clip, 16000)
    whole = np.asarray(waveform)
    n = len(waveform)
    expected, _ = load_audio(clip.path, sample_rate=16000, start_time=window[0], end_time=window[1])
    np.testing.assert_array_equal(whole[:, 0], expected)
    for start, stop in [(0, 1), (0, n), (n - 1, n), (16000, 16001), (5, n // 2), (n // 3, n - 9)]:
        part = waveform[start:stop]
        assert part.dtype == np.float32
        np.testing.assert_allclose(part, whole[start:stop], rtol=0, atol=1e-6)
    assert waveform[7:7].shape == (0, 1)


def test_a_part_is_read_without_the_rest(write, monkeypatch):
    waveform = RecordedWaveform(ClipFile(write(60 * 8000, 8000)), 8000)
    decoded = []

    def watched_decode(*arguments):
        waveform, sample_rate = load_audio(
            arguments[0], sample_rate=arguments[1], start_time=arguments[2], end_time=arguments[3]
        )
        decoded.append(len(waveform))
        return waveform, sample_rate

    monkeypatch.setattr(_waveform_clips, "decode", watched_decode)
    assert waveform[30 * 8000 : 31 * 8000].shape == (8000, 1)
    assert decoded == [3 * 8000]  # with a second on each side


def test_it_is_pickled_as_the_place_of_its_samples(write):
    waveform = RecordedWaveform(ClipFile(write(20000, 8000)), 8000)
    pickled = pickle.dumps(waveform)
    assert len(pickled) < 1000
    np.testing.assert_array_equal(pickle.loads(pickled), np.asarray(waveform))


@pytest.mark.parametrize("n_samples", [9000, 11000])
def test_a_file_of_another_length_than_before_is_an_error(n_samples, write):
    waveform = RecordedWaveform(ClipFile(write(10000, 8000)), 8000)
    write(n_samples, 8000)
    message = f"it has {n_samples} samples at 8000 Hz where it had 10000 before. Was it changed"
    with pytest.raises(AudioDecodeError, match=message):
        np.asarray(waveform)


def test_a_window_that_ends_a_rounded_sample_late_is_filled_up(write):
    path = write(10000, 8000, "noise.flac")
    without_length(path)
    clip = ClipFile(path, 0.0, 10001 / 8000)
    waveform = RecordedWaveform(clip, 8000)
    assert waveform.shape == (10001, 1)
    assert np.asarray(waveform)[-1, 0] == 0


def test_a_window_beyond_the_end_is_an_error_before_anything_is_decoded(write):
    with pytest.raises(AudioDecodeError, match=r"the window ends at 1\.5 s and the recording"):
        RecordedWaveform(ClipFile(write(8000, 8000), 0.0, 1.5), 8000)


def test_waveforms_are_frames_of_one_band():
    array = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(waveform_frames("array", array, 1)[1], [[3], [4], [5]])
    clips = waveform_frames("waveforms", [array[0], array[1, :0]], 1)
    np.testing.assert_array_equal(clips[0], [[0], [1], [2]])
    np.testing.assert_array_equal(clips[1], [[0]])  # a clip of no samples is one of silence
