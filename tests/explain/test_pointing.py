"""Relevance points at the event that is explained, better than the baselines do.

The margins over all baselines on networks as deep as the default one are those of
examples/benchmarks/relevance.py; on so small a network integrated gradients come close.
"""

import numpy as np
import pytest

from sk_audioevents import VGGEventClassifier
from sk_audioevents.explain import explain_lrp, grad_cam, integrated_gradients

N_FRAMES, N_BANDS = 96, 32
MARGIN = 2  # frames and bands that a box reaches beyond its event


def make_mixtures(n_clips, rng):
    """Return noise with an event of each of two classes in half of the clips, and their boxes.

    One is a tone, the other clicks; recordings differ in level and in colour. Labels are
    (n_clips, 2), boxes (n_clips, 2, N_FRAMES, N_BANDS).
    """
    frames = rng.normal(size=(n_clips, N_FRAMES, N_BANDS))
    frames += rng.normal(0, 1, (n_clips, 1, 1)) + rng.normal(0, 0.5, (n_clips, 1, N_BANDS))
    boxes = np.zeros((n_clips, 2, N_FRAMES, N_BANDS), dtype=bool)
    labels = rng.integers(0, 2, (n_clips, 2))
    for clip, clip_boxes, present in zip(frames, boxes, labels):
        halves = rng.permutation([0, N_FRAMES // 2])  # so that events lie clear of each other
        for label in np.flatnonzero(present):
            start, band = halves[label] + rng.integers(3, 23), rng.integers(3, 19)
            if label == 0:
                clip[start : start + 22, band + 4 : band + 6] += 5
            else:
                clip[start : start + 22 : 5, band : band + 10] += 5
            box = slice(start - MARGIN, start + 22 + MARGIN), slice(band - MARGIN, band + 12)
            clip_boxes[label][box] = True
    return frames.astype(np.float32), labels, boxes


@pytest.fixture(scope="module")
def network():
    frames, labels, _ = make_mixtures(240, np.random.default_rng(0))
    return VGGEventClassifier(
        channels=(6, 8, 12, 16),
        embedding_dim=24,
        pooling="max",
        max_epochs=14,
        learning_rate=4e-3,
        batch_size=16,
        random_state=0,
        n_jobs=1,
    ).fit(frames, labels)


@pytest.fixture(scope="module")
def share_inside(network):
    """Return a function that gives the mean share of positive relevance inside the boxes."""
    frames, labels, boxes = make_mixtures(30, np.random.default_rng(1))
    clips, classes = np.nonzero(labels)
    assert (network.predict_proba(frames)[clips, classes] > 0.5).mean() > 0.9

    def share(method):
        maps = method(network, frames[clips], target=classes).relevance.clip(min=0)
        inside = (maps * boxes[clips, classes]).sum(axis=(1, 2))
        return np.mean(inside / np.maximum(maps.sum(axis=(1, 2)), 1e-12))

    return share


@pytest.mark.slow
def test_relevance_lies_inside_the_box_of_the_event(share_inside):
    assert share_inside(explain_lrp) >= 0.87


@pytest.mark.slow
def test_relevance_points_better_than_the_baselines(share_inside):
    by_relevance = share_inside(explain_lrp)
    assert by_relevance >= share_inside(grad_cam) + 0.3
    assert by_relevance > share_inside(integrated_gradients)
