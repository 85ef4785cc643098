"""The record of a training, as a table."""

from numbers import Real

import pandas as pd

FIRST_COLUMNS = ("epoch", "train_loss", "valid_loss", "learning_rate", "seconds")


def history_table(history):
    """Return a skorch history as a DataFrame.

    Parameters
    ----------
    history : skorch.history.History
        The record of each epoch.

    Returns
    -------
    table : DataFrame of shape (n_epochs, n_columns)
        One row per epoch, with what is a number in its record.
    """
    columns = {"dur": "seconds"}
    rows = [
        {
            columns.get(key, key): value
            for key, value in row.items()
            if isinstance(value, Real) and not key.endswith(("_best", "_batch_count"))
        }
        for row in history
    ]
    table = pd.DataFrame(rows)
    first = [name for name in FIRST_COLUMNS if name in table]
    return table[first + [name for name in table if name not in first]]
