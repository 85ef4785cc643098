"""Log-mel spectrograms: the power in mel-spaced frequency bands, in decibels."""

from functools import lru_cache
from numbers import Integral, Real

import numpy as np
from scipy.fft import rfft
from scipy.signal import get_window
from scipy.sparse import csr_array

from sk_audioevents._base import Interval, StrOptions
from sk_audioevents.features._clip_transformer import ClipTransformer


class LogMelTransformer(ClipTransformer):
    r"""Turn recordings or waveforms into log-mel spectrograms.

    For a waveform y, band m and frame t,

    .. math:: S_{t,m} = \sum_f M_{m,f}\, |\mathrm{STFT}(y)_{t,f}|^{p}, \qquad
              L_{t,m} = 10 \log_{10} \max(S_{t,m}, a) - 10 \log_{10} \max(r, a)

    with the mel filter bank M, ``power`` p, ``amin`` a and ``ref`` r; at last, values more than
    ``top_db`` below the clip's largest are raised to that floor. Values equal those of
    ``librosa.power_to_db(librosa.feature.melspectrogram(...)).T`` with the same parameters. They
    are computed in double precision and given in single.

    Parameters
    ----------
    sample_rate : int, default=44100
        Rate, in hertz, that all clips have when their spectra are taken. Files of another rate are
        resampled (soxr, high quality); waveforms in X are taken to have this rate.
    n_fft : int, default=1024
        Length of the Fourier transform, in samples.
    hop_length : int, default=512
        Step between frames, in samples.
    win_length : int, default=None
        Length of the window, in samples, at most ``n_fft``; it is centred and padded with zeros.
        None is ``n_fft``.
    window : str, default="hann"
        Any window of `scipy.signal.get_window`.
    n_mels : int, default=128
        Number of mel bands.
    fmin : float, default=0.0
        Lowest frequency, in hertz.
    fmax : float, default=None
        Highest frequency, in hertz. None is half of ``sample_rate``.
    htk : bool, default=False
        HTK's mel scale instead of Slaney's.
    norm : {"slaney"} or None, default="slaney"
        "slaney" gives each band unit area; None gives each unit peak.
    power : float, default=2.0
        Exponent of the magnitudes: 2 is power, 1 is amplitude.
    center : bool, default=True
        Whether frame t is centred on sample t * hop_length, with zeros beyond the clip's ends, or
        starts there.
    ref : float, default=1.0
        What counts as 0 dB.
    amin : float, default=1e-10
        Smallest value of S that is told from silence.
    top_db : float, default=80.0
        Dynamic range, in decibels, kept below each clip's largest value. None keeps everything.
    n_jobs : int, default=None
        Number of clips that are read at the same time, in threads. None is 1 unless in a
        `joblib.parallel_config` context, -1 is one for each processor.
    on_error : {"raise", "warn"}, default="raise"
        What a file does that cannot be decoded: raise its error, or stand in the result as silence
        (as long as its window, else one second), with one warning and an entry in ``failed_``.
    verbose : int, default=0
        Whether to show a progress bar.

    Attributes
    ----------
    failed_ : dict
        Path and reason of each file that the last ``fit`` or ``transform`` with
        ``on_error="warn"`` could not decode.
    n_features_in_ : int
        Number of samples per clip; only where X was a 2-D array.

    See Also
    --------
    SLATSegmenter : Cuts the frames into overlapping segments.

    Notes
    -----
    The transformer is stateless: ``transform`` works without ``fit``. With ``center=True`` a clip
    of n samples gives ``1 + n // hop_length`` frames. A clip of no samples is read as one sample of
    silence, and with ``center=False`` one shorter than ``n_fft`` is padded with zeros to one frame.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_audioevents import LogMelTransformer
    >>> time = np.arange(22050) / 22050
    >>> tones = np.sin(2 * np.pi * np.array([[440.0], [3000.0]]) * time)
    >>> frames = LogMelTransformer(sample_rate=22050, n_mels=64).transform(tones)
    >>> frames.shape
    (2, 44, 64)
    >>> frames[:, 20].argmax(axis=1)
    array([ 8, 39])
    """

    _parameter_constraints = {
        **ClipTransformer._parameter_constraints,
        "n_fft": [Interval(Integral, 1, None, closed="left")],
        "hop_length": [Interval(Integral, 1, None, closed="left")],
        "win_length": [Interval(Integral, 1, None, closed="left"), None],
        "window": [str],
        "n_mels": [Interval(Integral, 1, None, closed="left")],
        "fmin": [Interval(Real, 0, None, closed="left")],
        "fmax": [Interval(Real, 0, None, closed="neither"), None],
        "htk": ["boolean"],
        "norm": [StrOptions({"slaney"}), None],
        "power": [Interval(Real, 0, None, closed="neither")],
        "center": ["boolean"],
        "ref": [Interval(Real, 0, None, closed="neither")],
        "amin": [Interval(Real, 0, None, closed="neither")],
        "top_db": [Interval(Real, 0, None, closed="left"), None],
    }

    def __init__(
        self,
        *,
        sample_rate=44100,
        n_fft=1024,
        hop_length=512,
        win_length=None,
        window="hann",
        n_mels=128,
        fmin=0.0,
        fmax=None,
        htk=False,
        norm="slaney",
        power=2.0,
        center=True,
        ref=1.0,
        amin=1e-10,
        top_db=80.0,
        n_jobs=None,
        on_error="raise",
        verbose=0,
    ):
        self.sample_rate = sample_rate
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.win_length = win_length
        self.window = window
        self.n_mels = n_mels
        self.fmin = fmin
        self.fmax = fmax
        self.htk = htk
        self.norm = norm
        self.power = power
        self.center = center
        self.ref = ref
        self.amin = amin
        self.top_db = top_db
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.verbose = verbose

    def _make_extractor(self):
        fmax = self.sample_rate / 2 if self.fmax is None else self.fmax
        if not self.fmin < fmax <= self.sample_rate / 2:
            raise ValueError(
                "The 'fmin' and 'fmax' parameters of LogMelTransformer must satisfy fmin < fmax <= "
                f"sample_rate / 2. Got fmin={self.fmin}, fmax={fmax}, "
                f"sample_rate={self.sample_rate}."
            )
        window = _padded_window(self.window, self.win_length or self.n_fft, self.n_fft)
        mel_bank = _mel_bank(
            self.sample_rate, self.n_fft, self.n_mels, self.fmin, fmax, self.htk, self.norm
        )

        def extract(waveform):
            spectrum = _power_spectrum(waveform, window, self.hop_length, self.center, self.power)
            return _decibels(mel_bank @ spectrum.T, self.ref, self.amin, self.top_db).T

        return extract


