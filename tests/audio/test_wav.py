"""WAV files that are read without a decoder, against libsndfile."""

import struct

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_array_equal

from sk_audioevents.audio import load_audio
from sk_audioevents.audio._open import open_recording
from sk_audioevents.audio._soundfile import SoundFileRecording
from sk_audioevents.audio._wav import WavRecording
from sk_audioevents.exceptions import AudioDecodeError

RATE = 8000


def samples(n_samples=2000, n_channels=1):
    rng = np.random.default_rng(0)
    return rng.integers(-(2**15), 2**15, size=(n_samples, n_channels)).astype("<i2")


def chunk(name, content):
    return struct.pack("<4sI", name, len(content)) + content + b"\0" * (len(content) % 2)


def wav(content, *, before=(), after=(), riff_size=None, data_size=None, **format_fields):
    """Return the bytes of a WAV file, with chunks before and after the samples."""
    n_channels = content.shape[1]
    fields = {"tag": 1, "n_channels": n_channels, "rate": RATE, "per_second": 2 * n_channels * RATE}
    fields |= {"align": 2 * n_channels, "bits": 16} | format_fields
    data = chunk(b"data", content.tobytes())
    if data_size is not None:
        data = data[:4] + struct.pack("<I", data_size) + data[8:]
    format_chunk = chunk(b"fmt ", struct.pack("<HHIIHH", *fields.values()))
    body = b"WAVE" + format_chunk + b"".join(before) + data + b"".join(after)
    return struct.pack("<4sI", b"RIFF", len(body) if riff_size is None else riff_size) + body


def write(folder, content):
    path = folder / "clip.wav"
    path.write_bytes(content)
    return path


def recording_of(path):
    with open_recording(path) as recording:
        return recording


def expected(path):
    """Return what libsndfile reads, all channels averaged."""
    return soundfile.read(path, dtype="float32", always_2d=True)[0].mean(axis=1, dtype="float64")


@pytest.mark.parametrize("n_channels", [1, 2, 3])
@pytest.mark.parametrize("n_samples", [1, 2000, 100_000])  # in several blocks
def test_samples_are_those_of_libsndfile(tmp_path, n_samples, n_channels):
    path = tmp_path / "clip.wav"
    soundfile.write(path, samples(n_samples, n_channels), RATE)
    assert type(recording_of(path)) is WavRecording
    waveform, rate = load_audio(path)
    assert (rate, waveform.dtype) == (RATE, np.float32)
    np.testing.assert_allclose(waveform, expected(path), rtol=0, atol=1e-7)
    if n_channels == 1:
        assert_array_equal(waveform, expected(path))


def test_a_recording_longer_than_what_is_read_at_once_is_read_whole(tmp_path):
    path = tmp_path / "clip.wav"
    soundfile.write(path, samples(2**22 + 5), RATE)
    waveform, _ = load_audio(path)
    assert_array_equal(waveform, expected(path))


@pytest.mark.parametrize("n_channels", [1, 2])
def test_a_window_is_a_part_of_the_whole(tmp_path, n_channels):
    path = write(tmp_path, wav(samples(n_channels=n_channels)))
    whole, _ = load_audio(path)
    window, _ = load_audio(path, start_time=0.1, end_time=0.15)
    assert_array_equal(window, whole[800:1200])


@pytest.mark.parametrize(
    "before",
    [
        [chunk(b"LIST", b"INFOISFT" + struct.pack("<I", 5) + b"Lavf\0\0")],
        [chunk(b"LIST", b"odd"), chunk(b"fact", bytes(4))],
        [chunk(b"bext", bytes(900))],
    ],
)
def test_notes_before_the_samples_are_passed_over(tmp_path, before):
    path = write(tmp_path, wav(samples(), before=before))
    assert type(recording_of(path)) is WavRecording
    assert_array_equal(load_audio(path)[0], expected(path))


@pytest.mark.parametrize(
    "options",
    [
        {"before": [chunk(b"bext", bytes(1000))]},  # the samples begin too far in
        {"after": [chunk(b"LIST", b"notes!")]},
        {"data_size": 2600},
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_libsndfile(tmp_path, options):
    path = write(tmp_path, wav(samples(), **options))
    assert type(recording_of(path)) is SoundFileRecording
    assert_array_equal(load_audio(path)[0], expected(path))


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "ULAW"])
def test_other_samples_are_left_to_libsndfile(tmp_path, subtype):
    path = tmp_path / "clip.wav"
    soundfile.write(path, samples() / 2**15, RATE, subtype=subtype)
    assert type(recording_of(path)) is SoundFileRecording


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"riff_size": 2**20}, "promises 1048576 bytes"),
        ({"riff_size": 0xFFFFFFFF, "data_size": 0xFFFFFFFF}, "leaves the length open"),
        ({"data_size": 5202}, "promises 5202 bytes and the file holds 5200"),
        (
            {"before": [chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16))]},
            "header",
        ),
        ({"per_second": 7}, "contradicts itself: Bytes/sec is 7 and should be 16000"),
        ({"n_channels": 0, "align": 0}, "header"),
        ({"n_channels": 2}, "Block Align is 2 and should be 4"),
        ({"n_channels": 65, "align": 130, "per_second": 130 * RATE}, "65 channels"),
        ({"rate": 999, "per_second": 1998}, "999 Hz"),
        ({"bits": 0}, "header"),
    ],
)
def test_a_header_that_is_wrong_is_an_error(tmp_path, options, message):
    path = write(tmp_path, wav(samples(65 * 40), **options))
    with pytest.raises(AudioDecodeError, match=message):
        load_audio(path)


@pytest.mark.parametrize("kept", [45, 1000, 4043])
def test_a_file_that_breaks_off_is_an_error(tmp_path, kept):
    path = write(tmp_path, wav(samples())[:kept])
    with pytest.raises(AudioDecodeError, match="Is the copy complete"):
        load_audio(path)


@pytest.mark.parametrize("n_channels", [1, 2])
def test_a_file_that_is_cut_off_while_it_is_read_is_an_error(tmp_path, n_channels):
    path = write(tmp_path, wav(samples(n_channels=n_channels)))
    with open_recording(path) as recording:
        path.write_bytes(path.read_bytes()[: 44 + 1000 * 2 * n_channels + 1])
        assert len(recording.read(0, 2000)) == 1000
        with pytest.raises(AudioDecodeError, match="promises 2000 samples and the file holds 1000"):
            recording.check_end(1000)
        assert len(recording.read(1500, 100)) == 0
