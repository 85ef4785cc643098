"""The moving average of a network's weights, which is often better than the last ones.

A. Tarvainen and H. Valpola, "Mean teachers are better role models", NIPS 2017, arXiv:1703.01780.
"""

from contextlib import contextmanager

import torch


class WeightAverage:
    """The exponential moving average of all weights and statistics of a module.

    Parameters
    ----------
    module : torch.nn.Module
        The module; the average begins with what it holds.
    decay : float
        What part of the average a batch keeps, from 0 to 1. In the first batches it is less, (1 +
        n) / (10 + n) after n of them, so that the initial weights are soon forgotten.
    """

    def __init__(self, module, decay):
        self.decay = decay
        self.n_updates = 0
        self.values = [tensor.detach().clone() for tensor in _floating(module)]

    @torch.no_grad()
    def update(self, module):
        """Take in the weights after a batch."""
        decay = min(self.decay, (1 + self.n_updates) / (10 + self.n_updates))
        torch._foreach_lerp_(self.values, _floating(module), 1 - decay)
        self.n_updates += 1

    @torch.no_grad()
    def copy_to(self, module):
        """Give the module the averaged weights."""
        torch._foreach_copy_(_floating(module), self.values)

    @contextmanager
    def applied_to(self, module):
        """Give the module the averaged weights for a while."""
        own = [tensor.detach().clone() for tensor in _floating(module)]
        self.copy_to(module)
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(_floating(module), own)

    def state_dict(self):
        """Return all that a training needs to go on."""
        return {"n_updates": self.n_updates, "values": self.values}

    def load_state_dict(self, state):
        """Go on from what `state_dict` returned."""
        self.n_updates = state["n_updates"]
        torch._foreach_copy_(self.values, state["values"])


def _floating(module):
    return [tensor for tensor in module.state_dict().values() if tensor.is_floating_point()]
