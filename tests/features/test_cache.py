"""The cache of a transformer: pay once, never stale, the same bits."""

import os
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_audioevents import LogMelTransformer, MFCCTransformer
from sk_audioevents.audio._decode import decode
from sk_audioevents.augmentation import SpeedPerturb
from sk_audioevents.exceptions import AudioDecodeWarning
from sk_audioevents.features._clip_cache import NOT_IN_KEY

RATE = 8000
SMALL = {"sample_rate": RATE, "n_fft": 256, "hop_length": 100, "n_mels": 20}


@pytest.fixture(scope="module", autouse=True)
def checks_folder(tmp_path_factory):
    """Have the relative cache_dir of the checks lie in a temporary folder."""
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("checks"))
    yield
    os.chdir(before)


@parametrize_with_checks(
    [
        LogMelTransformer(cache_dir="checks-cache"),
        LogMelTransformer(cache_dir="checks-cache", cache_dtype="float16", cache_size=10000),
        LogMelTransformer(cache_dir="checks-cache", lazy=True),
        MFCCTransformer(cache_dir="checks-cache"),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def noise(n_samples, seed=0):
    return np.random.default_rng(seed).normal(size=n_samples).astype(np.float32) / 10


@pytest.fixture
def paths(tmp_path):
    """Return the paths of five WAV files of unequal lengths."""
    (tmp_path / "recordings").mkdir()
    paths = [str(tmp_path / "recordings" / f"{i}.wav") for i in range(5)]
    for i, path in enumerate(paths):
        soundfile.write(path, noise(1000 + 700 * i, seed=i), RATE, subtype="FLOAT")
    return paths


@pytest.fixture
def decoded(monkeypatch):
    """Return the list of paths that were decoded."""
    decoded = []

    def counting_decode(path, *window, **options):
        decoded.append(path)
        return decode(path, *window, **options)

    monkeypatch.setattr("sk_audioevents.features._clip_work.decode", counting_decode)
    return decoded


@pytest.fixture
def cache_dir(tmp_path):
    """Return where a cache may be made."""
    return tmp_path / "cache"


def cached(cache_dir, **parameters):
    return LogMelTransformer(**(SMALL | parameters), cache_dir=cache_dir)


def entries(cache_dir):
    return sorted(Path(cache_dir).glob("??/*.frames"))


def assert_same_clips(one, two):
    assert len(one) == len(two)
    for a, b in zip(one, two):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b), strict=True)


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("lazy", [False, True])
def test_a_file_is_decoded_once(paths, cache_dir, decoded, n_jobs, lazy):
    expected = LogMelTransformer(**SMALL).transform(paths)
    decoded.clear()
    transformer = cached(cache_dir, n_jobs=n_jobs, lazy=lazy)
    for X in (paths, paths[::-1] * 2, np.array(paths)):
        frames = clone(transformer).transform(X)
        assert frames.dtype == object
        assert_same_clips(frames, [expected[paths.index(str(path))] for path in X])
    assert sorted(decoded) == paths


def test_a_file_that_comes_often_is_decoded_once_in_threads(paths, cache_dir, decoded):
    frames = cached(cache_dir, n_jobs=4).transform(paths[:1] * 40)
    assert decoded == paths[:1]
    assert_same_clips(frames, [frames[0]] * 40)


@pytest.mark.parametrize("cache_dtype", ["float32", "float16"])
@pytest.mark.parametrize("kind", ["files", "waveforms", "array"])
def test_what_is_computed_and_what_is_read_are_the_same_bits(paths, cache_dir, cache_dtype, kind):
    waveforms = [noise(900, seed=i) for i in range(3)]
    X = {"files": paths, "waveforms": waveforms, "array": np.stack(waveforms)}[kind]
    transformer = cached(cache_dir, cache_dtype=cache_dtype)
    computed, read = transformer.transform(X), transformer.transform(X)
    assert type(computed) is type(read)
    assert computed.shape == read.shape
    assert computed.dtype == read.dtype
    assert_same_clips(computed, read)
    uncached = LogMelTransformer(**SMALL).transform(X)
    assert_same_clips(
        computed, [frames.astype(cache_dtype).astype(np.float32) for frames in uncached]
    )


def test_frames_of_a_hit_may_be_written_to(paths, cache_dir):
    cached(cache_dir).transform(paths)
    frames = cached(cache_dir).transform(paths)[0]
    frames[:] = 0
    assert cached(cache_dir).transform(paths)[0].all()


