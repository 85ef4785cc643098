"""A published network behind the features that it was trained on."""

from sklearn.pipeline import make_pipeline

from sk_audioevents.classification._published_front_end import published_front_end
from sk_audioevents.classification._vgg_classifier import VGGEventClassifier
from sk_audioevents.features import LogMelTransformer


def make_pretrained_pipeline(state, layout="kumar2018", classes=None, **parameters):
    """Make a fitted pipeline from published weights: from recordings to the classes of AudioSet.

    It begins with the `LogMelTransformer` that the weights are for, so that sample rate, bands and
    levels are right.

    Parameters
    ----------
    state : dict, str or os.PathLike
        The published tensors by name, or the file that holds them.
    layout : {"kumar2018", "cnn6", "cnn10", "cnn14"}, default="kumar2018"
        The network.
    classes : array-like of shape (n_classes,), default=None
        The names of the outputs, in their order. None is the 527 classes of AudioSet.
    **parameters : dict
        Further parameters of the classifier, such as ``device`` or ``segment_frames``.

    Returns
    -------
    pipeline : Pipeline
        Fitted, for clips of several labels: ``predict_proba`` gives the probabilities of
        ``classes_``.

    Raises
    ------
    ValueError
        As `VGGEventClassifier.from_torch_state_dict` does, which says more on all parameters.

    See Also
    --------
    published_front_end : The parameters of the features alone.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_audioevents.classification import make_pretrained_pipeline
    >>> model = make_pretrained_pipeline("Cnn14_mAP=0.431.pth", layout="cnn14")  # doctest: +SKIP
    >>> scores = model.predict_proba(["dawn_chorus.wav"])[0]  # doctest: +SKIP
    >>> model.classes_[np.argsort(scores)[::-1][:3]]  # doctest: +SKIP
    """
    classifier = VGGEventClassifier.from_torch_state_dict(state, layout, classes, **parameters)
    return make_pipeline(LogMelTransformer(**published_front_end(layout)), classifier)
