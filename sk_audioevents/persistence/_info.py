"""What is in a model file, without loading the model."""

import math
from os import PathLike

from sk_audioevents._base import validate_params
from sk_audioevents.persistence._contents import class_labels, objects_of, readable
from sk_audioevents.persistence._description import read_description
from sk_audioevents.persistence._model_file import open_model
from sk_audioevents.persistence._problems import problems_of


@validate_params({"path": [str, PathLike]}, prefer_skip_nested_validation=True)
def read_model_info(path):
    """Tell what is in a model file, without reading its weights.

    Parameters
    ----------
    path : str or os.PathLike
        The file or the folder.

    Returns
    -------
    info : dict
        ``format_version`` (int); ``versions``, of the packages that it was saved with; ``card``,
        what its author says, or None; ``objects``, a list of the estimators and other objects that
        it consists of, each a dict of ``class`` and ``parameters``; ``classes``, a
        list of the labels, or None; ``n_weights``, how many numbers its tensors hold; and
        ``file_size``, in bytes.

    Raises
    ------
    FileNotFoundError
        If there is nothing at the path.
    ModelFormatError
        If it is no model, is of a newer format, or its description is damaged.

    See Also
    --------
    load_model : Loads the model.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sk_audioevents import SLATSegmenter, VGGEventClassifier
    >>> from sk_audioevents.persistence import read_model_info, save_model
    >>> X, y = np.random.default_rng(0).normal(size=(4, 40, 8)), ["owl", "frog", "owl", "frog"]
    >>> tiny = VGGEventClassifier(channels=(4,), embedding_dim=4, max_epochs=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(make_pipeline(SLATSegmenter(), tiny).fit(X, y), folder)
    ...     info = read_model_info(folder)
    >>> info["classes"], info["n_weights"]
    (['frog', 'owl'], 222)
    """
    with problems_of(path), open_model(path) as file:
        description = read_description(file)
        return {
            "format_version": description["format_version"],
            "versions": description["versions"],
            "card": description["card"],
            "objects": [
                {
                    "class": found.name,
                    "parameters": {k: readable(value) for k, value in found.parameters.items()},
                }
                for found in objects_of(description["model"])
            ],
            "classes": class_labels(description["model"]),
            "n_weights": sum(math.prod(place.shape) for place in file.places.values()),
            "file_size": file.size,
        }
