"""One file or a folder → the model that was saved."""

from os import PathLike

from sk_audioevents._base import validate_params
from sk_audioevents.classification._training import resolve_device
from sk_audioevents.persistence._description import check_weights, read_description
from sk_audioevents.persistence._fitted_attributes import is_estimator
from sk_audioevents.persistence._model_file import check_fitted, open_model
from sk_audioevents.persistence._objects import Unpacker
from sk_audioevents.persistence._problems import FormatProblem, problem_with, problems_of
from sk_audioevents.persistence._values import decode


@validate_params(
    {"path": [str, PathLike], "device": [str]},
    prefer_skip_nested_validation=True,
)
def load_model(path, *, device="cpu"):
    """Load a model that `save_model` has saved.

    Nothing of the file is run: only classes of this package and a few of scikit-learn's are made,
    and their parameters and weights are checked first. So files of strangers may be loaded. What
    they predict is another matter.

    Parameters
    ----------
    path : str or os.PathLike
        The file or the folder.
    device : str, default="cpu"
        Where its networks compute, wherever they were trained: "cpu", "cuda", "cuda:1" or "auto",
        which is CUDA where there is one. It becomes the ``device`` of its classifiers.

    Returns
    -------
    model : estimator
        The model. On the same device and with the same versions of numpy and torch, it predicts the
        same to the bit.

    Raises
    ------
    FileNotFoundError
        If there is nothing at the path.
    ModelFormatError
        If it is no model, is damaged, or is of a newer format or version. It is a `ValueError`.

    See Also
    --------
    save_model : Saves one.
    from_pretrained : Loads one from a model hub.
    read_model_info : Tells what is in a file.

    Notes
    -----
    ``cache_dir``, ``lazy``, ``checkpoint_dir``, ``memory``, ``compile`` and ``pretrained`` belong
    to the machine or the training. They are not stored, and have their defaults in the model.

    A classifier can go on training, by ``partial_fit`` or with ``warm_start=True``: from its
    weights, at the number of its epochs, with an optimiser that has no memory of earlier steps.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sk_audioevents import VGGEventClassifier
    >>> from sk_audioevents.persistence import load_model, save_model
    >>> X, y = np.random.default_rng(0).normal(size=(4, 40, 8)), ["owl", "frog", "owl", "frog"]
    >>> model = VGGEventClassifier(channels=(4,), embedding_dim=4, max_epochs=1).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, folder)
    ...     load_model(folder).classes_
    array(['frog', 'owl'], dtype='<U4')
    """
    device = str(resolve_device(device, "load_model")) if device != "auto" else device
    with problems_of(path), open_model(path) as file:
        description = read_description(file)
        check_weights(file, description)
        unpacker = Unpacker(file, device)
        model = decode(description["model"], unpacker)
        if not is_estimator(model):
            raise FormatProblem("its model is no estimator")
        unpacker.finish()
        with problem_with("a fitted model"):
            check_fitted(model)
    return model
