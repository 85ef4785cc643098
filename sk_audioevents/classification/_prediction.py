"""Predictions in batches of bounded memory, also for recordings of hours."""

import numpy as np
import torch

from sk_audioevents.classification._batches import prediction_batches


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
    """Embed a long clip part by part; each part has the context that its segments see."""
    hop, n_frames = module.segment_hop_frames, examples.lengths[index]
    n_segments, n_context = module.n_segments(n_frames), -(-module.context_frames // hop)
    n_at_once = max(1, examples.frames_per_batch // hop)
    parts = []
    for first in range(0, n_segments, n_at_once):
        last = min(first + n_at_once, n_segments)
        start = max(0, first - n_context)
        frames = examples.frames(index, start * hop, (last + 1 + n_context) * hop)
        frames = torch.tensor(frames, dtype=parameter.dtype, device=parameter.device)
        part = module.embed(frames[None])
        parts.append(part[:, :, first - start : last - start])
    return torch.cat(parts, dim=2)
