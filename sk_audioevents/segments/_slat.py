"""Strong label assumption training (SLAT): overlapping segments that inherit their clip's label.

A. Kumar, M. Khadkevich and C. Fügen, "Knowledge transfer from weakly labeled audio using
convolutional neural network for sound events and scenes", ICASSP 2018, arXiv:1711.01369.
"""

from numbers import Integral

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sk_audioevents._base import Interval, StrOptions
from sk_audioevents._stateless import StatelessTransformer
from sk_audioevents._validation import check_frames, object_array


class SLATSegmenter(StatelessTransformer):
    """Cut each clip's frames into a bag of overlapping segments.

    A clip stays one row: its segments are the bag that a classifier trains on, each with the label
    of the clip (strong label assumption training).

    Parameters
    ----------
    segment_frames : int, default=128
        Length of a segment, in frames.
    hop_frames : int, default=64
        Step between the starts of segments, in frames.
    last_segment : {"pad", "drop"}, default="pad"
        What becomes of frames after the last whole segment: one more segment, padded, or nothing.
        A clip shorter than one segment is always padded to one.
    pad_mode : {"minimum", "edge", "wrap"}, default="minimum"
        What padding consists of: the least value of each band in the clip (with decibels, its
        quietest), its last frame, or the clip again from its start.

    Attributes
    ----------
    n_features_in_ : int
        Number of frequency bands.

    See Also
    --------
    LogMelTransformer : Makes the frames.
    VGGEventClassifier : Trains on bags, or on whole clips where this step is "passthrough".

    Notes
    -----
    A clip of T frames gives K = ceil((T - segment_frames) / hop_frames) + 1 segments ("drop": floor
    in place of ceil), and at least one. Segments are read-only views wherever nothing was padded.

    References
    ----------
    .. [1] A. Kumar, M. Khadkevich and C. Fügen, "Knowledge transfer from weakly labeled audio using
       convolutional neural network for sound events and scenes", ICASSP 2018, arXiv:1711.01369.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_audioevents import SLATSegmenter
    >>> SLATSegmenter().fit_transform(np.zeros((2, 896, 40))).shape
    (2, 13, 128, 40)
    >>> bags = SLATSegmenter().fit_transform([np.zeros((100, 40)), np.zeros((200, 40))])
    >>> [bag.shape for bag in bags]
    [(1, 128, 40), (3, 128, 40)]
    """

    _parameter_constraints = {
        "segment_frames": [Interval(Integral, 1, None, closed="left")],
        "hop_frames": [Interval(Integral, 1, None, closed="left")],
        "last_segment": [StrOptions({"pad", "drop"})],
        "pad_mode": [StrOptions({"minimum", "edge", "wrap"})],
    }

    def __init__(
        self, *, segment_frames=128, hop_frames=64, last_segment="pad", pad_mode="minimum"
    ):
        self.segment_frames = segment_frames
        self.hop_frames = hop_frames
        self.last_segment = last_segment
        self.pad_mode = pad_mode

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def transform(self, X):
        """Cut each clip into segments.

        Parameters
        ----------
        X : array of shape (n_clips, n_frames, n_bands), or list or object array of such clips
            The frames; clips of unequal length as a list or object array of (n_frames, n_bands).

        Returns
        -------
        bags : ndarray of shape (n_clips, n_segments, segment_frames, n_bands) or (n_clips,)
            The segments, of the dtype of X. A 4-D array if X is an array, else a 1-D object array
            whose items have shape (n_segments, segment_frames, n_bands).
        """
        self._validate_params()
        clips = self._check_clips(X, reset=False)
        if isinstance(clips, np.ndarray):
            return self._cut(clips)
        return object_array([self._cut(frames) for frames in clips])

    def _check_clips(self, X, reset):
        clips = check_frames(X, self, reset=reset)
        if clips[0].ndim != 2:
            raise ValueError(
                "The X of SLATSegmenter must hold clips of shape (n_frames, n_bands). Got clips of "
                f"shape {clips[0].shape}: are they segments already?"
            )
        return clips

    def _cut(self, frames):
        """Cut (..., n_frames, n_bands) into (..., n_segments, segment_frames, n_bands)."""
        n_missing = self._n_missing_frames(frames.shape[-2])
        if n_missing:
            no_padding = [(0, 0)] * frames.ndim
            no_padding[-2] = (0, n_missing)
            frames = np.pad(frames, no_padding, mode=self.pad_mode)
        windows = sliding_window_view(frames, self.segment_frames, axis=-2)
        return np.swapaxes(windows[..., :: self.hop_frames, :, :], -1, -2)

    def _n_missing_frames(self, n_frames):
        """Return how many frames complete the last segment."""
        beyond_first = n_frames - self.segment_frames
        if beyond_first < 0:
            return -beyond_first
        return -beyond_first % self.hop_frames if self.last_segment == "pad" else 0
