"""The frames of each clip, computed once: what tells clips apart, and rows that are read late."""

import hashlib
import json
import os
from enum import Enum
from functools import partial
from numbers import Real

import joblib
import numpy as np

from sk_audioevents._lazy import LazyArray
from sk_audioevents.exceptions import AudioDecodeError
from sk_audioevents.features._clip_work import ClipWork
from sk_audioevents.features._frame_store import FrameStore

# Parameters that do not change a value. All others, also those of subclasses, are part of the key.
OF_VERSIONS = {"augmentation", "n_versions", "random_state"}  # which are not kept
NOT_IN_KEY = {"n_jobs", "on_error", "verbose", "cache_dir", "cache_size", "lazy"} | OF_VERSIONS


class Busy(Enum):
    """What ``fetch`` returns while another thread or process computes the clip."""

    BUSY = "busy"


class ClipCache:
    """The cache of a transformer with a ``cache_dir``.

    Parameters
    ----------
    transformer : ClipTransformer
        The transformer; what is done to it later does not change the cache.
    """

    def __init__(self, transformer):
        parameters = transformer.get_params(deep=False) | {"augmentation": None}
        self.transformer = type(transformer)(**parameters)
        self.store = FrameStore(
            transformer.cache_dir, transformer.cache_dtype, transformer.cache_size
        )
        self._settings = _settings(transformer)

    def file_key(self, clip):
        """Return the key of a window of a file as it is now, or None where there is no file.

        A file is known by its absolute path, size and time of modification in nanoseconds.
        """
        try:
            status = os.stat(clip.path)
        except (OSError, ValueError):
            return None
        window = f"{status.st_size} {status.st_mtime_ns} {clip.start_time} {clip.end_time} "
        return self._key(b"file", window.encode(), os.fsencode(os.path.abspath(clip.path)))

    def waveform_key(self, waveform):
        """Return the key of the samples of a waveform."""
        return self._key(b"waveform", np.ascontiguousarray(waveform, dtype=np.float32))

    def fetch_waveform(self, waveform, compute, *, wait):
        """Return the frames of a waveform.

        Parameters
        ----------
        waveform : float32 array of shape (n_samples,)
            The samples.
        compute : callable
            Returns the frames, if the store has none.
        wait : bool
            Whether to wait where another thread or process computes the same frames.

        Returns
        -------
        frames : float32 ndarray of shape (n_frames, n_bands), or Busy
            The same bits, whether they were computed or read.
        """
        return self._fetch(self.waveform_key(waveform), self.store.read, compute, wait=wait)

    def fetch_file(self, clip, compute, *, wait, lazy):
        """Return the frames of a window of a file.

        Parameters
        ----------
        clip : ClipFile
            The window.
        compute : callable
            Returns the frames, if the store has none.
        wait : bool
            Whether to wait where another thread or process computes the same frames.
        lazy : bool
            Whether to return a row that reads them when it is used.

        Returns
        -------
        frames : float32 ndarray of shape (n_frames, n_bands), CachedFrames or Busy
            The same bits, whether they were computed or read.
        """
        key = self.file_key(clip)
        if key is None:
            return compute()
        if not lazy:
            return self._fetch(key, self.store.read, compute, wait=wait, clip=clip)

        def row(key):
            description = self.store.describe(key)
            return description and CachedFrames(self, clip, key, *description)

        frames = self._fetch(key, row, compute, wait=wait, clip=clip)
        if not isinstance(frames, np.ndarray) or self.file_key(clip) != key:
            return frames
        return CachedFrames(self, clip, key, frames.shape, bool(np.isfinite(frames).all()))

    def restore(self, clip, key):
        """Compute the frames again that were evicted or damaged after ``fetch_file``.

        Parameters
        ----------
        clip : ClipFile
            The window.
        key : str
            Its key in ``fetch_file``.

        Returns
        -------
        frames : float32 ndarray of shape (n_frames, n_bands)
            The frames.

        Raises
        ------
        AudioDecodeError
            If the file is not what it was, or cannot be read.
        """
        if self.file_key(clip) != key:
            problem = (
                "the file was changed or removed after its frames were computed, and the cache "
                "does not hold them any more. Was it moved? Is 'cache_size' too small?"
            )
            raise AudioDecodeError(clip.path, problem)

        compute = partial(ClipWork(self.transformer, n_clips=1).decoded, clip)
        return self._fetch(key, self.store.read, compute, wait=True, clip=clip)

    def _fetch(self, key, look_up, compute, *, wait, clip=None):
        found = look_up(key)
        if found is not None:
            return found
        with self.store.lock(key, wait=wait) as is_free:
            if not is_free:
                return Busy.BUSY
            found = look_up(key)  # another may have computed it since
            if found is not None:
                return found
            frames = compute()
            # A file that changes while it is read gives frames that belong to neither version.
            if clip is not None and self.file_key(clip) != key:
                return self.store.rounded(frames)
            return self.store.write(key, frames)

    def _key(self, kind, *parts):
        digest = hashlib.sha256(self._settings + kind, usedforsecurity=False)
        for part in parts:
            digest.update(part)
        return digest.hexdigest()[:40]


class CachedFrames(LazyArray):
    """Frames of a file, in the cache, that are read each time they are used.

    It is small, keeps no file open, and is pickled as the place where its frames are. If the cache
    has lost them they are computed again.

    Parameters
    ----------
    cache : ClipCache
        The cache that holds them.
    clip : ClipFile
        The window of a file that they belong to.
    key : str
        Their key.
    shape : tuple of int
        The shape (n_frames, n_bands).
    is_finite : bool
        Whether all of them are finite.
    """

    __slots__ = ("_cache", "_clip", "_key", "is_finite", "shape")
    dtype = np.dtype(np.float32)

    def __init__(self, cache, clip, key, shape, is_finite):
        self._cache = cache
        self._clip = clip
        self._key = key
        self.shape = shape
        self.is_finite = is_finite

    def read(self, start=0, stop=None):
        """Read the frames from start to stop, of the file that they belong to if need be.

        Parameters
        ----------
        start : int, default=0
            The first frame.
        stop : int, default=None
            The one after the last frame. None reads to the end.

        Returns
        -------
        frames : float32 ndarray of shape (stop - start, n_bands)
            The frames.
        """
        frames = self._cache.store.read(self._key, start, stop)
        if frames is None:
            return self._cache.restore(self._clip, self._key)[start:stop]
        return frames


def _settings(transformer):
    """Return a digest of all that decides which frames a clip has."""
    cls = type(transformer)
    parameters = transformer.get_params(deep=False)
    kept = {name: _plain(parameters[name]) for name in sorted(parameters.keys() - NOT_IN_KEY)}
    described = [f"{cls.__module__}.{cls.__qualname__}", cls._values_version, kept]
    return hashlib.sha256(json.dumps(described).encode(), usedforsecurity=False).digest()


def _plain(value):
    """Return a text that is equal for equal values, whatever their types: 1, 1.0, np.int64(1)."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (Real, np.bool_)):
        return [float(value)]
    return joblib.hash(value)
