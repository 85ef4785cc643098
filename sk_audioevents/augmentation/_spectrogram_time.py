"""Other beginnings and other tempos: spectrograms shifted and stretched along time."""

import math
from dataclasses import replace
from numbers import Real

import torch

from sk_audioevents._base import Interval
from sk_audioevents.augmentation._ranges import check_range
from sk_audioevents.augmentation._spectrogram_base import (
    SpectrogramAugmentation,
    choose_integer,
    draw_uniform,
)


class TimeShift(SpectrogramAugmentation):
    """Shift clips in time; what leaves at one end comes back at the other.

    Parameters
    ----------
    max_shift : float, default=0.5
        The largest shift, later or earlier, as a share of the clip's length, from 0 to 1. The shift
        is drawn uniformly and rounded to whole frames; with 0.5 all of them are equally likely.
    probability : float, default=1.0
        Which share of the clips is shifted, from 0 to 1.

    See Also
    --------
    WaveformShift : The same for waveforms.

    Notes
    -----
    Only the clip's own frames turn; padding stays where it is. Where the end of the clip now meets
    its beginning, there is a seam, as abrupt as the two are different.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.augmentation import SpectrogramBatch, TimeShift
    >>> frames, labels = torch.arange(5.0).reshape(1, 5, 1), torch.ones(1, 1)
    >>> batch = SpectrogramBatch(
    ...     frames=frames, targets=labels, target_weight=labels, band_mean=torch.zeros(1)
    ... )
    >>> TimeShift()(batch, torch.Generator().manual_seed(0)).frames.flatten()
    tensor([3., 4., 0., 1., 2.])
    """

    _parameter_constraints = {
        **SpectrogramAugmentation._parameter_constraints,
        "max_shift": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, *, max_shift=0.5, probability=1.0):
        self.max_shift = max_shift
        self.probability = probability

    def _draw(self, batch, generator):
        n_clips = len(batch.frames)
        share = draw_uniform(-self.max_shift, self.max_shift, n_clips, generator)
        return {"share": share * self._draw_chosen(n_clips, generator)}

    def _apply(self, batch, share):
        lengths = batch.lengths
        shift = (share * lengths).round().long()
        steps = torch.arange(batch.frames.shape[1], device=share.device)
        index = (steps - shift[:, None]) % lengths[:, None]
        index = torch.where(steps < lengths[:, None], index, steps)
        return replace(batch, frames=batch.take_frames(index))


class TimeStretch(SpectrogramAugmentation):
    """Play clips faster or slower, at the same pitch.

    Parameters
    ----------
    min_rate : float, default=0.8
        The lowest rate, above 0. At a rate of 2 a clip takes half its time. The logarithm of the
        rate is drawn uniformly.
    max_rate : float, default=1.25
        The highest rate.
    probability : float, default=0.5
        Which share of the clips is stretched, from 0 to 1.

    See Also
    --------
    SpeedPerturb : Faster and higher, for waveforms.

    Notes
    -----
    Frame t is the interpolation, linear in decibels, between the two frames around t * rate. The
    batch keeps its T frames: of a clip that would be longer, T frames from a random place remain; a
    shorter one ends earlier, and its ``n_frames`` says so. Where all clips had T frames and
    ``n_frames`` was None, it is a tensor from then on.

    Events keep their pitch and change their duration, and the rate of trills and syllables with it.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.augmentation import SpectrogramBatch, TimeStretch
    >>> frames, labels = torch.arange(6.0).reshape(1, 6, 1), torch.ones(1, 1)
    >>> batch = SpectrogramBatch(
    ...     frames=frames, targets=labels, target_weight=labels, band_mean=torch.zeros(1)
    ... )
    >>> twice = TimeStretch(min_rate=2, max_rate=2, probability=1)
    >>> twice(batch, torch.Generator().manual_seed(0)).n_frames
    tensor([3])
    """

    _parameter_constraints = {
        **SpectrogramAugmentation._parameter_constraints,
        "min_rate": [Interval(Real, 0, None, closed="neither")],
        "max_rate": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, *, min_rate=0.8, max_rate=1.25, probability=0.5):
        self.min_rate = min_rate
        self.max_rate = max_rate
        self.probability = probability

    def _draw(self, batch, generator):
        n_clips = len(batch.frames)
        low, high = check_range(self, "min_rate", "max_rate")
        log_rate = draw_uniform(math.log(low), math.log(high), n_clips, generator)
        start = draw_uniform(0.0, 1.0, n_clips, generator)
        return {"rate": (log_rate * self._draw_chosen(n_clips, generator)).exp(), "start": start}

    def _apply(self, batch, rate, start):
        longest = batch.frames.shape[1]
        stretched = (batch.lengths / rate).round().long().clamp_min(1)
        n_frames = stretched.clamp_max(longest)
        first = choose_integer(start, stretched - n_frames + 1)
        steps = torch.arange(longest, device=rate.device)
        last = (batch.lengths - 1)[:, None]
        position = torch.minimum((first[:, None] + steps) * rate[:, None], last.to(rate.dtype))
        before = position.long()
        after = torch.minimum(before + 1, last)
        frames = torch.lerp(
            batch.take_frames(before),
            batch.take_frames(after),
            (position - before)[:, :, None],
        )
        return replace(batch, frames=frames, n_frames=n_frames)
