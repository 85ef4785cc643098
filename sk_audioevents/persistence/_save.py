"""A fitted model → one file, or a folder with a model card."""

import json
import platform
import warnings
from importlib.metadata import version
from os import PathLike
from pathlib import Path

from sklearn.base import BaseEstimator

import sk_audioevents
from sk_audioevents._atomic import publish_file, publish_folder
from sk_audioevents._base import validate_params
from sk_audioevents.exceptions import ParameterNotSavedWarning
from sk_audioevents.persistence._card import model_card
from sk_audioevents.persistence._description import KEY, make_description
from sk_audioevents.persistence._model_file import (
    CARD,
    DESCRIPTION,
    FILE_SUFFIX,
    WEIGHTS,
    check_fitted,
)
from sk_audioevents.persistence._objects import Packer
from sk_audioevents.persistence._problems import NotStorable
from sk_audioevents.persistence._safetensors import write_tensors
from sk_audioevents.persistence._values import encode

# A folder by such a name would be taken for a file that it is not.
SUFFIXES_OF_FILES = {".h5", ".joblib", ".json", ".npz", ".onnx", ".pickle", ".pkl"} | {
    ".pt",
    ".pth",
    ".skops",
    ".zip",
}
PACKAGES = ("numpy", "scikit-learn", "skorch", "torch")


@validate_params(
    {
        "model": [BaseEstimator],
        "path": [str, PathLike],
        "card": [str, None],
        "overwrite": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def save_model(model, path, *, card=None, overwrite=False):
    """Save a fitted model to a file or a folder, as weights and settings without any code.

    Parameters
    ----------
    model : estimator
        A fitted classifier, pipeline, `SoundEventDetector` or `ConformalClassifier`, of this
        package's classes and a few of scikit-learn's: see :doc:`/user_guide/saving`. Of a grid
        search, its ``best_estimator_``.
    path : str or os.PathLike
        Where to: one file if it ends in ".safetensors", else a folder, which also gets a model
        card. The folder around it must be there.
    card : str, default=None
        What users should know, in Markdown: what the model is for, what it was trained on, how well
        it does on what. It is part of the model, and of the README.md of a folder.
    overwrite : bool, default=False
        Whether what is there already is replaced: a file, or a folder that holds a model. Other
        folders never are.

    Raises
    ------
    FileExistsError
        If there is something at the path.
    NotFittedError
        If the model is not fitted.
    TypeError
        If the model holds what cannot be stored, such as a function or another class.

    Warns
    -----
    ParameterNotSavedWarning
        If a parameter that only matters for training cannot be stored. It has its default then in
        the loaded model.

    See Also
    --------
    load_model : Loads it.
    push_to_hub : Uploads it.

    Notes
    -----
    A file appears whole or not at all: if the process is killed, there is the old model or none.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sk_audioevents import VGGEventClassifier
    >>> from sk_audioevents.persistence import load_model, save_model
    >>> X, y = np.random.default_rng(0).normal(size=(4, 40, 8)), ["owl", "frog", "owl", "frog"]
    >>> model = VGGEventClassifier(channels=(4,), embedding_dim=4, max_epochs=1).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, Path(folder) / "night.safetensors", card="Owls and frogs.")
    ...     loaded = load_model(Path(folder) / "night.safetensors")
    >>> bool((loaded.predict_proba(X) == model.predict_proba(X)).all())
    True
    """
    path = Path(path)
    _check_path(path, overwrite)
    check_fitted(model)
    packer = Packer()
    try:
        content = encode(model, "model", packer)
    except NotStorable as reason:
        raise TypeError(
            f"The 'model' parameter of save_model must be of classes and values that a model file "
            f"can hold. Got {reason}. Of a search, save the best_estimator_; a function of your "
            "own can be no part of a model, because its code is not."
        ) from None
    for sentence in packer.left_out:
        warnings.warn(sentence, ParameterNotSavedWarning, stacklevel=3)
    description = make_description(content, card, _versions(), packer.tensors)

    def write_weights(file):
        metadata = {KEY: json.dumps(description, separators=(",", ":"), allow_nan=False)}
        write_tensors(file, packer.tensors, metadata)

    if path.suffix == FILE_SUFFIX:
        publish_file(write_weights, path, overwrite)
        return
    readable = json.dumps(description, indent=1, ensure_ascii=False)
    writers = {
        WEIGHTS: write_weights,
        DESCRIPTION: lambda file: file.write(_bytes(readable)),
        CARD: lambda file: file.write(_bytes(model_card(description))),
    }
    if _holds_model(path):
        for name, write in writers.items():  # the first of them is the model, the others tell of it
            publish_file(write, path / name, overwrite=True)
    else:
        publish_folder(writers, path)


def _check_path(path, overwrite):
    """Raise where a model cannot or must not be written."""
    if path.suffix in SUFFIXES_OF_FILES:
        raise ValueError(
            f"The 'path' parameter of save_model must end in '{FILE_SUFFIX}' for one file, or name "
            f"a folder. Got {str(path)!r}."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(path.parent)!r} to save the model in.")
    if path.is_dir():
        if path.suffix == FILE_SUFFIX or (any(path.iterdir()) and not _holds_model(path)):
            raise FileExistsError(
                f"The folder {str(path)!r} holds other things than a model: choose another path."
            )
        if not any(path.iterdir()):
            return
    if (path.exists() or path.is_symlink()) and not overwrite:
        raise FileExistsError(
            f"There is something at {str(path)!r} already. Pass overwrite=True to replace it."
        )


def _holds_model(path):
    return (path / WEIGHTS).is_file()


def _bytes(text):
    return text.encode(errors="backslashreplace")  # names of files may not be Unicode


def _versions():
    return {
        "sk_audioevents": sk_audioevents.__version__,
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }
