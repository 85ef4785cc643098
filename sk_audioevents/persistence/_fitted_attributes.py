"""Fitted state that is a few attributes, each of which is checked before it is set."""

import numpy as np
from sklearn.base import BaseEstimator

from sk_audioevents.persistence._problems import FormatProblem, problem_with
from sk_audioevents.persistence._values import check_fields, decode, encode


def is_count(value):
    """Tell whether a value is an int from 1 on."""
    return type(value) is int and value > 0


def is_labels(value):
    """Tell whether a value is an array (n_labels,) of numbers, text or objects."""
    return isinstance(value, np.ndarray) and value.ndim == 1 and len(value) > 0


def is_names(value):
    """Tell whether a value is what ``feature_names_in_`` may be."""
    return is_labels(value) and value.dtype == object and all(type(name) is str for name in value)


def is_floats(value):
    """Tell whether a value is an array of finite floats, or one float."""
    return np.asarray(value).dtype.kind == "f" and bool(np.isfinite(value).all())


def is_estimator(value):
    """Tell whether a value is an estimator."""
    return isinstance(value, BaseEstimator)


INPUT = {"n_features_in_": is_count, "feature_names_in_": is_names}


class FittedAttributes:
    """How the fitted state of a class is stored: as attributes.

    Parameters
    ----------
    required : dict of {str: callable}, default={}
        The attributes that make it fitted, and what tells whether a value is right for one. None of
        them: the class learns nothing, and is as good as fitted.
    optional : dict of {str: callable}, default={}
        Attributes that it may have besides.
    consistent : callable, default=None
        What tells of an estimator whether its attributes fit each other, and its parameters.
    """

    def __init__(self, required=None, optional=None, consistent=None):
        self.required = required or {}
        self.optional = INPUT | (optional or {})
        self.consistent = consistent

    def pack(self, estimator, where, packer):
        """Return the fitted attributes as JSON, or None if there are none.

        Parameters
        ----------
        estimator : estimator
            The estimator.
        where : str
            Its place in the model.
        packer : Packer
            What takes tensors.

        Returns
        -------
        fitted : dict or None
            The attributes.
        """
        known = [*self.required, *self.optional]
        if self.required and not hasattr(estimator, known[0]):
            return None
        return {
            name: encode(vars(estimator)[name], f"{where}.{name}", packer)
            for name in known
            if name in vars(estimator)
        }

    def unpack(self, estimator, fitted, unpacker):
        """Set the fitted attributes.

        Parameters
        ----------
        estimator : estimator
            The estimator, as its parameters make it.
        fitted : dict or None
            What ``pack`` returned.
        unpacker : Unpacker
            What has the tensors.
        """
        name = type(estimator).__name__
        if fitted is not None:
            check_fields(fitted, f"the fitted {name}", self.required, self.optional)
            for attribute, content in fitted.items():
                value = decode(content, unpacker)
                check = self.required.get(attribute) or self.optional[attribute]
                if not check(value):
                    raise FormatProblem(f"the {attribute!r} of its {name} is {value!r:.80}")
                setattr(estimator, attribute, value)
        if self.consistent is not None and (fitted is not None or not self.required):
            with problem_with(f"a {name}"):
                if not self.consistent(estimator):
                    raise FormatProblem(f"the parts of its {name} do not fit each other")
