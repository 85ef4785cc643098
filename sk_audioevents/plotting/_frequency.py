"""Frames as a picture over time and frequency, on the mel scale and in hertz."""

import numpy as np

from sk_audioevents.features._mel_bank import hertz_to_mel, mel_to_hertz

TICKS = (500, 1000, 2000, 4000, 8000, 16000, 32000, 64000)  # hertz; lower ones lie too close


def draw_bands(ax, values, times, frequencies, **style):
    """Draw a value for each frame and band.

    Parameters
    ----------
    ax : Axes
        Where.
    values : ndarray of shape (n_frames, n_bands)
        The values.
    times : ndarray of shape (n_frames,)
        The centres of the frames, in seconds.
    frequencies : ndarray of shape (n_bands,) or None
        The centres of the bands, in hertz; None numbers the bands.
    **style : dict
        Parameters of ``pcolormesh``.

    Returns
    -------
    mesh : QuadMesh
        The picture.
    """
    in_hertz = frequencies is not None
    bands = band_edges(frequencies) if in_hertz else edges(np.arange(values.shape[1]))
    if in_hertz:
        ax.set_yscale("function", functions=(_slaney_mel, _slaney_hertz))
        ax.set_yticks([tick for tick in TICKS if bands[0] < tick < bands[-1]])
        ax.minorticks_off()
    mesh = ax.pcolormesh(edges(times), bands, np.transpose(values), rasterized=True, **style)
    ax.set(ylim=bands[[0, -1]], ylabel="frequency (Hz)" if in_hertz else "coefficient")
    return mesh


def edges(centres):
    """Return the bounds of equally spaced steps, (n + 1,), from their centres, (n,)."""
    centres = np.asarray(centres, dtype=np.float64)
    step = np.median(np.diff(centres)) if len(centres) > 1 else 1.0
    return np.append(centres - step / 2, centres[-1] + step / 2)


def band_edges(frequencies):
    """Return the bounds of mel bands, (n + 1,), half-way between their centres in mel."""
    mel = _slaney_mel(np.asarray(frequencies, dtype=np.float64))
    between = (mel[:-1] + mel[1:]) / 2
    step = np.diff(mel).mean() if len(mel) > 1 else 1.0
    return np.maximum(_slaney_hertz(np.r_[mel[0] - step / 2, between, mel[-1] + step / 2]), 0.0)


def _slaney_mel(hertz):
    return hertz_to_mel(np.asarray(hertz, dtype=np.float64), False)


def _slaney_hertz(mel):
    return mel_to_hertz(np.asarray(mel, dtype=np.float64), False)
