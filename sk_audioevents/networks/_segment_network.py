"""What networks share that give the classes of each segment of a clip, and pool them."""

from torch import nn

from sk_audioevents.networks._pooling import SegmentPooling
from sk_audioevents.networks._temporal import LSTMLayer


class SegmentNetwork(nn.Module):
    """Frames of any length → embeddings of segments → segment logits → pooled clip probabilities.

    A subclass sets ``segment_frames``, ``segment_hop_frames`` and ``context_frames``, implements
    ``embed`` and ends its constructor with ``_add_head``.

    Attributes
    ----------
    segment_frames : int
        Frames that a segment output is about.
    segment_hop_frames : int
        Frames between the starts of segments.
    context_frames : int
        How many frames on each side of its own the convolutions of a segment output see.
    n_logits : int
        Columns of the logits: the outputs and, with attention, as many weights.
    """

    def _add_head(self, embedding_dim, n_outputs, temporal, temporal_dim, pooling, exclusive):
        """Add what follows the embedding; call it where tensors are made on the meta device."""
        self.temporal = None
        if temporal is not None:
            self.temporal = LSTMLayer(embedding_dim, temporal_dim, temporal == "bilstm")
            embedding_dim = self.temporal.out_features
        self.pooling = SegmentPooling(pooling, exclusive, n_outputs)
        self.n_logits = self.pooling.n_logits
        self.classes = nn.Conv2d(embedding_dim, self.n_logits, kernel_size=1)

    def _reset_head(self, generator):
        """Draw the weights of the LSTM; the class layer begins at 0.

        So every class begins with probability 1/2 (or 1/n), whatever the input, and what the first
        steps learn of the classes' frequencies holds for all inputs.
        """
        if self.temporal is not None:
            self.temporal.reset_parameters(generator)
        self.pooling.reset_parameters()
        nn.init.zeros_(self.classes.weight)
        nn.init.zeros_(self.classes.bias)

    def n_segments(self, n_frames):
        """Return how many segment outputs clips of so many frames have, at least 1.

        Parameters
        ----------
        n_frames : int, ndarray or Tensor of int
            Numbers of frames.

        Returns
        -------
        n_segments : as n_frames
            max(1, ceil(n_frames / segment_hop_frames) - 1).
        """
        n_segments = -(-n_frames // self.segment_hop_frames) - 1
        return n_segments + (1 - n_segments) * (n_segments < 1)

    def embed(self, frames, n_frames=None, sample_weight=None):
        """Compute the embedding of each segment.

        Parameters
        ----------
        frames : Tensor of shape (B, T, n_bands)
            Frames, not standardised; what stands after a clip's end does not matter.
        n_frames : int64 Tensor of shape (B,), default=None
            Length of each clip; None where all have T frames.
        sample_weight : Tensor of shape (B,), default=None
            Weight of each clip in batch norm, in training.

        Returns
        -------
        embeddings : Tensor of shape (B, embedding_dim, K, 1)
            The embeddings; zeros after a clip's end.
        """
        raise NotImplementedError

    def classify(self, embeddings, n_segments=None):
        """Compute the class logits of each segment from the embeddings.

        Parameters
        ----------
        embeddings : Tensor of shape (B, embedding_dim, K, 1)
            Embeddings of the segments in order.
        n_segments : int64 Tensor of shape (B,), default=None
            How many of the K are the clip's own; None for all.

        Returns
        -------
        logits : Tensor of shape (B, K, n_logits)
            The logits.
        """
        if self.temporal is not None:
            embeddings = self.temporal(embeddings, n_segments)
        return self.classes(embeddings)[..., 0].transpose(1, 2)

    def segment_logits(self, frames, n_frames=None, sample_weight=None):
        """Compute the class logits of each segment.

        Parameters
        ----------
        frames, n_frames, sample_weight : Tensors
            As for `embed`.

        Returns
        -------
        logits : Tensor of shape (B, K, n_logits)
            The logits.
        n_segments : int64 Tensor of shape (B,) or None
            How many of the K outputs are the clip's own; None for all.
        """
        n_segments = None if n_frames is None else self.n_segments(n_frames)
        embeddings = self.embed(frames, n_frames, sample_weight)
        return self.classify(embeddings, n_segments), n_segments

    def forward(self, frames, n_frames=None, sample_weight=None):
        """Compute the class probabilities of clips.

        Parameters
        ----------
        frames, n_frames, sample_weight : Tensors
            As for `embed`.

        Returns
        -------
        scores : ClipScores of shape (B, n_outputs)
            Log probabilities of the clips.
        """
        return self.pooling(*self.segment_logits(frames, n_frames, sample_weight))
