"""Folds that keep recordings together and classes even, and a check for clips on both sides."""

from sk_audioevents.model_selection._leakage import check_leakage
from sk_audioevents.model_selection._multilabel_folds import (
    MultilabelStratifiedGroupKFold,
    MultilabelStratifiedKFold,
)

__all__ = ["MultilabelStratifiedGroupKFold", "MultilabelStratifiedKFold", "check_leakage"]
