"""Relevance of trained networks: conserved by every rule, and as slow references have it."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sk_audioevents import VGGEventClassifier
from sk_audioevents.explain import EpsilonRule, explain_lrp, gradient_times_input
from sk_audioevents.explain._folded_network import FoldedNetwork

KINDS = [
    ("mean", None),
    ("max", "lstm"),
    ("attention", "bilstm"),
    ("auto", None),
    ("linear_softmax", "lstm"),
]
RULES = ["composite", "epsilon", "gamma", "alpha-beta", "z-plus", "flat", "z-box"]


def total(maps):
    """Return the sums of maps (..., n_frames, n_bands), in double precision."""
    return maps.astype(np.float64).sum(axis=(-2, -1))


@pytest.mark.parametrize("bias", ["distribute", "keep"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("pooling", "temporal"), KINDS)
def test_relevance_and_bias_add_up_to_the_score(trained, pooling, temporal, dtype, rule, bias):
    model, frames = trained(pooling, temporal, dtype=dtype)
    result = explain_lrp(model, frames[:6], target=[[0, 1, 2]], rule=rule, bias=bias)
    assert result.relevance.dtype == dtype
    difference = total(result.relevance) + result.bias_relevance - result.score
    bound = {np.float32: 1e-5, np.float64: 1e-7}[dtype]
    # Where biases keep nearly all, rounding is as large as the score has it.
    parts = total(abs(result.relevance)) + abs(result.bias_relevance)
    assert (abs(difference) <= bound * parts).all()
    if bias == "distribute":
        assert not result.bias_relevance.any()
    elif rule not in ("flat", "z-box"):
        assert result.bias_relevance.all()


@pytest.mark.parametrize(("pooling", "temporal"), [("mean", None), ("max", "bilstm")])
def test_the_default_composite_conserves_at_the_default_depth(pooling, temporal):
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(12, 150, 24)).astype(np.float32)
    frames[::2, 40:90, 5:12] += 3
    model = VGGEventClassifier(
        channels=(3, 3, 4, 4, 5, 6),
        embedding_dim=8,
        pooling=pooling,
        temporal=temporal,
        temporal_dim=4,
        max_epochs=4,
        random_state=0,
    ).fit(frames, np.arange(12) % 2)
    assert FoldedNetwork(model.net_.module_).n_layers == 12
    assert len(VGGEventClassifier().channels) == len(model.channels)
    result = explain_lrp(model, frames)
    bound = 1e-5 * total(abs(result.relevance))
    assert (abs(total(result.relevance) - result.score) <= bound).all()


@pytest.mark.parametrize("label", ["no", "yes"])
@pytest.mark.parametrize(("pooling", "temporal"), [("mean", None), ("max", "bilstm")])
def test_both_classes_of_a_binary_problem_are_conserved(trained, pooling, temporal, label):
    model, frames = trained(pooling, temporal, n_classes=2, labels=("no", "yes"))
    result = explain_lrp(model, frames[:4], target=label)
    bound = 1e-5 * total(abs(result.relevance))
    assert (abs(total(result.relevance) - result.score) <= bound).all()
    assert (result.target == label).all()


def test_with_max_pooling_two_classes_of_a_binary_problem_have_opposite_scores(trained):
    model, frames = trained("max", None, n_classes=2)
    result = explain_lrp(model, frames, target=[[0, 1]])
    np.testing.assert_array_equal(result.score[:, 0], -result.score[:, 1])


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_the_score_is_made_of_the_networks_own_logits(trained, pooling):
    model, frames = trained(pooling, "lstm", dtype=np.float64)
    result = explain_lrp(model, frames, target=1)
    with torch.no_grad():
        logits, _ = model.net_.module_.segment_logits(torch.from_numpy(frames))
    z = logits[:, :, 1].numpy()
    np.testing.assert_allclose(np.stack(result.segment_scores), z, rtol=1e-10)
    weights = 1 / (1 + np.exp(-z)) if pooling == "mean" else z == z.max(axis=1, keepdims=True)
    weights = weights / weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.stack(result.segment_weights), weights, rtol=1e-10)
    np.testing.assert_allclose(result.score, (weights * z).sum(axis=1), rtol=1e-10)


@pytest.mark.parametrize("pooling", ["mean", "max", "attention"])
def test_the_epsilon_rule_that_keeps_biases_is_gradient_times_input(trained, pooling):
    model, frames = trained(pooling, None, dtype=np.float64)
    by_rule = explain_lrp(model, frames, rule=EpsilonRule(0.0), bias="keep")
    by_gradient = gradient_times_input(model, frames)
    np.testing.assert_allclose(by_rule.relevance, by_gradient.relevance, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(by_rule.bias_relevance, by_gradient.bias_relevance, atol=1e-9)


class Sequence(nn.Sequential):
    """A merged network with the largest logit of each class, in layers that captum knows."""

    def forward(self, x):
        return super().forward(x)[..., 0].amax(dim=2)


def merged(network):
    units = [(block, unit) for block in network.blocks for unit in block.units]
    layers = []
    for i, (block, unit) in enumerate(units):
        layers += [merged_unit(unit), nn.ReLU()]
        if i + 1 == len(units) or units[i + 1][0] is not block:
            layers.append(nn.MaxPool2d(block.pool_size, ceil_mode=True))
    return Sequence(*layers, merged_unit(network.embedding), nn.ReLU(), deepcopy(network.classes))


def merged_unit(unit):
    conv = unit.conv
    plain = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, padding=conv.padding)
    plain.load_state_dict({"weight": conv.weight, "bias": torch.zeros(conv.out_channels)})
    return fuse_conv_bn_eval(plain.double().eval(), unit.norm.eval())


@pytest.mark.parametrize(("name", "bias"), [("epsilon", "keep"), ("z-plus", "distribute")])
def test_maps_equal_those_of_captum(trained, name, bias):
    """In captum, z-plus leaves biases out, so that the positive products share what they kept."""
    attr = pytest.importorskip("captum.attr", reason="needs captum")
    rules = pytest.importorskip("captum.attr._utils.lrp_rules")
    model, frames = trained("max", None, dtype=np.float64)
    module = model.net_.module_
    with torch.no_grad():  # of the layers shared by products, captum keeps the biases
        module.classes.bias.zero_()
        if name == "z-plus":
            norm = module.blocks[0].units[0].norm
            norm.bias.copy_(norm.running_mean * norm.weight * (norm.running_var + norm.eps) ** -0.5)
    network = merged(module)
    for i, layer in enumerate(layer for layer in network if isinstance(layer, nn.Conv2d)):
        # captum's z-plus takes inputs to be positive, which those of the first layer are not; the
        # class layer, the seventh, is always shared by products.
        by_products = name == "epsilon" or i in (0, 6)
        z_plus = rules.Alpha1_Beta0_Rule(set_bias_to_zero=True)
        layer.rule = rules.EpsilonRule(1e-9) if by_products else z_plus
    x = (torch.from_numpy(frames[:3]) - module.band_mean) / module.band_scale
    expected = attr.LRP(network).attribute(x[:, None].requires_grad_(), target=1)[:, 0].detach()
    ranges = [(None, None, name), (0, 1, "epsilon")]
    ours = explain_lrp(model, frames[:3], target=1, rule=ranges, bias=bias).relevance
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6 * abs(ours).max())


def test_maps_depend_on_the_weights(trained):
    """A map that survives random weights shows the input (Adebayo et al., NeurIPS 2018)."""
    model, frames = trained("mean", None)
    before = explain_lrp(model, frames, target=0).relevance
    module, generator = model.net_.module_, torch.Generator().manual_seed(0)
    module.reset_parameters(generator)
    nn.init.normal_(module.classes.weight, generator=generator)
    after = explain_lrp(model, frames, target=0).relevance
    correlations = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(before, after)]
    assert np.mean(correlations) < 0.3
