"""The metrics per clip by name, and as scorers for cross-validation and grid search."""

import numpy as np

from sk_audioevents._base import Scorer
from sk_audioevents.metrics._clips import (
    accuracy,
    d_prime,
    lwlrap,
    mean_auc,
    mean_average_precision,
    mean_average_precision_at_k,
)

CLIP_METRICS = {
    "accuracy": accuracy,
    "d_prime": d_prime,
    "lwlrap": lwlrap,
    "mean_auc": mean_auc,
    "mean_average_precision": mean_average_precision,
    "mean_average_precision_at_k": mean_average_precision_at_k,
}


class ClipScorer(Scorer):
    """A scorer that tells the metric which class each column of the probabilities is.

    scikit-learn's scorers do not: where a fold lacks a class, the columns cannot be told from the
    labels of the fold alone.
    """

    def _score(self, method_caller, estimator, X, y_true, **kwargs):
        labels = getattr(estimator, "classes_", None)
        if np.ndim(y_true) == 1 and labels is not None:
            kwargs = {"labels": labels, **kwargs}
        return super()._score(method_caller, estimator, X, y_true, **kwargs)


def _make_scorer(metric):
    return ClipScorer(metric, 1, {}, "predict_proba")


accuracy_scorer = _make_scorer(accuracy)
d_prime_scorer = _make_scorer(d_prime)
lwlrap_scorer = _make_scorer(lwlrap)
mean_auc_scorer = _make_scorer(mean_auc)
mean_average_precision_scorer = _make_scorer(mean_average_precision)
mean_average_precision_at_k_scorer = _make_scorer(mean_average_precision_at_k)
