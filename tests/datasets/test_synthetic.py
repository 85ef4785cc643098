"""Synthetic clips against their own annotation, measured from the waveforms."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from sk_audioevents.datasets import _synthetic, make_sound_events

KINDS = ["chirp", "engine", "click", "bell", "siren", "hiss", "knock", "cricket"]


@pytest.fixture(scope="module")
def one_event_each():
    """Clips of one loud event each, of all kinds."""
    return make_sound_events(
        64, n_classes=8, duration=3.0, max_events=1, snr_db=(15.0, 15.0), random_state=5
    )


@pytest.fixture(scope="module")
def multilabel():
    return make_sound_events(60, n_classes=5, duration=1.6, multilabel=True, random_state=2)


@pytest.fixture
def backgrounds(monkeypatch):
    """Collect the background of each clip that is made from here on."""
    collected = []
    draw = _synthetic.coloured_noise

    def collect(*args):
        background = draw(*args)
        collected.append(background.copy())
        return background

    monkeypatch.setattr(_synthetic, "coloured_noise", collect)
    return collected


def interval(event, sample_rate):
    return slice(round(event.onset * sample_rate), round(event.offset * sample_rate))


def is_sounding(data):
    """Return where the table says that there is an event, as a mask of the waveforms."""
    mask = np.zeros(data.waveforms.shape, dtype=bool)
    for event in data.events.itertuples():
        mask[event.clip, interval(event, data.sample_rate)] = True
    return mask


def rms(x):
    return np.sqrt(np.mean(np.square(x, dtype=float)))


def band_levels(waveforms, sample_rate, n_bands=40):
    """Return the mean power of a clip in bands from 50 Hz to 7 kHz, in decibels."""
    power = np.abs(np.fft.rfft(waveforms.astype(float))) ** 2
    edges = np.geomspace(50, 7000, n_bands + 1) * waveforms.shape[1] / sample_rate
    edges = edges.astype(int)
    bands = [power[:, a : max(b, a + 1)].mean(axis=1) for a, b in pairwise(edges)]
    return 10 * np.log10(np.stack(bands, axis=1))


def nearest_neighbour_accuracy(train, test):
    X, Z = (band_levels(data.waveforms, data.sample_rate) for data in (train, test))
    nearest = np.argmin(((Z[:, None] - X[None]) ** 2).sum(axis=2), axis=1)
    return np.mean(train.target[nearest] == test.target)


def test_shapes_and_types():
    data = make_sound_events(7, n_classes=3, duration=0.75, sample_rate=8001, random_state=0)
    assert data.waveforms.shape == (7, 6001)
    assert data.waveforms.dtype == np.float32
    assert data.target.shape == (7,)
    assert data.target.dtype == np.int64
    assert data.target_names.tolist() == KINDS[:3]
    assert data.sample_rate == 8001
    assert data.events.columns.tolist() == ["clip", "onset", "offset", "label", "snr_db"]


def test_the_same_seed_gives_the_same_bits():
    first, second = (make_sound_events(4, duration=1.0, random_state=3) for _ in range(2))
    np.testing.assert_array_equal(first.waveforms, second.waveforms)
    np.testing.assert_array_equal(first.target, second.target)
    pd.testing.assert_frame_equal(first.events, second.events)


def test_another_seed_gives_other_clips():
    first, second = (make_sound_events(4, duration=1.0, random_state=seed) for seed in (3, 4))
    assert not np.any(np.all(first.waveforms == second.waveforms, axis=1))


def test_a_generator_is_used_and_advanced():
    rng = np.random.RandomState(3)
    first, second = (make_sound_events(4, duration=1.0, random_state=rng) for _ in range(2))
    seeded = make_sound_events(4, duration=1.0, random_state=3)
    np.testing.assert_array_equal(first.waveforms, seeded.waveforms)
    assert not np.array_equal(first.waveforms, second.waveforms)


def test_the_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make_sound_events(2, duration=0.5, random_state=0)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("snr_db", [(-30.0, -30.0), (0.0, 20.0), (60.0, 60.0)])
def test_the_largest_sample_of_a_set_is_nine_tenths_of_full_scale(snr_db):
    data = make_sound_events(5, duration=1.0, max_events=6, snr_db=snr_db, random_state=1)
    assert np.abs(data.waveforms).max() == pytest.approx(0.9, rel=1e-6)


@pytest.mark.parametrize(("n_clips", "n_classes"), [(10, 4), (24, 8), (3, 5)])
def test_classes_are_balanced(n_clips, n_classes):
    data = make_sound_events(n_clips, n_classes=n_classes, duration=0.5, random_state=0)
    counts = np.bincount(data.target, minlength=n_classes)
    assert counts.max() - counts.min() <= 1
    assert counts.sum() == n_clips


def test_classes_come_in_random_order():
    target = make_sound_events(40, duration=0.5, random_state=0).target
    assert not np.array_equal(target, np.sort(target))
    assert not np.array_equal(target, np.arange(40) % 4)


def test_all_events_of_a_clip_are_of_its_class():
    data = make_sound_events(40, duration=1.0, max_events=4, random_state=0)
    names = data.target_names[data.target[data.events["clip"]]]
    assert data.events["label"].tolist() == names.tolist()
    n_events = data.events.groupby("clip").size()
    assert n_events.index.tolist() == list(range(40))
    assert set(n_events) == {1, 2, 3, 4}


def test_multilabel_targets_say_which_classes_the_table_holds(multilabel):
    expected = np.zeros((60, 5), dtype=int)
    for event in multilabel.events.itertuples():
        expected[event.clip, KINDS.index(event.label)] = 1
    np.testing.assert_array_equal(multilabel.target, expected)
    assert multilabel.target.dtype == np.int64


def test_multilabel_clips_hold_no_class_one_or_several(multilabel):
    assert set(multilabel.target.sum(axis=1)) == {0, 1, 2, 3}
    assert multilabel.target.sum(axis=0).min() > 0


def test_a_set_without_events_has_a_table_of_the_same_types(multilabel):
    sets = (
        make_sound_events(1, duration=0.5, max_events=1, multilabel=True, random_state=seed)
        for seed in range(50)
    )
    empty = next(data for data in sets if not data.target.any())
    assert len(empty.events) == 0
    assert empty.events.dtypes.equals(multilabel.events.dtypes)
    assert np.abs(empty.waveforms).max() > 0


@pytest.mark.parametrize("duration", [0.5, 1.6, 4.0])
def test_events_lie_within_the_clip_on_whole_samples_in_order(duration):
    data = make_sound_events(30, n_classes=8, duration=duration, multilabel=True, random_state=4)
    events = data.events
    assert events["onset"].min() >= 0
    assert events["offset"].max() <= duration
    lengths = events["offset"] - events["onset"]
    assert lengths.min() > 0.25 - 1e-3
    assert lengths.max() < min(1.5, duration) + 1e-3
    samples = events[["onset", "offset"]] * data.sample_rate
    np.testing.assert_allclose(samples, samples.round(), atol=1e-6)
    assert events[["clip", "onset"]].apply(tuple, axis=1).is_monotonic_increasing


def test_events_may_overlap():
    events = make_sound_events(20, duration=1.0, max_events=3, random_state=0).events
    next_onset = events.groupby("clip")["onset"].shift(-1)
    assert (next_onset < events["offset"]).any()


def test_outside_the_events_there_is_only_the_background(backgrounds):
    data = make_sound_events(16, n_classes=8, duration=2.0, multilabel=True, random_state=6)
    outside = ~is_sounding(data)
    background = np.stack(backgrounds)
    gains = data.waveforms[outside] / background[outside]
    gain = np.median(gains)
    np.testing.assert_allclose(data.waveforms[outside], gain * background[outside], atol=1e-6)
    inside = np.abs(data.waveforms - gain * background)[~outside]
    assert np.mean(inside > 1e-5) > 0.9


def test_the_signal_to_noise_ratio_is_that_of_the_table(backgrounds):
    data = make_sound_events(
        24, n_classes=8, duration=2.0, max_events=1, snr_db=(-5.0, 25.0), random_state=7
    )
    outside = ~is_sounding(data)
    background = np.stack(backgrounds)
    gain = np.median(data.waveforms[outside] / background[outside])
    # What is left when the background is taken away is the event, whatever made it.
    residual = data.waveforms / gain - background
    measured = [
        20 * np.log10(rms(residual[e.clip, interval(e, 22050)]) / rms(background[e.clip]))
        for e in data.events.itertuples()
    ]
    np.testing.assert_allclose(measured, data.events["snr_db"], atol=0.01)
    assert data.events["snr_db"].between(-5, 25).all()
    assert np.ptp(data.events["snr_db"]) > 15


def test_the_ratio_can_be_read_off_the_waveforms_alone(one_event_each):
    outside = ~is_sounding(one_event_each)
    errors = []
    for event in one_event_each.events.itertuples():
        waveform = one_event_each.waveforms[event.clip]
        noise = rms(waveform[outside[event.clip]]) ** 2
        loud = rms(waveform[interval(event, 22050)]) ** 2
        errors.append(10 * np.log10((loud - noise) / noise) - 15)
    assert abs(np.median(errors)) < 0.5
    assert np.max(np.abs(errors)) < 3


def test_every_kind_sounds_from_its_onset_on(one_event_each):
    outside = ~is_sounding(one_event_each)
    for event in one_event_each.events.itertuples():
        waveform = one_event_each.waveforms[event.clip]
        start = round(event.onset * 22050)
        assert rms(waveform[start : start + 1764]) > 2 * rms(waveform[outside[event.clip]])


def test_all_backgrounds_have_the_same_level_and_different_colours(backgrounds):
    make_sound_events(12, duration=2.0, sample_rate=16000, random_state=0)
    np.testing.assert_allclose([rms(b) for b in backgrounds], 1.0, rtol=1e-9)
    levels = band_levels(np.stack(backgrounds), 16000)
    octaves = np.linspace(0, np.log2(7000 / 50), levels.shape[1])
    slopes = [np.polyfit(octaves, level, 1)[0] for level in levels]
    # A power density of 1 / f**b falls by 3 b dB an octave; b is drawn from 0.5 to 1.5.
    assert min(slopes) > -4.5 - 0.5
    assert max(slopes) < -1.5 + 0.5
    assert np.ptp(slopes) > 1


@pytest.mark.parametrize(
    ("kind", "lowest", "highest"),
    [
        ("chirp", 1700, 3600),
        ("engine", 40, 700),
        ("bell", 280, 2800),
        ("siren", 400, 2800),
        ("hiss", 1900, 8100),
        ("knock", 120, 480),
        ("cricket", 2500, 3500),
    ],
)
def test_a_kind_has_most_of_its_power_where_its_source_has(kind, lowest, highest):
    data = make_sound_events(16, n_classes=8, duration=1.5, snr_db=(40.0, 40.0), random_state=8)
    clips = data.waveforms[data.target_names[data.target] == kind].astype(float)
    power = np.abs(np.fft.rfft(clips)) ** 2
    frequencies = np.fft.rfftfreq(clips.shape[1], 1 / 22050)
    inside = (frequencies > lowest) & (frequencies < highest)
    assert len(clips) == 2
    assert np.all(power[:, inside].sum(axis=1) / power.sum(axis=1) > 0.9)


def test_clicks_are_broadband():
    data = make_sound_events(16, n_classes=8, duration=1.5, snr_db=(40.0, 40.0), random_state=8)
    clips = data.waveforms[data.target_names[data.target] == "click"].astype(float)
    power = np.abs(np.fft.rfft(clips)) ** 2
    lower, upper = np.split(power[:, : power.shape[1] // 2 * 2], 2, axis=1)
    np.testing.assert_allclose(lower.sum(axis=1) / upper.sum(axis=1), 1, atol=0.3)


def make_set(snr_db, seed):
    return make_sound_events(
        80, n_classes=8, duration=2.0, sample_rate=16000, snr_db=snr_db, random_state=seed
    )


def test_classes_can_be_told_apart_by_their_mean_spectra():
    train, test = make_set((15.0, 25.0), 0), make_set((15.0, 25.0), 1)
    assert nearest_neighbour_accuracy(train, test) > 0.8


def test_classes_drown_in_noise():
    train, test = make_set((-40.0, -40.0), 0), make_set((-40.0, -40.0), 1)
    assert nearest_neighbour_accuracy(train, test) < 0.4


def test_events_of_a_kind_differ():
    data = make_sound_events(16, n_classes=8, duration=1.5, snr_db=(40.0, 40.0), random_state=8)
    levels = band_levels(data.waveforms, 22050)
    for label in range(8):
        first, second = levels[data.target == label]
        assert np.abs(first - second).max() > 3  # dB


def test_every_kind_fits_below_half_the_lowest_sample_rate():
    data = make_sound_events(
        16, n_classes=8, duration=0.5, sample_rate=8000, snr_db=(50.0, 50.0), random_state=0
    )
    assert np.isfinite(data.waveforms).all()
    spectra = np.abs(np.fft.rfft(data.waveforms.astype(float))) ** 2
    tonal = ~np.isin(data.target_names[data.target], ["click", "knock"])
    above = spectra[tonal][:, int(0.475 * 8000 * 0.5) :].sum(axis=1)
    assert np.all(above < 0.01 * spectra[tonal].sum(axis=1))


@pytest.mark.parametrize(
    ("parameter", "value", "problem"),
    [
        ("n_clips", 0, "must be an int in the range"),
        ("n_classes", 1, r"must be an int in the range \[2, 8\]"),
        ("n_classes", 9, r"must be an int in the range \[2, 8\]"),
        ("duration", 0.4, "must be a float in the range"),
        ("duration", np.inf, "must be a float in the range"),
        ("duration", np.nan, "must be a float in the range"),
        ("sample_rate", 4000, "must be an int in the range"),
        ("max_events", 0, "must be an int in the range"),
        ("snr_db", 10.0, "must be an instance of 'tuple'"),
        ("snr_db", (20.0, 0.0), "must be two finite numbers, the lowest"),
        ("snr_db", (0.0, np.inf), "must be two finite numbers, the lowest"),
        ("snr_db", (0.0, 1.0, 2.0), "must be two finite numbers, the lowest"),
        ("snr_db", ("a", "b"), "must be two finite numbers, the lowest"),
        ("multilabel", "yes", "must be an instance of 'bool'"),
        ("random_state", "seed", "must be an int in the range"),
    ],
)
def test_a_parameter_out_of_range_is_named(parameter, value, problem):
    arguments = {"n_clips": 2, parameter: value}
    with pytest.raises(
        ValueError, match=f"The '{parameter}' parameter of make_sound_events {problem}"
    ):
        make_sound_events(**arguments)
