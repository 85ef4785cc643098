"""Whether the sound of MP4 and Matroska files comes back whole, and each damage is refused."""

import struct
import sys

import numpy as np
import pytest

from sk_audioevents.audio import inspect_files, load_audio
from sk_audioevents.exceptions import AudioDecodeError

SAMPLE_RATE = 48000  # Opus has no other in common with AAC
LOSSLESS = [("a.m4a", "alac"), ("a.mp4", "flac"), ("a.mka", "flac"), ("a.mka", "pcm_s16le")]
LOSSY = [("a.m4a", "aac"), ("a.mp4", "libopus"), ("a.webm", "libopus")]


def tone(n_samples, *gains):
    waveform = 0.5 * np.sin(2 * np.pi * 440 * np.arange(n_samples) / SAMPLE_RATE)
    waveform += 0.01 * np.random.default_rng(0).standard_normal(n_samples)
    return np.stack([gain * waveform for gain in gains or (1,)], axis=1)


@pytest.fixture
def write(encode, tmp_path):
    def write_file(name, samples, codec, **options):
        return encode(tmp_path / name, samples, SAMPLE_RATE, codec, **options)

    return write_file


@pytest.fixture
def av():
    return pytest.importorskip("av", reason="needs PyAV: the extra 'av'")


# What a whole file gives.


@pytest.mark.parametrize(("name", "codec"), LOSSLESS)
@pytest.mark.parametrize("n_samples", [1, 999, 70_001])
def test_lossless_samples_come_back_as_written(write, name, codec, n_samples):
    samples = np.round(tone(n_samples) * 32768) / 32768
    waveform, sample_rate = load_audio(write(name, samples, codec))
    assert waveform.dtype == np.float32
    assert (type(sample_rate), sample_rate) == (int, SAMPLE_RATE)
    np.testing.assert_array_equal(waveform, samples[:, 0])


@pytest.mark.parametrize(("name", "codec"), LOSSY)
@pytest.mark.parametrize("n_samples", [70_001, 72_000])
@pytest.mark.parametrize("gains", [(1,), (1.5, 0.5)])
def test_lossy_formats_keep_length_and_place(write, name, codec, n_samples, gains):
    """The encoder's delay is taken off as the container says, and so is what fills the last frame.

    The correlation falls below 0.95 if the tone is off by four samples.
    """
    waveform, _ = load_audio(write(name, tone(n_samples, *gains), codec))
    assert len(waveform) == n_samples
    expected = tone(n_samples)[:, 0]
    assert np.corrcoef(waveform[2000:-2000], expected[2000:-2000])[0, 1] > 0.995


def test_click_stays_in_its_place(write):
    samples = np.zeros(SAMPLE_RATE)
    samples[[1000, 30_000, SAMPLE_RATE - 60]] = 0.9
    waveform, _ = load_audio(write("a.m4a", samples, "aac"))
    assert list(np.flatnonzero(waveform > 0.3)) == [1000, 30_000, SAMPLE_RATE - 60]


def test_where_times_are_in_milliseconds_the_last_frame_stays_full(write):
    """Matroska does not say how much of the last AAC frame is sound."""
    n_samples = len(load_audio(write("a.mka", tone(70_001), "aac"))[0])
    assert 70_001 <= n_samples < 70_001 + 1024


@pytest.mark.parametrize("options", [{"movflags": "faststart"}, {"movflags": "+rtphint"}, {}])
def test_where_the_boxes_stand_does_not_matter(write, options):
    assert len(load_audio(write("a.mp4", tone(70_001), "aac", **options))[0]) == 70_001


def test_stream_as_a_browser_records_it(write):
    """Neither the segment nor the header has a length."""
    assert len(load_audio(write("a.webm", tone(70_001), "libopus", live="1"))[0]) == 70_001


@pytest.mark.parametrize(("name", "codec"), LOSSLESS + LOSSY)
def test_window_is_a_slice_of_the_whole(write, name, codec):
    path = write(name, tone(100_000, 1.5, 0.5), codec)
    whole, _ = load_audio(path)
    for start in (1, 777, 50_000, len(whole) - 2000, len(whole) - 1):
        stop = min(start + 3001, len(whole))
        window, _ = load_audio(path, start_time=start / SAMPLE_RATE, end_time=stop / SAMPLE_RATE)
        np.testing.assert_array_equal(window, whole[start:stop])
    window, _ = load_audio(path, start_time=0.5)
    np.testing.assert_array_equal(window, whole[24_000:])


