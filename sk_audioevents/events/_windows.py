"""Windows that a long recording is scored in, such that their seams cannot be seen."""

import math
from dataclasses import dataclass

import numpy as np

from sk_audioevents._time import samples_to_seconds, seconds_to_samples

RESAMPLING_EDGE = 200  # samples at either end of a window that resampling may change
ROUNDING = 1e-6  # seconds


@dataclass(frozen=True, slots=True)
class Window:
    """A window of a recording, and which of its segments are its own.

    Attributes
    ----------
    start, end : float
        In seconds from the start of the row of X. An end of None is that of the row.
    first, stop : int
        The first segment that is taken from this window, and the one after the last; a stop of None
        is that of all segments.
    """

    start: float
    end: float | None = None
    first: int = 0
    stop: int | None = None


@dataclass(frozen=True, slots=True)
class SegmentAxis:
    """Where the segments of a classifier lie in a waveform.

    Attributes
    ----------
    sample_rate : int
        In hertz.
    hop_length : int
        Step between frames, in samples.
    first_edge : float
        Where the time that frame 0 stands for begins, in samples: half a hop before its centre.
    segment_frames, segment_hop_frames : int
        Length and step of segments, in frames.
    context_frames : int
        How far beyond its ends a segment's score depends on the sound, in frames.
    """

    sample_rate: int
    hop_length: int
    first_edge: float
    segment_frames: int
    segment_hop_frames: int
    context_frames: int

    @property
    def stride(self):
        """Step between segments, in samples."""
        return self.segment_hop_frames * self.hop_length

    def segment_times(self, window, n_segments):
        """Return where the segments of a window begin and end, in seconds."""
        frames = np.arange(n_segments) * self.segment_hop_frames
        start = seconds_to_samples(window.start, self.sample_rate) + self.first_edge
        starts = start + frames * self.hop_length
        ends = starts + self.segment_frames * self.hop_length
        return (
            samples_to_seconds(starts, self.sample_rate),
            samples_to_seconds(ends, self.sample_rate),
        )


class SegmentWindows:
    """Windows for a classifier that scores segments.

    Windows start on multiples of the segment hop and overlap, and from each only those segments are
    taken that see the same sound as in the whole recording.

    Parameters
    ----------
    axis : SegmentAxis
        Where segments lie.
    window : float
        Longest window, in seconds.
    overlap : float or None
        How far windows overlap, in seconds; None is as much as the context of segments needs.
    name : str
        Whose parameters they are, for errors.
    """

    def __init__(self, axis, window, overlap, name):
        self.axis = axis
        beyond_hop = _ceil_div(axis.segment_frames, axis.segment_hop_frames) - 1
        if overlap is None:
            context = _ceil_div(axis.context_frames, axis.segment_hop_frames)
            n_overlap = 2 * context + beyond_hop
        else:
            n_overlap = math.ceil(overlap * axis.sample_rate / axis.stride - ROUNDING)
        self._n_hops = math.floor(window * axis.sample_rate / axis.stride + ROUNDING)
        self._n_new = self._n_hops - n_overlap
        self._first = (n_overlap - beyond_hop) // 2
        shortest = samples_to_seconds((n_overlap + 1) * axis.stride, axis.sample_rate)
        if self._first < 0:
            least = samples_to_seconds(beyond_hop * axis.stride, axis.sample_rate)
            raise ValueError(
                f"The 'overlap' parameter of {name} must be at least {least:.4g} s, so that no "
                f"segment falls between two windows. Got {overlap} instead."
            )
        if self._n_new < 1:
            raise ValueError(
                f"The 'window' parameter of {name} must be at least {shortest:.4g} s: the overlap "
                f"of windows and one step of segments. Got {window} instead."
            )

    def plan(self, duration):
        """Return the windows of a recording of a given duration in seconds."""
        stride, rate = self.axis.stride, self.axis.sample_rate
        n_samples = seconds_to_samples(duration, rate)
        n_more = max(0, _ceil_div(n_samples - self._n_hops * stride, self._n_new * stride))
        starts = samples_to_seconds(np.arange(n_more + 1) * self._n_new * stride, rate)
        length = samples_to_seconds(self._n_hops * stride, rate)
        return [
            Window(
                start=float(start),
                end=float(start + length) if j < n_more else None,
                first=self._first if j > 0 else 0,
                stop=self._first + self._n_new if j < n_more else None,
            )
            for j, start in enumerate(starts)
        ]

    def segment_times(self, window, n_segments):
        """Return where the segments of a window begin and end, in seconds from the row's start."""
        return self.axis.segment_times(window, n_segments)


class ClipWindows:
    """Windows for a classifier that scores whole clips: each is one segment.

    Parameters
    ----------
    window : float or None
        Their length, in seconds. None is the whole row.
    overlap : float or None
        How far they overlap, in seconds. None is half of their length.
    name : str
        Whose parameters they are, for errors.
    """

    def __init__(self, window, overlap, name):
        self._window = window
        if window is None:
            return
        self._step = window / 2 if overlap is None else window - overlap
        if self._step <= 0:
            raise ValueError(
                f"The 'overlap' parameter of {name} must be less than window={window}, both in "
                f"seconds. Got {overlap} instead."
            )

    def plan(self, duration):
        """Return the windows of a recording; the last one ends with it, as long as the others."""
        if self._window is None or duration <= self._window + ROUNDING:
            return [Window(0.0, duration)]
        beyond = duration - self._window
        starts = self._step * np.arange(math.floor(beyond / self._step + ROUNDING) + 1)
        if starts[-1] < beyond - ROUNDING:
            starts = np.append(starts, beyond)
        return [
            Window(float(start), min(float(start) + self._window, duration)) for start in starts
        ]

    def segment_times(self, window, n_segments):
        """Return where the one segment of a window begins and ends."""
        return np.full(n_segments, window.start), np.full(n_segments, window.end)


def _ceil_div(a, b):
    return -(-a // b)
