"""The networks of PANNs: sizes, segments, padding, weights, dropout.

`tests/classification/test_published_weights.py` compares them with the publication.
"""

import numpy as np
import pytest
import torch

from sk_audioevents.networks import PANNsNetwork
from sk_audioevents.networks._panns import PANNS_SHAPES

STEP_FRAMES = {"cnn6": 16, "cnn10": 16, "cnn14": 32}
each_layout = pytest.mark.parametrize("layout", list(STEP_FRAMES))
each_segment = pytest.mark.parametrize("segment_frames", [None, 32, 160, "clip"])


@pytest.fixture
def narrow(monkeypatch):
    """Return a function that makes a network of few channels, with weights that matter."""
    for layout, shape in PANNS_SHAPES.items():
        few = tuple(range(3, 3 + len(shape.channels)))
        monkeypatch.setitem(PANNS_SHAPES, layout, shape._replace(channels=few, embedding_dim=7))

    def make(layout="cnn6", n_bands=9, **parameters):
        network = PANNsNetwork(n_bands, 4, layout, **parameters).double()
        generator = torch.Generator().manual_seed(1)
        for tensor in [*network.parameters(), *network.buffers()]:
            if tensor.is_floating_point() and (tensor.dim() == 1 or not tensor.any()):
                with torch.no_grad():
                    tensor.uniform_(0.5, 1.5, generator=generator)
        return network.eval()

    return make


def frames(n_frames, n_bands=9, n_clips=1):
    return torch.from_numpy(np.random.default_rng(0).normal(size=(n_clips, n_frames, n_bands)))


# As Kong et al. 2020 count them.
@pytest.mark.parametrize(
    ("layout", "n_parameters"), [("cnn6", 4_837_455), ("cnn10", 5_219_279), ("cnn14", 80_753_615)]
)
def test_the_number_of_parameters_is_that_of_the_publication(layout, n_parameters):
    network = PANNsNetwork(64, 527, layout)
    assert sum(p.numel() for p in network.parameters()) == n_parameters
    assert network.embedding_dim == (2048 if layout == "cnn14" else 512)