def _power_spectrum(waveform, window, hop_length, center, power):
    """Return |STFT|^power of shape (n_frames, n_fft // 2 + 1), in double precision."""
    n_fft = len(window)
    margin = n_fft // 2 if center else 0
    shortfall = max(0, n_fft - len(waveform) - 2 * margin)
    padded = np.pad(waveform, (margin, margin + shortfall))
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop_length]
    spectrum = rfft(frames * window, axis=1)
    squares = spectrum.real**2 + spectrum.imag**2
    return squares if power == 2 else squares ** (power / 2)


def _decibels(mel, ref, amin, top_db):
    levels = 10.0 * np.log10(np.maximum(mel, amin)) - 10.0 * np.log10(max(ref, amin))
    if top_db is not None:
        np.maximum(levels, levels.max() - top_db, out=levels)
    return levels.astype(np.float32, order="F")  # its transpose (n_frames, n_bands) is contiguous


@lru_cache(maxsize=16)
def _mel_bank(sample_rate, n_fft, n_mels, fmin, fmax, htk, norm):
    """Return librosa's filter bank as a sparse matrix: 98 % of it is zero."""
    from librosa.filters import mel  # here, because librosa takes long to import

    return csr_array(
        mel(
            sr=sample_rate,
            n_fft=n_fft,
            n_mels=n_mels,
            fmin=fmin,
            fmax=fmax,
            htk=bool(htk),
            norm=norm,
        ).astype(np.float64)
    )


def _padded_window(window, win_length, n_fft):
    if win_length > n_fft:
        raise ValueError(
            "The 'win_length' parameter of LogMelTransformer must be at most n_fft. "
            f"Got win_length={win_length}, n_fft={n_fft}."
        )
    before = (n_fft - win_length) // 2
    return np.pad(get_window(window, win_length), (before, n_fft - win_length - before))
