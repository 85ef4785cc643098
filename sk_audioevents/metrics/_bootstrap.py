"""How far a score would move with other clips: intervals from resampling them."""

import warnings
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length

from sk_audioevents._base import Interval, safe_indexing, validate_params


class BootstrapInterval(NamedTuple):
    """A score with its percentile interval.

    Attributes
    ----------
    score : float
        The score of the clips as they are.
    low : float
        The lower end of the interval.
    high : float
        The upper end of the interval.
    n_resamples : int
        The number of resamples on which the metric is defined.

    Examples
    --------
    >>> from sk_audioevents.metrics import BootstrapInterval
    >>> interval = BootstrapInterval(score=0.81, low=0.76, high=0.85, n_resamples=1000)
    >>> f"{interval.score} ({interval.low} to {interval.high})"
    '0.81 (0.76 to 0.85)'
    """

    score: float
    low: float
    high: float
    n_resamples: int


@validate_params(
    {
        "metric": [callable],
        "y_true": ["array-like"],
        "y_score": ["array-like"],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "groups": ["array-like", None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def bootstrap_interval(
    metric, y_true, y_score, *, n_resamples=1000, confidence=0.95, groups=None, random_state=None
):
    """Estimate within which bounds a score would lie with other clips of the same kind.

    Clips are drawn with replacement, as many as there are, and the metric is computed again and
    again; the interval leaves out equal shares of the lowest and the highest results. It tells
    nothing of what another training run would do.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, y_score)``, a float: one of this module, of scikit-learn, or your own.
    y_true : array-like of shape (n_clips,) or (n_clips, n_classes)
        The truth, as the metric wants it.
    y_score : array-like of shape (n_clips,) or (n_clips, n_classes)
        The scores or predictions, as the metric wants them.
    n_resamples : int, default=1000
        How often clips are drawn, at least 1.
    confidence : float, default=0.95
        The share of the results that the interval holds, above 0 and below 1.
    groups : array-like of shape (n_clips,), default=None
        The recording, site or animal of each clip. Groups are then drawn in place of clips, as many
        as there are: clips of one recording resemble each other, and drawn one by one they would
        make the interval too narrow.
    random_state : int, RandomState instance or None, default=None
        The seed. The same int gives the same interval.

    Returns
    -------
    interval : BootstrapInterval
        ``score``, ``low``, ``high`` and ``n_resamples``. Resamples on which the metric is NaN, such
        as those that drew no positives, are left out and not counted in ``n_resamples``.

    Raises
    ------
    ValueError
        If the metric is NaN on all resamples, or lengths differ.

    References
    ----------
    .. [1] B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7,
       1979.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_audioevents.metrics import bootstrap_interval, mean_auc
    >>> rng = np.random.default_rng(0)
    >>> y_true = rng.integers(0, 2, size=200)
    >>> y_score = y_true + rng.normal(size=200)
    >>> interval = bootstrap_interval(mean_auc, y_true, y_score, random_state=0)
    >>> round(interval.low, 2) < round(interval.score, 2) < round(interval.high, 2)
    True
    """
    check_consistent_length(y_true, y_score, groups)
    rng = check_random_state(random_state)
    members = _members(len(np.asarray(y_score)), groups)
    scores = np.empty(n_resamples)
    for i in range(n_resamples):
        drawn = rng.randint(len(members), size=len(members))
        clips = np.concatenate([members[j] for j in drawn]) if groups is not None else drawn
        scores[i] = _score(metric, y_true, y_score, clips)
    scores = scores[~np.isnan(scores)]
    if len(scores) == 0:
        raise ValueError(
            "The 'metric' parameter of bootstrap_interval must be defined on some resamples. It "
            "is NaN on all of them: are there positives of any class?"
        )
    outside = 50 * (1 - confidence)
    low, high = np.percentile(scores, [outside, 100 - outside])
    return BootstrapInterval(float(metric(y_true, y_score)), float(low), float(high), len(scores))


def _members(n_clips, groups):
    """Return the clips of each group, or all clips if there are no groups."""
    if groups is None:
        return range(n_clips)
    codes, _ = pd.factorize(np.asarray(groups))
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _score(metric, y_true, y_score, clips):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        return metric(safe_indexing(y_true, clips), safe_indexing(y_score, clips))
