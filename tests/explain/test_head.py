"""The LSTM and the class layer with constant gates."""

import pytest
import torch

from sk_audioevents.explain._head import Head
from sk_audioevents.networks import VGGNetwork


def make(temporal, seed=0):
    """Return a network with random biases, and embeddings (2, 6, 7, 1) as a ReLU gives them."""
    network = VGGNetwork(9, 3, (4,), embedding_dim=6, temporal=temporal, temporal_dim=4).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(-1, 1, generator=generator)
    embeddings = torch.randn(2, 6, 7, 1, generator=generator, dtype=torch.float64)
    return network, embeddings.clamp_min(0)


@pytest.mark.parametrize("temporal", [None, "lstm", "bilstm"])
def test_logits_are_those_of_the_network(temporal):
    network, embeddings = make(temporal)
    expected = network.classify(embeddings)
    torch.testing.assert_close(Head(network, embeddings, True).logits, expected.detach())


@pytest.mark.parametrize("temporal", ["lstm", "bilstm"])
def test_plain_gradient_times_input_misses_part_of_the_score(temporal):
    """Why gates are held constant: derived through, they take a share of their own."""
    network, embeddings = make(temporal)
    with torch.no_grad():
        network.temporal.lstm.bias_ih_l0.zero_()
        network.temporal.lstm.bias_hh_l0.zero_()
        network.classes.bias.zero_()
        network.classes.weight[:, :6] = 0  # of the embeddings: what is left is the LSTM's
        if temporal == "bilstm":
            network.temporal.lstm.bias_ih_l0_reverse.zero_()
            network.temporal.lstm.bias_hh_l0_reverse.zero_()
    x = embeddings.clone().requires_grad_()
    score = network.classify(x)[:, :, 0].sum()
    (gradient,) = torch.autograd.grad(score, x)
    ones, columns = torch.ones(2, 7).double(), torch.zeros(2, dtype=torch.int64)
    relevance, kept = Head(network, embeddings, False).relevance(ones, columns, ones[:, 0])
    assert not kept.any()
    assert float(relevance.sum()) == pytest.approx(float(score.detach()))
    assert abs(float((x * gradient).sum().detach() / score.detach()) - 1) > 0.05


def test_several_classes_are_explained_from_one_pass():
    network, embeddings = make("bilstm")
    ones, head = torch.ones(2, 7).double(), Head(network, embeddings, True)
    for column in (0, 1, 0):
        columns = torch.full((2,), column)
        again = Head(network, embeddings, True).relevance(ones, columns, ones[:, 0])
        torch.testing.assert_close(head.relevance(ones, columns, ones[:, 0]), again)


def test_the_parameters_get_no_gradients():
    network, embeddings = make("lstm")
    ones = torch.ones(2, 7).double()
    Head(network, embeddings, True).relevance(ones, torch.zeros(2, dtype=torch.int64), ones[:, 0])
    assert all(parameter.grad is None for parameter in network.parameters())
