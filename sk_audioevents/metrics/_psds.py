"""The polyphonic sound detection score (PSDS): event detection over all thresholds, exactly.

Ç. Bilen, G. Ferroni, F. Tuveri, J. Azcarreta and S. Krstulović, "A framework for the robust
evaluation of sound event detection", ICASSP 2020, arXiv:1910.08440; J. Ebbers, R. Serizel and
R. Haeb-Umbach, "Threshold independent evaluation of sound event detection scores", ICASSP 2022,
arXiv:2201.13148.
"""

import warnings
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning

from sk_audioevents._base import Interval, StrOptions, validate_params
from sk_audioevents._event_table import check_events, path_column
from sk_audioevents.metrics._event_sets import EventSet
from sk_audioevents.metrics._frame_scores import check_frame_scores
from sk_audioevents.metrics._intersections import check_disjoint

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class PSDSScenario:
    """What `psds` counts as a detection, and what it punishes.

    The two scenarios of DCASE are ``psds(..., scenario=1)``, which wants events in the right place,
    and ``psds(..., scenario=2)``, which wants classes not to be confused.

    Parameters
    ----------
    dtc_threshold : float, default=0.7
        The detection tolerance criterion: the share of a detection that true events of its class
        must cover, above 0 and at most 1; otherwise it is a false positive.
    gtc_threshold : float, default=0.7
        The ground truth intersection criterion: the share of a true event that detections which
        meet the first criterion must cover, above 0 and at most 1; then it is found.
    cttc_threshold : float or None, default=None
        The cross trigger tolerance criterion: the share of a false positive that true events of
        another class must cover, above 0 and at most 1, to count as a cross trigger too. It is
        needed exactly if `alpha_ct` is above 0.
    alpha_ct : float, default=0.0
        The weight of the cross triggers in the effective false positive rate, not negative.
    alpha_st : float, default=1.0
        How many standard deviations of the classes' true positive ratios are taken from their mean,
        not negative.
    max_efpr : float, default=100.0
        Up to which effective false positive rate, per hour, the curve is integrated; above 0.

    Raises
    ------
    ValueError
        If a value is out of its range, or one of `cttc_threshold` and `alpha_ct` lacks the other.

    See Also
    --------
    psds : Computes the score.

    Examples
    --------
    >>> from sk_audioevents.metrics import PSDSScenario
    >>> PSDSScenario(dtc_threshold=0.5, gtc_threshold=0.5, alpha_st=0.0).max_efpr
    100.0
    """

    dtc_threshold: float = 0.7
    gtc_threshold: float = 0.7
    cttc_threshold: float | None = None
    alpha_ct: float = 0.0
    alpha_st: float = 1.0
    max_efpr: float = 100.0

    def __post_init__(self):
        share = Interval(Real, 0, 1, closed="right")
        not_negative = Interval(Real, 0, None, closed="left")
        ranges = {
            "dtc_threshold": share,
            "gtc_threshold": share,
            "alpha_ct": not_negative,
            "alpha_st": not_negative,
            "max_efpr": Interval(Real, 0, None, closed="neither"),
        }
        if self.cttc_threshold is not None:
            ranges["cttc_threshold"] = share
        for name, allowed in ranges.items():
            value = getattr(self, name)
            if not allowed.is_satisfied_by(value):
                raise ValueError(
                    f"The {name!r} parameter of PSDSScenario must be {allowed}. "
                    f"Got {value!r} instead."
                )
        if (self.cttc_threshold is None) != (self.alpha_ct == 0):
            raise ValueError(
                "The 'cttc_threshold' and 'alpha_ct' parameters of PSDSScenario must be set "
                f"together. Got {self.cttc_threshold!r} and {self.alpha_ct!r}."
            )


SCENARIOS = {
    1: PSDSScenario(),
    2: PSDSScenario(dtc_threshold=0.1, gtc_threshold=0.1, cttc_threshold=0.3, alpha_ct=0.5),
}
PARAMETERS = {
    "y_true": [pd.DataFrame],
    "y_score": [pd.DataFrame],
    "scenario": [Interval(Integral, 1, 2, closed="both"), PSDSScenario],
    "durations": [Real, dict, pd.Series, None],
}


