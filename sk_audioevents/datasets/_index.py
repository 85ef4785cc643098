"""The tables that published data sets come with: read, checked, and turned into targets."""

import os

import numpy as np
import pandas as pd


def read_index(path, columns, **options):
    """Read a table that must have certain columns.

    Parameters
    ----------
    path : pathlib.Path
        A CSV file.
    columns : list of str
        Columns that must be there.
    **options : dict
        For `pandas.read_csv`.

    Returns
    -------
    index : DataFrame
        The table; what reads "NA" or "null" stays text.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no table, or lacks a column.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no {path.name} in {str(path.parent)!r}. Is the folder the right one, and "
            "the copy complete?"
        )
    try:
        index = pd.read_csv(path, keep_default_na=False, **options)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"The index {str(path)!r} is no table: {str(error).strip()}.") from error
    missing = [column for column in columns if column not in index.columns]
    if missing:
        raise ValueError(f"The index {str(path)!r} lacks the columns {missing}.")
    return index


def check_files_exist(paths):
    """Raise a FileNotFoundError unless there is a file at each path."""
    missing = [path for path in paths if not os.path.isfile(path)]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of the {len(paths)} files that the index names are missing, the first "
            f"is {missing[0]!r}. Is the copy complete?"
        )


def class_names(numbers, names):
    """Return the names of classes that an index numbers, in the order of their numbers.

    Parameters
    ----------
    numbers : Series of shape (n_clips,)
        The class of each clip.
    names : Series of shape (n_clips,)
        Its name.

    Returns
    -------
    class_names : ndarray of shape (n_classes,), dtype str
        The name of each class.

    Raises
    ------
    ValueError
        If the numbers do not run from 0 without a gap, or numbers and names contradict each other.
    """
    classes = pd.DataFrame({"number": numbers, "name": names})
    classes = classes.drop_duplicates().sort_values("number")
    numbered = list(classes["number"]) == list(range(len(classes)))
    if not numbered or classes["name"].duplicated().any():
        raise ValueError(
            "The index must give each class one number, from 0 without a gap, and one name. Got "
            f"{list(classes.itertuples(index=False, name=None))}."
        )
    return np.array(classes["name"], dtype=str)


def indicator(labels, classes):
    """Turn lists of labels into a 0/1 array.

    Parameters
    ----------
    labels : Series of shape (n_clips,)
        The labels of each clip in one str, with commas between them.
    classes : array-like of shape (n_classes,)
        All labels there are.

    Returns
    -------
    target : ndarray of shape (n_clips, n_classes), dtype int8
        1 where a clip has a label.

    Raises
    ------
    ValueError
        If a clip has a label that is none of the classes.
    """
    exploded = labels.reset_index(drop=True).str.split(",").explode().str.strip()
    columns = pd.Index(classes).get_indexer(exploded)
    if (columns < 0).any():
        clip = exploded.index[columns < 0][0]
        raise ValueError(
            f"Each label must be one of the {len(classes)} classes. Row {clip} of the index has "
            f"{exploded[columns < 0].iloc[0]!r}: do index and table of classes belong together?"
        )
    target = np.zeros((len(labels), len(classes)), dtype=np.int8)
    target[exploded.index, columns] = 1
    return target


def check_subset(subset, parts, name):
    """Return the parts of a data set that are asked for, in their own order.

    Parameters
    ----------
    subset : str or sequence of str
        The parts that are asked for.
    parts : tuple of str
        All there are.
    name : str
        The function that asks.

    Returns
    -------
    subset : tuple of str
        Those of the parts.

    Raises
    ------
    ValueError
        If it is empty, or one of them is none of the parts.
    """
    chosen = (subset,) if isinstance(subset, str) else tuple(subset)
    if not chosen or any(part not in parts for part in chosen):
        raise ValueError(
            f"The 'subset' parameter of {name} must be one of {list(parts)}, or a list of them. "
            f"Got {subset!r} instead."
        )
    return tuple(part for part in parts if part in chosen)
