"""A graph as ONNX has it."""

import sys

import numpy as np
import onnx
import pytest

from sk_audioevents.export._graph import IR_VERSION, OPSET, Graph, import_onnx


def test_a_graph_computes_what_its_nodes_say(evaluate):
    x = np.arange(6.0).reshape(2, 3)
    y = evaluate(lambda graph, x: graph.add("Mul", graph.add("Add", x, np.float32(1)), x), x)
    np.testing.assert_array_equal(y, (x + 1) * x)


def test_length_and_join_make_shapes(evaluate):
    def add(graph, x):
        shape = graph.join(graph.length(x, 1), 1, graph.length(x, 0))
        return graph.add("Reshape", x, shape)

    first, second = evaluate(add, np.zeros((2, 3)), np.zeros((5, 7)), n_axes=3)
    assert (first.shape, second.shape) == ((3, 1, 2), (7, 1, 5))


def test_an_optional_input_may_be_left_out(evaluate):
    x = np.array([-1.0, 3.0])
    clipped = evaluate(lambda graph, x: graph.add("Clip", x, None, np.float32(2)), x)
    np.testing.assert_array_equal(clipped, [-1, 2])


def test_models_are_of_a_version_that_runtimes_of_2022_read():
    graph = Graph(onnx)
    model = graph.model({"x": ["n"]}, {"y": (graph.add("Neg", "x"), ["n"])})
    assert (model.ir_version, model.opset_import[0].version) == (IR_VERSION, OPSET) == (8, 17)


def test_a_graph_that_onnx_does_not_allow_is_an_error():
    graph = Graph(onnx)
    wrong = graph.add("Add", "x", np.float64(1))  # x is float32
    with pytest.raises(onnx.shape_inference.InferenceError, match="type"):
        graph.model({"x": ["n"]}, {"y": (wrong, ["n"])})


def test_without_onnx_the_error_tells_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'f needs onnx: pip install "sk_audioevents\[onnx\]"'):
        import_onnx("f")
