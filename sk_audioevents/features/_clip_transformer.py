"""What all feature transformers share: clips in, one array of frames per clip out."""

import os
import warnings
from functools import partial
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state
from tqdm.auto import tqdm

from sk_audioevents._base import N_JOBS, Interval, StrOptions
from sk_audioevents._parallel import map_in_order
from sk_audioevents._stateless import StatelessTransformer
from sk_audioevents._validation import check_clips, object_array
from sk_audioevents.audio import check_files
from sk_audioevents.exceptions import AudioDecodeError, AudioDecodeWarning
from sk_audioevents.features._clip_cache import Busy, ClipCache
from sk_audioevents.features._clip_work import ClipWork, VersionWork

CLIPS_AT_ONCE = 16  # that a thread is given: a clip takes 0.3 ms


class ClipTransformer(StatelessTransformer):
    """Base of the transformers that turn each clip into an array of frames.

    A subclass has the parameters of ``_parameter_constraints`` and implements
    ``_make_extractor(n_clips)``, which returns the function from a mono waveform, of float32 or of
    the int16 of a file, to a float32 array (n_frames, n_bands); a job of many clips also passes it
    a function ``empty`` that gives memory for a shape and a dtype, as ``np.empty`` does, where the
    array may lie.
    """

    # Part of a cache's keys: raised when the code gives other values than before.
    _values_version = 1

    _parameter_constraints = {
        "sample_rate": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": N_JOBS,
        "on_error": [StrOptions({"raise", "warn"})],
        "verbose": ["verbose"],
        "cache_dir": [str, os.PathLike, None],
        "cache_dtype": [StrOptions({"float32", "float16"})],
        "cache_size": [Interval(Integral, 1, None, closed="left"), None],
        "lazy": ["boolean"],
        "augmentation": [callable, None],
        "n_versions": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.non_deterministic = self._has_versions()
        return tags

    def _has_versions(self):
        return self.augmentation is not None and self.n_versions > 1

    def _check_clips(self, X, reset):
        clips = check_clips(X, self, reset=reset)
        if reset:
            self.failed_ = {}
        return clips

    def fit_transform(self, X, y=None):
        """Compute the frames of each clip, and of augmented versions of it if there is to be any.

        Parameters
        ----------
        X : list, array, Series or DataFrame
            The clips, as for ``transform``.
        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        frames : ndarray of shape (n_clips, n_frames, n_bands) or (n_clips,)
            As ``transform`` gives them. With an ``augmentation`` and ``n_versions`` above 1, a 1-D
            object array of rows that are the clip's own frames to whoever reads them, and to a
            classifier that trains on them a choice of ``n_versions``.
        """
        frames = self.fit(X, y).transform(X)
        if not self._has_versions():
            return frames
        _, clips = self._check_clips(X, reset=False)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        work = VersionWork(self, len(clips), seed)
        rows = list(zip(range(len(clips)), clips, frames))
        return object_array(self._map_in_parallel(work.add_versions, rows, "versions"))

    def transform(self, X):
        """Compute the frames of each clip.

        Parameters
        ----------
        X : list, array, Series or DataFrame
            Paths, 1-D waveforms at ``sample_rate``, a 2-D array (n_clips, n_samples) of them, or a
            table with the columns ``path``, ``start_time`` and ``end_time`` (seconds).

        Returns
        -------
        frames : ndarray of shape (n_clips, n_frames, n_bands) or (n_clips,)
            float32. A 3-D array if X is a 2-D array, else a 1-D object array whose items have shape
            (n_frames, n_bands): the kind of X decides, not the lengths of the clips. The items are
            arrays; with ``lazy=True`` and files, they are read from the cache when they are used,
            by ``np.asarray(item)``, ``item[i]`` or ``item[start:stop]``.

        Raises
        ------
        AudioDecodeError
            If a file cannot be read and ``on_error="raise"``. All paths are checked before the
            first file is decoded.
        ValueError
            If ``cache_dir`` is a folder that holds anything but a cache.
        OSError
            If the cache cannot be written. What was computed until then stays in it.
        """
        self._validate_params()
        kind, clips = self._check_clips(X, reset=False)
        work = ClipWork(self, len(clips), self._open_cache())
        if kind == "files":
            return self._transform_files(clips, work)
        frames = self._map(work.of_waveform, clips)
        return np.stack(frames) if kind == "array" else object_array(frames)

    def _open_cache(self):
        if self.cache_dir is None and self.lazy:
            raise ValueError(
                f"The 'lazy' parameter of {type(self).__name__} must be False without a "
                "'cache_dir'. Got True: where should the rows be read from?"
            )
        if self.cache_dir is None:
            return None
        cache = ClipCache(self)
        cache.store.open()
        return cache

    def _transform_files(self, clips, work):
        unreadable = check_files([clip.path for clip in clips], on_error=self.on_error)
        frames = self._map(work.of_file, [unreadable.get(i, clip) for i, clip in enumerate(clips)])
        if self.on_error == "raise":
            return object_array(frames)
        failed = [i for i, result in enumerate(frames) if isinstance(result, AudioDecodeError)]
        self._report_failures([frames[i] for i in failed], len(clips))
        for i in failed:
            frames[i] = work.silent(clips[i])
        return object_array(frames)

    def _map(self, function, items):
        """Apply a function of an item and ``wait`` to each, first without waiting."""
        results = self._map_in_parallel(partial(function, wait=False), items)
        busy = [row for row, result in enumerate(results) if result is Busy.BUSY]
        if busy:
            # Processes that begin with the same clips leave them to each other and meet at the end.
            waited = self._map_in_parallel(partial(function, wait=True), [items[i] for i in busy])
            for row, result in zip(busy, waited):
                results[row] = result
        return results

    def _map_in_parallel(self, function, items, what=None):
        """Apply a function to each item, in order: decoders and FFTs release the GIL."""
        name = type(self).__name__ if what is None else f"{type(self).__name__}, {what}"
        results = map_in_order(function, items, self.n_jobs, n_at_once=CLIPS_AT_ONCE)
        progress = tqdm(results, total=len(items), desc=name, unit="clip", disable=not self.verbose)
        return list(progress)

    def _report_failures(self, errors, n_clips):
        self.failed_ = {error.path: error.problem for error in errors}
        if errors:
            warnings.warn(
                f"{len(errors)} of {n_clips} clips could not be decoded and are silence in the "
                f"result; 'failed_' lists them. The first: {errors[0]}",
                AudioDecodeWarning,
                stacklevel=4,
            )
