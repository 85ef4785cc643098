"""A folder of frames, one file per clip, that outlives kills, crashes and several writers.

A file holds, in little-endian order: the head (format, dtype, whether all is finite, CRC-32 of head
and table, n_frames, n_bands); a table of the CRC-32 of each block of 64 frames; the frames. It is
written aside and renamed, so that a reader meets all of it or nothing, and what a power cut tore
all the same fails its checksums. That is why no file is synced to the disk, which would take
several times as long as to compute the frames.
"""

import os
import struct
import threading
import time
import uuid
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

try:
    import fcntl
except ImportError:  # Windows: two processes may compute the same clip, which is only slower
    fcntl = None

MAGIC = b"SKAEFRM1"
HEAD = struct.Struct("<8s2s?xIQQ")
BLOCK_FRAMES = 64  # what is read and checked at the least: one hop of a SLATSegmenter
FIRST_READ = 4096  # bytes: head and table of up to 65,000 frames
DTYPES = {b"f4": np.dtype("<f4"), b"f2": np.dtype("<f2")}

MARKER = "CACHEDIR.TAG"  # https://bford.info/cachedir: backup programs leave such a folder out
MARKER_START = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n# Frames of clips, cached by sk_audioevents."
)
MARKER_TEXT = MARKER_START + (
    b" Nothing else belongs into this folder. It can be\n"
    b"# deleted at any time, as a whole or in part: what is missing is computed again.\n"
)
SUFFIX = ".frames"
ABANDONED = 3600.0  # seconds after which a half-written file has lost its writer
LOCK_TIMEOUT = 60.0  # seconds to wait for another process before doing its work too
LOCK_POLL = 0.005  # seconds
SLACK = 16  # a full store is cleared to 15/16, and looked through after each 1/16 that was written

_EVICTION = threading.Lock()  # one for all stores, so that a store can be pickled


class Description(NamedTuple):
    """What is known of stored frames without reading them.

    Attributes
    ----------
    shape : tuple of int
        The shape (n_frames, n_bands).
    is_finite : bool
        Whether all frames are finite.
    """

    shape: tuple
    is_finite: bool


