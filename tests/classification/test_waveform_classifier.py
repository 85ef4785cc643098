"""The classifier of waveforms: scikit-learn's checks, the forms of X, files, and augmentation."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks
from skorch.callbacks import Callback

from sk_audioevents.audio import load_audio
from sk_audioevents.augmentation import (
    Compose,
    Gain,
    Mixup,
    SpecAugment,
    WaveformBetweenClass,
    WaveformShift,
)
from sk_audioevents.classification import WaveformEventClassifier, _waveform_clips
from sk_audioevents.classification._training import torch_threads
from sk_audioevents.events import SoundEventDetector
from sk_audioevents.exceptions import AudioDecodeError, AudioFileNotFoundError

RATE = 2000  # hertz
SMALL = {"channels": (6, 8), "kernel_sizes": (9, 3), "pool_sizes": (10,), "hidden_dim": 8}
SMALL |= {"embedding_dim": 12, "learning_rate": 1e-2, "random_state": 0, "batch_size": 16}
# For clips of the few samples that scikit-learn's checks are made of.
TINY = {"sample_rate": 10, "segment_duration": 0.8, "channels": (4, 4), "kernel_sizes": (3, 3)}
TINY |= {"pool_sizes": (2,), "hidden_dim": 4, "embedding_dim": 8, "max_epochs": 30}
TINY |= {"learning_rate": 1e-2, "random_state": 0}


def small(**parameters):
    defaults = {"sample_rate": RATE, "segment_duration": 0.2, "max_epochs": 3}
    return WaveformEventClassifier(**SMALL | defaults | parameters)


@parametrize_with_checks(
    [
        WaveformEventClassifier(**TINY),
        WaveformEventClassifier(**TINY, loss="cross_entropy", pooling="max"),
    ]
)
def test_scikit_learn_checks_with_small_parameters(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([WaveformEventClassifier()])
def test_scikit_learn_checks_with_default_parameters(estimator, check):
    check(estimator)


def sounds(n_clips=24, n_classes=3, seconds=0.6, seed=0):
    """Noise in which class k whistles at 100 (k + 1) hertz for 0.2 s, and the codes of classes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(scale=0.05, size=(n_clips, round(seconds * RATE)))
    codes = np.arange(n_clips) % n_classes
    time = np.arange(round(0.2 * RATE)) / RATE
    for clip, code in zip(X, codes):
        start = rng.integers(X.shape[1] - len(time) + 1)
        tone = np.sin(2 * np.pi * (100 * (code + 1) * time + rng.random()))
        clip[start : start + len(time)] += 0.3 * tone
    return X.astype(np.float32), codes


def ragged(X, seed=0):
    """Return the clips with up to 99 samples cut off, as a list."""
    rng = np.random.default_rng(seed)
    return [clip[: len(clip) - cut] for clip, cut in zip(X, rng.integers(0, 100, len(X)))]


@pytest.fixture
def write(tmp_path):
    """Return a function that writes waveforms to files and returns the paths."""

    def write_files(waveforms, sample_rate=RATE):
        paths = [str(tmp_path / f"{i:03}.wav") for i in range(len(waveforms))]
        for path, waveform in zip(paths, waveforms):
            soundfile.write(path, waveform, sample_rate, subtype="FLOAT")
        return paths

    return write_files


# What it learns, with all that training offers.


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "bce", "pooling": "max"},
        {"loss": "focal", "pooling": "attention"},
        {"loss": "cross_entropy", "pooling": "auto"},
        {"pooling": "linear_softmax"},
        {"temporal": "lstm", "temporal_dim": 16},
        {"temporal": "bilstm", "temporal_dim": 16},
        {"ema_decay": 0.9, "max_grad_norm": 1.0, "warmup_epochs": 2},
        {"sampling": "balanced", "class_weight": "balanced", "label_smoothing": 0.1},
        {"optimizer": "adamw", "weight_decay": 0.01, "learning_rate_schedule": "one_cycle"},
        {
            "early_stopping": True,
            "validation_fraction": 0.2,
            "callbacks": ["mean_average_precision"],
        },
        {"augment": WaveformShift()},
    ],
    ids=lambda options: next(iter(options)),
)
def test_it_learns_with_each_option(options):
    X, y = sounds(60)
    new_X, new_y = sounds(60, seed=1)
    model = small(max_epochs=25, **options).fit(ragged(X), y)
    assert model.score(ragged(new_X), new_y) > 0.9


