"""Whether the table says of each file what an independent look at it says."""

import os
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import soundfile

from sk_audioevents.audio import inspect_files, load_audio
from sk_audioevents.exceptions import AudioDecodeError

COLUMNS = [
    "path",
    "duration",
    "sample_rate",
    "n_channels",
    "format",
    "subtype",
    "peak",
    "problem",
]


@pytest.fixture
def write(tmp_path):
    def write_file(name, samples, sample_rate=22050, **options):
        soundfile.write(tmp_path / name, samples, sample_rate, **options)
        return tmp_path / name

    return write_file


def noise(*shape):
    return np.random.default_rng(0).uniform(-0.5, 0.5, shape)


@pytest.mark.parametrize(
    ("name", "n_channels", "options", "format_and_subtype"),
    [
        ("a.wav", 1, {"subtype": "PCM_16"}, ("WAV", "PCM_16")),
        ("a.wav", 3, {"subtype": "FLOAT"}, ("WAV", "FLOAT")),
        ("a.flac", 2, {"subtype": "PCM_24"}, ("FLAC", "PCM_24")),
        ("a.aiff", 2, {}, ("AIFF", "PCM_16")),
        ("a.ogg", 2, {}, ("OGG", "VORBIS")),
        ("a.mp3", 1, {}, ("MP3", "MPEG_LAYER_III")),
    ],
)
def test_a_good_file_is_described(write, name, n_channels, options, format_and_subtype):
    path = write(name, noise(70_001, n_channels), **options)
    decoded, _ = soundfile.read(path, dtype="float32")
    row = inspect_files([path]).iloc[0]
    assert row["path"] == str(path)
    assert row["duration"] == 70_001 / 22050
    assert (row["sample_rate"], row["n_channels"]) == (22050, n_channels)
    assert (row["format"], row["subtype"]) == format_and_subtype
    assert row["peak"] == pytest.approx(np.abs(decoded).max(), abs=1e-6)
    assert row["problem"] is None


@pytest.mark.parametrize("value", [0.75, -0.75])
@pytest.mark.parametrize("channel", [0, 1])
def test_peak_is_that_of_the_loudest_channel(write, value, channel):
    samples = np.full((100_000, 2), 0.1)
    samples[99_999, channel] = value  # in the last of several blocks
    assert inspect_files([write("a.wav", samples)])["peak"][0] == 0.75


def test_channels_in_antiphase_have_a_peak(write):
    path = write("a.wav", noise(1000, 1) * [1, -1], subtype="FLOAT")
    assert np.abs(load_audio(path)[0]).max() == 0
    assert inspect_files([path])["peak"][0] == np.float32(np.abs(noise(1000)).max())


def test_peak_of_silence_is_zero(write):
    assert inspect_files([write("a.wav", np.zeros(1000))])["peak"][0] == 0


def test_peak_of_floats_may_exceed_full_scale(write):
    assert inspect_files([write("a.wav", np.array([0.5, -3.0]), subtype="FLOAT")])["peak"][0] == 3


def test_rows_stand_in_the_order_of_the_paths(write):
    paths = [write(f"{n}.wav", noise(n)) for n in (300, 100, 200)]
    table = inspect_files(pd.Series([*paths, paths[0]]), n_jobs=4)
    assert list(table["path"]) == [str(path) for path in [*paths, paths[0]]]
    assert list(table["duration"] * 22050) == pytest.approx([300, 100, 200, 300])
    assert list(table.index) == [0, 1, 2, 3]


def test_no_paths_give_an_empty_table_of_the_same_types(write):
    empty, full = inspect_files([]), inspect_files([write("a.wav", noise(10)), "gone.wav"])
    assert len(empty) == 0
    assert list(empty.columns) == list(full.columns) == COLUMNS
    assert list(empty.dtypes) == list(full.dtypes)


def test_a_missing_file_is_a_row(write, tmp_path):
    table = inspect_files([tmp_path / "gone.wav", write("a.wav", noise(10))])
    assert list(table["problem"]) == ["there is no such file", None]
    assert table.loc[0, "path"] == str(tmp_path / "gone.wav")
    assert table.loc[0, COLUMNS[1:-1]].isna().all()
    assert table["sample_rate"].dtype == "Int64"