class FrameStore:
    """Arrays of frames under keys, in files of a folder.

    Parameters
    ----------
    folder : str or os.PathLike
        The folder: a new or empty one, or one that a store made.
    dtype : {"float32", "float16"}
        How frames are written. They are read as float32.
    max_size : int or None
        Number of bytes that all files together may have. The least recently used make room for
        new ones. None is no bound.
    """

    def __init__(self, folder, dtype, max_size):
        self.folder = Path(os.path.abspath(folder))
        self.dtype = np.dtype(dtype).newbyteorder("<")
        self.max_size = max_size
        self._size = None  # bytes in the folder when last looked through, and written since
        self._n_unseen = 0  # bytes written since

    def open(self):
        """Make the folder where there is none, and remove what killed writers left in it.

        Raises
        ------
        ValueError
            If the folder holds anything that no store wrote.
        """
        self._mark()
        with suppress(FileNotFoundError), os.scandir(self.folder / "aside") as files:
            for file in files:
                with suppress(FileNotFoundError):
                    if file.stat().st_mtime < time.time() - ABANDONED:
                        os.unlink(file)

    def describe(self, key):
        """Return the Description of stored frames, or None where there are none."""
        found = self._read(key, 0, 0)
        return found and found[0]

    def read(self, key, start=0, stop=None):
        """Read stored frames from start to stop.

        Parameters
        ----------
        key : str
            At least 4 hexadecimal digits.
        start : int, default=0
            The first frame.
        stop : int, default=None
            The one after the last frame. None reads to the end.

        Returns
        -------
        frames : float32 ndarray of shape (stop - start, n_bands), or None
            None if there are none or they are damaged.
        """
        found = self._read(key, start, stop)
        return found and found[1].astype(np.float32, copy=False)

    def write(self, key, frames):
        """Store frames, unless the store is too small for them.

        Parameters
        ----------
        key : str
            At least 4 hexadecimal digits.
        frames : float32 array of shape (n_frames, n_bands)
            The frames.

        Returns
        -------
        frames : float32 ndarray of shape (n_frames, n_bands)
            What ``read`` gives: rounded, where the store holds float16.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        stored = np.ascontiguousarray(frames, dtype=self.dtype)
        head = _head(stored)
        try:
            self._mark()
            if self.max_size is None or self._make_room(len(head) + stored.nbytes):
                path = self._path(key)
                path.parent.mkdir(exist_ok=True)
                self._write_aside(path, head, stored)
        except OSError as error:
            raise OSError(
                error.errno,
                f"Cannot write into the cache ({error.strerror}). What is in it stays",
                str(self.folder),
            ) from error
        return stored.astype(np.float32, copy=False)

    def rounded(self, frames):
        """Return frames as they would be read, without storing them."""
        return frames.astype(self.dtype).astype(np.float32, copy=False)

    @contextmanager
    def lock(self, key, *, wait):
        """Keep other threads and processes from computing the same frames at the same time.

        The operating system ends the lock of a process that is killed. Where there are no locks
        (Windows, some network drives) all may compute.

        Parameters
        ----------
        key : str
            At least 4 hexadecimal digits. The first two choose one of 256 locks.
        wait : bool
            Whether to wait for the lock, for up to a minute.

        Yields
        ------
        is_free : bool
            Whether the caller may compute. Always true after waiting.
        """
        try:
            folder = self.folder / "locks"
            folder.mkdir(exist_ok=True)
            file = open(folder / key[:2], "ab")  # noqa: SIM115
        except OSError:  # that nothing can be written, ``write`` tells
            yield True
            return
        with file:
            deadline = time.monotonic() + LOCK_TIMEOUT
            is_free = _try_lock(file)
            while wait and not is_free and time.monotonic() < deadline:
                time.sleep(LOCK_POLL)
                is_free = _try_lock(file)
            yield is_free or wait  # closing the file unlocks it

    def _path(self, key):
        return self.folder / key[:2] / (key[2:] + SUFFIX)

    def _mark(self):
        """Make the folder and its marker, or check that it has one."""
        marker = self.folder / MARKER
        if _is_marker(marker):
            return
        names = []
        with suppress(FileExistsError):  # it is a file
            self.folder.mkdir(parents=True, exist_ok=True)
            names = [name for name in os.listdir(self.folder) if name != "aside"]
            # Others may make the same cache now. They write the marker first: it is looked for
            # once more, after what it marks.
            if not names:
                self._write_aside(marker, MARKER_TEXT, b"", sync=True)
        if not _is_marker(marker):
            holds = f"which holds {names[0]!r}" if names else "which is no folder"
            raise ValueError(
                "The 'cache_dir' parameter must be a new or empty folder, or one that an earlier "
                f"cache made. Got {str(self.folder)!r}, {holds}."
            )

    def _read(self, key, start, stop):
        """Return the Description and the frames as they are stored; None if missing or damaged."""
        try:
            with open(self._path(key), "rb", buffering=0) as file:
                found = _read_blocks(file, start, stop)
                if found is not None:
                    with suppress(OSError):  # a store may be read-only
                        _mark_as_used(file)
                return found
        except OSError:
            return None

    def _write_aside(self, path, *parts, sync=False):
        folder = self.folder / "aside"
        folder.mkdir(exist_ok=True)
        aside = folder / uuid.uuid4().hex
        try:
            with open(aside, "xb") as file:
                file.writelines(parts)
                file.flush()
                _mark_as_used(file)
                if sync:
                    os.fsync(file.fileno())
            os.replace(aside, path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise

    def _make_room(self, n_bytes):
        """Delete what was not used for longest until a new file fits; return whether it does."""
        if n_bytes > self.max_size:
            return False
        with _EVICTION:
            # Other processes write too. What they wrote is found each time the store is looked
            # through, so that each of them can make it exceed the bound by 1/16.
            is_stale = self._size is None or self._n_unseen + n_bytes > self.max_size // SLACK
            if is_stale or self._size + n_bytes > self.max_size:
                self._evict(n_bytes)
            self._size += n_bytes
            self._n_unseen += n_bytes
        return True

    def _evict(self, n_bytes):
        files = sorted(self._files())
        size = sum(file_size for _, file_size, _ in files)
        if size + n_bytes > self.max_size:
            for _, file_size, path in files:
                if size + n_bytes <= self.max_size - self.max_size // SLACK:
                    break
                with suppress(FileNotFoundError):
                    os.unlink(path)
                size -= file_size
        self._size, self._n_unseen = size, 0

    def _files(self):
        """Yield when each file was last used, its size and its path."""
        for folder in os.scandir(self.folder):
            if len(folder.name) != 2 or not folder.is_dir(follow_symlinks=False):
                continue
            for file in os.scandir(folder):
                with suppress(FileNotFoundError):
                    if file.name.endswith(SUFFIX) and file.is_file(follow_symlinks=False):
                        status = file.stat(follow_symlinks=False)
                        yield status.st_mtime_ns, status.st_size, file.path


def _head(stored):
    """Return head and table of an array that is to be stored."""
    step = BLOCK_FRAMES
    table = np.array(
        [zlib.crc32(stored[i : i + step]) for i in range(0, len(stored), step)], dtype="<u4"
    ).tobytes()
    name = stored.dtype.str[1:].encode()
    return _checked_head(name, bool(np.isfinite(stored).all()), *stored.shape, table)


def _checked_head(name, is_finite, n_frames, n_bands, table):
    unchecked = HEAD.pack(MAGIC, name, is_finite, 0, n_frames, n_bands)
    crc = zlib.crc32(unchecked + table)
    return HEAD.pack(MAGIC, name, is_finite, crc, n_frames, n_bands) + table


def _read_blocks(file, start, stop):
    """Return the Description and the frames from start to stop, or None if they are damaged."""
    status = os.fstat(file.fileno())
    head = file.read(FIRST_READ)
    if len(head) < HEAD.size:
        return None
    magic, name, is_finite, _, n_frames, n_bands = HEAD.unpack_from(head)
    n_blocks = -(-n_frames // BLOCK_FRAMES)
    first_byte = HEAD.size + 4 * n_blocks
    dtype = DTYPES.get(name)
    # The size is compared before anything is made of that size: a damaged number may be huge.
    if magic != MAGIC or dtype is None:
        return None
    if status.st_size != first_byte + n_frames * n_bands * dtype.itemsize:
        return None
    if len(head) < first_byte:
        head += file.read(first_byte - len(head))
    table = head[HEAD.size : first_byte]
    if _checked_head(name, is_finite, n_frames, n_bands, table) != head[:first_byte]:
        return None
    description = Description((n_frames, n_bands), is_finite)
    start, stop, _ = slice(start, stop).indices(n_frames)
    if stop <= start:
        return description, np.empty((0, n_bands), dtype)
    first, last = start // BLOCK_FRAMES, -(-stop // BLOCK_FRAMES)
    offset = first * BLOCK_FRAMES
    blocks = np.empty((min(last * BLOCK_FRAMES, n_frames) - offset, n_bands), dtype)
    file.seek(first_byte + offset * n_bands * dtype.itemsize)
    if not _fill(file, blocks):
        return None
    expected = np.frombuffer(table, "<u4")[first:last]
    for i, crc in enumerate(expected):
        if zlib.crc32(blocks[i * BLOCK_FRAMES : (i + 1) * BLOCK_FRAMES]) != crc:
            return None
    return description, blocks[start - offset : stop - offset]


def _mark_as_used(file):
    now = time.time_ns()  # the system's own stamps are some milliseconds apart
    os.utime(file.fileno() if os.utime in os.supports_fd else file.name, ns=(now, now))


def _fill(file, array):
    """Read a whole array, of which the system may give at most 2 GiB at a time."""
    rest = memoryview(array.reshape(-1).view(np.uint8))
    while rest:
        n_bytes = file.readinto(rest)
        if not n_bytes:
            return False
        rest = rest[n_bytes:]
    return True


def _try_lock(file):
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a network drive without locks
        return True
    return True


def _is_marker(path):
    with suppress(FileNotFoundError, NotADirectoryError), open(path, "rb") as file:
        return file.read(len(MARKER_START)) == MARKER_START
    return False
