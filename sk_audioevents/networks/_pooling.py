"""From the scores of segments to those of their clip, on probabilities, in the log domain."""

import math
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional


class ClipScores(NamedTuple):
    """Logarithms of class probabilities and, for classes that do not exclude each other, of 1 - p.

    Both are kept, since log(1 - p) cannot be had from log p where p is close to 1.

    Attributes
    ----------
    log_present : Tensor of shape (..., n_outputs)
        log p.
    log_absent : Tensor of shape (..., n_outputs) or None
        log(1 - p); None for classes that exclude each other.
    """

    log_present: torch.Tensor
    log_absent: torch.Tensor | None


class SegmentPooling(nn.Module):
    """Turn segment logits into clip probabilities.

    Parameters
    ----------
    method : {"mean", "max"}, default="mean"
        Mean of the segments' probabilities, or the largest one.
    exclusive : bool, default=False
        Whether classes exclude each other (softmax over the classes) or not (a sigmoid each). With
        "max", probabilities of exclusive classes are normalised to sum to 1 again.
    """

    def __init__(self, method="mean", exclusive=False):
        super().__init__()
        self.method = method
        self.exclusive = exclusive

    def segment_scores(self, logits):
        """Return the probabilities of single segments.

        Parameters
        ----------
        logits : Tensor of shape (..., n_outputs)
            Segment logits.

        Returns
        -------
        scores : ClipScores of shape (..., n_outputs)
            Their log probabilities.
        """
        if self.exclusive:
            return ClipScores(functional.log_softmax(logits, dim=-1), None)
        return ClipScores(functional.logsigmoid(logits), functional.logsigmoid(-logits))

    def pool(self, scores, n_segments=None):
        """Pool the probabilities of segments to those of their clips.

        Parameters
        ----------
        scores : ClipScores of shape (B, K, n_outputs)
            Log probabilities of the segments.
        n_segments : int64 Tensor of shape (B,), default=None
            How many of the K segments are the clip's own; None is all.

        Returns
        -------
        scores : ClipScores of shape (B, n_outputs)
            Log probabilities of the clips.
        """
        if self.method == "mean":
            return ClipScores(*(_log_mean(log_p, n_segments) for log_p in scores))
        log_present = _fill_padding(scores.log_present, n_segments, -math.inf).max(dim=1).values
        if self.exclusive:
            return ClipScores(functional.log_softmax(log_present, dim=-1), None)
        log_absent = _fill_padding(scores.log_absent, n_segments, math.inf).min(dim=1).values
        return ClipScores(log_present, log_absent)

    def forward(self, logits, n_segments=None):
        """Turn segment logits into the probabilities of clips.

        Parameters
        ----------
        logits : Tensor of shape (B, K, n_outputs)
            Segment logits.
        n_segments : int64 Tensor of shape (B,), default=None
            How many of the K segments are the clip's own; None is all.

        Returns
        -------
        scores : ClipScores of shape (B, n_outputs)
            Log probabilities of the clips.
        """
        return self.pool(self.segment_scores(logits), n_segments)


def _log_mean(log_p, n_segments):
    """Return log(sum_k p_k / K), which does not underflow."""
    if log_p is None:
        return None
    if n_segments is None:
        return torch.logsumexp(log_p, dim=1) - math.log(log_p.shape[1])
    log_p = _fill_padding(log_p, n_segments, -math.inf)
    return torch.logsumexp(log_p, dim=1) - n_segments[:, None].to(log_p.dtype).log()


def _fill_padding(values, n_segments, fill):
    if n_segments is None:
        return values
    steps = torch.arange(values.shape[1], device=values.device)
    return values.masked_fill((steps >= n_segments[:, None])[:, :, None], fill)
