"""Rules of relevance propagation: how a neuron that fires shares out its relevance to its inputs.

G. Montavon, A. Binder, S. Lapuschkin, W. Samek and K.-R. Müller, "Layer-wise relevance propagation:
an overview", in Explainable AI, LNCS 11700, Springer 2019.
"""

from dataclasses import dataclass
from numbers import Real
from typing import NamedTuple

import torch
from torch.nn import functional

NEGLIGIBLE = 1e-12  # products that sum to less are taken for none; activations are around 1
TINY = 1e-30  # divides without overflow


class Ratios(NamedTuple):
    """What outputs hand on for each unit of a product, and what their biases keep.

    Attributes
    ----------
    all, positive, negative : Tensor of shape (B, C_out, T, F) or None
        For each unit of any product, of a positive, and of a negative one. None is 0.
    kept : Tensor of shape (B, C_out, T, F) or None
        The share of the bias and the stabiliser.
    """

    all: torch.Tensor | None = None
    positive: torch.Tensor | None = None
    negative: torch.Tensor | None = None
    kept: torch.Tensor | None = None


class Rule:
    """Base of the rules; a subclass implements ``_share(products, relevance, distribute)``."""

    def propagate(self, products, relevance, distribute):
        """Take relevance from the outputs of a layer to its inputs.

        Parameters
        ----------
        products : Products
            The layer with its inputs and outputs.
        relevance : Tensor of shape (B, C_out, T', F')
            Relevance of the outputs, after the ReLU.
        distribute : bool
            Whether the share of the bias goes to the positive products, or evenly to the inputs
            where there are none, instead of being kept.

        Returns
        -------
        relevance : Tensor of shape (B, C_in, T, F)
            Relevance of the inputs.
        kept : float64 Tensor of shape (B,)
            What biases and stabilisers kept.
        """
        shared, kept = self._share(products, relevance, distribute)
        if kept is None:
            return shared, relevance.new_zeros(len(relevance), dtype=torch.float64)
        return shared, kept.sum(dim=(1, 2, 3), dtype=torch.float64)


class ProductRule(Rule):
    """Base of the rules that share by products; a subclass implements ``_ratios``.

    An output that does not fire (the ReLU holds it at 0) has no products to share by: relevance
    that reaches it all the same, under the flat rule, goes evenly to all its inputs.
    """

    def _share(self, products, relevance, distribute):
        firing = relevance * _above(products.output, 0)
        even = relevance - firing
        ratios = self._ratios(products, firing)
        if distribute:
            ratios, unplaced = _give_to_positive(products, ratios)
            even += unplaced
        shared = products.share(ratios)
        if even.abs().amax() > 0:
            shared += products.convolution.share_equally(even, products.x.shape)
        return shared, ratios.kept

    def _ratios(self, products, relevance):
        """Return the `Ratios` for outputs that fire; the relevance of all others is 0."""
        raise NotImplementedError


def _give_to_positive(products, ratios):
    """Return ratios by which positive products share what was kept; what they could not take."""
    total = products.positive_sum
    placed = ratios.kept * _above(total, NEGLIGIBLE)
    extra = placed / total.clamp_min(NEGLIGIBLE)
    positive = extra if ratios.positive is None else extra.add_(ratios.positive)
    return ratios._replace(positive=positive, kept=None), ratios.kept - placed


def _above(x, least):
    """Return 1 where x is above a value, else 0, as floats: faster than to work with booleans."""
    return functional.threshold(x, least, 0.0).sign_()


