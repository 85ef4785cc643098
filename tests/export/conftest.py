"""Graphs and files run with onnxruntime, and classifiers with weights drawn at random."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from sk_audioevents.export._graph import Graph


def run(content, **inputs):
    """Return the outputs of an ONNX file, or its bytes, by name."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    inputs = {name: np.asarray(value, dtype=np.float32) for name, value in inputs.items()}
    return dict(zip(names, session.run(names, inputs)))


@pytest.fixture(scope="session")
def run_onnx():
    """Return the function that runs an ONNX file."""
    return lambda path, **inputs: run(str(path), **inputs)


@pytest.fixture(scope="session")
def evaluate():
    """Return a function that gives what ``add(graph, "x")`` makes of x.

    All axes are open; there are ``n_axes`` after it, by default as many as before.
    """

    def evaluate(add, *arrays, n_axes=None):
        graph = Graph(onnx)
        output = add(graph, "x")
        before = [f"axis_{i}" for i in range(np.ndim(arrays[0]))]
        after = [f"new_axis_{i}" for i in range(n_axes or len(before))]
        model = graph.model({"x": before}, {"y": (output, after)})
        content = model.SerializeToString()
        results = [run(content, x=x)["y"] for x in arrays]
        return results[0] if len(arrays) == 1 else results

    return evaluate


@pytest.fixture(scope="session")
def randomise():
    """Return a function that gives a network weights and statistics that hide no mistake."""

    @torch.no_grad()
    def randomise(module):
        generator = torch.Generator().manual_seed(0)
        for name, tensor in module.state_dict().items():
            if name.endswith(("running_var", "band_scale")):
                tensor.uniform_(0.5, 2.0, generator=generator)
            elif tensor.is_floating_point():
                scale = 0.5 if tensor.ndim < 2 else tensor[0].numel() ** -0.5
                tensor.normal_(0.0, 2 * scale, generator=generator)
        return module.eval()

    return randomise
