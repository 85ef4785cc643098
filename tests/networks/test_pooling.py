"""Pooling in the log domain against plain probabilities."""

import pytest
import torch

from sk_audioevents.networks import ClipScores, SegmentPooling


def logits(*shape, scale=2.0):
    generator = torch.Generator().manual_seed(0)
    return scale * torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_mean_of_sigmoids():
    z = logits(7, 8, 9)
    log_p, log_q = SegmentPooling("mean")(z)
    torch.testing.assert_close(log_p.exp(), z.sigmoid().mean(dim=1))
    torch.testing.assert_close(log_q.exp(), 1 - z.sigmoid().mean(dim=1))


def test_max_of_sigmoids():
    z = logits(7, 8, 9)
    log_p, log_q = SegmentPooling("max")(z)
    torch.testing.assert_close(log_p.exp(), z.sigmoid().amax(dim=1))
    torch.testing.assert_close(log_q.exp(), 1 - z.sigmoid().amax(dim=1))


def test_mean_of_softmaxes():
    z = logits(7, 8, 9)
    log_p, _ = SegmentPooling("mean", exclusive=True)(z)
    torch.testing.assert_close(log_p.exp(), z.softmax(dim=2).mean(dim=1))


def test_max_of_softmaxes_sums_to_1_again():
    z = logits(7, 8, 9)
    log_p, _ = SegmentPooling("max", exclusive=True)(z)
    largest = z.softmax(dim=2).amax(dim=1)
    torch.testing.assert_close(log_p.exp(), largest / largest.sum(dim=1, keepdim=True))


@pytest.mark.parametrize("method", ["mean", "max"])
@pytest.mark.parametrize("exclusive", [False, True])
def test_segments_that_are_padding_do_not_count(method, exclusive):
    z, pooling = logits(3, 8, 9), SegmentPooling(method, exclusive)
    n_segments = torch.tensor([8, 1, 5])
    pooled = pooling(z, n_segments)
    for i, n in enumerate(n_segments):
        alone = pooling(z[i : i + 1, :n])
        torch.testing.assert_close(pooled.log_present[i], alone.log_present[0])
        if not exclusive:
            torch.testing.assert_close(pooled.log_absent[i], alone.log_absent[0])


@pytest.mark.parametrize("method", ["mean", "max"])
def test_extreme_logits_stay_finite_with_their_gradients(method):
    z = torch.tensor([[[-5e3, 5e3]] * 3]).requires_grad_()
    scores = SegmentPooling(method)(z)
    (scores.log_present.sum() + scores.log_absent.sum()).backward()
    torch.testing.assert_close(scores, ClipScores(*torch.tensor([[[-5e3, 0.0]], [[0.0, -5e3]]])))
    assert torch.isfinite(z.grad).all()
