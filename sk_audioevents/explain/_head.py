"""From embeddings to the explained score, such that gradient × input is relevance.

What follows the convolutions is linear but for the gates of the LSTM. With those held constant, it
is linear altogether, and its gradient times its input is the relevance of

L. Arras, G. Montavon, K.-R. Müller and W. Samek, "Explaining recurrent neural network predictions
in sentiment analysis", WASSA 2017, arXiv:1706.07206,

where the signal takes all at a product of gate and signal, and everything else is shared in
proportion, without a stabiliser and without a division.
"""

import torch

from sk_audioevents.explain._rules import NEGLIGIBLE

SMALL = 1e-3  # below it tanh(a) / a is taken from its series, exact to 1e-13


class Head:
    """The LSTM, if there is one, and the class layer, over recorded embeddings.

    Parameters
    ----------
    module : BlockNetwork
        The network; it is only read.
    embeddings : Tensor of shape (B, embedding_dim, K, 1)
        Embeddings of the segments.
    distribute : bool
        Whether biases give their share to the positive products, as in `Rule.propagate`.

    Attributes
    ----------
    logits : Tensor of shape (B, K, n_logits)
        The logits of the segments, without a graph.
    """

    def __init__(self, module, embeddings, distribute):
        self._distribute = distribute
        self._weight = module.classes.weight.detach()[:, :, 0, 0]
        self._bias = module.classes.bias.detach()
        self._lstm_biases = []
        self._inputs = embeddings[..., 0].transpose(1, 2).detach().requires_grad_()  # (B, K, D)
        with torch.enable_grad():
            self._outputs = self._inputs
            if module.temporal is not None:
                outputs = self._recur(module.temporal.lstm)
                self._outputs = torch.cat([self._inputs, outputs], dim=2)
        self.logits = self._outputs.detach() @ self._weight.T + self._bias

    def relevance(self, weights, columns, signs):
        """Explain a weighted sum of the logits of the segments, one class a clip.

        Parameters
        ----------
        weights : Tensor of shape (B, K)
            Weights of the segments.
        columns : int64 Tensor of shape (B,)
            The column of the logits.
        signs : Tensor of shape (B,)
            1, or -1 for the negated logit.

        Returns
        -------
        relevance : Tensor of shape (B, embedding_dim, K, 1)
            Relevance of the embeddings.
        kept : float64 Tensor of shape (B,)
            What biases kept.
        """
        weight = (signs[:, None] * self._weight[columns])[..., None]  # (B, n_inputs, 1)
        bias = self._leaf((signs * self._bias[columns])[:, None])
        leaves = [self._inputs, *self._lstm_biases, bias]
        with torch.enable_grad():
            logits = self._outputs @ weight + self._carried(bias, [(self._outputs, weight)])
            score = (logits[..., 0] * weights).sum()
            gradients = torch.autograd.grad(score, leaves, retain_graph=True)
        relevance, *kept = [(leaf * grad).detach() for leaf, grad in zip(leaves, gradients)]
        kept = sum(share.sum(dim=2, dtype=torch.float64) for share in kept)  # (B, K)
        if self._distribute:  # what no product could take goes evenly to the segment's embedding
            relevance = relevance + (kept / relevance.shape[2]).to(relevance.dtype)[..., None]
            kept = torch.zeros_like(kept)
        return relevance.transpose(1, 2)[..., None], kept.sum(dim=1)

    def _leaf(self, bias):
        """Return a bias (n,) or (B, n) for each clip and segment, (B, K, n), to derive by."""
        shape = (*self._inputs.shape[:2], bias.shape[-1])
        bias = bias if bias.ndim == 1 else bias[:, None]
        return bias.expand(shape).clone().requires_grad_()

    def _carried(self, bias, parts):
        """Return a bias; to distribute it, as a sum of the positive products that is as large.

        ``parts`` are pairs of inputs (..., n_inputs) and weights (..., n_inputs, n).
        """
        if not self._distribute:
            return bias
        positive = sum(
            x.clamp_min(0) @ weight.clamp_min(0) + x.clamp_max(0) @ weight.clamp_max(0)
            for x, weight in parts
        )
        some = positive.detach() > NEGLIGIBLE
        carried = bias.detach() * positive / torch.where(some, positive.detach(), 1)
        return torch.where(some, carried, bias)

    def _recur(self, lstm):
        """Run the LSTM with constant gates: (B, K, embedding_dim) → (B, K, n_outputs)."""
        outputs = []
        for suffix in ("", "_reverse") if lstm.bidirectional else ("",):
            backwards = suffix == "_reverse"
            x = self._inputs.flip(1) if backwards else self._inputs
            y = self._one_direction(*_lstm_weights(lstm, suffix), x, backwards)
            outputs.append(y.flip(1) if backwards else y)
        return torch.cat(outputs, dim=2)

    def _one_direction(self, weight_x, weight_h, bias, x, backwards):
        """Run one LSTM over inputs in the order it reads them; one step of x is (B, 1, n)."""
        gates_x = x.detach() @ weight_x.T + bias  # (B, K, 4 n_units), in torch's order i, f, g, o
        signal_x, signal_h = (weight.chunk(4)[2].T for weight in (weight_x, weight_h))
        leaf = self._leaf(bias.chunk(4)[2])  # in the order of the clip
        self._lstm_biases.append(leaf)
        biases = (leaf.flip(1) if backwards else leaf).split(1, dim=1)
        h = c = x.new_zeros(len(x), 1, weight_h.shape[1])
        outputs = []
        for x_k, gate_x, bias_k in zip(x.split(1, dim=1), gates_x.split(1, dim=1), biases):
            gate = torch.sigmoid(gate_x + h.detach() @ weight_h.T)
            i, f, _, o = gate.chunk(4, dim=2)
            parts = [(x_k, signal_x), (h, signal_h)]
            signal = x_k @ signal_x + h @ signal_h + self._carried(bias_k, parts)
            c = f * c + i * _gated_tanh(signal)
            h = o * _gated_tanh(c)
            outputs.append(h)
        return torch.cat(outputs, dim=1)


def _lstm_weights(lstm, suffix):
    """Return the weights of inputs and outputs and the sum of the biases of one direction."""
    weight_x, weight_h, bias_x, bias_h = (
        getattr(lstm, f"{name}_l0{suffix}").detach()
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    return weight_x, weight_h, bias_x + bias_h


def _gated_tanh(a):
    """Return tanh(a) as a times a constant, so that its relevance is that of a."""
    value = a.detach()
    small = value.abs() < SMALL
    ratio = torch.tanh(value) / torch.where(small, 1, value)
    return a * torch.where(small, 1 - value.square() / 3, ratio)
