"""Soundscapes against their own table, measured from the waveforms."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from sk_audioevents._event_table import check_events
from sk_audioevents.datasets import make_soundscapes
from sk_audioevents.datasets._soundscape_sources import RecordedSounds
from sk_audioevents.exceptions import AudioFileNotFoundError

RATE = 8000
SHORT = {"duration": 2.0, "sample_rate": RATE, "event_duration": (0.2, 0.6), "random_state": 0}
UNCUT = SHORT | {"event_duration": (1.0, 1.0)}


def tone(frequency, duration, silence=(0.0, 0.0), level=1.0):
    """Return a tone between two silences, in seconds."""
    before, length, after = (round(t * RATE) for t in (silence[0], duration, silence[1]))
    sound = level * np.sin(2 * np.pi * frequency * np.arange(length) / RATE + 0.5)
    return np.concatenate([np.zeros(before), sound, np.zeros(after)])


TONES = [tone(500, 0.3), tone(700, 0.25), tone(900, 1.4)]
LABELS = ["low", "low", "high"]


def interval(event):
    return slice(round(event.onset * RATE), round(event.offset * RATE))


def rms(x):
    return np.sqrt(np.mean(np.square(x, dtype=float)))


@pytest.fixture(scope="module")
def recorded():
    return make_soundscapes(
        20, events=TONES, labels=LABELS, n_events=(0, 4), return_components=True, **SHORT
    )


@pytest.fixture(scope="module", params=["synthetic", "recorded"])
def data(request, recorded):
    if request.param == "recorded":
        return recorded
    return make_soundscapes(20, n_events=(0, 4), return_components=True, **SHORT)


def test_shapes_and_types(recorded):
    assert recorded.waveforms.shape == (20, 16000)
    assert recorded.waveforms.dtype == np.float32
    assert recorded.target.shape == (20, 2)
    assert recorded.target.dtype == np.int64
    assert recorded.target_names.tolist() == ["high", "low"]
    assert recorded.sample_rate == RATE
    assert recorded.events.columns.tolist() == ["path", "onset", "offset", "label", "snr_db"]
    assert recorded.events["path"].dtype == np.int64


def test_components_add_up_to_the_soundscapes(data):
    mixes = data.background_waveforms.copy()
    for event, samples in zip(data.events.itertuples(), data.event_waveforms, strict=True):
        mixes[event.path, interval(event)] += samples
    np.testing.assert_allclose(mixes, data.waveforms, atol=1e-6)


def test_components_are_returned_only_if_asked_for():
    assert "event_waveforms" not in make_soundscapes(1, **SHORT)


def test_levels_are_those_of_the_table(data):
    """Against the background on the samples of the event, which alone is in the difference."""
    foreground = data.waveforms - data.background_waveforms
    n_alone = 0
    for row, event in data.events.iterrows():
        others = data.events.drop(row).query("path == @event.path")
        if ((others.onset < event.offset) & (others.offset > event.onset)).any():
            continue
        n_alone += 1
        window = event.path, interval(event)
        ratio = rms(foreground[window]) / rms(data.background_waveforms[window])
        assert 20 * np.log10(ratio) == pytest.approx(event.snr_db, abs=1e-3)
    assert n_alone > 10


def test_a_level_counts_the_background_during_the_event_only():
    """The background is ten times louder in its second half."""
    rng = np.random.default_rng(0)
    background = rng.normal(size=16000) * np.repeat([1.0, 10.0], 8000)
    data = make_soundscapes(
        30,
        events=TONES[:1],
        labels=["low"],
        backgrounds=[background],
        n_events=1,
        snr_db=(6.0, 6.0),
        return_components=True,
        **SHORT,
    )
    levels = pd.Series([rms(samples) for samples in data.event_waveforms])
    late = levels[data.events.onset > 1.0].median()
    early = levels[data.events.offset < 1.0].median()
    assert late / early == pytest.approx(10, rel=0.1)


def test_the_target_is_that_of_the_table(data):
    expected = np.zeros_like(data.target)
    for event in data.events.itertuples():
        expected[event.path, data.target_names.tolist().index(event.label)] = 1
    np.testing.assert_array_equal(data.target, expected)


def test_the_table_is_a_table_of_events_sorted_by_soundscape_and_onset(data):
    checked = check_events(data.events, name="It", labels=data.target_names, duration=2.0)
    pd.testing.assert_frame_equal(data.events[checked.columns], checked)
    pd.testing.assert_frame_equal(data.events, data.events.sort_values(["path", "onset"]))


@pytest.mark.parametrize("sounds", [{}, {"events": TONES, "labels": LABELS}])
def test_events_are_heard_from_onset_to_offset_and_nowhere_else(sounds):
    data = make_soundscapes(
        25, n_events=1, snr_db=(30, 30), return_components=True, **(SHORT | sounds)
    )
    foreground = data.waveforms - data.background_waveforms
    for event in data.events.itertuples():
        clip = np.abs(foreground[event.path])
        heard = np.flatnonzero(clip > clip.max() / 100)  # 40 dB below the peak
        onset, offset = heard[0] / RATE, (heard[-1] + 1) / RATE
        assert event.onset - 1e-9 <= onset < event.onset + 0.02
        assert event.offset - 0.02 < offset <= event.offset + 1e-9


@pytest.mark.parametrize("silence", [(0.0, 0.0), (0.4, 0.0), (0.0, 0.33), (0.51, 0.27)])
def test_silence_around_a_recording_is_no_part_of_its_event(silence):
    sound = tone(500, 0.3, silence)
    data = make_soundscapes(1, events=[sound], labels=["low"], n_events=1, **UNCUT)
    event = data.events.iloc[0]
    assert 0.3 - 1e-9 <= event.offset - event.onset <= 0.3 + 0.02


@pytest.mark.parametrize(("trim_db", "duration"), [(30.0, 0.2), (50.0, 0.4)])
def test_trim_db_tells_what_is_silence(trim_db, duration):
    """The tone is followed by 0.2 s that are 40 dB weaker."""
    sound = np.concatenate([tone(500, 0.2), tone(500, 0.2, level=0.01)])
    data = make_soundscapes(1, events=[sound], labels=["low"], n_events=1, trim_db=trim_db, **UNCUT)
    event = data.events.iloc[0]
    assert event.offset - event.onset == pytest.approx(duration, abs=1e-9)


def test_a_longer_recording_is_cut_to_the_duration_drawn(recorded):
    lengths = recorded.events.offset - recorded.events.onset
    is_long = recorded.events.label == "high"
    assert lengths[is_long].between(0.2 - 1e-4, 0.6 + 1e-4).all()
    assert lengths[is_long].std() > 0.05


def test_a_shorter_recording_stays_as_it_is():
    data = make_soundscapes(20, events=TONES[:2], labels=LABELS[:2], **UNCUT)
    assert set((data.events.offset - data.events.onset).round(6)) == {0.3, 0.25}


def test_a_cut_edge_fades_and_an_own_edge_does_not():
    sounds = RecordedSounds([np.ones(RATE)], ["on"], 40.0, RATE)
    rng = np.random.RandomState(0)
    parts = [sounds.draw(0, 2000, rng) for _ in range(50)]
    starts = np.array([part[0] for part in parts])
    ends = np.array([part[-1] for part in parts])
    is_cut = starts < 1
    assert 0 < is_cut.sum() < 50
    assert (starts[is_cut] < 1e-3).all()
    assert (np.fmin(starts, ends) < 1e-3).all()  # at least one edge of each was cut
    whole = sounds.draw(0, RATE, rng)
    np.testing.assert_array_equal(whole, 1)


def test_no_part_of_a_recording_with_pauses_is_silent():
    barks = np.concatenate([tone(500, 0.05, (0.0, 1.0)) for _ in range(5)])
    sounds = RecordedSounds([barks], ["bark"], 40.0, RATE)
    rng = np.random.RandomState(0)
    for _ in range(50):
        part = sounds.draw(0, 2000, rng)
        assert rms(part) > 0.1
        assert 80 <= len(part) <= 480  # the 0.05 s of one bark, but for blocks of 80 samples


def test_events_do_not_overlap_if_told():
    data = make_soundscapes(50, n_events=(0, 3), overlap=False, **SHORT)
    for _, events in data.events.groupby("path"):
        assert (events.onset.to_numpy()[1:] >= events.offset.to_numpy()[:-1] - 1e-9).all()
    assert data.events.groupby("path").size().max() == 3


def test_events_that_fill_a_soundscape_fit_without_overlap():
    data = make_soundscapes(
        5,
        events=[np.ones(RATE)],
        labels=["on"],
        n_events=4,
        overlap=False,
        **(SHORT | {"event_duration": (0.5, 0.5)}),
    )
    np.testing.assert_allclose(data.events.onset.to_numpy().reshape(5, 4), [[0, 0.5, 1, 1.5]] * 5)


def test_events_overlap_otherwise():
    data = make_soundscapes(50, n_events=3, **SHORT)
    by_clip = [events for _, events in data.events.groupby("path")]
    assert any((e.onset.to_numpy()[1:] < e.offset.to_numpy()[:-1]).any() for e in by_clip)


@pytest.mark.parametrize(("n_events", "expected"), [(0, {0}), (2, {2}), ((1, 3), {1, 2, 3})])
def test_the_number_of_events_lies_in_its_range(n_events, expected):
    data = make_soundscapes(40, n_events=n_events, **SHORT)
    counts = data.events["path"].value_counts().reindex(range(40), fill_value=0)
    assert set(counts) == expected


def test_durations_and_levels_lie_in_their_ranges():
    data = make_soundscapes(60, n_events=2, snr_db=(-5, 5), **SHORT)
    assert data.events.snr_db.between(-5, 5).all()
    assert data.events.snr_db.min() < -4
    assert data.events.snr_db.max() > 4
    assert (data.events.onset >= 0).all()
    assert (data.events.offset <= 2.0).all()
    assert (data.events.offset - data.events.onset).max() <= 0.6 + 1e-4


def test_classes_are_equally_likely_however_many_sounds_they_have():
    sounds = [TONES[0]] * 9 + [TONES[2]]
    labels = ["low"] * 9 + ["high"]
    data = make_soundscapes(200, events=sounds, labels=labels, n_events=2, **SHORT)
    assert 160 < (data.events.label == "high").sum() < 240  # 4 standard deviations about 200


def test_labels_choose_the_kinds_of_synthetic_sounds():
    data = make_soundscapes(10, labels=["siren", "bell"], **SHORT)
    assert data.target_names.tolist() == ["bell", "siren"]


@pytest.mark.parametrize("snr_db", [(-30.0, -30.0), (0.0, 20.0), (60.0, 60.0)])
def test_nothing_clips(snr_db):
    data = make_soundscapes(5, n_events=4, snr_db=snr_db, **SHORT)
    assert np.abs(data.waveforms).max() == pytest.approx(0.9, rel=1e-6)


def test_backgrounds_of_a_set_have_the_same_level(recorded):
    levels = [rms(background) for background in recorded.background_waveforms]
    np.testing.assert_allclose(levels, levels[0], rtol=1e-5)


@pytest.mark.parametrize(("colour", "slope"), [("white", 0.0), ("pink", -3.01), ("brown", -6.02)])
def test_noise_falls_by_so_many_decibels_an_octave(colour, slope):
    data = make_soundscapes(30, backgrounds=colour, n_events=0, **SHORT)
    assert np.abs(data.waveforms.mean(axis=1, dtype=float)).max() < 1e-6
    power = (np.abs(np.fft.rfft(data.waveforms)) ** 2).mean(axis=0)
    frequencies = np.fft.rfftfreq(16000, 1 / RATE)
    octaves = [power[(f <= frequencies) & (frequencies < 2 * f)].mean() for f in (100, 1600)]
    assert 10 * np.log10(octaves[1] / octaves[0]) / 4 == pytest.approx(slope, abs=0.3)


def test_a_long_background_is_played_from_a_random_place():
    ramp = np.linspace(0.1, 1.0, 5 * RATE)
    data = make_soundscapes(10, backgrounds=[ramp], n_events=0, **SHORT)
    ratios = data.waveforms[:, -1] / data.waveforms[:, 0]
    starts = 0.9 * 16000 / (5 * RATE - 1) / (ratios - 1)  # the ramp's value at the first sample
    assert ((starts >= 0.1 - 1e-3) & (starts <= 0.64 + 1e-3)).all()
    assert starts.std() > 0.05


def test_a_short_background_is_played_forth_and_back():
    data = make_soundscapes(1, backgrounds=[np.arange(1.0, 5.0)], n_events=0, **SHORT)
    expected = np.array([1, 2, 3, 4, 3, 2, 1, 2, 3, 4, 3]) * 0.9 / 4
    np.testing.assert_allclose(data.waveforms[0, :11], expected, rtol=1e-6)


def test_a_background_of_one_sample_is_a_constant():
    data = make_soundscapes(1, backgrounds=[[0.5]], n_events=0, **SHORT)
    np.testing.assert_allclose(data.waveforms, 0.9, rtol=1e-6)


@pytest.fixture
def files(tmp_path):
    """Paths of the tones at twice the rate, and of noise of 3 s and of 0.7 s."""
    for i, sound in enumerate(TONES):
        doubled = np.interp(np.arange(2 * len(sound)) / 2, np.arange(len(sound)), sound)
        soundfile.write(tmp_path / f"{i}.wav", 0.5 * doubled, 2 * RATE, subtype="FLOAT")
    noise = np.random.default_rng(0).normal(size=3 * RATE) / 10
    soundfile.write(tmp_path / "long.wav", noise, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "short.wav", noise[: 7 * RATE // 10], RATE, subtype="FLOAT")
    return tmp_path


def test_events_may_be_files_of_any_rate(files):
    paths = [files / f"{i}.wav" for i in range(3)]
    data = make_soundscapes(20, events=paths, labels=LABELS, return_components=True, **SHORT)
    assert set(data.events.label) == {"low", "high"}
    for event, samples in zip(data.events.itertuples(), data.event_waveforms):
        peak = np.argmax(np.abs(np.fft.rfft(samples, n=RATE)))
        assert min(abs(peak - f) for f in ((900,) if event.label == "high" else (500, 700))) <= 3


def test_backgrounds_may_be_files(files):
    noise, _ = soundfile.read(files / "long.wav")
    for name in ("long.wav", "short.wav"):
        data = make_soundscapes(6, backgrounds=[str(files / name)], n_events=0, **SHORT)
        for waveform in data.waveforms:
            # Found by correlation with the recording.
            place = np.argmax(np.correlate(noise, waveform[:2000], mode="valid"))
            found = noise[place : place + 2000]
            assert np.corrcoef(found, waveform[:2000])[0, 1] > 0.9999


def test_a_file_that_is_read_often_is_decoded_once(files, monkeypatch):
    from sk_audioevents.datasets import _soundscape_sources

    read = []
    load_audio = _soundscape_sources.load_audio

    def count(path, **parameters):
        read.append(path)
        return load_audio(path, **parameters)

    monkeypatch.setattr(_soundscape_sources, "load_audio", count)
    make_soundscapes(10, events=[files / "0.wav"], labels=["low"], n_events=3, **SHORT)
    assert read == [files / "0.wav"]


def test_the_same_seed_gives_the_same_bits():
    first, second = (make_soundscapes(3, events=TONES, labels=LABELS, **SHORT) for _ in range(2))
    np.testing.assert_array_equal(first.waveforms, second.waveforms)
    pd.testing.assert_frame_equal(first.events, second.events)


def test_another_seed_gives_other_soundscapes():
    first, second = (make_soundscapes(3, **(SHORT | {"random_state": seed})) for seed in (1, 2))
    assert not np.any(np.all(first.waveforms == second.waveforms, axis=1))


def test_the_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make_soundscapes(2, **SHORT)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_the_waveforms_passed_in_are_not_changed():
    sounds = [sound.astype(np.float32) for sound in TONES]
    noise = np.random.default_rng(0).normal(size=RATE).astype(np.float32)
    copies = [sound.copy() for sound in [*sounds, noise]]
    make_soundscapes(5, events=sounds, labels=LABELS, backgrounds=[noise], **SHORT)
    for sound, copy in zip([*sounds, noise], copies):
        np.testing.assert_array_equal(sound, copy)


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"n_clips": 0}, "'n_clips' parameter of make_soundscapes must be an int in the range"),
        ({"duration": 0.1}, "'duration' parameter"),
        ({"sample_rate": 0}, "'sample_rate' parameter"),
        ({"n_events": -1}, "two numbers of events, at least 0, the lowest first. Got"),
        ({"n_events": (3, 1)}, "'n_events' parameter .* the lowest first"),
        ({"n_events": (1, np.inf)}, "'n_events' parameter .* at least 0"),
        ({"n_events": (1.5, 2)}, "'n_events' parameter .* must be an int or two of them"),
        ({"event_duration": (0.01, 1)}, r"two times in seconds, in \[0.1, 2\], the lowest first"),
        ({"event_duration": (0.5, 3.0)}, r"'event_duration' .* \[0.1, 2\]"),
        ({"snr_db": (0, 20, 40)}, "'snr_db' parameter .* two ratios in decibels"),
        ({"snr_db": (0, np.nan)}, r"'snr_db' .* \[-120, 120\]"),
        ({"snr_db": ("a", "b")}, "'snr_db' parameter"),
        ({"overlap": False, "n_events": 9}, "9 events of 0.6 s do not fit into 2 s. Lower n_ev"),
        ({"trim_db": 0.0}, "'trim_db' parameter"),
        ({"backgrounds": "forest.wav"}, "Got 'forest.wav' instead: if this is the path of one, pu"),
        ({"backgrounds": []}, "'backgrounds' parameter .* at least one recording. Got none"),
        ({"backgrounds": [np.zeros(9)]}, "'backgrounds' .* Waveform 0 holds nothing but zeros"),
        ({"backgrounds": [np.zeros((9, 2))]}, r"backgrounds\[0\] is \(9, 2\)"),
        ({"backgrounds": [3.0]}, r"backgrounds\[0\] is \(\)"),
        ({"backgrounds": [[1, np.nan]]}, r"backgrounds\[0\] holds NaN or infinity"),
        ({"backgrounds": [[]]}, "1-D waveforms of at least one sample"),
        ({"backgrounds": [None]}, r"backgrounds\[0\] is"),
        ({"labels": ["whale"]}, "must name kinds out of .*'cricket'.* Got"),
        ({"labels": []}, "must name kinds"),
        ({"events": TONES}, r"one label for each of the 3 events. Got an array of shape \(\)"),
        ({"events": TONES, "labels": ["a"]}, r"one label for each .* shape \(1,\)"),
        ({"events": [], "labels": []}, "'events' parameter .* at least one recording"),
        ({"events": [np.zeros(9)], "labels": ["a"]}, "'events' .* must not be silent. Waveform 0"),
        ({"events": "dog.wav", "labels": ["a"]}, "'events' parameter"),
    ],
)
def test_bad_parameters_are_refused(parameters, match):
    with pytest.raises(ValueError, match=match):
        make_soundscapes(**({"n_clips": 3} | SHORT | parameters))


def test_an_event_in_digital_silence_is_refused():
    half_silent = np.r_[np.ones(1), np.zeros(15999)]
    with pytest.raises(ValueError, match="must not be silent where an event lies"):
        make_soundscapes(9, backgrounds=[half_silent], n_events=5, **SHORT)


def test_a_silent_file_is_named(tmp_path):
    soundfile.write(tmp_path / "zeros.wav", np.zeros(RATE), RATE)
    with pytest.raises(ValueError, match=r"zeros\.wav' holds nothing but zeros"):
        make_soundscapes(3, events=[tmp_path / "zeros.wav"], labels=["a"], **SHORT)


@pytest.mark.parametrize("where", ["events", "backgrounds"])
def test_a_missing_file_is_found_before_anything_is_read(where):
    paths = {where: ["gone.wav"]} | ({"labels": ["a"]} if where == "events" else {})
    with pytest.raises(AudioFileNotFoundError, match="no such file"):
        make_soundscapes(1, n_events=0, **(SHORT | paths))
