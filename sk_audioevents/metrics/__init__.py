"""How good predictions are: per clip, per segment, per event."""

from sk_audioevents.metrics._bootstrap import BootstrapInterval, bootstrap_interval
from sk_audioevents.metrics._class_report import class_report, clip_scores
from sk_audioevents.metrics._clips import (
    accuracy,
    d_prime,
    lwlrap,
    mean_auc,
    mean_average_precision,
    mean_average_precision_at_k,
)
from sk_audioevents.metrics._events import event_report, event_scores
from sk_audioevents.metrics._intersections import intersection_report, intersection_scores
from sk_audioevents.metrics._psds import PSDSScenario, psd_roc, psds
from sk_audioevents.metrics._scorers import (
    CLIP_METRICS,
    accuracy_scorer,
    d_prime_scorer,
    lwlrap_scorer,
    mean_auc_scorer,
    mean_average_precision_at_k_scorer,
    mean_average_precision_scorer,
)
from sk_audioevents.metrics._segments import segment_report, segment_scores

__all__ = [
    "CLIP_METRICS",
    "BootstrapInterval",
    "PSDSScenario",
    "accuracy",
    "accuracy_scorer",
    "bootstrap_interval",
    "class_report",
    "clip_scores",
    "d_prime",
    "d_prime_scorer",
    "event_report",
    "event_scores",
    "intersection_report",
    "intersection_scores",
    "lwlrap",
    "lwlrap_scorer",
    "mean_auc",
    "mean_auc_scorer",
    "mean_average_precision",
    "mean_average_precision_at_k",
    "mean_average_precision_at_k_scorer",
    "mean_average_precision_scorer",
    "psd_roc",
    "psds",
    "segment_report",
    "segment_scores",
]
