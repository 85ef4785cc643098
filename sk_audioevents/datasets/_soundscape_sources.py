"""Where the events and backgrounds of soundscapes come from: recordings, or a generator."""

import os
from functools import lru_cache

import numpy as np

from sk_audioevents._time import samples_to_seconds, seconds_to_samples
from sk_audioevents.audio import check_files, load_audio
from sk_audioevents.audio._open import open_recording
from sk_audioevents.datasets._noise import coloured_noise
from sk_audioevents.datasets._synthetic import EDGE, KINDS

BACKGROUND_COLOURS = {"white": 0.0, "pink": 1.0, "brown": 2.0}  # exponents of 1 / f
_BLOCK = 0.01  # seconds over which the level is measured where an event begins and ends
_FADE = 0.01  # seconds of raised cosine where an event was cut
_N_KEPT = 256  # decoded recordings that are kept, so that few of them are decoded again


class SyntheticSounds:
    """The sounds of `make_sound_events`.

    Parameters
    ----------
    kinds : array-like of str or None
        Names of the kinds to use; None is all.
    trim_db, sample_rate
        As for `make_soundscapes`.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The kinds, sorted.
    """

    def __init__(self, kinds, trim_db, sample_rate):
        self._trim_db = trim_db
        self._sample_rate = sample_rate
        self.classes = np.unique(list(KINDS) if kinds is None else kinds)
        unknown = [kind for kind in self.classes.tolist() if kind not in KINDS]
        if unknown or len(self.classes) == 0:
            raise ValueError(
                f"The 'labels' parameter of make_soundscapes must name kinds out of {list(KINDS)} "
                f"if events is None. Got {kinds!r} instead."
            )

    def draw(self, label, n_longest, rng):
        """Draw a sound of a class, of `n_longest` samples before silence is cut off."""
        kind = KINDS[self.classes[label]]
        samples = kind(n_longest, self._sample_rate, rng)
        _fade(samples, seconds_to_samples(EDGE, self._sample_rate), start=True, end=True)
        sounding = _is_sounding(samples, self._trim_db, self._sample_rate)
        return samples[_extent(sounding)]


