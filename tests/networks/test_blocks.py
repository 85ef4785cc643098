"""Weighted batch norm and convolutions against torch's own."""

import pytest
import torch
from torch import nn

from sk_audioevents.networks._blocks import Conv2d, ConvBlock, WeightedBatchNorm2d, valid_frames


def values(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(7, 8, 1, 1), (7, 8, 4, 8), (7, 8, 5, 9)])
@pytest.mark.parametrize(("kernel_size", "padding"), [(3, 1), ((2, 1), 0), ((1, 1), 0)])
def test_convolution_equals_torch_in_value_and_gradient(shape, kernel_size, padding):
    if padding == 0 and shape[2] < 2:
        kernel_size = 1
    ours = Conv2d(8, 9, kernel_size, padding=padding, bias=False).double()
    theirs = nn.Conv2d(8, 9, kernel_size, padding=padding, bias=False).double()
    theirs.load_state_dict(ours.state_dict())
    x, y = values(*shape).requires_grad_(), values(*shape).requires_grad_()
    torch.testing.assert_close(ours(x), theirs(y))
    ours(x).square().sum().backward()
    theirs(y).square().sum().backward()
    torch.testing.assert_close(x.grad, y.grad)
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)


def fresh_norms():
    norms = WeightedBatchNorm2d(3).double(), nn.BatchNorm2d(3).double()
    for norm in norms:
        nn.init.constant_(norm.weight, 1.7)
        nn.init.constant_(norm.bias, -0.3)
    return norms


def assert_same_statistics(ours, theirs):
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    assert ours.num_batches_tracked == theirs.num_batches_tracked


def test_batch_norm_without_weights_is_torchs():
    ours, theirs = fresh_norms()
    x = values(4, 3, 5, 6)
    torch.testing.assert_close(ours(x), theirs(x))
    assert_same_statistics(ours, theirs)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


def test_integer_weights_in_batch_norm_are_repeated_clips():
    ours, theirs = fresh_norms()
    x, counts = values(4, 3, 5, 6), torch.tensor([2, 0, 1, 3])
    repeated = torch.repeat_interleave(x, counts, dim=0)
    weighted = ours(x, counts.double()[:, None, None, None])
    torch.testing.assert_close(torch.repeat_interleave(weighted, counts, dim=0), theirs(repeated))
    assert_same_statistics(ours, theirs)


def test_frames_that_are_padding_do_not_enter_batch_norm():
    ours, theirs = fresh_norms()
    x = values(1, 3, 9, 6)
    valid = valid_frames(torch.tensor([5]), 9, torch.float64)
    torch.testing.assert_close(ours(x, valid)[:, :, :5], theirs(x[:, :, :5]))
    assert_same_statistics(ours, theirs)


def test_tiny_weights_do_not_make_the_running_variance_infinite():
    ours, _ = fresh_norms()
    ours(values(4, 3, 5, 6), torch.full((4, 1, 1, 1), 1e-4, dtype=torch.float64))
    assert (ours.running_var < 3).all()


def test_a_single_value_is_normalised_with_the_running_statistics():
    ours, _ = fresh_norms()
    x = values(1, 3, 1, 1)
    torch.testing.assert_close(ours(x), ours.eval()(x))


def test_pooling_rounds_sizes_up():
    assert ConvBlock(1, 4, 2, (2, 2))(torch.zeros(2, 1, 7, 9)).shape == (2, 4, 4, 5)
    assert ConvBlock(1, 4, 1, (2, 1))(torch.zeros(2, 1, 1, 9)).shape == (2, 4, 1, 9)