@pytest.mark.parametrize("name", ["a.m4a", "a.webm"])
def test_windows_beyond_the_end_and_long_windows_are_refused(write, name):
    path = write(name, tone(SAMPLE_RATE), "aac" if name == "a.m4a" else "libopus")
    with pytest.raises(AudioDecodeError, match="begins at 2 s and the recording lasts 1 s"):
        load_audio(path, start_time=2)
    with pytest.raises(AudioDecodeError, match="ends at 2 s and the recording lasts 1 s"):
        load_audio(path, end_time=2)
    with pytest.raises(AudioDecodeError, match=r"at most 0\.5 s are"):
        load_audio(path, max_duration=0.5)


def test_resampling(write):
    waveform, sample_rate = load_audio(write("a.m4a", tone(48_000), "alac"), sample_rate=16000)
    assert (len(waveform), sample_rate) == (16_000, 16_000)


def test_files_are_inspected(write):
    samples = np.round(tone(70_001, 0.25, 1) * 32768) / 32768
    paths = [write("a.m4a", samples, "alac"), write("a.webm", samples, "libopus")]
    table = inspect_files(paths)
    assert list(table["problem"]) == [None, None]
    assert list(table["duration"]) == [70_001 / SAMPLE_RATE] * 2
    assert list(table["n_channels"]) == [2, 2]
    assert list(table["format"] + " " + table["subtype"]) == ["MP4 ALAC", "MATROSKA OPUS"]
    assert table["peak"][0] == np.abs(samples).max()


def test_name_does_not_matter(write):
    path = write("a.m4a", tone(10_000), "alac")
    for suffix in ("wav", "au", "raw", "txt"):
        assert len(load_audio(path.rename(path.with_suffix("." + suffix)))[0]) == 10_000
        path = path.with_suffix("." + suffix)


# What is refused.


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.m4a", "aac", {}),
        ("a.m4a", "aac", {"movflags": "faststart"}),
        ("a.mp4", "aac", {"movflags": "frag_keyframe+empty_moov"}),
        ("a.m4a", "alac", {}),
        ("a.webm", "libopus", {}),
        ("a.webm", "libopus", {"live": "1"}),
        ("a.mka", "flac", {}),
    ],
)
def test_every_truncation_is_refused(write, tmp_path, name, codec, options):
    data = write(name, tone(70_001), codec, **options).read_bytes()
    sizes = [*range(1, 60, 7), *np.linspace(60, len(data) - 2, 30).astype(int), len(data) - 1]
    for size in sizes:
        cut = tmp_path / f"{size}{name}"
        cut.write_bytes(data[:size])
        with pytest.raises(AudioDecodeError):
            load_audio(cut)


def test_truncated_file_is_refused_whatever_the_window(write):
    path = write("a.mp4", tone(200_000), "aac", movflags="faststart")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(AudioDecodeError, match=r"box 'mdat' .* breaks off. Is the copy complete"):
        load_audio(path, end_time=0.5)


def test_missing_fragment_is_found_by_the_times(write):
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    options |= {"frag_duration": "500000"}
    data = write("a.mp4", tone(200_000), "aac", **options).read_bytes()
    starts = [i - 4 for i in range(len(data)) if data.startswith(b"moof", i)]
    (path := write("b.mp4", tone(10), "aac")).write_bytes(data[: starts[2]] + data[starts[3] :])
    with pytest.raises(AudioDecodeError, match=r"its times leap by 0\.\d+ s: part of the sound"):
        load_audio(path)


def test_header_that_promises_more(write):
    path = write("a.mka", tone(SAMPLE_RATE), "flac")
    data = bytearray(path.read_bytes())
    at = data.index(b"\x44\x89\x88") + 3  # the element Duration, 8 bytes, in milliseconds
    data[at : at + 8] = struct.pack(">d", 2000.0)
    path.write_bytes(data)
    with pytest.raises(AudioDecodeError, match=r"promises 2 s and the file holds 1 s\. Is"):
        load_audio(path)
    with pytest.raises(AudioDecodeError, match="promises 2 s and the file holds 1 s"):
        load_audio(path, start_time=1.5)


