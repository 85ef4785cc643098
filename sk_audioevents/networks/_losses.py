"""Losses per clip and class, from log probabilities, so that no logit is too large for them.

Each takes ClipScores and targets in [0, 1] of one shape (n_clips, n_outputs) and gives one value
per clip and output; the trainer weighs and averages them. A target may lie between 0 and 1.
"""

import torch


def binary_cross_entropy(scores, target):
    """Return -y log p - (1 - y) log(1 - p).

    Parameters
    ----------
    scores : ClipScores of shape (n_clips, n_outputs)
        Log probabilities.
    target : Tensor of shape (n_clips, n_outputs)
        Targets, from 0 to 1.

    Returns
    -------
    loss : Tensor of shape (n_clips, n_outputs)
        The loss of each clip and output.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.networks import binary_cross_entropy, ClipScores
    >>> p = torch.tensor([[0.9, 0.2]])
    >>> scores = ClipScores(log_present=p.log(), log_absent=(1 - p).log())
    >>> binary_cross_entropy(scores, torch.tensor([[1.0, 0.0]]))
    tensor([[0.1054, 0.2231]])
    """
    return -(target * scores.log_present + (1 - target) * scores.log_absent)


def focal_loss(scores, target, gamma=2.0):
    """Return -y (1 - p)^γ log p - (1 - y) p^γ log(1 - p).

    Examples that are already right count less; γ = 0 is the binary cross-entropy. Equation 4 of
    T.-Y. Lin et al., "Focal loss for dense object detection", ICCV 2017, arXiv:1708.02002.

    Parameters
    ----------
    scores : ClipScores of shape (n_clips, n_outputs)
        Log probabilities.
    target : Tensor of shape (n_clips, n_outputs)
        Targets, from 0 to 1.
    gamma : float, default=2.0
        The exponent γ, at least 0.

    Returns
    -------
    loss : Tensor of shape (n_clips, n_outputs)
        The loss of each clip and output.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.networks import focal_loss, ClipScores
    >>> p = torch.tensor([[0.9, 0.2]])
    >>> scores = ClipScores(log_present=p.log(), log_absent=(1 - p).log())
    >>> focal_loss(scores, torch.tensor([[1.0, 0.0]]), gamma=2.0)
    tensor([[0.0011, 0.0089]])
    """
    present = target * torch.exp(gamma * scores.log_absent) * scores.log_present
    absent = (1 - target) * torch.exp(gamma * scores.log_present) * scores.log_absent
    return -(present + absent)


def cross_entropy(scores, target):
    """Return -y log p for classes that exclude each other; one output is the binary case.

    Parameters
    ----------
    scores : ClipScores of shape (n_clips, n_outputs)
        Log probabilities.
    target : Tensor of shape (n_clips, n_outputs)
        Targets, from 0 to 1.

    Returns
    -------
    loss : Tensor of shape (n_clips, n_outputs)
        The loss of each clip and output.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.networks import cross_entropy, ClipScores
    >>> p = torch.tensor([[0.9, 0.2]])
    >>> scores = ClipScores(log_present=p.log(), log_absent=(1 - p).log())
    >>> cross_entropy(scores, torch.tensor([[1.0, 0.0]]))
    tensor([[0.1054, 0.0000]])
    """
    if target.shape[-1] == 1:
        return binary_cross_entropy(scores, target)
    return -target * scores.log_present


def smooth_labels(target, smoothing, exclusive):
    """Return targets that are never quite sure: y (1 - ε) + ε / n.

    n is 2 where each output is a problem of its own, and the number of classes where they exclude
    each other; one output is the binary case, as in `cross_entropy`. Equation 3 of C. Szegedy et
    al., "Rethinking the inception architecture for computer vision", CVPR 2016, arXiv:1512.00567.

    Parameters
    ----------
    target : Tensor of shape (n_clips, n_outputs)
        Targets, from 0 to 1.
    smoothing : float
        The ε, from 0, which changes nothing, to below 1.
    exclusive : bool
        Whether the classes exclude each other.

    Returns
    -------
    target : Tensor of shape (n_clips, n_outputs)
        The smoothed targets.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.networks import smooth_labels
    >>> smooth_labels(torch.tensor([[1.0, 0.0, 0.0, 0.0]]), 0.2, exclusive=True)
    tensor([[0.8500, 0.0500, 0.0500, 0.0500]])
    """
    n = max(2, target.shape[-1]) if exclusive else 2
    return target * (1 - smoothing) + smoothing / n
