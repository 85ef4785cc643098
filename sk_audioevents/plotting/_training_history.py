"""How a training went: losses, metrics and learning rate of each epoch."""

import numpy as np
import pandas as pd

from sk_audioevents.plotting._panels import check_axes, import_pyplot, stack_panels
from sk_audioevents.plotting._style import BLUE, GREEN, GREY, VERMILION, short

LOSSES = {
    "train_loss": {"label": "training", "color": BLUE, "linestyle": "-"},
    "valid_loss": {"label": "validation", "color": VERMILION, "linestyle": "--"},
}
NOT_METRICS = {"epoch", "learning_rate", "seconds", *LOSSES}
METRIC_STYLES = [
    {"color": color, "linestyle": line}
    for line in ("-", "--", ":")
    for color in (BLUE, VERMILION, GREEN, "black")
]
FEW = 30  # epochs up to which each is marked with a dot


class TrainingHistoryDisplay:
    """Show the losses, metrics and learning rate of each epoch of a training.

    Parameters
    ----------
    history : DataFrame of shape (n_epochs, n_columns)
        ``history_`` of a fitted `~sk_audioevents.VGGEventClassifier`: the columns ``epoch`` and
        ``train_loss``; where there are any, ``valid_loss`` and ``learning_rate``; and all others
        but ``seconds`` are metrics.

    Attributes
    ----------
    lines_ : dict of str to Line2D
        The line of each column that is drawn.
    axes_ : list of Axes
        The panels, from the top: losses; metrics if there are any; learning rate if it is known.
    ax_ : Axes
        The axes that hold the panels.
    figure_ : Figure
        The figure.

    Examples
    --------
    >>> import pandas as pd
    >>> from sk_audioevents.plotting import TrainingHistoryDisplay
    >>> history = pd.DataFrame({"epoch": [1, 2, 3], "train_loss": [0.7, 0.5, 0.4]})
    >>> display = TrainingHistoryDisplay(history).plot()
    >>> display.lines_["train_loss"].get_ydata().tolist()
    [0.7, 0.5, 0.4]
    """

    def __init__(self, history):
        self.history = history

    def plot(self, *, ax=None):
        """Draw the panels.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw: its place is divided into panels. None is a new figure.

        Returns
        -------
        display : TrainingHistoryDisplay
            The display itself.

        Raises
        ------
        ValueError
            If the history lacks ``epoch`` or ``train_loss``, or has no epochs.
        """
        caller = f"{type(self).__name__}.plot"
        import_pyplot(caller)
        history = _check_history(self.history, caller)
        losses = [name for name in LOSSES if name in history]
        metrics = [name for name in history if name not in NOT_METRICS]
        rates = [name for name in ("learning_rate",) if name in history]
        heights = [2] + [2] * bool(metrics) + [1] * bool(rates)
        self.ax_ = check_axes(ax, caller, (6.4, 0.8 + 1.05 * sum(heights)))
        self.figure_ = self.ax_.figure
        self.axes_ = stack_panels(self.ax_, heights)
        self.lines_ = {}
        panels = iter(self.axes_)
        self._draw(next(panels), "loss", {name: LOSSES[name] for name in losses})
        if "valid_loss" in history:
            self._mark_lowest(self.axes_[0], "valid_loss")
        if metrics:
            styles = dict(zip(metrics, METRIC_STYLES * -(-len(metrics) // len(METRIC_STYLES))))
            self._draw(next(panels), "metric", styles)
        if rates:
            self._draw(next(panels), "learning\nrate", {"learning_rate": {"color": GREY}})
            self.axes_[-1].set_ylim(0, 1.1 * max(history["learning_rate"].max(), 1e-12))
        self.axes_[0].xaxis.get_major_locator().set_params(integer=True)
        self.axes_[-1].set_xlabel("epoch")
        return self

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw how the training of an estimator went.

        Parameters
        ----------
        estimator : estimator
            A fitted `~sk_audioevents.VGGEventClassifier`; a pipeline, search or detector that ends
            in one.
        ax : matplotlib Axes, default=None
            Where to draw. None is a new figure.

        Returns
        -------
        display : TrainingHistoryDisplay
            The display.

        Raises
        ------
        TypeError
            If there is no ``history_`` in the estimator.
        """
        caller = f"{cls.__name__}.from_estimator"
        import_pyplot(caller)
        return cls(_find_history(estimator, caller)).plot(ax=ax)

    def _draw(self, ax, ylabel, styles):
        """Draw columns of the history into a panel, with a legend if there are several."""
        x = self.history["epoch"]
        dots = {"marker": "o", "markersize": 3} if len(x) <= FEW else {}
        for name, style in styles.items():
            label = style.get("label", short(name.replace("_", " ")))
            (self.lines_[name],) = ax.plot(x, self.history[name], **dots | style | {"label": label})
        ax.set_ylabel(ylabel)
        ax.grid(alpha=0.3)
        if len(styles) > 1 or ylabel == "metric":
            ax.legend(fontsize="small")

    def _mark_lowest(self, ax, name):
        """Mark the epoch with the lowest value."""
        if not self.history[name].notna().any():
            return
        row = np.nanargmin(self.history[name])
        epoch, value = self.history["epoch"].iloc[row], self.history[name].iloc[row]
        label = f"lowest: {value:.3g}, epoch {epoch}"
        ax.plot([epoch], [value], "D", color=VERMILION, markersize=6, fillstyle="none", label=label)
        ax.legend(fontsize="small")


def _check_history(history, caller):
    if not isinstance(history, pd.DataFrame) or len(history) == 0:
        raise ValueError(
            f"The 'history' of {caller} must be a DataFrame with a row for each epoch, such as "
            f"history_ of a fitted classifier. Got {type(history).__name__} of "
            f"{np.size(history)} values instead."
        )
    missing = [name for name in ("epoch", "train_loss") if name not in history]
    if missing:
        raise ValueError(
            f"The 'history' of {caller} must have the columns epoch and train_loss. "
            f"Missing: {', '.join(missing)}."
        )
    return history


def _find_history(estimator, caller):
    """Return the history of an estimator, or of the one inside that learnt."""
    inner = estimator
    while inner is not None:
        if hasattr(inner, "history_"):
            return inner.history_
        steps = getattr(inner, "steps", None)
        if steps:
            inner = steps[-1][1]
        else:
            inner = getattr(inner, "best_estimator_", getattr(inner, "estimator_", None))
    raise TypeError(
        f"The 'estimator' parameter of {caller} must have history_, or end in an estimator that "
        f"has: a fitted VGGEventClassifier. Got {type(estimator).__name__}: is it fitted?"
    )
