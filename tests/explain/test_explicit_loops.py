"""Rules, LSTM and whole networks against explicit loops over neurons."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sk_audioevents.explain import (
    AlphaBetaRule,
    EpsilonRule,
    FlatRule,
    GammaRule,
    ZBoxRule,
    ZPlusRule,
    explain_lrp,
)
from sk_audioevents.explain._convolution import Convolution, Products
from sk_audioevents.explain._head import Head
from sk_audioevents.networks import VGGNetwork

RULES = [
    EpsilonRule(),
    EpsilonRule(0.2),
    GammaRule(0.25),
    AlphaBetaRule(2.0),
    ZPlusRule(),
    FlatRule(),
    ZBoxRule(-1.0, 1.2),
]


def slow_contributions(rule, x, w, z, b):
    """Return the shares of the inputs and of the bias of one output in its relevance."""
    products = [a * v for a, v in zip(x, w)]
    rising = sum(p for p in products if p > 0) + max(b, 0)
    falling = sum(p for p in products if p < 0) + min(b, 0)
    if isinstance(rule, EpsilonRule):
        return [p / (z + rule.epsilon) for p in products], (b + rule.epsilon) / (z + rule.epsilon)
    if isinstance(rule, GammaRule):
        bottom = z + rule.gamma * rising
        shares = [(p + rule.gamma * max(p, 0)) / bottom for p in products]
        return shares, (b + rule.gamma * max(b, 0)) / bottom
    if isinstance(rule, ZPlusRule):
        return [max(p, 0) / rising for p in products], max(b, 0) / rising
    beta = rule.alpha - 1 if falling < 0 else 0

    def share(part):
        against = beta * min(part, 0) / falling if beta else 0
        return (1 + beta) * max(part, 0) / rising - against

    return [share(p) for p in products], share(b)


def slow_output(rule, x, w, b, relevance, distribute):
    """Return the relevance of the inputs of one output, and what the bias keeps."""
    z = sum(a * v for a, v in zip(x, w)) + b
    evenly = [relevance / len(x)] * len(x)
    if isinstance(rule, FlatRule):
        return evenly, 0
    if isinstance(rule, ZBoxRule):
        low, high = [min(rule.low, a) for a in x], [max(rule.high, a) for a in x]
        parts = [a * v - lo * max(v, 0) - hi * min(v, 0) for a, v, lo, hi in zip(x, w, low, high)]
        return [part / sum(parts) * relevance for part in parts], 0
    if z <= 0:
        return evenly, 0
    shares, of_bias = slow_contributions(rule, x, w, z, b)
    shares, of_bias = [share * relevance for share in shares], of_bias * relevance
    if not distribute:
        return shares, of_bias
    rising = [max(a * v, 0) for a, v in zip(x, w)]
    extra = [r / sum(rising) if sum(rising) else 1 / len(x) for r in rising]
    return [share + part * of_bias for share, part in zip(shares, extra)], 0


def slow_rule(rule, x, weight, bias, padding, relevance, distribute):
    """Propagate through a convolution of one clip, output by output: x is (C_in, T, F)."""
    _, n_times, n_bands = x.shape
    result, kept = np.zeros_like(x), 0.0
    for j, t, f in np.ndindex(relevance.shape):
        seen = [
            (i, t + dt - padding[0], f + df - padding[1], dt, df)
            for i, dt, df in np.ndindex(weight.shape[1:])
            if 0 <= t + dt - padding[0] < n_times and 0 <= f + df - padding[1] < n_bands
        ]
        inputs = [x[i, s, g] for i, s, g, _, _ in seen]
        weights = [weight[j, i, dt, df] for i, _, _, dt, df in seen]
        shares, keeps = slow_output(rule, inputs, weights, bias[j], relevance[j, t, f], distribute)
        kept += keeps
        for (i, s, g, _, _), share in zip(seen, shares):
            result[i, s, g] += share
    return result, kept


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
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_rule_equals_explicit_loops(rule, signed, distribute):
    convolution, x, _, relevance = layer(signed)
    fast, kept = propagate(rule, convolution, x, relevance, signed, distribute)
    for clip in range(len(x)):
        slow, slow_kept = slow_rule(
            rule,
            x[clip].numpy(),
            convolution.weight.numpy(),
            convolution.bias.numpy(),
            convolution.padding,
            relevance[clip].numpy(),
            distribute,
        )
        np.testing.assert_allclose(fast[clip], slow, rtol=1e-9, atol=1e-9)
        assert kept[clip] == pytest.approx(slow_kept, abs=1e-9)


def make(temporal, seed=0):
    """Return a network with random biases, and embeddings (2, 6, 7, 1) as a ReLU gives them."""
    network = VGGNetwork(9, 3, (4,), embedding_dim=6, temporal=temporal, temporal_dim=4).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(-1, 1, generator=generator)
    embeddings = torch.randn(2, 6, 7, 1, generator=generator, dtype=torch.float64)
    return network, embeddings.clamp_min(0)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def linear(relevance, output, parts, bias, distribute):
    """Share the relevance of one neuron among products in ``parts`` and the bias.

    Returns the shares, in the order of the parts, and what the bias keeps; products that are
    missing to take the share of the bias leave it where it is.
    """
    if relevance == 0:
        return [np.zeros_like(part) for part in parts], 0.0
    ratio = relevance / output
    shares, kept = [part * ratio for part in parts], bias * ratio
    rising = [np.maximum(part, 0) for part in parts]
    total = sum(part.sum() for part in rising)
    if distribute and total > 0:
        return [share + kept * part / total for share, part in zip(shares, rising)], 0.0
    return shares, kept


def slow_lstm(lstm, suffix, x, relevance, distribute):
    """Propagate through one direction over x (K, D) in its order: relevance (K, H) → (K, D)."""
    w_x, w_h, b_x, b_h = (
        getattr(lstm, f"{name}_l0{suffix}").detach().numpy()
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    n_units, n_steps = w_h.shape[1], len(x)
    h, c = np.zeros((n_steps + 1, n_units)), np.zeros((n_steps + 1, n_units))
    gates = []
    for k in range(n_steps):
        i, f, a, o = np.split(w_x @ x[k] + w_h @ h[k] + b_x + b_h, 4)
        i, f, o = sigmoid(i), sigmoid(f), sigmoid(o)
        c[k + 1] = f * c[k] + i * np.tanh(a)
        h[k + 1] = o * np.tanh(c[k + 1])
        gates.append((i, f, a))
    signal_x, signal_h = np.split(w_x, 4)[2], np.split(w_h, 4)[2]
    bias = np.split(b_x + b_h, 4)[2]
    relevance_x, kept = np.zeros_like(x), np.zeros(n_steps)
    relevance_h, relevance_c = np.zeros(n_units), np.zeros(n_units)
    for k in reversed(range(n_steps)):
        i, f, a = gates[k]
        relevance_c = relevance_c + relevance_h + relevance[k]
        relevance_h = np.zeros(n_units)
        of_signal = i * np.tanh(a) / c[k + 1] * relevance_c
        relevance_c = f * c[k] / c[k + 1] * relevance_c
        for unit in range(n_units):
            parts = [signal_x[unit] * x[k], signal_h[unit] * h[k]]
            (share_x, share_h), keeps = linear(
                of_signal[unit], a[unit], parts, bias[unit], distribute
            )
            relevance_x[k] += share_x
            relevance_h += share_h
            kept[k] += keeps
    return relevance_x, kept


def slow_head(network, embeddings, weights, column, sign, distribute):
    """Propagate a weighted sum of logits of one clip: embeddings (K, D) → relevance (K, D)."""
    x, lstm = embeddings.numpy(), None if network.temporal is None else network.temporal.lstm
    outputs = x
    if lstm is not None:
        outputs = np.hstack([x, lstm(embeddings[None])[0][0].detach().numpy()])
    weight = sign * network.classes.weight[column, :, 0, 0].detach().numpy()
    bias = sign * network.classes.bias[column].item()
    relevance, kept = np.zeros_like(outputs), np.zeros(len(x))
    for k, output in enumerate(outputs):
        logit = weight @ output + bias
        (relevance[k],), kept[k] = linear(
            weights[k] * logit, logit, [weight * output], bias, distribute
        )
    if lstm is not None:
        n_units, by_direction = lstm.hidden_size, relevance[:, x.shape[1] :]
        relevance_x = relevance[:, : x.shape[1]].copy()
        for d, suffix in enumerate(["", "_reverse"][: 1 + lstm.bidirectional]):
            step = -1 if suffix else 1
            own = by_direction[:, d * n_units : (d + 1) * n_units]
            result, keeps = slow_lstm(lstm, suffix, x[::step], own[::step], distribute)
            relevance_x += result[::step]
            kept += keeps[::step]
        relevance = relevance_x
    if distribute:
        return relevance + kept[:, None] / x.shape[1], 0.0
    return relevance, kept.sum()


@pytest.mark.parametrize("distribute", [False, True])
@pytest.mark.parametrize("temporal", [None, "lstm", "bilstm"])
def test_relevance_equals_explicit_loops(temporal, distribute):
    network, embeddings = make(temporal)
    head = Head(network, embeddings, distribute)
    weights = torch.rand(2, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    columns, signs = torch.tensor([2, 0]), torch.tensor([1.0, -1.0]).double()
    fast, kept = head.relevance(weights, columns, signs)
    for clip in range(2):
        slow, slow_kept = slow_head(
            network,
            embeddings[clip, :, :, 0].T,
            weights[clip].numpy(),
            int(columns[clip]),
            float(signs[clip]),
            distribute,
        )
        np.testing.assert_allclose(fast[clip, :, :, 0].T, slow, rtol=1e-7, atol=1e-9)
        assert float(kept[clip]) == pytest.approx(slow_kept, abs=1e-9)


def slow_relevance(network, frames, column, rules, distribute):
    """Explain max-pooled logits of one clip with explicit loops: (T, n_bands) → the same."""
    x = ((torch.from_numpy(frames) - network.band_mean) / network.band_scale)[None, None]
    tape = []
    for block in network.blocks:
        for unit in block.units:
            tape.append((fuse_conv_bn_eval(with_bias(unit.conv), unit.norm), x))
            x = unit(x)
        x, indices = nn.functional.max_pool2d(
            x, block.pool_size, ceil_mode=True, return_indices=True
        )
        tape.append((indices, tape[-1][0](tape[-1][1])))
    tape.append((fuse_conv_bn_eval(with_bias(network.embedding.conv), network.embedding.norm), x))
    embeddings = network.embedding(x)[0, :, :, 0].T
    logits = network.classify(network.embedding(x))[0, :, column].numpy()
    weights = (logits == logits.max()).astype(float)
    relevance, kept = slow_head(network, embeddings, weights, column, 1.0, distribute)
    relevance, rules = relevance.T[:, :, None], list(rules)
    for layer, x in reversed(tape):
        if isinstance(layer, nn.Module):
            weight, bias = layer.weight.numpy(), layer.bias.numpy()
            relevance, keeps = slow_rule(
                rules.pop(), x[0].numpy(), weight, bias, layer.padding, relevance, distribute
            )
            kept += keeps
        else:
            unpooled = np.zeros(x.shape[1:]).reshape(x.shape[1], -1)
            for channel, places in enumerate(layer[0].flatten(1)):
                unpooled[channel, places.numpy()] += relevance[channel].ravel()
            relevance = unpooled.reshape(x.shape[1:])
    return relevance[0], kept, logits.max()


def with_bias(conv):
    """Return torch's own convolution with the weights of ours, and a bias of zero."""
    plain = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, padding=conv.padding
    ).double()
    plain.load_state_dict({"weight": conv.weight, "bias": torch.zeros(conv.out_channels)})
    return plain.eval()


@pytest.mark.parametrize("bias", ["distribute", "keep"])
@pytest.mark.parametrize("temporal", [None, "lstm"])
def test_maps_equal_explicit_loops_through_the_whole_network(trained, temporal, bias):
    model, frames = trained("max", temporal, dtype=np.float64)
    clip = frames[4, :18]
    fast = explain_lrp(model, [clip], target=1, bias=bias)
    rules = [FlatRule(), GammaRule(), GammaRule(), EpsilonRule(), EpsilonRule(), EpsilonRule()]
    with torch.no_grad():
        slow, kept, score = slow_relevance(
            model.net_.module_, clip, 1, rules, distribute=bias == "distribute"
        )
    np.testing.assert_allclose(fast.relevance[0], slow, rtol=1e-5, atol=1e-7 * abs(slow).max())
    assert fast.bias_relevance[0] == pytest.approx(kept, abs=1e-7)
    assert fast.score[0] == pytest.approx(score)
