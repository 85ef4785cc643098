"""Several augmentations, one after the other."""

from sk_audioevents._base import BaseComposition, name_estimators


class Compose(BaseComposition):
    """Apply several augmentations, one after the other.

    All of them are for spectrograms, or all of them for waveforms.

    Parameters
    ----------
    steps : list
        The augmentations, in the order in which they are applied. An item is an augmentation, which
        is named as `sklearn.pipeline.make_pipeline` does, by its class in lower case, or a tuple of
        a name and an augmentation. "passthrough" in place of an augmentation does nothing.

    See Also
    --------
    WaveformAugmenter : Augments waveforms in a pipeline.

    Notes
    -----
    The parameters of each step are parameters of the whole: ``specaugment__n_time_masks``, and
    ``vggeventclassifier__augment__specaugment__n_time_masks`` in a pipeline. So is the step:
    ``specaugment="passthrough"`` leaves it out.

    Examples
    --------
    >>> from sk_audioevents.augmentation import Compose, SpecAugment, TimeShift
    >>> augment = Compose([TimeShift(), SpecAugment()])
    >>> augment.set_params(specaugment__n_time_masks=3, timeshift="passthrough")
    Compose(steps=[('timeshift', 'passthrough'),
                   ('specaugment', SpecAugment(n_time_masks=3))])
    """

    _parameter_constraints = {"steps": [list]}

    def __init__(self, steps):
        self.steps = steps

    @property
    def _named_steps(self):
        """The steps as tuples of name and augmentation, which scikit-learn's composition reads."""
        if not isinstance(self.steps, list):  # an error, but not one for get_params to raise
            return self.steps
        names = name_estimators([step[1] if _is_named(step) else step for step in self.steps])
        return [
            step if _is_named(step) else (name, step) for step, (name, _) in zip(self.steps, names)
        ]

    @_named_steps.setter
    def _named_steps(self, steps):
        self.steps = steps

    def get_params(self, deep=True):
        """Get the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to add the steps and their parameters.

        Returns
        -------
        params : dict
            Parameter names and their values.
        """
        return self._get_params("_named_steps", deep=deep)

    def set_params(self, **params):
        """Set parameters, also those of the steps.

        Parameters
        ----------
        **params : dict
            Names, as ``get_params`` has them, and values.

        Returns
        -------
        self : object
            The composition.
        """
        if "steps" in params:  # first, because the other names may be those of the new steps
            self.steps = params.pop("steps")
        return self._set_params("_named_steps", **params)

    def __call__(self, sound, *arguments):
        """Augment a batch of spectrograms, or a waveform.

        Parameters
        ----------
        sound : SpectrogramBatch or ndarray of shape (n_samples,)
            What the steps augment; it is not changed.
        *arguments : tuple
            What the steps take besides: the generator, or the sample rate and the generator.

        Returns
        -------
        sound : SpectrogramBatch or ndarray of shape (n_samples,)
            The augmented one.

        Raises
        ------
        ValueError
            If two steps have the same name.
        TypeError
            If a step is not an augmentation.
        """
        self._validate_params()
        steps = self._named_steps
        self._validate_names([name for name, _ in steps])
        for name, step in steps:
            if isinstance(step, type) or not (callable(step) or step == "passthrough"):
                raise TypeError(
                    "The steps of Compose must be augmentations or 'passthrough'. "
                    f"Got {step!r} for {name!r}."
                )
        for _, step in steps:
            if step != "passthrough":
                sound = step(sound, *arguments)
        return sound


def _is_named(step):
    return isinstance(step, tuple) and len(step) == 2
