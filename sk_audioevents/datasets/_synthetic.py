"""Synthetic clips whose events are known to the sample: to learn from, and to test localisation."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import pandas as pd
import scipy.fft
from sklearn.utils import Bunch, check_random_state

from sk_audioevents._base import Interval, validate_params
from sk_audioevents._time import samples_to_seconds, seconds_to_samples
from sk_audioevents.datasets._noise import coloured_noise

EVENT_DURATION = (0.25, 1.5)  # seconds
EDGE = 0.005  # seconds of raised cosine at either end of an event
NOISE_EXPONENT = (0.5, 1.5)  # the background's power falls as 1 / f**exponent; 1 is pink
PEAK = 0.9  # largest absolute sample of a set; full scale is 1
HIGHEST = 0.45  # no partial lies above this share of the sample rate


@validate_params(
    {
        "n_clips": [Interval(Integral, 1, None, closed="left")],
        "n_classes": [Interval(Integral, 2, 8, closed="both")],
        "duration": [Interval(Real, 0.5, None, closed="left")],
        "sample_rate": [Interval(Integral, 8000, None, closed="left")],
        "max_events": [Interval(Integral, 1, None, closed="left")],
        "snr_db": [tuple, list],
        "multilabel": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_sound_events(
    n_clips=100,
    *,
    n_classes=4,
    duration=5.0,
    sample_rate=22050,
    max_events=3,
    snr_db=(0.0, 20.0),
    multilabel=False,
    random_state=None,
):
    r"""Make clips of coloured noise with sound events at known times.

    The kinds of events are, in the order of their classes: chirp (a bird's sweeps), engine (low
    harmonics), click (a train of broadband clicks), bell (inharmonic partials that die away), siren
    (a harmonic tone that swings), hiss (a band of noise), knock (low resonances, two to five a
    second), cricket (a high tone in rapid pulses). Pitch, pace, place, length and level of each
    event are drawn at random, and events may overlap.

    Parameters
    ----------
    n_clips : int, default=100
        The number of clips, at least 1.
    n_classes : int, default=4
        The number of classes, 2 to 8: the first so many kinds of the list above.
    duration : float, default=5.0
        The length of each clip in seconds, at least 0.5.
    sample_rate : int, default=22050
        Samples per second, at least 8000.
    max_events : int, default=3
        The largest number of events in a clip, at least 1. Each clip has 1 to `max_events` of them,
        or 0 to `max_events` when `multilabel` is True, each number equally likely.
    snr_db : tuple of two floats, default=(0.0, 20.0)
        The range of the signal-to-noise ratio in decibels, from which each event's is drawn
        uniformly; finite, lowest first. See Notes.
    multilabel : bool, default=False
        If False, all events of a clip are of one class, the clip's, and the classes are as equally
        frequent as `n_clips` allows. If True, each event has a class of its own, all equally
        likely, and a clip may have several or none.
    random_state : int, RandomState instance or None, default=None
        The seed. The same int gives the same clips, bit by bit, on the same machine.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With these attributes:

        waveforms : ndarray of shape (n_clips, n_samples), dtype float32
            The clips, from -0.9 to 0.9 of full scale. `n_samples` is ``duration * sample_rate``,
            rounded.
        target : ndarray of shape (n_clips,) or (n_clips, n_classes), dtype int64
            The class of each clip, 0 to ``n_classes - 1``; if `multilabel`, 1 where a clip holds
            events of a class and 0 elsewhere.
        target_names : ndarray of shape (n_classes,), dtype str
            The names of the classes.
        events : DataFrame
            One row an event, by clip and onset: ``clip`` (row number in `waveforms`), ``onset`` and
            ``offset`` (seconds, whole samples), ``label`` (name of the class), ``snr_db``.
        sample_rate : int
            Samples per second.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Notes
    -----
    With event :math:`e` on the samples from onset to offset, without anything else that sounds
    there, and background :math:`b` on all the samples of the clip,

    .. math:: \mathrm{SNR} = 20 \log_{10} (\mathrm{RMS}(e) / \mathrm{RMS}(b)) \; \mathrm{dB}.

    All frequencies count alike, so a narrow event stands out of the noise at 0 dB too. Events last
    0.25 s to 1.5 s, or to the clip's length if that is less, and lie wholly within the clip. Each
    starts and ends with 5 ms of raised cosine; outside onset and offset it is exactly zero.

    The background is Gaussian noise with a power density of :math:`1 / f^\beta` above 20 Hz,
    :math:`\beta` drawn from 0.5 to 1.5 for each clip, and has the same level in all clips. One
    gain for the whole set makes the largest absolute sample 0.9, so that nothing clips and levels
    can be compared between clips of a set, but not between sets.

    Examples
    --------
    >>> from sk_audioevents.datasets import make_sound_events
    >>> data = make_sound_events(n_clips=8, duration=2.0, random_state=0)
    >>> data.waveforms.shape, data.target_names[data.target[:2]].tolist()
    ((8, 44100), ['click', 'click'])
    >>> data.events.columns.tolist()
    ['clip', 'onset', 'offset', 'label', 'snr_db']
    """
    low_db, high_db = _check_snr_db(snr_db)
    rng = check_random_state(random_state)
    n_samples = seconds_to_samples(duration, sample_rate)
    names = list(KINDS)[:n_classes]
    classes_of_events = _draw_classes(n_clips, n_classes, max_events, multilabel, rng)

    waveforms = np.empty((n_clips, n_samples), dtype=np.float32)
    rows = []
    for clip, classes in enumerate(classes_of_events):
        background, events = _draw_clip(
            [names[i] for i in classes], n_samples, sample_rate, (low_db, high_db), rng
        )
        waveforms[clip] = _mix(background, events)
        rows += [(clip, *_annotate(event, sample_rate)) for event in events]
    waveforms *= PEAK / max(waveforms.max(), -waveforms.min())

    return Bunch(
        waveforms=waveforms,
        target=_make_target(classes_of_events, n_classes, multilabel),
        target_names=np.array(names),
        events=_make_table(rows),
        sample_rate=sample_rate,
    )


@dataclass(frozen=True, slots=True)
class _Event:
    """One event of a clip, at its level in the clip before the gain of the set."""

    label: str
    start: int  # samples
    samples: np.ndarray
    snr_db: float


def _check_snr_db(snr_db):
    try:
        low_db, high_db = (float(value) for value in snr_db)
    except (TypeError, ValueError):
        low_db = high_db = np.nan
    if not -np.inf < low_db <= high_db < np.inf:
        raise ValueError(
            "The 'snr_db' parameter of make_sound_events must be two finite numbers, the lowest "
            f"and the highest ratio in decibels, in this order. Got {snr_db!r}."
        )
    return low_db, high_db


def _draw_classes(n_clips, n_classes, max_events, multilabel, rng):
    """Draw for each clip the classes of its events."""
    if multilabel:
        n_events = rng.randint(0, max_events + 1, size=n_clips)
        return [rng.randint(n_classes, size=n) for n in n_events]
    target = rng.permutation(np.arange(n_clips) % n_classes)
    n_events = rng.randint(1, max_events + 1, size=n_clips)
    return [np.full(n, label) for n, label in zip(n_events, target)]


def _draw_clip(labels, n_samples, sample_rate, snr_db, rng):
    """Draw a background of RMS 1 and the events that go on top of it."""
    background = coloured_noise(n_samples, sample_rate, rng.uniform(*NOISE_EXPONENT), rng)
    events = [_draw_event(label, n_samples, sample_rate, snr_db, rng) for label in labels]
    return background, sorted(events, key=lambda event: event.start)


def _draw_event(label, n_samples, sample_rate, snr_db, rng):
    shortest, longest = (seconds_to_samples(time, sample_rate) for time in EVENT_DURATION)
    length = rng.randint(shortest, min(longest, n_samples) + 1)
    start = rng.randint(0, n_samples - length + 1)
    level = rng.uniform(*snr_db)
    samples = KINDS[label](length, sample_rate, rng) * _edges(length, sample_rate)
    # The background's RMS is 1, so the ratio is the event's own RMS.
    return _Event(label, start, _normalise(samples) * 10 ** (level / 20), level)


def _normalise(samples):
    return samples / np.sqrt(np.mean(samples**2))


def _edges(length, sample_rate):
    """Return the envelope of an event: raised cosine, ones, raised cosine."""
    n_edge = seconds_to_samples(EDGE, sample_rate)
    rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(n_edge) + 0.5) / n_edge)
    envelope = np.ones(length)
    envelope[:n_edge] = rise
    envelope[-n_edge:] = rise[::-1]
    return envelope


def _mix(background, events):
    mixture = background.copy()
    for event in events:
        mixture[event.start : event.start + len(event.samples)] += event.samples
    return mixture


def _annotate(event, sample_rate):
    onset = samples_to_seconds(event.start, sample_rate)
    offset = samples_to_seconds(event.start + len(event.samples), sample_rate)
    return onset, offset, event.label, event.snr_db


def _make_target(classes_of_events, n_classes, multilabel):
    if not multilabel:
        return np.array([classes[0] for classes in classes_of_events], dtype=np.int64)
    target = np.zeros((len(classes_of_events), n_classes), dtype=np.int64)
    for row, classes in zip(target, classes_of_events):
        row[classes] = 1
    return target


def _make_table(rows):
    types = {"clip": "int64", "onset": "float64", "offset": "float64", "label": "str"}
    columns = [*types, "snr_db"]
    return pd.DataFrame(rows, columns=columns).astype({**types, "snr_db": "float64"})


def _chirp(length, sample_rate, rng):
    """Return a bird's syllables, each a fall from about 3.3 kHz to 2.2 kHz, with short gaps."""
    syllable = (np.arange(length) / sample_rate * rng.uniform(5.0, 8.0)) % 1.0
    high = rng.uniform(3100.0, 3500.0)
    frequency = high - rng.uniform(900.0, 1300.0) * syllable
    return np.sin(np.pi * np.minimum(syllable / 0.8, 1.0)) * _tone(frequency, [1.0], sample_rate)


