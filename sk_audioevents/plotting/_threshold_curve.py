"""Precision, recall and F1 against the threshold, class by class."""

from numbers import Real

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve

from sk_audioevents.metrics._clip_targets import check_clip_targets
from sk_audioevents.plotting._panels import check_count, import_pyplot
from sk_audioevents.plotting._responses import clip_probabilities
from sk_audioevents.plotting._style import BLUE, GREEN, PER_INCH_OF_TITLE, VERMILION, short_names

# Line styles tell them apart without colour.
CURVES = {
    "precision": {"color": VERMILION, "linestyle": "--"},
    "recall": {"color": GREEN, "linestyle": ":"},
    "f1": {"color": BLUE, "linestyle": "-"},
}
NAMES = {"precision": "precision", "recall": "recall", "f1": "F1"}
N_COLUMNS = 3


class ThresholdCurveDisplay:
    """Show precision, recall and F1 of classes against the threshold.

    Scores that reach the threshold are detections, as for
    `~sk_audioevents.events.SoundEventDetector`.

    Parameters
    ----------
    curves : dict of label to DataFrame
        For each class a table with the columns ``threshold`` (rising), ``precision``, ``recall``
        and ``f1``, each from 0 to 1: at this threshold, and down to the row before.
    thresholds : dict of label to float, default=None
        The threshold of each class that is marked. None marks the one with the largest F1, as does
        a class that is left out.

    Attributes
    ----------
    thresholds_ : dict of label to float
        The marked thresholds.
    axes_ : ndarray of shape (n_classes,)
        The Axes of each class.
    lines_ : dict of label to dict of str to Line2D
        The lines of each class: "precision", "recall" and "f1".
    figure_ : Figure
        The figure.

    See Also
    --------
    sk_audioevents.metrics.class_report : Precision, recall and F1 at one threshold.

    Notes
    -----
    The threshold with the largest F1 on some clips flatters on the same clips. Choose it on others
    than those that the result is reported for, as `~sk_audioevents.events.SoundEventDetector` does.

    Examples
    --------
    >>> from sk_audioevents.plotting import ThresholdCurveDisplay
    >>> y_true = [[1, 0], [1, 1], [0, 1], [0, 0]]
    >>> y_score = [[0.9, 0.2], [0.6, 0.8], [0.7, 0.7], [0.1, 0.3]]
    >>> names = ["cat", "dog"]
    >>> display = ThresholdCurveDisplay.from_predictions(y_true, y_score, labels=names)
    >>> display.thresholds_
    {'cat': 0.6, 'dog': 0.7}
    """

    def __init__(self, curves, *, thresholds=None):
        self.curves = curves
        self.thresholds = thresholds

    def plot(self, *, ax=None):
        """Draw the curves of each class in axes of its own.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw: one for each class. None is a new figure.

        Returns
        -------
        display : ThresholdCurveDisplay
            The display itself.
        """
        self.axes_ = _axes_of_classes(ax, len(self.curves), f"{type(self).__name__}.plot")
        self.figure_ = self.axes_[0].figure
        self.thresholds_, self.lines_ = {}, {}
        given = self.thresholds or {}
        for panel, (label, curve) in zip(self.axes_, self.curves.items()):
            best = float(curve["threshold"].iloc[curve["f1"].argmax()])
            self.thresholds_[label] = float(given.get(label, best))
            self.lines_[label] = _draw_curve(panel, curve, self.thresholds_[label])
            (title,) = short_names([label], panel, PER_INCH_OF_TITLE)
            panel.set_title(title, fontsize="medium")
        if ax is None:
            handles = list(self.lines_[label].values())
            self.figure_.legend(handles=handles, loc="outside upper center", ncols=len(CURVES))
        else:
            self.axes_[0].legend(fontsize="small", loc="lower left")
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        labels=None,
        sample_weight=None,
        show=None,
        max_classes=9,
        thresholds=None,
        ax=None,
    ):
        """Predict clips, and draw the curves of classes.

        Parameters
        ----------
        estimator : estimator
            A fitted classifier or pipeline with ``predict_proba``.
        X : array-like of shape (n_clips, ...)
            The clips, whatever the estimator takes.
        y : array-like of shape (n_clips, n_classes) or (n_clips,)
            The truth, as for `~sk_audioevents.metrics.class_report`.
        labels : array-like of shape (n_classes,), default=None
            The names of the classes. None is the column names of y if it is a table, else the
            classes of the estimator.
        sample_weight : array-like of shape (n_clips,), default=None
            The weights of the clips. None is 1 each.
        show : label or list of labels, default=None
            The classes to draw. None is all that some clips have or, of more than `max_classes`,
            those that the most clips have.
        max_classes : int, default=9
            How many classes are drawn at most where `show` is None, at least 1.
        thresholds : float or dict, default=None
            The threshold to mark, for all classes or by label. None is that with the largest F1.
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw: one for each class. None is a new figure.

        Returns
        -------
        display : ThresholdCurveDisplay
            The display.
        """
        caller = f"{cls.__name__}.from_estimator"
        import_pyplot(caller)
        y_score, labels = clip_probabilities(estimator, X, y, labels, caller)
        return cls.from_predictions(
            y,
            y_score,
            labels=labels,
            sample_weight=sample_weight,
            show=show,
            max_classes=max_classes,
            thresholds=thresholds,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_score,
        *,
        labels=None,
        sample_weight=None,
        show=None,
        max_classes=9,
        thresholds=None,
        ax=None,
    ):
        """Draw the curves of classes from scores.

        Parameters
        ----------
        y_true : array-like of shape (n_clips, n_classes) or (n_clips,)
            The truth, as for `~sk_audioevents.metrics.class_report`.
        y_score : array-like of shape (n_clips, n_classes) or (n_clips,)
            The scores: higher is more likely.
        labels : array-like of shape (n_classes,), default=None
            The names of the columns of `y_score`. None is the column names of a table, the labels
            in a 1-D `y_true`, or column numbers.
        sample_weight : array-like of shape (n_clips,), default=None
            The weights of the clips. None is 1 each.
        show : label or list of labels, default=None
            The classes to draw. None is all that some clips have or, of more than `max_classes`,
            those that the most clips have.
        max_classes : int, default=9
            How many classes are drawn at most where `show` is None, at least 1.
        thresholds : float or dict, default=None
            The threshold to mark, for all classes or by label. None is that with the largest F1.
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw: one for each class. None is a new figure.

        Returns
        -------
        display : ThresholdCurveDisplay
            The display.

        Raises
        ------
        ValueError
            If a class that is asked for is unknown or no clip has it.
        """
        caller = f"{cls.__name__}.from_predictions"
        import_pyplot(caller)
        check_count(max_classes, "max_classes", 1, caller)
        targets = check_clip_targets(
            y_true, y_score, name=caller, labels=labels, sample_weight=sample_weight
        )
        columns = _columns_to_show(targets, show, max_classes, caller)
        names = targets.labels.tolist()
        curves = {names[column]: _curve(targets, column) for column in columns}
        if isinstance(thresholds, Real):
            thresholds = dict.fromkeys(curves, float(thresholds))
        _check_known(thresholds or {}, "thresholds", names, caller)
        return cls(curves, thresholds=thresholds).plot(ax=ax)


