"""What the labels and scores of clips may be, in one form for all metrics per clip."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_array, check_consistent_length

from sk_audioevents._base import check_sample_weight


@dataclass(frozen=True, slots=True)
class ClipTargets:
    """Labels and scores of clips, one column a class.

    Attributes
    ----------
    positive : ndarray of bool of shape (n_clips, n_classes)
        Whether the clip has the class. False where it is not labelled.
    labelled : ndarray of bool of shape (n_clips, n_classes) or None
        Whether it is known; None where all is known.
    score : ndarray of float of shape (n_clips, n_classes)
        The scores.
    weight : ndarray of float of shape (n_clips,) or None
        The weights of the clips; None where all are 1. All are above 0.
    labels : ndarray of shape (n_classes,)
        The names of the columns.
    """

    positive: np.ndarray
    labelled: np.ndarray | None
    score: np.ndarray
    weight: np.ndarray | None
    labels: np.ndarray

    @property
    def negative(self):
        """Where the clip is known not to have the class, of the shape of `positive`."""
        return ~self.positive if self.labelled is None else self.labelled & ~self.positive


def check_clip_targets(
    y_true, y_score, *, name, labels=None, sample_weight=None, both_classes=False
):
    """Check labels and scores, and bring them into one form.

    Parameters
    ----------
    y_true : array-like of shape (n_clips, n_classes) or (n_clips,)
        An indicator of 0, 1 and NaN (not labelled), or the label of each clip.
    y_score : array-like of shape (n_clips, n_classes) or (n_clips,)
        Finite scores; 1-D ones are those of the second of two labels.
    name : str
        The function whose parameters they are.
    labels : array-like of shape (n_classes,), default=None
        The labels in the order of the columns. None: the sorted labels of `y_true`; for an
        indicator, the names of its columns, or their numbers.
    sample_weight : array-like of shape (n_clips,), default=None
        The weights of the clips. Clips with a weight of 0 are left out.
    both_classes : bool, default=False
        Whether 1-D scores p become two columns, 1 - p and p, and not the one.

    Returns
    -------
    targets : ClipTargets
        The checked labels and scores.

    Raises
    ------
    ValueError
        If lengths or shapes differ, or a value is none of the above.
    """
    names = getattr(y_true, "columns", None)
    y_true = y_true if hasattr(y_true, "ndim") else np.asarray(y_true)
    score = check_array(
        y_score, dtype=[np.float64, np.float32], ensure_2d=False, input_name="y_score"
    )
    check_consistent_length(y_true, score, sample_weight)
    if y_true.ndim == 1:
        positive, score, labels = _encode(np.asarray(y_true), score, labels, both_classes, name)
        labelled = None
    else:
        positive, labelled = _check_indicator(y_true, score, name)
        default = np.arange(positive.shape[1]) if names is None else names
        labels = _check_labels(default if labels is None else labels, positive.shape[1], name)
    if sample_weight is None:
        return ClipTargets(positive, labelled, score, None, labels)
    weight = check_sample_weight(sample_weight, score, ensure_non_negative=True)
    kept = weight > 0
    labelled = labelled if labelled is None else labelled[kept]
    return ClipTargets(positive[kept], labelled, score[kept], weight[kept], labels)


def _encode(y_true, score, labels, both_classes, name):
    """Return the indicator, the scores and the labels of 1-D labels."""
    if pd.isna(y_true).any():
        raise ValueError(
            f"The 'y_true' parameter of {name} must have a label for each clip. Got none for clip "
            f"{np.flatnonzero(pd.isna(y_true))[0]}. Clips that are labelled for some classes only "
            "need an indicator, with NaN where there is no label."
        )
    n_classes = 2 if score.ndim == 1 else score.shape[1]
    labels = _check_labels(_labels_of(y_true) if labels is None else labels, n_classes, name)
    unknown = np.setdiff1d(y_true, labels)
    if len(unknown):
        raise ValueError(
            f"The 'y_true' parameter of {name} must hold no labels but {labels.tolist()}. "
            f"Got {unknown.tolist()}."
        )
    positive = y_true[:, None] == labels
    if score.ndim == 2:
        return positive, score, labels
    if both_classes:
        return positive, np.column_stack([1 - score, score]), labels
    return positive[:, 1:], score[:, None], labels[1:]


def _labels_of(y_true):
    found = np.unique(y_true)
    is_binary = y_true.dtype.kind in "biuf" and np.isin(found, [0, 1]).all()
    return np.array([0, 1], dtype=y_true.dtype) if is_binary else found


def _check_labels(labels, n_classes, name):
    labels = np.asarray(labels)
    if labels.shape != (n_classes,):
        raise ValueError(
            f"The scores given to {name} are of {n_classes} classes, and the labels are "
            f"{labels.tolist()}. Where a class does not occur in 'y_true', pass all as 'labels'."
        )
    return labels


def _check_indicator(y_true, score, name):
    values = check_array(
        y_true, dtype=None, ensure_all_finite="allow-nan", input_name="y_true", estimator=name
    )
    if values.dtype.kind not in "biuf":
        values = check_array(values, dtype=np.float64, ensure_all_finite="allow-nan")
    if values.shape != score.shape:
        raise ValueError(
            f"The 'y_true' and 'y_score' parameters of {name} must have one shape, (n_clips, "
            f"n_classes), unless 'y_true' holds one label a clip. Got {values.shape} and "
            f"{score.shape}."
        )
    positive = values == 1
    known = positive | (values == 0)
    others = values[~known]
    others = others[~np.isnan(others)]
    if len(others):
        raise ValueError(
            f"The 'y_true' parameter of {name} must hold 0, 1 and NaN (not labelled). "
            f"Got {others[0]}: are scores and labels swapped?"
        )
    return positive, None if known.all() else known