def _engine(length, sample_rate, rng):
    """Return a hum of twelve harmonics of 55 to 95 Hz, unsteady in pitch and level."""
    time = np.arange(length) / sample_rate
    wander = 1 + 0.03 * np.sin(2 * np.pi * rng.uniform(0.5, 2.0) * time + rng.uniform(0, 2 * np.pi))
    pitch = rng.uniform(55.0, 95.0) * wander
    throb = 1 + 0.3 * _tone(pitch / 4, [1.0], sample_rate)
    return throb * _tone(pitch, 1 / np.arange(1, 13), sample_rate)


def _click(length, sample_rate, rng):
    """Return broadband clicks, 8 to 14 a second, each gone within some milliseconds."""
    since = _time_since_stroke(length, sample_rate, rng.uniform(8.0, 14.0))
    return rng.standard_normal(length) * np.exp(-since / rng.uniform(0.004, 0.008))


def _bell(length, sample_rate, rng):
    """Return one stroke: the partials of a minor-third bell, the higher the sooner gone."""
    ratios = np.array([0.5, 1.0, 1.2, 1.5, 2.0, 2.67, 3.0])
    strike = rng.uniform(600.0, 900.0)
    time = np.arange(length) / sample_rate
    decay = rng.uniform(0.25, 0.45) / np.sqrt(ratios)
    phases = rng.uniform(0, 2 * np.pi, len(ratios))
    heard = ratios * strike < HIGHEST * sample_rate
    partials = np.sin(2 * np.pi * strike * np.outer(ratios, time) + phases[:, None])
    return (partials * np.exp(-time / decay[:, None]))[heard].sum(axis=0)


