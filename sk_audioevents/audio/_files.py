"""Whether there is a readable file at each path, found out before anything is decoded."""

import os
import stat

from sk_audioevents._base import StrOptions, validate_params
from sk_audioevents.exceptions import AudioDecodeError, AudioFileNotFoundError

MAX_FILE_SIZE = 2**36  # bytes: 64 GiB, a day of 16-bit mono at 384 kHz


@validate_params(
    {"paths": ["array-like"], "on_error": [StrOptions({"raise", "warn"})]},
    prefer_skip_nested_validation=True,
)
def check_files(paths, *, on_error="raise"):
    """Check that there is a file to read at every path.

    Nothing is decoded: a typing error in the last of 10,000 paths shows at once, not after an
    hour. Each distinct path is looked at once, however many windows of it there are.

    Parameters
    ----------
    paths : array-like of str or os.PathLike
        The recordings. The same one may come more than once.
    on_error : {"raise", "warn"}, default="raise"
        Whether to raise one error for all the files with a problem, or to return the problems.

    Returns
    -------
    problems : dict of {int: AudioDecodeError}
        The rows of `paths` whose file cannot be read, in order, with the reason. Empty if all can.

    Raises
    ------
    AudioFileNotFoundError
        If `on_error` is "raise" and there is no file at the first path with a problem. Like the
        next, the error says how many other files have problems.
    AudioDecodeError
        If `on_error` is "raise" and the first path with a problem leads to something that is no
        regular file, is empty, is larger than 64 GiB or may not be read.
    ValueError
        If `paths` is no list or array, or `on_error` is neither of the two.

    Examples
    --------
    >>> from sk_audioevents.audio import check_files
    >>> problems = check_files(["gone.wav"], on_error="warn")
    >>> problems[0].path
    'gone.wav'
    """
    distinct = {}
    for path in paths:
        distinct.setdefault(os.fspath(path), path)
    errors = {key: _file_error(path) for key, path in distinct.items()}
    found = [error for error in errors.values() if error is not None]
    if found and on_error == "raise":
        raise _with_count(found, len(errors))
    rows = ((row, errors[os.fspath(path)]) for row, path in enumerate(paths))
    return {row: error for row, error in rows if error is not None}


def file_size(path):
    """Return the size of the file at a path, without opening it.

    Parameters
    ----------
    path : str or os.PathLike
        Where the file should be.

    Returns
    -------
    size : int
        In bytes.

    Raises
    ------
    AudioFileNotFoundError
        If there is no file.
    AudioDecodeError
        If what is there is no regular file, is empty or is larger than 64 GiB.
    """
    try:
        encoded = system_path(path)
        status = os.stat(encoded)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise AudioFileNotFoundError(path, _missing_problem(encoded)) from error
    except OSError as error:
        raise AudioDecodeError(path, f"the path cannot be opened ({error.strerror})") from error
    except ValueError as error:
        problem = f"the path is not one that a file can have ({error})"
        raise AudioDecodeError(path, problem) from error
    problem = _status_problem(status)
    if problem is not None:
        raise AudioDecodeError(path, problem)
    return status.st_size


def system_path(path):
    """Return a path in the form that libsndfile opens whatever its characters.

    That is bytes where file names are bytes, also for names that are not valid UTF-8, and str on
    Windows, where libsndfile has a function of its own for Unicode names.
    """
    return os.fsdecode(path) if os.name == "nt" else os.fsencode(path)


def _file_error(path):
    try:
        file_size(path)
    except AudioDecodeError as error:
        return error
    if not os.access(system_path(path), os.R_OK):
        return AudioDecodeError(path, "reading it is not permitted")
    return None


def _missing_problem(encoded):
    path = os.fsdecode(encoded)
    if os.path.islink(path):
        return f"the link leads to {os.readlink(path)!r}, where there is no file"
    if not os.path.isabs(path):
        return f"there is no such file in {os.getcwd()!r}, where the path starts"
    return "there is no such file"


def _status_problem(status):
    if stat.S_ISDIR(status.st_mode):
        return "it is a folder. Pass the paths of the files in it"
    if not stat.S_ISREG(status.st_mode):
        # Opening a pipe would wait for ever for someone to write into it.
        return "it is no regular file but a pipe or a device"
    if status.st_size == 0:
        return "the file is empty"
    if status.st_size > MAX_FILE_SIZE:
        return f"the file has {status.st_size / 2**30:.0f} GiB, and at most 64 GiB are read"
    return None


def _with_count(errors, n_files):
    first, n_others = errors[0], len(errors) - 1
    if n_others == 0:
        return first
    have = (
        "1 other file has a problem" if n_others == 1 else f"{n_others} other files have problems"
    )
    return type(first)(first.path, f"{first.problem}; {have}, of {n_files} in all")
