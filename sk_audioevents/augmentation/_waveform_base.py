"""What all augmentations of waveforms share: draw the parameters, then apply them."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator

from sk_audioevents.augmentation._ranges import PROBABILITY


class WaveformAugmentation(BaseEstimator):
    """Base of the augmentations of waveforms.

    A subclass has a parameter ``probability`` and implements two steps: ``_draw(rng)`` returns the
    parameters as a dict, and ``_apply(waveform, sample_rate, **drawn)`` must not draw anything. It
    gets at least one sample.
    """

    _parameter_constraints = {"probability": PROBABILITY}

    def __call__(self, waveform, sample_rate, rng):
        """Augment a waveform.

        Parameters
        ----------
        waveform : ndarray of shape (n_samples,)
            The samples; they are not changed.
        sample_rate : int
            Samples per second.
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        waveform : ndarray of shape (n_augmented_samples,)
            A new array, float32: augmented, or the samples as they were.

        Raises
        ------
        ValueError
            If a parameter is out of its range, or the waveform is not 1-D or not finite.
        TypeError
            If rng is something else.
        """
        self._validate_params()
        name = type(self).__name__
        waveform = _check_waveform(waveform, name)
        _check_sample_rate(sample_rate, name)
        if not isinstance(rng, np.random.Generator):
            raise TypeError(
                f"The rng of {name} must be a numpy.random.Generator. Got {rng!r:.80}: did you "
                "mean np.random.default_rng(seed)?"
            )
        # All is drawn in any case, so that what follows does not depend on whether it is used.
        chosen, drawn = rng.random() < self.probability, self._draw(rng)
        if chosen and len(waveform):
            waveform = self._apply(waveform, sample_rate, **drawn)
        return np.array(waveform, dtype=np.float32)


def fit_length(waveform, n_samples):
    """Cut a waveform to a number of samples, or fill it up with zeros.

    Parameters
    ----------
    waveform : ndarray of shape (n,)
        The samples.
    n_samples : int
        How many there are to be.

    Returns
    -------
    waveform : ndarray of shape (n_samples,)
        The first of them, and zeros.
    """
    return np.pad(waveform[:n_samples], (0, max(0, n_samples - len(waveform))))


def _check_waveform(waveform, name):
    waveform = np.asarray(waveform, dtype=np.float32)
    if waveform.ndim != 1:
        raise ValueError(
            f"{name} augments one waveform, a 1-D array of mono samples. "
            f"Got shape {waveform.shape}: call it for each clip."
        )
    if not np.isfinite(waveform).all():
        raise ValueError(f"The waveform of {name} must be finite. It holds NaN or infinity.")
    return waveform


def _check_sample_rate(sample_rate, name):
    if not isinstance(sample_rate, Integral) or sample_rate < 1:
        raise ValueError(
            f"The sample_rate of {name} must be an int in the range [1, inf), in hertz. "
            f"Got {sample_rate!r} instead."
        )
