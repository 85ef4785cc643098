"""Other beginnings: waveforms shifted in time."""

from numbers import Real

import numpy as np

from sk_audioevents._base import Interval
from sk_audioevents.augmentation._waveform_base import WaveformAugmentation


class WaveformShift(WaveformAugmentation):
    """Shift a waveform in time; what leaves at one end comes back at the other.

    Parameters
    ----------
    max_shift : float, default=0.5
        The largest shift, later or earlier, as a share of the waveform's length, from 0 to 1. The
        shift is drawn uniformly and rounded to whole samples.
    probability : float, default=1.0
        Which share of the waveforms is shifted, from 0 to 1.

    See Also
    --------
    TimeShift : The same for spectrograms.

    Notes
    -----
    Where the end now meets the beginning, the waveform jumps, which is heard as a click if either
    of them is loud.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_audioevents.augmentation import WaveformShift
    >>> WaveformShift()(np.arange(5), 8000, np.random.default_rng(0))
    array([1., 2., 3., 4., 0.], dtype=float32)
    """

    _parameter_constraints = {
        **WaveformAugmentation._parameter_constraints,
        "max_shift": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, *, max_shift=0.5, probability=1.0):
        self.max_shift = max_shift
        self.probability = probability

    def _draw(self, rng):
        return {"share": rng.uniform(-self.max_shift, self.max_shift)}

    def _apply(self, waveform, sample_rate, share):  # noqa: ARG002
        return np.roll(waveform, round(share * len(waveform)))
