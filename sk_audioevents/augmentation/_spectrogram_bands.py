"""Other pitches: spectrograms shifted along frequency."""

from dataclasses import replace
from numbers import Real

import torch

from sk_audioevents._base import Interval
from sk_audioevents.augmentation._spectrogram_base import SpectrogramAugmentation, draw_uniform


class FrequencyShift(SpectrogramAugmentation):
    """Raise or lower the pitch of clips by shifting their bands.

    Parameters
    ----------
    max_bands : float, default=4.0
        The largest shift, up or down, in bands, at least 0. The shift is drawn uniformly, and need
        not be a whole number.
    probability : float, default=0.5
        Which share of the clips is shifted, from 0 to 1.

    See Also
    --------
    PitchShift : The same for waveforms, in semitones.

    Notes
    -----
    Band m is the interpolation, linear in decibels, between the two bands around m - shift; bands
    that come from beyond the lowest or the highest one are filled with their mean level in the
    training data.

    On a mel scale one band is about the same interval everywhere above 1 kHz, 0.55 semitones with
    128 bands up to 22.05 kHz, and about the same number of hertz below, 31 Hz. So harmonics below
    1 kHz do not keep their ratios. Where pitch is what tells the classes apart, as in the songs of
    birds, this augmentation makes wrong examples. It has no meaning for MFCC.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.augmentation import FrequencyShift, SpectrogramBatch
    >>> frames, labels = torch.arange(1.0, 6.0).reshape(1, 1, 5), torch.ones(1, 1)
    >>> batch = SpectrogramBatch(
    ...     frames=frames, targets=labels, target_weight=labels, band_mean=torch.zeros(5)
    ... )
    >>> shift = FrequencyShift(max_bands=2.0, probability=1.0)
    >>> shift(batch, torch.Generator().manual_seed(0)).frames
    tensor([[[0.0000, 0.0000, 1.1198, 2.1198, 3.1198]]])
    """

    _parameter_constraints = {
        **SpectrogramAugmentation._parameter_constraints,
        "max_bands": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, *, max_bands=4.0, probability=0.5):
        self.max_bands = max_bands
        self.probability = probability

    def _draw(self, batch, generator):
        n_clips = len(batch.frames)
        shift = draw_uniform(-self.max_bands, self.max_bands, n_clips, generator)
        return {"shift": shift * self._draw_chosen(n_clips, generator)}

    def _apply(self, batch, shift):
        highest = batch.frames.shape[2] - 1
        bands = torch.arange(highest + 1, device=shift.device)
        position = bands - shift[:, None]  # (B, n_bands)
        outside = (position < 0) | (position > highest)
        position = position.clamp(0, highest)
        below = position.long()
        above = (below + 1).clamp_max(highest)
        weight = (position - below)[:, None]
        frames = torch.lerp(_take_bands(batch, below), _take_bands(batch, above), weight)
        filled = torch.where(outside[:, None], batch.band_mean, frames)
        return replace(batch, frames=filled)


def _take_bands(batch, index):
    return batch.frames.gather(2, index[:, None].expand(batch.frames.shape))
