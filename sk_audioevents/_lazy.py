"""Arrays that are read when they are used, so that more clips than memory can be rows of X."""

from abc import ABC, abstractmethod
from numbers import Integral

import numpy as np


class LazyArray(ABC):
    """An array of a clip that is read anew each time it is used, and not kept.

    ``np.asarray(row)`` reads all of it, ``row[start:stop]`` and ``row[i]`` only these items of the
    first axis. A subclass has the attributes and implements ``read``.

    Attributes
    ----------
    shape : tuple of int
        Known without reading.
    dtype : numpy.dtype
        Type of what is read.
    is_finite : bool
        Whether there is neither NaN nor infinity in it, known without reading.
    """

    __slots__ = ()

    @abstractmethod
    def read(self, start=0, stop=None):
        """Read the items from start to stop of the first axis into a new array.

        Parameters
        ----------
        start : int, default=0
            The first item, from 0 to ``len(self)``.
        stop : int, default=None
            The one after the last item, from start to ``len(self)``. None is ``len(self)``.

        Returns
        -------
        items : ndarray of shape (stop - start, ...)
            The items.
        """

    @property
    def ndim(self):
        """Number of axes."""
        return len(self.shape)

    def __len__(self):
        return self.shape[0]

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError(f"A {type(self).__name__} is read into a new array: copy it.")
        return np.asarray(self.read(), dtype=dtype)

    def __getitem__(self, index):
        if isinstance(index, Integral):
            i = range(len(self))[index]  # raises the IndexError that ends a loop over the items
            return self.read(i, i + 1)[0]
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                return self.read(start, max(start, stop))
        return self.read()[index]

    def __iter__(self):
        return iter(self.read())

    def __repr__(self):
        return f"<{type(self).__name__} of shape {self.shape}>"
