"""Other places: recorded noise under a waveform."""

import math
import os
from numbers import Real

import numpy as np

from sk_audioevents._base import Interval
from sk_audioevents._time import samples_to_seconds
from sk_audioevents.audio import load_audio
from sk_audioevents.audio._open import open_recording
from sk_audioevents.augmentation._ranges import check_range
from sk_audioevents.augmentation._waveform_base import WaveformAugmentation


class BackgroundNoise(WaveformAugmentation):
    r"""Put recorded noise under a waveform, at a signal-to-noise ratio.

    With the signal x, the noise n and the ratio R in decibels,

    .. math:: x' = x + g n, \qquad
              g = 10^{-R / 20} \, \frac{\mathrm{RMS}(x)}{\mathrm{RMS}(n)}.

    Parameters
    ----------
    noises : list of str, os.PathLike or 1-D arrays
        Recordings, or waveforms at the sample rate of what they are added to, without any of the
        events.
    min_snr_db : float, default=5.0
        The lowest signal-to-noise ratio, in decibels. The ratio is drawn uniformly.
    max_snr_db : float, default=30.0
        The highest one.
    probability : float, default=0.5
        Which share of the waveforms gets noise, from 0 to 1.

    See Also
    --------
    BackgroundMix : The same for spectrograms.

    Notes
    -----
    The noise is a random part, as long as the waveform, of one of the recordings, resampled to the
    waveform's rate. One that is shorter begins anywhere and is repeated. A silent part adds
    nothing, and nothing is added to a silent waveform, which no finite noise is softer than. The
    sum may exceed the range from -1 to 1 and is not clipped.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_audioevents.augmentation import BackgroundNoise
    >>> rng = np.random.default_rng(0)
    >>> rain, tone = rng.normal(size=9000), np.sin(np.arange(8000))
    >>> add_rain = BackgroundNoise([rain], min_snr_db=20, max_snr_db=20, probability=1.0)
    >>> noise = add_rain(tone, 8000, rng) - tone
    >>> round(float(20 * np.log10(tone.std() / noise.std())), 2)
    20.0
    """

    _parameter_constraints = {
        **WaveformAugmentation._parameter_constraints,
        "noises": ["array-like"],
        "min_snr_db": [Interval(Real, None, None, closed="neither")],
        "max_snr_db": [Interval(Real, None, None, closed="neither")],
    }

    def __init__(self, noises, *, min_snr_db=5.0, max_snr_db=30.0, probability=0.5):
        self.noises = noises
        self.min_snr_db = min_snr_db
        self.max_snr_db = max_snr_db
        self.probability = probability

    def _draw(self, rng):
        noises = list(self.noises)
        if not noises:
            raise ValueError(
                "The 'noises' parameter of BackgroundNoise must hold at least one noise. Got none."
            )
        return {
            "noise": noises[rng.integers(len(noises))],
            "start": rng.random(),
            "snr_db": rng.uniform(*check_range(self, "min_snr_db", "max_snr_db")),
        }

    def _apply(self, waveform, sample_rate, noise, start, snr_db):
        if isinstance(noise, (str, os.PathLike)):
            noise = _read_noise(noise, start, len(waveform), sample_rate)
        else:
            noise = _cut_noise(_check_noise(noise), start, len(waveform))
        noise_rms = _rms(noise)
        if noise_rms == 0:
            return waveform
        return waveform + noise * (_rms(waveform) / noise_rms * 10 ** (-snr_db / 20))


def _read_noise(path, start, n_samples, sample_rate):
    """Read a part of a recording, and the whole of it where it is too short or of unknown length.

    Parameters
    ----------
    path : str or os.PathLike
        The recording.
    start : float
        Where the part is, from 0, the first possible place, to just below 1, the last.
    n_samples, sample_rate : int
        The part's length and its sample rate.

    Returns
    -------
    noise : ndarray of shape (n_samples,)
        The part.
    """
    with open_recording(path) as recording:
        n_available, own_rate = recording.n_samples, recording.sample_rate
    n_wanted = math.ceil(n_samples * own_rate / sample_rate)
    if n_available is None or n_available < n_wanted:
        return _cut_noise(load_audio(path, sample_rate=sample_rate)[0], start, n_samples)
    first = int(start * (n_available - n_wanted + 1))
    noise, _ = load_audio(
        path,
        sample_rate=sample_rate,
        start_time=samples_to_seconds(first, own_rate),
        end_time=samples_to_seconds(first + n_wanted, own_rate),
    )
    return _cut_noise(noise, 0.0, n_samples)


def _cut_noise(noise, start, n_samples):
    """Return a part of a waveform, which is repeated if it is shorter."""
    slack = len(noise) - n_samples
    first = int(start * (slack + 1 if slack >= 0 else len(noise)))
    return np.take(noise, np.arange(first, first + n_samples), mode="wrap")


def _check_noise(noise):
    noise = np.asarray(noise, dtype=np.float32)
    if noise.ndim != 1 or len(noise) == 0 or not np.isfinite(noise).all():
        raise ValueError(
            "Each item of the 'noises' parameter of BackgroundNoise must be a path or a 1-D array "
            f"of finite samples. Got an array of shape {noise.shape}."
        )
    return noise


def _rms(waveform):
    return np.sqrt(np.mean(np.square(waveform, dtype=np.float64)))
