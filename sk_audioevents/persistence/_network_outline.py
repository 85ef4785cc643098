"""What tensors a network has, found without the memory for any of them."""

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from sk_audioevents.persistence._problems import FormatProblem

FACTORIES = (torch.empty, torch.zeros, torch.ones, torch.tensor)
# What only fills a tensor does nothing: on the meta device, it would import half of torch first.
FILLERS = ("normal_", "uniform_", "zero_", "fill_")


def network_outline(network, parameters, max_tensors):
    """Build a network on torch's meta device, where tensors have a shape and no memory.

    Parameters
    ----------
    network : type
        The class of the network.
    parameters : dict
        Its parameters. They may ask for more memory than there is.
    max_tensors : int
        How many tensors the network may have.

    Returns
    -------
    tensors : dict of {str: Tensor}
        The tensors of its state dict, on the meta device.

    Raises
    ------
    FormatProblem
        If it is about to have more tensors than it may.
    """
    with torch.device("meta"), _WithoutMemory(2 * max_tensors + 64):
        return network(**parameters).state_dict()


class _WithoutMemory(TorchFunctionMode):
    """Keep tensors on the meta device that a network would make on a certain other one."""

    def __init__(self, max_calls):
        super().__init__()
        self.calls_left = max_calls

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if getattr(func, "__module__", None) == nn.init.__name__:
            return kwargs.get("tensor")
        if getattr(func, "__name__", None) in FILLERS:
            return args[0]
        if func in FACTORIES:
            self.calls_left -= 1
            if self.calls_left < 0:
                raise FormatProblem("its network has more layers than it has weights for")
        if func is torch.empty_like:
            func, args, kwargs = torch.empty, (args[0].shape,), {"dtype": args[0].dtype}
        if kwargs.get("device") is not None or func is torch.empty:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)
