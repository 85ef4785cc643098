"""Which classes are taken for which, where a clip may have several."""

import numpy as np

from sk_audioevents.metrics._clip_targets import check_clip_targets
from sk_audioevents.plotting._panels import check_axes, check_count, check_one_of, import_pyplot
from sk_audioevents.plotting._responses import clip_probabilities
from sk_audioevents.plotting._style import LEVELS, SMALL, font_size, short_names, size_of

NONE = "(none)"
MANY = 25  # classes that a new figure has cells for
CELL = 9.0  # points that a cell needs at least
ROOM = 0.55  # share of axes that names and the colour bar leave for cells, about
LEAST = 4.0  # points, of numbers that can be read


class MultilabelConfusionDisplay:
    """Show which classes are taken for which, where a clip may have several.

    Rows are true classes and columns are predicted ones, as in a confusion matrix; a last row is
    for clips that have no class, a last column for true classes that nothing was predicted for.

    Parameters
    ----------
    confusion_matrix : ndarray of shape (n_classes + 1, n_classes + 1)
        How often each class was taken for each.
    labels : array-like of shape (n_classes,), default=None
        The names of the classes. None is their numbers.

    Attributes
    ----------
    drawn_ : ndarray of int of shape (n_drawn,)
        The rows and columns of the matrix that are drawn.
    image_ : AxesImage
        The matrix as an image.
    text_ : ndarray of shape (n_drawn, n_drawn) or None
        The numbers in the image. None in cells whose share rounds to 0 and, as a whole, where cells
        are too small.
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure.

    See Also
    --------
    sklearn.metrics.ConfusionMatrixDisplay : For one label a clip.
    sklearn.metrics.multilabel_confusion_matrix : Each class against all others, two by two.

    Notes
    -----
    For one label a clip, a wrong label was taken for the right one. For several, which of the wrong
    ones was taken for which? With the true labels T and the predicted labels P of a clip,

    - each label in both counts once on the diagonal;
    - if some are missed (in T only) and some are wrong (in P only), each pair of a missed and a
      wrong label counts once: any may have been taken for any other;
    - if some are missed and none is wrong, each missed one counts once in the last column;
    - if some are wrong and none is missed, each pair of a true and a wrong label counts once, for
      where a wrong one comes from is not known; without true labels, each counts once in the last
      row, and if nothing is predicted either, so does the last row and column.

    These are the rules of Heydarian et al. [1]_, except where there are several wrong labels beside
    missed and found ones: their program lets only the first of the wrong labels stand for the
    missed ones, which depends on the order of the classes. As pairs are counted, a row may sum to
    more than the clips that have the class.

    References
    ----------
    .. [1] M. Heydarian, T. E. Doyle and R. Samavi, "MLCM: Multi-label confusion matrix", IEEE
       Access 10, 2022, pp. 19083-19095, :doi:`10.1109/ACCESS.2022.3151048`.

    Examples
    --------
    >>> from sk_audioevents.plotting import MultilabelConfusionDisplay
    >>> y_true = [[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]]
    >>> y_pred = [[1, 0, 0], [1, 0, 1], [0, 0, 0], [0, 0, 0]]
    >>> names = ["cat", "dog", "owl"]
    >>> display = MultilabelConfusionDisplay.from_predictions(y_true, y_pred, labels=names)
    >>> display.confusion_matrix
    array([[2, 0, 0, 0],
           [0, 0, 1, 0],
           [0, 0, 0, 1],
           [0, 0, 0, 1]])
    """

    def __init__(self, confusion_matrix, *, labels=None):
        self.confusion_matrix = confusion_matrix
        self.labels = labels

    def plot(self, *, normalize="true", max_classes=None, ax=None):
        """Draw the matrix.

        Parameters
        ----------
        normalize : {"true", "pred"} or None, default="true"
            Shares of each row, shares of each column, or counts. A row or column without counts
            is 0.
        max_classes : int, default=None
            How many classes are drawn at most, at least 1: those with the most confusions. Shares
            are of all. None is 25 or, if fewer, as many as `ax` has room for.
        ax : matplotlib Axes, default=None
            Where to draw. None is a new figure, as large as the classes need.

        Returns
        -------
        display : MultilabelConfusionDisplay
            The display itself.
        """
        caller = f"{type(self).__name__}.plot"
        import_pyplot(caller)
        check_one_of(normalize, "normalize", ("true", "pred", None), caller)
        if max_classes is None:
            max_classes = MANY if ax is None else _most_cells(check_axes(ax, caller, None))
        check_count(max_classes, "max_classes", 1, caller)
        n_classes = len(self.confusion_matrix) - 1
        self.drawn_ = np.append(_most_confused(self.confusion_matrix, max_classes), n_classes)
        shares = _normalise(self.confusion_matrix, normalize)[np.ix_(self.drawn_, self.drawn_)]
        size = 2.4 + 0.42 * len(shares)
        self.ax_ = check_axes(ax, caller, (size + 0.8, size))
        self.figure_ = self.ax_.figure
        cell = _room(self.ax_) / len(shares)  # in points
        largest = 1 if normalize else max(1, shares.max())
        self.image_ = self.ax_.imshow(shares, cmap=LEVELS, vmin=0, vmax=largest)
        self.text_ = self._write_numbers(shares, largest, min(0.4 * cell, SMALL))
        self._name_classes(font_size(cell))
        if len(self.drawn_) <= n_classes:
            title = f"the {len(self.drawn_) - 1} most confused of {n_classes} classes"
            self.ax_.set_title(title, fontsize="medium")
        unit = {"true": "share of the row", "pred": "share of the column", None: "count"}[normalize]
        self.figure_.colorbar(self.image_, ax=self.ax_, label=unit, fraction=0.046, pad=0.03)
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        threshold=None,
        labels=None,
        normalize="true",
        max_classes=None,
        ax=None,
    ):
        """Predict clips, and draw which classes are taken for which.

        Parameters
        ----------
        estimator : estimator
            A fitted classifier or pipeline for clips with several labels.
        X : array-like of shape (n_clips, ...)
            The clips, whatever the estimator takes.
        y : array-like of shape (n_clips, n_classes)
            The truth: 1 where a clip has a class, else 0.
        threshold : float or array-like of shape (n_classes,), default=None
            Probabilities above it are detections. None is what ``predict`` says.
        labels : array-like of shape (n_classes,), default=None
            The names of the classes. None is the column names of y if it is a table, else numbers.
        normalize : {"true", "pred"} or None, default="true"
            Shares of each row, shares of each column, or counts.
        max_classes : int, default=None
            How many classes are drawn at most, at least 1: those with the most confusions. None is
            25 or, if fewer, as many as `ax` has room for.
        ax : matplotlib Axes, default=None
            Where to draw. None is a new figure.

        Returns
        -------
        display : MultilabelConfusionDisplay
            The display.
        """
        caller = f"{cls.__name__}.from_estimator"
        import_pyplot(caller)
        if threshold is None:
            y_pred = estimator.predict(X)
        else:
            scores, _ = clip_probabilities(estimator, X, y, labels, caller)
            y_pred = scores > np.asarray(threshold)
        return cls.from_predictions(
            y, y_pred, labels=labels, normalize=normalize, max_classes=max_classes, ax=ax
        )

    @classmethod
    def from_predictions(
        cls, y_true, y_pred, *, labels=None, normalize="true", max_classes=None, ax=None
    ):
        """Draw which classes are taken for which.

        Parameters
        ----------
        y_true : array-like of shape (n_clips, n_classes)
            The truth: 1 where a clip has a class, else 0.
        y_pred : array-like of shape (n_clips, n_classes)
            The predictions: 1 or True where a class is predicted, else 0 or False.
        labels : array-like of shape (n_classes,), default=None
            The names of the classes. None is the column names of `y_true` if it is a table, else
            numbers.
        normalize : {"true", "pred"} or None, default="true"
            Shares of each row, shares of each column, or counts.
        max_classes : int, default=None
            How many classes are drawn at most, at least 1: those with the most confusions. None is
            25 or, if fewer, as many as `ax` has room for.
        ax : matplotlib Axes, default=None
            Where to draw. None is a new figure.

        Returns
        -------
        display : MultilabelConfusionDisplay
            The display.

        Raises
        ------
        ValueError
            If a value is neither 0 nor 1, or y holds one label a clip.
        """
        caller = f"{cls.__name__}.from_predictions"
        import_pyplot(caller)
        targets = check_clip_targets(
            _check_indicator(y_true, caller), y_pred, name=caller, labels=labels
        )
        if targets.labelled is not None:
            raise ValueError(
                f"The 'y_true' parameter of {caller} must hold 0 and 1. Got NaN: a clip that is "
                "labelled for some classes only has no row of this matrix."
            )
        others = targets.score[(targets.score != 0) & (targets.score != 1)]
        if len(others):
            raise ValueError(
                f"The 'y_pred' parameter of {caller} must hold 0 and 1. Got {others[0]:.4g}: are "
                "they scores? Compare them with a threshold first."
            )
        matrix = multilabel_confusion(targets.positive, targets.score == 1)
        display = cls(matrix, labels=targets.labels)
        return display.plot(normalize=normalize, max_classes=max_classes, ax=ax)

    def _name_classes(self, fontsize):
        n_classes = len(self.confusion_matrix) - 1
        names = np.arange(n_classes) if self.labels is None else self.labels
        names = [*short_names([names[i] for i in self.drawn_[:-1]], self.ax_), NONE]
        ticks = np.arange(len(names))
        self.ax_.set_xticks(ticks, names, rotation=90, fontsize=fontsize)
        self.ax_.set_yticks(ticks, names, fontsize=fontsize)
        self.ax_.set(xlabel="predicted class", ylabel="true class")

    def _write_numbers(self, values, largest, fontsize):
        """Write each value but zeros into its cell, in the colour that can be read there."""
        if fontsize < LEAST:
            return None
        is_share = values.dtype.kind == "f"
        text = np.full(values.shape, None)
        for i, j in np.argwhere(values >= (0.005 if is_share else 1)):
            value = values[i, j]
            text[i, j] = self.ax_.text(
                j,
                i,
                f"{value:.2f}".removeprefix("0") if is_share else f"{value:d}",
                ha="center",
                va="center",
                fontsize=fontsize,
                color="white" if value < largest / 2 else "black",
            )
        return text


