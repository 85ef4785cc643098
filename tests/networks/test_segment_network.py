"""What all segment networks share: the number of segments, the head, the pooling."""

import numpy as np
import pytest
import torch
from torch import nn

from sk_audioevents.networks import SegmentPooling
from sk_audioevents.networks._segment_network import SegmentNetwork

METHODS = ["mean", "max", "attention", "linear_softmax", "auto"]
each_temporal = pytest.mark.parametrize("temporal", [None, "lstm", "bilstm"])


class MeanNetwork(SegmentNetwork):
    """The smallest network that fulfils the contract: the mean of the frames of each segment."""

    step_frames, context_frames = 3, 0

    def __init__(self, n_bands=5, temporal=None, pooling="mean", exclusive=False):
        super().__init__()
        self._add_head(n_bands, 4, temporal, 7, pooling, exclusive)

    def encode(self, frames, n_frames=None, sample_weight=None):
        steps = frames.unfold(1, 3, 3).mean(dim=-1).transpose(1, 2)[..., None]
        return steps, None if n_frames is None else self.n_steps(n_frames)

    def join(self, steps, n_steps=None, sample_weight=None):
        embeddings = (steps[:, :, :-1] + steps[:, :, 1:]) / 2  # (B, n_bands, K, 1)
        if n_steps is None:
            return embeddings
        own = torch.arange(embeddings.shape[2]) < self.n_segments_of(n_steps)[:, None]
        return embeddings * own[:, None, :, None]

    def body_stages(self):
        return []


def make_network(**parameters):
    network = MeanNetwork(**parameters).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(-1, 1, generator=generator)
    return network


def frames(n_clips=3, n_frames=18, n_bands=5):
    return torch.from_numpy(np.random.default_rng(0).normal(size=(n_clips, n_frames, n_bands)))


def count_segments(n_frames, segment_frames, hop_frames):
    """Count by laying segments until one reaches the end."""
    n_segments = 1
    while (n_segments - 1) * hop_frames + segment_frames < n_frames:
        n_segments += 1
    return n_segments


@pytest.mark.parametrize("hop_frames", [1, 2, 3, 64])
def test_segments_follow_each_other_until_one_reaches_the_end(hop_frames):
    network = MeanNetwork()
    network.step_frames = hop_frames
    lengths = list(range(300))
    expected = [count_segments(length, 2 * hop_frames, hop_frames) for length in lengths]
    assert [network.n_segments(length) for length in lengths] == expected


def test_the_number_of_segments_has_the_type_of_the_number_of_frames():
    network = MeanNetwork()
    assert type(network.n_segments(20)) is int
    array = network.n_segments(np.array([[0, 6], [7, 20]]))
    np.testing.assert_array_equal(array, [[1, 1], [2, 6]], strict=True)
    tensor = network.n_segments(torch.tensor([0, 6, 7, 20]))
    torch.testing.assert_close(tensor, torch.tensor([1, 1, 2, 6]), rtol=0, atol=0)


def test_without_a_temporal_layer_classes_are_a_linear_function_of_the_embedding():
    network, clips = make_network(), frames()
    means = torch.stack([clips[:, k : k + 6].mean(dim=1) for k in range(0, 15, 3)], dim=1)
    expected = means @ network.classes.weight[..., 0, 0].T + network.classes.bias
    logits, n_segments = network.segment_logits(clips)
    torch.testing.assert_close(logits, expected)
    assert n_segments is None


@pytest.mark.parametrize("bidirectional", [False, True])
def test_classes_see_the_embedding_and_the_output_of_a_temporal_layer(bidirectional):
    network, clips = make_network(temporal="bilstm" if bidirectional else "lstm"), frames()
    lengths = torch.tensor([18, 4, 11])
    lstm = nn.LSTM(5, 7, batch_first=True, bidirectional=bidirectional).double()
    lstm.load_state_dict(network.temporal.lstm.state_dict())
    logits, n_segments = network.segment_logits(clips, lengths)
    for i, n in enumerate([5, 1, 3]):
        assert n_segments[i] == n
        means = torch.stack([clips[i, k : k + 6].mean(dim=0) for k in range(0, 3 * n, 3)])
        seen = torch.cat([means, lstm(means)[0]], dim=1)
        expected = seen @ network.classes.weight[..., 0, 0].T + network.classes.bias
        torch.testing.assert_close(logits[i, :n], expected)


@each_temporal
@pytest.mark.parametrize("n_segments", [None, torch.tensor([1])])
def test_a_single_segment_can_be_classified(temporal, n_segments):
    network, clip = make_network(temporal=temporal), frames(1, 6)
    logits = network.classify(network.embed(clip), n_segments)
    longer, _ = network.segment_logits(frames(1, 18)[:, :12])
    assert logits.shape == (1, 1, 4)
    equal = torch.allclose(logits[0, 0], longer[0, 0])
    assert equal == (temporal != "bilstm")  # which alone knows what follows


@each_temporal
@pytest.mark.parametrize("pooling", METHODS)
@pytest.mark.parametrize("exclusive", [False, True])
def test_clips_are_their_pooled_segments_also_in_a_padded_batch(temporal, pooling, exclusive):
    network = make_network(temporal=temporal, pooling=pooling, exclusive=exclusive)
    clips, lengths = frames(), [18, 6, 12]
    together = network(clips, torch.tensor(lengths))
    for i, length in enumerate(lengths):
        logits, _ = network.segment_logits(clips[i : i + 1, :length])
        alone = network.pooling(logits)
        torch.testing.assert_close(together.log_present[i], alone.log_present[0])
        assert (together.log_absent is None) == exclusive


@pytest.mark.parametrize("pooling", METHODS)
def test_the_class_layer_has_the_outputs_that_the_pooling_needs(pooling):
    network = make_network(pooling=pooling)
    n_logits = SegmentPooling(pooling, n_outputs=4).n_logits
    assert network.n_logits == network.classes.out_channels == n_logits
    assert network.segment_logits(frames())[0].shape == (3, 5, n_logits)


@each_temporal
@pytest.mark.parametrize("pooling", METHODS)
def test_stages_hold_each_parameter_once_and_end_with_the_classes(temporal, pooling):
    network = make_network(temporal=temporal, pooling=pooling)
    names = [name for name, _ in network.stages()]
    held = [p for _, modules in network.stages() for part in modules for p in part.parameters()]
    assert names == ["temporal", "classes"][temporal is None :]
    assert sorted(map(id, held)) == sorted(map(id, network.parameters()))


@pytest.mark.parametrize("method", ["encode", "join", "body_stages"])
def test_a_network_has_to_say_what_its_body_is(method):
    arguments = [] if method == "body_stages" else [frames()]
    with pytest.raises(NotImplementedError):
        getattr(SegmentNetwork(), method)(*arguments)


def test_a_segment_may_be_the_whole_clip():
    network = MeanNetwork()
    network.segment_steps = None
    assert network.segment_frames is network.segment_hop_frames is None
    assert network.n_segments(300) == 1
    np.testing.assert_array_equal(network.n_segments(np.array([0, 3, 300])), [1, 1, 1])


def test_steps_may_be_rounded_down_and_have_a_least_number():
    network = MeanNetwork()
    network.rounds_up, network.least_steps = False, 2
    assert [network.n_steps(n) for n in (0, 3, 8, 9, 11)] == [2, 2, 2, 3, 3]
    assert [network.n_segments(n) for n in (0, 3, 8, 9, 11)] == [1, 1, 1, 2, 2]
