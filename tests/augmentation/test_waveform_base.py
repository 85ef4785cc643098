"""What all augmentations of waveforms have in common."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone

from sk_audioevents.augmentation import (
    BackgroundNoise,
    Compose,
    PitchShift,
    SpeedPerturb,
    WaveformShift,
)

ALL = [
    PitchShift(probability=1.0),
    SpeedPerturb(),
    WaveformShift(),
    BackgroundNoise([np.random.default_rng(9).normal(size=700)], probability=1.0),
    Compose([WaveformShift(), PitchShift(probability=1.0), SpeedPerturb()]),
]


def name_of(augmentation):
    return type(augmentation).__name__


def noise_of(n_samples, seed=0):
    return np.random.default_rng(seed).normal(size=n_samples).astype(np.float32)


@pytest.mark.parametrize("augmentation", ALL, ids=name_of)
def test_the_waveform_that_came_in_is_not_changed(augmentation):
    waveform = noise_of(3000)
    for probability in (0.0, 1.0):
        if not isinstance(augmentation, Compose):
            augmentation = clone(augmentation).set_params(probability=probability)
        augmented = augmentation(waveform, 8000, np.random.default_rng(0))
        assert not np.shares_memory(augmented, waveform)
    np.testing.assert_array_equal(waveform, noise_of(3000))


@pytest.mark.parametrize("augmentation", ALL, ids=name_of)
def test_a_seed_decides_on_all(augmentation):
    first, again, other = (
        augmentation(noise_of(3000), 8000, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("augmentation", ALL, ids=name_of)
@pytest.mark.parametrize("n_samples", [0, 1, 2, 10, 1000])
def test_any_length_gives_finite_float32(augmentation, n_samples):
    augmented = augmentation(noise_of(n_samples).astype(np.float64), 8000, np.random.default_rng(0))
    assert augmented.dtype == np.float32
    assert augmented.ndim == 1
    assert (len(augmented) > 0) == (n_samples > 0)
    assert np.isfinite(augmented).all()


@pytest.mark.parametrize("augmentation", ALL, ids=name_of)
def test_silence_stays_silent(augmentation):
    augmented = augmentation(np.zeros(3000, np.float32), 8000, np.random.default_rng(0))
    assert not augmented.any()


@pytest.mark.parametrize("augmentation", ALL[:-1], ids=name_of)
def test_the_probability_is_the_share_of_waveforms_that_change(augmentation):
    rng, waveform = np.random.default_rng(0), noise_of(200)
    sometimes = clone(augmentation).set_params(probability=0.3)
    changed = [not np.array_equal(sometimes(waveform, 8000, rng), waveform) for _ in range(400)]
    assert np.mean(changed) == pytest.approx(0.3, abs=0.07)


@pytest.mark.parametrize("augmentation", ALL[:-1], ids=name_of)
def test_what_follows_does_not_depend_on_whether_a_step_was_applied(augmentation):
    rest = []
    for probability in (0.0, 1.0):
        rng = np.random.default_rng(0)
        clone(augmentation).set_params(probability=probability)(noise_of(500), 8000, rng)
        rest.append(rng.random())
    assert rest[0] == rest[1]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.zeros((2, 9)), 8000), ValueError, r"Got shape \(2, 9\): call it for each clip"),
        ((np.array([0.0, np.nan]), 8000), ValueError, "must be finite. It holds NaN or infinity"),
        ((np.zeros(9), 0), ValueError, r"sample_rate of WaveformShift must be an int .* Got 0"),
        ((np.zeros(9), 44.1), ValueError, r"Got 44.1 instead"),
    ],
    ids=["2-D", "nan", "rate 0", "rate in kHz"],
)
def test_bad_input_raises_an_error_that_says_what_it_got(arguments, error, message):
    with pytest.raises(error, match=message):
        WaveformShift()(*arguments, np.random.default_rng(0))


def test_an_old_generator_is_an_error():
    with pytest.raises(TypeError, match=r"Got RandomState.*did you mean np.random.default_rng"):
        WaveformShift()(np.zeros(9), 8000, np.random.RandomState(0))


@pytest.mark.parametrize(
    "augmentation",
    [
        PitchShift(min_semitones=3.0, max_semitones=1.0),
        SpeedPerturb(min_rate=1.2, max_rate=1.1),
        BackgroundNoise([np.ones(9)], min_snr_db=9.0, max_snr_db=3.0),
    ],
    ids=name_of,
)
def test_swapped_bounds_are_an_error(augmentation):
    with pytest.raises(ValueError, match=r"must be at most its .* are they swapped\?"):
        augmentation(np.zeros(9), 8000, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("augmentation", "message"),
    [
        (PitchShift(max_semitones=25), "'max_semitones' parameter of PitchShift"),
        (SpeedPerturb(min_rate=0), "'min_rate' parameter of SpeedPerturb"),
        (WaveformShift(max_shift=4000), "'max_shift' parameter of WaveformShift"),
        (WaveformShift(probability=-0.1), "'probability' parameter of WaveformShift"),
    ],
    ids=["semitones", "rate", "shift", "probability"],
)
def test_bad_settings_are_errors(augmentation, message):
    with pytest.raises(ValueError, match=message):
        augmentation(np.zeros(9), 8000, np.random.default_rng(0))


def test_what_happens_to_waveforms_does_not_import_torch():
    names = "Compose, PitchShift, SpeedPerturb, WaveformShift, BackgroundNoise, WaveformAugmenter"
    code = f"import sys; from sk_audioevents.augmentation import {names}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    assert "soxr" in result.stdout.split()
    assert "torch" not in result.stdout.split()
