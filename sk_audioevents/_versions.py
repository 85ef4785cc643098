"""A clip with further versions of it, which a training chooses from."""

import numpy as np

from sk_audioevents._lazy import LazyArray


class ClipVersions(LazyArray):
    """An array of a clip, and of augmented versions of it for a classifier to train on.

    It is the array of the clip as it was recorded, whoever uses it: versions differ in length.

    Parameters
    ----------
    versions : sequence of ndarray or LazyArray
        The clip as it was recorded, and its other versions: of one dtype, of as many axes, and
        finite if the first one is.
    """

    __slots__ = ("versions",)

    def __init__(self, versions):
        self.versions = tuple(versions)

    @property
    def shape(self):
        """Shape of the clip as it was recorded."""
        return self.versions[0].shape

    @property
    def dtype(self):
        """Type of all versions."""
        return self.versions[0].dtype

    @property
    def is_finite(self):
        """Whether there is neither NaN nor infinity in it."""
        original = self.versions[0]
        return original.is_finite if isinstance(original, LazyArray) else True

    def read(self, start=0, stop=None):
        """Read the items from start to stop of the clip as it was recorded.

        Parameters
        ----------
        start : int, default=0
            The first item.
        stop : int, default=None
            The one after the last item; None is the end.

        Returns
        -------
        items : ndarray
            The items.
        """
        return np.array(self.versions[0][start:stop])

    def map(self, function):
        """Return the versions that a function of an array makes of these.

        Parameters
        ----------
        function : callable
            From an array to an array.

        Returns
        -------
        versions : ClipVersions
            The new versions.
        """
        return ClipVersions(function(version) for version in self.versions)


def n_versions(clip):
    """Return how many versions there are of a clip."""
    return len(clip.versions) if isinstance(clip, ClipVersions) else 1


def version(clip, index):
    """Return one of the versions of a clip, an array."""
    return clip.versions[index] if isinstance(clip, ClipVersions) else clip
