"""What is explained: which classes of a clip, from the logits of which of its segments."""

from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

CLASS_FORMS = (
    "a class of the classifier or its index, an array (n_clips,) of one for each clip, or an array "
    "(n_clips, n_targets) of several"
)


class Answer(NamedTuple):
    """The explained scores of a clip: weighted sums of the logits of its segments, in float64.

    Attributes
    ----------
    targets : int64 Tensor of shape (n_targets,)
        Indices of the classes.
    columns : int64 Tensor of shape (n_targets,)
        The columns of their logits.
    signs : Tensor of shape (n_targets,)
        1, or -1 where the class is the absence of the output's.
    weights : Tensor of shape (n_targets, n_segments)
        Weights of the segments, which sum to 1.
    logits : Tensor of shape (n_targets, n_segments)
        The logits of the classes.
    """

    targets: torch.Tensor
    columns: torch.Tensor
    signs: torch.Tensor
    weights: torch.Tensor
    logits: torch.Tensor

    @property
    def score(self):
        """The scores (n_targets,)."""
        return (self.weights * self.logits).sum(dim=1)


class Question:
    """Decide which logits of a clip to explain.

    Parameters
    ----------
    pooling : SegmentPooling
        The pooling of the network.
    binary : bool
        Whether the one output is the second of two classes.
    targets : int64 array of shape (n_clips, n_targets), default=None
        Indices of classes; None is the most probable class of each clip.
    output : {"clip", "segment"}, default="clip"
        Whether to explain the pooled score or that of one segment.
    segment : int, default=None
        Which segment; None is the one in which the class is most probable.
    """

    def __init__(self, pooling, binary, targets=None, output="clip", segment=None):
        self.pooling = pooling
        self.binary = binary
        self.targets = targets
        self.output = output
        self.segment = segment

    @property
    def n_targets(self):
        """How many classes of each clip are explained."""
        return 1 if self.targets is None else self.targets.shape[1]

    @torch.no_grad()
    def ask(self, clip, logits, n_parts=1):
        """Return the `Answer` for a clip.

        Parameters
        ----------
        clip : int
            Which clip.
        logits : Tensor of shape (n_segments * n_parts, n_logits)
            Its logits.
        n_parts : int, default=1
            How many successive rows of logits a segment has.

        Returns
        -------
        answer : Answer
            What to explain.
        """
        logits = logits.double()
        targets = [self._most_probable(logits)] if self.targets is None else self.targets[clip]
        log_p = torch.stack([self._log_probability(logits, target) for target in targets])
        weights = torch.zeros_like(log_p)
        for row, target in enumerate(targets):
            rows = self._explained_rows(clip, log_p[row], n_parts)
            log_a = self.log_weights(logits[rows], 0 if self.binary else target)
            weights[row, rows] = functional.softmax(log_a + log_p[row, rows], dim=0)
        targets = torch.tensor(targets, device=logits.device)
        signs = torch.where(self.binary & (targets == 0), -1.0, 1.0).to(logits)
        columns = torch.zeros_like(targets) if self.binary else targets
        return Answer(targets, columns, signs, weights, signs[:, None] * logits[:, columns].T)

    def _most_probable(self, logits):
        scores = self.pooling(logits[None])
        if scores.log_absent is None:
            return int(scores.log_present.argmax())
        log_odds = (scores.log_present - scores.log_absent)[0]
        return int(log_odds[0] > 0) if self.binary else int(log_odds.argmax())

    def _log_probability(self, logits, target):
        """Return log p of a class in each row of logits."""
        scores = self.pooling.segment_scores(logits)
        if self.binary:
            return (scores.log_present if target else scores.log_absent)[:, 0]
        return scores.log_present[:, target]

    def log_weights(self, logits, column):
        """Return the logarithm of each row's weight in the pooled probability."""
        scores = self.pooling.segment_scores(logits[None])
        if self.pooling.method == "max":
            largest = scores.log_present[0, :, column].argmax()
            rows = torch.arange(len(logits), device=logits.device)
            return torch.where(rows == largest, 0.0, -torch.inf)
        return self.pooling.log_weights(scores, logits[None], None)[0, :, column]

    def _explained_rows(self, clip, log_p, n_parts):
        """Return which rows of the logits have a part in the explained score, as a slice."""
        if self.output == "clip":
            return slice(None)
        n_segments = len(log_p) // n_parts
        segment = int(log_p.argmax()) // n_parts if self.segment is None else self.segment
        if not -n_segments <= segment < n_segments:
            raise ValueError(
                f"The 'segment' parameter must be a segment of every clip. Clip {clip} has "
                f"{n_segments}, counted from 0. Got {segment} instead."
            )
        first = segment % n_segments * n_parts
        return slice(first, first + n_parts)


def class_indices(target, classes, n_clips):
    """Find the classes that a user means.

    Parameters
    ----------
    target : None, label, int or array-like
        As for `explain_lrp`.
    classes : array of shape (n_classes,)
        The labels.
    n_clips : int
        Number of clips.

    Returns
    -------
    indices : int64 array of shape (n_clips, n_targets) or None
        The indices of the classes; None for None.
    is_several : bool
        Whether the user asked for several of each clip.

    Raises
    ------
    ValueError
        If there is no such class, or the shape is none of those.
    """
    if target is None:
        return None, False
    targets = np.asarray(target, dtype=object)  # labels and indices may stand side by side
    shape_is_right = targets.ndim == 0 or (
        targets.shape == (n_clips,)
        if targets.ndim == 1
        else targets.ndim == 2 and targets.shape[0] in (1, n_clips) and targets.shape[1] > 0
    )
    if not shape_is_right:
        slip = f" For several classes of each clip, pass [{target!r}]." if targets.ndim == 1 else ""
        raise ValueError(
            f"The 'target' parameter must be {CLASS_FORMS}; there are {n_clips} clips. Got shape "
            f"{targets.shape} instead.{slip}"
        )
    places = {label: i for i, label in enumerate(classes.tolist())}
    if classes.dtype.kind not in "iufb":  # numbers would be taken for labels
        places |= {i: i for i in range(len(classes))}
    indices = np.array([_place(label, places, classes) for label in targets.ravel().tolist()])
    indices = indices.reshape(targets.shape if targets.ndim == 2 else (-1, 1))
    return np.broadcast_to(indices, (n_clips, indices.shape[1])), targets.ndim == 2


def _place(label, places, classes):
    if label not in places:
        known = ", ".join(repr(known) for known in classes[:20].tolist())
        raise ValueError(
            f"The 'target' parameter must be {CLASS_FORMS}. Got {label!r} instead; the classes are "
            f"{known}{', ...' if len(classes) > 20 else ''}."
        )
    return places[label]
