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

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.networks import SegmentPooling
    >>> scores = SegmentPooling("max")(torch.tensor([[[0.0], [50.0]]]))
    >>> scores.log_present.exp()
    tensor([[1.]])
    >>> scores.log_absent  # which 1 - p would have lost
    tensor([[-50.]])
    """

    log_present: torch.Tensor
    log_absent: torch.Tensor | None


class SegmentPooling(nn.Module):
    r"""Turn segment logits into clip probabilities.

    The probability of a class in the clip is a weighted mean of those in its K segments,

    .. math:: p = \sum_k a_k\, p_k, \qquad \sum_k a_k = 1,

    where "mean" has :math:`a_k = 1 / K`; "max" gives all weight to the largest; "linear_softmax"
    has :math:`a_k \propto p_k` [1]_; "auto" has :math:`a_k \propto e^{\alpha p_k}` with an
    :math:`\alpha` that is learnt for each class and begins at 1: 0 is the mean, and infinity the
    maximum [2]_; and "attention" has :math:`a_k \propto e^{v_k}` with further outputs v of the
    network for each class, which begin at 0, the mean [3]_.

    Parameters
    ----------
    method : {"mean", "max", "attention", "linear_softmax", "auto"}, default="mean"
        How segments are weighted.
    exclusive : bool, default=False
        Whether classes exclude each other (softmax over the classes) or not (a sigmoid each).
        Probabilities of exclusive classes are normalised to sum to 1 again after pooling.
    n_outputs : int, default=1
        Number of classes, for "attention" and "auto".

    Attributes
    ----------
    n_logits : int
        Number of columns of the logits: the outputs and, with "attention", as many weights.

    References
    ----------
    .. [1] Y. Wang, J. Li and F. Metze, "A comparison of five multiple instance learning pooling
       functions for sound event detection with weak labeling", ICASSP 2019, arXiv:1810.09050.
    .. [2] B. McFee, J. Salamon and J. P. Bello, "Adaptive pooling operators for weakly labeled
       sound event detection", IEEE/ACM TASLP 26(11), 2018, arXiv:1804.10070, equation 7.
    .. [3] Q. Kong, Y. Xu, W. Wang and M. D. Plumbley, "Audio Set classification with attention
       model: a probabilistic perspective", ICASSP 2018, arXiv:1711.00927.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.networks import SegmentPooling
    >>> logits = torch.logit(torch.tensor([[[0.2], [0.6]]]))  # 1 clip, 2 segments, 1 class
    >>> [round(SegmentPooling(m)(logits).log_present.exp().item(), 3) for m in ("mean", "max")]
    [0.4, 0.6]
    >>> round(SegmentPooling("linear_softmax")(logits).log_present.exp().item(), 3)
    0.5
    """

    def __init__(self, method="mean", exclusive=False, n_outputs=1):
        super().__init__()
        self.method = method
        self.exclusive = exclusive
        self.n_outputs = n_outputs
        self.n_logits = 2 * n_outputs if method == "attention" else n_outputs
        if method == "auto":
            self.alpha = nn.Parameter(torch.ones(n_outputs))

    def reset_parameters(self):
        """Let α of "auto" begin at 1."""
        if self.method == "auto":
            nn.init.ones_(self.alpha)

    def segment_scores(self, logits):
        """Return the probabilities of single segments.

        Parameters
        ----------
        logits : Tensor of shape (..., n_logits)
            Segment logits.

        Returns
        -------
        scores : ClipScores of shape (..., n_outputs)
            Their log probabilities.
        """
        if self.method == "attention":
            logits = logits[..., : self.n_outputs]
        if self.exclusive:
            return ClipScores(functional.log_softmax(logits, dim=-1), None)
        return ClipScores(functional.logsigmoid(logits), functional.logsigmoid(-logits))

    def forward(self, logits, n_segments=None):
        """Turn segment logits into the probabilities of clips.

        Parameters
        ----------
        logits : Tensor of shape (B, K, n_logits)
            Segment logits.
        n_segments : int64 Tensor of shape (B,), default=None
            How many of the K segments are the clip's own; None is all.

        Returns
        -------
        scores : ClipScores of shape (B, n_outputs)
            Log probabilities of the clips.
        """
        scores = self.segment_scores(logits)
        if self.method == "max":
            return self._maximum(scores, n_segments)
        weights = self.log_weights(scores, logits, n_segments)
        log_present, log_absent = (
            None if log_p is None else torch.logsumexp(weights + log_p, dim=1) for log_p in scores
        )
        if self.exclusive and self.method != "mean":
            log_present = functional.log_softmax(log_present, dim=-1)
        return ClipScores(log_present, log_absent)

    def _maximum(self, scores, n_segments):
        log_present = _fill_padding(scores.log_present, n_segments, -math.inf).max(dim=1).values
        if self.exclusive:
            return ClipScores(functional.log_softmax(log_present, dim=-1), None)
        log_absent = _fill_padding(scores.log_absent, n_segments, math.inf).min(dim=1).values
        return ClipScores(log_present, log_absent)

    def log_weights(self, scores, logits, n_segments=None):
        """Return the logarithms of the weights of the segments; "max" has none.

        Parameters
        ----------
        scores : ClipScores of shape (B, K, n_outputs)
            Log probabilities of the segments.
        logits : Tensor of shape (B, K, n_logits)
            The logits that they come from.
        n_segments : int64 Tensor of shape (B,), default=None
            How many of the K segments are the clip's own; None is all.

        Returns
        -------
        log_weights : Tensor of shape (B, K, n_outputs)
            The log a, whose exponentials sum to 1 over K; -inf for padding.
        """
        weights = {
            "mean": lambda: torch.zeros_like(scores.log_present),
            "linear_softmax": lambda: scores.log_present,
            "auto": lambda: self.alpha * scores.log_present.exp(),
            "attention": lambda: logits[..., self.n_outputs :],
        }[self.method]()
        return functional.log_softmax(_fill_padding(weights, n_segments, -math.inf), dim=1)


def _fill_padding(values, n_segments, fill):
    if n_segments is None:
        return values
    steps = torch.arange(values.shape[1], device=values.device)
    return values.masked_fill((steps >= n_segments[:, None])[:, :, None], fill)
