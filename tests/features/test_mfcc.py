"""The MFCC transformer against librosa, scipy and what cepstral coefficients must do."""

import numpy as np
import pytest
import soundfile
from scipy.fft import dct
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_audioevents import LogMelTransformer, MFCCTransformer

librosa = pytest.importorskip("librosa")

RATE = 8000
SMALL = {
    "sample_rate": RATE,
    "n_fft": 256,
    "win_length": 200,
    "hop_length": 100,
    "n_mels": 20,
    "n_mfcc": 7,
}
# In the coefficients' unit, decibels times the square root of the number of bands.
TOLERANCE = {"single": 2e-3, "double": 2e-4}


@parametrize_with_checks(
    [
        MFCCTransformer(),
        MFCCTransformer(
            sample_rate=100, n_fft=16, win_length=9, hop_length=4, n_mels=5, n_mfcc=3, deltas=2
        ),
        MFCCTransformer(center=False, precision="single"),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def noise(n_samples, seed=0):
    return np.random.default_rng(seed).normal(size=n_samples).astype(np.float32)


def librosa_mfcc(waveform, *, pre_emphasis, sample_rate, deltas=0, **parameters):
    """Return librosa's coefficients, in double precision, with silence before the clip."""
    waveform = waveform.astype(np.float64)
    emphasised = librosa.effects.preemphasis(waveform, coef=pre_emphasis, zi=np.zeros(1))
    coefficients = librosa.feature.mfcc(y=emphasised, sr=sample_rate, **parameters)
    derivatives = [
        librosa.feature.delta(coefficients, order=order, mode="nearest")
        for order in range(1, deltas + 1)
    ]
    return np.concatenate([coefficients, *derivatives]).T


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"pre_emphasis": 0.0},
        {"pre_emphasis": 1.0},
        {"deltas": 1},
        {"deltas": 2},
        {"n_mfcc": 1},
        {"n_mfcc": 20, "deltas": 2},
        {"n_fft": 300},
        {"n_fft": 201, "win_length": None},
        {"hop_length": 333, "deltas": 1},
        {"fmin": 300.0, "fmax": 3000.0, "n_mels": 13},
        {"htk": True},
        {"power": 1.0},
        {"center": False},
    ],
    ids=str,
)
def test_values_equal_librosa(changed, precision):
    parameters = {"window": "hamming", "pre_emphasis": 0.97} | SMALL | changed
    waveform = noise(3456)
    expected = librosa_mfcc(waveform, **parameters)
    frames = MFCCTransformer(**parameters, precision=precision).transform([waveform])[0]
    assert frames.dtype == np.float32
    assert frames.flags.c_contiguous
    np.testing.assert_allclose(frames, expected, rtol=0, atol=TOLERANCE[precision])


def test_defaults_are_those_of_the_literature():
    parameters = MFCCTransformer().get_params()
    assert round(0.022 * parameters["sample_rate"]) == parameters["win_length"]
    assert round(0.0115 * parameters["sample_rate"]) == parameters["hop_length"]
    waveform = noise(44100)
    expected = librosa_mfcc(
        waveform, pre_emphasis=0.97, sample_rate=44100, n_fft=1024, win_length=970,
        hop_length=507, window="hamming", n_mels=127, n_mfcc=40,
    )  # fmt: skip
    (frames,) = MFCCTransformer().transform([waveform])
    np.testing.assert_allclose(frames, expected, rtol=0, atol=TOLERANCE["double"])


def test_settings_in_the_notes_give_librosas_defaults():
    waveform = noise(22050)
    transformer = MFCCTransformer(
        sample_rate=22050, pre_emphasis=0, n_mfcc=20, n_fft=2048, hop_length=512, win_length=None,
        window="hann", n_mels=128, deltas=1,
    )  # fmt: skip
    coefficients = librosa.feature.mfcc(y=waveform.astype(np.float64), sr=22050).T
    (frames,) = transformer.transform([waveform])
    np.testing.assert_allclose(frames[:, :20], coefficients, rtol=0, atol=TOLERANCE["double"])
    delta = librosa.feature.delta(coefficients.T, mode="nearest").T
    np.testing.assert_allclose(frames[:, 20:], delta, rtol=0, atol=TOLERANCE["double"])


@pytest.mark.parametrize("precision", TOLERANCE)
def test_values_equal_librosa_on_real_recordings(esc10_folder, precision):
    extract = MFCCTransformer(precision=precision)._make_extractor(n_clips=10**6)
    for path in sorted(esc10_folder.rglob("*.ogg"))[::40]:
        waveform, sample_rate = soundfile.read(path, dtype="float32")
        expected = librosa_mfcc(
            waveform, pre_emphasis=0.97, sample_rate=sample_rate, n_fft=1024, win_length=970,
            hop_length=507, window="hamming", n_mels=127, n_mfcc=40,
        )  # fmt: skip
        np.testing.assert_allclose(extract(waveform), expected, rtol=0, atol=TOLERANCE[precision])


