"""Events of a recording in rows of classes."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_audioevents import LogMelTransformer
from sk_audioevents.datasets import make_soundscapes
from sk_audioevents.events import SoundEventDetector
from sk_audioevents.plotting import EventTimelineDisplay

RATE = 8000
LONG = "Domestic sounds, home sounds and whatever else"


def table(*rows, path="dawn.wav"):
    """Return a table of events from (onset, offset, label)."""
    columns = list(zip(*rows)) if rows else [[], [], []]
    return pd.DataFrame({"path": path, **dict(zip(("onset", "offset", "label"), columns))})


def scores(*columns, path="dawn.wav", step=0.5):
    """Return a timeline from (label, scores)."""
    n = len(columns[0][1])
    index = pd.MultiIndex.from_arrays(
        [[path] * n, np.arange(n) * step, (np.arange(n) + 1) * step],
        names=["path", "start_time", "end_time"],
    )
    return pd.DataFrame(dict(columns), index=index)


def extents(bars):
    return [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars]


EVENTS = table((1.0, 2.5, "wren"), (4.0, 6.0, "owl"), (7.0, 7.5, "wren"))
REFERENCE = table((0.8, 2.5, "wren"), (8.0, 9.0, "tit"))


def test_bars_are_where_the_events_are(draw):
    display = draw(EventTimelineDisplay.from_predictions(EVENTS, 10.0, reference=REFERENCE))
    assert display.labels_ == ["owl", "tit", "wren"]
    assert extents(display.bars_["wren"]) == [(1.0, 2.5), (7.0, 7.5)]
    assert extents(display.bars_["owl"]) == [(4.0, 6.0)]
    assert extents(display.bars_["tit"]) == []
    assert extents(display.reference_bars_["wren"]) == [pytest.approx((0.8, 2.5))]
    assert extents(display.reference_bars_["tit"]) == [(8.0, 9.0)]


@pytest.mark.parametrize("with_scores", [False, True])
def test_bars_are_in_the_row_of_their_class_the_truth_below(with_scores):
    timeline = scores(("owl", np.ones(20)), ("tit", np.ones(20)), ("wren", np.ones(20)))
    display = EventTimelineDisplay.from_predictions(
        EVENTS, 10.0, reference=REFERENCE, timeline=timeline if with_scores else None
    )
    for row, label in enumerate(display.labels_):
        for bar in [*display.bars_[label], *display.reference_bars_[label]]:
            assert row - 0.5 < bar.get_y() < bar.get_y() + bar.get_height() < row + 0.5
    estimate, truth = display.bars_["wren"][0], display.reference_bars_["wren"][0]
    assert estimate.get_y() + estimate.get_height() <= truth.get_y()  # y grows downwards
    assert display.axes_[-1].get_ylim() == (2.5, -0.5)


def test_estimate_and_truth_differ_without_colour():
    display = EventTimelineDisplay.from_predictions(EVENTS, 10.0, reference=REFERENCE)
    assert display.bars_["wren"][0].get_hatch() is None
    assert display.reference_bars_["wren"][0].get_hatch() is not None


def test_scores_are_a_line_of_steps_from_the_bottom_to_the_top_of_their_row():
    timeline = scores(("owl", [0.0, 1.0, 0.25, 0.5]), ("wren", [0.1, 0.2, 0.3, 0.4]))
    display = EventTimelineDisplay.from_predictions(table(), 2.0, timeline=timeline, thresholds=0.5)
    line = display.score_lines_["wren"]
    assert line.get_xdata().tolist() == [0, 0.5, 0.5, 1, 1, 1.5, 1.5, 2]
    zero, one = display.score_lines_["owl"].get_ydata()[[0, 2]]
    assert -0.5 < one < zero < 0.5  # y grows downwards
    drawn = (line.get_ydata()[::2] - 1 - zero) / (one - zero)
    np.testing.assert_allclose(drawn, [0.1, 0.2, 0.3, 0.4])
    dotted = [item for item in display.axes_[-1].lines if item.get_linestyle() == ":"]
    np.testing.assert_allclose(
        [item.get_ydata()[0] for item in dotted], [(zero + one) / 2, 1 + (zero + one) / 2]
    )


def test_axes_have_units_and_the_time_of_the_recording():
    tone = np.sin(np.arange(2 * RATE))
    display = EventTimelineDisplay.from_predictions(
        table((0.5, 1.0, "owl")), 2.0, recording=tone, sample_rate=RATE
    )
    picture, rows = display.axes_
    assert rows.get_xlabel() == "time (s)"
    assert picture.get_ylabel() == "frequency (Hz)"
    assert picture.get_xlim() == rows.get_xlim() == (0.0, 2.0)
    assert picture.get_ylim() == (0.0, RATE / 2)


def test_the_spectrogram_lies_at_its_times_and_frequencies(draw):
    waveform = np.zeros(2 * RATE)
    waveform[RATE:] = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    display = draw(
        EventTimelineDisplay.from_predictions(table(), 2.0, recording=waveform, sample_rate=RATE)
    )
    image = display.image_
    levels = np.asarray(image.get_array())
    left, right, low, high = image.get_extent()
    assert (left, right) == (0.0, 2.0)
    frequencies = low + (np.arange(len(levels)) + 0.5) * (high - low) / len(levels)
    np.testing.assert_allclose(frequencies, np.linspace(0, RATE / 2, len(levels)), atol=1e-9)
    times = (np.arange(levels.shape[1]) + 0.5) * 2.0 / levels.shape[1]
    loud = levels.max(axis=0) > -20
    assert (loud == (times > 1.0)).mean() > 0.98
    assert frequencies[levels[:, times > 1.1].argmax(axis=0)] == pytest.approx(1000)


def test_a_file_is_drawn_like_its_waveform(tmp_path):
    waveform = np.random.default_rng(0).normal(size=RATE).clip(-3, 3) / 4
    soundfile.write(tmp_path / "noise.wav", waveform, RATE, subtype="FLOAT")
    of_file = EventTimelineDisplay.from_predictions(table(), 1.0, recording=tmp_path / "noise.wav")
    of_array = EventTimelineDisplay.from_predictions(
        table(), 1.0, recording=waveform, sample_rate=RATE
    )
    np.testing.assert_array_equal(of_file.levels, of_array.levels)
    assert of_file.highest == of_array.highest


def test_of_many_classes_those_with_events_have_rows():
    timeline = scores(*[(f"class {i}", np.zeros(20)) for i in range(30)])
    display = EventTimelineDisplay.from_predictions(
        table((1.0, 2.0, "class 7")), 10.0, reference=table((0, 1, "class 3")), timeline=timeline
    )
    assert display.labels_ == ["class 3", "class 7"]


def test_rows_can_be_chosen_and_ordered():
    display = EventTimelineDisplay.from_predictions(EVENTS, 10.0, labels=["wren", "tit", "owl"])
    ticks = display.axes_[-1].get_yticklabels()
    assert [text.get_text() for text in ticks] == ["wren", "tit", "owl"]


@pytest.mark.parametrize("figsize", [None, (3.6, 4.0), (9.0, 3.0)])
def test_names_of_classes_do_not_overlap(draw, overlap, pyplot, figsize):
    events = table(*[(i, i + 1, f"{i} {LONG}") for i in range(6)])
    ax = None if figsize is None else pyplot.subplots(figsize=figsize, layout="constrained")[1]
    display = draw(EventTimelineDisplay.from_predictions(events, 10.0, reference=events, ax=ax))
    assert not overlap(display.axes_[-1].get_yticklabels())
    assert display.axes_[-1].get_window_extent().width > 60


def test_no_events_at_all_can_be_drawn(draw):
    assert draw(EventTimelineDisplay.from_predictions(table(), 5.0)).labels_ == []


@pytest.fixture(scope="module")
def soundscape():
    return make_soundscapes(
        12, labels=["bell", "chirp"], duration=2.0, sample_rate=RATE, random_state=0
    )


@pytest.fixture(scope="module")
def detector(soundscape):
    model = make_pipeline(
        LogMelTransformer(sample_rate=RATE, n_mels=8),
        FunctionTransformer(lambda X: np.array([np.mean(clip, axis=0) for clip in X])),
        RandomForestClassifier(20, random_state=0),
    )
    target = pd.DataFrame(soundscape.target, columns=soundscape.target_names)
    detector = SoundEventDetector(model, window=0.5, threshold=0.4, median_filter=0.75)
    return detector.fit(soundscape.waveforms, target)


def test_from_estimator_draws_what_the_detector_finds(detector, soundscape):
    waveform = soundscape.waveforms[3]
    display = EventTimelineDisplay.from_estimator(detector, waveform)
    pd.testing.assert_frame_equal(
        display.events, detector.predict_events([waveform]).drop(columns="score")
    )
    pd.testing.assert_frame_equal(display.timeline, detector.predict_timeline([waveform]))
    assert display.thresholds == {"bell": 0.4, "chirp": 0.4}
    assert display.duration == 2.0
    assert display.highest == RATE / 2
    assert len(display.events)


def test_from_estimator_takes_the_events_of_its_file_from_the_reference(
    detector, soundscape, tmp_path
):
    path = str(tmp_path / "third.wav")
    soundfile.write(path, soundscape.waveforms[3], RATE)
    truth = soundscape.events[soundscape.events["path"] == 3].assign(path=path)
    reference = pd.concat([truth, truth.assign(path="other.wav")])
    display = EventTimelineDisplay.from_estimator(detector, path, reference=reference, scores=False)
    assert set(display.reference["path"]) == {path}
    assert len(display.reference) == len(truth)
    assert display.score_lines_ == {}
    with pytest.raises(
        ValueError, match=r"of '.*third.wav'. It has none, and others of 'other.wav'"
    ):
        EventTimelineDisplay.from_estimator(detector, path, reference=reference[len(truth) :])


def test_what_cannot_be_drawn_is_refused():
    draw = EventTimelineDisplay.from_predictions
    with pytest.raises(ValueError, match=r"events of one recording. Got those of 2: take those"):
        draw(pd.concat([EVENTS, EVENTS.assign(path="dusk.wav")]), 10.0)
    with pytest.raises(ValueError, match=r"'reference' parameter .* within their recordings"):
        draw(EVENTS, 8.0, reference=REFERENCE)
    with pytest.raises(ValueError, match=r"'events' parameter .* no labels but 'owl'"):
        draw(EVENTS, 10.0, labels=["owl"])
    with pytest.raises(ValueError, match=r"'duration' .* a number of seconds above 0. Got 0"):
        draw(EVENTS, 0)
    with pytest.raises(ValueError, match=r"'thresholds' .* must be None without a 'timeline'"):
        draw(EVENTS, 10.0, thresholds=0.5)
    two = pd.concat([scores(("owl", [0.5])), scores(("owl", [0.5]), path="dusk.wav")])
    with pytest.raises(ValueError, match=r"the scores of one recording. Got those of 2"):
        draw(table(), 1.0, timeline=two)


def test_recordings_that_do_not_fit_are_refused():
    draw = EventTimelineDisplay.from_predictions
    with pytest.raises(ValueError, match=r"'sample_rate' .* of the waveform, in hertz. Got None"):
        draw(table(), 1.0, recording=np.zeros(RATE))
    with pytest.raises(ValueError, match=r"'recording' .* must hold finite samples"):
        draw(table(), 1.0, recording=np.full(RATE, np.nan), sample_rate=RATE)
    with pytest.raises(TypeError, match=r"Got shape \(2, 8000\) instead"):
        draw(table(), 1.0, recording=np.zeros((2, RATE)), sample_rate=RATE)
    with pytest.raises(ValueError, match=r"length of the recording, 0.5 s. Got 1: is the sample"):
        draw(table(), 1.0, recording=np.zeros(RATE), sample_rate=2 * RATE)


def test_a_list_of_recordings_is_refused(detector):
    with pytest.raises(TypeError, match=r"Got list instead: is it a list of recordings\?"):
        EventTimelineDisplay.from_estimator(detector, ["dawn.wav"])