@dataclass(frozen=True)
class EpsilonRule(ProductRule):
    r"""Share relevance in proportion to each input's product with its weight.

    .. math:: R_i = \sum_j \frac{x_i w_{ij}}{z_j + \epsilon} R_j, \qquad z_j = \sum_i x_i w_{ij} +
              b_j

    for outputs :math:`z_j > 0`. With small ε in all layers this is gradient × input.

    Parameters
    ----------
    epsilon : float, default=1e-9
        The stabiliser ε, at least 0. A larger one lets weak outputs hand on less.

    References
    ----------
    .. [1] S. Bach et al., "On pixel-wise explanations for non-linear classifier decisions by
       layer-wise relevance propagation", PLoS ONE 10(7), 2015, equation 58.

    Examples
    --------
    >>> from sk_audioevents.explain import EpsilonRule
    >>> EpsilonRule(epsilon=0.1)
    EpsilonRule(epsilon=0.1)
    """

    epsilon: float = 1e-9

    def __post_init__(self):
        _check_range(self, "epsilon", 0)

    def _ratios(self, products, relevance):
        ratio = _divide(relevance, products.output + self.epsilon)
        return Ratios(all=ratio, kept=ratio * (products.bias + self.epsilon))


@dataclass(frozen=True)
class GammaRule(ProductRule):
    r"""Share relevance by products, of which the positive ones count more.

    .. math:: R_i = \sum_j \frac{x_i w_{ij} + \gamma\, (x_i w_{ij})^+}{z_j + \gamma z_j^+} R_j

    with :math:`z_j^+` the sum of the positive products and the positive bias. 0 is the ε rule, and
    infinity the z⁺ rule.

    Parameters
    ----------
    gamma : float, default=0.25
        How much more positive products count, at least 0.

    References
    ----------
    .. [1] G. Montavon et al., "Layer-wise relevance propagation: an overview", in Explainable AI,
       LNCS 11700, Springer 2019, section 10.2.2.

    Examples
    --------
    >>> from sk_audioevents.explain import GammaRule
    >>> GammaRule(gamma=1.0)
    GammaRule(gamma=1.0)
    """

    gamma: float = 0.25

    def __post_init__(self):
        _check_range(self, "gamma", 0)

    def _ratios(self, products, relevance):
        rising = products.bias.clamp_min(0)
        total = torch.add(products.output, products.positive_sum, alpha=self.gamma)
        ratio = _divide(relevance, total.add_(self.gamma * rising))
        return Ratios(
            all=ratio,
            positive=self.gamma * ratio,
            kept=ratio * (products.bias + self.gamma * rising),
        )


@dataclass(frozen=True)
class AlphaBetaRule(ProductRule):
    r"""Share relevance by positive and negative products, weighed apart.

    .. math:: R_i = \sum_j \left(\alpha \frac{(x_i w_{ij})^+}{z_j^+} - \beta \frac{(x_i
              w_{ij})^-}{z_j^-}\right) R_j, \qquad \alpha - \beta = 1

    with the signed sums of products and biases below the fractions. An output without anything
    negative shares by the positive ones alone.

    Parameters
    ----------
    alpha : float, default=2.0
        Weight of what speaks for the output, at least 1; β is one less.

    References
    ----------
    .. [1] S. Bach et al., "On pixel-wise explanations for non-linear classifier decisions by
       layer-wise relevance propagation", PLoS ONE 10(7), 2015, equation 60.

    Examples
    --------
    >>> from sk_audioevents.explain import AlphaBetaRule
    >>> AlphaBetaRule(alpha=1.5)
    AlphaBetaRule(alpha=1.5)
    """

    alpha: float = 2.0

    def __post_init__(self):
        _check_range(self, "alpha", 1)

    def _ratios(self, products, relevance):
        rising, falling = products.bias.clamp_min(0), products.bias.clamp_max(0)
        against = products.negative_sum + falling
        beta = (self.alpha - 1) * _above(-against, NEGLIGIBLE)
        positive = (1 + beta) * _divide(relevance, products.positive_sum + rising)
        negative = beta * _divide(relevance, -against)
        return Ratios(
            positive=positive, negative=negative, kept=positive * rising + negative * falling
        )


