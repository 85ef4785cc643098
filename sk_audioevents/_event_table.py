"""What a table of sound events may be: one check and one error sentence for all who take one."""

import os
from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np
import pandas as pd

EVENT_COLUMNS = ("path", "onset", "offset", "label")
ROUNDING = 1e-3  # seconds; what an offset may lie past the end, since tables are often rounded


def check_events(events, *, name, labels=None, duration=None, with_score=False):
    """Check a table of sound events, and bring it into order.

    Parameters
    ----------
    events : DataFrame
        One row an event, in any order and with any index: ``path`` (a file, or the row number of a
        waveform in X), ``onset`` and ``offset`` (seconds from the start of the recording),
        ``label``; ``score`` if `with_score`. Other columns are left out. A table without rows is a
        table of no events.
    name : str
        What errors call the table, such as ``"The 'y_true' parameter of event_scores"``.
    labels : sequence, default=None
        The labels that may occur. None allows all.
    duration : float or mapping of paths to floats, default=None
        The length of all recordings or of each, in seconds; a Series by path is a mapping too.
        Offsets up to 1 ms past the end become the end. None does not look at ends.
    with_score : bool, default=False
        Whether each event has a finite score.

    Returns
    -------
    events : DataFrame
        The columns path (str or int64), onset, offset (float64), label and, if `with_score`, score
        (float64), sorted by path, onset and offset, with a default index.

    Raises
    ------
    TypeError
        If `events` is no DataFrame, or a path is neither a path nor a row number.
    ValueError
        If a column is missing, a time or score is not a finite number, an event does not satisfy
        0 <= onset < offset or ends after its recording, a label is missing or unknown, or two rows
        are the same event (path, onset, offset and label).
    """
    columns = (*EVENT_COLUMNS, "score") if with_score else EVENT_COLUMNS
    _check_columns(events, columns, name)
    table = pd.DataFrame({"path": path_column(events["path"], name)})
    for column in columns[1:]:
        values = events[column].reset_index(drop=True)
        table[column] = values if column == "label" else _numbers(values, name)
    _check_times(table, name)
    _check_labels(table["label"], labels, name)
    if duration is not None:
        _clip_to_duration(table, duration, name)
    _check_duplicates(table, name)
    return table.sort_values(["path", "onset", "offset"], kind="stable", ignore_index=True)


def path_column(paths, name):
    """Return paths as a Series of str, or row numbers as a Series of int64.

    Parameters
    ----------
    paths : sequence of str, PathLike or int
        The paths.
    name : str
        What errors call the table or list that they come from.

    Returns
    -------
    paths : Series
        The same, with a default index.

    Raises
    ------
    TypeError
        If a path is neither a path nor a row number, or paths and row numbers are mixed.
    """
    column = pd.Series(paths).reset_index(drop=True)
    if pd.api.types.is_integer_dtype(column.dtype) and not column.hasnans:
        return column.astype(np.int64)
    if isinstance(column.dtype, pd.StringDtype) and not column.hasnans:
        return column
    items = [os.fspath(item) if isinstance(item, os.PathLike) else item for item in column.tolist()]
    kinds = {_kind_of_path(item) for item in items}
    if None in kinds:
        row = next(i for i, item in enumerate(items) if _kind_of_path(item) is None)
        raise TypeError(
            f"{name} must hold a path (str or PathLike) or the row number of a waveform (int) in "
            f"'path'. Row {row} holds {items[row]!r:.60}."
        )
    if len(kinds) > 1:
        raise TypeError(f"{name} must hold either paths or row numbers in 'path'. Got both.")
    return pd.Series(items, dtype=np.int64 if kinds == {int} else None if items else object)


def _kind_of_path(item):
    if isinstance(item, str):
        return str
    return int if isinstance(item, Integral) and not isinstance(item, bool) else None


def _check_columns(events, columns, name):
    if not isinstance(events, pd.DataFrame):
        raise TypeError(
            f"{name} must be a DataFrame with the columns {', '.join(columns)}. "
            f"Got {type(events).__name__} instead."
        )
    missing = [column for column in columns if column not in events.columns]
    if missing:
        raise ValueError(
            f"{name} must have the columns {', '.join(columns)}. Missing: {', '.join(missing)}; "
            f"got {', '.join(map(str, events.columns)) or 'none'}."
        )


def _numbers(values, name):
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} must hold numbers in {values.name!r}. Got dtype {values.dtype}: "
            "is it text with units or a decimal comma?"
        ) from None
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        raise ValueError(
            f"{name} must hold finite numbers in {values.name!r}. Row {bad[0]} holds "
            f"{numbers[bad[0]]}: a recording without events has no row."
        )
    return numbers


def _check_times(table, name):
    bad = np.flatnonzero(~((table["onset"] >= 0) & (table["onset"] < table["offset"])))
    if len(bad):
        row = table.loc[bad[0]]
        raise ValueError(
            f"{name} must satisfy 0 <= onset < offset, in seconds. Row {bad[0]}, {row.path!r}, has "
            f"onset={row.onset}, offset={row.offset}."
        )


def _check_labels(column, labels, name):
    if column.isna().any():
        row = np.flatnonzero(column.isna())[0]
        raise ValueError(f"{name} must have a label in each row. Row {row} has none.")
    if labels is None:
        return
    unknown = column[~column.isin(list(labels))].unique()
    if len(unknown):
        raise ValueError(
            f"{name} must hold no labels but {_some(labels)}. Got {_some(unknown)}: are 'labels' "
            "complete, and spelt alike?"
        )


def _clip_to_duration(table, duration, name):
    """Check that events end with their recordings, and undo the rounding of those that do not."""
    if isinstance(duration, Real):
        ends = pd.Series(float(duration), index=table.index)
    elif isinstance(duration, (Mapping, pd.Series)):
        by_path = dict(duration.items())
        by_path = dict(zip(path_column(list(by_path), "The paths of 'duration'"), by_path.values()))
        unknown = table.loc[~table["path"].isin(list(by_path)), "path"].unique()
        if len(unknown):
            raise ValueError(f"{name} must hold no paths without a duration. Got {_some(unknown)}.")
        ends = table["path"].map(by_path).astype(np.float64)
    else:
        raise TypeError(
            "The 'duration' of a table of events must be a number of seconds or a mapping from "
            f"paths to seconds. Got {type(duration).__name__} instead."
        )
    late = np.flatnonzero(~((table["offset"] <= ends + ROUNDING) & (table["onset"] < ends)))
    if len(late):
        row = table.loc[late[0]]
        raise ValueError(
            f"{name} must hold events within their recordings. Row {late[0]}, {row.path!r}, has "
            f"onset={row.onset}, offset={row.offset} and a duration of {ends[late[0]]} s."
        )
    table["offset"] = np.minimum(table["offset"], ends)


def _check_duplicates(table, name):
    repeated = np.flatnonzero(table.duplicated(list(EVENT_COLUMNS)))
    if len(repeated):
        row = table.loc[repeated[0]]
        raise ValueError(
            f"{name} must hold each event once. Row {repeated[0]} repeats {row.label!r} in "
            f"{row.path!r} from {row.onset} s to {row.offset} s: drop_duplicates() removes it."
        )


def _some(items):
    """Return the first items as text."""
    items = [repr(getattr(item, "item", lambda item=item: item)()) for item in items]
    return ", ".join(items[:5]) + (f" and {len(items) - 5} more" if len(items) > 5 else "")
