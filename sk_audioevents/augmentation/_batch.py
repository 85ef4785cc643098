"""What an augmentation of spectrograms gets and gives: a training batch."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpectrogramBatch:
    """A batch of spectrograms on their way into a network, with their targets.

    All tensors but those that are None lie on one device. Frames are levels in decibels, not yet
    standardised.

    Parameters
    ----------
    frames : Tensor of shape (B, T, n_bands)
        The clips, or the segments of bags.
    targets : Tensor of shape (B, n_outputs)
        What the network is to say, from 0 to 1; NaN where a clip is not labelled.
    target_weight : Tensor of shape (B, n_outputs)
        Weight of each target in the loss.
    band_mean : Tensor of shape (n_bands,)
        Mean level of each band in the training data: what a masked or missing place is filled with,
        since it is 0 once it is standardised.
    n_frames : int64 Tensor of shape (B,), default=None
        How many of the T frames are the clip's own; the rest is padding, which is never read. None
        is all of them.
    sample_weight : Tensor of shape (B,), default=None
        Weight of each clip; None is 1.

    Examples
    --------
    >>> import torch
    >>> from sk_audioevents.augmentation import SpectrogramBatch
    >>> batch = SpectrogramBatch(
    ...     frames=torch.zeros(2, 431, 128),
    ...     targets=torch.eye(2),
    ...     target_weight=torch.ones(2, 2),
    ...     band_mean=torch.zeros(128),
    ...     n_frames=torch.tensor([431, 300]),
    ... )
    >>> batch.is_padding().sum(dim=1)
    tensor([  0, 131])
    """

    frames: torch.Tensor
    targets: torch.Tensor
    target_weight: torch.Tensor
    band_mean: torch.Tensor
    n_frames: torch.Tensor | None = None
    sample_weight: torch.Tensor | None = None

    @property
    def lengths(self):
        """The number of frames of each clip, an int64 Tensor of shape (B,)."""
        n_clips, n_frames, _ = self.frames.shape
        if self.n_frames is None:
            return torch.full((n_clips,), n_frames, device=self.frames.device)
        return self.n_frames.to(self.frames.device)

    def is_padding(self):
        """Tell which frames are padding.

        Returns
        -------
        mask : bool Tensor of shape (B, T) or None
            True beyond a clip's end; None if there is no padding.
        """
        if self.n_frames is None:
            return None
        steps = torch.arange(self.frames.shape[1], device=self.frames.device)
        return steps >= self.lengths[:, None]

    def take_frames(self, index, clips=None):
        """Take frames of clips in any order.

        Parameters
        ----------
        index : int64 Tensor of shape (B, T)
            Which frame comes to each place.
        clips : int64 Tensor of shape (B,), default=None
            Which clip of the batch it comes from. None is the row's own.

        Returns
        -------
        frames : Tensor of shape (B, T, n_bands)
            A copy.
        """
        n_clips, n_frames, _ = self.frames.shape
        if clips is None:
            clips = torch.arange(n_clips, device=index.device)
        # Rows of a matrix are copied whole: 2.5 times as fast as frames[clips[:, None], index].
        rows = (clips[:, None] * n_frames + index).flatten()
        return self.frames.flatten(0, 1).index_select(0, rows).view(*index.shape, -1)
