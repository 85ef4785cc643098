"""Layer-wise relevance propagation: which part of the sound decided."""

from numbers import Integral

from sklearn.base import BaseEstimator

from sk_audioevents._base import StrOptions, validate_params
from sk_audioevents.explain._composites import checked_ranges, rules_of_layers
from sk_audioevents.explain._folded_network import propagate
from sk_audioevents.explain._head import Head
from sk_audioevents.explain._recordings import explain
from sk_audioevents.explain._rules import Rule


@validate_params(
    {
        "estimator": [BaseEstimator],
        "rule": [str, Rule, list, tuple],
        "bias": [StrOptions({"distribute", "keep"})],
        "output": [StrOptions({"clip", "segment"})],
        "segment": [Integral, None],
    },
    prefer_skip_nested_validation=True,
)
def explain_lrp(
    estimator,
    X,
    *,
    target=None,
    rule="composite",
    bias="distribute",
    output="clip",
    segment=None,
):
    r"""Tell which part of the sound decided, by layer-wise relevance propagation.

    The score of a class is taken back through the network, layer by layer, each neuron sharing out
    what it has got to those that it was computed from, until each frame and band of the input has
    its share.

    Parameters
    ----------
    estimator : VGGEventClassifier, WaveformEventClassifier or Pipeline
        A fitted classifier, or a fitted pipeline of a `LogMelTransformer` or `MFCCTransformer`,
        perhaps a `SLATSegmenter`, and a classifier.
    X : array, list, Series or DataFrame
        What the estimator predicts on: recordings for a pipeline, frames or bags for a classifier.
    target : label, int or array-like, default=None
        The class to explain, or its index in ``classes_`` where labels are no numbers; an array
        (n_clips,) of one for each clip; or an array (n_clips, n_targets) or (1, n_targets) of
        several. None is the class that is most probable.
    rule : str, rule or list of (start, stop, rule), default="composite"
        How relevance is shared out in the convolutions: the name of one rule for all, "epsilon",
        "gamma", "alpha-beta", "z-plus", "flat" or "z-box"; a rule with other parameters, such as
        ``GammaRule(0.5)``; or a list of rules for ranges of layers, which are counted from 0 at the
        input and from -1 at the embedding, as in slices; later items win. "composite" is
        ``[(None, None, "gamma"), (-3, None, "epsilon"), (0, 1, "flat")]``.
    bias : {"distribute", "keep"}, default="distribute"
        What becomes of the share of each bias: it goes to the positive products that it was added
        to, so that relevance alone adds up to the score, or it is kept in ``bias_relevance``.
    output : {"clip", "segment"}, default="clip"
        What is explained: the score of the clip, or that of one segment.
    segment : int, default=None
        Which segment, counted from 0, or from the end if negative. None is the one in which the
        class is most probable. Only for ``output="segment"``.

    Returns
    -------
    relevance : Relevance or RecordingRelevance
        The maps and the scores that they add up to; for a pipeline, over the time of the recording
        in seconds and frequency in hertz.

    Raises
    ------
    NotFittedError
        If the classifier is not fitted.
    TypeError
        If the estimator is none of these.
    ValueError
        If there is no such class, rule or segment.

    See Also
    --------
    gradient_times_input : The same map as the ε rule with ``bias="keep"``, but for the LSTM.
    integrated_gradients : The mean gradient on the way from the mean sound.
    grad_cam : Where the last layers fire for the class.

    Notes
    -----
    The explained score is a weighted mean of the segment logits :math:`z_k`,

    .. math:: \sum_k w_k z_k, \qquad w_k = \frac{a_k p_k}{\sum_j a_j p_j},

    where :math:`a_k p_k` is what segment k adds to the pooled probability
    :math:`\sum_k a_k p_k` of the class. A logit of that sum itself has no decomposition. With
    "max" pooling one segment has all the weight: a second event of the class gets nothing, however
    loud. In a binary problem the logit of the first class is that of the second, negated.

    The class layer shares by products without a stabiliser, the LSTM as Arras et al. have it: the
    signal takes all at its products with gates.

    ``bias="distribute"`` is not from the literature. On trained networks, biases keep 16 % to 210 %
    of the score with the usual rules, and leaving them out of the denominators alone explodes with
    "epsilon" and "gamma".

    References
    ----------
    .. [1] S. Bach, A. Binder, G. Montavon, F. Klauschen, K.-R. Müller and W. Samek, "On pixel-wise
       explanations for non-linear classifier decisions by layer-wise relevance propagation", PLoS
       ONE 10(7), 2015.
    .. [2] L. Arras, G. Montavon, K.-R. Müller and W. Samek, "Explaining recurrent neural network
       predictions in sentiment analysis", WASSA 2017, arXiv:1706.07206.

    Examples
    --------
    >>> from sk_audioevents import LogMelTransformer, VGGEventClassifier
    >>> from sk_audioevents.datasets import make_sound_events
    >>> from sk_audioevents.explain import explain_lrp
    >>> data = make_sound_events(n_clips=8, n_classes=2, duration=1.0, random_state=0)
    >>> X = LogMelTransformer(sample_rate=22050, n_mels=40).transform(data.waveforms)
    >>> tiny = VGGEventClassifier(channels=(4, 8), embedding_dim=8, max_epochs=3, random_state=0)
    >>> result = explain_lrp(tiny.fit(X, data.target), X)
    >>> result.relevance.shape
    (8, 44, 40)
    >>> bool(abs(result.relevance.sum(axis=(1, 2)) - result.score).max() < 1e-5)
    True
    """
    ranges = checked_ranges(rule, "explain_lrp")

    def method(module, network, frames):
        rules = rules_of_layers(ranges, network.n_layers, "explain_lrp")
        return _Propagation(module, network, frames, rules, distribute=bias == "distribute")

    return explain(estimator, X, method, target, output, segment)


class _Propagation:
    """One forward pass, and relevance on the way back."""

    def __init__(self, module, network, frames, rules, distribute):
        embeddings, self._record = network.record(network.standardise(frames))
        self._head = Head(module, embeddings, distribute)
        self._rules = rules
        self._distribute = distribute
        self.logits = self._head.logits

    def relevance(self, weights, columns, signs):
        relevance, kept_by_head = self._head.relevance(weights, columns, signs)
        relevance, kept = propagate(self._record, relevance, self._rules, self._distribute)
        return relevance[:, 0], kept_by_head + kept
