"""From frames to overlapping segments, as nodes of a graph."""

import numpy as np


def add_segmenter(graph, frames, segmenter, n_bands):
    """Add what a `SLATSegmenter` does.

    Parameters
    ----------
    graph : Graph
        The graph.
    frames : str
        The frames, of shape (B, T, n_bands).
    segmenter : SLATSegmenter
        The segmenter.
    n_bands : int
        Number of bands.

    Returns
    -------
    segments : str
        The segments of all clips in order, of shape (B * n_segments, segment_frames, n_bands).
    """
    length, hop = segmenter.segment_frames, segmenter.hop_frames
    n_frames = graph.length(frames, 1)
    beyond_first = graph.add("Max", graph.add("Sub", n_frames, length), np.array([0]))
    if segmenter.last_segment == "pad":
        beyond_first = graph.add("Add", beyond_first, hop - 1)  # so that division rounds up
    n_further = graph.add("Squeeze", graph.add("Div", beyond_first, hop))
    starts = graph.add("Range", 0, graph.add("Add", n_further, 1), 1)
    starts = graph.add("Mul", graph.add("Unsqueeze", starts, [1]), hop)
    places = graph.add("Add", starts, np.arange(length))  # (n_segments, segment_frames)
    frames, places = _padded(graph, frames, places, n_frames, segmenter.pad_mode)
    bags = graph.add("Gather", frames, places, axis=1)
    return graph.add("Reshape", bags, np.array([-1, length, n_bands]))


def _padded(graph, frames, places, n_frames, pad_mode):
    """Return frames, and places in them: those beyond the end are places of padding."""
    if pad_mode == "wrap":
        return frames, graph.add("Mod", places, n_frames)
    if pad_mode == "edge":
        return frames, graph.add("Min", places, graph.add("Sub", n_frames, 1))
    quietest = graph.add("ReduceMin", frames, axes=[1], keepdims=1)
    frames = graph.add("Concat", frames, quietest, axis=1)
    return frames, graph.add("Min", places, n_frames)
