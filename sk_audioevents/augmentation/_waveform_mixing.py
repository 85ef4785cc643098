"""Waveforms of a batch mixed with each other, and their labels with them."""

from dataclasses import replace
from numbers import Integral

from torch.nn import functional

from sk_audioevents._base import Interval
from sk_audioevents.augmentation._spectrogram_pairs import (
    PairAugmentation,
    frame_power,
    mix_labels,
    partner_frames,
)


class WaveformBetweenClass(PairAugmentation):
    r"""Mix each waveform with another one, in the ratio of their labels that is heard.

    Two sounds of levels G, in decibels, are mixed in a ratio r that is uniform from 0 to 1:

    .. math:: p = \frac{1}{1 + 10^{(G_1 - G_2) / 20} \, \frac{1 - r}{r}}, \qquad
              x = \frac{p\, x_1 + (1 - p)\, x_2}{\sqrt{p^2 + (1 - p)^2}}, \qquad
              y = r\, y_1 + (1 - r)\, y_2.

    It is an ``augment`` of `WaveformEventClassifier`, by itself or as the last step of a `Compose`.

    Parameters
    ----------
    level_samples : int, default=1600
        How many samples make up the loudest moment of a clip, whose mean power is its level G.
        Windows overlap by half. 1600 are 0.1 s at 16 kHz, as in [1]_.
    probability : float, default=1.0
        Which share of the clips is mixed with another one, from 0 to 1.

    See Also
    --------
    BetweenClass : The same for spectrograms, by adding powers.

    Notes
    -----
    Equation 2 of [1]_, with two differences: the level has no A-weighting; and the partner may be
    of the same class, in which case the label stays the same. A partner that is shorter is repeated
    to the clip's length. Weights of targets and clips are mixed as the targets are; where either
    clip is not labelled (NaN), the mixture is not.

    References
    ----------
    .. [1] Y. Tokozume, Y. Ushiku and T. Harada, "Learning from between-class examples for deep
       sound recognition", ICLR 2018, arXiv:1711.10282, section 3.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.augmentation import SpectrogramBatch, WaveformBetweenClass
    >>> waveforms, labels = torch.ones(2, 5, 1), torch.eye(2)  # one band: samples
    >>> batch = SpectrogramBatch(
    ...     frames=waveforms, targets=labels, target_weight=labels, band_mean=torch.zeros(1)
    ... )
    >>> WaveformBetweenClass()(batch, torch.Generator().manual_seed(0)).targets
    tensor([[0.9701, 0.0299],
            [0.2922, 0.7078]])
    """

    _parameter_constraints = {
        **PairAugmentation._parameter_constraints,
        "level_samples": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, *, level_samples=1600, probability=1.0):
        self.level_samples = level_samples
        self.probability = probability

    def _apply(self, batch, partner, ratio):
        if batch.frames.shape[2] != 1:
            raise ValueError(
                f"WaveformBetweenClass mixes waveforms. Got frames of {batch.frames.shape[2]} "
                "bands: spectrograms are mixed by BetweenClass."
            )
        amplitude = self._loudest(batch).sqrt()
        # p as in the docstring: 10^((G1 - G2) / 20) is the quotient of the amplitudes.
        own, other = ratio * amplitude[partner], (1 - ratio) * amplitude
        p = (own / (own + other)).nan_to_num(1.0)  # two silent clips: either will do
        length = (p**2 + (1 - p) ** 2).sqrt()
        others = partner_frames(batch, partner)
        own_gain, other_gain = (p / length)[:, None, None], ((1 - p) / length)[:, None, None]
        mixture = own_gain * batch.frames + other_gain * others
        return replace(batch, frames=mixture, **mix_labels(batch, partner, ratio))

    def _loudest(self, batch):
        """Return the mean power of each clip's loudest moment."""
        window = min(self.level_samples, batch.frames.shape[1])
        power = frame_power(batch.frames**2, batch)[:, None]
        mean = functional.avg_pool1d(power, window, stride=max(1, window // 2))
        # A clip shorter than the window is averaged over its own samples alone.
        return mean.amax(dim=(1, 2)) * (window / batch.lengths.clamp_max(window))