def _siren(length, sample_rate, rng):
    """Return a tone of three harmonics that swings once or twice a second around 900 Hz."""
    time = np.arange(length) / sample_rate
    swing = np.sin(2 * np.pi * rng.uniform(1.0, 2.0) * time + rng.uniform(0, 2 * np.pi))
    frequency = rng.uniform(800.0, 1000.0) + rng.uniform(250.0, 350.0) * swing
    return _tone(frequency, [1.0, 0.5, 0.25], sample_rate)


def _hiss(length, sample_rate, rng):
    """Return a steady noise from about 2.2 kHz to 8 kHz, or what the sample rate holds of it."""
    spectrum = scipy.fft.rfft(rng.standard_normal(length))
    frequencies = scipy.fft.rfftfreq(length, 1 / sample_rate)
    lowest, highest = rng.uniform(2000.0, 2400.0), min(8000.0, HIGHEST * sample_rate)
    spectrum[(frequencies < lowest) | (frequencies > highest)] = 0
    return scipy.fft.irfft(spectrum, length)


def _knock(length, sample_rate, rng):
    """Return knocks on wood, two to five a second: two damped resonances below 500 Hz."""
    since = _time_since_stroke(length, sample_rate, rng.uniform(2.0, 5.0))
    pitch, decay = rng.uniform(180.0, 260.0), rng.uniform(0.02, 0.04)
    ring = np.sin(2 * np.pi * pitch * since) + 0.5 * np.sin(2 * np.pi * 1.7 * pitch * since)
    return ring * np.exp(-since / decay)


def _cricket(length, sample_rate, rng):
    """Return a steady tone near 3 kHz in 25 to 40 pulses a second."""
    time = np.arange(length) / sample_rate
    pulses = np.sin(np.pi * rng.uniform(25.0, 40.0) * time) ** 4
    return pulses * _tone(np.full(length, rng.uniform(2700.0, 3300.0)), [1.0], sample_rate)


def _tone(frequency, amplitudes, sample_rate):
    """Return harmonics of a changing frequency; those that would rise too high are left out."""
    phase = 2 * np.pi * np.cumsum(frequency) / sample_rate
    return sum(
        amplitude * np.sin(k * phase)
        for k, amplitude in enumerate(amplitudes, start=1)
        if k * frequency.max() < HIGHEST * sample_rate
    )


def _time_since_stroke(length, sample_rate, rate):
    """Return the seconds since the last of evenly spaced strokes, the first of them at 0."""
    duration = length / sample_rate
    # A whole number of strokes, so that the event does not end in a cut-off one.
    period = duration / max(1, round(duration * rate))
    return (np.arange(length) / sample_rate) % period


KINDS = {
    "chirp": _chirp,
    "engine": _engine,
    "click": _click,
    "bell": _bell,
    "siren": _siren,
    "hiss": _hiss,
    "knock": _knock,
    "cricket": _cricket,
}