def multilabel_confusion(true, predicted):
    """Count the confusions of clips with several labels, by the rules of the display.

    Parameters
    ----------
    true, predicted : bool arrays of shape (n_clips, n_classes)
        The labels of each clip.

    Returns
    -------
    matrix : int64 ndarray of shape (n_classes + 1, n_classes + 1)
        The counts.
    """
    missed, wrong = true & ~predicted, predicted & ~true
    none_missed, none_wrong = ~missed.any(axis=1), ~wrong.any(axis=1)
    empty = ~true.any(axis=1)
    n_classes = true.shape[1]
    matrix = np.zeros((n_classes + 1, n_classes + 1), dtype=np.int64)
    # A wrong label may stand for any that was missed or, if none was, for any of the true ones.
    suspects = np.where(none_missed[:, None], true, missed).astype(np.int64)
    matrix[:-1, :-1] = suspects.T @ wrong
    np.fill_diagonal(matrix[:-1, :-1], (true & predicted).sum(axis=0))
    matrix[:-1, -1] = missed[none_wrong].sum(axis=0)
    matrix[-1, :-1] = wrong[empty].sum(axis=0)
    matrix[-1, -1] = (empty & none_wrong).sum()
    return matrix


def _check_indicator(y_true, caller):
    if np.ndim(y_true) != 2:
        raise ValueError(
            f"The 'y_true' parameter of {caller} must be an indicator of shape (n_clips, "
            f"n_classes). Got {np.ndim(y_true)} axes: for one label a clip there is "
            "sklearn.metrics.ConfusionMatrixDisplay."
        )
    return y_true


def _room(ax):
    """Return how many points the cells may take in each direction, about."""
    return ROOM * min(size_of(ax))


def _most_cells(ax):
    return max(1, min(MANY, int(_room(ax) / CELL) - 1))


def _most_confused(matrix, max_classes):
    """Return the classes with the most counts beside the diagonal, in their order."""
    wrong = matrix - np.diag(np.diag(matrix))
    errors = (wrong.sum(axis=0) + wrong.sum(axis=1))[:-1]
    return np.sort(np.argsort(-errors, kind="stable")[:max_classes])


def _normalise(matrix, normalize):
    if normalize is None:
        return matrix
    totals = matrix.sum(axis=1 if normalize == "true" else 0, keepdims=True)
    return matrix / np.maximum(totals, 1)
