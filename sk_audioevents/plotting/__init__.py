"""Pictures of results; the only place that knows matplotlib."""

from sk_audioevents.plotting._class_report import ClassReportDisplay
from sk_audioevents.plotting._event_timeline import EventTimelineDisplay
from sk_audioevents.plotting._multilabel_confusion import MultilabelConfusionDisplay
from sk_audioevents.plotting._relevance import RelevanceDisplay
from sk_audioevents.plotting._threshold_curve import ThresholdCurveDisplay
from sk_audioevents.plotting._training_history import TrainingHistoryDisplay

__all__ = [
    "ClassReportDisplay",
    "EventTimelineDisplay",
    "MultilabelConfusionDisplay",
    "RelevanceDisplay",
    "ThresholdCurveDisplay",
    "TrainingHistoryDisplay",
]
