"""Errors and warnings that a user may want to catch."""

import errno


class AudioDecodeError(ValueError):
    """A recording cannot be read, or what was read is not what the file promises.

    Parameters
    ----------
    path : str or os.PathLike
        The file, as the user named it.
    problem : str
        What is wrong with it, in one sentence without a full stop; it may end in a question.

    Attributes
    ----------
    path : str or os.PathLike
        The file.
    problem : str
        The reason.

    Examples
    --------
    >>> from sk_audioevents.audio import load_audio
    >>> from sk_audioevents.exceptions import AudioDecodeError
    >>> try:
    ...     load_audio("gone.wav")
    ... except AudioDecodeError as error:
    ...     print(error.path)
    gone.wav
    """

    def __init__(self, path, problem):
        self.path = path
        self.problem = problem
        super().__init__(path, problem)

    def __reduce__(self):
        return type(self), (self.path, self.problem)  # errors cross process borders by pickle

    def __str__(self):
        stop = "" if self.problem.endswith("?") else "."
        return f"Cannot decode {str(self.path)!r}: {self.problem}{stop}"


class AudioFileNotFoundError(AudioDecodeError, FileNotFoundError):
    """There is no file at a path.

    It is a `FileNotFoundError` too, so that code written for Python's own error catches it.

    Parameters
    ----------
    path : str or os.PathLike
        The file, as the user named it.
    problem : str
        What is wrong, in one sentence without a full stop.

    Examples
    --------
    >>> from sk_audioevents.audio import load_audio
    >>> try:
    ...     load_audio("gone.wav")
    ... except FileNotFoundError as error:
    ...     print(type(error).__name__)
    AudioFileNotFoundError
    """

    def __init__(self, path, problem):
        super().__init__(path, problem)
        self.errno = errno.ENOENT
        self.filename = path

    __reduce__ = AudioDecodeError.__reduce__
    __str__ = AudioDecodeError.__str__


class AudioDecodeWarning(UserWarning):
    """Recordings could not be decoded and stand in the result as silence.

    Examples
    --------
    >>> import warnings
    >>> from sk_audioevents.exceptions import AudioDecodeWarning
    >>> warnings.simplefilter("error", AudioDecodeWarning)  # doctest: +SKIP
    """


class ModelFormatError(ValueError):
    """A file or folder is no model of this package, is damaged, or is of a newer format.

    Parameters
    ----------
    path : str or os.PathLike
        The file or folder, as the user named it.
    problem : str
        What is wrong with it, in one sentence without a full stop; it may end in a question.

    Attributes
    ----------
    path : str or os.PathLike
        The file or folder.
    problem : str
        The reason.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sk_audioevents.exceptions import ModelFormatError
    >>> from sk_audioevents.persistence import load_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "stranger.safetensors"
    ...     _ = path.write_bytes(b"no model at all")
    ...     try:
    ...         load_model(path)
    ...     except ModelFormatError as error:
    ...         print(error.path == path)
    True
    """

    def __init__(self, path, problem):
        self.path = path
        self.problem = problem
        super().__init__(path, problem)

    def __reduce__(self):
        return type(self), (self.path, self.problem)

    def __str__(self):
        stop = "" if self.problem.endswith("?") else "."
        return f"Cannot load the model {str(self.path)!r}: {self.problem}{stop}"


class ParameterNotSavedWarning(UserWarning):
    """A parameter that only matters for training could not be stored with a model.

    Examples
    --------
    >>> import warnings
    >>> from sk_audioevents.exceptions import ParameterNotSavedWarning
    >>> warnings.simplefilter("ignore", ParameterNotSavedWarning)  # doctest: +SKIP
    """
