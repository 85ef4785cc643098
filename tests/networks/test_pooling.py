"""Pooling in the log domain against plain probabilities."""

import math

import numpy as np
import pytest
import torch

from sk_audioevents.networks import SegmentPooling

METHODS = ["mean", "max", "attention", "linear_softmax", "auto"]
each_method = pytest.mark.parametrize("method", METHODS)
exclusive_or_not = pytest.mark.parametrize("exclusive", [False, True])


def make_pooling(method, exclusive=False, n_outputs=9, alpha=None):
    pooling = SegmentPooling(method, exclusive, n_outputs).double()
    if method == "auto":
        alpha = np.linspace(-2, 6, n_outputs) if alpha is None else np.full(n_outputs, alpha)
        pooling.alpha.data = torch.from_numpy(alpha)
    return pooling


def make_logits(pooling, n_clips=7, n_segments=8, scale=2.0):
    generator = torch.Generator().manual_seed(0)
    shape = (n_clips, n_segments, pooling.n_logits)
    return scale * torch.randn(*shape, generator=generator, dtype=torch.float64)


def pool_plainly(pooling, logits):
    """Pool the logits (K, n_logits) of one clip as the papers say it, without logarithms."""
    z, n = logits.numpy(), pooling.n_outputs
    if pooling.exclusive:
        p = np.exp(z[:, :n]) / np.exp(z[:, :n]).sum(axis=1, keepdims=True)
    else:
        p = 1 / (1 + np.exp(-z[:, :n]))
    if pooling.method == "max":
        pooled = p.max(axis=0)
    elif pooling.method == "auto":
        pooled = np.average(p, axis=0, weights=np.exp(pooling.alpha.detach().numpy() * p))
    else:
        weights = {"mean": np.ones_like(p), "linear_softmax": p, "attention": np.exp(z[:, n:])}
        pooled = np.average(p, axis=0, weights=weights[pooling.method])
    return pooled / pooled.sum() if pooling.exclusive else pooled


def assert_probabilities(scores, expected):
    expected = torch.from_numpy(np.stack(expected))
    torch.testing.assert_close(scores.log_present.exp().detach(), expected)
    if scores.log_absent is not None:
        torch.testing.assert_close(scores.log_absent.exp().detach(), 1 - expected)


def total(scores):
    """Return a number that depends on all log probabilities."""
    return sum(log_p.sum() for log_p in scores if log_p is not None)


@each_method
@exclusive_or_not
def test_clips_have_the_probabilities_of_the_formula(method, exclusive):
    pooling = make_pooling(method, exclusive)
    z = make_logits(pooling)
    assert_probabilities(pooling(z), [pool_plainly(pooling, clip) for clip in z])


@each_method
@exclusive_or_not
@pytest.mark.parametrize("padding", [-1e4, 0.0, 1e4])
def test_segments_that_are_padding_do_not_count(method, exclusive, padding):
    pooling = make_pooling(method, exclusive)
    z, n_segments = make_logits(pooling, n_clips=3), [8, 1, 5]
    z[1, 1:], z[2, 5:] = padding, padding
    expected = [pool_plainly(pooling, clip[:n]) for clip, n in zip(z, n_segments, strict=True)]
    assert_probabilities(pooling(z, torch.tensor(n_segments)), expected)


@each_method
@exclusive_or_not
@pytest.mark.parametrize("padding", [-1e4, 1e4])
def test_padding_gets_no_gradient_and_leaves_that_of_others_alone(method, exclusive, padding):
    pooling = make_pooling(method, exclusive)
    z, n_segments = make_logits(pooling, n_clips=2), torch.tensor([8, 3])
    z[1, 3:] = padding
    (gradient,) = torch.autograd.grad(total(pooling(z.requires_grad_(), n_segments)), z)
    short = z.detach()[1:, :3].requires_grad_()
    (expected,) = torch.autograd.grad(total(pooling(short)), short)
    torch.testing.assert_close(gradient[1:, :3], expected)
    assert (gradient[1, 3:] == 0).all()
    assert torch.isfinite(gradient).all()


@each_method
@exclusive_or_not
def test_gradients_are_those_of_finite_differences(method, exclusive):
    pooling = make_pooling(method, exclusive, n_outputs=2)
    z, n_segments = make_logits(pooling, n_clips=2, n_segments=3), torch.tensor([3, 2])
    assert torch.autograd.gradcheck(lambda z: total(pooling(z, n_segments)), z.requires_grad_())


@each_method
@pytest.mark.parametrize("scale", [0.1, 3.0, 300.0])
def test_present_and_absent_sum_to_1(method, scale):
    pooling = make_pooling(method)
    log_p, log_q = pooling(make_logits(pooling, scale=scale))
    torch.testing.assert_close(torch.logaddexp(log_p, log_q), torch.zeros_like(log_p))


@each_method
@pytest.mark.parametrize("scale", [0.1, 3.0, 300.0])
def test_exclusive_classes_sum_to_1(method, scale):
    pooling = make_pooling(method, exclusive=True)
    log_p, _ = pooling(make_logits(pooling, scale=scale))
    torch.testing.assert_close(log_p.exp().sum(dim=1), torch.ones_like(log_p[:, 0]))


@each_method
@exclusive_or_not
def test_a_clip_of_one_segment_has_the_probabilities_of_the_segment(method, exclusive):
    pooling = make_pooling(method, exclusive)
    z = make_logits(pooling, n_segments=1)
    log_p = torch.log_softmax(z[:, 0, :9], 1) if exclusive else z[:, 0, :9].sigmoid().log()
    torch.testing.assert_close(pooling(z).log_present.detach(), log_p)


