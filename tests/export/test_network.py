"""Networks in the graph against torch."""

import numpy as np
import pytest
import torch
from torch import nn

from sk_audioevents.export._network import add_network
from sk_audioevents.networks import (
    Kumar2018Network,
    PANNsNetwork,
    VGGNetwork,
    WaveformNetwork,
)
from sk_audioevents.networks._panns import PANNS_SHAPES

VGG = {"n_bands": 7, "n_outputs": 3, "channels": (4, 5, 6), "embedding_dim": 8, "temporal_dim": 5}
WAVEFORM = {
    "n_outputs": 3,
    "segment_samples": 120,
    "channels": (4, 5, 6),
    "kernel_sizes": (9, 3, 5),
    "pool_sizes": (4, 3),
    "hidden_dim": 7,
    "embedding_dim": 8,
    "temporal_dim": 5,
}


def assert_same_outputs(evaluate, module, lengths, n_bands):
    clips = [
        torch.randn(2, n, n_bands, generator=torch.Generator().manual_seed(n)) for n in lengths
    ]
    arrays = [clip.numpy() for clip in clips]
    ours = [
        evaluate(lambda graph, x, i=i: add_network(graph, x, module)[i], *arrays) for i in (0, 1)
    ]
    for clip, embeddings, logits in zip(clips, *ours):
        with torch.inference_mode():
            expected = module.embed(clip.to(module.band_mean.dtype))
            expected_logits = module.classify(expected)
        np.testing.assert_allclose(
            embeddings, expected[..., 0].transpose(1, 2).numpy(), rtol=1e-4, atol=1e-4
        )
        np.testing.assert_allclose(logits, expected_logits.numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("temporal", [None, "lstm", "bilstm"])
@pytest.mark.parametrize("pool_sizes", [None, ((2, 3), (3, 1), (2, 1))])
def test_a_vgg_network_gives_the_same_for_clips_of_any_length(
    evaluate, randomise, temporal, pool_sizes
):
    module = randomise(VGGNetwork(**VGG, temporal=temporal, pool_sizes=pool_sizes))
    assert_same_outputs(evaluate, module, (1, 2, 7, 8, 9, 16, 17, 50), n_bands=7)


@pytest.mark.parametrize("n_steps", [None, 1, 3, "clip"])
@pytest.mark.parametrize("layout", ["cnn6", "cnn10", "cnn14"])
def test_a_network_of_panns_gives_the_same_for_clips_of_any_length(
    evaluate, monkeypatch, randomise, layout, n_steps
):
    shape = PANNS_SHAPES[layout]
    narrow = shape._replace(channels=range(3, 3 + len(shape.channels)))
    monkeypatch.setitem(PANNS_SHAPES, layout, narrow)
    segment_frames = n_steps * narrow.step_frames if isinstance(n_steps, int) else n_steps
    module = randomise(PANNsNetwork(7, 3, layout, segment_frames, embedding_dim=8))
    assert_same_outputs(evaluate, module, (1, 15, 16, 33, 95, 96, 97, 200), n_bands=7)


def test_the_published_network_gives_the_same_for_clips_of_any_length(evaluate, randomise):
    module = randomise(Kumar2018Network(n_bands=128, n_outputs=3, embedding_dim=8))
    assert_same_outputs(evaluate, module, (1, 64, 127, 128, 191, 192, 300), n_bands=128)


@pytest.mark.parametrize("temporal", [None, "bilstm"])
def test_a_waveform_network_gives_the_same_for_clips_of_any_length(evaluate, randomise, temporal):
    module = randomise(WaveformNetwork(**WAVEFORM, temporal=temporal))
    assert_same_outputs(evaluate, module, (1, 11, 60, 61, 120, 1001), n_bands=1)


def test_a_network_in_double_precision_is_exported_in_single(evaluate, randomise):
    module = randomise(VGGNetwork(**VGG, temporal="lstm").double())
    assert_same_outputs(evaluate, module, (5, 40), n_bands=7)


def test_attention_has_further_logits(evaluate, randomise):
    module = randomise(VGGNetwork(**VGG, pooling="attention"))
    logits = evaluate(lambda graph, x: add_network(graph, x, module)[1], np.zeros((1, 30, 7)))
    assert logits.shape == (1, 3, 6)


def test_export_changes_nothing_in_the_network(evaluate, randomise):
    module = randomise(VGGNetwork(**VGG)).train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    evaluate(lambda graph, x: add_network(graph, x, module)[1], np.zeros((1, 30, 7)))
    assert module.training
    assert all(torch.equal(before[name], now) for name, now in module.state_dict().items())


def test_a_network_of_another_kind_is_an_error(evaluate):
    with pytest.raises(TypeError, match="Got Linear, which cannot be exported"):
        evaluate(lambda graph, x: add_network(graph, x, nn.Linear(2, 2))[1], np.zeros((1, 2)))
