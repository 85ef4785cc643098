"""The LSTM over segments against the equations of its paper and against each clip alone."""

import numpy as np
import pytest
import torch
from torch import nn

from sk_audioevents.networks._temporal import LSTMLayer

both_directions = pytest.mark.parametrize("bidirectional", [False, True])


def make_layer(bidirectional, in_features=5, n_units=4, seed=0):
    layer = LSTMLayer(in_features, n_units, bidirectional).double()
    layer.reset_parameters(torch.Generator().manual_seed(seed))
    return layer


def embeddings(n_clips=3, in_features=5, n_segments=6):
    shape = (n_clips, in_features, n_segments, 1)
    return torch.from_numpy(np.random.default_rng(0).normal(size=shape))


def run_equations(layer, x, suffix=""):
    """Compute the outputs (K, n_units) of one direction for one clip x (K, in_features)."""
    state = {name: value.numpy() for name, value in layer.lstm.state_dict().items()}
    input_weight, hidden_weight = state[f"weight_ih_l0{suffix}"], state[f"weight_hh_l0{suffix}"]
    bias = state[f"bias_ih_l0{suffix}"] + state[f"bias_hh_l0{suffix}"]
    h = c = np.zeros(layer.lstm.hidden_size)
    outputs = []
    for step in x:
        i, f, g, o = np.split(input_weight @ step + hidden_weight @ h + bias, 4)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        outputs.append(h)
    return np.stack(outputs)


@both_directions
def test_outputs_are_those_of_the_equations(bidirectional):
    layer, x = make_layer(bidirectional), embeddings()
    y = layer(x)
    assert y.shape == (3, layer.out_features, 6, 1)
    for clip, output in zip(x[..., 0], y[..., 0], strict=True):
        steps = clip.numpy().T
        expected = run_equations(layer, steps)
        if bidirectional:
            backward = run_equations(layer, steps[::-1], "_reverse")[::-1]
            expected = np.concatenate([expected, backward], axis=1)
        np.testing.assert_allclose(output.detach().numpy().T, expected, atol=1e-12)


@both_directions
def test_a_padded_batch_gives_what_torchs_lstm_gives_for_each_clip_alone(bidirectional):
    layer, x, n_segments = make_layer(bidirectional), embeddings(4), torch.tensor([2, 6, 1, 5])
    alone = nn.LSTM(5, 4, batch_first=True, bidirectional=bidirectional).double()
    alone.load_state_dict(layer.lstm.state_dict())
    y = layer(x, n_segments)
    for i, n in enumerate(n_segments):
        expected, _ = alone(x[i : i + 1, :, :n, 0].transpose(1, 2))
        torch.testing.assert_close(y[i, :, :n, 0].T, expected[0])


@both_directions
def test_padding_is_not_read_gives_zeros_and_gets_no_gradient(bidirectional):
    layer, x, n_segments = make_layer(bidirectional), embeddings(2), torch.tensor([4, 3])
    clean = layer(x, n_segments)
    x[0, :, 4:], x[1, :, 3:] = torch.nan, torch.nan
    y = layer(x.requires_grad_(), n_segments)
    y.square().sum().backward()
    torch.testing.assert_close(y, clean)
    for i, n in enumerate(n_segments):
        assert (y[i, :, n:] == 0).all()
        assert (x.grad[i, :, n:] == 0).all()
        assert (x.grad[i, :, :n] != 0).all()
    assert all(torch.isfinite(p.grad).all() for p in layer.parameters())


@both_directions
def test_lengths_that_are_all_full_change_nothing(bidirectional):
    layer, x = make_layer(bidirectional), embeddings()
    torch.testing.assert_close(layer(x, torch.tensor([6, 6, 6])), layer(x))


@both_directions
def test_a_single_segment_of_a_single_clip_works(bidirectional):
    layer, x = make_layer(bidirectional), embeddings(1, n_segments=1)
    expected = run_equations(layer, x[0, :, 0].numpy().T)[0]
    for y in (layer(x), layer(x, torch.tensor([1]))):
        np.testing.assert_allclose(y[0, :4, 0, 0].detach().numpy(), expected, atol=1e-12)


@both_directions
def test_only_both_directions_know_the_segments_that_follow(bidirectional):
    layer, x = make_layer(bidirectional), embeddings().requires_grad_()
    layer(x)[:, :, 3].square().sum().backward()
    assert (x.grad[:, :, :4] != 0).all()
    assert (x.grad[:, :, 4:] != 0).all() == bidirectional
    assert (x.grad[:, :, 4:] == 0).all() != bidirectional


@both_directions
def test_gradients_are_those_of_finite_differences(bidirectional):
    layer, x = make_layer(bidirectional, 2, 2), embeddings(2, 2, 3).requires_grad_()
    n_segments = torch.tensor([2, 3])
    assert torch.autograd.gradcheck(lambda x: layer(x, n_segments), x)


@both_directions
def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_state_alone(bidirectional):
    layer = make_layer(bidirectional)
    state = torch.get_rng_state()
    weights = []
    for seed in (3, 3, 4):
        layer.reset_parameters(torch.Generator().manual_seed(seed))
        matrices = [p.detach().flatten() for p in layer.parameters() if p.dim() == 2]
        weights.append(torch.cat(matrices).clone())
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(weights[0], weights[1])
    assert (weights[0] != weights[2]).all()


@both_directions
def test_the_initial_weights_are_those_of_the_docstring(bidirectional):
    layer = make_layer(bidirectional, in_features=400, n_units=25)
    layer.reset_parameters(torch.Generator().manual_seed(0))
    for name, parameter in layer.lstm.named_parameters():
        gates = parameter.detach().view(4, 25, -1)
        if name.startswith("weight_ih"):
            torch.testing.assert_close(
                gates.std(dim=(1, 2)) * 200**0.5, torch.ones(4).double(), rtol=0.03, atol=0
            )
        elif name.startswith("weight_hh"):
            expected = torch.eye(25).double().expand(4, -1, -1)
            torch.testing.assert_close(gates @ gates.transpose(1, 2), expected)
        else:
            open_at_first = torch.zeros(4, 25).double()
            open_at_first[1] = float(name.startswith("bias_ih"))
            torch.testing.assert_close(gates[..., 0], open_at_first)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_outputs_have_the_precision_of_the_input(dtype):
    assert make_layer(True).to(dtype)(embeddings().to(dtype)).dtype == dtype


def test_double_precision_is_more_than_single():
    single, double = make_layer(True).float(), make_layer(True)
    single = single(embeddings().float()).double()
    torch.testing.assert_close(single, double(embeddings()), rtol=1e-4, atol=1e-5)
    assert not torch.equal(single, double(embeddings()))