def test_it_learns_several_labels_per_clip():
    X, a = sounds(60)
    other, b = sounds(60, seed=1)
    b = np.roll(b, 1)
    y = np.zeros((60, 3), dtype=int)
    y[np.arange(60), a] = y[np.arange(60), b] = 1
    model = small(max_epochs=30).fit(X + np.roll(other, 1, axis=0), y)
    assert (model.predict(X + np.roll(other, 1, axis=0)) == y).mean() > 0.95


class Kill(Callback):
    """Interrupt the training after two epochs."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


def test_a_killed_training_on_files_is_resumed_to_the_same_bits(write, tmp_path):
    X, y = sounds()
    paths = write(X)
    model = small(max_epochs=4, augment=WaveformShift())
    checkpointed = clone(model).set_params(checkpoint_dir=tmp_path / "state")
    with pytest.raises(KeyboardInterrupt):
        clone(checkpointed).set_params(callbacks=[Kill()]).fit(paths, y)
    resumed = checkpointed.fit(paths, y)
    assert resumed.n_iter_ == 4
    np.testing.assert_array_equal(
        resumed.predict_proba(paths), model.fit(paths, y).predict_proba(paths)
    )


# The forms of X.


def test_all_forms_of_the_same_clips_give_the_same_model(write):
    X, y = sounds()
    paths = write(X)
    table = pd.DataFrame({"path": paths, "start_time": 0.0, "end_time": 0.6})
    expected = small().fit(X, y).predict_proba(X)
    for form in (list(X), paths, np.array(paths), pd.Series(paths), table):
        model = small().fit(form, y)
        np.testing.assert_array_equal(model.predict_proba(form), expected)


def test_the_kind_of_input_decides_the_container_of_segments(write):
    X, y = sounds()
    paths = write(X)
    model = small().fit(X, y)
    uniform = model.predict_segments(X)
    assert uniform.shape == (24, 5, 3)
    for form in (list(X), paths, pd.DataFrame({"path": paths})):
        segments = model.predict_segments(form)
        assert segments.shape == (24,)
        np.testing.assert_array_equal(np.stack(segments), uniform)


def test_windows_of_a_recording_are_clips(write):
    X, y = sounds()
    (path,) = write([X.ravel()])
    starts = np.arange(24) * 0.6
    table = pd.DataFrame({"path": path, "start_time": starts, "end_time": starts + 0.6})
    model = small().fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(table), model.predict_proba(X))


def test_files_are_resampled_and_mixed_down(write):
    X, y = sounds()
    model = small().fit(X, y)
    double = np.repeat(X, 2, axis=1)  # played at twice the rate
    stereo = np.stack([double, np.zeros_like(double)], axis=2)
    paths = write(stereo, sample_rate=2 * RATE)
    decoded = [load_audio(path, sample_rate=RATE)[0] for path in paths]
    assert [len(waveform) for waveform in decoded] == [1200] * 24
    np.testing.assert_array_equal(model.predict_proba(paths), model.predict_proba(decoded))


def test_clips_of_other_lengths_are_welcome_in_a_list():
    X, y = sounds()
    model = small().fit(X, y)
    assert model.n_features_in_ == 1200
    assert model.predict_proba([X[0], X[1][:7], X[2][:0], X.ravel()]).shape == (4, 3)


def test_clips_of_another_length_than_in_fit_are_an_error_in_an_array():
    X, y = sounds()
    model = small().fit(X, y)
    with pytest.raises(ValueError, match="X has 1199 features, but WaveformEventClassifier"):
        model.predict(X[:, 1:])


def test_a_list_has_no_number_of_features():
    X, y = sounds()
    model = small().fit(X, y).fit(list(X), y)
    assert not hasattr(model, "n_features_in_")
    assert model.predict(X[:, 1:]).shape == (24,)


def test_a_clip_of_no_samples_is_silence():
    X, y = sounds()
    model = small().fit(X, y)
    empty, silence = model.predict_proba([X[0][:0], np.zeros(1, dtype=np.float32)])
    np.testing.assert_array_equal(empty, silence)


def test_the_precision_of_the_network_is_that_of_a_2d_array():
    X, y = sounds()
    for form, expected in [
        (X, torch.float32),
        (X.astype(np.float64), torch.float64),
        (list(X.astype(np.float64)), torch.float32),
    ]:
        model = small(max_epochs=1).fit(form, y)
        assert next(model.net_.module_.parameters()).dtype == expected


def test_clips_beside_a_clip_do_not_matter():
    X, y = sounds()
    model = small(temporal="bilstm", temporal_dim=4).fit(X, y)
    clips = ragged(X)
    together = model.predict_segments(clips)
    for clip, segments in zip(clips, together):
        alone = model.predict_segments([clip])[0]
        np.testing.assert_allclose(segments, alone, rtol=0, atol=1e-6)


def test_waveforms_are_standardised_with_the_training_data_only():
    X, y = sounds()
    module = small().fit(list(X) + [X[0][:100]], [*y, 0]).net_.module_
    samples = np.concatenate([X.ravel(), X[0][:100]])
    np.testing.assert_allclose(module.band_mean, [samples.mean()], atol=1e-7)
    np.testing.assert_allclose(module.band_scale, [samples.std()], rtol=1e-5)


def test_segments_are_as_long_as_was_asked_for():
    X, y = sounds()
    model = small(segment_duration=0.3).fit(X, y)
    assert (model.segment_frames_, model.segment_hop_frames_) == (0.3 * RATE, 0.15 * RATE)
    assert model.predict_segments(X).shape == (24, 3, 3)


def test_a_detector_finds_when_a_sound_occurs(write):
    """A whistle of the second class from 4 s to 4.4 s, in 10 s of noise."""
    X, codes = sounds(60)
    rng = np.random.default_rng(1)
    quiet = rng.normal(scale=0.05, size=(20, 1200))
    y = np.r_[np.eye(3, dtype=int)[codes], np.zeros((20, 3), dtype=int)]
    model = small(max_epochs=30, pooling="max").fit(np.r_[X, quiet], y)
    recording = rng.normal(scale=0.05, size=10 * RATE)
    time = np.arange(round(0.4 * RATE)) / RATE
    recording[4 * RATE :][: len(time)] += 0.3 * np.sin(2 * np.pi * 200 * time)
    detector = SoundEventDetector(FrozenEstimator(model), threshold=0.5, window=3.0)
    events = detector.fit(X, np.eye(3, dtype=int)[codes]).predict_events(write([recording]))
    assert events["label"].tolist() == [1]
    hop = model.segment_hop_frames_ / RATE
    assert abs(events["onset"][0] - 4.0) <= hop
    assert abs(events["offset"][0] - 4.4) <= hop


def test_embeddings_are_the_means_over_segments():
    X, y = sounds()
    model = small().fit(X, y)
    embeddings = model.transform(ragged(X))
    with torch.inference_mode(), torch_threads(1):
        for clip, embedding in zip(ragged(X), embeddings):
            segments = model.net_.module_.embed(torch.from_numpy(clip)[None, :, None])[0, :, :, 0]
            np.testing.assert_allclose(embedding, segments.mean(dim=1), rtol=1e-5, atol=1e-6)
    assert model.get_feature_names_out()[11] == "waveformeventclassifier11"


# Files.


def test_fit_needs_the_memory_of_a_batch(write):
    X, y = sounds(60, seconds=10)
    paths = write(X)
    assert X.nbytes == 60 * 80000
    model = small(batch_size=2, max_epochs=1)
    model.fit(paths[:4], [0, 1, 0, 1])  # imports and the like
    tracemalloc.start()
    try:
        model.fit(paths, y).predict(paths)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 15 * 80000


def test_files_are_decoded_twice_before_the_training_and_once_in_each_epoch(write, monkeypatch):
    X, y = sounds()
    paths, decoded = write(X), []

    def counted_decode(path, *arguments):
        decoded.append(path)
        return decode(path, *arguments)

    decode = _waveform_clips.decode
    monkeypatch.setattr(_waveform_clips, "decode", counted_decode)
    small(max_epochs=3).fit(paths, y)
    assert sorted(decoded) == sorted(paths * (2 + 3))


@pytest.mark.parametrize("own_rate", [RATE, 3000])
def test_the_seams_of_a_long_recording_cannot_be_seen(own_rate, write, monkeypatch):
    X, y = sounds()
    model = small(temporal="bilstm", temporal_dim=4).fit(X, y)
    rng = np.random.default_rng(0)
    paths = write([rng.normal(scale=0.2, size=20 * own_rate + 123)], own_rate)
    at_once = [model.predict_proba(paths), model.predict_segments(paths)[0]]
    for samples_per_batch in (1, 2500, 30000):
        name = "sk_audioevents.classification._batches.VALUES_PER_BATCH"
        monkeypatch.setattr(name, samples_per_batch)
        np.testing.assert_allclose(model.predict_proba(paths), at_once[0], rtol=0, atol=1e-5)
        segments = model.predict_segments(paths)[0]
        np.testing.assert_allclose(segments, at_once[1], rtol=0, atol=1e-5)


def test_a_missing_file_is_found_before_the_training(write, monkeypatch):
    X, y = sounds()
    paths = write(X)
    monkeypatch.setattr(_waveform_clips, "decode", None)
    with pytest.raises(AudioFileNotFoundError, match=r"gone\.wav"):
        small().fit([*paths[:-1], "gone.wav"], y)


def test_a_file_that_breaks_off_is_an_error_that_names_it(write):
    X, y = sounds()
    paths = write(X)
    with open(paths[5], "r+b") as file:
        file.truncate(2000)
    with pytest.raises(AudioDecodeError, match=r"005\.wav"):
        small().fit(paths, y)


def test_a_model_of_files_is_pickled_without_them(write):
    X, y = sounds()
    paths = write(X)
    model = small().fit(paths, y)
    pickled = pickle.dumps(model)
    assert paths[0].encode() not in pickled
    copy = pickle.loads(pickled)
    np.testing.assert_array_equal(copy.predict_proba(paths), model.predict_proba(X))


def test_files_can_be_cross_validated_and_searched(write):
    X, y = sounds()
    paths = write(X)
    assert cross_val_score(small(max_epochs=1), paths, y, cv=2).shape == (2,)
    grid = {"augment__max_shift": [0.05, 0.1]}
    augmented = small(max_epochs=1, augment=WaveformShift())
    search = GridSearchCV(augmented, grid, cv=2).fit(np.array(paths), y)
    assert search.best_params_["augment__max_shift"] in (0.05, 0.1)


# Augmentation.


class Watched:
    """An augmentation that notes what it is called with, and what it draws."""

    def __init__(self):
        self.calls = []

    def __call__(self, waveform, sample_rate, rng):
        self.calls.append((waveform.copy(), sample_rate, rng.random()))
        return waveform

    def __repr__(self):
        return "Watched()"


def test_each_waveform_is_augmented_anew_in_each_epoch_and_never_in_prediction():
    X, y = sounds()
    clips, watched = ragged(X), Watched()
    model = small(augment=watched, max_epochs=3, batch_size=7).fit(clips, y)
    assert len(watched.calls) == 3 * 24
    for epoch in range(3):
        seen = {waveform.tobytes() for waveform, _, _ in watched.calls[24 * epoch :][:24]}
        assert seen == {clip.tobytes() for clip in clips}  # without their padding
    assert {sample_rate for _, sample_rate, _ in watched.calls} == {RATE}
    assert len({draw for _, _, draw in watched.calls}) == 3 * 24
    model.predict(clips)
    model.transform(clips)
    assert len(watched.calls) == 3 * 24


def test_an_augmentation_that_changes_nothing_changes_nothing():
    X, y = sounds()
    clips = ragged(X)
    expected = small().fit(clips, y).predict_proba(clips)
    augmented = small(augment=Watched()).fit(clips, y).predict_proba(clips)
    np.testing.assert_array_equal(augmented, expected)


def test_the_same_seed_augments_alike():
    X, y = sounds()
    model = small(augment=WaveformShift())
    first = model.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(clone(model).fit(X, y).predict_proba(X), first)
    other = clone(model).set_params(random_state=1).fit(X, y).predict_proba(X)
    assert not np.array_equal(other, first)
    assert not np.array_equal(small().fit(X, y).predict_proba(X), first)


def test_an_augmentation_may_change_the_lengths():
    """A clip of two equal halves, of which one is cut off, is trained on as one half."""
    X, y = sounds()
    halves = small().fit(X, y)
    model = small(augment=lambda waveform, sample_rate, rng: waveform[: len(waveform) // 2])
    model.fit(np.tile(X, 2), y)
    np.testing.assert_allclose(
        model.predict_proba(list(X)), halves.predict_proba(X), rtol=0, atol=1e-4
    )


@pytest.mark.parametrize(
    ("augment", "named"),
    [
        (SpecAugment(), "SpecAugment"),
        (Compose([WaveformShift(), Gain()]), "Gain"),
        (Mixup(), "Mix"),
    ],
)
def test_an_augmentation_of_spectrograms_is_an_error(augment, named):
    with pytest.raises(ValueError, match=rf"WaveformShift\(\).* Got {named}.* spectrograms"):
        small(augment=augment).fit(*sounds())


# Bad parameters and bad input.


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sample_rate": 0}, "'sample_rate' parameter of WaveformEventClassifier must be an int"),
        ({"segment_duration": 0}, "'segment_duration' parameter of WaveformEventClassifier"),
        ({"channels": ()}, r"'channels' parameter .* at least one int .* Got \(\) instead"),
        ({"kernel_sizes": (9,)}, r"'kernel_sizes' .* 2 \(see 'channels'\), each an odd int"),
        ({"kernel_sizes": (9, 4)}, r"'kernel_sizes' .* odd int .* Got \(9, 4\) instead"),
        (
            {"pool_sizes": (10, 2)},
            r"'pool_sizes' .* 1 \(see 'channels'\), each an int .* Got",
        ),
        ({"pool_sizes": (0,)}, r"'pool_sizes' .* Got \(0,\) instead"),
        ({"hidden_dim": 0}, "'hidden_dim' parameter of WaveformEventClassifier must be an int"),
    ],
)
def test_bad_parameters_raise_an_error_that_names_them(parameters, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(*sounds())


X3, Y3 = sounds(3)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("a.wav", TypeError, "Got the single path 'a.wav': put it into a list"),
        ([], ValueError, "Got an empty list: 0 sample"),
        (X3 * np.nan, ValueError, "contains NaN"),
        ([X3[0], X3[1], X3[2:]], ValueError, r"X\[2\] has shape \(1, 1200\)"),
        (X3[:, :, None], ValueError, "Found array with dim 3"),
        (X3[:2], ValueError, r"inconsistent numbers of samples: \[2, 3\]"),
    ],
)
def test_bad_input_raises_an_error_that_says_what_it_got(X, error, message):
    with pytest.raises(error, match=message):
        small().fit(X, Y3)


def test_waveforms_are_mixed_after_what_changes_each_of_them():
    calls = []

    def watched(waveform, sample_rate, rng):
        calls.append(len(waveform))
        return waveform

    clips, y = sounds()
    mixed = small(max_epochs=2, augment=Compose([watched, WaveformBetweenClass()])).fit(clips, y)
    plain = small(max_epochs=2, augment=watched).fit(clips, y)
    assert len(calls) == 4 * len(clips)
    assert mixed.loss_curve_ != plain.loss_curve_