@each_layout
def test_segments_are_96_frames_and_start_a_step_apart(narrow, layout):
    network, step = narrow(layout), STEP_FRAMES[layout]
    assert (network.segment_frames, network.segment_hop_frames) == (96, step)
    for n_frames in (1, step, 95, 96, 96 + step - 1, 96 + step, 500):
        n_segments = max(1, (n_frames - 96) // step + 1)
        assert network.n_segments(n_frames) == n_segments
        assert network.segment_logits(frames(n_frames))[0].shape == (1, n_segments, 4)


@each_layout
@pytest.mark.parametrize("n_frames", [5, 70, 500])
def test_the_whole_clip_may_be_the_segment(narrow, layout, n_frames):
    network = narrow(layout, segment_frames="clip")
    assert network.segment_frames is network.segment_hop_frames is None
    assert network.n_segments(n_frames) == 1
    assert network.segment_logits(frames(n_frames))[0].shape == (1, 1, 4)


@each_layout
@pytest.mark.parametrize("n_frames", [40, 96, 300])
def test_an_embedding_is_a_layer_of_maximum_and_mean_over_the_steps_of_a_segment(
    narrow, layout, n_frames
):
    network, x = narrow(layout), frames(n_frames)
    steps, n_steps = network.encode(x)
    assert n_steps is None
    size = 96 // STEP_FRAMES[layout]
    expected = []
    for start in range(max(1, steps.shape[2] - size + 1)):
        own = steps[0, :, start : start + size, 0]
        expected.append(network.embedding(own.amax(dim=1) + own.mean(dim=1)).relu())
    torch.testing.assert_close(network.embed(x)[0, :, :, 0], torch.stack(expected, dim=1))


@each_layout
@each_segment
def test_a_clip_in_a_padded_batch_gets_what_it_gets_alone(narrow, layout, segment_frames):
    network = narrow(layout, segment_frames=segment_frames)
    lengths = torch.tensor([300, 5, 97, 190, 33])
    batch = frames(300, n_clips=5)
    for i, length in enumerate(lengths):
        batch[i, length:] = 1e6  # what stands there must not matter
    together, n_segments = network.segment_logits(batch, lengths)
    embeddings = network.embed(batch, lengths)
    for i, length in enumerate(lengths):
        alone, _ = network.segment_logits(batch[i : i + 1, :length])
        torch.testing.assert_close(together[i, : n_segments[i]], alone[0])
        assert not embeddings[i, :, n_segments[i] :].any()


@each_layout
def test_a_segment_sees_its_context_and_nothing_beyond(narrow, layout):
    network, x = narrow(layout), frames(640)
    k, step = 6, STEP_FRAMES[layout]
    first, last = k * step - network.context_frames, k * step + 96 + network.context_frames
    before = network.segment_logits(x)[0][0, k]

    def changed(frame):
        y = x.clone()
        y[:, frame] += 100.0
        return not torch.equal(network.segment_logits(y)[0][0, k], before)

    assert not changed(first - 1)
    assert not changed(last)
    assert changed(first)
    assert changed(last - 1)


@each_layout
def test_frames_that_fill_no_step_make_none(narrow, layout):
    network, step = narrow(layout), STEP_FRAMES[layout]
    for n_frames, n_steps in ((1, 1), (step, 1), (2 * step - 1, 1), (2 * step, 2)):
        assert network.n_steps(n_frames) == network.encode(frames(n_frames))[0].shape[2] == n_steps


@pytest.mark.parametrize("n_bands", [1, 2, 5, 31, 64, 128])
@each_layout
def test_any_number_of_bands_works(narrow, layout, n_bands):
    assert narrow(layout, n_bands).segment_logits(frames(96, n_bands))[0].shape == (1, 1, 4)


def test_bands_that_are_equal_but_for_scale_and_offset_are_to_batch_norm_alike(narrow):
    network, x = narrow().train(), frames(96, n_clips=3)
    moved = x * torch.linspace(1, 4, 9) + torch.linspace(-50, 0, 9)
    for dropout in (network.blocks[0].dropout, network.dropout):
        assert dropout.rate > 0
    network.seed_dropout(0)
    expected = network.segment_logits(x)[0]
    network.seed_dropout(0)
    torch.testing.assert_close(network.segment_logits(moved)[0], expected, rtol=1e-4, atol=1e-4)


@each_segment
def test_a_weight_of_2_is_a_clip_twice_in_training(narrow, segment_frames):
    network = narrow(segment_frames=segment_frames, dropout=False).train()
    twin = narrow(segment_frames=segment_frames, dropout=False).train()
    x, lengths = frames(200, n_clips=3), torch.tensor([200, 120, 41])
    rows = torch.tensor([0, 1, 1, 2])
    weight = torch.tensor([1.0, 2.0, 1.0], dtype=torch.float64)
    weighted, _ = network.segment_logits(x, lengths, weight)
    repeated, _ = twin.segment_logits(x[rows], lengths[rows])
    torch.testing.assert_close(weighted, repeated[[0, 1, 3]])
    for name, statistics in network.named_buffers():
        torch.testing.assert_close(statistics, dict(twin.named_buffers())[name], msg=name)


def test_dropout_is_for_training_only(narrow):
    network, x = narrow(), frames(96)
    torch.testing.assert_close(network.embed(x), network.embed(x), rtol=0, atol=0)
    network.train()
    network.band_norm.eval()
    assert not torch.equal(network.embed(x), network.embed(x))


def test_weights_depend_on_the_seed_alone():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first, second, other = (PANNsNetwork(9, 2, "cnn6", seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.embedding.weight, second.embedding.weight)
    assert not torch.equal(first.embedding.weight, other.embedding.weight)
    assert not first.classes.weight.any()


def test_stages_go_from_the_bands_to_the_classes_and_hold_each_parameter_once(narrow):
    network = narrow("cnn14", temporal="lstm", temporal_dim=3, pooling="auto")
    names = [name for name, _ in network.stages()]
    assert names == [*(f"block{i}" for i in range(1, 7)), "embedding", "temporal", "classes"]
    held = [p for _, parts in network.stages() for part in parts for p in part.parameters()]
    assert sorted(map(id, held)) == sorted(map(id, network.parameters()))
    assert network.stages()[0][1][0] is network.band_norm
