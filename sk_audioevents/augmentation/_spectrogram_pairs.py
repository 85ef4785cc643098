"""Two clips of a batch as one: partners, their frames, their power and their labels."""

import math

import torch

from sk_audioevents.augmentation._spectrogram_base import SpectrogramAugmentation, draw_uniform

DECIBELS_PER_NEPER = 10 / math.log(10)  # of power: 10 log10(x) = this times ln(x)


class PairAugmentation(SpectrogramAugmentation):
    """Base of the augmentations that mix each clip with another one of the batch.

    Drawn are ``partner``, a clip for each clip, and ``ratio``, the clip's share of the label: 1
    where it stays as it is.
    """

    def _draw(self, batch, generator):
        n_clips = len(batch.frames)
        ratio = self._ratio(draw_uniform(0.0, 1.0, n_clips, generator))
        return {
            "partner": draw_partners(n_clips, generator),
            "ratio": ratio.masked_fill(~self._draw_chosen(n_clips, generator), 1.0),
        }

    def _ratio(self, uniform):
        """Turn uniform random numbers into ratios; here, they are."""
        return uniform


def draw_partners(n_clips, generator):
    """Draw a partner for each clip, so that each clip is the partner of one.

    Parameters
    ----------
    n_clips : int
        Number of clips in the batch.
    generator : torch.Generator
        The source of randomness.

    Returns
    -------
    partner : int64 Tensor of shape (n_clips,)
        Another clip of the batch; the clip itself only where it is the only one.
    """
    order = torch.randperm(n_clips, generator=generator)
    partner = torch.empty_like(order)
    partner[order] = order.roll(1)  # in a circle, so that nobody is left alone
    return partner


def partner_frames(batch, partner, start=None):
    """Return the frames of each clip's partner, repeated where the partner is shorter.

    Parameters
    ----------
    batch : SpectrogramBatch
        The batch.
    partner : int64 Tensor of shape (B,)
        Whose frames.
    start : Tensor of shape (B,), default=None
        Where in the partner to begin, as a share of its length; it goes on from its first frame
        when it ends. None is at its first frame.

    Returns
    -------
    frames : Tensor of shape (B, T, n_bands)
        The frames.
    """
    if batch.n_frames is None and start is None:
        return batch.frames.index_select(0, partner)
    lengths = batch.lengths[partner][:, None]
    index = torch.arange(batch.frames.shape[1], device=partner.device)[None]
    if start is not None:
        index = index + (start[:, None] * lengths).long()
    return batch.take_frames(index % lengths, clips=partner)


def power_of(frames):
    """Return the power that a level in decibels stands for."""
    # Levels below -379 dB have no power in single precision, and would have no logarithm then.
    power = (frames / DECIBELS_PER_NEPER).exp_()
    return power.clamp_min_(torch.finfo(power.dtype).tiny)


def decibels_of(power):
    """Turn powers into levels in decibels, in place."""
    return power.log_().mul_(DECIBELS_PER_NEPER)


def frame_power(power, batch):
    """Return the mean power of each frame over its bands, 0 where it is padding.

    Parameters
    ----------
    power : Tensor of shape (B, T, n_bands)
        Power of frames that lie where those of the batch lie.
    batch : SpectrogramBatch
        The batch.

    Returns
    -------
    power : Tensor of shape (B, T)
        The mean.
    """
    power = power.mean(dim=2)
    padding = batch.is_padding()
    return power if padding is None else power.masked_fill(padding, 0.0)


def mix_labels(batch, partner, share):
    """Mix the targets and weights of each clip with those of its partner.

    Parameters
    ----------
    batch : SpectrogramBatch
        The batch.
    partner : int64 Tensor of shape (B,)
        With whom each clip is mixed.
    share : Tensor of shape (B,)
        The clip's share of the mixture; the rest, down to 1 - share, is its partner's.

    Returns
    -------
    labels : dict
        The new ``targets``, ``target_weight`` and ``sample_weight``. Where either clip is not
        labelled, the mixture is not either: NaN, with weight 0. Clips with share 1 keep what they
        have.
    """
    own = (share == 1)[:, None]

    def mix(values):
        return torch.where(own, values, torch.lerp(values[partner], values, share[:, None]))

    targets, target_weight = mix(batch.targets), mix(batch.target_weight)
    unlabelled = ~own & targets.isnan()
    labels = {"targets": targets, "target_weight": target_weight.masked_fill(unlabelled, 0.0)}
    if batch.sample_weight is not None:
        labels["sample_weight"] = mix(batch.sample_weight[:, None])[:, 0]
    return labels
