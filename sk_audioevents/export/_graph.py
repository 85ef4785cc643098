"""An ONNX graph that grows node by node.

The graph is written with the `onnx` library alone, not traced by torch: each line here is a line
there, batch and time stay open without a word about it, and no version of torch changes it.
"""

from importlib import import_module

import numpy as np

# Of 2022: the oldest with the Fourier transform, which every runtime since then can read.
OPSET = 17
IR_VERSION = 8
INSTALL = 'pip install "sk_audioevents[onnx]"'


def import_onnx(caller):
    """Return the onnx library, or tell how to install it.

    Parameters
    ----------
    caller : str
        What needs it.

    Returns
    -------
    onnx : module
        The module.

    Raises
    ------
    ImportError
        If onnx is not installed.
    """
    try:
        return import_module("onnx")
    except ImportError as error:
        raise ImportError(f"{caller} needs onnx: {INSTALL}") from error


class Graph:
    """Nodes and constants of an ONNX graph; values go by names.

    Parameters
    ----------
    onnx : module
        The onnx library.
    """

    def __init__(self, onnx):
        self._onnx = onnx
        self._nodes = []
        self._constants = []

    def add(self, operator, *inputs, **attributes):
        """Add a node with one output.

        Parameters
        ----------
        operator : str
            One of the operators of ONNX.
        *inputs : str, array, number or None
            Names of values; constants; None for an optional input that is left out.
        **attributes : dict
            Attributes of the operator.

        Returns
        -------
        output : str
            The name of its output.
        """
        names = [self._name(item) for item in inputs]
        output = f"{operator}_{len(self._nodes)}"
        self._nodes.append(
            self._onnx.helper.make_node(operator, names, [output], output, **attributes)
        )
        return output

    def length(self, value, axis):
        """Return the length of an axis of a value, as a value of shape (1,)."""
        return self.add("Shape", value, start=axis, end=axis + 1)

    def join(self, *numbers):
        """Return values and constants of shape (1,) or () as one vector, such as a shape."""
        vectors = [n if isinstance(n, str) else np.array([n]) for n in numbers]
        return self.add("Concat", *vectors, axis=0)

    def cast(self, value, dtype):
        """Return a value in another numpy dtype."""
        to = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.add("Cast", value, to=to)

    def model(self, inputs, outputs, **about):
        """Return the model, checked.

        Parameters
        ----------
        inputs : dict
            Shape of each float32 input by its name; an axis is an int or, where it is open, a str.
        outputs : dict
            Value and shape of each float32 output by its name.
        **about : dict
            Further fields of the model, such as ``doc_string``.

        Returns
        -------
        model : onnx.ModelProto
            The model.
        """
        helper, float32 = self._onnx.helper, self._onnx.TensorProto.FLOAT
        for name, (value, _) in outputs.items():
            self._nodes.append(helper.make_node("Identity", [value], [name], name))
        graph = helper.make_graph(
            self._nodes,
            "sk_audioevents",
            [helper.make_tensor_value_info(name, float32, shape) for name, shape in inputs.items()],
            [
                helper.make_tensor_value_info(name, float32, shape)
                for name, (_, shape) in outputs.items()
            ],
            self._constants,
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION, **about)
        self._onnx.checker.check_model(model, full_check=True)
        return model

    def _name(self, item):
        if item is None:
            return ""
        if isinstance(item, str):
            return item
        name = f"constant_{len(self._constants)}"
        self._constants.append(self._onnx.numpy_helper.from_array(np.asarray(item), name))
        return name
