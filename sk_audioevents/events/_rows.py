"""The rows of X as recordings: how long each is, and windows of them in the form of X."""

import numpy as np
import pandas as pd
from sklearn.base import clone

from sk_audioevents._event_table import path_column
from sk_audioevents._time import samples_to_seconds, seconds_to_samples
from sk_audioevents._validation import check_clips
from sk_audioevents.audio import inspect_files
from sk_audioevents.audio._open import open_recording
from sk_audioevents.exceptions import AudioDecodeError


def check_recordings(X, estimator, sample_rate, n_features):
    """Return the rows of X as `FileRows` or `WaveformRows`.

    Parameters
    ----------
    X : list, array, Series or DataFrame
        Paths, waveforms or a table of windows.
    estimator : estimator
        Whose X it is.
    sample_rate : int or None
        The rate of waveforms, in hertz; None is not known.
    n_features : int or None
        The one number of samples per clip in arrays that the estimator takes; None for any.

    Returns
    -------
    rows : FileRows or WaveformRows
        The recordings.
    """
    kind, clips = check_clips(X, clone(estimator), reset=False)  # a clone expects no length
    if kind == "files":
        return FileRows(clips)
    if sample_rate is None:
        raise ValueError(
            f"The X of {type(estimator).__name__} must be paths where no step of the estimator has "
            "a 'sample_rate': without it, waveforms have no times."
        )
    stacked = kind == "array" and n_features in (None, clips.shape[1])
    return WaveformRows(clips, sample_rate, stacked)


class FileRows:
    """Recordings in files, or windows of them.

    Parameters
    ----------
    clips : list of ClipFile
        The rows of X.
    """

    path_dtype = np.dtype(object)

    def __init__(self, clips):
        self._clips = clips
        self.paths = path_column([clip.path for clip in clips], "X").tolist()

    def __len__(self):
        return len(self.paths)

    def start(self, row):
        """Return where a row begins in its file, in seconds."""
        return self._clips[row].start_time

    def duration(self, row):
        """Return the length of a row in seconds, or 0 where the file cannot be read.

        What is to be done about such a file, the estimator decides when it is scored.
        """
        clip = self._clips[row]
        if clip.end_time is not None:
            return clip.end_time - clip.start_time
        try:
            return max(0.0, _file_duration(clip.path) - clip.start_time)
        except AudioDecodeError:
            return 0.0

    def cut(self, windows):
        """Return the X that holds some windows, given as (row, Window)."""
        starts, ends = [], []
        for row, window in windows:
            clip = self._clips[row]
            starts.append(clip.start_time + window.start)
            whole = window.end is None or window.end == 0  # 0 where the length is not known
            ends.append(clip.end_time if whole else clip.start_time + window.end)
        table = {"path": [self._clips[row].path for row, _ in windows], "start_time": starts}
        return pd.DataFrame({**table, "end_time": np.array(ends, dtype=np.float64)})


class WaveformRows:
    """Waveforms.

    Parameters
    ----------
    waveforms : list or 2-D array
        The rows of X.
    sample_rate : int
        Their rate, in hertz.
    stacked : bool
        Whether the estimator is to be given rows that are one window each as a 2-D array.
    """

    path_dtype = np.dtype(np.int64)

    def __init__(self, waveforms, sample_rate, stacked):
        self._waveforms = waveforms
        self._sample_rate = sample_rate
        self._stacked = stacked
        self.paths = range(len(waveforms))

    def __len__(self):
        return len(self.paths)

    def start(self, _row):
        """Return 0.0: a waveform is a recording of its own."""
        return 0.0

    def duration(self, row):
        """Return the length of a row in seconds."""
        return samples_to_seconds(len(self._waveforms[row]), self._sample_rate)

    def cut(self, windows):
        """Return the X that holds some windows, given as (row, Window)."""
        pieces = [self._piece(row, window) for row, window in windows]
        whole = all(len(piece) == len(self._waveforms[0]) for piece in pieces)
        return np.stack(pieces) if self._stacked and whole else pieces

    def _piece(self, row, window):
        stop = None if window.end is None else seconds_to_samples(window.end, self._sample_rate)
        return self._waveforms[row][seconds_to_samples(window.start, self._sample_rate) : stop]


def _file_duration(path):
    """Return the length of a file in seconds; where the header leaves it open, decode it all."""
    with open_recording(path) as recording:
        if recording.n_samples is not None:
            return samples_to_seconds(recording.n_samples, recording.sample_rate)
    row = inspect_files([path]).loc[0]
    if row["problem"] is not None:
        raise AudioDecodeError(path, row["problem"])
    return row["duration"]
