"""Strong label assumption training (SLAT): overlapping segments that inherit their clip's label.

A. Kumar, M. Khadkevich and C. Fügen, "Knowledge transfer from weakly labeled audio using
convolutional neural network for sound events and scenes", ICASSP 2018, arXiv:1711.01369.
"""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sk_audioevents._base import Interval, StrOptions
from sk_audioevents._lazy import LazyArray
from sk_audioevents._stateless import StatelessTransformer
from sk_audioevents._validation import check_frames, object_array
from sk_audioevents._versions import ClipVersions


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
            whose items have shape (n_segments, segment_frames, n_bands). Clips that are read when
            they are used give bags that are.
        """
        self._validate_params()
        clips = self._check_clips(X, reset=False)
        cutter = SegmentCutter(
            self.segment_frames, self.hop_frames, self.last_segment, self.pad_mode
        )
        if isinstance(clips, np.ndarray):
            return cutter.cut(clips)
        return object_array([_bag(frames, cutter) for frames in clips])

    def _check_clips(self, X, reset):
        clips = check_frames(X, self, reset=reset)
        if clips[0].ndim != 2:
            raise ValueError(
                "The X of SLATSegmenter must hold clips of shape (n_frames, n_bands). Got clips of "
                f"shape {clips[0].shape}: are they segments already?"
            )
        return clips


@dataclass(frozen=True, slots=True)
class SegmentCutter:
    """Where segments lie in a clip, and what they consist of.

    Attributes
    ----------
    segment_frames, hop_frames : int
        Length and step of segments, in frames.
    last_segment, pad_mode : str
        As for `SLATSegmenter`.
    """

    segment_frames: int
    hop_frames: int
    last_segment: str
    pad_mode: str

    def cut(self, frames):
        """Cut (..., n_frames, n_bands) into (..., n_segments, segment_frames, n_bands)."""
        n_missing = self.n_missing_frames(frames.shape[-2])
        if n_missing:
            no_padding = [(0, 0)] * frames.ndim
            no_padding[-2] = (0, n_missing)
            frames = np.pad(frames, no_padding, mode=self.pad_mode)
        windows = sliding_window_view(frames, self.segment_frames, axis=-2)
        return np.swapaxes(windows[..., :: self.hop_frames, :, :], -1, -2)

    def n_missing_frames(self, n_frames):
        """Return how many frames complete the last segment."""
        beyond_first = n_frames - self.segment_frames
        if beyond_first < 0:
            return -beyond_first
        return -beyond_first % self.hop_frames if self.last_segment == "pad" else 0

    def n_segments(self, n_frames):
        """Return how many segments a clip has."""
        padded = n_frames + self.n_missing_frames(n_frames)
        return (padded - self.segment_frames) // self.hop_frames + 1


class LazyBag(LazyArray):
    """The segments of a clip whose frames are read when they are used.

    Parameters
    ----------
    frames : LazyArray of shape (n_frames, n_bands)
        The clip.
    cutter : SegmentCutter
        How it is cut.
    """

    __slots__ = ("_cutter", "_frames", "shape")

    def __init__(self, frames, cutter):
        self._frames = frames
        self._cutter = cutter
        n_frames, n_bands = frames.shape
        self.shape = (cutter.n_segments(n_frames), cutter.segment_frames, n_bands)

    @property
    def dtype(self):
        """Type of what is read."""
        return self._frames.dtype

    @property
    def is_finite(self):
        """Whether all frames are finite; padding repeats some of them."""
        return self._frames.is_finite

    def read(self, start=0, stop=None):
        """Read the segments from start to stop, and no more of the clip than they need.

        Parameters
        ----------
        start : int, default=0
            The first segment.
        stop : int, default=None
            The one after the last segment. None reads to the end.

        Returns
        -------
        bag : ndarray of shape (stop - start, segment_frames, n_bands)
            The segments.
        """
        stop = len(self) if stop is None else stop
        if stop <= start:
            return np.empty((0, *self.shape[1:]), self.dtype)
        cutter = self._cutter
        first_frame = start * cutter.hop_frames
        end_frame = (stop - 1) * cutter.hop_frames + cutter.segment_frames
        if end_frame > len(self._frames):  # padding may come from anywhere in the clip
            return cutter.cut(self._frames.read())[start:stop]
        return cutter.cut(self._frames.read(first_frame, end_frame))


def _bag(frames, cutter):
    if isinstance(frames, ClipVersions):
        return frames.map(lambda version: _bag(version, cutter))
    return LazyBag(frames, cutter) if isinstance(frames, LazyArray) else cutter.cut(frames)
