"""Other places: the background of one spectrogram under another."""

from dataclasses import replace
from numbers import Real

import numpy as np
import torch

from sk_audioevents._base import Interval
from sk_audioevents.augmentation._ranges import check_range
from sk_audioevents.augmentation._spectrogram_base import SpectrogramAugmentation, draw_uniform
from sk_audioevents.augmentation._spectrogram_pairs import (
    decibels_of,
    draw_partners,
    frame_power,
    partner_frames,
    power_of,
)


class BackgroundMix(SpectrogramAugmentation):
    r"""Put a background under each clip; the labels stay as they are.

    With the power S of the clip and N of the background, each in its frames and bands, and a
    signal-to-noise ratio R in decibels,

    .. math:: S' = S + g N, \qquad g = 10^{-R / 10} \, \overline{S} / \overline{N},

    where the means are over all bands and the frames of the clip.

    Parameters
    ----------
    backgrounds : list of arrays of shape (n_frames, n_bands), default=None
        Log-mel frames of recordings without any of the events, made with the parameters of the
        clips' own. None takes another clip of the batch.
    min_snr_db : float, default=10.0
        The lowest signal-to-noise ratio, in decibels. The ratio is drawn uniformly.
    max_snr_db : float, default=30.0
        The highest one.
    probability : float, default=0.5
        Which share of the clips gets a background, from 0 to 1.

    See Also
    --------
    BackgroundNoise : The same for waveforms, with noise from files.

    Notes
    -----
    The background begins at a random frame, and at its first one again when it ends. All bands
    count alike, so low frequencies, with more bands to the hertz, weigh more in the ratio than in
    that of waveforms.

    Without ``backgrounds``, what the other clip holds is in the mixture and not in its labels: keep
    the ratio so high that the network is to ignore it. A digitally silent background is raised like
    any other, and becomes a steady noise. The frames must be log-mel, not MFCC.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.augmentation import BackgroundMix, SpectrogramBatch
    >>> frames, labels = torch.zeros(1, 3, 4), torch.ones(1, 1)
    >>> batch = SpectrogramBatch(
    ...     frames=frames, targets=labels, target_weight=labels, band_mean=torch.zeros(4)
    ... )
    >>> rain = BackgroundMix(backgrounds=[torch.full((9, 4), -50.0)], min_snr_db=0, max_snr_db=0)
    >>> rain.set_params(probability=1)(batch, torch.Generator()).frames[0, 0]
    tensor([3.0103, 3.0103, 3.0103, 3.0103])
    """

    _parameter_constraints = {
        **SpectrogramAugmentation._parameter_constraints,
        "backgrounds": ["array-like", None],
        "min_snr_db": [Interval(Real, None, None, closed="neither")],
        "max_snr_db": [Interval(Real, None, None, closed="neither")],
    }

    def __init__(self, *, backgrounds=None, min_snr_db=10.0, max_snr_db=30.0, probability=0.5):
        self.backgrounds = backgrounds
        self.min_snr_db = min_snr_db
        self.max_snr_db = max_snr_db
        self.probability = probability

    def _draw(self, batch, generator):
        n_clips = len(batch.frames)
        low_db, high_db = check_range(self, "min_snr_db", "max_snr_db")
        drawn = {
            "snr_db": draw_uniform(low_db, high_db, n_clips, generator),
            "chosen": self._draw_chosen(n_clips, generator),
            "start": draw_uniform(0.0, 1.0, n_clips, generator),
        }
        if self.backgrounds is None:
            return {**drawn, "partner": draw_partners(n_clips, generator)}
        self._check_backgrounds(batch.frames.shape[2])
        source = torch.randint(len(self.backgrounds), (n_clips,), generator=generator)
        background = self._cut(source, drawn.pop("start"), batch)
        return {**drawn, "background": background}

    def _apply(self, batch, snr_db, chosen, background=None, partner=None, start=None):
        clip = power_of(batch.frames)
        if background is None:
            noise = partner_frames(replace(batch, frames=clip), partner, start)
        else:
            noise = power_of(background)
        ratio = frame_power(clip, batch).sum(dim=1) / frame_power(noise, batch).sum(dim=1)
        gain = ratio * 10 ** (-snr_db / 10)
        mixture = decibels_of(clip.addcmul_(gain[:, None, None], noise))
        torch.where(chosen[:, None, None], mixture, batch.frames, out=mixture)
        return replace(batch, frames=mixture)

    def _check_backgrounds(self, n_bands):
        if len(self.backgrounds) == 0:
            raise ValueError(
                "The 'backgrounds' parameter of BackgroundMix must hold at least one background. "
                "Got none: None takes other clips of the batch."
            )
        for i, background in enumerate(self.backgrounds):
            shape = np.shape(background)
            if len(shape) != 2 or shape[0] == 0 or shape[1] != n_bands:
                raise ValueError(
                    "Each item of the 'backgrounds' parameter of BackgroundMix must have shape "
                    f"(n_frames, {n_bands}), as the clips have. Item {i} has shape {shape}."
                )

    def _cut(self, source, start, batch):
        """Return frames of the backgrounds drawn, as a CPU tensor of the shape of the batch."""
        background = torch.empty(batch.frames.shape, dtype=batch.frames.dtype)
        steps = np.arange(background.shape[1])
        for room, i, share in zip(background.numpy(), source.tolist(), start.tolist()):
            frames = np.asarray(self.backgrounds[i])
            room[:] = frames.take(steps + int(share * len(frames)), axis=0, mode="wrap")
        if not torch.isfinite(background).all():
            raise ValueError(
                "The 'backgrounds' parameter of BackgroundMix must be finite. It holds NaN or "
                "infinity."
            )
        return background
