"""What a model consists of: a front end, a segmenter and a classifier."""

from typing import NamedTuple

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sk_audioevents.classification import VGGEventClassifier, WaveformEventClassifier
from sk_audioevents.features import LogMelTransformer, MFCCTransformer
from sk_audioevents.segments import SLATSegmenter

FORMS = (
    "a fitted VGGEventClassifier or WaveformEventClassifier, or a pipeline of LogMelTransformer or "
    "MFCCTransformer, SLATSegmenter or nothing, and VGGEventClassifier"
)
# What wraps the models that can be exported, and where it keeps them.
WRAPPERS = {"best_estimator_": "a search", "estimator_": "a detector or calibration"}


class ModelParts(NamedTuple):
    """The steps of a model that can be exported.

    Attributes
    ----------
    front_end : LogMelTransformer, MFCCTransformer or None
        What makes frames of waveforms; None where frames come in, or the network reads waveforms.
    segmenter : SLATSegmenter or None
        What cuts frames into segments.
    classifier : VGGEventClassifier or WaveformEventClassifier
        The classifier, fitted.
    """

    front_end: LogMelTransformer | MFCCTransformer | None
    segmenter: SLATSegmenter | None
    classifier: VGGEventClassifier | WaveformEventClassifier

    @property
    def reads_waveforms(self):
        """Whether the network itself reads waveforms."""
        return isinstance(self.classifier, WaveformEventClassifier)

    @property
    def steps(self):
        """The steps that there are, in order."""
        return [step for step in self if step is not None]


def model_parts(model):
    """Tell apart the steps of a model.

    Parameters
    ----------
    model : estimator
        A classifier or a pipeline.

    Returns
    -------
    parts : ModelParts
        The steps.

    Raises
    ------
    TypeError
        If the model has a step that cannot be exported.
    """
    steps = _flat_steps(model)
    *before, classifier = steps
    if isinstance(classifier, WaveformEventClassifier) and not before:
        parts = ModelParts(None, None, classifier)
    elif isinstance(classifier, VGGEventClassifier):
        parts = _vgg_parts(before, classifier, steps)
    else:
        raise _not_exportable(model, steps)
    check_is_fitted(classifier)
    return parts


def _vgg_parts(before, classifier, steps):
    front_end = segmenter = None
    if before and isinstance(before[0], (LogMelTransformer, MFCCTransformer)):
        front_end = before.pop(0)
    if before and isinstance(before[0], SLATSegmenter):
        segmenter = before.pop(0)
    if before:
        raise _not_exportable(before[0], steps)
    return ModelParts(front_end, segmenter, classifier)


def _flat_steps(model):
    """Return the steps of a pipeline and of those within it, without those that do nothing."""
    if isinstance(model, FrozenEstimator):
        return _flat_steps(model.estimator)
    if not isinstance(model, Pipeline):
        return [model]
    return [
        inner
        for _, step in model.steps
        if step is not None and step != "passthrough"
        for inner in _flat_steps(step)
    ]


def _not_exportable(culprit, steps):
    found = ", ".join(type(step).__name__ for step in steps)
    hint = ""
    for attribute, what in WRAPPERS.items():
        if hasattr(culprit, attribute):
            hint = f": pass the '{attribute}' of {what}"
    return TypeError(
        f"The 'model' parameter of export_onnx must be {FORMS}. Got {found} instead{hint}."
    )
