"""Which logits are explained: the weights of segments, and the classes that a user means."""

import numpy as np
import pytest
import torch

from sk_audioevents.explain._question import Question, class_indices
from sk_audioevents.networks import SegmentPooling

LOGITS = torch.tensor([[0.3, -2.0], [1.2, 0.4], [-0.7, 1.1], [0.9, -0.2]]).double()


def ask(method, target, logits=LOGITS, exclusive=False, binary=False, **question):
    pooling = SegmentPooling(method, exclusive, n_outputs=1 if binary else 2).double()
    if method == "auto":
        with torch.no_grad():
            pooling.alpha.copy_(torch.linspace(2.0, 5.0, pooling.n_outputs))
    targets = None if target is None else np.array([[target]])
    return Question(pooling, binary, targets, **question).ask(0, logits), pooling


def probability_logits(method):
    """Return logits that also have columns of attention where the pooling wants them."""
    if method != "attention":
        return LOGITS
    return torch.cat([LOGITS, torch.tensor([[0.1, 2.0], [3.0, 0.0], [0.0, 1.0], [-1, 1]])], dim=1)


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("method", ["mean", "max", "attention", "linear_softmax", "auto"])
def test_weights_are_the_parts_of_segments_in_the_pooled_probability(method, exclusive):
    logits, target = probability_logits(method), 1
    answer, pooling = ask(method, target, logits, exclusive)
    z = logits[:, :2]
    p = (z.softmax(dim=1) if exclusive else z.sigmoid())[:, target]
    a = {
        "mean": torch.full_like(p, 0.25),
        "max": (p == p.max()).double(),
        "attention": logits[:, -1].softmax(dim=0),
        "linear_softmax": p / p.sum(),
        "auto": (5.0 * p).softmax(dim=0),
    }[method]
    torch.testing.assert_close(answer.weights[0], a * p / (a * p).sum())
    torch.testing.assert_close(answer.logits[0], z[:, target])
    assert answer.score[0] == pytest.approx(float(a * p @ z[:, target] / (a * p).sum()))
    if not exclusive:
        pooled = pooling(logits[None]).log_present[0, target].exp()
        assert float(a @ p) == pytest.approx(float(pooled.detach()))


def test_no_target_is_the_most_probable_class():
    assert int(ask("mean", None)[0].targets) == 0
    assert int(ask("max", None)[0].targets) == 0
    assert int(ask("mean", None, -LOGITS)[0].targets) == 1


@pytest.mark.parametrize(("shift", "expected"), [(-3.0, 0), (3.0, 1)])
def test_no_target_in_a_binary_problem(shift, expected):
    answer, _ = ask("mean", None, LOGITS[:, :1] + shift, binary=True)
    assert int(answer.targets) == expected
    assert float(answer.score) > 0


def test_the_first_class_of_two_is_the_negated_logit_weighed_by_its_own_probability():
    z = LOGITS[:, :1]
    answer, _ = ask("mean", 0, z, binary=True)
    absent = torch.sigmoid(-z[:, 0])
    torch.testing.assert_close(answer.weights[0], absent / absent.sum())
    torch.testing.assert_close(answer.logits[0], -z[:, 0])


def test_with_max_pooling_the_scores_of_two_classes_are_opposite():
    first, second = (ask("max", i, LOGITS[:, :1], binary=True)[0].score for i in (0, 1))
    assert float(first) == -float(second) == pytest.approx(-1.2)


@pytest.mark.parametrize("method", ["mean", "max", "auto"])
def test_one_segment_has_all_the_weight(method):
    for segment, row in ((None, 2), (1, 1), (-1, 3)):
        answer, _ = ask(method, 1, output="segment", segment=segment)
        assert answer.weights[0].tolist() == [float(k == row) for k in range(4)]


def test_a_segment_with_several_outputs_pools_them():
    pooling = SegmentPooling("mean", n_outputs=2)
    question = Question(pooling, False, np.array([[0]]), output="segment", segment=1)
    weights = question.ask(0, LOGITS, n_parts=2).weights[0]
    p = torch.sigmoid(LOGITS[2:, 0])
    torch.testing.assert_close(weights, torch.cat([torch.zeros(2), p / p.sum()]).double())


def test_a_segment_that_a_clip_has_not_is_refused():
    with pytest.raises(ValueError, match=r"'segment' .* Clip 0 has 4, .* Got 4 instead"):
        ask("mean", 0, output="segment", segment=4)


WORDS = np.array(["bell", "dog", "rain"])


@pytest.mark.parametrize(
    ("target", "classes", "expected"),
    [
        ("dog", WORDS, [[1], [1]]),
        (2, WORDS, [[2], [2]]),
        (["rain", "bell"], WORDS, [[2], [0]]),
        ([["dog", "rain", "bell"]], WORDS, [[1, 2, 0], [1, 2, 0]]),
        ([["dog"], ["rain"]], WORDS, [[1], [2]]),
        (7, np.array([3, 5, 7]), [[2], [2]]),
        (1.5, np.array([0.5, 1.5]), [[1], [1]]),
        (True, np.array([False, True]), [[1], [1]]),
    ],
)
def test_classes_by_label_or_index(target, classes, expected):
    indices, is_several = class_indices(target, classes, n_clips=2)
    assert indices.tolist() == expected
    assert is_several == (np.ndim(target) == 2)


@pytest.mark.parametrize(
    ("target", "classes", "message"),
    [
        ("cat", WORDS, r"Got 'cat' instead; the classes are 'bell', 'dog', 'rain'\."),
        (3, WORDS, r"Got 3 instead"),
        (1, np.array([3, 5, 7]), r"Got 1 instead; the classes are 3, 5, 7\."),
        (["dog", "rain", "bell"], WORDS, r"Got shape \(3,\) .* pass \[\['dog', 'rain', 'bell'\]\]"),
        (np.zeros((3, 1), int), WORDS, r"there are 2 clips. Got shape \(3, 1\) instead"),
        (np.zeros((1, 0), int), WORDS, r"Got shape \(1, 0\)"),
    ],
)
def test_an_unknown_class_or_shape_is_refused(target, classes, message):
    with pytest.raises(ValueError, match=message):
        class_indices(target, classes, n_clips=2)
