"""Predictions in batches of bounded memory, also for recordings of hours."""

from copy import deepcopy

import numpy as np
import torch

from sk_audioevents.classification._batches import prediction_batches
from sk_audioevents.networks import ClipScores


def pooled_scores(module, examples, batch_size, by="clip"):
    """Compute the class probabilities of clips.

    Parameters
    ----------
    module : SegmentNetwork
        The network.
    examples : ExampleSet
        The examples.
    batch_size : int
        Largest number of examples in a batch.
    by : {"clip", "example"}, default="clip"
        What is pooled; a segment of a bag is an example, which may have several outputs.

    Returns
    -------
    scores : ClipScores of shape (n_clips, n_outputs) or (n_examples, n_outputs)
        The log probabilities, in double precision.
    """
    logits, counts = _segment_logits(module, examples, batch_size)
    if by == "clip":
        counts = _per_clip(counts, examples)
    return _pool_rows(module.pooling, logits, counts)


def segment_scores(module, examples, batch_size):
    """Compute the class probabilities of the segments of clips.

    Parameters
    ----------
    module, examples, batch_size
        As for `pooled_scores`.

    Returns
    -------
    scores : ClipScores of shape (n_segments of all clips, n_outputs)
        The log probabilities, in double precision, clip after clip.
    counts : int array of shape (n_clips,)
        How many segments each clip has.
    """
    if examples.is_bags:
        scores = pooled_scores(module, examples, batch_size, by="example")
        return scores, np.bincount(examples.clip_of, minlength=examples.n_clips)
    logits, counts = _segment_logits(module, examples, batch_size)
    with torch.inference_mode():
        return module.pooling.segment_scores(logits), counts


def clip_embeddings(module, examples, batch_size, embedding_dim):
    """Compute the mean embedding of the segments of each clip.

    Parameters
    ----------
    module, examples, batch_size
        As for `pooled_scores`.
    embedding_dim : int
        Size of an embedding.

    Returns
    -------
    embeddings : ndarray of shape (n_clips, embedding_dim)
        The means, in the precision of the network.
    """
    values, counts = predict_segments_of(
        module,
        examples,
        batch_size,
        lambda embeddings, _: embeddings[..., 0].transpose(1, 2),
        embedding_dim,
    )
    values, counts = values.numpy(), _per_clip(counts, examples)
    sums = np.add.reduceat(values, np.cumsum(counts) - counts, axis=0)
    return sums / counts[:, None].astype(values.dtype)


@torch.inference_mode()
def predict_segments_of(module, examples, batch_size, output, n_columns):
    """Compute an output of each segment of all examples.

    Parameters
    ----------
    module : SegmentNetwork
        The network.
    examples : ExampleSet
        The examples.
    batch_size : int
        Largest number of examples in a batch.
    output : callable
        From embeddings (B, embedding_dim, K, 1) and n_segments (B,) to values (B, K, n_columns).
    n_columns : int
        Number of columns of the values.

    Returns
    -------
    values : Tensor of shape (n_segments of all examples, n_columns)
        The values on the CPU, example after example.
    counts : int array of shape (n_examples,)
        How many segments each example has.
    """
    module.eval()
    parameter = next(module.parameters())
    # One block for all: small tensors that stay, made between the large ones of each batch, would
    # keep the allocator from using the memory of the last batch again (1 GB in 5,000 clips).
    counts = module.n_segments(examples.lengths)
    values = torch.empty(counts.sum(), n_columns, dtype=parameter.dtype)
    ends = np.cumsum(counts)
    for indices in prediction_batches(examples, batch_size):
        embeddings, n_segments = _embed(module, examples, indices, parameter)
        batch = output(embeddings, n_segments)
        for row, i in enumerate(indices):
            values[ends[i] - counts[i] : ends[i]] = batch[row, : counts[i]]
    return values, counts


def _embed(module, examples, indices, parameter):
    if len(indices) == 1 and examples.lengths[indices[0]] > examples.frames_per_batch:
        return _embed_in_chunks(module, examples, indices[0], parameter), None
    inputs = examples.inputs(indices, parameter.dtype)
    inputs = {key: value.to(parameter.device) for key, value in inputs.items()}
    n_frames = inputs.get("n_frames")
    n_segments = None if n_frames is None else module.n_segments(n_frames)
    return module.embed(**inputs), n_segments


def _embed_in_chunks(module, examples, index, parameter):
    """Embed a long clip whose steps are computed part by part, with the context that they see."""
    length = module.step_frames
    n_steps = module.n_steps(examples.lengths[index])
    n_context = -(-module.context_frames // length)
    n_at_once = max(1, examples.frames_per_batch // length)
    parts = []
    for first in range(0, n_steps, n_at_once):
        last = min(first + n_at_once, n_steps)
        start = max(0, first - n_context)
        frames = examples.frames(index, start * length, (last + n_context) * length)
        frames = torch.tensor(frames, dtype=parameter.dtype, device=parameter.device)
        steps, _ = module.encode(frames[None])
        parts.append(steps[:, :, first - start : last - start])
    return module.join(torch.cat(parts, dim=2))


def _segment_logits(module, examples, batch_size):
    logits, counts = predict_segments_of(
        module, examples, batch_size, module.classify, module.n_logits
    )
    return logits.double(), counts


def _per_clip(counts, examples):
    """Return the number of segments of each clip that has examples, from those of the examples."""
    _, first = np.unique(examples.clip_of, return_index=True)
    return np.add.reduceat(counts, first)


@torch.inference_mode()
def _pool_rows(pooling, logits, counts):
    """Pool rows of logits, so many for each clip; clips of equal numbers together."""
    starts = np.cumsum(counts) - counts
    pooling = deepcopy(pooling).cpu()  # logits are on the CPU, in double precision
    pooled = None
    for count in np.unique(counts):
        clips = np.flatnonzero(counts == count)
        rows = torch.from_numpy(starts[clips, None] + np.arange(count))
        scores = pooling(logits[rows])
        if pooled is None:
            pooled = ClipScores(
                *(
                    None if log_p is None else log_p.new_empty(len(counts), log_p.shape[1])
                    for log_p in scores
                )
            )
        for target, log_p in zip(pooled, scores):
            if target is not None:
                target[clips] = log_p
    return pooled
