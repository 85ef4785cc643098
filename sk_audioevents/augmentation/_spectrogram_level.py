"""Other distances and microphones: spectrograms made louder or softer."""

from dataclasses import replace
from numbers import Real

from sk_audioevents._base import Interval
from sk_audioevents.augmentation._ranges import check_range
from sk_audioevents.augmentation._spectrogram_base import SpectrogramAugmentation, draw_uniform


class Gain(SpectrogramAugmentation):
    """Make clips louder or softer.

    Parameters
    ----------
    min_gain_db : float, default=-6.0
        The lowest gain, in decibels; negative is softer. The gain is drawn uniformly.
    max_gain_db : float, default=6.0
        The highest gain, in decibels.
    probability : float, default=1.0
        Which share of the clips is changed, from 0 to 1.

    Notes
    -----
    All frames and bands of a clip get the same gain. With the ``top_db`` of `LogMelTransformer` in
    force, frames with a gain of g dB are what the waveform times 10^(g/20) gives; what lies at the
    floor ``amin`` moves too, unlike there. Not for MFCC, where a gain moves coefficient 0 alone.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.augmentation import Gain, SpectrogramBatch
    >>> frames, labels = torch.zeros(2, 3, 4), torch.ones(2, 1)
    >>> batch = SpectrogramBatch(
    ...     frames=frames, targets=labels, target_weight=labels, band_mean=torch.zeros(4)
    ... )
    >>> louder = Gain(min_gain_db=3.0, max_gain_db=3.0)
    >>> louder(batch, torch.Generator().manual_seed(0)).frames[:, 0, 0]
    tensor([3., 3.])
    """

    _parameter_constraints = {
        **SpectrogramAugmentation._parameter_constraints,
        "min_gain_db": [Interval(Real, None, None, closed="neither")],
        "max_gain_db": [Interval(Real, None, None, closed="neither")],
    }

    def __init__(self, *, min_gain_db=-6.0, max_gain_db=6.0, probability=1.0):
        self.min_gain_db = min_gain_db
        self.max_gain_db = max_gain_db
        self.probability = probability

    def _draw(self, batch, generator):
        n_clips = len(batch.frames)
        low_db, high_db = check_range(self, "min_gain_db", "max_gain_db")
        gain_db = draw_uniform(low_db, high_db, n_clips, generator)
        return {"gain_db": gain_db * self._draw_chosen(n_clips, generator)}

    def _apply(self, batch, gain_db):
        return replace(batch, frames=batch.frames + gain_db[:, None, None])
