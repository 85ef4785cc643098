"""Errors and warnings that a user may want to catch."""


class AudioDecodeError(ValueError):
    """A recording cannot be read, or what was read is not what the file promises.

    Parameters
    ----------
    path : str or os.PathLike
        The file, as the user named it.
    problem : str
        What is wrong with it, in one sentence without a full stop.

    Attributes
    ----------
    path : str or os.PathLike
        The file.
    problem : str
        The reason.
    """

    def __init__(self, path, problem):
        self.path = path
        self.problem = problem
        super().__init__(path, problem)

    def __str__(self):
        return f"Cannot decode {str(self.path)!r}: {self.problem}."


class AudioFileNotFoundError(AudioDecodeError, FileNotFoundError):
    """There is no file at a path.

    It is a `FileNotFoundError` too, so that code written for Python's own error catches it.
    """

    __str__ = AudioDecodeError.__str__


class AudioDecodeWarning(UserWarning):
    """Recordings could not be decoded and stand in the result as silence."""
