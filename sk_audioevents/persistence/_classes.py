"""The classes that a model may consist of, and how the fitted state of each is stored.

No other class is ever made, and none of these is found by a name that a file has chosen: names of
files are looked up in this table.
"""

from functools import cache
from importlib import import_module

import numpy as np
from sklearn.utils import Bunch

from sk_audioevents.events._labels import EventLabels
from sk_audioevents.persistence._fitted_attributes import (
    FittedAttributes,
    is_count,
    is_estimator,
    is_floats,
    is_labels,
)
from sk_audioevents.persistence._fitted_network import FittedNetwork


def _has_steps(pipeline):
    """Tell whether the steps of a pipeline are names and estimators."""
    steps = [(type(step), len(step), type(step[0]), step[1]) for step in pipeline.steps]
    return len(steps) > 0 and all(
        (kind, length, name) == (tuple, 2, str)
        and (is_estimator(step) or step is None or (type(step) is str and step == "passthrough"))
        for kind, length, name, step in steps
    )


def _is_linear(model):
    """Tell whether coefficients and intercepts are those of so many classes and features."""
    n_rows = 1 if len(model.classes_) == 2 else len(model.classes_)
    return np.shape(model.coef_) == (n_rows, model.n_features_in_) and (
        np.shape(model.intercept_) in [(), (n_rows,)]
    )


def _is_scaler(scaler):
    """Tell whether the statistics are those of so many features."""
    return all(
        statistic is None or np.shape(statistic) == (scaler.n_features_in_,)
        for statistic in (scaler.mean_, scaler.scale_, scaler.var_)
    )


def _is_committee(model):
    """Tell whether the members are those of the parameters, and agree on the number of classes."""
    used = [name for name, member in model.estimators if member != "drop"]
    members = dict(zip(used, model.estimators_))
    names = [name for name, _ in model.estimators]
    model.named_estimators_ = Bunch(**{name: members.get(name, "drop") for name in names})
    return (
        len(used) == len(members) == len(model.estimators_)
        and (model.weights is None or len(model.weights) == len(names))
        and name_of(type(model.le_)) == "sklearn.preprocessing.LabelEncoder"
        and np.array_equal(model.le_.classes_, model.classes_)
        and all(len(member.classes_) == len(model.classes_) for member in model.estimators_)
    )


def _is_conformal(model):
    """Tell whether there is a threshold for each class."""
    n_classes = (len(model.classes_),)
    return (
        n_classes
        == model.thresholds_.shape
        == model.n_calibration_.shape
        == np.shape(model.estimator_.classes_)
    )


def _is_detector(detector):
    """Tell whether the labels are some of the classes, with a threshold each."""
    if not hasattr(detector, "estimator_"):
        return True
    labels = detector._labels
    detector.labels_ = labels.names
    return (
        np.array_equal(labels.classes, detector.estimator_.classes_)
        and len(labels.names) == len(labels.columns)
        and bool(np.isin(labels.columns, np.arange(len(labels.classes))).all())
        and detector.thresholds_.keys() == set(labels.names.tolist())
        and all(0 <= threshold <= 1 for threshold in detector.thresholds_.values())
    )


def _is_estimators(value):
    return type(value) is list and len(value) > 0 and all(map(is_estimator, value))


def _is_thresholds(value):
    return isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype == float


def _is_statistic(value):
    return value is None or is_floats(value)


