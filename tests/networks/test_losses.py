"""Losses against torch's functions and the formulas of their papers."""

import pytest
import torch
from torch.nn import functional

from sk_audioevents.networks import (
    SegmentPooling,
    binary_cross_entropy,
    cross_entropy,
    focal_loss,
    smooth_labels,
)

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = 3 * torch.randn(7, 8, generator=GENERATOR, dtype=torch.float64)
TARGET = (torch.rand(7, 8, generator=GENERATOR, dtype=torch.float64) < 0.4).double()
SOFT_TARGET = torch.rand(7, 8, generator=GENERATOR, dtype=torch.float64)

hard_and_soft = pytest.mark.parametrize("target", [TARGET, SOFT_TARGET], ids=["hard", "soft"])


def scores(logits, exclusive=False):
    return SegmentPooling(exclusive=exclusive).segment_scores(logits)


@hard_and_soft
def test_binary_cross_entropy_equals_torch(target):
    expected = functional.binary_cross_entropy_with_logits(LOGITS, target, reduction="none")
    torch.testing.assert_close(binary_cross_entropy(scores(LOGITS), target), expected)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_focal_loss_equals_the_formula_of_its_paper(gamma):
    p = LOGITS.sigmoid()
    p_t = torch.where(TARGET == 1, p, 1 - p)
    expected = -((1 - p_t) ** gamma) * torch.log(p_t)
    torch.testing.assert_close(focal_loss(scores(LOGITS), TARGET, gamma), expected)


def test_focal_loss_is_linear_in_soft_targets():
    present, absent = (
        focal_loss(scores(LOGITS), torch.full_like(LOGITS, y), 2.0) for y in (1.0, 0.0)
    )
    expected = SOFT_TARGET * present + (1 - SOFT_TARGET) * absent
    torch.testing.assert_close(focal_loss(scores(LOGITS), SOFT_TARGET, 2.0), expected)


@hard_and_soft
def test_focal_loss_with_gamma_0_is_binary_cross_entropy(target):
    expected = functional.binary_cross_entropy_with_logits(LOGITS, target, reduction="none")
    torch.testing.assert_close(focal_loss(scores(LOGITS), target, 0.0), expected)


def test_cross_entropy_equals_torch():
    labels = torch.tensor([0, 7, 3, 3, 1, 2, 5])
    one_hot = functional.one_hot(labels, 8).double()
    expected = functional.cross_entropy(LOGITS, labels, reduction="none")
    torch.testing.assert_close(cross_entropy(scores(LOGITS, True), one_hot).sum(dim=1), expected)


def test_cross_entropy_of_soft_targets_equals_torch():
    target = SOFT_TARGET / SOFT_TARGET.sum(dim=1, keepdim=True)
    expected = functional.cross_entropy(LOGITS, target, reduction="none")
    torch.testing.assert_close(cross_entropy(scores(LOGITS, True), target).sum(dim=1), expected)


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


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_smoothed_exclusive_labels_give_the_smoothed_loss_of_torch(smoothing):
    labels = torch.tensor([0, 7, 3, 3, 1, 2, 5])
    target = smooth_labels(functional.one_hot(labels, 8).double(), smoothing, exclusive=True)
    expected = functional.cross_entropy(LOGITS, labels, reduction="none", label_smoothing=smoothing)
    torch.testing.assert_close(cross_entropy(scores(LOGITS, True), target).sum(dim=1), expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize(("n_outputs", "exclusive"), [(8, False), (1, False), (1, True)])
def test_a_smoothed_label_of_its_own_is_that_of_two_classes(smoothing, n_outputs, exclusive):
    z, target = LOGITS[:, :n_outputs], TARGET[:, :n_outputs]
    two = torch.stack([torch.zeros_like(z), z], dim=1)  # absent, present
    expected = functional.cross_entropy(
        two, target.long(), reduction="none", label_smoothing=smoothing
    )
    smoothed = smooth_labels(target, smoothing, exclusive)
    torch.testing.assert_close(binary_cross_entropy(scores(z), smoothed), expected)


@pytest.mark.parametrize("exclusive", [False, True])
def test_smoothing_leaves_the_targets_it_is_given_alone(exclusive):
    target = TARGET.clone()
    smooth_labels(target, 0.1, exclusive)
    assert torch.equal(target, TARGET)
