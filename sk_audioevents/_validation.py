"""What a clip may be: one error sentence for each way to get it wrong."""

import os
from dataclasses import dataclass

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from sk_audioevents._lazy import LazyArray

CLIP_FORMS = (
    "a list of paths, a list of 1-D waveforms, a 2-D array of shape (n_clips, n_samples), or a "
    "table with the columns 'path', 'start_time' and 'end_time'"
)
FRAME_FORMS = (
    "an array of shape (n_clips, n_frames, n_bands), bags of shape (n_clips, n_segments, n_frames, "
    "n_bands), or a list or object array of such clips of unequal lengths"
)


@dataclass(frozen=True, slots=True)
class ClipFile:
    """A recording, or a window of it.

    Attributes
    ----------
    path : str or os.PathLike
        The file, as the user named it.
    start_time : float, default=0.0
        Where the window begins, in seconds.
    end_time : float or None, default=None
        Where the window ends, in seconds. None is the end of the recording.
    """

    path: str | os.PathLike
    start_time: float = 0.0
    end_time: float | None = None


def check_clips(X, estimator, *, reset, dtype=np.float32):
    """Tell what kind of clips X holds, and check each of them.

    Parameters
    ----------
    X : list, array, Series or DataFrame
        One of the forms of ``CLIP_FORMS``.
    estimator : estimator
        Whose X it is; learns or compares ``n_features_in_`` when X is 2-D.
    reset : bool
        Whether to learn (fit) or to compare (transform).
    dtype : dtype or list of dtypes, default=np.float32
        The types that a 2-D array is kept in; one of another becomes the first of them.

    Returns
    -------
    kind : {"files", "waveforms", "array"}
        The kind of input, which decides the container of the output.
    clips : list of ClipFile, list of 1-D float32 arrays, or 2-D array
        The clips, one a row.

    Raises
    ------
    TypeError
        If X is none of the forms.
    ValueError
        If a clip is empty, not finite or not 1-D, or a window ends before it starts.
    """
    name = type(estimator).__name__
    if isinstance(X, (str, bytes, os.PathLike)):
        raise TypeError(
            f"The X of {name} must be {CLIP_FORMS}. "
            f"Got the single path {X!r}: put it into a list, [{X!r}]."
        )
    if _is_path_table(X):
        return "files", _check_path_table(X, name)
    items = _ragged_items(X)
    if items is not None and len(items) == 0:
        raise ValueError(
            f"The X of {name} must be {CLIP_FORMS}. Got an empty {type(X).__name__}: 0 sample(s)."
        )
    if items is not None and _is_path(items[0]):
        return "files", _check_paths(items, name)
    if items is not None and isinstance(items[0], np.ndarray):
        return "waveforms", _check_waveforms(items, name)
    _refuse_2d_strings(X, name)
    return "array", validate_data(estimator, X, reset=reset, dtype=dtype)


def check_frames(X, estimator, *, reset, dtype=(np.float64, np.float32)):
    """Check spectrogram frames or bags of segments, uniform or ragged.

    Parameters
    ----------
    X : array or list of arrays
        One of the forms of ``FRAME_FORMS``, or a 2-D array (n_clips, n_bands), which is read as
        clips of one frame.
    estimator : estimator
        Whose X it is; learns or compares ``n_features_in_``, the number of bands.
    reset : bool
        Whether to learn (fit) or to compare (predict).
    dtype : sequence of dtypes, default=(float64, float32)
        The types that are kept; anything else becomes the first of them.

    Returns
    -------
    clips : ndarray of shape (n_clips, ..., n_bands), or list of ndarray or LazyArray
        An array when X is uniform, a list when it is ragged. Clips are 2-D (frames) or 3-D (bags).
        Those that are read when they are used are not read here.

    Raises
    ------
    TypeError
        If X holds paths.
    ValueError
        If X is empty, not finite, of the wrong dimension, or of another number of bands.
    """
    name = type(estimator).__name__
    dtype = list(dtype)
    _refuse_paths(X, name)
    items = _ragged_items(X)
    if items is not None and len(items) == 0:
        raise ValueError(
            f"The X of {name} must be {FRAME_FORMS}. Got an empty {type(X).__name__}: 0 sample(s)."
        )
    if items is not None and getattr(items[0], "ndim", 0) > 1:
        clips = [_check_frame_item(item, i, name, dtype) for i, item in enumerate(items)]
        for i, clip in enumerate(clips):
            if clip.ndim != clips[0].ndim or clip.shape[-1] != clips[0].shape[-1]:
                raise ValueError(
                    f"All clips in the X of {name} must have the same number of dimensions and of "
                    f"bands. X[0] has shape {clips[0].shape}, X[{i}] has shape {clip.shape}."
                )
        _check_n_bands(estimator, clips[0].shape[-1], reset)
        return clips
    if getattr(X, "ndim", 0) in (3, 4):
        clips = check_array(X, allow_nd=True, dtype=dtype, input_name="X", estimator=name)
        if 0 in clips.shape:
            raise ValueError(
                f"The X of {name} must be {FRAME_FORMS}, of no empty axis. Got shape {clips.shape}."
            )
        _check_n_bands(estimator, clips.shape[-1], reset)
        return clips
    return validate_data(estimator, X, reset=reset, dtype=dtype)[:, None, :]


def object_array(items):
    """Return a 1-D object array of the items, also where all of them have one shape."""
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array