STATELESS = FittedAttributes()
LINEAR = FittedAttributes(
    required={"classes_": is_labels, "coef_": is_floats, "intercept_": is_floats},
    optional={"n_iter_": lambda value: is_count(value) or is_labels(value)},
    consistent=_is_linear,
)
SCALER = FittedAttributes(
    required={"n_samples_seen_": lambda value: np.asarray(value).dtype.kind in "iuf"},
    optional={"mean_": _is_statistic, "scale_": _is_statistic, "var_": _is_statistic},
    consistent=_is_scaler,
)
COMMITTEE = FittedAttributes(
    required={"estimators_": _is_estimators, "le_": is_estimator, "classes_": is_labels},
    consistent=_is_committee,
)
CONFORMAL = FittedAttributes(
    required={
        "estimator_": is_estimator,
        "classes_": is_labels,
        "thresholds_": _is_thresholds,
        "n_calibration_": is_labels,
        "_multilabel": lambda value: type(value) is bool,
    },
    consistent=_is_conformal,
)
DETECTOR = FittedAttributes(
    required={
        "estimator_": is_estimator,
        "thresholds_": lambda value: type(value) is dict,
        "_labels": lambda value: isinstance(value, EventLabels),
    },
    consistent=_is_detector,
)
# What a file calls a class: its public name. New names may come, and none may ever go.
CLASSES = {
    "sk_audioevents.LogMelTransformer": STATELESS,
    "sk_audioevents.MFCCTransformer": STATELESS,
    "sk_audioevents.SLATSegmenter": STATELESS,
    "sk_audioevents.VGGEventClassifier": FittedNetwork(),
    "sk_audioevents.WaveformEventClassifier": FittedNetwork(),
    "sk_audioevents.augmentation.BackgroundMix": None,
    "sk_audioevents.augmentation.BackgroundNoise": None,
    "sk_audioevents.augmentation.BetweenClass": None,
    "sk_audioevents.augmentation.Compose": None,
    "sk_audioevents.augmentation.FrequencyShift": None,
    "sk_audioevents.augmentation.Gain": None,
    "sk_audioevents.augmentation.Mixup": None,
    "sk_audioevents.augmentation.PitchShift": None,
    "sk_audioevents.augmentation.SpecAugment": None,
    "sk_audioevents.augmentation.SpeedPerturb": None,
    "sk_audioevents.augmentation.TimeShift": None,
    "sk_audioevents.augmentation.TimeStretch": None,
    "sk_audioevents.augmentation.WaveformAugmenter": STATELESS,
    "sk_audioevents.augmentation.WaveformShift": None,
    "sk_audioevents.calibration.ConformalClassifier": CONFORMAL,
    "sk_audioevents.events.EventLabels": None,
    "sk_audioevents.events.SoundEventDetector": DETECTOR,
    "sk_audioevents.model_selection.MultilabelStratifiedGroupKFold": None,
    "sk_audioevents.model_selection.MultilabelStratifiedKFold": None,
    "sklearn.ensemble.VotingClassifier": COMMITTEE,
    "sklearn.frozen.FrozenEstimator": None,
    "sklearn.linear_model.LogisticRegression": LINEAR,
    "sklearn.model_selection.GroupKFold": None,
    "sklearn.model_selection.KFold": None,
    "sklearn.model_selection.StratifiedGroupKFold": None,
    "sklearn.model_selection.StratifiedKFold": None,
    "sklearn.pipeline.Pipeline": FittedAttributes(consistent=_has_steps),
    "sklearn.preprocessing.LabelEncoder": FittedAttributes({"classes_": is_labels}),
    "sklearn.preprocessing.StandardScaler": SCALER,
    "sklearn.svm.LinearSVC": LINEAR,
}
NOT_PUBLIC = {"sk_audioevents.events.EventLabels": "sk_audioevents.events._labels"}


@cache
def class_named(name):
    """Return the class of the table that has a name.

    Parameters
    ----------
    name : str
        A key of ``CLASSES``.

    Returns
    -------
    cls : type
        The class.
    """
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(NOT_PUBLIC.get(name, module)), attribute)


def name_of(cls):
    """Return the name that a class has in files, or None if it is not in the table.

    Parameters
    ----------
    cls : type
        The class; not one derived from it.

    Returns
    -------
    name : str or None
        Its name.
    """
    names = [name for name in CLASSES if name.rpartition(".")[2] == cls.__name__]
    return next((name for name in names if class_named(name) is cls), None)
