"""Labels as the network sees them: targets in {0, 1}, and how much each of them weighs."""

import numpy as np
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target


class LabelCoder:
    """Encode labels as targets (n_clips, n_outputs), and decode scores to labels.

    A binary problem has one output, the probability of the second class; a multi-class problem one
    for each class; a multi-label problem one for each column of y.

    Parameters
    ----------
    y : array of shape (n_clips,) or (n_clips, n_classes)
        The labels to learn the classes from.
    name : str
        The estimator that errors speak of.
    classes : array of shape (n_classes,), default=None
        All classes that may come, for 1-D y. None is those of y.
    """

    def __init__(self, y, name, classes=None):
        y = check_labels(y, name)
        self.name = name
        self.multilabel = y.ndim == 2
        if self.multilabel:
            self.classes = np.arange(y.shape[1])
        else:
            self.encoder = LabelEncoder().fit(y if classes is None else classes)
            self.classes = self.encoder.classes_

    @property
    def n_outputs(self):
        """Number of outputs of the network."""
        return 1 if self.binary else len(self.classes)

    @property
    def binary(self):
        """Whether there are two classes that exclude each other."""
        return not self.multilabel and len(self.classes) == 2

    def encode(self, y):
        """Return targets (n_clips, n_outputs) of 0 and 1; NaN is not labelled."""
        y = check_labels(y, self.name)
        if (y.ndim == 2) != self.multilabel or (
            self.multilabel and y.shape[1] != len(self.classes)
        ):
            kind = f"a 2-D indicator with {len(self.classes)} columns" if self.multilabel else "1-D"
            raise ValueError(
                f"The y of {self.name} must be {kind}, as in the first fit. Got shape {y.shape}."
            )
        if self.multilabel:
            return y.astype(np.float64)
        unseen = np.setdiff1d(y, self.classes)
        if len(unseen):
            raise ValueError(
                f"The y of {self.name} holds labels that are not among its classes: {unseen[:5]}. "
                "Name all labels in the 'classes' of the first partial_fit."
            )
        codes = self.encoder.transform(y)
        if self.binary:
            return codes[:, None].astype(np.float64)
        return (codes[:, None] == np.arange(len(self.classes))).astype(np.float64)

    def require_two_classes(self, targets, sample_weight):
        """Raise if clips of nonzero weight do not belong to at least two classes."""
        if self.multilabel:
            return
        present = targets[sample_weight > 0]
        n_present = len(np.unique(present, axis=0))
        if n_present < 2:
            raise ValueError(
                f"The y of {self.name} must hold at least 2 classes. Got {n_present} class in "
                f"{len(present)} clips of nonzero weight."
            )

    def target_weight(self, y, class_weight, sample_weight):
        """Return the weight of each target (n_clips, n_outputs) in the loss, from class weights.

        Of a single-label y, all targets of a clip have the weight of its class. Of a multi-label y,
        each column is a problem of its own, with weights for 0 and 1.
        """
        y = np.asarray(y)
        if not self.multilabel:
            return _class_weight_of(y, class_weight, sample_weight)[:, None].repeat(
                self.n_outputs, 1
            )
        n_columns = y.shape[1]
        columns = class_weight if isinstance(class_weight, list) else [class_weight] * n_columns
        if len(columns) != n_columns or isinstance(class_weight, dict):
            raise ValueError(
                f"The 'class_weight' parameter of {self.name} must be 'balanced' or a list of one "
                f"dict {{0: weight, 1: weight}} per column for a multi-label y of {n_columns} "
                f"columns. Got {class_weight!r} instead."
            )
        return np.column_stack(
            [_class_weight_of(y[:, k], columns[k], sample_weight) for k in range(n_columns)]
        )

    def decode(self, scores):
        """Return labels from decision values, of shape (n_clips,) or (n_clips, n_classes)."""
        if self.multilabel:
            return (scores > 0).astype(int)
        codes = (scores > 0).astype(int) if self.binary else scores.argmax(axis=1)
        return self.classes[codes]


def check_labels(y, name):
    """Return y as a 1-D array of labels or a 2-D array of 0, 1 and NaN (not labelled), or raise."""
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None")
    if _is_partial_indicator(y):
        return _check_partial_indicator(np.asarray(y, dtype=np.float64), name)
    y = check_array(y, ensure_2d=False, allow_nd=True, dtype=None, input_name="y")
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    if kind == "multilabel-indicator":
        return y.astype(np.int64)
    if kind == "multiclass-multioutput":
        raise ValueError(
            f"Unknown label type: {kind}. The y of {name} must be 1-D, or a 2-D array of 0 and 1."
        )
    return column_or_1d(y, warn=True)


def _is_partial_indicator(y):
    y = np.asarray(y)
    return y.ndim == 2 and y.shape[1] > 1 and y.dtype.kind == "f" and np.isnan(y).any()


def _check_partial_indicator(y, name):
    known = y[~np.isnan(y)]
    wrong = known[(known != 0) & (known != 1)]
    if len(wrong):
        raise ValueError(
            f"The 2-D y of {name} must hold 0, 1 and, where a clip is not labelled, NaN. "
            f"Got {wrong[0]}."
        )
    unlabelled = np.flatnonzero(np.isnan(y).all(axis=0))
    if len(unlabelled):
        raise ValueError(
            f"Each column of the 2-D y of {name} must be labelled for at least one clip. "
            f"Column {unlabelled[0]} is NaN for all {len(y)} clips."
        )
    return y


def _class_weight_of(y, class_weight, sample_weight):
    """Return the weight of each y's class; "balanced" counts clips by their sample weights."""
    weights = np.ones(len(y))
    known = y == y
    classes, codes = np.unique(y[known], return_inverse=True)
    weights[known] = compute_class_weight(
        class_weight, classes=classes, y=y[known], sample_weight=sample_weight[known]
    )[codes]
    return weights
