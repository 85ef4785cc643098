"""Explanations by gradients, to compare relevance propagation with."""

from functools import partial
from numbers import Integral

import torch
from sklearn.base import BaseEstimator
from torch.nn import functional

from sk_audioevents._base import Interval, StrOptions, validate_params
from sk_audioevents.explain._folded_network import Convolution
from sk_audioevents.explain._recordings import explain

_CONSTRAINTS = {
    "estimator": [BaseEstimator],
    "output": [StrOptions({"clip", "segment"})],
    "segment": [Integral, None],
}


@validate_params(_CONSTRAINTS, prefer_skip_nested_validation=True)
def gradient_times_input(estimator, X, *, target=None, output="clip", segment=None):
    """Multiply each standardised frame and band with the derivative of the score by it.

    Parameters
    ----------
    estimator : VGGEventClassifier or Pipeline
        The fitted estimator, as for `explain_lrp`.
    X : array, list, Series or DataFrame
        What it predicts on.
    target : label, int or array-like, default=None
        The class to explain, or several, as for `explain_lrp`.
    output : {"clip", "segment"}, default="clip"
        Whether the score of the clip is explained, or that of one segment.
    segment : int, default=None
        Which segment, as for `explain_lrp`.

    Returns
    -------
    relevance : Relevance or RecordingRelevance
        The maps; ``bias_relevance`` is what they leave of the score.

    See Also
    --------
    explain_lrp : Conserves the score, and points at the event.

    Notes
    -----
    The weights of the segments in the score are held constant, as for all methods here.

    References
    ----------
    .. [1] A. Shrikumar, P. Greenside and A. Kundaje, "Learning important features through
       propagating activation differences", ICML 2017, arXiv:1704.02685.

    Examples
    --------
    >>> from sk_audioevents import LogMelTransformer, VGGEventClassifier
    >>> from sk_audioevents.datasets import make_sound_events
    >>> from sk_audioevents.explain import gradient_times_input
    >>> data = make_sound_events(n_clips=8, n_classes=2, duration=1.0, random_state=0)
    >>> X = LogMelTransformer(sample_rate=22050, n_mels=40).transform(data.waveforms)
    >>> tiny = VGGEventClassifier(channels=(4, 8), embedding_dim=8, max_epochs=3, random_state=0)
    >>> gradient_times_input(tiny.fit(X, data.target), X).relevance.shape
    (8, 44, 40)
    """
    return explain(estimator, X, _GradientTimesInput, target, output, segment)