def test_waveforms_are_known_by_their_samples(cache_dir):
    waveform = noise(1000)
    other = waveform.copy()
    other[-1] += 1e-3
    for X in ([waveform], [other], waveform[None], [waveform.astype(np.float64)], [waveform[:-1]]):
        cached(cache_dir).transform(X)
    assert len(entries(cache_dir)) == 3


@pytest.mark.parametrize("n_samples", [0, 1, 10])
def test_short_waveforms_are_kept_too(cache_dir, n_samples):
    for _ in range(2):
        frames = cached(cache_dir).transform([noise(n_samples)])
        assert_same_clips(frames, LogMelTransformer(**SMALL).transform([noise(n_samples)]))


def test_windows_of_one_file_are_kept_apart(paths, cache_dir, decoded):
    table = pd.DataFrame(
        {
            "path": paths[-1],
            "start_time": [0.0, 0.1, 0.1, 0.0],
            "end_time": [0.3, 0.3, np.nan, np.nan],
        }
    )
    for _ in range(2):
        frames = cached(cache_dir).transform(table)
        assert_same_clips(frames, LogMelTransformer(**SMALL).transform(table))
    assert len(entries(cache_dir)) == 4
    decoded.clear()
    cached(cache_dir).transform(paths[-1:])  # the last window is the whole file
    assert decoded == []


