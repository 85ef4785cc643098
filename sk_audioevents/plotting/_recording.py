"""The recording that a picture is of: a file of any length, or a waveform."""

import os
from numbers import Real

import numpy as np

from sk_audioevents._time import samples_to_seconds
from sk_audioevents.audio._open import open_recording
from sk_audioevents.plotting._spectrogram import spectrogram


def check_recording(recording, caller):
    """Raise unless something is one recording: a path or a waveform.

    Parameters
    ----------
    recording : str, PathLike or ndarray of shape (n_samples,)
        The recording.
    caller : str
        Whose parameter it is, for errors.
    """
    if isinstance(recording, (str, os.PathLike)):
        return
    if not isinstance(recording, np.ndarray) or recording.ndim != 1 or len(recording) == 0:
        got = type(recording).__name__
        if isinstance(recording, np.ndarray):
            got = f"shape {recording.shape}"
        raise TypeError(
            f"The 'recording' parameter of {caller} must be a path, or a waveform of shape "
            f"(n_samples,) with samples. Got {got} instead: is it a list of recordings?"
        )


def recording_levels(recording, duration, sample_rate, caller):
    """Compute the spectrogram of a recording.

    Parameters
    ----------
    recording : str, PathLike or ndarray of shape (n_samples,)
        The recording.
    duration : float
        How long it is said to be, in seconds.
    sample_rate : float or None
        The rate of a waveform, in hertz. A file has its own.
    caller : str
        Whose parameters they are, for errors.

    Returns
    -------
    levels : ndarray of shape (n_columns, n_bins)
        What `spectrogram` returns.
    highest : float
        The frequency of the last bin, in hertz.
    """
    check_recording(recording, caller)
    if isinstance(recording, (str, os.PathLike)):
        with open_recording(recording) as file:
            rate = file.sample_rate
            n_samples = file.n_samples or max(1, round(duration * rate))
            _check_length(n_samples, duration, rate, caller)
            return spectrogram(file.read, n_samples, rate), rate / 2
    if not np.isfinite(recording).all():
        raise ValueError(
            f"The 'recording' parameter of {caller} must hold finite samples. Got NaN or inf."
        )
    if not isinstance(sample_rate, Real) or not sample_rate > 0:
        raise ValueError(
            f"The 'sample_rate' parameter of {caller} must be the rate of the waveform, in hertz. "
            f"Got {sample_rate!r} instead."
        )
    _check_length(len(recording), duration, sample_rate, caller)

    def read(first, n):
        return recording[first : first + n]

    return spectrogram(read, len(recording), sample_rate), sample_rate / 2


def _check_length(n_samples, duration, sample_rate, caller):
    seconds = samples_to_seconds(n_samples, sample_rate)
    if abs(seconds - duration) > 0.01 * duration + 0.01:
        raise ValueError(
            f"The 'duration' parameter of {caller} must be the length of the recording, "
            f"{seconds:.6g} s. Got {duration:.6g}: is the sample rate right?"
        )
