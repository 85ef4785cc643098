"""Memory that is used again: to find new pages, the system takes longer than to fill them."""

import math
import threading

import numpy as np

_ROOM_BYTES = 2**26  # what a thread keeps at most: 6 minutes at 44.1 kHz


class ThreadRoom:
    """One array for each thread, for what is used up before the thread's next call."""

    def __init__(self):
        self._of_thread = threading.local()

    def __call__(self, shape, dtype):
        """Return an array of a shape and a dtype, where the last one lay, if it fits there."""
        n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
        room = getattr(self._of_thread, "room", None)
        if room is None or len(room) < n_bytes:
            room = np.empty(n_bytes, dtype=np.uint8)
            if n_bytes <= _ROOM_BYTES:
                self._of_thread.room = room
        return room[:n_bytes].view(dtype).reshape(shape)
