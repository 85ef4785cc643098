"""Losses against torch's functions and the formulas of their papers."""

import pytest
import torch
from torch.nn import functional

from sk_audioevents.networks import (
    SegmentPooling,
    binary_cross_entropy,
    cross_entropy,
    focal_loss,
)

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = 3 * torch.randn(7, 8, generator=GENERATOR, dtype=torch.float64)
TARGET = (torch.rand(7, 8, generator=GENERATOR, dtype=torch.float64) < 0.4).double()


def scores(logits, exclusive=False):
    return SegmentPooling(exclusive=exclusive).segment_scores(logits)


def test_binary_cross_entropy_equals_torch():
    expected = functional.binary_cross_entropy_with_logits(LOGITS, TARGET, reduction="none")
    torch.testing.assert_close(binary_cross_entropy(scores(LOGITS), TARGET), expected)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_focal_loss_equals_the_formula_of_its_paper(gamma):
    p = LOGITS.sigmoid()
    p_t = torch.where(TARGET == 1, p, 1 - p)
    expected = -((1 - p_t) ** gamma) * torch.log(p_t)
    torch.testing.assert_close(focal_loss(scores(LOGITS), TARGET, gamma), expected)


def test_focal_loss_with_gamma_0_is_binary_cross_entropy():
    expected = binary_cross_entropy(scores(LOGITS), TARGET)
    torch.testing.assert_close(focal_loss(scores(LOGITS), TARGET, 0.0), expected)


def test_cross_entropy_equals_torch():
    labels = torch.tensor([0, 7, 3, 3, 1, 2, 5])
    one_hot = functional.one_hot(labels, 8).double()
    expected = functional.cross_entropy(LOGITS, labels, reduction="none")
    torch.testing.assert_close(cross_entropy(scores(LOGITS, True), one_hot).sum(dim=1), expected)


def test_cross_entropy_of_one_output_is_that_of_two_classes():
    two = torch.stack([torch.zeros(7, dtype=torch.float64), LOGITS[:, 0]], dim=1)
    expected = functional.cross_entropy(two, TARGET[:, 0].long(), reduction="none")
    loss = cross_entropy(scores(LOGITS[:, :1]), TARGET[:, :1])
    torch.testing.assert_close(loss[:, 0], expected)


@pytest.mark.parametrize("loss", [binary_cross_entropy, focal_loss, cross_entropy])
def test_extreme_logits_give_finite_losses_and_gradients(loss):
    z = torch.tensor([[-1e4], [1e4], [-1e4], [1e4]]).requires_grad_()
    target = torch.tensor([[0.0], [0.0], [1.0], [1.0]])
    value = loss(scores(z), target)
    value.sum().backward()
    torch.testing.assert_close(value.detach(), torch.tensor([[0.0], [1e4], [1e4], [0.0]]))
    assert torch.isfinite(z.grad).all()
