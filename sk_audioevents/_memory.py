"""Memory that is used again: to find new pages, the system takes longer than to fill them."""

import math
import threading

import numpy as np

_BLOCK_BYTES = 2**23  # numpy asks for huge pages from 4 MiB on, where the system has them
_HUGE_PAGE = 2**21  # bytes, on most systems
_ALIGNMENT = 64  # bytes: a line of the processor's cache
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


class ThreadBlocks:
    """Arrays that are kept, side by side in large blocks, of which each thread fills its own.

    A block is freed when the last array in it is: for the results of many calls that live together.
    """

    def __init__(self):
        self._of_thread = threading.local()

    def __call__(self, shape, dtype):
        """Return a new array of a shape and a dtype; a large one by itself."""
        n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
        if n_bytes > _BLOCK_BYTES // 4:
            return np.empty(shape, dtype)
        block, start = getattr(self._of_thread, "block", (None, 0))
        if block is None or start + n_bytes > _BLOCK_BYTES:
            # At an end that is no huge page, the system would find 512 small ones.
            block, start = aligned(_BLOCK_BYTES, _HUGE_PAGE), 0
        stop = start + n_bytes
        self._of_thread.block = block, stop + -stop % _ALIGNMENT
        return block[start:stop].view(dtype).reshape(shape)


def aligned(n_bytes, alignment):
    """Return bytes that begin at a multiple of an alignment."""
    buffer = np.empty(n_bytes + alignment, dtype=np.uint8)
    start = -buffer.ctypes.data % alignment
    return buffer[start : start + n_bytes]
