"""SpecAugment: stretches of time and of frequency that the network must do without.

D. S. Park et al., "SpecAugment: a simple data augmentation method for automatic speech
recognition", Interspeech 2019, arXiv:1904.08779.
"""

from dataclasses import replace
from numbers import Integral, Real

import torch

from sk_audioevents._base import Interval
from sk_audioevents.augmentation._spectrogram_base import (
    SpectrogramAugmentation,
    choose_integer,
    draw_uniform,
)


class SpecAugment(SpectrogramAugmentation):
    """Mask stretches of time and of frequency in each clip.

    Parameters
    ----------
    n_time_masks : int, default=2
        Number of masks along time, at least 0; they may overlap.
    max_time_mask_frames : int, default=64
        The longest one, in frames. The length is drawn uniformly from 0 on.
    max_time_mask_share : float, default=0.2
        The longest one as a share of the clip's length, from 0 to 1, so that short clips and
        segments are not masked from end to end.
    n_band_masks : int, default=2
        Number of masks along frequency, at least 0; they may overlap.
    max_band_mask_bands : int, default=16
        The widest one, in bands; more than there are means all. The width is drawn uniformly from 0
        on.
    probability : float, default=1.0
        Which share of the clips is masked, from 0 to 1.

    Notes
    -----
    Section 2 of [1]_, without time warping, which gave the authors the least gain. With the terms
    there: m_T is ``n_time_masks``, T ``max_time_mask_frames``, p ``max_time_mask_share``, m_F
    ``n_band_masks``, F ``max_band_mask_bands``. Masked places are filled with the mean level of
    their band in the training data, 0 once it is standardised.

    References
    ----------
    .. [1] D. S. Park, W. Chan, Y. Zhang, C.-C. Chiu, B. Zoph, E. D. Cubuk and Q. V. Le,
       "SpecAugment: a simple data augmentation method for automatic speech recognition",
       Interspeech 2019, arXiv:1904.08779.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.augmentation import SpecAugment, SpectrogramBatch
    >>> frames, labels = torch.ones(1, 4, 6), torch.ones(1, 1)
    >>> batch = SpectrogramBatch(
    ...     frames=frames, targets=labels, target_weight=labels, band_mean=torch.zeros(6)
    ... )
    >>> mask = SpecAugment(n_time_masks=1, max_time_mask_share=0.5, n_band_masks=1)
    >>> mask(batch, torch.Generator().manual_seed(0)).frames
    tensor([[[1., 1., 1., 0., 0., 0.],
             [1., 1., 1., 0., 0., 0.],
             [0., 0., 0., 0., 0., 0.],
             [0., 0., 0., 0., 0., 0.]]])
    """

    _parameter_constraints = {
        **SpectrogramAugmentation._parameter_constraints,
        "n_time_masks": [Interval(Integral, 0, None, closed="left")],
        "max_time_mask_frames": [Interval(Integral, 0, None, closed="left")],
        "max_time_mask_share": [Interval(Real, 0, 1, closed="both")],
        "n_band_masks": [Interval(Integral, 0, None, closed="left")],
        "max_band_mask_bands": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        n_time_masks=2,
        max_time_mask_frames=64,
        max_time_mask_share=0.2,
        n_band_masks=2,
        max_band_mask_bands=16,
        probability=1.0,
    ):
        self.n_time_masks = n_time_masks
        self.max_time_mask_frames = max_time_mask_frames
        self.max_time_mask_share = max_time_mask_share
        self.n_band_masks = n_band_masks
        self.max_band_mask_bands = max_band_mask_bands
        self.probability = probability

    def _draw(self, batch, generator):
        n_clips = len(batch.frames)
        times = draw_uniform(0.0, 1.0, (n_clips, 2, self.n_time_masks), generator)
        bands = draw_uniform(0.0, 1.0, (n_clips, 2, self.n_band_masks), generator)
        return {"times": times, "bands": bands, "chosen": self._draw_chosen(n_clips, generator)}

    def _apply(self, batch, times, bands, chosen):
        _, longest, n_bands = batch.frames.shape
        lengths = batch.lengths
        widest = (
            (self.max_time_mask_share * lengths).round().long().clamp_max(self.max_time_mask_frames)
        )
        time_mask = _masks(times, widest, lengths, longest)
        widest = torch.full_like(lengths, min(self.max_band_mask_bands, n_bands))
        band_mask = _masks(bands, widest, torch.full_like(lengths, n_bands), n_bands)
        mask = (time_mask[:, :, None] | band_mask[:, None]) & chosen[:, None, None]
        return replace(batch, frames=torch.where(mask, batch.band_mean, batch.frames))


def _masks(shares, widest, lengths, n_places):
    """Return which of the places of each clip are under a mask.

    Parameters
    ----------
    shares : Tensor of shape (B, 2, n_masks)
        Uniform numbers that decide on the width and the start of each mask.
    widest, lengths : int64 Tensor of shape (B,)
        The widest mask, and the end of the last.
    n_places : int
        The length of the axis.

    Returns
    -------
    mask : bool Tensor of shape (B, n_places)
        True under a mask.
    """
    width = choose_integer(shares[:, 0], widest[:, None] + 1)
    start = choose_integer(shares[:, 1], lengths[:, None] - width + 1)
    places = torch.arange(n_places, device=shares.device)[:, None]
    begun, ended = places >= start[:, None], places >= (start + width)[:, None]
    return (begun & ~ended).any(dim=2)
