"""The one doorway to scikit-learn's private helpers.

What scikit-learn does not promise to keep is imported here and nowhere else, so that a new release
can only break this file.
"""

from numbers import Integral

from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from sklearn.utils.multiclass import _check_partial_fit_first_call as check_first_call_classes
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

# Number of parallel jobs as joblib has it: any int but 0, or None.
N_JOBS = [
    Interval(Integral, None, -1, closed="right"),
    Interval(Integral, 1, None, closed="left"),
    None,
]

__all__ = [
    "N_JOBS",
    "Interval",
    "StrOptions",
    "check_first_call_classes",
    "check_sample_weight",
    "fit_context",
    "validate_params",
]
