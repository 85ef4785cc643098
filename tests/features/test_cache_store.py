"""The files of a cache: what was damaged, torn or abandoned is as if it were not there."""

import os
import pickle
import shutil
import time

import numpy as np
import pytest

from sk_audioevents.features._frame_store import BLOCK_FRAMES, FrameStore

KEY = "ab" + "0123456789" * 3


def some_frames(n_frames=200, n_bands=7, seed=0):
    return np.random.default_rng(seed).normal(size=(n_frames, n_bands)).astype(np.float32)


@pytest.fixture
def store(tmp_path):
    """Return an open store of float32."""
    store = FrameStore(tmp_path / "store", "float32", None)
    store.open()
    return store


def file_of(store):
    (path,) = store.folder.glob("??/*.frames")
    return path


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("n_frames", [1, 63, 64, 65, 128, 200])
def test_any_range_of_frames_can_be_read(tmp_path, dtype, n_frames):
    store = FrameStore(tmp_path, dtype, None)
    store.open()
    frames = some_frames(n_frames)
    stored = frames.astype(dtype).astype(np.float32)
    np.testing.assert_array_equal(store.write(KEY, frames), stored, strict=True)
    np.testing.assert_array_equal(store.read(KEY), stored, strict=True)
    for start in {0, 1, 62, 63, 64, 127, n_frames}:
        for stop in {0, 1, 64, 65, 128, n_frames, None}:
            read = store.read(KEY, start, stop)
            np.testing.assert_array_equal(read, stored[start:stop], strict=True)


def test_frames_of_any_layout_can_be_stored(store):
    frames = some_frames().T
    store.write(KEY, frames)
    np.testing.assert_array_equal(store.read(KEY), frames)


def test_shape_and_finiteness_are_known_without_reading(store):
    store.write(KEY, some_frames())
    assert store.describe(KEY) == ((200, 7), True)
    store.write(KEY, np.full((3, 5), np.nan, dtype=np.float32))
    assert store.describe(KEY) == ((3, 5), False)


def test_what_was_never_written_is_none(store):
    assert store.describe(KEY) is None
    assert store.read(KEY) is None


@pytest.mark.parametrize("n_kept", [0, 1, 31, 32, 40, 48, 49, 1000, -1])
def test_a_file_that_breaks_off_is_none(store, n_kept):
    store.write(KEY, some_frames())
    content = file_of(store).read_bytes()
    file_of(store).write_bytes(content[:n_kept])
    assert store.describe(KEY) is None
    assert store.read(KEY) is None
    store.write(KEY, some_frames())
    assert file_of(store).read_bytes() == content


def test_a_file_with_more_than_it_should_hold_is_none(store):
    store.write(KEY, some_frames())
    file_of(store).write_bytes(file_of(store).read_bytes() + b"\0")
    assert store.read(KEY) is None


def test_any_flipped_bit_is_found(store):
    store.write(KEY, some_frames(n_frames=70, n_bands=3))
    content = file_of(store).read_bytes()
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << position % 8
        file_of(store).write_bytes(damaged)
        assert store.read(KEY) is None, f"byte {position} of {len(content)}"
    file_of(store).write_bytes(content)
    assert store.read(KEY) is not None


def test_zeros_in_place_of_what_a_power_cut_lost_are_found(store):
    store.write(KEY, some_frames())
    file_of(store).write_bytes(bytes(len(file_of(store).read_bytes())))
    assert store.read(KEY) is None


def test_damage_outside_what_is_read_does_no_harm(store):
    frames = some_frames()
    store.write(KEY, frames)
    content = bytearray(file_of(store).read_bytes())
    content[-1] ^= 1
    file_of(store).write_bytes(content)
    np.testing.assert_array_equal(store.read(KEY, 0, BLOCK_FRAMES), frames[:BLOCK_FRAMES])
    assert store.read(KEY, 199, 200) is None


