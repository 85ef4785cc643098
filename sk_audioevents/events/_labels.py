"""Which classes have events, and what they are called."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class EventLabels:
    """The classes of a problem that have events.

    Attributes
    ----------
    classes : array of shape (n_classes,)
        All classes; column numbers for a multi-label y.
    names : array of shape (n_labels,)
        What those that have events are called.
    columns : int array of shape (n_labels,)
        Which of the classes they are.
    """

    classes: np.ndarray
    names: np.ndarray
    columns: np.ndarray

    @classmethod
    def make(cls, classes, multilabel, class_names, caller):
        """Name the classes.

        Parameters
        ----------
        classes : array of shape (n_classes,)
            All classes.
        multilabel : bool
            Whether a clip may have several of them.
        class_names : array-like of shape (n_classes,) or None
            Their names. None leaves out the first of two classes that only say yes or no.
        caller : str
            Whose parameter `class_names` is, for errors.

        Returns
        -------
        labels : EventLabels
            The classes that have events.
        """
        columns = np.arange(len(classes))
        if class_names is not None:
            return cls(classes, _check_names(class_names, len(classes), caller), columns)
        if not multilabel and says_yes_or_no(classes):
            columns = columns[1:]
        return cls(classes, np.asarray(classes)[columns], columns)

    def present(self, y):
        """Return which labels each row of y has, a bool array of shape (n_clips, n_labels)."""
        present = y == 1 if y.ndim == 2 else y[:, None] == self.classes
        return present[:, self.columns]


def class_values(y):
    """Return the classes of 1-D labels or, for an indicator, the numbers of its columns."""
    return np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y)


def says_yes_or_no(classes):
    """Tell whether two classes are 0 and 1, -1 and 1, or False and True."""
    return np.asarray(classes).dtype.kind in "biuf" and list(classes) in ([0, 1], [-1, 1])


def _check_names(class_names, n_classes, caller):
    names = np.asarray(class_names)
    if names.ndim != 1 or len(names) != n_classes or len(set(names.tolist())) < n_classes:
        raise ValueError(
            f"The 'class_names' parameter of {caller} must be {n_classes} different names, one for "
            f"each class in the order of classes_. Got {names.tolist()!r:.200}."
        )
    return names
