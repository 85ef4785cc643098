"""The detector of sound events: a meta-estimator around a classifier of segments or clips."""

from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import check_cv
from sklearn.utils import assert_all_finite, column_or_1d, get_tags, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted

from sk_audioevents._base import (
    N_JOBS,
    HasMethods,
    Interval,
    StrOptions,
    estimator_has,
    fit_context,
    raise_for_params,
)
from sk_audioevents._event_table import check_events, path_column
from sk_audioevents.events._event_rules import (
    DEFAULTS,
    RULE_CONSTRAINTS,
    check_label_values,
    event_rules,
    event_table,
)
from sk_audioevents.events._find_events import INDEX_NAMES
from sk_audioevents.events._labels import EventLabels, class_values, says_yes_or_no
from sk_audioevents.events._scorer import RecordingScorer
from sk_audioevents.events._thresholds import f1_thresholds, mark_steps, out_of_fold
from sk_audioevents.model_selection import MultilabelStratifiedKFold


class SoundEventDetector(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Find when which sounds occur in recordings of any length.

    A classifier learns from clips and their labels. The detector around it scores each moment of a
    recording, and calls an event what scores above a threshold, by default one for each class that
    was tuned on clips that the classifier was not fitted on.

    Parameters
    ----------
    estimator : estimator
        A classifier of recordings: a pipeline from `LogMelTransformer` to `VGGEventClassifier`, or
        to any classifier that has ``predict_segments``; or any scikit-learn classifier with
        ``predict_proba``, which scores whole windows. Fitted already, it goes into
        `sklearn.frozen.FrozenEstimator`.
    window : float, default=None
        Length of the windows that a recording is scored in, in seconds. For a classifier of
        segments it only bounds memory, and None is 60. For others a window is what gets a score,
        and None is the whole row of X.
    overlap : float, default=None
        How far windows overlap, in seconds. None is, for a classifier of segments, as far as its
        convolutions see, so that the seams cannot be told; for others half a window.
    overlap_pooling : {"center", "mean", "max"}, default="center"
        The score of an instant that several segments cover: that of the segment whose centre is
        nearest, the mean or the largest.
    threshold : float, dict or "tuned", default="tuned"
        What the score of an event reaches, from 0 to 1; for all classes, or by label. "tuned"
        takes for each class the one with the largest F1, at the cost of one more fit for each fold
        of ``cv``.
    offset_ratio : float or dict, default=0.5
        An event goes on while scores reach this share of the threshold, from 0 (not included) to 1
        (hysteresis).
    median_filter : float or dict, default=0.0
        Over how many seconds the median of the scores is taken first; 0 takes none. Rounded to an
        odd number of time steps.
    merge_gap : float or dict, default=0.0
        Events of a class no further apart than this, in seconds, become one; 0 joins none.
    min_duration : float or dict, default=0.0
        Events shorter than this, in seconds, are left out, after gaps were closed.
    class_names : array-like of shape (n_classes,), default=None
        What tables call the classes, in the order of ``classes_``. None takes the names of the
        columns where y is a DataFrame, and ``classes_`` otherwise.
    cv : int, cross-validation splitter or iterable, default=None
        The folds for tuning thresholds. None is 5. A number of folds is stratified, by
        `MultilabelStratifiedKFold` where y is an indicator.
    n_jobs : int, default=None
        Number of folds that are fitted at the same time. None is 1 unless in a
        `joblib.parallel_config` context, -1 is one for each processor. To read recordings in
        several threads, set ``n_jobs`` of the transformer.
    verbose : int, default=0
        Whether to show a progress bar over the recordings that are scored.

    Attributes
    ----------
    estimator_ : estimator
        The fitted estimator.
    classes_ : ndarray of shape (n_classes,)
        The classes of ``predict`` and ``predict_proba``.
    labels_ : ndarray of shape (n_labels,)
        The labels of events and the columns of timelines: the classes, under their names. Of two
        classes that only say yes or no (0 and 1, -1 and 1, False and True) and have no names, the
        first has no events.
    thresholds_ : dict
        The threshold of each label.
    n_features_in_ : int
        Number of samples per clip; only where the estimator learns it.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of features; only where the estimator learns them.

    See Also
    --------
    find_events : Finds events in a table of scores by the same rules.
    VGGEventClassifier : Scores segments.

    Notes
    -----
    In a dict, labels that are left out have the default of `find_events`; those left out of
    ``threshold`` are tuned. All parameters but ``estimator``, ``threshold``, ``class_names`` and
    ``cv`` may be changed after ``fit``, by ``set_params``, though thresholds are tuned on scores
    that the ``median_filter`` of that time has smoothed.

    A weak label says whether a class is anywhere in a clip, and the detector finds it there if the
    largest of its smoothed scores reaches the threshold. So the tuned threshold separates the
    largest scores of clips with the class from those of clips without. With strong labels
    (``fit(..., events=...)``), it separates time steps.

    With a fixed threshold and a fitted estimator, the detector needs no ``fit``.

    Seams between windows cannot be told (1e-5; 2e-5 where files are resampled) if what is made of
    a moment does not depend on the rest of the window, as with ``LogMelTransformer(top_db=None)``.
    The floor of ``top_db`` lies below the loudest frame of each window, and a recurrent layer hears
    all of it.

    Examples
    --------
    >>> from sk_audioevents import LogMelTransformer, VGGEventClassifier
    >>> from sk_audioevents.datasets import make_sound_events
    >>> from sk_audioevents.events import SoundEventDetector
    >>> from sklearn.pipeline import make_pipeline
    >>> sounds = make_sound_events(n_clips=24, n_classes=2, duration=1.0, random_state=0)
    >>> model = make_pipeline(
    ...     LogMelTransformer(sample_rate=sounds.sample_rate, n_mels=40),
    ...     VGGEventClassifier(channels=(4, 8, 8), embedding_dim=16, max_epochs=9, random_state=0),
    ... )
    >>> detector = SoundEventDetector(model, min_duration=0.2, cv=2)
    >>> y = sounds.target_names[sounds.target]
    >>> detector.fit(sounds.waveforms, y).predict_events(sounds.waveforms).columns.tolist()
    ['path', 'onset', 'offset', 'label', 'score']
    """

    _parameter_constraints = {
        "estimator": [HasMethods("fit")],
        "window": [Interval(Real, 0, None, closed="neither"), None],
        "overlap": [Interval(Real, 0, None, closed="left"), None],
        "overlap_pooling": [StrOptions({"center", "mean", "max"})],
        **RULE_CONSTRAINTS,
        "threshold": [*RULE_CONSTRAINTS["threshold"], StrOptions({"tuned"})],
        "class_names": ["array-like", None],
        "cv": ["cv_object"],
        "n_jobs": N_JOBS,
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator,
        *,
        window=None,
        overlap=None,
        overlap_pooling="center",
        threshold="tuned",
        offset_ratio=0.5,
        median_filter=0.0,
        merge_gap=0.0,
        min_duration=0.0,
        class_names=None,
        cv=None,
        n_jobs=None,
        verbose=0,
    ):
        self.estimator = estimator
        self.window = window
        self.overlap = overlap
        self.overlap_pooling = overlap_pooling
        self.threshold = threshold
        self.offset_ratio = offset_ratio
        self.median_filter = median_filter
        self.merge_gap = merge_gap
        self.min_duration = min_duration
        self.class_names = class_names
        self.cv = cv
        self.n_jobs = n_jobs
        self.verbose = verbose

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        of_estimator = get_tags(self.estimator)
        tags.input_tags = of_estimator.input_tags
        tags.classifier_tags = of_estimator.classifier_tags or tags.classifier_tags
        return tags

    def get_metadata_routing(self):
        """Return what metadata ``fit`` asks for, and what it passes on.

        Returns
        -------
        routing : MetadataRouter
            The routing.
        """
        fit_to_fit = MethodMapping().add(caller="fit", callee="fit")
        fit_to_split = MethodMapping().add(caller="fit", callee="split")
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(estimator=self.estimator, method_mapping=fit_to_fit)
            .add(splitter=self.cv, method_mapping=fit_to_split)
        )

    @fit_context(prefer_skip_nested_validation=False)  # the estimator validates its own parameters
    def fit(self, X, y, *, events=None, **params):
        """Fit the estimator and tune the thresholds.

        Parameters
        ----------
        X : list, array, Series or DataFrame
            The clips, whatever the estimator takes.
        y : array-like of shape (n_clips,) or (n_clips, n_classes)
            Weak labels: what is in each clip, of any label type, or a 0/1 indicator. The columns of
            a DataFrame name the classes.
        events : DataFrame, default=None
            Strong labels, where there are any, to tune thresholds on in place of y: one row an
            event, with ``path`` (as in X; for waveforms, the row number), ``onset``, ``offset``
            (seconds) and ``label``. Events of recordings that are not in X do not matter.
        **params : dict
            Metadata for the ``fit`` of the estimator and the ``split`` of ``cv``, such as
            ``sample_weight`` and ``groups``, where routing is enabled and they ask for it.

        Returns
        -------
        self : object
            The fitted detector.
        """
        raise_for_params(params, self, None)
        X, y = indexable(X, y)
        y, multilabel, column_names = _check_target(y)
        frozen = isinstance(self.estimator, FrozenEstimator)
        classes = self.estimator.classes_ if frozen and not multilabel else class_values(y)
        names = column_names if self.class_names is None else self.class_names
        self._labels = EventLabels.make(classes, multilabel, names, type(self).__name__)
        self.labels_ = self._labels.names
        fixed = self._fixed_thresholds(self.labels_)
        self._make_rules(self.labels_, DEFAULTS["threshold"])  # complains before anything is fitted
        routed = process_routing(self, "fit", **params)

        self.estimator_ = clone(self.estimator).fit(X, y, **routed.estimator.fit)
        # Both complain before the folds are fitted.
        scorer = self._make_scorer(self.estimator_, self._labels)
        if events is not None:
            events = self._events_of_rows(events, scorer.recordings(X, self))

        tuned = {} if len(fixed) == len(self.labels_) else self._tune(X, y, events, routed)
        self.thresholds_ = tuned | fixed
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    def _fixed_thresholds(self, labels):
        """Return by label the thresholds that are not tuned."""
        if isinstance(self.threshold, Mapping):
            check_label_values(self.threshold, "threshold", labels, type(self).__name__)
            return {label: float(value) for label, value in self.threshold.items()}
        return {} if self.threshold == "tuned" else dict.fromkeys(labels.tolist(), self.threshold)

    def _events_of_rows(self, events, recordings):
        """Return the events of each row of X."""
        name = f"The 'events' parameter of {type(self).__name__}.fit"
        events = check_events(events, name=name, labels=self.labels_)
        of_path = dict(list(events.groupby("path")))
        if len(events) and not of_path.keys() & set(recordings.paths):
            raise ValueError(
                f"{name} must hold events of the recordings in X. It has none of them: the first "
                f"path is {events['path'][0]!r} there and {recordings.paths[0]!r} in X."
            )
        return [of_path.get(path, events[:0]) for path in recordings.paths]

    def _tune(self, X, y, events, routed):
        """Return by label the threshold with the largest F1, out of fold."""
        if isinstance(self.estimator, FrozenEstimator):
            splits = [(None, np.arange(len(y)))]
        else:
            splits = self._check_cv(y).split(X, y, **routed.splitter.split)
        score = self._largest_scores if events is None else self._scores_over_time
        rows, scores = out_of_fold(
            score, self.estimator, X, y, splits, routed.estimator.fit, self.n_jobs
        )
        if events is None:
            truth = self._labels.present(y)[rows]
        else:
            pairs = zip(scores, [events[row] for row in rows])
            truth = np.concatenate([mark_steps(*pair, self.labels_) for pair in pairs])
            scores = np.concatenate([timed.scores for timed in scores])
        thresholds = f1_thresholds(np.asarray(scores), truth, self.labels_)
        return dict(zip(self.labels_.tolist(), thresholds))

    def _check_cv(self, y):
        if y.ndim == 2 and (self.cv is None or isinstance(self.cv, Integral)):
            return MultilabelStratifiedKFold(5 if self.cv is None else self.cv)
        return check_cv(self.cv, y, classifier=True)

    def _largest_scores(self, estimator, X):
        """Return the largest smoothed score of each class in each row, (n_rows, n_labels)."""
        scorer = self._make_scorer(estimator, self._labels)
        if scorer.scores_rows:
            return scorer.row_scores(X)
        smooth = self._make_rules(self.labels_, DEFAULTS["threshold"]).smooth
        timed = scorer.score(scorer.recordings(X, self))
        return np.stack([smooth(recording).max(axis=0) for recording in timed])

    def _scores_over_time(self, estimator, X):
        """Return for each row its smoothed scores over time."""
        scorer = self._make_scorer(estimator, self._labels)
        smooth = self._make_rules(self.labels_, DEFAULTS["threshold"]).smooth
        timed = scorer.score(scorer.recordings(X, self))
        return [recording.with_scores(smooth(recording)) for recording in timed]

    @property
    def classes_(self):
        """The classes of ``predict`` and ``predict_proba``."""
        return self._fitted_estimator().classes_

    @available_if(estimator_has("predict"))
    def predict(self, X):
        """Predict the labels of clips, as the estimator does.

        Parameters
        ----------
        X : array-like
            The clips.

        Returns
        -------
        y : ndarray of shape (n_clips,) or (n_clips, n_classes)
            The labels; the thresholds of events have no part in them.
        """
        return self._fitted_estimator().predict(X)

    @available_if(estimator_has("predict_proba"))
    def predict_proba(self, X):
        """Predict the probability of each class in each clip, as the estimator does.

        Parameters
        ----------
        X : array-like
            The clips.

        Returns
        -------
        probabilities : ndarray of shape (n_clips, n_classes)
            The probabilities.
        """
        return self._fitted_estimator().predict_proba(X)

    @available_if(estimator_has("decision_function"))
    def decision_function(self, X):
        """Compute the score of each class in each clip, as the estimator does.

        Parameters
        ----------
        X : array-like
            The clips.

        Returns
        -------
        scores : ndarray of shape (n_clips,) or (n_clips, n_classes)
            The scores.
        """
        return self._fitted_estimator().decision_function(X)

    def predict_timeline(self, X):
        """Score recordings over time.

        Parameters
        ----------
        X : list, array, Series or DataFrame
            Paths, 1-D waveforms, a 2-D array (n_clips, n_samples) of them, or a table with the
            columns ``path``, ``start_time`` and ``end_time`` (seconds). Of any length.

        Returns
        -------
        timeline : DataFrame
            Scores before any smoothing, one row a time step and one column a label. The index has
            the levels ``path`` (the row number for waveforms), ``start_time`` and ``end_time``
            (seconds from the start of the recording). The steps of a row of X follow each other
            without gaps; a recording of no samples has none.
        """
        labels, _ = self._labels_and_thresholds()
        recordings, timed = self._score(X)
        table = pd.DataFrame(
            np.concatenate([recording.scores for recording in timed]), columns=list(labels.names)
        )
        paths = [np.full(len(t.scores), t.path, recordings.path_dtype) for t in timed]
        table.index = pd.MultiIndex.from_arrays(
            [
                path_column(np.concatenate(paths), "X"),
                np.concatenate([recording.starts for recording in timed]),
                np.concatenate([recording.ends for recording in timed]),
            ],
            names=INDEX_NAMES,
        )
        return table

    def predict_events(self, X):
        """Find the events in recordings.

        Parameters
        ----------
        X : list, array, Series or DataFrame
            Paths, 1-D waveforms, a 2-D array (n_clips, n_samples) of them, or a table with the
            columns ``path``, ``start_time`` and ``end_time`` (seconds). Of any length.

        Returns
        -------
        events : DataFrame
            One row an event, row by row of X and by onset: ``path`` (the row number for waveforms),
            ``onset`` and ``offset`` (seconds from the start of the recording), ``label``, and
            ``score``, the largest smoothed score in it.
        """
        labels, thresholds = self._labels_and_thresholds()
        rules = self._make_rules(labels.names, thresholds)
        recordings, timed = self._score(X)
        found = [(recording.path, *rules.events(recording)) for recording in timed]
        return event_table(found, labels.names, recordings.path_dtype)

    def _score(self, X):
        """Return the rows of X as recordings, and the scores of each over time."""
        self._validate_params()
        labels, _ = self._labels_and_thresholds()
        scorer = self._make_scorer(self._fitted_estimator(), labels)
        recordings = scorer.recordings(X, self)
        timed = scorer.score(recordings, verbose=self.verbose)
        return recordings, [recording.lasting() for recording in timed]

    def _fitted_estimator(self):
        """Return what ``fit`` has fitted or, before that, the estimator if it is fitted itself."""
        if hasattr(self, "estimator_"):
            return self.estimator_
        try:
            check_is_fitted(self.estimator)
        except NotFittedError:
            check_is_fitted(self, "estimator_")  # raises, in the name of the detector
        return self.estimator

    def _labels_and_thresholds(self):
        """Return what ``fit`` has learnt or, before that, what parameters say."""
        if hasattr(self, "thresholds_"):
            return self._labels, self.thresholds_
        classes, name = self._fitted_estimator().classes_, type(self).__name__
        if self.class_names is None and says_yes_or_no(classes):
            raise NotFittedError(
                f"This {name} needs fit, or 'class_names': the classes {list(classes)} of a fitted "
                "estimator do not tell whether they are two sounds, or one and its absence."
            )
        labels = EventLabels.make(classes, False, self.class_names, name)
        thresholds = self._fixed_thresholds(labels.names)
        if len(thresholds) < len(labels.names):
            raise NotFittedError(
                f"This {name} needs fit to tune thresholds, or a fixed 'threshold'."
            )
        return labels, thresholds

    def _make_scorer(self, estimator, labels):
        return RecordingScorer(
            estimator,
            labels,
            window=self.window,
            overlap=self.overlap,
            overlap_pooling=self.overlap_pooling,
            name=type(self).__name__,
        )

    def _make_rules(self, labels, threshold):
        return event_rules(
            labels,
            type(self).__name__,
            threshold=threshold,
            offset_ratio=self.offset_ratio,
            median_filter=self.median_filter,
            merge_gap=self.merge_gap,
            min_duration=self.min_duration,
        )


def _check_target(y):
    """Return y as an array, whether it is multi-label, and the names of its columns or None."""
    assert_all_finite(np.asarray(y) if not issparse(y) else y, input_name="y")
    check_classification_targets(y)
    kind = type_of_target(y)
    if kind == "multilabel-indicator":
        names = y.columns.to_numpy() if isinstance(y, pd.DataFrame) else None
        return (y.toarray() if issparse(y) else np.asarray(y)), True, names
    if kind not in ("binary", "multiclass"):
        raise ValueError(
            "The 'y' parameter of SoundEventDetector.fit must be labels of shape (n_clips,) or an "
            f"indicator of shape (n_clips, n_classes). Got a {kind} target."
        )
    return column_or_1d(y, warn=True), False, None
