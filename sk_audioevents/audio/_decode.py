"""Recordings from files, as mono float32 waveforms.

libsndfile or FFmpeg decodes, and what it leaves unsaid is checked here. A damaged file is refused
rather than read short. What cannot be found out:

- in MP3, flipped bits (most frames carry no checksum), and a file without a Xing, Info or VBRI
  frame that breaks off exactly between two frames;
- in WAV, AIFF and AU, flipped bits in the samples; there and in FLAC, a header that promises fewer
  samples than the file holds;
- in FLAC, damage outside the window that is read;
- in FLAC whose header leaves the length open, a file that breaks off between two frames;
- in MP4 and Matroska, flipped bits in AAC, MP3, Opus and PCM, a loss of less than 0.1 s, and a file
  without a length that breaks off between two fragments or blocks.
"""

import math
import numbers
import os

import numpy as np
import soxr

from sk_audioevents._base import Interval, StrOptions, validate_params
from sk_audioevents._memory import ThreadRoom
from sk_audioevents._time import samples_to_seconds, seconds_to_samples
from sk_audioevents.audio._header import MAX_SAMPLE_RATE, not_finite_problem
from sk_audioevents.audio._open import open_recording
from sk_audioevents.exceptions import AudioDecodeError

RESAMPLE_QUALITIES = ("QQ", "LQ", "MQ", "HQ", "VHQ")  # soxr's names, from quick to very high
MAX_DURATION = 3 * 3600.0  # seconds
MAX_SAMPLES = 2**31  # 8 GiB of float32: three hours at 192 kHz

_finite_room = ThreadRoom()


@validate_params(
    {
        "path": [str, os.PathLike],
        "sample_rate": [Interval(numbers.Integral, 1, MAX_SAMPLE_RATE, closed="both"), None],
        "start_time": [Interval(numbers.Real, 0, np.inf, closed="left")],
        "end_time": [Interval(numbers.Real, 0, np.inf, closed="neither"), None],
        "max_duration": [Interval(numbers.Real, 0, np.inf, closed="right")],
        "resample_quality": [StrOptions(set(RESAMPLE_QUALITIES))],
    },
    prefer_skip_nested_validation=True,
)
def load_audio(
    path,
    *,
    sample_rate=None,
    start_time=0.0,
    end_time=None,
    max_duration=MAX_DURATION,
    resample_quality="HQ",
):
    """Read a recording, or a window of it, as a mono waveform.

    Several channels become one by their mean, so two that are in antiphase cancel out. A window is
    read by seeking, and costs the same wherever it lies in a long recording (in MP4 and Matroska,
    what comes before it is decoded, at some 0.5 ms for each second). It is resampled by itself:
    within some 100 samples of its edges it differs from the same part of the whole recording
    resampled.

    Parameters
    ----------
    path : str or os.PathLike
        A WAV (also RF64 and W64), FLAC, OGG (Vorbis or Opus), MP3, AIFF or AU file; with the extra
        ``av``, also the sound of an MP4, M4A, MOV, WebM or Matroska file.
    sample_rate : int or None, default=None
        The sample rate to resample to, in hertz, from 1 to 768,000. None keeps the file's own.
    start_time : float, default=0.0
        Where the window begins, in seconds from the beginning of the recording. Rounded to the
        nearest sample, as is `end_time`.
    end_time : float or None, default=None
        Where the window ends, in seconds; the sample at this time is not part of it. None is the
        end of the recording. May lie beyond that end by one sample of rounding, not more.
    max_duration : float, default=10800.0
        The longest window that is read, in seconds, as a guard of the memory.
    resample_quality : {"QQ", "LQ", "MQ", "HQ", "VHQ"}, default="HQ"
        How carefully soxr resamples. "MQ" and up keep what lies below 90 % of the new Nyquist
        frequency to within 0.3 dB, and what lies 5 % or more above it comes back at less than
        -110 dB; "VHQ" is there for 24-bit measurements. "LQ" takes 20 dB from the upper tenth of
        the band. "QQ" aliases: what lies above the new Nyquist frequency folds back into the band,
        weakened by 0.2 to 4 dB.

    Returns
    -------
    waveform : ndarray of shape (n_samples,)
        The samples, float32, at least one. Integer formats are scaled to the range from -1 to 1.
    sample_rate : int
        The sample rate of `waveform`, in hertz.

    Raises
    ------
    AudioFileNotFoundError
        If there is no file.
    AudioDecodeError
        If the file is damaged, breaks off, is no audio file, holds no samples or samples that are
        not finite, has more than 64 channels or a sample rate outside the range from 1 to 768 kHz,
        or ends before the window does, or if the window is longer than `max_duration`.
    ValueError
        If a parameter is of the wrong type or out of its range. It is a `TypeError` too.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import soundfile
    >>> from sk_audioevents.audio import load_audio
    >>> tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/tone.wav", tone, 44100)
    ...     waveform, sample_rate = load_audio(
    ...         f"{folder}/tone.wav", sample_rate=16000, end_time=0.5
    ...     )
    >>> waveform.shape, waveform.dtype, sample_rate
    ((8000,), dtype('float32'), 16000)
    """
    if end_time is not None and end_time <= start_time:
        raise ValueError(
            f"The 'end_time' parameter of load_audio must be greater than start_time={start_time}, "
            f"both in seconds. Got {end_time} instead."
        )
    return decode(
        path,
        sample_rate,
        start_time,
        end_time,
        max_duration=max_duration,
        resample_quality=resample_quality,
    )