def test_all_coefficients_are_the_cosine_transform_of_the_levels():
    waveform = noise(3000)
    shared = {name: SMALL[name] for name in ("sample_rate", "n_fft", "win_length", "hop_length")}
    (levels,) = LogMelTransformer(**shared, window="hamming", n_mels=20).transform([waveform])
    (frames,) = MFCCTransformer(**shared, n_mels=20, n_mfcc=20, pre_emphasis=0).transform(
        [waveform]
    )
    np.testing.assert_allclose(frames, dct(levels, norm="ortho"), rtol=0, atol=1e-4)


def test_louder_changes_the_first_coefficient_only():
    waveform = noise(2000)
    quiet, loud = MFCCTransformer(**SMALL, top_db=None).transform([waveform, 2 * waveform])
    change = np.zeros(7)
    change[0] = 20 * np.log10(2) * np.sqrt(20)
    np.testing.assert_allclose(loud - quiet, np.broadcast_to(change, quiet.shape), atol=1e-4)


def test_silence_has_one_coefficient_and_no_slope():
    (frames,) = MFCCTransformer(**SMALL, deltas=2).transform(np.zeros((1, 1000)))
    np.testing.assert_allclose(frames[:, 0], -100 * np.sqrt(20), rtol=1e-6)
    np.testing.assert_allclose(frames[:, 1:], 0, atol=1e-4)


def test_a_steady_rise_has_its_slope_as_delta():
    """Noise that grows by 1 dB a frame: away from the ends, all of it is in the first slope."""
    n_frames = 60
    repeated = np.tile(noise(100), n_frames)  # each frame holds the same samples
    rising = repeated * 10 ** (np.arange(len(repeated)) / 100 / 20)
    (frames,) = MFCCTransformer(**SMALL, deltas=2, top_db=None).transform([rising])
    slopes, curvatures = frames[10:50, 7], frames[10:50, 14]
    np.testing.assert_allclose(slopes, np.sqrt(20), atol=1e-3)
    np.testing.assert_allclose(curvatures, 0, atol=1e-3)


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("n_samples", range(11))
def test_tiny_clips_have_one_finite_frame(n_samples, precision):
    transformer = MFCCTransformer(**SMALL, deltas=2, precision=precision)
    (frames,) = transformer.transform([noise(n_samples)])
    assert frames.shape == (1, 21)
    assert np.isfinite(frames).all()


def test_long_clips_have_the_frames_of_their_parts():
    waveform = noise(RATE * 60)
    transformer = MFCCTransformer(**SMALL, top_db=None)
    whole, part = transformer.transform([waveform, waveform[400_000:420_000]])
    np.testing.assert_allclose(whole[4010:4190], part[10:190], rtol=0, atol=1e-3)


@pytest.mark.parametrize("precision", TOLERANCE)
def test_threads_change_nothing(precision):
    clips = [noise(n_samples, seed=n_samples) for n_samples in range(100, 9000, 400)]
    transformer = MFCCTransformer(**SMALL, deltas=2, precision=precision)
    one = transformer.transform(clips)
    two = transformer.set_params(n_jobs=2).transform(clips)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


def test_paths_tables_and_arrays_are_read_as_by_the_log_mel_transformer(tmp_path):
    waveform = noise(2 * RATE) / 10
    soundfile.write(tmp_path / "noise.wav", waveform, RATE, subtype="FLOAT")
    transformer = MFCCTransformer(**SMALL)
    array = transformer.transform(waveform[None])
    assert array.shape == (1, 161, 7)
    for X in ([str(tmp_path / "noise.wav")], [waveform]):
        frames = transformer.transform(X)
        assert frames.shape == (1,)
        np.testing.assert_array_equal(frames[0], array[0])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_mfcc": 21}, r"'n_mfcc' .* at most n_mels. Got n_mfcc=21, n_mels=20"),
        ({"n_mfcc": 0}, r"'n_mfcc' parameter of MFCCTransformer must be an int"),
        ({"deltas": 3}, r"'deltas' parameter of MFCCTransformer must be an int"),
        ({"pre_emphasis": 1.5}, r"'pre_emphasis' parameter of MFCCTransformer must be a float"),
        ({"win_length": 300}, r"'win_length' parameter of MFCCTransformer .* Got win_length=300"),
        ({"fmax": 4001.0}, r"'fmin' and 'fmax' parameters of MFCCTransformer"),
    ],
)
def test_bad_parameters_raise_an_error_that_names_them(parameters, message):
    with pytest.raises(ValueError, match=message):
        MFCCTransformer(**(SMALL | parameters)).transform([noise(100)])
