"""The network of Kumar et al. as published, beside the one that is after it.

`tests/classification/test_published_weights.py` compares it with the publication.
"""

import numpy as np
import pytest
import torch

from sk_audioevents.networks import Kumar2018Network, VGGNetwork


def randomised(network):
    """Give batch norm, and the classes, values that matter."""
    generator = torch.Generator().manual_seed(1)
    for tensor in [*network.parameters(), *network.buffers()]:
        if tensor.is_floating_point() and (tensor.dim() == 1 or not tensor.any()):
            with torch.no_grad():
                tensor.uniform_(0.5, 1.5, generator=generator)
    return network.eval()


@pytest.fixture(scope="module")
def network():
    return randomised(Kumar2018Network(128, 3, embedding_dim=5))


def frames(n_frames, n_bands=128):
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.normal(size=(1, n_frames, n_bands)).astype(np.float32))


def test_its_weights_are_those_of_the_vgg_network_of_the_same_size(network):
    vgg = VGGNetwork(128, 3, embedding_dim=5)
    ours = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert ours == {name: tuple(tensor.shape) for name, tensor in vgg.state_dict().items()}
    assert (network.segment_frames, network.segment_hop_frames) == (128, 64)
    assert network.context_frames == vgg.context_frames


@pytest.mark.parametrize("n_frames", [128, 192, 448])
def test_it_equals_the_vgg_network_where_clips_fill_their_segments(network, n_frames):
    vgg = VGGNetwork(128, 3, embedding_dim=5).eval()
    vgg.load_state_dict(network.state_dict())
    x = frames(n_frames)
    torch.testing.assert_close(network.segment_logits(x), vgg.segment_logits(x))


@pytest.mark.parametrize(
    ("n_frames", "n_segments"), [(1, 1), (127, 1), (128, 1), (191, 1), (192, 2), (431, 5)]
)
def test_frames_that_fill_no_step_make_no_segment(network, n_frames, n_segments):
    assert network.n_segments(n_frames) == n_segments
    assert network.segment_logits(frames(n_frames))[0].shape == (1, n_segments, 3)


def test_a_clip_in_a_padded_batch_gets_what_it_gets_alone(network):
    lengths = torch.tensor([300, 70, 130, 255])
    batch = torch.cat([frames(300)] * 4)
    for i, length in enumerate(lengths):
        batch[i, length:] = 1e6  # what stands there must not matter
    together, n_segments = network.segment_logits(batch, lengths)
    for i, length in enumerate(lengths):
        alone, _ = network.segment_logits(batch[i : i + 1, :length])
        torch.testing.assert_close(together[i, : n_segments[i]], alone[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n_bands", [1, 3, 40, 100])
def test_any_number_of_bands_works(n_bands):
    network = Kumar2018Network(n_bands, 3, embedding_dim=5).eval()
    assert network.segment_logits(frames(200, n_bands))[0].shape == (1, 2, 3)


def test_a_short_clip_is_followed_by_zeros_that_are_seen_as_frames(network):
    x = frames(50)
    longer = torch.cat([x, network.band_mean.expand(1, 78, 128)], dim=1)  # 0 when standardised
    torch.testing.assert_close(network.segment_logits(x), network.segment_logits(longer))
    batch = torch.cat([longer, longer])
    torch.testing.assert_close(
        network.segment_logits(batch, torch.tensor([50, 128]))[0][0],
        network.segment_logits(x)[0][0],
    )
