"""From logits of segments to probabilities, as nodes of a graph.

As in `SegmentPooling`, all is done with logarithms, in which no probability is too small.
"""

import numpy as np


class Pooling:
    """What a `SegmentPooling` does, and how probabilities become those of the classes.

    Parameters
    ----------
    graph : Graph
        The graph.
    module : SegmentPooling
        The pooling of the network; it is only read.
    binary : bool
        Whether its one output is the second of two classes.
    multilabel : bool
        Whether a clip may have several classes, or none.
    """

    def __init__(self, graph, module, *, binary, multilabel):
        self._graph = graph
        self._module = module
        self._binary = binary
        self._normalises = not (binary or multilabel)

    def segments(self, logits):
        """Return the probabilities of the classes in single segments, shaped as the logits."""
        return self._probabilities(self._log_present(logits))

    def pooled(self, logits):
        """Return the probabilities of the classes over axis 1 of logits (N, K, n_logits)."""
        return self._probabilities(self._pooled_log_present(logits))

    def clips(self, logits):
        """Return the probabilities of clips; classes that exclude each other sum to 1."""
        log_present = self._pooled_log_present(logits)
        if self._normalises:
            return self._graph.add("Softmax", log_present, axis=-1)
        return self._probabilities(log_present)

    def _probabilities(self, log_present):
        present = self._graph.add("Exp", log_present)
        if not self._binary:
            return present
        absent = self._graph.add("Sub", np.float32(1), present)
        return self._graph.add("Concat", absent, present, axis=-1)

    def _log_present(self, logits):
        graph = self._graph
        if self._module.method == "attention":
            logits = graph.add("Slice", logits, [0], [self._module.n_outputs], [-1])
        if self._module.exclusive:
            return graph.add("LogSoftmax", logits, axis=-1)
        return graph.add("Neg", graph.add("Softplus", graph.add("Neg", logits)))

    def _pooled_log_present(self, logits):
        graph, method = self._graph, self._module.method
        log_present = self._log_present(logits)
        if method == "max":
            pooled = graph.add("ReduceMax", log_present, axes=[1], keepdims=0)
        else:
            log_weights = graph.add("LogSoftmax", self._weights(logits, log_present), axis=1)
            pooled = graph.add(
                "ReduceLogSumExp",
                graph.add("Add", log_weights, log_present),
                axes=[1],
                keepdims=0,
            )
        if self._module.exclusive and method != "mean":
            return graph.add("LogSoftmax", pooled, axis=-1)
        return pooled

    def _weights(self, logits, log_present):
        """Return the logarithms of the weights of segments, but for a constant."""
        graph, method = self._graph, self._module.method
        if method == "mean":
            return graph.add("ConstantOfShape", graph.add("Shape", log_present))
        if method == "linear_softmax":
            return log_present
        if method == "auto":
            alpha = self._module.alpha.detach().cpu().numpy().astype(np.float32)
            return graph.add("Mul", graph.add("Exp", log_present), alpha)
        n_outputs = self._module.n_outputs
        return graph.add("Slice", logits, [n_outputs], [2 * n_outputs], [-1])
