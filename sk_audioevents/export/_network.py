"""From frames to embeddings and logits of segments, as nodes of a graph."""

import numpy as np
from torch import nn

from sk_audioevents.networks import PANNsNetwork
from sk_audioevents.networks._convolution_network import ConvolutionNetwork

POOLINGS = {nn.MaxPool2d: "MaxPool", nn.AvgPool2d: "AveragePool"}


def add_network(graph, frames, module):
    """Add a network up to its logits.

    Parameters
    ----------
    graph : Graph
        The graph.
    frames : str
        The frames, of shape (B, T, n_bands).
    module : ConvolutionNetwork
        The network; it is only read.

    Returns
    -------
    embeddings : str
        Embeddings of the segments, of shape (B, K, embedding_dim).
    logits : str
        Their logits, of shape (B, K, n_logits).
    """
    if not isinstance(module, ConvolutionNetwork):
        raise TypeError(
            "The network of the 'model' of export_onnx must be one of sk_audioevents.networks. "
            f"Got {type(module).__name__}, which cannot be exported."
        )
    steps = _encode(graph, frames, module)
    join = _join_by_dense_layer if isinstance(module, PANNsNetwork) else _join_by_convolution
    embeddings = join(graph, steps, module)
    values = embeddings
    if module.temporal is not None:
        outputs = _lstm(graph, embeddings, module.temporal)
        values = graph.add("Concat", embeddings, outputs, axis=2)
    weight = _array(module.classes.weight)[:, :, 0, 0].T
    logits = graph.add("Add", graph.add("MatMul", values, weight), _array(module.classes.bias))
    return embeddings, logits


def _encode(graph, frames, module):
    """Add what makes steps (B, channels, S, bands) of frames (B, T, n_bands)."""
    x = graph.add("Sub", frames, _array(module.band_mean))
    x = graph.add("Div", x, _array(module.band_scale))
    if isinstance(module, PANNsNetwork):
        scale, shift = _norm(module.band_norm)
        x = graph.add("Add", graph.add("Mul", x, _single(scale)), _single(shift))
    x = graph.add("Unsqueeze", x, [1])  # (B, 1, T, n_bands)
    if not module.rounds_up:
        x = _with_steps(graph, x, module.least_steps * module.step_frames)
    for block in module.blocks:
        for unit in block.units:
            x = _unit(graph, x, unit)
        pool = POOLINGS[type(block.pool)]
        size = list(block.pool_size)
        x = graph.add(pool, x, kernel_shape=size, strides=size, ceil_mode=int(module.rounds_up))
    return x


def _join_by_convolution(graph, steps, module):
    """Add what makes embeddings (B, K, embedding_dim) of two steps each."""
    x = _unit(graph, _with_steps(graph, steps, module.segment_steps), module.embedding)
    return graph.add("Transpose", graph.add("Squeeze", x, [3]), perm=[0, 2, 1])


def _join_by_dense_layer(graph, steps, module):
    """Add what makes embeddings (B, K, embedding_dim) of maximum and mean of some steps."""
    steps = graph.add("ReduceMean", steps, axes=[3], keepdims=1)
    size = module.segment_steps
    if size is None:  # the whole clip is one segment
        largest = graph.add("ReduceMax", steps, axes=[2], keepdims=1)
        mean = graph.add("ReduceMean", steps, axes=[2], keepdims=1)
    else:
        n_own = graph.add("Min", graph.length(steps, 2), np.array([size]))
        steps = _with_steps(graph, steps, size)
        largest = graph.add("MaxPool", steps, kernel_shape=[size, 1])
        mean = graph.add("AveragePool", steps, kernel_shape=[size, 1])
        share = graph.add("Div", np.float32(size), graph.cast(n_own, np.float32))
        mean = graph.add("Mul", mean, share)  # padding is no part of it
    x = graph.add("Squeeze", graph.add("Add", largest, mean), [3])
    x = graph.add("Transpose", x, perm=[0, 2, 1])  # (B, K, channels)
    layer = module.embedding
    x = graph.add("Add", graph.add("MatMul", x, _array(layer.weight).T), _array(layer.bias))
    return graph.add("Relu", x)


def _with_steps(graph, x, n_steps):
    """Add zeros after x (B, C, T, F) where it has fewer than so many steps T."""
    n_missing = graph.add("Sub", n_steps, graph.add("Min", graph.length(x, 2), np.array([n_steps])))
    return graph.add("Pad", x, graph.join(0, 0, 0, 0, 0, 0, n_missing, 0))


def _unit(graph, x, unit):
    """Add a convolution, with batch norm folded into it, and its ReLU."""
    scale, shift = _norm(unit.norm)
    weight = _array(unit.conv.weight, np.float64) * scale[:, None, None, None]
    pads = [*unit.conv.padding] * 2
    return graph.add("Relu", graph.add("Conv", x, _single(weight), _single(shift), pads=pads))


def _norm(norm):
    """Return scale and shift of a batch norm, in double precision."""
    weight, bias, mean, variance = (
        _array(tensor, np.float64)
        for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var)
    )
    scale = weight / np.sqrt(variance + norm.eps)
    return scale, bias - mean * scale


def _lstm(graph, embeddings, layer):
    """Add an LSTM over the segments: (B, K, embedding_dim) to (B, K, out_features)."""
    lstm = layer.lstm
    directions = ["", "_reverse"][: 1 + lstm.bidirectional]

    def stacked(kind):
        return np.stack([_gates(getattr(lstm, f"{kind}_l0{end}")) for end in directions])

    biases = np.concatenate([stacked("bias_ih"), stacked("bias_hh")], axis=1)
    outputs = graph.add(
        "LSTM",
        graph.add("Transpose", embeddings, perm=[1, 0, 2]),
        stacked("weight_ih"),
        stacked("weight_hh"),
        biases,
        hidden_size=lstm.hidden_size,
        direction="bidirectional" if lstm.bidirectional else "forward",
    )  # (K, n_directions, B, n_units)
    outputs = graph.add("Transpose", outputs, perm=[2, 0, 1, 3])
    return graph.add("Reshape", outputs, np.array([0, 0, layer.out_features]))


def _gates(parameter):
    """Return a parameter of an LSTM with its gates in the order of ONNX."""
    inputs, forget, cell, output = np.split(_array(parameter), 4)
    return np.concatenate([inputs, output, forget, cell])


def _single(array):
    return array.astype(np.float32)


def _array(tensor, dtype=np.float32):
    return tensor.detach().cpu().numpy().astype(dtype)