@pytest.mark.parametrize("lazy", [False, True])
def test_a_changed_file_is_decoded_anew(paths, cache_dir, decoded, lazy):
    transformer = cached(cache_dir, lazy=lazy)
    before = [np.asarray(row) for row in transformer.transform(paths[:1])]
    status = os.stat(paths[0])
    soundfile.write(paths[0], noise(1000, seed=9), RATE, subtype="FLOAT")
    os.utime(paths[0], ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert os.stat(paths[0]).st_size == status.st_size
    decoded.clear()
    (after,) = transformer.transform(paths[:1])
    assert decoded == paths[:1]
    assert_same_clips([after], LogMelTransformer(**SMALL).transform(paths[:1]))
    assert not np.array_equal(np.asarray(after), before[0])


def test_a_file_of_another_size_and_the_same_time_is_decoded_anew(paths, cache_dir):
    cached(cache_dir).transform(paths[:1])
    times = os.stat(paths[0]).st_atime_ns, os.stat(paths[0]).st_mtime_ns
    soundfile.write(paths[0], noise(1100), RATE, subtype="FLOAT")
    os.utime(paths[0], ns=times)
    frames = cached(cache_dir).transform(paths[:1])
    assert_same_clips(frames, LogMelTransformer(**SMALL).transform(paths[:1]))


def test_a_file_that_changes_while_it_is_read_is_not_kept(paths, cache_dir, monkeypatch):
    def load_while_another_writes(path, *window, **options):
        result = decode(path, *window, **options)
        os.utime(path, ns=(0, 0))
        return result

    monkeypatch.setattr("sk_audioevents.features._clip_work.decode", load_while_another_writes)
    frames = cached(cache_dir, cache_dtype="float16").transform(paths[:1])
    assert entries(cache_dir) == []
    monkeypatch.undo()
    assert_same_clips(frames, cached(cache_dir, cache_dtype="float16").transform(paths[:1]))


def test_relative_and_absolute_paths_are_the_same_file(paths, cache_dir, decoded, monkeypatch):
    cached(cache_dir).transform(paths)
    monkeypatch.chdir(Path(paths[0]).parent)
    decoded.clear()
    cached(cache_dir).transform([Path("0.wav"), "./1.wav"])
    assert decoded == []


OTHER_VALUES = {
    "sample_rate": 16000,
    "n_fft": 300,
    "hop_length": 99,
    "win_length": 200,
    "window": "hamming",
    "n_mels": 19,
    "fmin": 10.0,
    "fmax": 3900.0,
    "htk": True,
    "norm": None,
    "power": 1.0,
    "center": False,
    "ref": 2.0,
    "amin": 1e-9,
    "top_db": None,
    "precision": "single",
    "cache_dtype": "float16",
}
NO_OTHER_VALUES = {
    "n_jobs": 2,
    "on_error": "warn",
    "verbose": 1,
    "cache_size": 10**9,
    "lazy": True,
    "augmentation": SpeedPerturb(),
    "n_versions": 3,
    "random_state": 7,
}


@pytest.mark.parametrize("name", OTHER_VALUES)
def test_other_parameters_are_other_entries(paths, cache_dir, name):
    cached(cache_dir).transform(paths[:1])
    cached(cache_dir, **{name: OTHER_VALUES[name]}).transform(paths[:1])
    assert len(entries(cache_dir)) == 2


@pytest.mark.parametrize("name", NO_OTHER_VALUES)
def test_parameters_that_change_no_value_share_entries(paths, cache_dir, name):
    cached(cache_dir).transform(paths[:1])
    cached(cache_dir, **{name: NO_OTHER_VALUES[name]}).transform(paths[:1])
    assert len(entries(cache_dir)) == 1


def test_numpy_numbers_are_the_same_parameters(paths, cache_dir):
    cached(cache_dir).transform(paths[:1])
    cached(cache_dir, hop_length=np.int64(100), top_db=80, htk=np.False_).transform(paths[:1])
    assert len(entries(cache_dir)) == 1


class LouderLogMel(LogMelTransformer):
    """A transformer of another class, with other values."""

    def _make_extractor(self, n_clips):
        extract = super()._make_extractor(n_clips)
        return lambda waveform: extract(waveform) + 1


def test_other_classes_are_other_entries(paths, cache_dir):
    cached(cache_dir).transform(paths)
    louder = LouderLogMel(**SMALL, cache_dir=cache_dir).transform(paths)
    assert_same_clips(louder, LouderLogMel(**SMALL).transform(paths))
    assert len(entries(cache_dir)) == 10


def test_log_mel_and_mfcc_share_a_folder(paths, cache_dir):
    for transformer in (
        LogMelTransformer(**SMALL),
        MFCCTransformer(**SMALL, n_mfcc=13, win_length=200),
    ):
        expected = transformer.transform(paths)
        for lazy in (False, True):
            transformer.set_params(cache_dir=cache_dir, lazy=lazy)
            assert_same_clips(transformer.transform(paths), expected)
    assert len(entries(cache_dir)) == 10


def test_new_code_with_other_values_does_not_find_old_entries(paths, cache_dir, monkeypatch):
    cached(cache_dir).transform(paths[:1])
    monkeypatch.setattr(LogMelTransformer, "_values_version", 10**6)
    cached(cache_dir).transform(paths[:1])
    assert len(entries(cache_dir)) == 2


def test_all_parameters_that_are_not_in_the_key_were_tried():
    assert set(NO_OTHER_VALUES) | {"cache_dir"} == NOT_IN_KEY


@pytest.mark.parametrize("lazy", [False, True])
def test_silence_in_place_of_a_bad_file_is_not_kept(paths, cache_dir, lazy):
    whole = Path(paths[1]).read_bytes()
    Path(paths[1]).write_bytes(whole[:2000])
    status = os.stat(paths[1])
    transformer = cached(cache_dir, on_error="warn", lazy=lazy)
    for _ in range(2):
        with pytest.warns(AudioDecodeWarning, match="1 of 5 clips could not be decoded"):
            frames = transformer.transform(paths)
        assert list(transformer.failed_) == [paths[1]]
        np.testing.assert_array_equal(np.asarray(frames[1]), np.full((81, 20), -100))
    assert len(entries(cache_dir)) == 4
    Path(paths[1]).write_bytes(whole)
    os.utime(paths[1], ns=(status.st_atime_ns, status.st_mtime_ns))
    assert_same_clips(transformer.transform(paths), LogMelTransformer(**SMALL).transform(paths))
    assert transformer.failed_ == {}


def test_nothing_is_written_without_a_cache_dir(paths, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    LogMelTransformer(**SMALL, cache_dtype="float16", cache_size=1).fit_transform(paths)
    cached(tmp_path / "there").fit(paths)
    assert list((tmp_path / "here").iterdir()) == []
    assert not (tmp_path / "there").exists()


def test_without_a_cache_dir_frames_are_not_rounded(paths):
    frames = LogMelTransformer(**SMALL, cache_dtype="float16").transform(paths)
    assert_same_clips(frames, LogMelTransformer(**SMALL).transform(paths))


def test_a_folder_with_other_files_is_refused_and_left_alone(paths, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match=r"'cache_dir' .* new or empty .* holds 'thesis.txt'"):
        cached(tmp_path / "results", cache_size=1).transform(paths)
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["thesis.txt"]
    with pytest.raises(ValueError, match=r"'cache_dir' .* which is no folder"):
        cached(tmp_path / "results" / "thesis.txt").transform(paths)


def test_the_cache_of_another_program_is_refused(paths, cache_dir):
    cache_dir.mkdir()
    (cache_dir / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n")
    with pytest.raises(ValueError, match=r"which holds 'CACHEDIR.TAG'"):
        cached(cache_dir).transform(paths)


def test_lazy_needs_a_cache_dir(paths):
    with pytest.raises(ValueError, match=r"'lazy' .* LogMelTransformer must be False without"):
        LogMelTransformer(lazy=True).transform(paths)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"cache_dir": 3}, "'cache_dir' parameter of LogMelTransformer must be an instance of"),
        ({"cache_dtype": "int8"}, "'cache_dtype' parameter of LogMelTransformer must be a str"),
        ({"cache_size": 0}, "'cache_size' parameter of LogMelTransformer must be an int"),
        ({"lazy": "yes"}, "'lazy' parameter of LogMelTransformer must be"),
    ],
)
def test_bad_parameters_raise_an_error_that_names_them(parameters, message):
    with pytest.raises(ValueError, match=message):
        LogMelTransformer(**(SMALL | parameters)).transform([noise(100)])