@validate_params(
    {**_CONSTRAINTS, "n_steps": [Interval(Integral, 1, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def integrated_gradients(estimator, X, *, target=None, n_steps=32, output="clip", segment=None):
    """Multiply each frame and band with the mean derivative on the way from the mean sound.

    The way is a straight line from frames that have the training data's mean in each band, so that
    nothing stands out, to the clip.

    Parameters
    ----------
    estimator : VGGEventClassifier or Pipeline
        The fitted estimator, as for `explain_lrp`.
    X : array, list, Series or DataFrame
        What it predicts on.
    target : label, int or array-like, default=None
        The class to explain, or several, as for `explain_lrp`.
    n_steps : int, default=32
        Number of points on the way, at the middles of equal parts of it.
    output : {"clip", "segment"}, default="clip"
        Whether the score of the clip is explained, or that of one segment.
    segment : int, default=None
        Which segment, as for `explain_lrp`.

    Returns
    -------
    relevance : Relevance or RecordingRelevance
        The maps; ``bias_relevance`` is the score of the mean sound. With many steps they add up to
        the score.

    See Also
    --------
    explain_lrp : Adds up exactly, in a fraction of the time.

    References
    ----------
    .. [1] M. Sundararajan, A. Taly and Q. Yan, "Axiomatic attribution for deep networks", ICML
       2017, arXiv:1703.01365, equation 3.

    Examples
    --------
    >>> from sk_audioevents import LogMelTransformer, VGGEventClassifier
    >>> from sk_audioevents.datasets import make_sound_events
    >>> from sk_audioevents.explain import integrated_gradients
    >>> data = make_sound_events(n_clips=8, n_classes=2, duration=1.0, random_state=0)
    >>> X = LogMelTransformer(sample_rate=22050, n_mels=40).transform(data.waveforms)
    >>> tiny = VGGEventClassifier(channels=(4, 8), embedding_dim=8, max_epochs=3, random_state=0)
    >>> integrated_gradients(tiny.fit(X, data.target), X, n_steps=4).relevance.shape
    (8, 44, 40)
    """
    method = partial(_IntegratedGradients, n_steps=n_steps)
    return explain(estimator, X, method, target, output, segment)


@validate_params({**_CONSTRAINTS, "layer": [Integral]}, prefer_skip_nested_validation=True)
def grad_cam(estimator, X, *, target=None, layer=-2, output="clip", segment=None):
    """Show where a layer's channels fire that raise the score.

    Each channel of the layer is weighted by the mean derivative of the score by it; the positive
    part of the weighted sum is interpolated to frames and bands.

    Parameters
    ----------
    estimator : VGGEventClassifier or Pipeline
        The fitted estimator, as for `explain_lrp`.
    X : array, list, Series or DataFrame
        What it predicts on.
    target : label, int or array-like, default=None
        The class to explain, or several, as for `explain_lrp`.
    layer : int, default=-2
        Which convolution, counted from 0 at the input or from -1 at the embedding.
    output : {"clip", "segment"}, default="clip"
        Whether the score of the clip is explained, or that of one segment.
    segment : int, default=None
        Which segment, as for `explain_lrp`.

    Returns
    -------
    relevance : Relevance or RecordingRelevance
        The maps, never negative. They add up to nothing: ``bias_relevance`` is NaN.

    See Also
    --------
    explain_lrp : As fine as the frames, and shows what speaks against the class too.

    References
    ----------
    .. [1] R. R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via
       gradient-based localization", ICCV 2017, arXiv:1610.02391, equations 1 and 2.

    Examples
    --------
    >>> from sk_audioevents import LogMelTransformer, VGGEventClassifier
    >>> from sk_audioevents.datasets import make_sound_events
    >>> from sk_audioevents.explain import grad_cam
    >>> data = make_sound_events(n_clips=8, n_classes=2, duration=1.0, random_state=0)
    >>> X = LogMelTransformer(sample_rate=22050, n_mels=40).transform(data.waveforms)
    >>> tiny = VGGEventClassifier(channels=(4, 8), embedding_dim=8, max_epochs=3, random_state=0)
    >>> grad_cam(tiny.fit(X, data.target), X).relevance.shape
    (8, 44, 40)
    """
    return explain(estimator, X, partial(_GradCAM, layer=layer), target, output, segment)


class _GradientMethod:
    """What methods share that derive a weighted sum of logits by something.

    The LSTM is the module's own: evaluating it changes nothing of the module.
    """

    def __init__(self, module, network, frames):
        self.module = module
        self.network = network
        self.x = network.standardise(frames)
        with torch.no_grad():
            self.logits = module.classify(network.run(self.x))

    def _score(self, embeddings, weights, columns, signs):
        """Return the scores (B,) of embeddings."""
        # cuDNN's LSTM has no gradient in evaluation mode, which is not to be changed.
        with torch.backends.cudnn.flags(enabled=False):
            logits = self.module.classify(embeddings)
        logits = logits[torch.arange(len(logits), device=logits.device), :, columns]  # (B, K)
        return signs * (logits * weights).sum(dim=1)

    def _gradient(self, x, *question, start=None):
        """Return scores, and their derivative by the input of the network's step ``start``."""
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            score = self._score(self.network.run(x, start=start), *question)
            (gradient,) = torch.autograd.grad(score.sum(), x)
        return score.detach(), gradient


class _GradientTimesInput(_GradientMethod):
    def relevance(self, *question):
        score, gradient = self._gradient(self.x, *question)
        relevance = self.x * gradient
        explained = relevance.sum(dim=(1, 2, 3), dtype=torch.float64)
        return relevance[:, 0], score.double() - explained


class _IntegratedGradients(_GradientMethod):
    def __init__(self, module, network, frames, n_steps):
        super().__init__(module, network, frames)
        self.n_steps = n_steps

    def relevance(self, *question):
        total = torch.zeros_like(self.x)
        for step in range(self.n_steps):
            _, gradient = self._gradient((step + 0.5) / self.n_steps * self.x, *question)
            total += gradient
        with torch.no_grad():
            mean_sound = self._score(self.network.run(torch.zeros_like(self.x)), *question)
        return (self.x * total / self.n_steps)[:, 0], mean_sound.double()


class _GradCAM(_GradientMethod):
    def __init__(self, module, network, frames, layer):
        super().__init__(module, network, frames)
        steps = [i for i, step in enumerate(network.steps) if isinstance(step, Convolution)]
        if not -len(steps) <= layer < len(steps):
            raise ValueError(
                f"The 'layer' parameter of grad_cam must be one of the {len(steps)} convolutions, "
                f"counted from 0. Got {layer} instead."
            )
        self.start = steps[layer] + 1

    def relevance(self, *question):
        with torch.no_grad():
            activation = self.network.run(self.x, stop=self.start)  # (B, C, T', F')
        _, gradient = self._gradient(activation, *question, start=self.start)
        channel_weight = gradient.mean(dim=(2, 3), keepdim=True)
        heat = torch.relu((channel_weight * activation).sum(dim=1, keepdim=True))
        heat = functional.interpolate(heat, self.x.shape[2:], mode="bilinear")
        return heat[:, 0], torch.full((len(heat),), torch.nan, dtype=torch.float64)
