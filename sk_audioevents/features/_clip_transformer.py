"""What all feature transformers share: clips in, one array of frames per clip out."""

import os
import warnings
from functools import partial
from numbers import Integral

import numpy as np
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from sk_audioevents._base import N_JOBS, Interval, StrOptions
from sk_audioevents._stateless import StatelessTransformer
from sk_audioevents._time import seconds_to_samples
from sk_audioevents._validation import check_clips, object_array
from sk_audioevents.audio import check_files, load_audio
from sk_audioevents.exceptions import AudioDecodeError, AudioDecodeWarning
from sk_audioevents.features._clip_cache import BUSY, ClipCache

SILENT_SECONDS = 1.0  # how long a clip is that could not be read and whose window is not known


class ClipTransformer(StatelessTransformer):
    """Base of the transformers that turn each clip into an array of frames.

    A subclass has the parameters of ``_parameter_constraints`` and implements ``_make_extractor``,
    which returns the function from a mono float32 waveform to a float32 array (n_frames, n_bands).
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
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _check_clips(self, X, reset):
        clips = check_clips(X, self, reset=reset)
        if reset:
            self.failed_ = {}
        return clips

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
        extract = self._make_extractor()
        cache = self._open_cache()
        if kind == "files":
            return self._transform_files(clips, extract, cache)

        def frames_of(waveform, wait):
            compute = partial(extract, _at_least_one_sample(waveform))
            if cache is None:
                return compute()
            return cache.fetch_waveform(waveform, compute, wait=wait)

        frames = self._map(frames_of, clips)
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

    def _transform_files(self, clips, extract, cache):
        unreadable = check_files([clip.path for clip in clips], on_error=self.on_error)

        errors = {}

        def frames_or_silence(row, wait):
            clip = clips[row]
            compute = partial(self._frames_of_file, clip, extract)
            try:
                if row in unreadable:
                    raise unreadable[row]
                if cache is None:
                    return compute()
                return cache.fetch_file(clip, compute, wait=wait, lazy=self.lazy)
            except AudioDecodeError as error:
                if self.on_error == "raise":
                    raise
                errors[row] = error
                return extract(_silence(clip, self.sample_rate))

        frames = self._map(frames_or_silence, range(len(clips)))
        if self.on_error == "warn":
            self._report_failures([errors[row] for row in sorted(errors)], len(clips))
        return object_array(frames)

    def _frames_of_file(self, clip, extract):
        waveform, _ = load_audio(
            clip.path,
            sample_rate=self.sample_rate,
            start_time=clip.start_time,
            end_time=clip.end_time,
        )
        return extract(waveform)

    def _map(self, function, items):
        """Apply a function of an item and ``wait`` to each, first without waiting."""
        results = self._map_in_threads(partial(function, wait=False), items)
        busy = [row for row, result in enumerate(results) if result is BUSY]
        if busy:
            # Processes that begin with the same clips leave them to each other and meet at the end.
            waited = self._map_in_threads(partial(function, wait=True), [items[i] for i in busy])
            for row, result in zip(busy, waited):
                results[row] = result
        return results

    def _map_in_threads(self, function, items):
        """Apply a function to each item, in order: decoders and FFTs release the GIL."""
        results = Parallel(n_jobs=self.n_jobs, prefer="threads", return_as="generator")(
            delayed(function)(item) for item in items
        )
        progress = tqdm(
            results,
            total=len(items),
            desc=type(self).__name__,
            unit="clip",
            disable=not self.verbose,
        )
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


def _at_least_one_sample(waveform):
    return waveform if len(waveform) else np.zeros(1, dtype=np.float32)


def _silence(clip, sample_rate):
    seconds = SILENT_SECONDS if clip.end_time is None else clip.end_time - clip.start_time
    return np.zeros(max(1, seconds_to_samples(seconds, sample_rate)), dtype=np.float32)
