"""The outline of a network is its state dict, without the memory."""

import pytest
import torch

from sk_audioevents.networks import VGGNetwork, WaveformNetwork
from sk_audioevents.persistence._network_outline import network_outline
from sk_audioevents.persistence._problems import FormatProblem

NETWORKS = [
    (VGGNetwork, {"n_bands": 9, "n_outputs": 3, "channels": (4, 5), "embedding_dim": 6}),
    (
        VGGNetwork,
        {
            "n_bands": 9,
            "n_outputs": 3,
            "channels": (4, 5),
            "temporal": "bilstm",
            "temporal_dim": 3,
            "pooling": "attention",
        },
    ),
    (WaveformNetwork, {"n_outputs": 3, "segment_samples": 32000, "pooling": "auto"}),
]


@pytest.mark.parametrize(("network", "parameters"), NETWORKS)
def test_the_outline_is_the_state_dict(network, parameters):
    expected = network(**parameters).state_dict()
    found = network_outline(network, parameters, len(expected))
    assert [*found] == [*expected]
    for key, tensor in expected.items():
        assert found[key].device.type == "meta"
        assert (found[key].shape, found[key].dtype) == (tensor.shape, tensor.dtype)


def test_an_outline_takes_no_memory():
    huge = {"n_bands": 40, "n_outputs": 10**6, "channels": (10**6,) * 3, "embedding_dim": 10**9}
    found = network_outline(VGGNetwork, huge, 40)
    assert found["embedding.conv.weight"].nbytes > 2**50


def test_a_network_of_too_many_layers_is_refused():
    deep = {"n_bands": 9, "n_outputs": 3, "channels": (1,) * 10**6}
    with pytest.raises(FormatProblem, match="more layers than it has weights for"):
        network_outline(VGGNetwork, deep, 40)


def test_torch_is_as_before():
    network_outline(*NETWORKS[0], 40)
    assert torch.zeros(1).device.type == "cpu"
    assert torch.empty(2, device="cpu").device.type == "cpu"