def check_augmented(waveform, augmentation, parameter, *, min_samples=0):
    """Check what an augmentation made of a waveform: it may be any function of the user's.

    Parameters
    ----------
    waveform : object
        What it returned.
    augmentation : callable
        The augmentation.
    parameter : str
        Which parameter it is.
    min_samples : int, default=0
        How many samples there must be at least.

    Returns
    -------
    waveform : float32 ndarray of shape (n_samples,)
        The waveform.

    Raises
    ------
    ValueError
        If it is not 1-D, not finite or too short.
    """
    returned = np.asarray(waveform, dtype=np.float32)
    fits = returned.ndim == 1 and len(returned) >= min_samples
    if not fits or not np.isfinite(returned).all():
        raise ValueError(
            f"The {parameter!r} parameter must be a function that returns a waveform, a 1-D array "
            f"of {'at least one sample, ' if min_samples else ''}finite numbers. "
            f"{augmentation!r:.80} returned an array of shape {returned.shape}"
            + (", with NaN or infinity." if fits else ".")
        )
    return returned


def _is_path(item):
    return isinstance(item, (str, os.PathLike))


def _is_path_table(X):
    return hasattr(X, "columns") and "path" in X.columns


def _ragged_items(X):
    """Return the items of a list, Series or 1-D array of objects or strings, else None."""
    if isinstance(X, (list, tuple)):
        return X
    if isinstance(X, np.ndarray) or type(X).__module__.partition(".")[0] in ("pandas", "polars"):
        array = np.asarray(X)
        if array.ndim == 1 and array.dtype.kind in "OUT":
            return array
    return None


def _refuse_2d_strings(X, name):
    if getattr(X, "ndim", 0) > 1 and _is_path(_first_item(X)):
        raise ValueError(
            f"The X of {name} must be {CLIP_FORMS}. "
            f"Got strings of shape {X.shape}: pass the one column that holds the paths."
        )


def _refuse_paths(X, name):
    if _is_path(X) or _is_path_table(X) or _is_path(_first_item(X)):
        raise TypeError(
            f"The X of {name} must be {FRAME_FORMS}. "
            f"Got paths: put a LogMelTransformer before {name}."
        )


def _first_item(X):
    """Return the first item of a list or of an array or table of objects, else None."""
    if isinstance(X, (list, tuple)):
        return X[0] if X else None
    if not isinstance(X, np.ndarray) and not hasattr(X, "to_numpy"):
        return None
    array = np.asarray(X)
    return array.flat[0] if array.size and array.dtype.kind in "OUT" else None


def _check_paths(items, name):
    for i, item in enumerate(items):
        if not _is_path(item):
            raise TypeError(
                f"Each item of the X of {name} must be a path, as X[0] is. "
                f"X[{i}] is a {type(item).__name__}, {item!r:.60}."
            )
    return [ClipFile(item) for item in items]


def _check_path_table(X, name):
    n_clips = len(X)
    if n_clips == 0:
        raise ValueError(
            f"The X of {name} must hold at least one clip. Got a table of 0 sample(s)."
        )
    starts = X["start_time"] if "start_time" in X.columns else [0.0] * n_clips
    ends = X["end_time"] if "end_time" in X.columns else [np.nan] * n_clips
    clips = []
    for i, (file, start, end) in enumerate(zip(_check_paths(list(X["path"]), name), starts, ends)):
        start_time, end_time = float(start), None if np.isnan(end) else float(end)
        if not 0 <= start_time < (np.inf if end_time is None else end_time) or end_time == np.inf:
            raise ValueError(
                f"The windows in the X of {name} must satisfy 0 <= start_time < end_time, in "
                f"seconds. Row {i}, {str(file.path)!r}, has start_time={start}, end_time={end}."
            )
        clips.append(ClipFile(file.path, start_time, end_time))
    return clips


def _check_waveforms(items, name):
    clips = []
    for i, item in enumerate(items):
        if np.ndim(item) != 1:
            raise ValueError(
                f"Each waveform in the X of {name} must be a 1-D array of mono samples. "
                f"X[{i}] has shape {np.shape(item)}."
            )
        clips.append(_check_waveform(item, i))
    return clips


def _check_waveform(item, i):
    if type(item) is np.ndarray and item.dtype == np.float32 and np.isfinite(item).all():
        return item  # as check_array says, which takes five times as long
    return check_array(
        item, ensure_2d=False, dtype=np.float32, ensure_min_samples=0, input_name=f"X[{i}]"
    )


def _check_frame_item(item, i, name, dtype):
    if np.ndim(item) not in (2, 3) or 0 in np.shape(item):
        raise ValueError(
            f"Each clip in the X of {name} must have shape (n_frames, n_bands) or (n_segments, "
            f"n_frames, n_bands), of no empty axis. X[{i}] has shape {np.shape(item)}."
        )
    if isinstance(item, LazyArray) and item.is_finite and item.dtype in dtype:
        return item
    return check_array(item, allow_nd=True, dtype=dtype, input_name=f"X[{i}]")


def _check_n_bands(estimator, n_bands, reset):
    if reset:
        estimator.n_features_in_ = n_bands
        estimator.__dict__.pop("feature_names_in_", None)
    elif n_bands != getattr(estimator, "n_features_in_", n_bands):
        raise ValueError(
            f"X has {n_bands} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input (frequency bands, the last axis)."
        )