def test_more_blocks_than_the_first_read_holds(store):
    frames = np.arange(80_000, dtype=np.float32)[:, None]
    store.write(KEY, frames)
    np.testing.assert_array_equal(store.read(KEY), frames)
    np.testing.assert_array_equal(store.read(KEY, 79_990), frames[79_990:])


def test_what_killed_writers_left_is_removed_after_an_hour(store):
    (store.folder / "aside").mkdir(exist_ok=True)
    old, new = store.folder / "aside" / "old", store.folder / "aside" / "new"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 4000, time.time() - 4000))
    store.open()
    assert not old.exists()
    assert new.exists()


def test_eviction_removes_nothing_but_frames(store):
    store.write(KEY, some_frames())
    store.write("cd" + KEY, some_frames())
    (store.folder / "ab" / "notes.txt").write_text("kept")
    (store.folder / "zz.txt").write_text("kept")
    bounded = FrameStore(store.folder, "float32", 6000)
    bounded.write("ef" + KEY, some_frames())
    assert file_of(store).parent.name == "ef"
    assert (store.folder / "ab" / "notes.txt").read_text() == "kept"
    assert (store.folder / "zz.txt").read_text() == "kept"
    assert (store.folder / "CACHEDIR.TAG").exists()


@pytest.mark.parametrize("n_writers", [1, 2])
def test_each_further_writer_exceeds_the_bound_by_a_sixteenth_at_most(store, n_writers):
    bound = 100_000
    stores = [FrameStore(store.folder, "float32", bound) for _ in range(n_writers)]
    largest = 0
    for i in range(200):
        stores[i % n_writers].write(f"{i:02x}{i:08d}", some_frames(n_frames=20))
        size = sum(path.stat().st_size for path in store.folder.glob("??/*.frames"))
        largest = max(largest, size)
    assert bound / 2 < largest <= bound * (1 + (n_writers - 1) / 16)


def test_a_store_whose_folder_vanished_is_made_anew(store):
    store.write(KEY, some_frames())
    shutil.rmtree(store.folder)
    assert store.read(KEY) is None
    store.write(KEY, some_frames())
    np.testing.assert_array_equal(store.read(KEY), some_frames())
    assert (
        b"Signature: 8a477f597d28d172789f06886806bc55"
        in (store.folder / "CACHEDIR.TAG").read_bytes()
    )


def test_a_pickled_store_is_the_same_store(store):
    store.write(KEY, some_frames())
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(store)).read(KEY), some_frames())


def test_a_lock_keeps_others_out_until_it_is_released(store):
    other = FrameStore(store.folder, "float32", None)
    with store.lock(KEY, wait=False) as first, other.lock(KEY, wait=False) as second:
        assert first
        assert not second
        with other.lock("00" + KEY, wait=False) as elsewhere:
            assert elsewhere
    with other.lock(KEY, wait=False) as later:
        assert later


def test_who_waits_too_long_for_a_lock_works_without_it(store, monkeypatch):
    monkeypatch.setattr("sk_audioevents.features._frame_store.LOCK_TIMEOUT", 0.02)
    with store.lock(KEY, wait=False), store.lock(KEY, wait=True) as is_free:
        assert is_free


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only for root"
)
def test_a_read_only_store_can_be_read(store):
    store.write(KEY, some_frames())
    folders = [store.folder, file_of(store).parent, store.folder / "aside"]
    for folder in folders:
        folder.chmod(0o500)
    try:
        reader = FrameStore(store.folder, "float32", None)
        reader.open()
        np.testing.assert_array_equal(reader.read(KEY), some_frames())
        with reader.lock(KEY, wait=False) as is_free:
            assert is_free
        with pytest.raises(OSError, match=r"Cannot write into the cache \(Permission denied\)"):
            reader.write("ff" + KEY, some_frames())
    finally:
        for folder in folders:
            folder.chmod(0o700)
