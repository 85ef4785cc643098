"""The one doorway to scikit-learn's private helpers.

What scikit-learn does not promise to keep is imported here and nowhere else, so that a new release
can only break this file.
"""

from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from sklearn.utils.multiclass import _check_partial_fit_first_call as check_first_call_classes
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

__all__ = [
    "Interval",
    "StrOptions",
    "check_first_call_classes",
    "check_sample_weight",
    "fit_context",
    "validate_params",
]
