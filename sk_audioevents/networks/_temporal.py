"""A recurrent layer over the segments of a clip.

S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997.
"""

import math

from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class LSTMLayer(nn.Module):
    """A long short-term memory over segments, in one direction or in both.

    Parameters
    ----------
    in_features : int
        Size of an embedding.
    n_units : int
        Number of units of each direction.
    bidirectional : bool
        Whether a second LSTM reads the segments from the last to the first, so that each output
        knows the whole clip.

    Attributes
    ----------
    out_features : int
        Size of an output: n_units, or twice as many.
    """

    def __init__(self, in_features, n_units, bidirectional):
        super().__init__()
        self.lstm = nn.LSTM(in_features, n_units, batch_first=True, bidirectional=bidirectional)
        self.out_features = (1 + bidirectional) * n_units

    def reset_parameters(self, generator):
        """Draw all weights from the uniform distribution within 1 / sqrt(n_units), as torch does.

        Parameters
        ----------
        generator : torch.Generator
            The source of randomness.
        """
        bound = 1 / math.sqrt(self.lstm.hidden_size)
        for parameter in self.lstm.parameters():
            nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def forward(self, x, n_segments=None):
        """Map (B, in_features, K, 1) to (B, out_features, K, 1).

        Padding after ``n_segments`` (B,) is not read, and gives zeros.
        """
        x = x[..., 0].transpose(1, 2)  # (B, K, in_features)
        if n_segments is None:
            x, _ = self.lstm(x)
        else:
            packed = pack_padded_sequence(
                x, n_segments.cpu(), batch_first=True, enforce_sorted=False
            )
            packed, _ = self.lstm(packed)
            x, _ = pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])
        return x.transpose(1, 2)[..., None]