def test_header_with_another_sample_rate_than_the_times(write):
    path = write("a.m4a", tone(SAMPLE_RATE), "alac")
    path.write_bytes(path.read_bytes().replace(b"\0\0\xbb\x80", b"\0\0\xac\x44"))  # 44100 Hz
    data = bytearray(path.read_bytes())
    at = data.index(b"mdhd") + 16
    data[at : at + 4] = struct.pack(">I", SAMPLE_RATE)  # the units of time stay
    path.write_bytes(data)
    with pytest.raises(AudioDecodeError, match=r"a sample lasts 2\.08333e-05 s, .* of 44100 Hz"):
        load_audio(path)


def test_packets_that_ffmpeg_passes_over(write):
    path = write("a.webm", tone(100_000), "libopus", live="1")
    data = bytearray(path.read_bytes())
    at = data.rindex(b"\xa3")
    while data[at + 1] & 0xC0 != 0x40 or data[at + 3] != 0x81:  # SimpleBlock of track 1
        at = data.rindex(b"\xa3", 0, at)
    data[at + 3] = 0x85  # track 5, which there is not
    path.write_bytes(data)
    with pytest.raises(AudioDecodeError, match=r"of its \d+ packets, \d+ can be found"):
        load_audio(path)


def test_flipped_bit_in_flac_is_refused(write):
    path = write("a.mp4", tone(70_001), "flac")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    with pytest.raises(AudioDecodeError, match="the data are damaged or missing"):
        load_audio(path)


def test_video_without_sound(av, tmp_path):
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=25, width=16, height=16)
        for packet in [*stream.encode(av.VideoFrame(16, 16, "yuv420p")), *stream.encode(None)]:
            file.mux(packet)
    with pytest.raises(AudioDecodeError, match="it has no sound: its streams are video"):
        load_audio(path)


def test_sound_of_a_video(av, tmp_path):
    """The picture lasts longer than the sound, which is no damage."""
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as file:
        video = file.add_stream("mpeg4", rate=25, width=16, height=16)
        audio = file.add_stream("pcm_s16le", rate=SAMPLE_RATE, layout="mono")
        packets = [p for _ in range(50) for p in video.encode(av.VideoFrame(16, 16, "yuv420p"))]
        frame = av.AudioFrame.from_ndarray(
            np.full((1, SAMPLE_RATE), 16384, np.int16), "s16", "mono"
        )
        frame.sample_rate = SAMPLE_RATE
        for packet in [*packets, *video.encode(None), *audio.encode(frame), *audio.encode(None)]:
            file.mux(packet)
    waveform, _ = load_audio(path)
    np.testing.assert_array_equal(waveform, np.full(SAMPLE_RATE, 0.5))


def test_several_sound_tracks(av, tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as file:
        for stream in [file.add_stream("aac", rate=SAMPLE_RATE, layout="mono") for _ in range(2)]:
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), "fltp", "mono")
            frame.sample_rate = SAMPLE_RATE
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                file.mux(packet)
    with pytest.raises(AudioDecodeError, match="2 sound tracks, and one would be read"):
        load_audio(path)


def test_encoding_whose_damage_is_not_looked_for(write):
    with pytest.raises(AudioDecodeError, match="its sound is encoded as ac3, which is not read"):
        load_audio(write("a.mp4", tone(10_000), "ac3"))


def test_playlist_is_not_followed(write, tmp_path):
    """FFmpeg would open the file that it names."""
    write("a.m4a", tone(10_000), "aac")
    for text in ("ffconcat version 1.0\nfile a.m4a\n", "#EXTM3U\n#EXTINF:1,\na.m4a\n"):
        (tmp_path / "list.m4a").write_text(text)
        with pytest.raises(AudioDecodeError, match="it is none of these"):
            load_audio(tmp_path / "list.m4a")


@pytest.mark.parametrize(
    "first_bytes", [b"\0\0\0\x20ftypM4A \0\0\2\0", b"\x1a\x45\xdf\xa3\x9fB\x86\x81\1B\xf7\x81"]
)
def test_without_pyav_the_error_says_what_to_install(tmp_path, monkeypatch, first_bytes):
    monkeypatch.setitem(sys.modules, "av", None)  # as if it were not installed
    (tmp_path / "a.m4a").write_bytes(first_bytes)
    with pytest.raises(AudioDecodeError, match=r'pip install "sk_audioevents\[av\]"'):
        load_audio(tmp_path / "a.m4a")
    assert "sk_audioevents[av]" in inspect_files([tmp_path / "a.m4a"])["problem"][0]