@pytest.mark.parametrize("lazy", [False, True])
def test_the_cache_keeps_to_its_size(paths, cache_dir, decoded, lazy):
    size = 10000
    transformer = cached(cache_dir, cache_size=size, lazy=lazy)
    expected = LogMelTransformer(**SMALL).transform(paths)
    for _ in range(2):
        assert_same_clips(transformer.transform(paths), expected)
        assert 0 < sum(entry.stat().st_size for entry in entries(cache_dir)) <= size


def test_the_clips_not_used_for_longest_make_room(tmp_path, cache_dir, decoded):
    paths = [str(tmp_path / f"{i}.wav") for i in range(6)]
    for i, path in enumerate(paths):
        soundfile.write(path, noise(1000, seed=i), RATE, subtype="FLOAT")
    cached(cache_dir).transform(paths[:1])
    (entry,) = entries(cache_dir)
    transformer = cached(cache_dir, cache_size=int(4.5 * entry.stat().st_size))
    for path in [*paths[1:4], paths[0], paths[1]]:  # used last: 2, 3, 0, 1
        transformer.transform([path])
    decoded.clear()
    transformer.transform(paths[4:5])  # instead of 2
    transformer.transform([paths[3], paths[0], paths[1]])
    assert decoded == paths[4:5]
    transformer.transform(paths[2:3])  # instead of 4
    assert decoded == [paths[4], paths[2]]
    transformer.transform([paths[3], paths[0], paths[1]])
    assert decoded == [paths[4], paths[2]]


def test_a_cache_too_small_for_a_clip_keeps_nothing_and_changes_nothing(paths, cache_dir):
    expected = LogMelTransformer(**SMALL).transform(paths)
    assert_same_clips(cached(cache_dir, cache_size=100).transform(paths), expected)
    assert_same_clips(cached(cache_dir, cache_size=100, lazy=True).transform(paths), expected)
    assert entries(cache_dir) == []


def test_a_full_disk_is_an_error_that_leaves_a_good_cache(paths, cache_dir, decoded, monkeypatch):
    cached(cache_dir).transform(paths[:3])

    def no_space(source, target):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", no_space)
        with pytest.raises(OSError, match=r"Cannot write into the cache \(No space left"):
            cached(cache_dir).transform(paths)
    assert list((cache_dir / "aside").iterdir()) == []
    decoded.clear()
    frames = cached(cache_dir).transform(paths)
    assert decoded == paths[3:]
    assert_same_clips(frames, LogMelTransformer(**SMALL).transform(paths))


def test_threads_that_share_a_cache_decode_each_file_once(paths, cache_dir, decoded):
    barrier = threading.Barrier(4)
    results = []

    def work():
        barrier.wait()
        results.append(cached(cache_dir).transform(paths))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(decoded) == paths
    for frames in results:
        assert_same_clips(frames, results[0])


def test_progress_is_shown_with_a_cache_too(paths, cache_dir, capsys):
    cached(cache_dir, verbose=1).transform(paths)
    assert "5/5" in capsys.readouterr().err
