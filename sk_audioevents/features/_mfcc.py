"""Mel-frequency cepstral coefficients: the shape of a log-mel spectrum in few numbers."""

from functools import lru_cache
from numbers import Integral, Real

import numpy as np
from scipy.fft import dct
from scipy.signal import savgol_filter

from sk_audioevents._base import Interval
from sk_audioevents._memory import ThreadRoom
from sk_audioevents.features._mel_spectrum import MelTransformer

DELTA_WIDTH = 9  # frames, as in librosa.feature.delta

_level_room = ThreadRoom()


class MFCCTransformer(MelTransformer):
    r"""Turn recordings or waveforms into mel-frequency cepstral coefficients.

    The waveform is pre-emphasised,

    .. math:: y'_n = y_n - a\, y_{n-1}, \qquad y_{-1} = 0,

    with ``pre_emphasis`` a; its log-mel levels L, in decibels, are those of `LogMelTransformer`;
    and coefficient c of frame t is their orthonormal cosine transform over the M bands,

    .. math:: C_{t,c} = \sqrt{\frac{2 - \delta_{c0}}{M}}
              \sum_m L_{t,m} \cos \frac{\pi c (2m + 1)}{2M}

    The defaults are those of the sound event literature at 44.1 kHz: frames of 22 ms that overlap
    by 10.5 ms, Hamming window, 127 mel bands, 40 coefficients.

    Parameters
    ----------
    sample_rate : int, default=44100
        Rate, in hertz, that all clips have when their spectra are taken. Files of another rate are
        resampled (soxr, high quality); waveforms in X are taken to have this rate.
    n_mfcc : int, default=40
        Number of coefficients, at most ``n_mels``.
    deltas : {0, 1, 2}, default=0
        Number of derivatives by time that are appended along the band axis: 1 appends the slopes,
        per frame, of straight lines fitted to 9 frames, 2 also the curvature of parabolas. At the
        clip's ends the outermost frame is repeated.
    pre_emphasis : float, default=0.97
        The a of the formula, from 0, which leaves the waveform as it is, to 1.
    n_fft : int, default=1024
        Length of the Fourier transform, in samples.
    hop_length : int, default=507
        Step between frames, in samples: 11.5 ms at 44.1 kHz.
    win_length : int, default=970
        Length of the window, in samples, at most ``n_fft``; it is centred and padded with zeros.
        The default is 22 ms at 44.1 kHz; None is ``n_fft``.
    window : str, default="hamming"
        Any window of `scipy.signal.get_window`.
    n_mels : int, default=127
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
        Smallest sum of a band that is told from silence.
    top_db : float, default=80.0
        Dynamic range, in decibels, kept below each clip's largest level. None keeps everything.
    precision : {"single", "double"}, default="double"
        How the Fourier transform and the cosine transform are computed. "single" is about 1.5 times
        as fast. See `LogMelTransformer`.
    n_jobs : int, default=None
        Number of clips that are read at the same time, in threads. None is 1 unless in a
        `joblib.parallel_config` context, -1 is one for each processor.
    on_error : {"raise", "warn"}, default="raise"
        What a file does that cannot be decoded: raise its error, or stand in the result as silence
        (as long as its window, else one second), with one warning and an entry in ``failed_``.
    verbose : int, default=0
        Whether to show a progress bar.
    cache_dir : str or os.PathLike, default=None
        A folder that keeps the frames of each clip, so that no later ``transform`` with the same
        parameters computes them again, in this process or another. It must be new, empty or an
        earlier cache. None keeps nothing and writes nothing. See :doc:`/user_guide/cache`.
    cache_dtype : {"float32", "float16"}, default="float32"
        How frames are kept. "float16" takes half the space and rounds values by at most a relative
        5e-4; frames are the same, float32, whether they were computed or read.
    cache_size : int, default=None
        Largest size of the cache, in bytes; the clips not used for longest make room for new ones.
        None is no bound.
    lazy : bool, default=False
        Whether the frames of files are read from the cache when they are used, rather than all held
        in memory. Needs a ``cache_dir``.
    augmentation : callable, default=None
        What ``fit_transform``, which a pipeline calls in its own ``fit``, makes further versions of
        each waveform with: an augmentation of waveforms such as ``SpeedPerturb()``, a ``Compose``
        of several, or any function of a waveform, a sample rate and a `numpy.random.Generator` that
        returns a waveform. A classifier of ours takes one of the versions of a clip at random in
        each epoch; whatever else reads the row gets the clip's own frames. ``transform`` augments
        nothing.
    n_versions : int, default=8
        How many versions there are of each clip with an ``augmentation``, its own frames included.
        They are held in memory.
    random_state : int, RandomState instance or None, default=None
        Seed of the augmentation. An int draws the same at each ``fit_transform``, None something
        else each time.

    Attributes
    ----------
    failed_ : dict
        Path and reason of each file that the last ``fit`` or ``transform`` with
        ``on_error="warn"`` could not decode.
    n_features_in_ : int
        Number of samples per clip; only where X was a 2-D array.

    See Also
    --------
    LogMelTransformer : Gives the log-mel levels themselves.

    Notes
    -----
    The values of ``librosa.feature.mfcc(y=y, sr=sample_rate).T`` come from ``pre_emphasis=0,
    n_mfcc=20, n_fft=2048, hop_length=512, win_length=None, window="hann", n_mels=128``, and what
    ``deltas`` appends equals ``librosa.feature.delta(..., order=order, mode="nearest")``.
    ``librosa.effects.preemphasis`` differs in the first sample, :math:`3 y_0 - y_1`, unless it is
    told ``zi=[0]``.

    The transformer is stateless: ``transform`` works without ``fit``. Frames are counted as in
    `LogMelTransformer`.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_audioevents import MFCCTransformer
    >>> noise = np.random.default_rng(0).normal(size=(2, 44100))
    >>> MFCCTransformer().transform(noise).shape
    (2, 87, 40)
    >>> MFCCTransformer(n_mfcc=13, deltas=2).transform(noise).shape
    (2, 87, 39)
    """

    _parameter_constraints = {
        **MelTransformer._parameter_constraints,
        "n_mfcc": [Interval(Integral, 1, None, closed="left")],
        "deltas": [Interval(Integral, 0, 2, closed="both")],
        "pre_emphasis": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self,
        *,
        sample_rate=44100,
        n_mfcc=40,
        deltas=0,
        pre_emphasis=0.97,
        n_fft=1024,
        hop_length=507,
        win_length=970,
        window="hamming",
        n_mels=127,
        fmin=0.0,
        fmax=None,
        htk=False,
        norm="slaney",
        power=2.0,
        center=True,
        ref=1.0,
        amin=1e-10,
        top_db=80.0,
        precision="double",
        n_jobs=None,
        on_error="raise",
        verbose=0,
        cache_dir=None,
        cache_dtype="float32",
        cache_size=None,
        lazy=False,
        augmentation=None,
        n_versions=8,
        random_state=None,
    ):
        self.sample_rate = sample_rate
        self.n_mfcc = n_mfcc
        self.deltas = deltas
        self.pre_emphasis = pre_emphasis
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
        self.precision = precision
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.verbose = verbose
        self.cache_dir = cache_dir
        self.cache_dtype = cache_dtype
        self.cache_size = cache_size
        self.lazy = lazy
        self.augmentation = augmentation
        self.n_versions = n_versions
        self.random_state = random_state

    def _make_extractor(self, n_clips):
        if self.n_mfcc > self.n_mels:
            raise ValueError(
                "The 'n_mfcc' parameter of MFCCTransformer must be at most n_mels. "
                f"Got n_mfcc={self.n_mfcc}, n_mels={self.n_mels}."
            )
        extract_levels = self._make_level_extractor(n_clips, pre_emphasis=self.pre_emphasis)
        return CepstrumExtractor(extract_levels, self.n_mfcc, self.deltas)


