"""A convolution as relevance sees it: which products of inputs and weights make up its outputs."""

from dataclasses import dataclass
from functools import cached_property, reduce

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Convolution:
    """A convolution of stride 1 whose batch norm is folded into its weights and bias.

    Attributes
    ----------
    weight : Tensor of shape (C_out, C_in, time, bands)
        The weights.
    bias : Tensor of shape (C_out,)
        The biases.
    padding : tuple of two int
        Zeros on each side in time and in bands.
    """

    weight: torch.Tensor
    bias: torch.Tensor
    padding: tuple

    @classmethod
    def from_unit(cls, unit):
        """Fold a `ConvUnit`, as it is in evaluation; the unit is only read."""
        norm = unit.norm
        scale = norm.weight.detach() * torch.rsqrt(norm.running_var + norm.eps)
        weight = unit.conv.weight.detach() * scale[:, None, None, None]
        bias = norm.bias.detach() - norm.running_mean * scale
        return cls(weight, bias, unit.conv.padding)

    def within(self, n_frames):
        """Return the convolution without the taps that lie after the end of so short an input.

        Only the embedding has such taps: it sees two time steps, of which a clip within half a
        segment has one.
        """
        n_taps = n_frames + 2 * self.padding[0]
        if n_taps >= self.weight.shape[2]:
            return self
        return Convolution(self.weight[:, :, :n_taps], self.bias, self.padding)

    @cached_property
    def rising(self):
        """The positive weights, and 0 for others."""
        return self.weight.clamp_min(0)

    @cached_property
    def falling(self):
        """The negative weights, and 0 for others."""
        return self.weight.clamp_max(0)

    def __call__(self, x):
        """Map (B, C_in, T, F) to (B, C_out, T', F')."""
        return functional.conv2d(x, self.weight, self.bias, padding=self.padding)

    def sum(self, parts):
        """Sum products over the inputs, without bias, for pairs of an input and weights."""
        return sum(functional.conv2d(x, weight, padding=self.padding) for x, weight in parts)

    def share(self, ratio, parts):
        """Give each input its products' share of what each output hands on.

        Parameters
        ----------
        ratio : Tensor of shape (B, C_out, T', F')
            What an output hands on for each unit of a product.
        parts : list of pairs
            Inputs (B, C_in, T, F) and weights, whose products they are.

        Returns
        -------
        relevance : Tensor of shape (B, C_in, T, F)
            The shares, added up for each input.
        """
        shares = (
            functional.conv_transpose2d(ratio, weight, padding=self.padding).mul_(x)
            for x, weight in parts
        )
        return reduce(torch.Tensor.add_, shares)

    def share_equally(self, relevance, shape):
        """Spread the relevance of each output evenly over its inputs; padding gets nothing.

        Parameters
        ----------
        relevance : Tensor of shape (B, C_out, T', F')
            What to spread.
        shape : tuple of int
            Shape (B, C_in, T, F) of the inputs.

        Returns
        -------
        relevance : Tensor of shape (B, C_in, T, F)
            The sums of the shares.
        """
        size = self.weight.shape[2:]
        window = relevance.new_ones(1, 1, *size)
        inside = relevance.new_ones(1, 1, *shape[2:])
        n_inputs = shape[1] * functional.conv2d(inside, window, padding=self.padding)
        ratio = relevance.sum(dim=1, keepdim=True) / n_inputs
        # Transposed, a window of ones is the same window; as such it takes a tenth of the time.
        reach = [n - 1 - n_zeros for n, n_zeros in zip(size, self.padding)]
        return functional.conv2d(ratio, window, padding=reach).expand(shape)


class Products:
    """The products of a convolution's inputs and weights, by their signs.

    Parameters
    ----------
    convolution : Convolution
        The layer.
    x : Tensor of shape (B, C_in, T, F)
        Its inputs.
    output : Tensor of shape (B, C_out, T', F')
        Its outputs, before the ReLU.
    signed : bool
        Whether inputs may be negative.
    """

    def __init__(self, convolution, x, output, signed):
        self.convolution = convolution
        self.x = x
        self.output = output
        self.signed = signed
        self.bias = convolution.bias[:, None, None]

    @property
    def all(self):
        """All products, as pairs of inputs and weights."""
        return [(self.x, self.convolution.weight)]

    @cached_property
    def positive(self):
        """The positive products."""
        return self._of_signs(self.convolution.rising, self.convolution.falling)

    @cached_property
    def negative(self):
        """The negative products."""
        return self._of_signs(self.convolution.falling, self.convolution.rising)

    def _of_signs(self, of_positive, of_negative):
        if not self.signed:
            return [(self.x, of_positive)]
        return [(self.x.clamp_min(0), of_positive), (self.x.clamp_max(0), of_negative)]

    @cached_property
    def positive_sum(self):
        """Sum of the positive products of each output (B, C_out, T', F')."""
        return self.convolution.sum(self.positive)

    @cached_property
    def negative_sum(self):
        """Sum of the negative products of each output (B, C_out, T', F')."""
        return self.convolution.sum(self.negative)

    def share(self, ratios):
        """Return the relevance of the inputs for the `Ratios` of a rule."""
        shares = (
            self.convolution.share(ratio, getattr(self, kind))
            for kind, ratio in ratios._asdict().items()
            if kind != "kept" and ratio is not None
        )
        return reduce(torch.Tensor.add_, shares)
