"""Sets of labels that hold the true one as often as promised (split conformal prediction).

V. Vovk, A. Gammerman and G. Shafer, "Algorithmic learning in a random world", Springer 2005.
"""

import warnings
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import ShuffleSplit
from sklearn.utils import check_array, column_or_1d, get_tags, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted

from sk_audioevents._base import (
    HasMethods,
    Interval,
    StrOptions,
    estimator_has,
    fit_context,
    safe_indexing,
)


class ConformalClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Predict sets of labels that hold the true one with a given confidence.

    A part of the clips is held out from the training of the classifier. How probable it finds their
    true labels tells how improbable a label may be and still belong in a set. However bad the
    probabilities of the classifier are, the sets hold the true label as often as promised; they are
    larger then.

    Parameters
    ----------
    estimator : classifier
        A classifier with ``predict_proba``, or a pipeline that ends in one. In a
        :class:`~sklearn.frozen.FrozenEstimator` it is fitted already, and all clips that ``fit``
        gets are for calibration: they must not be those that it was trained on.
    confidence : float, default=0.9
        How often sets hold the true label, between 0 and 1; see Notes.
    method : {"lac", "aps"}, default="lac"
        What makes a label improbable. "lac": its own probability; the smallest sets on average, and
        empty ones where no label is probable. "aps": how much probability the labels above it have;
        the most probable label is in every set, and ambiguous clips have larger ones.
    class_conditional : bool, default=False
        Whether the confidence holds for each class, not only for all clips together. Costs larger
        sets. With several labels a clip it always does.
    calibration : float or splitter, default=0.2
        The clips to hold out: their share, drawn at random, or the test set of the first split of
        a splitter. Where clips share recordings, pass one that keeps groups together, and `groups`
        to ``fit``.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw, if `calibration` is a share.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    classes_ : ndarray of shape (n_classes,)
        The labels; column numbers for a multi-label y.
    n_calibration_ : ndarray of shape (n_classes,)
        The number of clips that each threshold comes from.
    thresholds_ : ndarray of shape (n_classes,)
        The largest nonconformity with which a label of each class is in a set, 0 to 1; inf if there
        were too few clips to tell, so that all sets hold it. One and the same for all classes,
        unless thresholds are per class.
    n_features_in_ : int
        As the classifier has it. Only if it does.
    feature_names_in_ : ndarray of shape (n_features,)
        As the classifier has it. Only if it does.

    See Also
    --------
    sklearn.calibration.CalibratedClassifierCV : Makes the probabilities themselves better.

    Notes
    -----
    With n calibration clips, a label of nonconformity s is in the set if s is at most the
    k-th smallest of theirs, k = ceil((n + 1) * confidence). For new clips that are drawn as the
    calibration clips were, the true label is in the set with a probability of k / (n + 1) (more
    where scores are tied). This is an average over calibration sets: for one of them, the coverage
    has the distribution Beta(k, n + 1 - k), whose standard deviation is 3 points for n = 100 and a
    confidence of 0.9. For other recordings than those of the calibration (another site, another
    season) nothing is promised.

    The nonconformity is 1 - p for "lac" [1]_. For "aps" it is the sum of the probabilities that are
    larger than that of the label: the score of [2]_ without the random share of the label's own
    probability, so that the same clip always gets the same set. It is 0 for each label that is
    ranked first. Where the classifier is right more often than the confidence asks for, all sets
    therefore hold one label, and the true one more often than promised.

    With a multi-label y, a set holds each class that is present with the given confidence: of the
    clips with a cat, the sets of 90 % hold the cat.

    The predictions of ``predict`` and ``predict_proba`` are those of the classifier. MAPIE has the
    same sets for one label a clip, and more methods; its classifiers take no lists of paths, are no
    scikit-learn estimators, and have no sets for several labels with this promise.

    References
    ----------
    .. [1] M. Sadinle, J. Lei and L. Wasserman, "Least ambiguous set-valued classifiers with bounded
       error levels", Journal of the American Statistical Association 114, 2019.
    .. [2] Y. Romano, M. Sesia and E. Candès, "Classification with valid and adaptive coverage",
       NeurIPS 2020.

    Examples
    --------
    >>> from sk_audioevents.calibration import ConformalClassifier
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ConformalClassifier(GaussianNB(), confidence=0.95, random_state=0).fit(X, y)
    >>> model.predict_set(X[[0, 134]])
    array([[ True, False, False],
           [False,  True,  True]])
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "method": [StrOptions({"lac", "aps"})],
        "class_conditional": ["boolean"],
        "calibration": [Interval(Real, 0, 1, closed="neither"), HasMethods(["split"])],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator,
        *,
        confidence=0.9,
        method="lac",
        class_conditional=False,
        calibration=0.2,
        random_state=None,
    ):
        self.estimator = estimator
        self.confidence = confidence
        self.method = method
        self.class_conditional = class_conditional
        self.calibration = calibration
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags = inner.input_tags
        if inner.classifier_tags is not None:
            tags.classifier_tags.multi_class = inner.classifier_tags.multi_class
            tags.classifier_tags.multi_label = (
                inner.classifier_tags.multi_label and self.method == "lac"
            )
        return tags

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, groups=None):
        """Train the classifier on a part of the clips, and calibrate its sets on the others.

        Parameters
        ----------
        X : list or array of n_clips items
            The clips, in any form that the classifier takes.
        y : array-like of shape (n_clips,) or (n_clips, n_classes)
            Labels of any type, or a 0/1 indicator for clips with several labels.
        groups : array-like of shape (n_clips,), default=None
            Where clips come from, for a splitter that keeps groups together.

        Returns
        -------
        self : object
            The fitted classifier.
        """
        X, y, groups = indexable(X, _check_y(y), groups)
        if y.ndim == 2 and self.method == "aps":
            raise ValueError(
                "The 'method' parameter of ConformalClassifier must be 'lac' for a multi-label y. "
                "Got 'aps' instead, which takes one label per clip."
            )
        if isinstance(self.estimator, FrozenEstimator):
            self.estimator_, held_out = self.estimator, np.arange(len(y))
        else:
            train, held_out = self._split(X, y, groups)
            self.estimator_ = clone(self.estimator).fit(safe_indexing(X, train), y[train])
        for attribute in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, attribute):
                setattr(self, attribute, getattr(self.estimator_, attribute))
        self._multilabel = y.ndim == 2
        self.classes_ = np.arange(y.shape[1]) if self._multilabel else self.estimator_.classes_
        self._calibrate(safe_indexing(X, held_out), self._presence(y)[held_out])
        return self

    def _split(self, X, y, groups):
        splitter = self.calibration
        if isinstance(splitter, Real):
            splitter = ShuffleSplit(1, test_size=splitter, random_state=self.random_state)
        return next(iter(splitter.split(X, y, groups)))

    def _presence(self, y):
        """Return which classes each clip has, (n_clips, n_classes)."""
        if self._multilabel:
            return y != 0
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(
                f"The classifier does not know the labels {unknown.tolist()[:5]} of y. Were all "
                "their clips held out? Then pass a stratified splitter as 'calibration'."
            )
        return y[:, None] == self.classes_

    def _calibrate(self, X, present):
        scores = self._scores(X)
        if self._multilabel or self.class_conditional:
            samples = [scores[has, i] for i, has in enumerate(present.T)]
        else:
            samples = [scores[present]] * len(self.classes_)
        self.n_calibration_ = np.array([len(sample) for sample in samples])
        self.thresholds_ = np.array([_quantile(sample, self.confidence) for sample in samples])

    def _scores(self, X):
        """Return how little each label conforms to each clip, 0 to 1, (n_clips, n_classes)."""
        probabilities = self.estimator_.predict_proba(X)
        if isinstance(probabilities, list):  # as forests and nearest neighbours have it
            columns = zip(probabilities, self.estimator_.classes_)
            probabilities = np.stack([p[:, c == 1].sum(axis=1) for p, c in columns], axis=1)
        probabilities = check_array(probabilities, input_name="predict_proba")
        if probabilities.shape[1] != len(self.classes_):
            raise ValueError(
                "The classifier must give a probability for each class of y. It gives "
                f"{probabilities.shape[1]} for {len(self.classes_)} classes."
            )
        if self.method == "lac":
            return 1 - probabilities
        order = np.argsort(-probabilities, axis=1, kind="stable")
        falling = np.take_along_axis(probabilities, order, axis=1)
        scores = np.empty_like(falling)
        np.put_along_axis(scores, order, np.cumsum(falling, axis=1) - falling, axis=1)
        return scores

    def predict_set(self, X):
        """Predict the set of labels of each clip.

        Parameters
        ----------
        X : list or array of n_clips items
            The clips, in any form that the classifier takes.

        Returns
        -------
        sets : ndarray of shape (n_clips, n_classes), dtype bool
            Whether each of ``classes_`` is in the set of each clip. With "lac" a set may be empty,
            where no label is probable.

        Warns
        -----
        UserWarning
            If the calibration clips were too few for the confidence, so that all sets hold all
            labels, or some of them.
        """
        check_is_fitted(self)
        self._warn_of_few_clips()
        return self._scores(X) <= self.thresholds_

    def _warn_of_few_clips(self):
        without = self.classes_[np.isinf(self.thresholds_)].tolist()
        if without:
            needed = int(np.ceil(round(self.confidence / (1 - self.confidence), 9)))
            each = " of each class" if self._multilabel or self.class_conditional else ""
            warnings.warn(
                f"A confidence of {self.confidence:g} needs at least {needed} calibration clips"
                f"{each}, and got {self.n_calibration_.min()}. All sets hold "
                f"{len(without)} of {len(self.classes_)} classes, among them {without[0]!r}.",
                UserWarning,
                stacklevel=3,
            )

    def predict(self, X):
        """Predict the labels of clips, as the classifier does.

        Parameters
        ----------
        X : list or array of n_clips items
            The clips, in any form that the classifier takes.

        Returns
        -------
        y : ndarray of shape (n_clips,) or (n_clips, n_classes)
            The labels.
        """
        check_is_fitted(self)
        return self.estimator_.predict(X)

    def predict_proba(self, X):
        """Predict the probability of each class, as the classifier does.

        Parameters
        ----------
        X : list or array of n_clips items
            The clips, in any form that the classifier takes.

        Returns
        -------
        probabilities : ndarray of shape (n_clips, n_classes)
            The probabilities.
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    @available_if(estimator_has("decision_function"))
    def decision_function(self, X):
        """Compute the score of each class, as the classifier does.

        Parameters
        ----------
        X : list or array of n_clips items
            The clips, in any form that the classifier takes.

        Returns
        -------
        scores : ndarray of shape (n_clips,) or (n_clips, n_classes)
            The scores.
        """
        check_is_fitted(self)
        return self.estimator_.decision_function(X)


def _check_y(y):
    """Return labels as a 1-D array, or an indicator as a dense one."""
    if y is None:
        raise ValueError("ConformalClassifier requires y to be passed, but the target y is None.")
    y = check_array(y, accept_sparse=True, ensure_2d=False, dtype=None, input_name="y")
    check_classification_targets(y)
    if type_of_target(y) == "multilabel-indicator":
        return y.toarray() if hasattr(y, "toarray") else y
    return column_or_1d(y, warn=True)


def _quantile(scores, confidence):
    """Return the k-th smallest score, k = ceil((n + 1) * confidence), or inf if there is none."""
    k = int(np.ceil(round((len(scores) + 1) * confidence, 9)))  # 100 * 0.07 is not above 7
    return np.inf if k > len(scores) else np.partition(scores, k - 1)[k - 1]
