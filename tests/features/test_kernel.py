"""The spectral kernel: its tables, its places in the disk cache, and what it does at the edges."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.fft import dct
from sklearn.base import clone

from sk_audioevents import LogMelTransformer, MFCCTransformer
from sk_audioevents.audio import load_audio
from sk_audioevents.features import _kernel
from sk_audioevents.features._mel_levels import KERNEL_N_FFT

PRECISIONS = ["single", "double"]


def noise(n_samples, seed=0):
    return np.random.default_rng(seed).normal(size=n_samples).astype(np.float32)


def slow_levels(waveform, n_fft, hop_length, mel_bank):
    """Return levels of uncentred frames with a Hann window, frame by frame, in double precision."""
    window = np.sin(np.pi * np.arange(n_fft) / n_fft) ** 2
    frames = [
        waveform[start : start + n_fft] * window
        for start in range(0, len(waveform) - n_fft + 1, hop_length)
    ]
    return 10 * np.log10(abs(np.fft.rfft(frames, axis=1)) ** 2 @ mel_bank.T)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_fft", KERNEL_N_FFT)
def test_each_length_gives_the_spectrum(n_fft, dtype):
    n_frames, hop_length = 19, n_fft // 3 + 1
    waveform = noise(n_fft + (n_frames - 1) * hop_length)
    mel_bank = np.zeros((21, n_fft // 2 + 1))
    for band in range(21):  # one bin, and the first and the last, among them
        width = 1 + band % 3
        first = band * (n_fft // 2 + 1 - width) // 20
        mel_bank[band, first : first + width] = np.arange(1, width + 1)
    window = np.sin(np.pi * np.arange(n_fft) / n_fft) ** 2
    tables = _kernel.kernel_tables(window, mel_bank, dtype)
    workspace = _kernel.workspace(tables, hop_length, 0.0)
    levels = np.empty((n_frames, 21), dtype=np.float32)
    peak = _kernel.mel_levels(
        *_kernel.readable(waveform), 0, hop_length, 0.0, 1.0, 0.0, -300.0, np.inf,
        tables, workspace, levels,
    )  # fmt: skip
    expected = slow_levels(waveform, n_fft, hop_length, mel_bank)
    # A level far below its neighbours is a small difference of large numbers.
    errors = 10 ** (levels / 10.0) - 10 ** (expected / 10)
    tolerance = 3e-6 if dtype == np.float32 else 1e-6
    assert abs(errors).max() < tolerance * 10 ** (expected.max() / 10)
    assert peak == levels.max()


def test_arrays_of_the_workspace_begin_where_vectors_may():
    tables = _kernel.kernel_tables(np.ones(128), np.ones((5, 65)), np.float64)
    for array in _kernel.workspace(tables, 33, 0.97):
        assert array.ctypes.data % _kernel.VECTOR_BYTES == 0
        assert array.flags.c_contiguous


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("n_fft", [128, 1024])
def test_kernel_and_scipy_agree(n_fft, precision, monkeypatch):
    clips = [noise(n_samples, seed=n_samples) for n_samples in (1, 10, 100, 1000, 5001, 40000)]
    transformer = LogMelTransformer(sample_rate=8000, n_fft=n_fft, n_mels=20, precision=precision)
    fast = transformer.transform(clips)
    monkeypatch.setattr("sk_audioevents.features._mel_levels.KERNEL_N_FFT", ())
    slow = transformer.transform(clips)
    for a, b in zip(fast, slow, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-4 if precision == "double" else 5e-4)
        assert a.flags.c_contiguous
        assert b.flags.c_contiguous


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_clip_has_the_same_bits_in_any_company(precision):
    clips = [noise(n_samples, seed=n_samples) for n_samples in range(3000, 9000, 331)]
    transformer = LogMelTransformer(sample_rate=8000, n_mels=20, precision=precision)
    alone = [transformer.transform([clip])[0] for clip in clips]
    together = transformer.transform(clips)
    in_threads = transformer.set_params(n_jobs=2).transform(clips)
    strided = transformer.transform([np.repeat(clip, 2)[::2] for clip in clips])
    for results in zip(alone, together, in_threads, strided, strict=True):
        for result in results[1:]:
            np.testing.assert_array_equal(result, results[0])


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    "transformer",
    [
        LogMelTransformer(n_mels=20),
        LogMelTransformer(n_mels=20, pad_mode="reflect"),
        LogMelTransformer(n_mels=20, n_fft=500),  # in scipy
        MFCCTransformer(n_mfcc=13),  # with pre-emphasis
    ],
)
@pytest.mark.parametrize("n_clips", [1, 2**24])  # a small job and a large one
def test_integers_of_a_file_have_the_bits_of_their_floats(transformer, precision, n_clips):
    rng = np.random.default_rng(0)
    integers = rng.integers(-(2**15), 2**15, size=5001).astype(np.int16)
    integers[2000:3000] = rng.integers(-1, 2, size=1000)  # almost silent
    floats = integers * np.float32(2**-15)
    extract = clone(transformer).set_params(precision=precision)._make_extractor(n_clips)
    np.testing.assert_array_equal(extract(integers), extract(floats))


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_files_have_the_bits_of_their_waveforms(tmp_path, suffix, monkeypatch):
    monkeypatch.setattr("sk_audioevents.features._mel_levels.SMALL_JOB", 0)
    path = tmp_path / f"clip.{suffix}"
    soundfile.write(path, noise(30000) / 10, 8000, subtype="PCM_16")
    transformer = LogMelTransformer(sample_rate=8000, n_mels=20)
    waveform, _ = load_audio(path)
    (of_file,), (of_waveform,) = transformer.transform([path]), transformer.transform([waveform])
    np.testing.assert_array_equal(of_file, of_waveform)


def test_clips_are_left_as_they_are():
    clip = noise(5000)
    before = clip.copy()
    LogMelTransformer().transform([clip])
    assert clip.flags.writeable
    np.testing.assert_array_equal(clip, before)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_clip_too_loud_for_the_kernel_has_its_levels_all_the_same(precision):
    transformer = LogMelTransformer(precision=precision, n_mels=20)
    quiet, loud = transformer.transform([noise(5000), noise(5000) * np.float32(1e30)])
    np.testing.assert_allclose(loud, quiet + 600, atol=1e-3)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_smallest_amin_is_kept(precision):
    clip = noise(5000) * np.float32(1e-15)
    levels = {}
    for amin in (1e-39, 1e-36, 1e-20):
        transformer = LogMelTransformer(amin=amin, top_db=None, n_mels=20, precision=precision)
        levels[amin] = transformer.transform([clip])[0]
    np.testing.assert_allclose(levels[1e-36], levels[1e-39], rtol=0, atol=1e-3)
    np.testing.assert_array_equal(levels[1e-20], -200)


def run_in_copy(folder, code, **environment):
    """Run Python code with a copy of the package, which has no compiled code."""
    package = Path(_kernel.__file__).parents[1]
    copy = folder / "sk_audioevents"
    if not copy.exists():
        shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import numpy as np; {code}"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | environment,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split()


TRANSFORM = (
    "from sk_audioevents import LogMelTransformer; "
    "large_job = [np.ones(3000, dtype=np.float32)] * 6000; "
    "print(float(LogMelTransformer().transform(large_job)[0].sum())); "
    "from sk_audioevents.features import _kernel; "
    "print(sum(_kernel.mel_levels.stats.cache_hits.values())); "
)


def test_compiled_code_is_kept_on_disk_until_the_steps_change(tmp_path):
    first, hits = run_in_copy(tmp_path, TRANSFORM)
    assert hits == "0"
    assert run_in_copy(tmp_path, TRANSFORM) == [first, "1"]
    steps = tmp_path / "sk_audioevents" / "features" / "_kernel_steps.py"
    steps.write_text(steps.read_text() + "\n# changed\n")
    assert run_in_copy(tmp_path, TRANSFORM) == [first, "0"]


SMALL_JOB = (
    "from sk_audioevents import LogMelTransformer, MFCCTransformer; "
    "clip = np.random.default_rng(0).normal(size=(1, 3000)); "
    "print(*LogMelTransformer(n_mels=20).transform(clip)[0, 3]); "
    "print(*MFCCTransformer(n_mfcc=13).transform(clip)[0, 3]); "
    "print('numba' in sys.modules); "
)


def test_a_small_job_does_not_wait_for_the_kernel(tmp_path):
    *at_once, is_imported = run_in_copy(tmp_path, SMALL_JOB)
    assert is_imported == "False"
    assert not list(tmp_path.rglob("*.nbi"))
    run_in_copy(tmp_path, TRANSFORM)  # a large job, which compiles the kernel
    *compiled, is_imported = run_in_copy(tmp_path, SMALL_JOB)
    assert is_imported == "True"
    np.testing.assert_allclose(np.float64(at_once), np.float64(compiled), rtol=0, atol=1e-4)


def test_an_install_that_cannot_be_written_to_works(tmp_path):
    # As where the package and the user's cache folder are both read-only: numba finds no place.
    no_place = (
        "from numba.core import caching; "
        "caching.CacheImpl._locator_classes = []; "
        "caching.CompileResultCacheImpl._locator_classes = []; "
    )
    kept, _ = run_in_copy(tmp_path, TRANSFORM)
    levels, hits = run_in_copy(tmp_path, no_place + TRANSFORM)
    assert (levels, hits) == (kept, "0")


def test_the_user_may_name_the_folder_of_the_compiled_code(tmp_path):
    folder = tmp_path / "machine code"
    run_in_copy(tmp_path, TRANSFORM, NUMBA_CACHE_DIR=str(folder))
    assert list(folder.rglob("*.nbc"))
    assert not list((tmp_path / "sk_audioevents").rglob("*.nbc"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_frames", [1, 15, 16, 17, 50])
@pytest.mark.parametrize(
    ("n_bands", "n_coefficients"),
    [(1, 1), (2, 2), (15, 8), (16, 16), (17, 9), (32, 1), (40, 13), (127, 40), (128, 128)],
)
def test_cosine_transform_is_that_of_scipy(n_bands, n_coefficients, n_frames, dtype):
    rng = np.random.default_rng(0)
    levels = rng.uniform(-80, 20, (n_frames, n_bands)).astype(np.float32)
    cosines = dct(np.eye(n_bands), norm="ortho", axis=1)[:, :n_coefficients]
    out = np.full((n_frames + 1, n_coefficients), np.nan, np.float32)
    _kernel.cosine_transform(levels, _kernel.cosine_basis(cosines, dtype), out[:n_frames])
    expected = dct(levels.astype(np.float64), norm="ortho", axis=1)[:, :n_coefficients]
    # Sums of up to 128 levels of up to 80 dB, rounded to single precision at the end or throughout.
    tolerance = 2e-5 if dtype == np.float64 else 4e-4
    np.testing.assert_allclose(out[:n_frames], expected, rtol=0, atol=tolerance)
    assert np.isnan(out[n_frames]).all()
