"""What can be wrong with a model file, before anyone has said which file it is."""

from contextlib import contextmanager

from sk_audioevents.exceptions import ModelFormatError


class FormatProblem(Exception):  # noqa: N818
    """A model file is not as the format has it; never leaves the package."""


class NotStorable(Exception):  # noqa: N818
    """A value that a model file cannot hold; never leaves the package."""


@contextmanager
def problems_of(path):
    """Let the problems that are found within be errors that name the file.

    Parameters
    ----------
    path : str or os.PathLike
        The file or folder, as the user named it.
    """
    try:
        yield
    except FormatProblem as problem:
        raise ModelFormatError(path, str(problem)) from problem.__cause__
    except RecursionError:
        raise ModelFormatError(path, "its description is nested too deeply") from None


@contextmanager
def problem_with(what):
    """Let any error within be a problem of the file: it hands values of the file to other code.

    Parameters
    ----------
    what : str
        What is made of the values, as the subject of a sentence.
    """
    try:
        yield
    except (FormatProblem, RecursionError):
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise FormatProblem(f"{what} cannot be made of what it holds ({reason:.300})") from error
