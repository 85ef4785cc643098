"""The scores of classes as bars, from the best to the worst."""

import numpy as np

from sk_audioevents.metrics import class_report
from sk_audioevents.plotting._panels import check_axes, check_count, check_one_of, import_pyplot
from sk_audioevents.plotting._responses import clip_probabilities
from sk_audioevents.plotting._style import ESTIMATE, VERMILION, font_size, short_names, size_of

MANY = 30  # classes that a new figure has bars for
LINE = 9.0  # points that a bar needs at least
ROOM = 0.65  # share of the height of axes that what is above and below the bars leaves them, about

METRICS = {
    "average_precision": "average precision",
    "auc": "area under the ROC curve",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
}


class ClassReportDisplay:
    """Show how well each class is told apart, from the best to the worst.

    Parameters
    ----------
    report : DataFrame of shape (n_classes, n_columns)
        One row a class, by label, as `~sk_audioevents.metrics.class_report` gives it: with the
        column ``support`` and those of the metrics to be drawn.

    Attributes
    ----------
    drawn_ : DataFrame
        The rows of the report that are drawn, from the top.
    bars_ : BarContainer
        The bars, in the order of ``drawn_``.
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure.

    See Also
    --------
    sk_audioevents.metrics.class_report : The same as a table.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_audioevents.plotting import ClassReportDisplay
    >>> y_true = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]])
    >>> y_score = [[0.9, 0.2, 0.1], [0.1, 0.8, 0.3], [0.7, 0.1, 0.2], [0.2, 0.3, 0.1]]
    >>> names = ["cat", "dog", "owl"]
    >>> display = ClassReportDisplay.from_predictions(y_true, y_score, labels=names)
    >>> display.drawn_["average_precision"].round(2).to_dict()
    {'cat': 1.0, 'dog': 0.75, 'owl': 0.25}
    """

    def __init__(self, report):
        self.report = report

    def plot(self, *, metric="average_precision", max_classes=None, ax=None):
        """Draw a bar for each class.

        Classes without the metric (no clip has them) are counted below the axis and have no bar.
        Where there are more than `max_classes`, the best and the worst are drawn, half of each.

        Parameters
        ----------
        metric : {"average_precision", "auc", "precision", "recall", "f1"}, \
                default="average_precision"
            What the bars show. Beside an average precision, a line marks the share of clips that
            have the class: what scores without any information get.
        max_classes : int, default=None
            How many classes are drawn at most, at least 2. None is 30 or, if fewer, as many as
            `ax` has room for.
        ax : matplotlib Axes, default=None
            Where to draw. None is a new figure, as high as the classes need.

        Returns
        -------
        display : ClassReportDisplay
            The display itself.
        """
        caller = f"{type(self).__name__}.plot"
        import_pyplot(caller)
        check_one_of(metric, "metric", METRICS, caller)
        if max_classes is None:
            max_classes = MANY if ax is None else _most_bars(check_axes(ax, caller, None))
        check_count(max_classes, "max_classes", 2, caller)
        scored = self.report[self.report[metric].notna()]
        scored = scored.sort_values(metric, ascending=False, kind="stable")
        self.drawn_, n_left_out = _best_and_worst(scored, max_classes)
        y = np.arange(len(self.drawn_), dtype=float)
        n_best = -(-len(y) // 2)
        if n_left_out:
            y[n_best:] += 1  # an empty row for those between
        self.ax_ = check_axes(ax, caller, (6.4, 1.3 + 0.24 * (len(y) + bool(n_left_out))))
        self.figure_ = self.ax_.figure
        self._draw_bars(metric, y)
        if n_left_out:
            note = f"… {n_left_out} more …"
            self.ax_.text(0.01, n_best, note, va="center", fontsize="small", color="0.3")
        self._finish_axes(metric, scored[metric].mean(), n_left_out)
        return self

    def _draw_bars(self, metric, y):
        ax, drawn = self.ax_, self.drawn_
        fontsize = font_size(_room(ax) / (len(drawn) + 1))
        self.bars_ = ax.barh(y, drawn[metric], height=0.7, **ESTIMATE)
        if metric == "average_precision" and "n_labelled" in drawn:
            ax.vlines(
                drawn["support"] / drawn["n_labelled"],
                y - 0.42,
                y + 0.42,
                color=VERMILION,
                linewidth=2,
                label="without information",
            )
        for value, place in zip(drawn[metric], y):  # in a column of their own, beside the axes
            ax.text(
                1.01,
                place,
                f"{value:.2f}",
                va="center",
                fontsize=fontsize,
                transform=ax.get_yaxis_transform(),
            )
        names = short_names(drawn.index, ax)
        names = [f"{name} ({n:g})" for name, n in zip(names, drawn["support"])]
        ax.set_yticks(y, names, fontsize=fontsize)
        ax.set_ylim(y[-1] + 0.7 if len(y) else 1, -0.7)

    def _finish_axes(self, metric, mean, n_left_out):
        ax, n_unscored = self.ax_, int(self.report[metric].isna().sum())
        if np.isfinite(mean):
            ax.axvline(mean, color="black", linestyle="--", linewidth=1, label=f"mean {mean:.2f}")
        notes = [f"{len(self.report)} classes"] if n_left_out else []
        notes += [f"{n_unscored} without a score"] if n_unscored else []
        xlabel = "\n".join([METRICS[metric], ", ".join(notes)] if notes else [METRICS[metric]])
        ax.set(xlim=(0, 1), xlabel=xlabel, ylabel="class (clips that have it)")
        if ax.get_legend_handles_labels()[0]:
            ax.legend(
                loc="lower right",
                bbox_to_anchor=(1, 1),
                ncols=2,
                fontsize="small",
                frameon=False,
                columnspacing=1,
                handlelength=1.2,
            )

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        labels=None,
        sample_weight=None,
        threshold=0.5,
        metric="average_precision",
        max_classes=None,
        ax=None,
    ):
        """Predict clips, and draw how well each class is told apart.

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
        threshold : float or array-like of shape (n_classes,), default=0.5
            Probabilities above it are detections, for precision, recall and F1.
        metric : {"average_precision", "auc", "precision", "recall", "f1"}, \
                default="average_precision"
            What the bars show.
        max_classes : int, default=None
            How many classes are drawn at most, at least 2. None is 30 or, if fewer, as many as
            `ax` has room for.
        ax : matplotlib Axes, default=None
            Where to draw. None is a new figure.

        Returns
        -------
        display : ClassReportDisplay
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
            threshold=threshold,
            metric=metric,
            max_classes=max_classes,
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
        threshold=0.5,
        metric="average_precision",
        max_classes=None,
        ax=None,
    ):
        """Draw how well scores tell each class apart.

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
        threshold : float or array-like of shape (n_classes,), default=0.5
            Scores above it are detections, for precision, recall and F1.
        metric : {"average_precision", "auc", "precision", "recall", "f1"}, \
                default="average_precision"
            What the bars show.
        max_classes : int, default=None
            How many classes are drawn at most, at least 2. None is 30 or, if fewer, as many as
            `ax` has room for.
        ax : matplotlib Axes, default=None
            Where to draw. None is a new figure.

        Returns
        -------
        display : ClassReportDisplay
            The display.
        """
        import_pyplot(f"{cls.__name__}.from_predictions")
        report = class_report(
            y_true, y_score, threshold=threshold, labels=labels, sample_weight=sample_weight
        )
        return cls(report).plot(metric=metric, max_classes=max_classes, ax=ax)


def _room(ax):
    """Return how many points the bars may take from top to bottom, about."""
    return ROOM * size_of(ax)[1]


def _most_bars(ax):
    return max(2, min(MANY, int(_room(ax) / LINE) - 1))


def _best_and_worst(scored, max_classes):
    """Return the rows to draw, and how many between the best and the worst are not."""
    n_left_out = len(scored) - max_classes
    if n_left_out <= 0:
        return scored, 0
    n_best = -(-max_classes // 2)
    rows = np.r_[:n_best, len(scored) - (max_classes - n_best) : len(scored)]
    return scored.iloc[rows], n_left_out
