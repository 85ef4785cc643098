"""The one doorway to scikit-learn's private helpers.

What scikit-learn does not promise to keep is imported here and nowhere else, so that a new release
can only break this file.
"""

from numbers import Integral

from sklearn.base import _fit_context as fit_context
from sklearn.metrics._scorer import _Scorer as Scorer
from sklearn.pipeline import _name_estimators as name_estimators
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions, validate_params
from sklearn.utils.metadata_routing import _raise_for_params as raise_for_params
from sklearn.utils.metaestimators import _BaseComposition as BaseComposition
from sklearn.utils.multiclass import _check_partial_fit_first_call as check_first_call_classes
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _estimator_has as estimator_has

# Number of parallel jobs as joblib has it: any int but 0, or None.
N_JOBS = [
    Interval(Integral, None, -1, closed="right"),
    Interval(Integral, 1, None, closed="left"),
    None,
]

__all__ = [
    "N_JOBS",
    "BaseComposition",
    "HasMethods",
    "Interval",
    "Scorer",
    "StrOptions",
    "check_first_call_classes",
    "check_method_params",
    "check_sample_weight",
    "estimator_has",
    "fit_context",
    "name_estimators",
    "raise_for_params",
    "safe_indexing",
    "validate_params",
]