@each_method
def test_segments_have_the_probabilities_of_the_first_columns(method):
    pooling = make_pooling(method)
    z = make_logits(pooling)
    log_p, log_q = pooling.segment_scores(z)
    torch.testing.assert_close(log_p.exp(), z[..., :9].sigmoid())
    torch.testing.assert_close(log_q.exp(), (-z[..., :9]).sigmoid())


@each_method
def test_only_attention_needs_further_outputs(method):
    assert SegmentPooling(method, n_outputs=9).n_logits == (18 if method == "attention" else 9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("method", "log_p", "log_q"),
    [
        ("mean", math.log(1 / 2), math.log(1 / 2)),
        ("max", 0.0, -1e4),
        ("attention", math.log(1 / 2), math.log(1 / 2)),
        ("linear_softmax", 0.0, math.log(2) - 1e4),
        ("auto", math.log(math.e / (1 + math.e)), math.log(1 / (1 + math.e))),
    ],
)
def test_a_sure_and_an_impossible_segment_stay_finite(method, log_p, log_q, dtype):
    pooling = SegmentPooling(method).to(dtype)
    z = torch.zeros(1, 2, pooling.n_logits, dtype=dtype)
    z[0, :, 0] = torch.tensor([1e4, -1e4])
    scores = pooling(z.requires_grad_())
    total(scores).backward()
    expected = torch.tensor([[[log_p]], [[log_q]]], dtype=dtype)
    torch.testing.assert_close(torch.stack(scores).detach(), expected)
    assert torch.isfinite(z.grad).all()


@each_method
@pytest.mark.parametrize("sign", [-1, 1])
def test_segments_that_are_all_sure_stay_finite(method, sign):
    pooling = SegmentPooling(method)
    z = torch.zeros(1, 3, pooling.n_logits)
    z[..., 0] = sign * 1e4
    scores = pooling(z.requires_grad_())
    total(scores).backward()
    expected = torch.tensor([[[min(sign, 0) * 1e4]], [[min(-sign, 0) * 1e4]]])
    torch.testing.assert_close(torch.stack(scores).detach(), expected)
    assert torch.isfinite(z.grad).all()


@each_method
def test_sure_and_impossible_exclusive_classes_stay_finite(method):
    pooling = SegmentPooling(method, exclusive=True, n_outputs=3)
    z = torch.zeros(1, 2, pooling.n_logits)
    z[0, :, :3] = torch.tensor([[1e4, -1e4, 0.0], [1e4, 0.0, -1e4]])
    log_p, _ = pooling(z.requires_grad_())
    log_p.sum().backward()
    torch.testing.assert_close(log_p[0, 0].detach(), torch.tensor(0.0))
    assert ((log_p[0, 1:] < -9e3) & torch.isfinite(log_p[0, 1:])).all()
    assert torch.isfinite(z.grad).all()


@exclusive_or_not
@pytest.mark.parametrize(("alpha", "limit"), [(0.0, "mean"), (1e9, "max")])
def test_auto_has_the_mean_and_the_maximum_as_its_limits(exclusive, alpha, limit):
    auto, other = make_pooling("auto", exclusive, alpha=alpha), make_pooling(limit, exclusive)
    z = make_logits(auto)
    torch.testing.assert_close(auto(z), other(z))


def test_alpha_of_a_class_gets_the_variance_of_its_segments_as_gradient():
    """The derivative of Σ a_k p_k by α, with a_k ∝ exp(α p_k), is the variance of p under a."""
    pooling = make_pooling("auto")
    z = make_logits(pooling, n_clips=1)
    p = z[0].sigmoid().numpy()
    weights = np.exp(pooling.alpha.detach().numpy() * p)
    variance = np.average((p - np.average(p, 0, weights)) ** 2, 0, weights)
    pooled = pooling(z).log_present.exp()[0]
    jacobian = [torch.autograd.grad(q, pooling.alpha, retain_graph=True)[0] for q in pooled]
    torch.testing.assert_close(torch.stack(jacobian), torch.from_numpy(np.diag(variance)))


def test_alpha_begins_at_1_and_is_reset_to_it():
    pooling = SegmentPooling("auto", n_outputs=3)
    torch.testing.assert_close(pooling.alpha.data, torch.ones(3))
    pooling.alpha.data.fill_(7)
    pooling.reset_parameters()
    torch.testing.assert_close(pooling.alpha.data, torch.ones(3))


@exclusive_or_not
@pytest.mark.parametrize("weight", [-50.0, 0.0, 50.0])
def test_attention_with_equal_weights_is_the_mean(exclusive, weight):
    attention, mean = make_pooling("attention", exclusive), make_pooling("mean", exclusive)
    z = make_logits(attention)
    z[..., 9:] = weight
    torch.testing.assert_close(attention(z), mean(z[..., :9]))


@exclusive_or_not
def test_attention_with_one_dominant_weight_picks_that_segment_for_each_class(exclusive):
    attention = make_pooling("attention", exclusive, n_outputs=3)
    z = make_logits(attention)
    picked = [5, 0, 7]
    for i, k in enumerate(picked):
        z[:, k, 3 + i] = 1e4
    p = z[..., :3].softmax(2) if exclusive else z[..., :3].sigmoid()
    expected = p[:, picked, [0, 1, 2]]
    if exclusive:
        expected = expected / expected.sum(dim=1, keepdim=True)
    torch.testing.assert_close(attention(z).log_present.exp(), expected)


def test_linear_softmax_lies_between_the_mean_and_the_maximum():
    z = make_logits(make_pooling("mean"))
    mean, linear, largest = (
        make_pooling(method)(z).log_present for method in ("mean", "linear_softmax", "max")
    )
    assert ((mean < linear) & (linear < largest)).all()
