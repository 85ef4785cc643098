"""The front end in the graph against the transformers."""

import numpy as np
import pytest

from sk_audioevents import LogMelTransformer, MFCCTransformer
from sk_audioevents.export._front_end import add_front_end, at_least_one_sample
from sk_audioevents.features._mel_levels import MelSettings

SAMPLE_RATE = 8000
LENGTHS = (0, 1, 50, 999, 8000)


@pytest.fixture(scope="module")
def waveforms():
    """Return noise of several lengths, a chirp with 60 dB between its ends, and silence."""
    rng = np.random.default_rng(0)
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    chirp = np.sin(2 * np.pi * (200 + 1500 * time) * time) * 10 ** (-3 * time)
    clips = [rng.normal(0, 0.1, n) for n in LENGTHS] + [chirp, np.zeros(2000)]
    return [clip.astype(np.float32) for clip in clips]


def assert_same_frames(evaluate, transformer, waveforms):
    frames = evaluate(
        lambda graph, x: add_front_end(graph, x, transformer),
        *[w[None] for w in waveforms],
        n_axes=3,
    )
    for ours, expected in zip(frames, transformer.transform(waveforms)):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours[0], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"top_db": None},
        {"top_db": 20.0},
        {"center": False},
        {"pad_mode": "reflect"},
        {"pad_mode": "reflect", "n_fft": 513, "win_length": 512},
        {"pad_mode": "reflect", "center": False},
        {"center": False, "n_fft": 1000, "win_length": 700, "hop_length": 333},
        {"n_fft": 513, "win_length": 512},
        {"n_fft": 64, "hop_length": 1, "n_mels": 4},
        {"power": 1.0},
        {"power": 3.0},
        {"ref": 5.0, "amin": 1e-5},
        {"ref": 1e-12},
        {"htk": True, "norm": None, "window": "hamming"},
        {"fmin": 300.0, "fmax": 3000.0},
    ],
    ids=str,
)
def test_levels_are_those_of_the_transformer(evaluate, waveforms, parameters):
    parameters = {"n_fft": 512, "hop_length": 160, "n_mels": 20} | parameters
    transformer = LogMelTransformer(sample_rate=SAMPLE_RATE, **parameters)
    assert_same_frames(evaluate, transformer, waveforms)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"deltas": 1},
        {"deltas": 2},
        {"pre_emphasis": 0.0},
        {"pre_emphasis": 1.0, "center": False},
        {"n_mfcc": 20},
        {"window": "boxcar", "win_length": None},
    ],
    ids=str,
)
def test_cepstra_are_those_of_the_transformer(evaluate, waveforms, parameters):
    parameters = {"n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 20} | parameters
    parameters = {"n_mfcc": 13} | parameters
    transformer = MFCCTransformer(sample_rate=SAMPLE_RATE, **parameters)
    assert_same_frames(evaluate, transformer, waveforms)


def test_the_floor_below_the_loudest_frame_is_that_of_each_clip(evaluate):
    clips = np.random.default_rng(0).normal(size=(2, 4000)) * [[1.0], [1e-4]]
    clips[:, 2000:] *= 1e-6
    transformer = LogMelTransformer(sample_rate=SAMPLE_RATE, n_fft=512, n_mels=20, top_db=30.0)
    together = evaluate(lambda graph, x: add_front_end(graph, x, transformer), clips, n_axes=3)
    expected = transformer.transform(clips.astype(np.float32))
    np.testing.assert_allclose(together, expected, rtol=0, atol=1e-4)


def test_a_clip_of_no_samples_is_one_sample_of_silence(evaluate):
    empty, short = evaluate(at_least_one_sample, np.zeros((3, 0)), np.ones((3, 2)))
    np.testing.assert_array_equal(empty, np.zeros((3, 1)))
    np.testing.assert_array_equal(short, np.ones((3, 2)))


def test_all_settings_of_levels_are_known_to_the_export():
    # Whoever adds one must add it to the graph, and to the parameters above.
    assert MelSettings._fields == (
        "window",
        "bands",
        "hop_length",
        "center",
        "pad_mode",
        "pre_emphasis",
        "power",
        "ref",
        "amin",
        "top_db",
        "precision",
    )


def test_a_parameter_out_of_range_has_the_error_of_the_transformer(evaluate, waveforms):
    transformer = LogMelTransformer(sample_rate=8000, fmin=5000.0)
    with pytest.raises(ValueError, match="must satisfy fmin < fmax"):
        assert_same_frames(evaluate, transformer, waveforms)