class CepstrumExtractor:
    """The function from a waveform to cepstral coefficients.

    Parameters
    ----------
    extract_levels : LevelExtractor
        The function from a waveform to levels.
    n_mfcc : int
        Number of coefficients.
    deltas : int
        Number of derivatives that follow them.
    """

    def __init__(self, extract_levels, n_mfcc, deltas):
        self.extract_levels = extract_levels
        self.n_mfcc = n_mfcc
        self.deltas = deltas

    def __call__(self, waveform, empty=np.empty):
        """Return coefficients, float32 of shape (n_frames, (1 + deltas) * n_mfcc).

        Without deltas, ``empty`` gives the memory that they lie in.
        """
        levels = self.extract_levels(waveform, _level_room)
        if self.extract_levels.uses_kernel(waveform):
            coefficients = self._transform_in_kernel(levels, empty)
        else:
            cosines = dct(levels.astype(np.float64), norm="ortho", axis=1)
            coefficients = cosines[:, : self.n_mfcc].astype(np.float32)
        return _with_deltas(coefficients, self.deltas)

    def _transform_in_kernel(self, levels, empty):
        from sk_audioevents.features import _kernel  # here, because numba takes long to import

        dtype = self.extract_levels.settings.dtype
        coefficients = empty((len(levels), self.n_mfcc), np.float32)
        basis = _cosine_basis(levels.shape[1], self.n_mfcc, dtype)
        _kernel.cosine_transform(levels, basis, coefficients)
        return coefficients


@lru_cache(maxsize=16)
def _cosine_basis(n_bands, n_coefficients, dtype):
    from sk_audioevents.features._kernel import cosine_basis

    cosines = dct(np.eye(n_bands), norm="ortho", axis=1)[:, :n_coefficients]
    return cosine_basis(cosines, dtype)


def _with_deltas(frames, n_deltas):
    """Append derivatives, by local polynomials of as many degrees (Savitzky and Golay)."""
    derivatives = [
        savgol_filter(frames, DELTA_WIDTH, order, deriv=order, axis=0, mode="nearest")
        for order in range(1, n_deltas + 1)
    ]
    return np.concatenate([frames, *derivatives], axis=1) if derivatives else frames
