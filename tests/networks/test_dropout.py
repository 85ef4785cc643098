"""Dropout that is drawn from a seed of its own."""

import pytest
import torch

from sk_audioevents.networks import PANNsNetwork
from sk_audioevents.networks._dropout import Dropout


def ones():
    return torch.ones(3, 5, 7, 11)


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_what_is_kept_is_scaled_so_that_the_mean_stays(rate):
    dropped = Dropout(rate)(torch.ones(200_000))
    assert dropped.unique().tolist() == pytest.approx([0, 1 / (1 - rate)])
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)


def test_nothing_is_dropped_in_evaluation_or_at_rate_0():
    x = ones()
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x


def test_each_use_drops_something_else_and_a_seed_repeats_it():
    layer = Dropout(0.5)
    layer.seed(3)
    first, second = layer(ones()), layer(ones())
    layer.seed(3)
    assert not torch.equal(first, second)
    assert torch.equal(layer(ones()), first)
    assert torch.equal(layer(ones()), second)


def test_the_global_random_state_is_neither_read_nor_changed():
    layer = Dropout(0.5)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = layer(ones())
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    layer.seed(0)
    assert torch.equal(layer(ones()), first)


def test_gradients_are_dropped_with_the_values():
    x = ones().requires_grad_()
    dropped = Dropout(0.5)(x)
    dropped.sum().backward()
    assert torch.equal(x.grad, dropped.detach())


def test_the_layers_of_a_network_have_different_seeds():
    network = PANNsNetwork(8, 2, "cnn6")
    network.seed_dropout(0)
    layers = [module for module in network.modules() if isinstance(module, Dropout)]
    masks = [layer(ones()) if layer.rate == 0.2 else None for layer in layers]
    block_masks = [mask for mask in masks if mask is not None]
    assert [layer.rate for layer in layers] == [0.2] * 4 + [0.5]
    assert not any(
        torch.equal(a, b) for i, a in enumerate(block_masks) for b in block_masks[i + 1 :]
    )
