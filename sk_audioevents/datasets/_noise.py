"""Noise whose power falls with frequency."""

import numpy as np
import scipy.fft

LOWEST = 20.0  # hertz, below which the power density is constant


def coloured_noise(n_samples, sample_rate, exponent, rng):
    """Draw Gaussian noise with a power density of 1 / f^exponent and an RMS of 1.

    Parameters
    ----------
    n_samples : int
        Its length.
    sample_rate : int
        Samples per second.
    exponent : float
        0 is white, 1 pink, 2 brown noise.
    rng : numpy.random.RandomState
        The source of randomness.

    Returns
    -------
    noise : float64 array of shape (n_samples,)
        The samples.
    """
    spectrum = scipy.fft.rfft(rng.standard_normal(n_samples))
    frequencies = scipy.fft.rfftfreq(n_samples, 1 / sample_rate)
    spectrum *= np.maximum(frequencies, LOWEST) ** (-exponent / 2)
    spectrum[0] = 0
    noise = scipy.fft.irfft(spectrum, n_samples)
    return noise / np.sqrt(np.mean(noise**2))
