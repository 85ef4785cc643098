"""What networks share that give the classes of each segment of a clip, and pool them."""

import numpy as np
import torch
from torch import nn

from sk_audioevents.networks._dropout import Dropout
from sk_audioevents.networks._pooling import SegmentPooling
from sk_audioevents.networks._temporal import LSTMLayer


class SegmentNetwork(nn.Module):
    """Frames of any length → embeddings of segments → segment logits → pooled clip probabilities.

    A subclass sets ``step_frames`` and ``context_frames``, implements ``encode``, ``join`` and
    ``body_stages``, and ends its constructor with ``_add_head``.

    Attributes
    ----------
    step_frames : int
        Frames of a step, which is what the convolutions leave, and a segment is made of.
    segment_steps : int or None
        Steps of a segment; None is all steps of a clip.
    segment_frames : int or None
        Frames that a segment output is about; None is the whole clip.
    segment_hop_frames : int or None
        Frames between the starts of segments; None where a clip has one.
    context_frames : int
        How many frames on each side of its own the convolutions of a segment output see.
    rounds_up : bool
        Whether frames at the end of a clip that do not fill a step are one too.
    least_steps : int
        How many steps the shortest clip has.
    embedding_dim : int
        Size of an embedding.
    n_logits : int
        Columns of the logits: the outputs and, with attention, as many weights.
    """

    segment_steps = 2
    least_steps = 1
    rounds_up = True

    @property
    def segment_frames(self):
        """Frames that a segment output is about; None is the whole clip."""
        return None if self.segment_steps is None else self.segment_steps * self.step_frames

    @property
    def segment_hop_frames(self):
        """Frames between the starts of segments; None where a clip has one."""
        return None if self.segment_steps is None else self.step_frames

    def _add_head(self, embedding_dim, n_outputs, temporal, temporal_dim, pooling, exclusive):
        """Add what follows the embedding; call it where tensors are made on the meta device."""
        self.embedding_dim, self.temporal = embedding_dim, None
        if temporal is not None:
            self.temporal = LSTMLayer(embedding_dim, temporal_dim, temporal == "bilstm")
            embedding_dim += self.temporal.out_features
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

    def stages(self):
        """Return the parts of the network in the order in which sound passes them.

        Together they hold all parameters, each in one stage: a training may freeze the first ones.

        Returns
        -------
        stages : list of (str, list of Module)
            Names and modules: the body's, "temporal" where there is a recurrent layer, "classes".
        """
        temporal = [] if self.temporal is None else [("temporal", [self.temporal])]
        return [*self.body_stages(), *temporal, ("classes", [self.classes, self.pooling])]

    def body_stages(self):
        """Return the stages before the head, from the input to the embedding.

        Returns
        -------
        stages : list of (str, list of Module)
            Names and modules.
        """
        raise NotImplementedError

    def seed_dropout(self, seed):
        """Decide what the network drops from now on, in training.

        Parameters
        ----------
        seed : int
            The seed, from 0 on.
        """
        layers = [module for module in self.modules() if isinstance(module, Dropout)]
        for layer, child in zip(layers, np.random.SeedSequence(seed).spawn(len(layers))):
            layer.seed(int(child.generate_state(1)[0]))

    def n_pooled(self, n, pool_size):
        """Return how many of n frames or bands a pooling leaves.

        Parameters
        ----------
        n : int, ndarray or Tensor of int
            How many there are.
        pool_size : int
            How many it makes one of.

        Returns
        -------
        n_pooled : as n
            Their number, rounded up or down.
        """
        return -(-n // pool_size) if self.rounds_up else n // pool_size

    def n_steps(self, n_frames):
        """Return how many steps clips of so many frames have.

        Parameters
        ----------
        n_frames : int, ndarray or Tensor of int
            Numbers of frames.

        Returns
        -------
        n_steps : as n_frames
            n_frames / step_frames, rounded up or down, at least ``least_steps``.
        """
        return _at_least(self.least_steps, self.n_pooled(n_frames, self.step_frames))

    def n_segments_of(self, n_steps):
        """Return how many segment outputs clips of so many steps have.

        Parameters
        ----------
        n_steps : int, ndarray or Tensor of int
            Numbers of steps.

        Returns
        -------
        n_segments : as n_steps
            max(1, n_steps - segment_steps + 1); 1 where the segment is the clip.
        """
        if self.segment_steps is None:
            return n_steps * 0 + 1
        return _at_least(1, n_steps - self.segment_steps + 1)

    def n_segments(self, n_frames):
        """Return how many segment outputs clips of so many frames have, at least 1.

        Parameters
        ----------
        n_frames : int, ndarray or Tensor of int
            Numbers of frames.

        Returns
        -------
        n_segments : as n_frames
            Their numbers.
        """
        return self.n_segments_of(self.n_steps(n_frames))

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
        return self.join(*self.encode(frames, n_frames, sample_weight), sample_weight)

    def encode(self, frames, n_frames=None, sample_weight=None):
        """Compute the steps of clips, each from its frames and ``context_frames`` around them.

        Parameters
        ----------
        frames, n_frames, sample_weight : Tensors
            As for `embed`.

        Returns
        -------
        steps : Tensor of shape (B, channels, S, bands)
            The steps; zeros after a clip's end.
        n_steps : int64 Tensor of shape (B,) or None
            How many of the S are the clip's own; None for all.
        """
        raise NotImplementedError

    def join(self, steps, n_steps=None, sample_weight=None):
        """Compute the embeddings of segments from steps.

        Parameters
        ----------
        steps, n_steps : Tensors
            What `encode` returned.
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

        Where there is a recurrent layer, the class layer sees its outputs and the embeddings beside
        them. So the convolutions learn at once, and not only through gates that have to be learnt
        first: of 320 clips of ESC-10, 50 epochs learn them all instead of seven in ten.

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
            outputs = self.temporal(embeddings, n_segments)
            embeddings = torch.cat([embeddings, outputs], dim=1)
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


def _at_least(least, n):
    """Return the larger number, for an int, an array or a Tensor alike."""
    return n + (least - n) * (n < least)
