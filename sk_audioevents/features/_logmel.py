"""Log-mel spectrograms: the power in mel-spaced frequency bands, in decibels."""

from sk_audioevents._base import StrOptions
from sk_audioevents.features._mel_spectrum import MelTransformer


class LogMelTransformer(MelTransformer):
    r"""Turn recordings or waveforms into log-mel spectrograms.

    For a waveform y, band m and frame t,

    .. math:: S_{t,m} = \sum_f M_{m,f}\, |\mathrm{STFT}(y)_{t,f}|^{p}, \qquad
              L_{t,m} = 10 \log_{10} \max(S_{t,m}, a) - 10 \log_{10} \max(r, a)

    with the mel filter bank M, ``power`` p, ``amin`` a and ``ref`` r; at last, values more than
    ``top_db`` below the clip's largest are raised to that floor. Values equal those of
    ``librosa.power_to_db(librosa.feature.melspectrogram(...)).T`` with the same parameters.

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
        Whether frame t is centred on sample t * hop_length, or starts there.
    pad_mode : {"constant", "reflect"}, default="constant"
        What frames see beyond the clip's ends: zeros, or the clip mirrored at its first and last
        samples, as librosa before version 0.10 and PANNs have it. Only with ``center=True``.
    ref : float, default=1.0
        What counts as 0 dB.
    amin : float, default=1e-10
        Smallest value of S that is told from silence.
    top_db : float, default=80.0
        Dynamic range, in decibels, kept below each clip's largest value. None keeps everything.
    precision : {"single", "double"}, default="double"
        How the Fourier transform is computed. "single" is about 1.5 times as fast and differs from
        the exact levels by up to 1e-3 dB where a frame spans 80 dB; "double" by less than 1e-4 dB.
        Only lengths that are powers of two, 128 to 16384, have a fast single-precision form.
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
        How frames are kept. "float16" takes half the space and rounds decibels by at most 0.03 (to
        a relative 5e-4); frames are the same, float32, whether they were computed or read.
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
        **MelTransformer._parameter_constraints,
        "pad_mode": [StrOptions({"constant", "reflect"})],
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
        pad_mode="constant",
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
        self.pad_mode = pad_mode
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
        return self._make_level_extractor(n_clips, pre_emphasis=0.0, pad_mode=self.pad_mode)
