"""What all feature transformers share: clips in, one array of frames per clip out."""

import warnings
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

SILENT_SECONDS = 1.0  # how long a clip is that could not be read and whose window is not known


class ClipTransformer(StatelessTransformer):
    """Base of the transformers that turn each clip into an array of frames.

    A subclass has the parameters ``sample_rate``, ``n_jobs``, ``on_error`` and ``verbose``, and
    implements ``_make_extractor``, which returns the function from a mono float32 waveform to an
    array (n_frames, n_bands).
    """

    _parameter_constraints = {
        "sample_rate": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": N_JOBS,
        "on_error": [StrOptions({"raise", "warn"})],
        "verbose": ["verbose"],
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
            (n_frames, n_bands): the kind of X decides, not the lengths of the clips.

        Raises
        ------
        AudioDecodeError
            If a file cannot be read and ``on_error="raise"``. All paths are checked before the
            first file is decoded.
        """
        self._validate_params()
        kind, clips = self._check_clips(X, reset=False)
        extract = self._make_extractor()
        if kind == "files":
            return self._transform_files(clips, extract)
        frames = self._map(lambda waveform: extract(_at_least_one_sample(waveform)), clips)
        return np.stack(frames) if kind == "array" else object_array(frames)

    def _transform_files(self, clips, extract):
        unreadable = check_files([clip.path for clip in clips], on_error=self.on_error)

        def extract_or_explain(row, clip):
            try:
                if row in unreadable:
                    raise unreadable[row]
                waveform, _ = load_audio(
                    clip.path,
                    sample_rate=self.sample_rate,
                    start_time=clip.start_time,
                    end_time=clip.end_time,
                )
            except AudioDecodeError as error:
                if self.on_error == "raise":
                    raise
                return extract(_silence(clip, self.sample_rate)), error
            return extract(waveform), None

        results = self._map(extract_or_explain, range(len(clips)), clips)
        if self.on_error == "warn":
            self._report_failures([error for _, error in results if error is not None], len(clips))
        return object_array([frames for frames, _ in results])

    def _map(self, function, *columns):
        """Apply a function to each row, in order, in threads: decoders and FFTs release the GIL."""
        results = Parallel(n_jobs=self.n_jobs, prefer="threads", return_as="generator")(
            delayed(function)(*row) for row in zip(*columns, strict=True)
        )
        progress = tqdm(
            results,
            total=len(columns[0]),
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
