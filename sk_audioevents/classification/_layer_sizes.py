"""Sizes of a network's layers, as parameters of an estimator."""

from numbers import Integral


def check_sizes(sizes, parameter, estimator, n_sizes=None, odd=False):
    """Check a sequence of positive ints.

    Parameters
    ----------
    sizes : sequence
        The value of the parameter.
    parameter : str
        Its name.
    estimator : estimator
        Whose it is.
    n_sizes : int, default=None
        How many there must be. None is at least one.
    odd : bool, default=False
        Whether they must be odd.

    Returns
    -------
    sizes : tuple of int
        The sizes.

    Raises
    ------
    ValueError
        If there are too few or too many, or one is no int or out of its range.
    """
    checked = tuple(sizes)
    right_number = len(checked) > 0 if n_sizes is None else len(checked) == n_sizes
    if not right_number or not all(is_positive(n) and (n % 2 or not odd) for n in checked):
        number = "at least one" if n_sizes is None else f"{n_sizes} (see 'channels'), each an"
        raise ValueError(
            f"The {parameter!r} parameter of {type(estimator).__name__} must be a sequence of "
            f"{number} {'odd ' if odd else ''}int in the range [1, inf). Got {sizes!r} instead."
        )
    return tuple(int(n) for n in checked)


def is_positive(number):
    """Tell whether a number is an int from 1 on."""
    return isinstance(number, Integral) and number > 0
