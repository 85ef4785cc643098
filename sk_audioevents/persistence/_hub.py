"""Models on the Hugging Face Hub."""

import os
import tempfile
from os import PathLike
from pathlib import Path

from sklearn.base import BaseEstimator

import sk_audioevents
from sk_audioevents._base import validate_params
from sk_audioevents.exceptions import ModelFormatError
from sk_audioevents.persistence._load import load_model
from sk_audioevents.persistence._model_file import WEIGHTS
from sk_audioevents.persistence._save import save_model

LIBRARY = {"library_name": "sk_audioevents", "library_version": sk_audioevents.__version__}


@validate_params(
    {
        "model": [BaseEstimator],
        "repo_id": [str],
        "card": [str, None],
        "commit_message": [str],
        "private": ["boolean", None],
        "revision": [str, None],
        "create_pr": ["boolean"],
        "token": [str, "boolean", None],
    },
    prefer_skip_nested_validation=True,
)
def push_to_hub(
    model,
    repo_id,
    *,
    card=None,
    commit_message="Add a model of sk_audioevents",
    private=None,
    revision=None,
    create_pr=False,
    token=None,
):
    """Upload a fitted model to the Hugging Face Hub.

    Parameters
    ----------
    model : estimator
        What `save_model` saves.
    repo_id : str
        Where to, such as "user/bird-calls". The repository is made if there is none.
    card : str, default=None
        What users should know, in Markdown. It becomes part of the repository's README.md. One that
        begins with a YAML header of its own, ``---``, becomes all of it.
    commit_message : str, default="Add a model of sk_audioevents"
        Message of the commit.
    private : bool, default=None
        Whether a new repository is private. None is what the account has as default.
    revision : str, default=None
        The branch, which is made if there is none. None is the main branch.
    create_pr : bool, default=False
        Whether to open a pull request rather than to commit.
    token : str or bool, default=None
        Token of the account. None or True is the one that was saved by ``hf auth login``.

    Returns
    -------
    url : str
        The address of the commit.

    Raises
    ------
    ImportError
        If huggingface_hub is not installed.

    See Also
    --------
    from_pretrained : Loads the model again.

    Examples
    --------
    >>> from sk_audioevents.persistence import load_model, push_to_hub
    >>> push_to_hub(load_model("birds.safetensors"), "user/bird-calls")  # doctest: +SKIP
    """
    hub = _import_hub()
    api = hub.HfApi(token=token, **LIBRARY)
    with tempfile.TemporaryDirectory() as folder:
        save_model(model, Path(folder) / "model", card=card)  # before anything is uploaded
        repo_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        if revision is not None:
            api.create_branch(repo_id, branch=revision, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repo_id,
            folder_path=Path(folder) / "model",
            commit_message=commit_message,
            revision=revision,
            create_pr=create_pr,
        )
    return str(commit.commit_url)


@validate_params(
    {
        "repo_id_or_folder": [str, PathLike],
        "revision": [str, None],
        "token": [str, "boolean", None],
        "cache_dir": [str, PathLike, None],
        "force_download": ["boolean"],
        "local_files_only": ["boolean"],
        "device": [str],
    },
    prefer_skip_nested_validation=True,
)
def from_pretrained(
    repo_id_or_folder,
    *,
    revision=None,
    token=None,
    cache_dir=None,
    force_download=False,
    local_files_only=False,
    device="cpu",
):
    """Load a model from the Hugging Face Hub, or from a folder.

    Parameters
    ----------
    repo_id_or_folder : str or os.PathLike
        A folder or file of `save_model`, if there is one by this name; else a repository, such as
        "user/bird-calls".
    revision : str, default=None
        The branch, tag or commit. None is the main branch. A commit is the only one that stays as
        it is.
    token : str or bool, default=None
        Token of the account, for repositories that are not public. None is the one that was saved
        by ``hf auth login``, if any; False is none.
    cache_dir : str or os.PathLike, default=None
        Where downloads are kept. None is the folder of huggingface_hub.
    force_download : bool, default=False
        Whether to download what was downloaded before.
    local_files_only : bool, default=False
        Whether to take only what was downloaded before.
    device : str, default="cpu"
        Where its networks compute, as in `load_model`.

    Returns
    -------
    model : estimator
        The model.

    Raises
    ------
    ImportError
        If it is no folder, and huggingface_hub is not installed.
    ModelFormatError
        If the repository holds no model of this package.

    See Also
    --------
    load_model : Says what is safe about it.
    push_to_hub : Uploads a model.

    Examples
    --------
    >>> from sk_audioevents.persistence import from_pretrained
    >>> model = from_pretrained("user/bird-calls")  # doctest: +SKIP
    >>> model.predict(["dawn.wav"])  # doctest: +SKIP
    """
    if os.path.exists(repo_id_or_folder):
        return load_model(repo_id_or_folder, device=device)
    hub = _import_hub()
    try:
        path = hub.hf_hub_download(
            os.fspath(repo_id_or_folder),
            WEIGHTS,
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            force_download=force_download,
            local_files_only=local_files_only,
            **LIBRARY,
        )
    except hub.errors.EntryNotFoundError as error:
        if isinstance(error, hub.errors.LocalEntryNotFoundError):  # not downloaded yet, or offline
            raise
        problem = f"the repository holds no file {WEIGHTS!r}, as push_to_hub writes"
        raise ModelFormatError(repo_id_or_folder, problem) from error
    return load_model(path, device=device)


def _import_hub():
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError(
            "Models on the Hugging Face Hub need the package huggingface_hub: "
            "pip install sk_audioevents[hub]"
        ) from error
    return huggingface_hub
