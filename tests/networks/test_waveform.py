"""The network on waveforms: its layers, its segments, and its independence of padding."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from sk_audioevents.networks import WaveformNetwork

# Parameters, samples of a step, of a hop and of context on each side: in each block, two
# convolutions that reach half a kernel, in the steps of the poolings before it.
SHAPES = [
    ({"segment_samples": 48}, 6, 24, 2 * (2 + 1 * 2 + 1 * 6)),
    ({"segment_samples": 12, "kernel_sizes": (3, 1, 5)}, 6, 6, 2 * (1 + 0 + 2 * 6)),
    ({"segment_samples": 20, "pool_sizes": (1, 1)}, 1, 10, 2 * (2 + 1 + 1)),
]


def small_network(**parameters):
    small = {"channels": (4, 5, 6), "kernel_sizes": (5, 3, 3), "pool_sizes": (2, 3)}
    small |= {"hidden_dim": 3, "embedding_dim": 7}
    network = WaveformNetwork(3, **small | parameters)
    return randomised(network).double().eval()


def randomised(network):
    """Give all that begins as 0 or 1 (batch norm, standardisation, classes) values that matter."""
    generator = torch.Generator().manual_seed(1)
    for tensor in [*network.parameters(), *network.buffers()]:
        if tensor.is_floating_point() and (tensor.dim() == 1 or not tensor.any()):
            with torch.no_grad():
                tensor.uniform_(0.5, 1.5, generator=generator)
    return network


def waveforms(n_clips, n_samples):
    return torch.from_numpy(np.random.default_rng(0).normal(size=(n_clips, n_samples, 1)))


def test_the_default_layers_are_those_of_the_kernel():
    network = WaveformNetwork(41)
    shapes = [tuple(p.shape) for n, p in network.named_parameters() if n.endswith("conv.weight")]
    assert shapes == [
        *[(16, 1, 9, 1), (16, 16, 9, 1)],
        *[(32, 16, 3, 1), (32, 32, 3, 1)],
        *[(32, 32, 3, 1), (32, 32, 3, 1)],
        *[(256, 32, 3, 1), (256, 256, 3, 1)],
        *[(64, 256, 1, 1), (1028, 64, 2, 1)],
    ]
    assert network.classes.weight.shape == (41, 1028, 1, 1)


def test_a_default_segment_is_two_seconds_at_16_kilohertz():
    network = WaveformNetwork(2)
    assert (network.segment_frames, network.segment_hop_frames) == (32000, 16000)
    assert network.context_frames == 2 * (4 + 16 + 64 + 320)


@pytest.mark.parametrize(
    ("n_samples", "n_segments"),
    [(1, 1), (32000, 1), (32001, 2), (48000, 2), (80000, 4), (80001, 5)],
)
def test_the_number_of_segment_outputs(n_samples, n_segments):
    network = WaveformNetwork(2, channels=(1, 1, 1, 1), hidden_dim=1, embedding_dim=3).eval()
    logits, _ = network.segment_logits(torch.zeros(1, n_samples, 1))
    assert logits.shape == (1, n_segments, 2)


@pytest.mark.parametrize(
    ("segment_samples", "expected"), [(1, 12), (12, 12), (17, 12), (19, 24), (29, 24), (31, 36)]
)
def test_segments_are_rounded_to_two_whole_steps(segment_samples, expected):
    network = small_network(segment_samples=segment_samples)  # a step is 2 * 3 samples
    assert network.segment_frames == expected
    assert network.segment_hop_frames == expected // 2


def test_the_network_computes_what_its_layers_say():
    """Blocks, maxima of half segments, the narrow layer, the dense layer over two halves."""
    network, clip = small_network(segment_samples=24), waveforms(1, 60)

    def unit(x, module):
        weight, norm = module.conv.weight[..., 0], module.norm
        x = functional.conv1d(x, weight, padding=weight.shape[2] // 2 if weight.shape[2] > 2 else 0)
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        return torch.relu((x - norm.running_mean[:, None]) * scale[:, None] + norm.bias[:, None])

    x = ((clip - network.band_mean) / network.band_scale).transpose(1, 2)  # (1, 1, 60)
    for block, pool_size in zip(network.blocks, (2, 3, 2, 1)):
        for module in block.units:
            x = unit(x, module)
        x = functional.max_pool1d(x, pool_size)
    assert x.shape == (1, 3, 5)
    embeddings = unit(x, network.embedding)
    torch.testing.assert_close(network.embed(clip)[..., 0], embeddings)
    assert embeddings.shape == (1, 7, 4)


@pytest.mark.parametrize(("parameters", "step", "hop", "context"), SHAPES)
def test_a_segment_sees_its_samples_and_the_context_and_nothing_else(
    parameters, step, hop, context
):
    network = small_network(**parameters)
    assert (network.segment_hop_frames, network.segment_frames) == (hop, 2 * hop)
    assert network.context_frames == context
    k = -(-context // hop) + 1
    first, end = k * hop - context, (k + 2) * hop + context
    clips = waveforms(60, end + 2 * hop).requires_grad_()  # 60: a maximum sees few samples
    logits, _ = network.segment_logits(clips)
    logits[:, k].sum().backward()
    seen = np.flatnonzero(clips.grad.abs().sum(dim=(0, 2)))
    np.testing.assert_array_equal(seen, np.arange(first, end))


@pytest.mark.parametrize("temporal", [None, "bilstm"])
@pytest.mark.parametrize("parameters", [parameters for parameters, *_ in SHAPES])
def test_padding_and_other_clips_in_a_batch_change_nothing(parameters, temporal):
    network = small_network(**parameters, temporal=temporal, temporal_dim=2)
    hop = network.segment_hop_frames
    lengths = [1, hop - 1, hop, hop + 1, 2 * hop - 1, 2 * hop, 2 * hop + 1, 4 * hop - 1, 5 * hop]
    batch = waveforms(len(lengths), 5 * hop)
    logits, n_segments = network.segment_logits(batch, torch.tensor(lengths))
    for i, length in enumerate(lengths):
        alone, _ = network.segment_logits(batch[i : i + 1, :length])
        assert n_segments[i] == alone.shape[1] == max(1, -(-length // hop) - 1)
        torch.testing.assert_close(logits[i, : n_segments[i]], alone[0])


def test_in_training_padding_does_not_enter_the_batch_statistics():
    lengths, batch = torch.tensor([50, 72]), waveforms(2, 72)
    changed = batch.clone()
    changed[0, 50:] = 1e3
    outputs, states = [], []
    for inputs in (batch, changed):
        network = small_network(segment_samples=24).train()
        outputs.append(network.segment_logits(inputs, lengths)[0])
        states.append(network.state_dict())
    torch.testing.assert_close(outputs[0], outputs[1])
    torch.testing.assert_close(states[0], states[1])


def test_a_shift_by_a_hop_shifts_the_segments():
    network = small_network(segment_samples=24)
    clip = waveforms(1, 20 * 12)
    logits, _ = network.segment_logits(clip)
    shifted, _ = network.segment_logits(clip[:, 12:])
    n_edge = -(-network.context_frames // 12)  # where the zeros beyond the clip are seen
    torch.testing.assert_close(shifted[:, n_edge:-n_edge], logits[:, 1 + n_edge : -n_edge])


def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_state_alone():
    state = torch.get_rng_state()
    first, second, other = (WaveformNetwork(2, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(state, torch.get_rng_state())
    torch.testing.assert_close(first.state_dict(), second.state_dict(), rtol=0, atol=0)
    assert not torch.equal(first.embedding.conv.weight, other.embedding.conv.weight)


@pytest.mark.parametrize("pooling", ["mean", "max", "attention", "linear_softmax", "auto"])
@pytest.mark.parametrize(("exclusive", "probability"), [(False, 1 / 2), (True, 1 / 3)])
def test_all_classes_begin_with_the_same_probability(pooling, exclusive, probability):
    network = WaveformNetwork(3, segment_samples=640, pooling=pooling, exclusive=exclusive)
    scores = network(waveforms(3, 2000).float())
    torch.testing.assert_close(scores.log_present.exp(), torch.full((3, 3), probability))


def test_layers_of_which_there_are_too_few_are_an_error():
    with pytest.raises(ValueError, match="shorter"):
        WaveformNetwork(2, channels=(4, 4), kernel_sizes=(3,), pool_sizes=(2,))
