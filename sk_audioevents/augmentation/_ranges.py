"""The parameters that augmentations share, and what is wrong with a range."""

from numbers import Real

from sk_audioevents._base import Interval

PROBABILITY = [Interval(Real, 0, 1, closed="both")]


def check_range(augmentation, low_name, high_name):
    """Return the bounds of a range, after a check that the lower one is not above the upper one.

    Parameters
    ----------
    augmentation : estimator
        Whose parameters they are.
    low_name, high_name : str
        The names of the two parameters.

    Returns
    -------
    low, high : float
        Their values.

    Raises
    ------
    ValueError
        If the lower bound is above the upper one.
    """
    low, high = getattr(augmentation, low_name), getattr(augmentation, high_name)
    if low > high:
        raise ValueError(
            f"The {low_name!r} parameter of {type(augmentation).__name__} must be at most its "
            f"{high_name!r}. Got {low!r} and {high!r}: are they swapped?"
        )
    return float(low), float(high)
