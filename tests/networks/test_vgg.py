"""The network: its shapes, its segments, and its independence of padding."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from sk_audioevents.networks import VGGNetwork

# Pool sizes of three blocks, frames between segments, frames of context on each side. A convolution
# adds a step on each side, as long as the pooling before it: two in a block, but one in the last.
POOLINGS = [
    (None, 8, 2 * (1 + 2) + 4),
    (((2, 2), (1, 2), (1, 2)), 2, 2 * (1 + 2) + 2),
    (((3, 2), (1, 1), (3, 3)), 9, 2 * (1 + 3) + 3),
    (((1, 4), (1, 4), (1, 4)), 1, 2 * (1 + 1) + 1),
]


def small_network(n_bands=20, channels=(4, 5, 6), **parameters):
    network = VGGNetwork(n_bands, 3, channels=channels, embedding_dim=7, **parameters)
    return randomised(network).double().eval()


def randomised(network):
    """Give all that begins as 0 or 1 (batch norm, bands, the class layer) values that matter."""
    generator = torch.Generator().manual_seed(1)
    for tensor in [*network.parameters(), *network.buffers()]:
        if tensor.is_floating_point() and (tensor.dim() == 1 or not tensor.any()):
            with torch.no_grad():
                tensor.uniform_(0.5, 1.5, generator=generator)
    return network


def frames(*shape):
    return torch.from_numpy(np.random.default_rng(0).normal(size=shape))


def test_the_default_network_is_that_of_the_paper():
    network = VGGNetwork(128, 527)
    shapes = [tuple(p.shape) for n, p in network.named_parameters() if n.endswith("conv.weight")]
    widths = [1, 16, 16, 32, 32, 64, 64, 128, 128, 256, 256, 512]
    expected = [(b, a, 3, 3) for a, b in pairwise(widths)] + [(1024, 512, 2, 2)]
    assert shapes == expected
    assert network.classes.weight.shape == (527, 1024, 1, 1)
    assert (network.segment_frames, network.segment_hop_frames) == (128, 64)
    assert network.context_frames == 2 * (1 + 2 + 4 + 8 + 16) + 32


@pytest.mark.parametrize(
    ("n_frames", "n_segments"), [(896, 13), (128, 1), (1, 1), (64, 1), (65, 1), (129, 2), (431, 6)]
)
def test_the_number_of_segment_outputs(n_frames, n_segments):
    network = VGGNetwork(128, 2, channels=(1, 1, 1, 1, 1, 1), embedding_dim=3).eval()
    logits, _ = network.segment_logits(torch.zeros(1, n_frames, 128))
    assert logits.shape == (1, n_segments, 2)


@pytest.mark.parametrize("n_bands", [1, 2, 3, 5, 40, 64, 96, 128, 200])
@pytest.mark.parametrize("pool_sizes", [None, [(2, 3)] * 6, [(2, 1)] * 6])
def test_any_number_of_bands_works(n_bands, pool_sizes):
    network = VGGNetwork(n_bands, 2, (1, 2, 3, 4, 5, 6), pool_sizes, embedding_dim=3).eval()
    logits, _ = network.segment_logits(torch.zeros(2, 70, n_bands))
    assert logits.shape == (2, 1, 2)


@pytest.mark.parametrize(("pool_sizes", "hop_frames", "context_frames"), POOLINGS)
def test_pool_sizes_set_the_resolution_in_time(pool_sizes, hop_frames, context_frames):
    network = small_network(pool_sizes=pool_sizes)
    assert network.segment_hop_frames == hop_frames
    assert network.segment_frames == 2 * hop_frames
    assert network.context_frames == context_frames
    for n_frames in range(1, 4 * hop_frames + 2):
        logits, _ = network.segment_logits(frames(1, n_frames, 20))
        assert logits.shape[1] == network.n_segments(n_frames)


@pytest.mark.parametrize(("pool_sizes", "hop_frames", "context_frames"), POOLINGS)
def test_a_segment_sees_its_frames_and_the_context_and_nothing_else(
    pool_sizes, hop_frames, context_frames
):
    network = small_network(pool_sizes=pool_sizes)
    k = -(-context_frames // hop_frames) + 1
    first, end = k * hop_frames - context_frames, (k + 2) * hop_frames + context_frames
    clips = frames(30, end + 2 * hop_frames, 20).requires_grad_()  # 30: a maximum sees few frames
    logits, _ = network.segment_logits(clips)
    logits[:, k].sum().backward()
    seen = np.flatnonzero(clips.grad.abs().sum(dim=(0, 2)))
    np.testing.assert_array_equal(seen, np.arange(first, end))


@pytest.mark.parametrize("temporal", [None, "lstm", "bilstm"])
@pytest.mark.parametrize("pool_sizes", [pool_sizes for pool_sizes, _, _ in POOLINGS])
def test_padding_and_other_clips_in_a_batch_change_nothing(pool_sizes, temporal):
    network = small_network(pool_sizes=pool_sizes, temporal=temporal, temporal_dim=2)
    hop = network.segment_hop_frames
    lengths = [1, hop - 1, hop, hop + 1, 2 * hop - 1, 2 * hop, 2 * hop + 1, 4 * hop - 1, 5 * hop]
    lengths = [max(1, length) for length in lengths]
    batch = frames(len(lengths), 5 * hop, 20)
    logits, n_segments = network.segment_logits(batch, torch.tensor(lengths))
    for i, length in enumerate(lengths):
        alone, _ = network.segment_logits(batch[i : i + 1, :length])
        assert n_segments[i] == alone.shape[1] == max(1, -(-length // hop) - 1)
        torch.testing.assert_close(logits[i, : n_segments[i]], alone[0])


def test_embeddings_are_zeros_after_the_end_of_a_clip():
    embeddings = small_network().embed(frames(2, 40, 20), torch.tensor([17, 40]))
    assert embeddings.shape == (2, 7, 4, 1)
    assert (embeddings[0, :, 2:] == 0).all()
    assert embeddings[0, :, :2].any()


def test_frames_after_the_end_of_a_clip_get_no_gradient():
    network = small_network(temporal="bilstm", temporal_dim=2, pooling="attention")
    batch, lengths = frames(2, 40, 20).requires_grad_(), torch.tensor([17, 40])
    network(batch, lengths).log_present.sum().backward()
    assert (batch.grad[0, 17:] == 0).all()
    assert batch.grad[0, :17].any()
    assert torch.isfinite(batch.grad).all()


def test_in_training_padding_does_not_enter_the_batch_statistics():
    lengths, batch = torch.tensor([9, 16]), frames(2, 16, 20)
    changed = batch.clone()
    changed[0, 9:] = 1e3
    outputs, states = [], []
    for inputs in (batch, changed):
        network = small_network().train()
        logits, _ = network.segment_logits(inputs, lengths)
        outputs.append(logits)
        states.append(network.state_dict())
    torch.testing.assert_close(outputs[0], outputs[1])
    torch.testing.assert_close(states[0], states[1])


def test_one_pass_equals_segments_one_by_one_where_no_convolution_looks_over_an_edge():
    """Without the outer time taps, padding does not enter, and the two must agree exactly."""
    network = small_network()
    with torch.no_grad():
        for block in network.blocks:
            for unit in block.units:
                unit.conv.weight[:, :, [0, 2]] = 0
    clip = frames(1, 7 * 8, 20)
    logits, _ = network.segment_logits(clip)
    assert logits.shape[1] == 6
    for k in range(6):
        alone, _ = network.segment_logits(clip[:, k * 8 : k * 8 + 16])
        torch.testing.assert_close(logits[:, k], alone[:, 0])


def test_one_pass_equals_a_segment_with_the_context_that_its_convolutions_see():
    """Two convolutions in each block but the last: 2 * (1 + 2) + 4 = 10 frames on each side."""
    network = small_network()
    clip = frames(1, 12 * 8, 20)
    logits, _ = network.segment_logits(clip)
    windows = clip[:, 3 * 8 : 9 * 8]  # segment 5 (frames 40 to 56) with 16 frames on each side
    torch.testing.assert_close(logits[:, 5], network.segment_logits(windows)[0][:, 2])
    too_narrow = clip[:, 4 * 8 : 8 * 8]  # 8 frames on each side
    assert not torch.allclose(logits[:, 5], network.segment_logits(too_narrow)[0][:, 1])


@pytest.mark.parametrize("temporal", [None, "lstm", "bilstm"])
def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_state_alone(temporal):
    state = torch.get_rng_state()
    first, second, other = (
        VGGNetwork(9, 2, (4, 5), embedding_dim=6, temporal=temporal, pooling="auto", seed=seed)
        for seed in (3, 3, 4)
    )
    assert torch.equal(state, torch.get_rng_state())
    torch.testing.assert_close(first.state_dict(), second.state_dict(), rtol=0, atol=0)
    assert not torch.equal(first.embedding.conv.weight, other.embedding.conv.weight)
    if temporal is not None:
        weights, others = (network.temporal.lstm.weight_hh_l0 for network in (first, other))
        assert not torch.equal(weights, others)


@pytest.mark.parametrize("temporal", [None, "bilstm"])
@pytest.mark.parametrize("pooling", ["mean", "max", "attention", "linear_softmax", "auto"])
@pytest.mark.parametrize(("exclusive", "probability"), [(False, 1 / 2), (True, 1 / 3)])
def test_all_classes_begin_with_the_same_probability(temporal, pooling, exclusive, probability):
    network = VGGNetwork(
        9, 3, (4, 5), embedding_dim=6, temporal=temporal, pooling=pooling, exclusive=exclusive
    )
    scores = network(frames(3, 20, 9).float())
    torch.testing.assert_close(scores.log_present.exp(), torch.full((3, 3), probability))


def test_input_is_standardised_per_band():
    network, plain = small_network(), small_network()
    plain.band_mean.zero_()
    plain.band_scale.fill_(1)
    clip = frames(2, 30, 20)
    standard = (clip - network.band_mean) / network.band_scale
    torch.testing.assert_close(network.segment_logits(clip)[0], plain.segment_logits(standard)[0])