def broken_off(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.aiff"])
def test_the_problem_of_a_damaged_file_is_that_of_load_audio(write, name):
    path = write(name, noise(70_001))
    broken_off(path)
    with pytest.raises(AudioDecodeError) as error:
        load_audio(path)
    assert inspect_files([path])["problem"][0] == error.value.problem


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_counted_and_placed(write, value):
    samples = noise(200_000, 2).astype(np.float32)
    samples[[100_000, 150_000], 1] = value
    path = write("a.wav", samples, subtype="FLOAT")
    with pytest.raises(AudioDecodeError) as error:
        load_audio(path)
    assert error.value.problem.startswith("2 of 200000 samples are not finite numbers")
    assert inspect_files([path])["problem"][0] == error.value.problem


def test_a_mean_that_overflows_is_a_problem_here_too(write):
    path = write("a.wav", np.full((10, 2), 3e38, dtype=np.float32), subtype="FLOAT")
    assert "not finite" in inspect_files([path])["problem"][0]


def test_a_folder_a_text_and_an_empty_file_are_rows(tmp_path):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("<html>404</html>")
    problems = inspect_files([tmp_path, tmp_path / "empty.wav", tmp_path / "text.wav"])["problem"]
    assert problems[0].startswith("it is a folder")
    assert problems[1] == "the file is empty"
    assert "it is none of these" in problems[2]


def test_a_long_recording_takes_the_memory_of_a_block(tmp_path):
    """Five hours at 8 kHz are 576 MB of float32; load_audio reads three hours at most."""
    path = tmp_path / "long.flac"
    with soundfile.SoundFile(path, "w", 8000, 1) as file:
        for _ in range(5):
            file.write(np.zeros(8000 * 3600, dtype=np.int16))
        file.write(np.array([0.5]))
    with pytest.raises(AudioDecodeError, match="at most 10800 s"):
        load_audio(path)
    tracemalloc.start()
    try:
        row = inspect_files([path]).iloc[0]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert row["problem"] is None
    assert row["duration"] == 5 * 3600 + 1 / 8000
    assert row["peak"] == 0.5
    assert most < 20e6  # bytes


def test_a_flac_header_that_leaves_the_length_open(write):
    path = write("a.flac", noise(22050))
    data = bytearray(path.read_bytes())
    data[18:26] = (int.from_bytes(data[18:26], "big") >> 36 << 36).to_bytes(8, "big")
    path.write_bytes(data)
    assert inspect_files([path])["duration"][0] == 1


def test_threads_change_nothing(write):
    rng = np.random.default_rng(1)
    suffixes = ["wav", "flac", "ogg", "mp3"]
    paths = [
        write(f"{i}.{suffixes[i % 4]}", rng.uniform(-1, 1, (rng.integers(1000, 90_000), 2)))
        for i in range(12)
    ]
    broken_off(paths[5])
    pd.testing.assert_frame_equal(inspect_files(paths, n_jobs=4), inspect_files(paths))


def test_each_path_is_decoded_once(write, monkeypatch):
    opened = []
    open_recording = sys.modules["sk_audioevents.audio._inspect"].open_recording
    monkeypatch.setattr(
        "sk_audioevents.audio._inspect.open_recording",
        lambda path: opened.append(path) or open_recording(path),
    )
    path = write("a.wav", noise(10))
    assert len(inspect_files([path, str(path), path])) == 3
    assert opened == [str(path)]


def test_progress_is_shown_when_asked_for(write, capsys):
    path = write("a.wav", noise(10))
    inspect_files([path])
    assert capsys.readouterr().err == ""
    inspect_files([path], verbose=1)
    assert "inspect_files: 100%" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes are needed")
def test_file_name_that_is_not_utf8(write, tmp_path):
    name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")
    write("a.wav", noise(10)).rename(name)
    table = inspect_files([name])
    assert table["path"][0] == name
    assert table["problem"][0] is None


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"paths": "a.wav"}, "'paths' parameter of inspect_files must be"),
        ({"paths": [], "n_jobs": 0}, "'n_jobs' parameter of inspect_files must be"),
        ({"paths": [], "verbose": -1}, "'verbose' parameter of inspect_files must be"),
    ],
)
def test_parameter_out_of_range(parameters, match):
    with pytest.raises(ValueError, match=match):
        inspect_files(**parameters)


def test_all_real_recordings_are_sound(esc10_folder):
    paths = sorted(esc10_folder.glob("*/*.ogg"))
    table = inspect_files(paths, n_jobs=2)
    assert len(table) == 400
    assert table["problem"].isna().all()
    assert set(table["sample_rate"]) == {44100}
    assert set(table["format"] + " " + table["subtype"]) == {"OGG VORBIS"}
    assert list(table["duration"]) == [soundfile.info(path).duration for path in paths]
    assert table["peak"].gt(0).all()
