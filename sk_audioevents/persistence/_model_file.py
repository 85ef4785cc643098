"""Where a model is: in a file, or in a file of a folder."""

import os
import stat
from contextlib import contextmanager
from pathlib import Path

from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sk_audioevents.persistence._problems import FormatProblem
from sk_audioevents.persistence._safetensors import TensorFile

FILE_SUFFIX = ".safetensors"
WEIGHTS, DESCRIPTION, CARD = "weights.safetensors", "model.json", "README.md"  # in a folder


@contextmanager
def open_model(path):
    """Open the safetensors file of a model.

    Parameters
    ----------
    path : str or os.PathLike
        The file, or the folder that it is in.

    Yields
    ------
    file : TensorFile
        The file.
    """
    path = Path(path)
    if path.is_dir():
        path = path / WEIGHTS
        if not path.exists():
            raise FormatProblem(f"the folder holds no file {WEIGHTS!r}, as save_model writes")
    if not path.exists():
        raise FileNotFoundError(
            f"There is no model at {str(path)!r}. One on a model hub is loaded by from_pretrained."
        )
    if not stat.S_ISREG(os.stat(path).st_mode):  # to open a pipe would wait for ever
        raise FormatProblem("it is no regular file")
    with open(path, "rb") as file:
        yield TensorFile(file)


def check_fitted(model):
    """Raise if a model is not fitted; some predict without ``fit``, by an estimator that is.

    Parameters
    ----------
    model : estimator
        The model.

    Raises
    ------
    NotFittedError
        If it is not.
    """
    try:
        check_is_fitted(model)
    except NotFittedError:
        if not hasattr(model, "estimator"):
            raise
        check_fitted(model.estimator)
