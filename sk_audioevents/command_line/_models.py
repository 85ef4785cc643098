"""Saved models, whatever they are, and the names of their classes."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from sk_audioevents.command_line._recordings import LABEL_SEPARATOR
from sk_audioevents.events import SoundEventDetector
from sk_audioevents.persistence import load_model

THRESHOLD = 0.5  # of events, for a model that has none of its own


@dataclass(frozen=True)
class SavedModel:
    """A model, and what its classes are called.

    Attributes
    ----------
    model : estimator
        The model.
    """

    model: BaseEstimator

    @classmethod
    def load(cls, options, messages):
        """Load the model that the user named."""
        messages.tell(f"Loading {options.model}.")
        model = cls(load_model(options.model, device=options.device))
        for step in model.steps:
            if options.n_jobs is not None and "n_jobs" in step.get_params(deep=False):
                step.set_params(n_jobs=options.n_jobs)
        if not hasattr(model.model, "predict_proba"):
            raise TypeError(
                f"The model must have predict_proba. {options.model!r} is a "
                f"{type(model.steps[-1]).__name__}, which has not."
            )
        return model

    @property
    def classifier(self):
        """The classifier or pipeline, without the detector around it."""
        if isinstance(self.model, SoundEventDetector):
            model = self.model
            return getattr(model, "estimator_", model.estimator)
        return self.model

    @property
    def steps(self):
        """The steps of the classifier, in order."""
        model = self.classifier
        while isinstance(model, FrozenEstimator):
            model = model.estimator
        if not isinstance(model, Pipeline):
            return [model]
        return [step for _, step in model.steps if isinstance(step, BaseEstimator)]

    @property
    def multilabel(self):
        """Whether a clip may have several classes, or none."""
        last = self.steps[-1]
        labels = getattr(last, "_labels", None)
        return isinstance(self.model.classes_, list) if labels is None else labels.multilabel

    @property
    def names(self):
        """What the classes are called, in the order of the columns of probabilities."""
        names = [str(label) for label in self.model.classes_]
        labels = getattr(self.model, "_labels", None)
        if isinstance(self.model, SoundEventDetector) and labels is not None:
            for name, column in zip(labels.names, labels.columns):
                names[column] = str(name)
        return names

    def detector(self, options):
        """Return a detector with the rules that the user asked for."""
        detector = self.model
        if not isinstance(detector, SoundEventDetector) or options.threshold is not None:
            rules = {}
            if isinstance(detector, SoundEventDetector):
                rules = detector.get_params(deep=False)
            rules |= {
                "estimator": FrozenEstimator(self.classifier),
                "threshold": THRESHOLD if options.threshold is None else options.threshold,
                "class_names": self.names,
            }
            detector = SoundEventDetector(**rules)
        for name in ("min_duration", "merge_gap", "median_filter"):
            if getattr(options, name) is not None:
                detector.set_params(**{name: getattr(options, name)})
        return detector

    def column(self, name):
        """Return the column of the class of a name."""
        names = self.names
        if name not in names:
            raise ValueError(
                f"The class must be one of {', '.join(map(repr, names))}. Got {name!r} instead."
            )
        return names.index(name)

    def labels(self, probabilities):
        """Return the label of each row of probabilities; several, or none, in multi-label."""
        names = np.array(self.names, dtype=object)
        if not self.multilabel:
            return names[probabilities.argmax(axis=1)]
        return [LABEL_SEPARATOR.join(names[row > 0.5]) for row in probabilities]
