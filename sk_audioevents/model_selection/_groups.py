"""Which clips belong together."""

import numpy as np
import pandas as pd
from sklearn.utils import column_or_1d


def group_codes(groups, name):
    """Give each clip the number of its group, from 0 in the order in which they first come.

    Parameters
    ----------
    groups : array-like of shape (n_clips,)
        The group of each clip: names or numbers.
    name : str
        The function or class that errors speak of.

    Returns
    -------
    codes : ndarray of shape (n_clips,), dtype int64
        The number of the group of each clip.
    """
    codes, _ = pd.factorize(column_or_1d(groups))
    missing = np.flatnonzero(codes < 0)
    if len(missing):
        raise ValueError(
            f"The 'groups' parameter of {name} must name a group for each clip. That of clip "
            f"{missing[0]} is missing: None or NaN."
        )
    return codes