def _columns_to_show(targets, show, max_classes, caller):
    """Return the columns of the classes to draw."""
    support = targets.positive.sum(axis=0)
    names = targets.labels.tolist()
    if show is None:
        columns = np.argsort(-support, kind="stable")[:max_classes]
        columns = np.sort(columns[support[columns] > 0])
        if len(columns) == 0:
            raise ValueError(f"The 'y_true' parameter of {caller} must have a class in some clip.")
        return columns
    show = list(show) if isinstance(show, (list, tuple, np.ndarray, pd.Index)) else [show]
    _check_known(show, "show", names, caller)
    columns = [names.index(label) for label in show]
    without = [label for label, column in zip(show, columns) if support[column] == 0]
    if without or not show:
        raise ValueError(
            f"The 'show' parameter of {caller} must be classes that some clips have: others have "
            f"no recall. Got {without!r:.200}."
        )
    return columns


def _check_known(given, name, labels, caller):
    unknown = [label for label in given if label not in labels]
    if unknown:
        raise ValueError(
            f"The {name!r} parameter of {caller} must hold no labels but {labels!r:.200}. "
            f"Got {unknown!r:.200}: are they spelt alike?"
        )


def _curve(targets, column):
    """Return precision, recall and F1 at each distinct score of a class."""
    known = slice(None) if targets.labelled is None else targets.labelled[:, column]
    precision, recall, threshold = precision_recall_curve(
        targets.positive[known, column],
        targets.score[known, column],
        sample_weight=None if targets.weight is None else targets.weight[known],
    )
    precision, recall = precision[:-1], recall[:-1]  # the last is a convention without a threshold
    total = precision + recall
    f1 = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    return pd.DataFrame(
        {"threshold": threshold, "precision": precision, "recall": recall, "f1": f1}
    )


def _axes_of_classes(ax, n_classes, caller):
    """Return axes for each class, from the user or on a grid of a new figure."""
    plt = import_pyplot(caller)
    if ax is not None:
        axes = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
        if len(axes) != n_classes or not all(isinstance(item, plt.Axes) for item in axes):
            raise ValueError(
                f"The 'ax' parameter of {caller} must be one matplotlib Axes for each of the "
                f"{n_classes} classes. Got {len(axes)}."
            )
        for panel in axes:
            panel.set_ylabel("precision, recall, F1", fontsize="small")
        return axes
    n_columns = min(N_COLUMNS, n_classes)
    n_rows = -(-n_classes // n_columns)
    figsize = (1 + 2.7 * n_columns, 0.8 + 2.1 * n_rows)
    _, grid = plt.subplots(
        n_rows, n_columns, figsize=figsize, layout="constrained", squeeze=False, sharey=True
    )
    for spare in grid.ravel()[n_classes:]:
        spare.remove()
    for first in grid[:, 0]:
        first.set_ylabel("precision, recall, F1", fontsize="small")
    return grid.ravel()[:n_classes]


def _draw_curve(ax, curve, threshold):
    """Draw the curves of a class and mark a threshold; return the lines by name."""
    x = curve["threshold"]
    lines = {
        name: ax.plot(x, curve[name], drawstyle="steps-pre", label=NAMES[name], **style)[0]
        for name, style in CURVES.items()
    }
    ax.axvline(threshold, color="black", linewidth=0.8)
    row = x.searchsorted(threshold)  # the first score that reaches it
    f1 = curve["f1"].iloc[row] if row < len(x) else 0.0
    ax.plot([threshold], [f1], marker="o", markersize=4, color=BLUE)
    ends = (0, 1) if x.iloc[0] >= 0 and x.iloc[-1] <= 1 else (None, None)
    right = threshold > (ends[1] or x.iloc[-1]) * 0.6
    ax.annotate(
        f"{threshold:.2f}: F1 {f1:.2f}",
        (threshold, 1.02),
        xytext=(-3 if right else 3, 0),
        textcoords="offset points",
        ha="right" if right else "left",
        fontsize="x-small",
        annotation_clip=False,
    )
    ax.set(xlim=ends, ylim=(0, 1.12), xlabel="threshold")
    return lines