@dataclass(frozen=True)
class ZPlusRule(ProductRule):
    r"""Share relevance by the positive products alone.

    .. math:: R_i = \sum_j \frac{(x_i w_{ij})^+}{z_j^+} R_j

    Smooth and never negative, but hardly different from class to class.

    References
    ----------
    .. [1] G. Montavon, S. Lapuschkin, A. Binder, W. Samek and K.-R. Müller, "Explaining nonlinear
       classification decisions with deep Taylor decomposition", Pattern Recognition 65, 2017.

    Examples
    --------
    >>> from sk_audioevents.explain import ZPlusRule
    >>> ZPlusRule()
    ZPlusRule()
    """

    def _ratios(self, products, relevance):
        rising = products.bias.clamp_min(0)
        ratio = _divide(relevance, products.positive_sum + rising)
        return Ratios(positive=ratio, kept=ratio * rising)


@dataclass(frozen=True)
class FlatRule(Rule):
    """Share the relevance of each output evenly over the inputs that it sees.

    For the first layer: there, inputs near the training data's mean would get nothing by any rule
    that shares by products, though their being so may be what counts. Biases take no part.

    References
    ----------
    .. [1] S. Lapuschkin, A. Binder, K.-R. Müller and W. Samek, "Understanding and comparing deep
       neural networks for age and gender classification", ICCV Workshops 2017, arXiv:1708.07689.

    Examples
    --------
    >>> from sk_audioevents.explain import FlatRule
    >>> FlatRule()
    FlatRule()
    """

    def _share(self, products, relevance, distribute):  # noqa: ARG002
        return products.convolution.share_equally(relevance, products.x.shape), None


@dataclass(frozen=True)
class ZBoxRule(Rule):
    r"""Share relevance by how far each input is from the end of its range that counts least.

    .. math:: R_i = \sum_j \frac{x_i w_{ij} - l w_{ij}^+ - h w_{ij}^-}{\sum_k x_k w_{kj} - l
              w_{kj}^+ - h w_{kj}^-} R_j

    For the first layer. Biases take no part. The range is fixed, so that clips do not change each
    other's maps; where a value lies beyond, the range is widened for it alone.

    Parameters
    ----------
    low, high : float, default=-5.0, 5.0
        Range of the inputs, in standard deviations of a band in the training data.

    References
    ----------
    .. [1] G. Montavon, S. Lapuschkin, A. Binder, W. Samek and K.-R. Müller, "Explaining nonlinear
       classification decisions with deep Taylor decomposition", Pattern Recognition 65, 2017.

    Examples
    --------
    >>> from sk_audioevents.explain import ZBoxRule
    >>> ZBoxRule(low=-3.0, high=4.0)
    ZBoxRule(low=-3.0, high=4.0)
    """

    low: float = -5.0
    high: float = 5.0

    def __post_init__(self):
        _check_range(self, "low")
        _check_range(self, "high")
        if not self.low < self.high:
            raise ValueError(
                "The 'low' parameter of ZBoxRule must be less than 'high'. Got "
                f"low={self.low}, high={self.high} instead."
            )

    def _share(self, products, relevance, distribute):  # noqa: ARG002
        convolution, x = products.convolution, products.x
        parts = [
            (x, convolution.weight),
            (-x.clamp_max(self.low), convolution.rising),
            (-x.clamp_min(self.high), convolution.falling),
        ]
        total = convolution.sum(parts)
        some = total > NEGLIGIBLE
        ratio = torch.where(some, relevance / torch.where(some, total, 1), 0)
        even = convolution.share_equally(torch.where(some, 0, relevance), x.shape)
        return convolution.share(ratio, parts) + even, None


def _divide(relevance, total):
    """Divide by what is positive wherever there is relevance, but for rounding noise."""
    return relevance / total.clamp_min(TINY)


def _check_range(rule, name, least=float("-inf")):
    value = getattr(rule, name)
    if not isinstance(value, Real) or not least <= value < float("inf"):
        bounds = "finite" if least == float("-inf") else f"in the range [{least}, inf)"
        raise ValueError(
            f"The '{name}' parameter of {type(rule).__name__} must be a float {bounds}. Got "
            f"{value!r} instead."
        )
