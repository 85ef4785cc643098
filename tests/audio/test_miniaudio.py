"""FLAC files that miniaudio decodes, against libsndfile on the same bytes."""

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_array_equal

from sk_audioevents.audio import _open, inspect_files, load_audio
from sk_audioevents.audio._miniaudio import MiniaudioRecording
from sk_audioevents.audio._soundfile import SoundFileRecording
from sk_audioevents.exceptions import AudioDecodeError

pytest.importorskip("miniaudio", reason="needs miniaudio: the extra 'flac'")

RATE = 22050
SUBTYPES = ["PCM_16", "PCM_24"]


@pytest.fixture
def write(tmp_path):
    """Return a function that writes noise, which no file holds in fewer bits than it has."""

    def write_noise(n_samples=20_000, n_channels=1, subtype="PCM_16", scale=0.3):
        rng = np.random.default_rng(0)
        path = tmp_path / "clip.flac"
        noise = rng.normal(0, scale, (n_samples, n_channels)).clip(-1, 1)
        soundfile.write(path, noise, RATE, subtype=subtype)
        return path

    return write_noise


@pytest.fixture
def without_miniaudio(monkeypatch):
    """Return a function that reads a file as if miniaudio were not installed."""

    def read(path):
        with monkeypatch.context() as patch:
            patch.setattr(_open, "miniaudio", lambda: None)
            return load_audio(path)[0]

    return read


@pytest.fixture
def n_decoded(monkeypatch):
    """Return a list that grows by one number with each file that miniaudio decodes to the end."""
    numbers, decode = [], MiniaudioRecording._integers

    def count(recording):
        integers = decode(recording)
        if integers is not None:
            numbers.append(len(integers))
        return integers

    monkeypatch.setattr(MiniaudioRecording, "_integers", count)
    return numbers


@pytest.mark.parametrize("subtype", SUBTYPES)
@pytest.mark.parametrize("n_channels", [1, 2, 3])
@pytest.mark.parametrize("n_samples", [1, 20_000, 150_000])  # in several blocks
def test_samples_are_those_of_libsndfile(write, n_decoded, n_samples, n_channels, subtype):
    path = write(n_samples, n_channels, subtype)
    expected = soundfile.read(path, always_2d=True)[0].mean(axis=1)
    waveform, rate = load_audio(path)
    assert n_decoded == [n_samples]
    assert rate == RATE
    np.testing.assert_allclose(waveform, expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("subtype", SUBTYPES)
@pytest.mark.parametrize("n_channels", [1, 2])
def test_the_same_bits_as_without_it(write, without_miniaudio, n_channels, subtype):
    path = write(150_000, n_channels, subtype)
    assert_array_equal(load_audio(path)[0], without_miniaudio(path))


def test_integers_stay_integers(write):
    path = write()
    with _open.open_recording(path) as recording:
        waveform = recording.read(0, recording.n_samples, dtype=recording.dtype)
    assert isinstance(recording, MiniaudioRecording)
    assert_array_equal(waveform, soundfile.read(path, dtype="int16")[0])


def test_a_window_is_left_to_libsndfile(write, n_decoded):
    path = write()
    expected = soundfile.read(path, start=2205, stop=4410, dtype="float32")[0]
    assert_array_equal(load_audio(path, start_time=0.1, end_time=0.2)[0], expected)
    assert not n_decoded


def test_other_sample_sizes_are_left_to_libsndfile(write, n_decoded):
    path = write(subtype="PCM_S8")
    assert_array_equal(load_audio(path)[0], soundfile.read(path, dtype="float32")[0])
    assert not n_decoded


def test_a_long_recording_is_left_to_libsndfile(write, n_decoded):
    path = write(2**22 + 1, scale=1e-3)
    assert_array_equal(load_audio(path)[0], soundfile.read(path, dtype="float32")[0])
    assert not n_decoded


def test_a_table_of_files(write, n_decoded):
    path = write(n_channels=2)
    (peak,) = inspect_files([str(path)])["peak"]
    assert peak == np.abs(soundfile.read(path, dtype="float32")[0]).max()
    assert n_decoded == [20_000]


@pytest.mark.parametrize("n_samples", [0, 2**36 - 1])
def test_a_length_that_cannot_be_believed(write, without_miniaudio, n_decoded, n_samples):
    path = write()
    content = bytearray(path.read_bytes())
    content[21] = content[21] & 0xF0 | n_samples >> 32  # the length has 36 bits, after RFC 9639
    content[22:26] = (n_samples & 0xFFFFFFFF).to_bytes(4, "big")
    path.write_bytes(content)
    assert_same_outcome(path, without_miniaudio)
    assert not n_decoded


def test_damaged_files_end_as_without_it(write, without_miniaudio):
    clean = write()
    content, waveform = clean.read_bytes(), load_audio(clean)[0]
    rng = np.random.default_rng(0)
    n_refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        at, n_bytes = rng.integers(len(content)), rng.integers(1, 2000)
        if rng.random() < 0.5:
            damaged[at] ^= 1 << rng.integers(8)
        else:
            del damaged[at : at + n_bytes]
        clean.write_bytes(damaged)
        n_refused += assert_same_outcome(clean, without_miniaudio, waveform)
    assert n_refused > 100


def assert_same_outcome(path, without_miniaudio, truth=None):
    """Compare what is read, or the error; return whether it is an error.

    libsndfile may refuse what miniaudio finds whole, if that is the truth.
    """
    expected, found = (
        outcome(without_miniaudio, path),
        outcome(lambda path: load_audio(path)[0], path),
    )
    if isinstance(found, str):
        assert found == expected
    else:
        assert_array_equal(found, truth if isinstance(expected, str) else expected)
    return isinstance(found, str)


def outcome(read, path):
    """Return the waveform or the sentence of the error."""
    try:
        return read(path)
    except AudioDecodeError as error:
        return str(error)


def test_without_it_libsndfile_decodes(write, monkeypatch):
    monkeypatch.setattr(_open, "miniaudio", lambda: None)
    with _open.open_recording(write()) as recording:
        assert type(recording) is SoundFileRecording
