"""Soundscapes: real or synthetic events, mixed onto backgrounds at known times and levels.

The idea is that of J. Salamon, D. MacConnell, M. Cartwright, P. Li and J. P. Bello, "Scaper: A
library for soundscape synthesis and augmentation", WASPAA 2017.
"""

import os
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils import Bunch, check_random_state

from sk_audioevents._base import Interval, validate_params
from sk_audioevents._time import samples_to_seconds, seconds_to_samples
from sk_audioevents.datasets._soundscape_sources import (
    BACKGROUND_COLOURS,
    RecordedBackgrounds,
    RecordedSounds,
    SyntheticBackgrounds,
    SyntheticSounds,
    rms,
)
from sk_audioevents.datasets._synthetic import PEAK

_SHORTEST_EVENT = 0.1  # seconds
_HIGHEST_SNR = 120.0  # dB; float32 holds no more without loss


@validate_params(
    {
        "n_clips": [Interval(Integral, 1, None, closed="left")],
        "events": ["array-like", None],
        "labels": ["array-like", None],
        "backgrounds": [str, os.PathLike, "array-like"],
        "duration": [Interval(Real, 0.5, None, closed="left")],
        "sample_rate": [Interval(Integral, 8000, None, closed="left")],
        "n_events": [Integral, tuple, list],
        "event_duration": [tuple, list],
        "snr_db": [tuple, list],
        "overlap": ["boolean"],
        "trim_db": [Interval(Real, 0, None, closed="neither")],
        "return_components": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_soundscapes(
    n_clips=100,
    *,
    events=None,
    labels=None,
    backgrounds="pink",
    duration=10.0,
    sample_rate=22050,
    n_events=(1, 5),
    event_duration=(0.5, 2.0),
    snr_db=(0.0, 20.0),
    overlap=True,
    trim_db=40.0,
    return_components=False,
    random_state=None,
):
    r"""Mix sound events onto backgrounds, at known times and signal-to-noise ratios.

    Each soundscape has one background and a random number of events. The class of each event is
    drawn first, all equally likely, then one of the sounds of that class, then its duration, its
    place and its level.

    Parameters
    ----------
    n_clips : int, default=100
        The number of soundscapes, at least 1.
    events : list of paths, list of 1-D waveforms or 2-D array, default=None
        The sounds to mix in, each of one class: files, which are resampled to `sample_rate`, or
        waveforms at `sample_rate`, mono. None is the synthetic sounds of `make_sound_events`.
    labels : array-like of shape (n_sounds,), default=None
        The class of each of `events`. With synthetic sounds, the names of the kinds to use; None is
        all eight.
    backgrounds : str or list of paths, list of 1-D waveforms or 2-D array, default="pink"
        What the events lie upon: noise ("white", "pink" or "brown"), or recordings, of which each
        soundscape takes a random part of a random one. A recording that is shorter than the
        soundscape is played forth and back.
    duration : float, default=10.0
        The length of each soundscape in seconds, at least 0.5.
    sample_rate : int, default=22050
        Samples per second, at least 8000.
    n_events : int or tuple of two ints, default=(1, 5)
        The number of events in a soundscape, or its range, each number equally likely. May be 0.
    event_duration : tuple of two floats, default=(0.5, 2.0)
        The range from which the duration of each event is drawn uniformly, in seconds, 0.1 to
        `duration`. A synthetic event has it, but for silence at its edges; a recorded one that is
        longer is cut to it, at a random place; a shorter one stays as it is.
    snr_db : tuple of two floats, default=(0.0, 20.0)
        The range of the signal-to-noise ratio in decibels, from which each event's is drawn
        uniformly; within -120 to 120, lowest first. See Notes.
    overlap : bool, default=True
        Whether events may overlap. If False, the longest events in the largest number must fit into
        a soundscape one after the other.
    trim_db : float, default=40.0
        An event begins with the first block of 10 ms, and ends with the last, whose RMS is at most
        this many decibels below that of the loudest block of its recording. What lies outside is
        not mixed in. Recordings with an audible noise floor need a smaller number.
    return_components : bool, default=False
        Whether to return backgrounds and events one by one as well.
    random_state : int, RandomState instance or None, default=None
        The seed. The same int gives the same soundscapes, bit by bit, on the same machine.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With these attributes:

        waveforms : ndarray of shape (n_clips, n_samples), dtype float32
            The soundscapes, within -0.9 to 0.9 of full scale. `n_samples` is
            ``duration * sample_rate``, rounded.
        target : ndarray of shape (n_clips, n_classes), dtype int64
            1 where a soundscape holds events of a class, 0 elsewhere.
        target_names : ndarray of shape (n_classes,)
            The classes, in the order of `target`: sorted, as scikit-learn has them.
        events : DataFrame
            One row an event, by soundscape and onset: ``path`` (row number in `waveforms`),
            ``onset`` and ``offset`` (seconds, whole samples), ``label``, ``snr_db``.
        sample_rate : int
            Samples per second.
        background_waveforms : ndarray of shape (n_clips, n_samples), dtype float32
            The soundscapes without their events. Only with `return_components`.
        event_waveforms : list of ndarray of shape (n_event_samples,), dtype float32
            Each event of the table on its own, from onset to offset, as it was added. Only with
            `return_components`.

    Raises
    ------
    ValueError
        If a parameter is out of its range, a waveform is empty, silent, not 1-D or not finite, or
        the background is silent throughout or during an event.
    AudioDecodeError
        If a file cannot be read. All paths are looked up before the first is read.

    See Also
    --------
    make_sound_events : Synthetic clips with one label each, which need no recordings.

    Notes
    -----
    With event :math:`e` on the samples from onset to offset, without anything else that sounds
    there, and background :math:`b` on *the same* samples,

    .. math:: \mathrm{SNR} = 20 \log_{10} (\mathrm{RMS}(e) / \mathrm{RMS}(b)) \; \mathrm{dB}.

    Where a recorded event was cut, it fades in or out over 10 ms; its own beginning and end are
    left as they are.

    All backgrounds have the same RMS. One gain for the whole set then makes the largest absolute
    sample 0.9, so that nothing clips and levels can be compared between soundscapes of a set. Noise
    has a power density of :math:`1 / f^\beta` above 20 Hz, with :math:`\beta` 0 (white), 1 (pink)
    or 2 (brown).

    References
    ----------
    .. [1] J. Salamon, D. MacConnell, M. Cartwright, P. Li and J. P. Bello, "Scaper: A library for
       soundscape synthesis and augmentation", IEEE WASPAA 2017, pp. 344-348.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_audioevents.datasets import make_soundscapes
    >>> tones = [np.sin(np.arange(8000) * pitch) for pitch in (0.3, 0.5, 0.7)]
    >>> data = make_soundscapes(5, events=tones, labels=["low", "low", "high"], random_state=0)
    >>> data.waveforms.shape, data.target.shape, data.target_names.tolist()
    ((5, 220500), (5, 2), ['high', 'low'])
    >>> data.events.columns.tolist()
    ['path', 'onset', 'offset', 'label', 'snr_db']
    """
    n_samples = seconds_to_samples(duration, sample_rate)
    ranges = _check_ranges(n_events, event_duration, snr_db, overlap, float(duration), sample_rate)
    sounds = _event_sounds(events, labels, trim_db, sample_rate)
    recordings = _background_recordings(backgrounds, sample_rate)
    rng = check_random_state(random_state)

    beds = np.empty((n_clips, n_samples), dtype=np.float32)
    placed = []
    for bed in beds:
        bed[:] = recordings.draw(n_samples, rng)
        placed.append(_draw_events(sounds, bed, sample_rate, ranges, rng))
    waveforms = np.stack([_mix(bed, clip) for bed, clip in zip(beds, placed)])
    gain = PEAK / max(waveforms.max(), -waveforms.min())
    waveforms *= gain

    data = Bunch(
        waveforms=waveforms,
        target=_make_target(placed, sounds.classes),
        target_names=sounds.classes,
        events=_make_table(placed, sounds.classes, sample_rate),
        sample_rate=sample_rate,
    )
    if return_components:
        data.background_waveforms = beds * gain
        data.event_waveforms = [event.samples * gain for clip in placed for event in clip]
    return data


@dataclass(frozen=True, slots=True)
class _Event:
    """One event of a soundscape, at its level in it before the gain of the set."""

    label: int
    start: int  # samples
    samples: np.ndarray
    snr_db: float


@dataclass(frozen=True, slots=True)
class _Ranges:
    """From what to what the random numbers lie: the number of events, seconds, decibels."""

    n_events: tuple
    duration: tuple
    snr_db: tuple
    overlap: bool


def _check_ranges(n_events, event_duration, snr_db, overlap, duration, sample_rate):
    if isinstance(n_events, Integral):
        n_events = (n_events, n_events)
    few, many = _check_range("n_events", n_events, 0, np.inf, "numbers of events")
    if few != int(few) or many != int(many):
        raise ValueError(
            "The 'n_events' parameter of make_soundscapes must be an int or two of them. "
            f"Got {n_events!r} instead."
        )
    short, long = _check_range(
        "event_duration", event_duration, _SHORTEST_EVENT, duration, "times in seconds"
    )
    longest = seconds_to_samples(long, sample_rate)
    if not overlap and many * longest > seconds_to_samples(duration, sample_rate):
        raise ValueError(
            "The 'overlap' parameter of make_soundscapes must be True, or all events must fit one "
            f"after the other: {int(many)} events of {long:g} s do not fit into {duration:g} s. "
            "Lower n_events or event_duration, or raise duration."
        )
    levels = _check_range("snr_db", snr_db, -_HIGHEST_SNR, _HIGHEST_SNR, "ratios in decibels")
    return _Ranges((int(few), int(many)), (short, long), levels, overlap)


def _check_range(name, value, lowest, highest, what):
    try:
        low, high = (float(number) for number in value)
    except (TypeError, ValueError):
        low = high = np.nan
    if not lowest <= low <= high <= highest or high == np.inf:
        bounds = f"at least {lowest:g}" if highest == np.inf else f"in [{lowest:g}, {highest:g}]"
        raise ValueError(
            f"The {name!r} parameter of make_soundscapes must be two {what}, {bounds}, the lowest "
            f"first. Got {value!r} instead."
        )
    return low, high


def _event_sounds(events, labels, trim_db, sample_rate):
    if events is None:
        return SyntheticSounds(labels, trim_db, sample_rate)
    return RecordedSounds(events, labels, trim_db, sample_rate)


def _background_recordings(backgrounds, sample_rate):
    if not isinstance(backgrounds, (str, os.PathLike)):
        return RecordedBackgrounds(backgrounds, sample_rate)
    if backgrounds not in BACKGROUND_COLOURS:
        raise ValueError(
            "The 'backgrounds' parameter of make_soundscapes must be one of "
            f"{list(BACKGROUND_COLOURS)}, or a list of recordings. Got {backgrounds!r} instead: if "
            "this is the path of one, put it into a list."
        )
    return SyntheticBackgrounds(backgrounds, sample_rate)


def _draw_events(sounds, background, sample_rate, ranges, rng):
    """Draw the events of one soundscape, sorted by their beginning."""
    few, many = ranges.n_events
    labels = rng.randint(len(sounds.classes), size=rng.randint(few, many + 1))
    drawn = []
    for label in labels:
        longest = seconds_to_samples(rng.uniform(*ranges.duration), sample_rate)
        drawn.append(sounds.draw(label, longest, rng))
    lengths = np.array([len(samples) for samples in drawn], dtype=np.int64)
    place = _draw_places if ranges.overlap else _draw_places_apart
    starts = place(lengths, len(background), rng)
    levels = rng.uniform(*ranges.snr_db, size=len(drawn))
    events = [
        _Event(
            label,
            start,
            _set_level(samples, background[start : start + len(samples)], level),
            level,
        )
        for label, start, samples, level in zip(labels, starts, drawn, levels)
    ]
    return sorted(events, key=lambda event: event.start)


def _draw_places(lengths, n_samples, rng):
    return rng.randint(0, n_samples - lengths + 1)


def _draw_places_apart(lengths, n_samples, rng):
    """Draw the beginnings of events that do not overlap: one after the other, with random gaps."""
    gaps = np.sort(rng.randint(0, n_samples - lengths.sum() + 1, size=len(lengths)))
    return gaps + np.cumsum(lengths) - lengths


def _set_level(samples, background, snr_db):
    background_rms = rms(background)
    if background_rms == 0:
        raise ValueError(
            "The 'backgrounds' of make_soundscapes must not be silent where an event lies: there "
            "is no signal-to-noise ratio against digital silence. Leave such recordings out, or "
            "cut the silence off."
        )
    return (samples * (background_rms / rms(samples) * 10 ** (snr_db / 20))).astype(np.float32)


def _mix(background, events):
    mix = background.copy()
    for event in events:
        mix[event.start : event.start + len(event.samples)] += event.samples
    return mix


def _make_target(placed, classes):
    target = np.zeros((len(placed), len(classes)), dtype=np.int64)
    for row, events in zip(target, placed):
        row[[event.label for event in events]] = 1
    return target


def _make_table(placed, classes, sample_rate):
    rows = [
        (
            clip,
            samples_to_seconds(event.start, sample_rate),
            samples_to_seconds(event.start + len(event.samples), sample_rate),
            event.label,
            event.snr_db,
        )
        for clip, events in enumerate(placed)
        for event in events
    ]
    table = pd.DataFrame(rows, columns=["path", "onset", "offset", "label", "snr_db"])
    numbers = {"path": "int64", "onset": "float64", "offset": "float64", "snr_db": "float64"}
    table["label"] = classes[table["label"].to_numpy(dtype=np.int64)]
    return table.astype(numbers)
