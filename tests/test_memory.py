"""Memory that is used again, and memory for results that are kept."""

import threading

import numpy as np
import pytest

from sk_audioevents._memory import ThreadBlocks, ThreadRoom


def test_a_room_is_used_again():
    room = ThreadRoom()
    first = room((7, 8), np.float32)
    assert np.shares_memory(first, room((9,), np.float64))


@pytest.mark.parametrize("shape", [(0,), (7,), (430, 128), (2**20,)])
def test_arrays_that_are_kept_do_not_overlap(shape):
    blocks = ThreadBlocks()
    kept = [blocks(shape, np.float32) for _ in range(50)]
    for value, array in enumerate(kept):
        array[...] = value
    assert all(array.shape == shape and (array == value).all() for value, array in enumerate(kept))


def test_arrays_that_are_kept_begin_at_a_line_of_the_cache():
    blocks = ThreadBlocks()
    starts = [blocks((7,), np.float32).ctypes.data for _ in range(3)]
    assert np.diff(starts).tolist() == [64, 64]


def test_threads_fill_blocks_of_their_own():
    blocks, found = ThreadBlocks(), []
    for _ in range(2):
        thread = threading.Thread(target=lambda: found.append(blocks((7,), np.float32)))
        thread.start()
        thread.join()
    distance = abs(found[0].ctypes.data - found[1].ctypes.data)
    assert distance > 2**20


def test_blocks_begin_at_a_huge_page():
    blocks = ThreadBlocks()
    assert blocks((7,), np.float32).ctypes.data % 2**21 == 0
