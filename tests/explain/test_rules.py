"""What rules conserve, how they are related, and what they refuse."""

import numpy as np
import pytest
import torch

from sk_audioevents.explain import (
    AlphaBetaRule,
    EpsilonRule,
    FlatRule,
    GammaRule,
    ZBoxRule,
    ZPlusRule,
)
from sk_audioevents.explain._convolution import Convolution, Products

RULES = [
    EpsilonRule(),
    EpsilonRule(0.2),
    GammaRule(0.25),
    AlphaBetaRule(2.0),
    ZPlusRule(),
    FlatRule(),
    ZBoxRule(-1.0, 1.2),
]


def layer(signed, seed=0):
    """Return a convolution, two clips for it, their outputs, and relevance of outputs that fire."""
    rng = np.random.default_rng(seed)
    weight, bias = rng.normal(size=(4, 3, 3, 2)), rng.normal(size=4)
    x = rng.normal(size=(2, 3, 5, 6))
    x = x if signed else np.maximum(x, 0)
    convolution = Convolution(torch.from_numpy(weight), torch.from_numpy(bias), (1, 0))
    x = torch.from_numpy(x)
    output = convolution(x)
    relevance = torch.from_numpy(rng.normal(size=output.shape)) * torch.relu(output)
    return convolution, x, output, relevance


def propagate(rule, convolution, x, relevance, signed, distribute):
    products = Products(convolution, x, convolution(x), signed)
    return rule.propagate(products, relevance, distribute)


@pytest.mark.parametrize("distribute", [False, True])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_relevance_of_outputs_that_do_not_fire_is_spread_and_conserved(rule, distribute):
    convolution, x, output, _ = layer(signed=False)
    relevance = torch.where(output > 0, 0.0, 1.0).double()
    shared, kept = propagate(rule, convolution, x, relevance, False, distribute)
    torch.testing.assert_close(shared.sum((1, 2, 3)) + kept, relevance.sum((1, 2, 3)))
    assert (shared >= -1e-12).all()


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_layer_without_any_positive_product_conserves_too(rule):
    convolution, x, _, _ = layer(signed=False)
    silent = Convolution(-convolution.weight.abs(), convolution.bias.abs() + 1, (1, 0))
    zeros = torch.zeros_like(x)
    relevance = torch.relu(silent(zeros))
    shared, kept = propagate(rule, silent, zeros, relevance, False, True)
    assert not kept.any()
    torch.testing.assert_close(shared.sum((1, 2, 3)), relevance.sum((1, 2, 3)))


def test_gamma_lies_between_epsilon_and_z_plus():
    convolution, x, _, relevance = layer(signed=False)

    def shared(rule):
        return propagate(rule, convolution, x, relevance, False, False)[0]

    torch.testing.assert_close(shared(GammaRule(0.0)), shared(EpsilonRule(0.0)))
    torch.testing.assert_close(shared(GammaRule(1e9)), shared(ZPlusRule()), atol=1e-6, rtol=1e-6)


def test_alpha_one_is_z_plus():
    convolution, x, _, relevance = layer(signed=True)
    one, plus = (
        propagate(rule, convolution, x, relevance, True, False)
        for rule in (AlphaBetaRule(1.0), ZPlusRule())
    )
    torch.testing.assert_close(one, plus)


def test_z_box_widens_its_range_for_a_value_that_lies_beyond():
    convolution, x, _, relevance = layer(signed=True)
    narrow = propagate(ZBoxRule(-0.1, 0.1), convolution, x, relevance, True, False)[0]
    torch.testing.assert_close(narrow.sum((1, 2, 3)), relevance.sum((1, 2, 3)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EpsilonRule(-1), r"'epsilon' parameter of EpsilonRule must be a float in the"),
        (lambda: GammaRule("much"), r"'gamma' parameter of GammaRule .* Got 'much' instead"),
        (lambda: AlphaBetaRule(0.5), r"'alpha' parameter of AlphaBetaRule .* \[1, inf\)"),
        (lambda: ZBoxRule(1.0, -1.0), r"'low' parameter of ZBoxRule must be less than 'high'"),
        (lambda: ZBoxRule(low=float("nan")), r"'low' parameter of ZBoxRule must be a float finite"),
    ],
)
def test_a_rule_refuses_a_parameter_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()