@validate_params(
    PARAMETERS | {"average": [StrOptions({"macro"}), None]}, prefer_skip_nested_validation=True
)
def psds(y_true, y_score, *, scenario=1, average="macro", durations=None):
    r"""Compute the polyphonic sound detection score (PSDS).

    Frames that score above a threshold are detections. For each threshold there is a share of true
    events found (the true positive ratio) and a rate of false ones; the score is the area under the
    curve of the former over the latter. All thresholds that make a difference are used.

    Parameters
    ----------
    y_true : DataFrame
        The events that there are, one a row: ``path``, ``onset`` and ``offset`` (seconds),
        ``label``. Events of one label in one file must not overlap. All paths must be in `y_score`.
    y_score : DataFrame
        The scores, one row a frame or segment: ``path``, ``onset``, ``offset``, and a column for
        each label. The frames of a file follow each other without gap or overlap.
    scenario : {1, 2} or PSDSScenario, default=1
        What counts as a detection: the first or second scenario of DCASE, or one of your own.
    average : {"macro"} or None, default="macro"
        The score over all classes, or that of each class as a Series by label.
    durations : float, or dict or Series of floats by path, default=None
        The lengths of the recordings in seconds, from which the rate of false positives is
        computed. None: each file ends with its last frame.

    Returns
    -------
    score : float or Series of length n_classes
        From 0 to 1, higher is better. Classes without events in `y_true` are left out of the score
        and the cross triggers, and are NaN in the Series; without any events the score is NaN, with
        an UndefinedMetricWarning.

    Raises
    ------
    ValueError
        If events of one label overlap, frames of a file overlap or leave gaps, or a table holds
        labels or paths that the other does not allow.

    See Also
    --------
    psd_roc : The curve under which the area is.
    intersection_scores : The same for one threshold, from tables of events.

    Notes
    -----
    With :math:`\mathrm{FP}_c` false positives and :math:`\mathrm{CT}_{c,o}` cross triggers of class
    c in events of class o, which last :math:`T_o` of the total :math:`T`, the effective false
    positive rate is

    .. math:: \mathrm{eFPR}_c = \mathrm{FP}_c / T
        + \alpha_\mathrm{CT} \operatorname{mean}_{o \ne c} \mathrm{CT}_{c,o} / T_o .

    The effective true positive ratio at a rate is the mean less :math:`\alpha_\mathrm{ST}` standard
    deviations over the classes of the largest ratio reached at that rate or below.

    References
    ----------
    .. [1] Ç. Bilen, G. Ferroni, F. Tuveri, J. Azcarreta and S. Krstulović, "A framework for the
       robust evaluation of sound event detection", ICASSP 2020, arXiv:1910.08440, equations 1 to 8.
    .. [2] J. Ebbers, R. Serizel and R. Haeb-Umbach, "Threshold independent evaluation of sound
       event detection scores", ICASSP 2022, arXiv:2201.13148.

    Examples
    --------
    >>> import pandas as pd
    >>> from sk_audioevents.metrics import psds
    >>> y_true = pd.DataFrame({"path": ["a"], "onset": [1.0], "offset": [3.0], "label": ["dog"]})
    >>> y_score = pd.DataFrame({"path": "a", "onset": range(4), "offset": range(1, 5)})
    >>> y_score["dog"] = [0.1, 0.9, 0.8, 0.0]
    >>> psds(y_true, y_score)
    1.0
    """
    scenario = SCENARIOS.get(scenario, scenario)
    labels, curves = _class_curves(y_true, y_score, scenario, durations, "psds")
    if average is None:
        areas = {label: _area(*curve, scenario.max_efpr) for label, curve in curves.items()}
        return pd.Series(
            [areas.get(label, np.nan) for label in labels], pd.Index(labels, name="label")
        )
    if not curves:
        warnings.warn("No events in 'y_true': psds is NaN.", UndefinedMetricWarning, stacklevel=3)
        return np.nan
    return _area(*_mean_curve(curves.values(), scenario), scenario.max_efpr)


@validate_params(PARAMETERS, prefer_skip_nested_validation=True)
def psd_roc(y_true, y_score, *, scenario=1, durations=None):
    """Compute the curve of the polyphonic sound detection score.

    Parameters
    ----------
    y_true : DataFrame
        The events that there are, as for `psds`.
    y_score : DataFrame
        The scores of frames or segments, as for `psds`.
    scenario : {1, 2} or PSDSScenario, default=1
        What counts as a detection, as for `psds`.
    durations : float, or dict or Series of floats by path, default=None
        The lengths of the recordings in seconds, as for `psds`.

    Returns
    -------
    efpr : ndarray of shape (n_points,)
        Effective false positive rates per hour, rising from 0 to at most ``scenario.max_efpr``.
    etpr : ndarray of shape (n_points,)
        The effective true positive ratio from each rate up to the next, from 0 to 1.

    Raises
    ------
    ValueError
        As `psds`, and if `y_true` has no events.

    Examples
    --------
    >>> import pandas as pd
    >>> from sk_audioevents.metrics import psd_roc
    >>> y_true = pd.DataFrame({"path": ["a"], "onset": [1.0], "offset": [3.0], "label": ["dog"]})
    >>> y_score = pd.DataFrame({"path": "a", "onset": range(4), "offset": range(1, 5)})
    >>> y_score["dog"] = [0.1, 0.9, 0.8, 0.0]
    >>> efpr, etpr = psd_roc(y_true, y_score, durations=3600.0)
    >>> efpr.tolist(), etpr.tolist()
    ([0.0], [1.0])
    """
    scenario = SCENARIOS.get(scenario, scenario)
    _, curves = _class_curves(y_true, y_score, scenario, durations, "psd_roc")
    if not curves:
        raise ValueError("The 'y_true' parameter of psd_roc must hold events. Got none.")
    return _mean_curve(curves.values(), scenario)


