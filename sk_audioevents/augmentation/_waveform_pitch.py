"""Other pitches and speeds: waveforms transposed, or played faster or slower."""

from numbers import Real

import soxr

from sk_audioevents._base import Interval
from sk_audioevents.augmentation._phase_vocoder import stretch
from sk_audioevents.augmentation._ranges import check_range
from sk_audioevents.augmentation._waveform_base import WaveformAugmentation, fit_length

MAX_SEMITONES = 24
MAX_RATE = 4.0


class PitchShift(WaveformAugmentation):
    """Raise or lower the pitch of a waveform, at the same length.

    Parameters
    ----------
    min_semitones : float, default=-2.0
        The lowest shift, in semitones, from -24 to 24; negative is lower. The shift is drawn
        uniformly and need not be a whole number.
    max_semitones : float, default=2.0
        The highest shift, in semitones, from -24 to 24.
    probability : float, default=0.5
        Which share of the waveforms is shifted, from 0 to 1.

    See Also
    --------
    FrequencyShift : The same for spectrograms, in bands.
    SpeedPerturb : Higher and shorter, or lower and longer.

    Notes
    -----
    A phase vocoder with identity phase locking [1]_ stretches the waveform in time, and resampling
    takes it back to its length. Tones keep their level; noise loses about 1 dB (3 to 4 dB without
    the locking). Attacks are smeared over a window of 0.05 s, and a shift down leaves the top of
    the spectrum empty. It takes up to 25 times the memory of the waveform.

    Where pitch is what tells the classes apart, as in the songs of birds, this augmentation makes
    wrong examples.

    References
    ----------
    .. [1] J. Laroche and M. Dolson, "Improved phase vocoder time-scale modification of audio", IEEE
       Transactions on Speech and Audio Processing 7(3), 1999.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_audioevents.augmentation import PitchShift
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    >>> octave = PitchShift(min_semitones=12, max_semitones=12, probability=1.0)
    >>> higher = octave(tone, 8000, np.random.default_rng(0))
    >>> int(np.abs(np.fft.rfft(higher)).argmax())  # in hertz, since this is one second
    880
    """

    _parameter_constraints = {
        **WaveformAugmentation._parameter_constraints,
        "min_semitones": [Interval(Real, -MAX_SEMITONES, MAX_SEMITONES, closed="both")],
        "max_semitones": [Interval(Real, -MAX_SEMITONES, MAX_SEMITONES, closed="both")],
    }

    def __init__(self, *, min_semitones=-2.0, max_semitones=2.0, probability=0.5):
        self.min_semitones = min_semitones
        self.max_semitones = max_semitones
        self.probability = probability

    def _draw(self, rng):
        return {"semitones": rng.uniform(*check_range(self, "min_semitones", "max_semitones"))}

    def _apply(self, waveform, sample_rate, semitones):
        factor = 2 ** (semitones / 12)
        stretched = stretch(waveform, 1 / factor, sample_rate)
        return fit_length(soxr.resample(stretched, factor, 1.0), len(waveform))


class SpeedPerturb(WaveformAugmentation):
    """Play a waveform faster and higher, or slower and lower, as a tape does.

    Parameters
    ----------
    min_rate : float, default=0.9
        The lowest rate, from 0.25 to 4. At a rate of 2 a waveform takes half its time and sounds an
        octave higher. The rate is drawn uniformly.
    max_rate : float, default=1.1
        The highest rate, from 0.25 to 4.
    probability : float, default=1.0
        Which share of the waveforms is changed, from 0 to 1.

    See Also
    --------
    PitchShift : Another pitch at the same length.
    TimeStretch : Another length at the same pitch, for spectrograms.

    Notes
    -----
    The waveform is resampled with soxr, high quality; n samples become round(n / rate), at least
    one. The authors of [1]_ train on three copies of each recording, at 0.9, 1 and 1.1.

    References
    ----------
    .. [1] T. Ko, V. Peddinti, D. Povey and S. Khudanpur, "Audio augmentation for speech
       recognition", Interspeech 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_audioevents.augmentation import SpeedPerturb
    >>> faster = SpeedPerturb(min_rate=1.25, max_rate=1.25)
    >>> faster(np.zeros(1000), 8000, np.random.default_rng(0)).shape
    (800,)
    """

    _parameter_constraints = {
        **WaveformAugmentation._parameter_constraints,
        "min_rate": [Interval(Real, 1 / MAX_RATE, MAX_RATE, closed="both")],
        "max_rate": [Interval(Real, 1 / MAX_RATE, MAX_RATE, closed="both")],
    }

    def __init__(self, *, min_rate=0.9, max_rate=1.1, probability=1.0):
        self.min_rate = min_rate
        self.max_rate = max_rate
        self.probability = probability

    def _draw(self, rng):
        return {"rate": rng.uniform(*check_range(self, "min_rate", "max_rate"))}

    def _apply(self, waveform, sample_rate, rate):  # noqa: ARG002
        n_samples = max(1, round(len(waveform) / rate))
        return fit_length(soxr.resample(waveform, rate, 1.0), n_samples)