class RecordedSounds:
    """Recordings of one event each.

    Parameters
    ----------
    items : list of paths or 1-D waveforms
        The recordings.
    labels : array-like of shape (n_items,)
        Their classes.
    trim_db, sample_rate
        As for `make_soundscapes`.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The classes, sorted.
    """

    def __init__(self, items, labels, trim_db, sample_rate):
        self._items = _check_items(items, "events")
        self._sample_rate = sample_rate
        self._trim_db = trim_db
        if np.shape(labels) != (len(self._items),):
            raise ValueError(
                "The 'labels' parameter of make_soundscapes must be one label for each of the "
                f"{len(self._items)} events. Got an array of shape {np.shape(labels)} instead."
            )
        self.classes, codes = np.unique(np.asarray(labels), return_inverse=True)
        self._rows_of = [np.flatnonzero(codes == code) for code in range(len(self.classes))]
        self._load = lru_cache(_N_KEPT)(self._load)

    def draw(self, label, n_longest, rng):
        """Draw a sound of a class, or a part of one, of at most `n_longest` samples."""
        samples, sounding = self._load(rng.choice(self._rows_of[label]))
        if len(samples) <= n_longest:
            return samples
        # Around some sample where it sounds: so it is never silent, and no sliver of a sound.
        centre = rng.choice(np.flatnonzero(sounding))
        start = np.clip(centre - n_longest // 2, 0, len(samples) - n_longest)
        window = slice(start, start + n_longest)
        part = samples[window].copy()
        n_fade = seconds_to_samples(_FADE, self._sample_rate)
        _fade(part, n_fade, start=start > 0, end=window.stop < len(samples))
        return part[_extent(sounding[window])]

    def _load(self, row):
        """Return the samples of a recording from onset to offset, and where they sound."""
        samples = _read(self._items[row], self._sample_rate)
        if not samples.any():
            raise ValueError(
                f"The 'events' of make_soundscapes must not be silent. {_name(self._items, row)} "
                "holds nothing but zeros."
            )
        sounding = _is_sounding(samples, self._trim_db, self._sample_rate)
        extent = _extent(sounding)
        return samples[extent], sounding[extent]


class SyntheticBackgrounds:
    """Coloured noise.

    Parameters
    ----------
    colour : {"white", "pink", "brown"}
        How steeply its power falls with frequency.
    sample_rate : int
        Samples per second.
    """

    def __init__(self, colour, sample_rate):
        self._exponent = BACKGROUND_COLOURS[colour]
        self._sample_rate = sample_rate

    def draw(self, n_samples, rng):
        """Draw `n_samples` of noise of RMS 1."""
        return coloured_noise(n_samples, self._sample_rate, self._exponent, rng)


class RecordedBackgrounds:
    """Recordings of which soundscapes take a part.

    Parameters
    ----------
    items : list of paths or 1-D waveforms
        The recordings.
    sample_rate : int
        Samples per second of the waveforms, and to which files are resampled.
    """

    def __init__(self, items, sample_rate):
        self._items = _check_items(items, "backgrounds")
        self._sample_rate = sample_rate

    def draw(self, n_samples, rng):
        """Draw `n_samples` of RMS 1 from one of the recordings."""
        row = rng.randint(len(self._items))
        item = self._items[row]
        if isinstance(item, np.ndarray):
            part = _draw_part(item, n_samples, rng)
        else:
            part = self._draw_part_of_file(item, n_samples, rng)
        level = rms(part)
        if level == 0:
            raise ValueError(
                "The 'backgrounds' of make_soundscapes must not be silent. "
                f"{_name(self._items, row)} holds nothing but zeros where it was used."
            )
        return part / level

    def _draw_part_of_file(self, path, n_samples, rng):
        duration = samples_to_seconds(n_samples, self._sample_rate)
        with open_recording(path) as recording:
            own_rate, own_samples = recording.sample_rate, recording.n_samples
        surplus = samples_to_seconds(own_samples or 0, own_rate) - duration
        if surplus <= 0:  # or of unknown length
            return _draw_part(_read(path, self._sample_rate), n_samples, rng)
        start = rng.uniform(0, surplus)
        window, _ = load_audio(
            path, sample_rate=self._sample_rate, start_time=start, end_time=start + duration
        )
        return _forth_and_back(window, 0, n_samples)  # a sample may be missing, by rounding


def rms(samples):
    """Return the root mean square, in double precision."""
    return np.sqrt(np.mean(np.square(samples, dtype=np.float64)))


def _check_items(items, name):
    """Return paths as they are and waveforms as 1-D float arrays, after a check of each."""
    items = list(items)
    if not items:
        raise ValueError(
            f"The {name!r} parameter of make_soundscapes must hold at least one recording. "
            "Got none."
        )
    check_files([item for item in items if _is_path(item)])
    return [
        item if _is_path(item) else _check_waveform(item, i, name) for i, item in enumerate(items)
    ]


def _is_path(item):
    return isinstance(item, (str, os.PathLike))


def _check_waveform(item, i, name):
    try:
        waveform = np.asarray(item, dtype=np.float32)
    except (TypeError, ValueError):
        waveform = None
    if waveform is None or waveform.ndim != 1 or not len(waveform):
        shape = np.shape(item) if waveform is not None else type(item).__name__
        raise ValueError(
            f"The {name!r} of make_soundscapes must be paths or 1-D waveforms of at least one "
            f"sample. {name}[{i}] is {shape}."
        )
    if not np.isfinite(waveform).all():
        raise ValueError(
            f"The {name!r} of make_soundscapes must be finite. {name}[{i}] holds NaN or infinity."
        )
    return waveform


def _name(items, row):
    return repr(str(items[row])) if _is_path(items[row]) else f"Waveform {row}"


def _read(item, sample_rate):
    return load_audio(item, sample_rate=sample_rate)[0] if _is_path(item) else item


def _draw_part(waveform, n_samples, rng):
    return _forth_and_back(waveform, rng.randint(max(1, len(waveform) - n_samples + 1)), n_samples)


def _forth_and_back(waveform, start, n_samples):
    """Play a waveform from a sample on, and where it ends, back and forth without a jump."""
    there_and_back = np.concatenate([waveform, waveform[-2:0:-1]])
    return np.take(there_and_back, np.arange(start, start + n_samples), mode="wrap")


def _is_sounding(samples, trim_db, sample_rate):
    """Tell for each sample whether its block of 10 ms is loud enough to belong to the event."""
    n_block = seconds_to_samples(_BLOCK, sample_rate)
    starts = np.arange(0, len(samples), n_block)
    lengths = np.diff(starts, append=len(samples))
    power = np.add.reduceat(np.square(samples, dtype=np.float64), starts) / lengths
    return np.repeat(power >= power.max() * 10 ** (-trim_db / 10), lengths)


def _extent(sounding):
    """Return the slice from the first to the last true item."""
    return slice(np.argmax(sounding), len(sounding) - np.argmax(sounding[::-1]))


def _fade(samples, n_fade, *, start, end):
    """Fade in or out, in place, along a raised cosine."""
    n_fade = min(n_fade, len(samples))
    rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(n_fade) + 0.5) / n_fade)
    if start:
        samples[:n_fade] *= rise
    if end:
        samples[len(samples) - n_fade :] *= rise[::-1]
