"""The mel filter bank: triangles of equal width on the ear's frequency scale."""

from functools import lru_cache

import numpy as np

# Slaney's scale is linear up to 1 kHz, at 15 mel, and logarithmic above: 27 mel to each factor 6.4.
SLANEY_HERTZ_PER_MEL = 200 / 3
SLANEY_KNEE_HERTZ, SLANEY_KNEE_MEL = 1000.0, 15.0
SLANEY_LOG_STEP = np.log(6.4) / 27


@lru_cache(maxsize=16)
def mel_bank(sample_rate, n_fft, n_mels, fmin, fmax, htk, norm):
    """Return the weights of the bins of a spectrum in each mel band, as librosa has them.

    Band m rises from 0 at frequency m to 1 at frequency m + 1 and falls to 0 at frequency m + 2 of
    n_mels + 2 frequencies, which lie equally spaced on the mel scale from ``fmin`` to ``fmax``.

    Parameters
    ----------
    sample_rate, n_fft : int
        Rate of the samples, in hertz, and length of the Fourier transform.
    n_mels : int
        Number of bands.
    fmin, fmax : float
        Lowest and highest frequency, in hertz.
    htk : bool
        HTK's mel scale instead of Slaney's.
    norm : {"slaney"} or None
        "slaney" gives each band unit area.

    Returns
    -------
    weights : ndarray of shape (n_mels, n_fft // 2 + 1)
        The weights; not to be written to.
    """
    corners = mel_corners(n_mels, fmin, fmax, htk)[:, None]
    bins = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    rising = (bins - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - bins) / (corners[2:] - corners[1:-1])
    weights = np.maximum(0, np.minimum(rising, falling))
    if norm == "slaney":
        weights *= 2 / (corners[2:] - corners[:-2])
    weights.flags.writeable = False
    return weights


def mel_corners(n_mels, fmin, fmax, htk):
    """Return where mel bands begin, peak and end, in hertz: band m peaks at corner m + 1.

    Parameters
    ----------
    n_mels : int
        Number of bands.
    fmin, fmax : float
        Where the first begins and the last ends, in hertz.
    htk : bool
        Whether to use the mel scale of HTK; else that of Slaney.

    Returns
    -------
    corners : float64 array of shape (n_mels + 2,)
        The corners, ascending.
    """
    lowest, highest = hertz_to_mel(np.array([fmin, fmax], dtype=np.float64), htk)
    return mel_to_hertz(np.linspace(lowest, highest, n_mels + 2), htk)


def hertz_to_mel(hertz, htk):
    """Return frequencies in hertz on the mel scale of HTK or of Slaney."""
    if htk:
        return 2595 * np.log10(1 + hertz / 700)
    above = SLANEY_KNEE_MEL + np.log(np.maximum(hertz, 1) / SLANEY_KNEE_HERTZ) / SLANEY_LOG_STEP
    return np.where(hertz >= SLANEY_KNEE_HERTZ, above, hertz / SLANEY_HERTZ_PER_MEL)


def mel_to_hertz(mel, htk):
    """Return frequencies in mel, on the scale of HTK or of Slaney, in hertz."""
    if htk:
        return 700 * (10 ** (mel / 2595) - 1)
    above = SLANEY_KNEE_HERTZ * np.exp((mel - SLANEY_KNEE_MEL) * SLANEY_LOG_STEP)
    return np.where(mel >= SLANEY_KNEE_MEL, above, mel * SLANEY_HERTZ_PER_MEL)
