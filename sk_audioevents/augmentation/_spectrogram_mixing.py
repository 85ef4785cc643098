"""Examples between two clips, with labels between theirs: mixup and between-class learning."""

from dataclasses import replace
from numbers import Integral, Real

import torch
from scipy.special import betaincinv
from torch.nn import functional

from sk_audioevents._base import Interval, StrOptions
from sk_audioevents.augmentation._spectrogram_pairs import (
    PairAugmentation,
    decibels_of,
    frame_power,
    mix_labels,
    partner_frames,
    power_of,
)


class Mixup(PairAugmentation):
    r"""Mix each clip with another one of the batch, and their labels in the same ratio.

    With two clips' frames x and targets y, and a ratio drawn for each pair,

    .. math:: \lambda \sim \mathrm{Beta}(\alpha, \alpha), \qquad
              x = \lambda x_1 + (1 - \lambda) x_2, \qquad y = \lambda y_1 + (1 - \lambda) y_2.

    Parameters
    ----------
    alpha : float, default=0.2
        The parameter of the Beta distribution, above 0. Close to 0, mixtures hold little of one of
        the two; at 1 all ratios are equally likely; large values mix half and half.
    domain : {"decibel", "power"}, default="decibel"
        What is mixed: the levels that the network sees, as in [1]_; or their powers, as when two
        sounds are heard together, where a faint one drowns whatever its label says.
    probability : float, default=1.0
        Which share of the clips is mixed with another one, from 0 to 1.

    See Also
    --------
    BetweenClass : Mixes powers so that the ratio is the one that is heard.

    Notes
    -----
    Each clip is the partner of one other clip. One that is shorter is repeated to the clip's
    length. Weights of targets and clips are mixed as the targets are. Where either clip is not
    labelled (NaN), the mixture is not.

    With "power" the frames must be log-mel; "decibel" does for MFCC as well.

    References
    ----------
    .. [1] H. Zhang, M. Cisse, Y. N. Dauphin and D. Lopez-Paz, "mixup: beyond empirical risk
       minimization", ICLR 2018, arXiv:1710.09412, section 2.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.augmentation import Mixup, SpectrogramBatch
    >>> frames, labels = torch.zeros(2, 3, 4), torch.eye(2)
    >>> batch = SpectrogramBatch(
    ...     frames=frames, targets=labels, target_weight=labels, band_mean=torch.zeros(4)
    ... )
    >>> Mixup(alpha=1.0)(batch, torch.Generator().manual_seed(0)).targets
    tensor([[0.9701, 0.0299],
            [0.2922, 0.7078]])
    """

    _parameter_constraints = {
        **PairAugmentation._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "domain": [StrOptions({"decibel", "power"})],
    }

    def __init__(self, *, alpha=0.2, domain="decibel", probability=1.0):
        self.alpha = alpha
        self.domain = domain
        self.probability = probability

    def _ratio(self, uniform):
        # The inverse of the distribution function: torch's own Beta takes no generator.
        return torch.from_numpy(betaincinv(self.alpha, self.alpha, uniform.numpy()))

    def _apply(self, batch, partner, ratio):
        if self.domain == "decibel":
            others = partner_frames(batch, partner)
            mixture = torch.lerp(others, batch.frames, ratio[:, None, None])
        else:
            mixture = _mix_power(batch, power_of(batch.frames), partner, ratio)
        return replace(batch, frames=mixture, **mix_labels(batch, partner, ratio))


class BetweenClass(PairAugmentation):
    r"""Mix each clip with another one so that the ratio of their labels is the one that is heard.

    Two sounds of levels G, in decibels, are mixed in a ratio r that is uniform from 0 to 1. As
    waveforms x,

    .. math:: p = \frac{1}{1 + 10^{(G_1 - G_2) / 20} \, \frac{1 - r}{r}}, \qquad
              x = \frac{p\, x_1 + (1 - p)\, x_2}{\sqrt{p^2 + (1 - p)^2}}, \qquad
              y = r\, y_1 + (1 - r)\, y_2,

    which for the powers of two unrelated sounds is
    :math:`S = (p^2 S_1 + (1 - p)^2 S_2) / (p^2 + (1 - p)^2)`.

    Parameters
    ----------
    level_frames : int, default=8
        How many frames make up the loudest moment of a clip, whose mean power over time and bands
        is its level G. 8 frames are 0.09 s at 44.1 kHz and a hop of 512; the authors take 0.1 s.
    probability : float, default=1.0
        Which share of the clips is mixed with another one, from 0 to 1.

    See Also
    --------
    Mixup : Mixes levels or powers in a ratio that knows nothing of loudness.

    Notes
    -----
    Equation 2 of [1]_, with three differences: the level has no A-weighting but counts all bands
    alike; powers are added, so that the phases play no part; and the partner may be of the same
    class, in which case the label stays the same. A partner that is shorter is repeated to the
    clip's length. Weights of targets and clips are mixed as the targets are; where either clip is
    not labelled (NaN), the mixture is not. The frames must be log-mel, not MFCC.

    References
    ----------
    .. [1] Y. Tokozume, Y. Ushiku and T. Harada, "Learning from between-class examples for deep
       sound recognition", ICLR 2018, arXiv:1711.10282, section 3.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.augmentation import BetweenClass, SpectrogramBatch
    >>> frames, labels = torch.zeros(2, 3, 4), torch.eye(2)
    >>> batch = SpectrogramBatch(
    ...     frames=frames, targets=labels, target_weight=labels, band_mean=torch.zeros(4)
    ... )
    >>> BetweenClass()(batch, torch.Generator().manual_seed(0)).targets
    tensor([[0.9701, 0.0299],
            [0.2922, 0.7078]])
    """

    _parameter_constraints = {
        **PairAugmentation._parameter_constraints,
        "level_frames": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, *, level_frames=8, probability=1.0):
        self.level_frames = level_frames
        self.probability = probability

    def _apply(self, batch, partner, ratio):
        power = power_of(batch.frames)
        amplitude = self._loudest(power, batch).sqrt()
        # p as in the docstring: 10^((G1 - G2) / 20) is the quotient of the amplitudes.
        own, other = ratio * amplitude[partner], (1 - ratio) * amplitude
        p = own / (own + other)
        weight = p**2 / (p**2 + (1 - p) ** 2)
        mixture = _mix_power(batch, power, partner, weight)
        return replace(batch, frames=mixture, **mix_labels(batch, partner, ratio))

    def _loudest(self, power, batch):
        """Return the mean power of each clip's loudest moment."""
        window = min(self.level_frames, power.shape[1])
        mean = functional.avg_pool1d(frame_power(power, batch)[:, None], window, stride=1)
        # A clip shorter than the window is averaged over its own frames alone.
        return mean.amax(dim=(1, 2)) * (window / batch.lengths.clamp_max(window))


def _mix_power(batch, power, partner, share):
    """Return the levels of the mixture of each clip's power with that of its partner.

    Parameters
    ----------
    batch : SpectrogramBatch
        The batch.
    power : Tensor of shape (B, T, n_bands)
        The power of its frames.
    partner : int64 Tensor of shape (B,)
        With whom each clip is mixed.
    share : Tensor of shape (B,)
        The clip's share of the mixture; clips with share 1 stay as they are, to the last bit.

    Returns
    -------
    frames : Tensor of shape (B, T, n_bands)
        The mixture, in decibels.
    """
    others = partner_frames(replace(batch, frames=power), partner)
    share = share[:, None, None]
    mixture = decibels_of(torch.lerp(others, power, share))
    return torch.where(share == 1, batch.frames, mixture, out=mixture)
