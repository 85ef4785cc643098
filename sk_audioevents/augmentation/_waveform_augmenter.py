"""Augmented waveforms in a pipeline: while it is fitted, and never afterwards."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

from sk_audioevents._base import N_JOBS, Interval
from sk_audioevents._parallel import map_in_order
from sk_audioevents._stateless import StatelessTransformer
from sk_audioevents._validation import check_augmented, check_clips, object_array
from sk_audioevents.audio import load_audio
from sk_audioevents.augmentation._waveform_base import fit_length


class WaveformAugmenter(StatelessTransformer):
    """Augment the clips that a pipeline is fitted on, and leave all others as they are.

    ``fit_transform``, which `sklearn.pipeline.Pipeline` calls in its own ``fit``, replaces each
    clip by an augmented version. ``transform``, which it calls to predict, only reads the clips.

    Parameters
    ----------
    augmentation : callable, default=None
        An augmentation of waveforms, a `Compose` of several, or any function of a waveform, a
        sample rate and a `numpy.random.Generator` that returns a waveform. None augments nothing.
    sample_rate : int, default=44100
        Rate, in hertz, to which files are resampled; waveforms in X are taken to have it.
    n_jobs : int, default=None
        Number of clips that are augmented at the same time, in threads. None is 1 unless in a
        `joblib.parallel_config` context, -1 is one for each processor. It does not change the
        result.
    random_state : int, RandomState instance or None, default=None
        Seed of the augmentations. An int draws the same at each ``fit_transform``, None something
        else each time.

    Attributes
    ----------
    n_features_in_ : int
        Number of samples per clip; only where X was a 2-D array.

    See Also
    --------
    Compose : Several augmentations, one after the other.
    LogMelTransformer : Makes several versions of each clip, of which each epoch takes another one.
    VGGEventClassifier : Augments spectrograms anew in each epoch, which this transformer cannot.

    Notes
    -----
    ``fit(X).transform(X)`` is not ``fit_transform(X)``, by design; `sklearn.preprocessing`'s
    ``TargetEncoder`` is another transformer that treats its training data differently. So the
    estimator carries scikit-learn's tag ``non_deterministic`` if it has an augmentation.

    A clip stays one row: it is replaced, not added to. For several versions of each clip, repeat
    the rows of X and y before the pipeline. A pipeline calls ``fit_transform`` once, so all epochs
    of the training see the same version. All waveforms are held in memory.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_audioevents.augmentation import WaveformAugmenter, WaveformShift
    >>> clips = np.arange(8.0).reshape(2, 4)
    >>> augmenter = WaveformAugmenter(WaveformShift(), sample_rate=8000, random_state=0)
    >>> augmenter.fit_transform(clips)
    array([[1., 2., 3., 0.],
           [4., 5., 6., 7.]], dtype=float32)
    >>> augmenter.transform(clips)
    array([[0., 1., 2., 3.],
           [4., 5., 6., 7.]], dtype=float32)
    """

    _parameter_constraints = {
        "augmentation": [callable, None],
        "sample_rate": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
    }

    def __init__(self, augmentation=None, *, sample_rate=44100, n_jobs=None, random_state=None):
        self.augmentation = augmentation
        self.sample_rate = sample_rate
        self.n_jobs = n_jobs
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.non_deterministic = self.augmentation is not None
        return tags

    def _check_clips(self, X, reset):
        return check_clips(X, self, reset=reset)

    def fit_transform(self, X, y=None):
        """Read the clips and augment each of them.

        Parameters
        ----------
        X : list, array, Series or DataFrame
            The clips, as for ``transform``.
        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        waveforms : ndarray of shape (n_clips, n_samples) or (n_clips,)
            float32, as ``transform`` gives them. Rows of a 2-D array keep their length: where an
            augmentation changed it, the end is cut off or filled with zeros.

        Raises
        ------
        AudioDecodeError
            If a file cannot be read.
        ValueError
            If the augmentation returns something else than a waveform of finite samples.
        """
        kind, clips = self.fit(X, y)._read_clips(X)
        if self.augmentation is None:
            return _collect(kind, clips)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        rows = [(clip, [seed, row]) for row, clip in enumerate(clips)]
        augmented = list(map_in_order(self._augmented, rows, self.n_jobs))
        if kind == "array":
            augmented = [fit_length(clip, clips.shape[1]) for clip in augmented]
        return _collect(kind, augmented)

    def _augmented(self, row):
        clip, seed = row
        rng = np.random.default_rng(seed)
        augmented = self.augmentation(clip, self.sample_rate, rng)
        return check_augmented(augmented, self.augmentation, "augmentation")

    def transform(self, X):
        """Read the clips, and change nothing.

        Parameters
        ----------
        X : list, array, Series or DataFrame
            Paths, 1-D waveforms at ``sample_rate``, a 2-D array (n_clips, n_samples) of them, or a
            table with the columns ``path``, ``start_time`` and ``end_time`` (seconds).

        Returns
        -------
        waveforms : ndarray of shape (n_clips, n_samples) or (n_clips,)
            float32. A 2-D array if X is one, else a 1-D object array of waveforms.

        Raises
        ------
        AudioDecodeError
            If a file cannot be read.
        """
        self._validate_params()
        return _collect(*self._read_clips(X))

    def _read_clips(self, X):
        kind, clips = self._check_clips(X, reset=False)
        if kind == "files":
            clips = list(map_in_order(self._read_file, clips, self.n_jobs))
        return kind, clips

    def _read_file(self, clip):
        waveform, _ = load_audio(
            clip.path,
            sample_rate=self.sample_rate,
            start_time=clip.start_time,
            end_time=clip.end_time,
        )
        return waveform


def _collect(kind, clips):
    return np.asarray(clips) if kind == "array" else object_array(clips)