def decode(
    path,
    sample_rate,
    start_time=0.0,
    end_time=None,
    *,
    max_duration=MAX_DURATION,
    resample_quality="HQ",
    empty=np.empty,
    integers=False,
):
    """Read a recording as `load_audio` does, whose parameters were checked elsewhere.

    Parameters
    ----------
    path, sample_rate, start_time, end_time, max_duration, resample_quality
        As for `load_audio`.
    empty : callable, default=np.empty
        Returns memory for a shape and a dtype, that the waveform may lie in.
    integers : bool, default=False
        Whether the samples may stay what they are in the file, if nothing is to be computed from
        them: at the recording's own sample rate, one channel of 16-bit samples is then int16.

    Returns
    -------
    waveform : ndarray of shape (n_samples,)
        The samples, float32 or int16, of which 32768 is full scale.
    sample_rate : int
        Their sample rate, in hertz.

    Raises
    ------
    AudioDecodeError
        As `load_audio`.
    """
    with open_recording(path) as recording:
        own_rate = recording.sample_rate
        first, stop = _window(recording, start_time, end_time)
        longest = _longest(own_rate, sample_rate or own_rate, max_duration)
        same_rate = sample_rate is None or sample_rate == own_rate
        dtype = recording.dtype if integers and same_rate else np.float32
        waveform = _read(recording, first, stop, longest, empty, dtype)
    if recording.subtype != "PCM_16":  # integers are finite
        _check_finite(path, waveform, first, own_rate)
    if same_rate:
        return waveform, own_rate
    return _resample(waveform, own_rate, sample_rate, resample_quality), int(sample_rate)


def count_samples(path, sample_rate, start_time=0.0, end_time=None):
    """Return how many samples `decode` gives, without decoding where the header tells the length.

    Parameters
    ----------
    path, sample_rate, start_time, end_time
        As for `load_audio`.

    Returns
    -------
    n_samples : int
        At least 1.

    Raises
    ------
    AudioDecodeError
        If the header is wrong or the recording ends before the window does.
    """
    with open_recording(path) as recording:
        own_rate = recording.sample_rate
        first, stop = _window(recording, start_time, end_time)
    if stop is None:
        return len(decode(path, sample_rate, start_time, end_time)[0])
    if sample_rate is None or sample_rate == own_rate:
        return stop - first
    return max(1, (2 * (stop - first) * sample_rate + own_rate) // (2 * own_rate))  # as soxr rounds


def _window(recording, start_time, end_time):
    """Return the first sample of the window and the one after its last; None is not known."""
    rate, n_samples = recording.sample_rate, recording.n_samples
    first = seconds_to_samples(start_time, rate)
    stop = n_samples if end_time is None else seconds_to_samples(end_time, rate)
    if n_samples is not None:
        recording.check_window(first, stop, n_samples)
        stop = min(stop, n_samples)
    if stop is not None and stop <= first:
        raise AudioDecodeError(
            recording.path,
            f"the window from {start_time:.9g} s to {end_time:.9g} s holds no sample at {rate} Hz",
        )
    return first, stop


def _longest(own_rate, sample_rate, max_duration):
    """Return how many samples may be read, so that memory suffices after resampling too."""
    return min(max_duration * own_rate, MAX_SAMPLES * min(1.0, own_rate / sample_rate))


def _read(recording, first, stop, longest, empty, dtype):
    n_wanted = math.floor(longest) + 1 if stop is None else stop - first
    if stop is not None:
        _check_duration(recording, n_wanted, longest)
    waveform = recording.read(first, n_wanted, empty, dtype)
    n_held = first + len(waveform)
    if len(waveform) < n_wanted:
        recording.check_end(n_held)
    if recording.n_samples is None:  # and only now is it known
        _check_duration(recording, len(waveform), longest)
        recording.check_window(first, stop or n_held, n_held)
    return waveform


def _check_duration(recording, n_samples, longest):
    if n_samples > longest:
        rate = recording.sample_rate
        raise AudioDecodeError(
            recording.path,
            f"{samples_to_seconds(n_samples, rate):.9g} s are to be read at once, and at most "
            f"{samples_to_seconds(longest, rate):.9g} s are. Read windows, with start_time and "
            "end_time, or raise max_duration",
        )


def _check_finite(path, waveform, first, rate):
    finite = np.isfinite(waveform, out=_finite_room(waveform.shape, np.bool_))
    if not finite.all():
        n_bad, at = len(finite) - np.count_nonzero(finite), int(np.argmin(finite))
        seconds = samples_to_seconds(first + at, rate)
        problem = not_finite_problem(n_bad, len(finite), waveform[at], seconds)
        raise AudioDecodeError(path, problem)


def _resample(waveform, own_rate, sample_rate, quality):
    resampled = soxr.resample(waveform, own_rate, sample_rate, quality=quality)
    # A recording shorter than half a sample of the new rate would vanish.
    return resampled if len(resampled) else waveform[:1]