def _class_curves(y_true, y_score, scenario, durations, name):
    """Return all labels, and for each that occurs its curve: rates and ratios, both rising."""
    frames = check_frame_scores(y_score, name)
    true = _check_truth(y_true, frames, durations, name)
    n_classes = len(frames.labels)
    n_true = np.bincount(true.label, minlength=n_classes)
    seconds = np.bincount(true.label, true.offset - true.onset, minlength=n_classes)
    hours = _total_duration(frames, durations, name) / SECONDS_PER_HOUR
    groups = true.file * n_classes + true.label
    first_events = np.searchsorted(groups, np.arange(len(frames.paths) * n_classes + 1))
    curves = {}
    for i in np.flatnonzero(n_true):
        weights = _cross_trigger_weights(seconds, i, scenario)
        changes = _sweep(i, frames, true, first_events, weights, scenario)
        curves[frames.labels[i]] = _class_curve(changes, n_true[i], hours, scenario)
    return frames.labels, curves


def _check_truth(y_true, frames, durations, name):
    """Return the true events, sorted by file, label and onset."""
    parameter = f"The 'y_true' parameter of {name}"
    table = check_events(y_true, name=parameter, labels=frames.labels, duration=durations)
    files = frames.paths.get_indexer(pd.Index(table["path"]))
    if (files < 0).any():
        raise ValueError(
            f"{parameter} must hold no paths but those in 'y_score'. "
            f"Got {table['path'].iloc[np.flatnonzero(files < 0)[0]]!r}."
        )
    label = frames.labels.get_indexer(pd.Index(table["label"], dtype=object))
    onset, offset = table["onset"].to_numpy(), table["offset"].to_numpy()
    true = EventSet(files, label, onset, offset).take(np.lexsort((onset, label, files)))
    check_disjoint(true, frames.labels, "y_true", name)
    return true


def _total_duration(frames, durations, name):
    """Return the length of all files together, in seconds."""
    if durations is None:
        return frames.ends.sum()
    if isinstance(durations, Real):
        return durations * len(frames.paths)
    by_path = dict(durations.items())
    by_path = dict(zip(path_column(list(by_path), "The paths of 'durations'"), by_path.values()))
    missing = [path for path in frames.paths if path not in by_path]
    if missing:
        raise ValueError(
            f"The 'durations' parameter of {name} must have a duration for each path in 'y_score'. "
            f"Got none for {missing[0]!r}."
        )
    return float(sum(by_path[path] for path in frames.paths))


def _cross_trigger_weights(seconds, label, scenario):
    """Return what a cross trigger in each other class adds to the false positive rate per second.

    It is the class's share of the mean over the other classes, per second of its events.
    """
    occurs = seconds > 0
    occurs[label] = False
    weights = np.zeros(len(seconds))
    if scenario.alpha_ct > 0 and occurs.any():
        weights[occurs] = scenario.alpha_ct / (seconds[occurs] * occurs.sum())
    return weights


def _sweep(label, frames, true, first_events, weights, scenario):
    from sk_audioevents.metrics import _psds_kernel as kernel  # imports numba

    scores = frames.scores[label]
    cross_tolerance = 1.0 if scenario.cttc_threshold is None else scenario.cttc_threshold
    return kernel.sweep_files(
        label,
        scores,
        np.lexsort((-scores, frames.files)),
        frames.edges,
        frames.first_frames,
        true.onset,
        true.offset,
        first_events,
        weights,
        (float(scenario.dtc_threshold), float(scenario.gtc_threshold), float(cross_tolerance)),
    )


def _class_curve(changes, n_true, hours, scenario):
    """Return the effective false positive rates per hour and the largest ratio up to each."""
    changes = changes[np.argsort(-changes[:, 0], kind="stable")]
    totals = np.cumsum(changes[:, 1:], axis=0)
    is_last = np.append(np.diff(changes[:, 0]) != 0, True)[: len(changes)]  # of its score
    n_hits, n_false, cross_rate = np.vstack([np.zeros(3), totals[is_last]]).T
    # Sums of weights that cancel each other may end just below 0.
    rates = n_false / hours + np.maximum(cross_rate, 0.0) * SECONDS_PER_HOUR
    order = np.lexsort((n_hits, rates))
    rates, ratios = rates[order], np.maximum.accumulate(n_hits[order]) / n_true
    is_last = np.append(np.diff(rates) > 0, True) & (rates <= scenario.max_efpr)
    rates, ratios = rates[is_last], ratios[is_last]
    rises = np.diff(ratios, prepend=-1.0) > 0
    return rates[rises], ratios[rises]


def _mean_curve(curves, scenario):
    """Return the union of the rates, and the effective ratio over all classes at each."""
    rates = np.unique(np.concatenate([rates for rates, _ in curves]))
    ratios = np.stack(
        [
            ratios[np.searchsorted(class_rates, rates, side="right") - 1]  # all begin at rate 0
            for class_rates, ratios in curves
        ]
    )
    effective = ratios.mean(axis=0) - scenario.alpha_st * ratios.std(axis=0)
    return rates, np.maximum(effective, 0.0)


def _area(rates, ratios, max_rate):
    """Return the area under a staircase, as a share of the largest possible."""
    return float(ratios @ np.diff(rates, append=max_rate)) / max_rate
