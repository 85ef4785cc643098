"""Pooling in the graph against torch, for logits of all sizes."""

import numpy as np
import pytest
import torch

from sk_audioevents.export._pooling import Pooling
from sk_audioevents.networks import SegmentPooling

METHODS = ["mean", "max", "attention", "linear_softmax", "auto"]
N_OUTPUTS = 3


def make_pooling(method, exclusive, n_outputs=N_OUTPUTS):
    module = SegmentPooling(method, exclusive, n_outputs)
    if method == "auto":
        with torch.no_grad():
            module.alpha.copy_(torch.tensor([-2.0, 0.5, 9.0])[:n_outputs])
    return module


@pytest.fixture(scope="module", params=[0.1, 5.0, 200.0], ids="size {}".format)
def logits(request):
    """Logits of 7 segments of 4 clips; the largest ones leave the range of probabilities."""
    return np.random.default_rng(0).normal(0, request.param, (4, 7, 2 * N_OUTPUTS))


def evaluate_pooling(evaluate, kind, module, logits, *, binary=False, multilabel=False):
    def add(graph, x):
        pooling = Pooling(graph, module, binary=binary, multilabel=multilabel)
        return getattr(pooling, kind)(x)

    n_axes = 3 if kind == "segments" else 2
    return evaluate(add, logits[..., : module.n_logits], n_axes=n_axes)


def expected_scores(module, logits):
    with torch.inference_mode():
        return module(torch.from_numpy(logits[..., : module.n_logits]).float().double())


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_pooled_probabilities_are_those_of_torch(evaluate, logits, method, exclusive):
    module = make_pooling(method, exclusive)
    expected = expected_scores(module, logits).log_present.exp().numpy()
    pooled = evaluate_pooling(evaluate, "pooled", module, logits)
    np.testing.assert_allclose(pooled, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_classes_of_a_clip_sum_to_1_even_if_all_are_as_good_as_0(evaluate, method):
    logits = np.random.default_rng(0).normal(-300, 5, (4, 7, 2 * N_OUTPUTS))
    module = make_pooling(method, exclusive=False)
    log_present = expected_scores(module, logits).log_present
    clips = evaluate_pooling(evaluate, "clips", module, logits)
    np.testing.assert_allclose(clips, log_present.softmax(dim=1).numpy(), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(clips.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_two_classes_share_one_logit(evaluate, method):
    logits = np.random.default_rng(0).normal(0, 3, (4, 7, 2))
    module = make_pooling(method, False, n_outputs=1)
    present = expected_scores(module, logits).log_present.exp().numpy()
    clips = evaluate_pooling(evaluate, "clips", module, logits, binary=True)
    np.testing.assert_allclose(clips, np.column_stack([1 - present, present]), atol=1e-6)


def test_several_labels_of_a_clip_do_not_sum_to_1(evaluate, logits):
    module = make_pooling("mean", False)
    clips = evaluate_pooling(evaluate, "clips", module, logits, multilabel=True)
    expected = 1 / (1 + np.exp(-logits[..., :N_OUTPUTS]))
    np.testing.assert_allclose(clips, expected.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("method", ["mean", "attention"])
def test_segments_are_scored_one_by_one(evaluate, logits, method, exclusive):
    module = make_pooling(method, exclusive)
    with torch.inference_mode():
        scores = module.segment_scores(torch.from_numpy(logits[..., : module.n_logits]))
    segments = evaluate_pooling(evaluate, "segments", module, logits)
    np.testing.assert_allclose(segments, scores.log_present.exp().numpy(), rtol=1e-3, atol=1e-6)
