"""Which part of the sound decided: layer-wise relevance propagation, and baselines beside it."""

from sk_audioevents.explain._baselines import (
    grad_cam,
    gradient_times_input,
    integrated_gradients,
)
from sk_audioevents.explain._lrp import explain_lrp
from sk_audioevents.explain._relevance import RecordingRelevance, Relevance
from sk_audioevents.explain._rules import (
    AlphaBetaRule,
    EpsilonRule,
    FlatRule,
    GammaRule,
    ZBoxRule,
    ZPlusRule,
)
from sk_audioevents.explain._sonification import relevant_audio

__all__ = [
    "AlphaBetaRule",
    "EpsilonRule",
    "FlatRule",
    "GammaRule",
    "RecordingRelevance",
    "Relevance",
    "ZBoxRule",
    "ZPlusRule",
    "explain_lrp",
    "grad_cam",
    "gradient_times_input",
    "integrated_gradients",
    "relevant_audio",
]
