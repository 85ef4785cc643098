"""A training on disk after each epoch, so that one that was killed goes on from there."""

import hashlib
import json
from functools import partial
from inspect import isroutine
from numbers import Integral
from pathlib import Path

import numpy as np
import torch
from skorch.callbacks import Callback
from skorch.history import History

from sk_audioevents._atomic import publish_file
from sk_audioevents.classification._fine_tuning import body_digest, pretrained_classifier

FILE_NAME = "checkpoint.pt"
FORMAT = 2
# Parameters that do not change what a training gives: a checkpoint may be resumed with others.
NOT_IN_CHECKPOINT = {
    "callbacks",
    "checkpoint_dir",
    "compile",
    "device",
    "n_jobs",
    "random_state",
    "verbose",
    "warm_start",
}


class Checkpoints(Callback):
    """Write the state of a training to a folder after each epoch, and read it again.

    The file is written aside and renamed, so that a kill leaves the last epoch's or the one before.

    Parameters
    ----------
    folder : str or os.PathLike
        Where the file ``checkpoint.pt`` is. The folder is made if there is none.
    settings : dict
        What decides the training. A checkpoint with other settings is not taken for this training.
    seed : int
        The seed of the training.
    early_stopping : EarlyStopping or None
        Its best weights are kept too.
    """

    def __init__(self, folder, settings, seed, early_stopping):
        self.path = Path(folder) / FILE_NAME
        self.settings = settings
        self.seed = seed
        self.early_stopping = early_stopping

    def restore(self, net, state):
        """Bring the net to where a checkpoint was written.

        Parameters
        ----------
        net : EventNet
            The net, ready to train.
        state : dict
            What `read_checkpoint` returned.

        Raises
        ------
        ValueError
            If the checkpoint belongs to another training.
        """
        self._check_settings(state)
        net.module_.load_state_dict(state["module"])
        net.optimizer_.load_state_dict(state["optimizer"])
        net.history = History(json.loads(state["history"]))
        if net.average is not None:
            net.average.load_state_dict(state["average"])
        if self.early_stopping is not None:
            self.early_stopping.best = state["best"]

    def on_epoch_end(self, net, **kwargs):  # noqa: ARG002
        """Write the checkpoint."""
        rows = [{k: v for k, v in row.items() if k != "batches"} for row in net.history]
        self._save(
            {
                "format": FORMAT,
                "seed": self.seed,
                "settings": json.dumps(self.settings),
                "module": net.module_.state_dict(),
                "optimizer": net.optimizer_.state_dict(),
                "history": json.dumps(rows, default=float),
                "average": net.average and net.average.state_dict(),
                "best": self.early_stopping and self.early_stopping.best,
            }
        )

    def _check_settings(self, state):
        found = json.loads(state["settings"])
        for key, wanted in json.loads(json.dumps(self.settings)).items():
            if found.get(key) != wanted:
                raise ValueError(
                    f"The checkpoint {str(self.path)!r} belongs to another training: its "
                    f"{key} is {found.get(key)!s:.200}, and that of this fit is {wanted!s:.200}. "
                    "Choose another 'checkpoint_dir', or delete the file to begin anew."
                )

    def _save(self, state):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        publish_file(partial(torch.save, state), self.path, overwrite=True)


def read_checkpoint(folder):
    """Return the checkpoint in a folder.

    Parameters
    ----------
    folder : str or os.PathLike
        Where the file ``checkpoint.pt`` may be.

    Returns
    -------
    state : dict or None
        What was written, among it the "seed" of the training. None where there is no file.

    Raises
    ------
    ValueError
        If the file is damaged, or another version of the package wrote it.
    """
    path = Path(folder) / FILE_NAME
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        found = state["format"]
    except Exception as error:
        raise ValueError(
            f"The checkpoint {str(path)!r} cannot be read ({error}). Delete it to begin the "
            "training anew."
        ) from error
    if found != FORMAT:
        raise ValueError(
            f"The checkpoint {str(path)!r} has format {found}, and this version of the package "
            f"reads {FORMAT}. Delete it to begin the training anew, or end the training with the "
            "version that began it."
        )
    return state


def training_settings(estimator, examples):
    """Return what decides a training, as JSON can hold it.

    Parameters
    ----------
    estimator : EventClassifier
        The classifier to be trained.
    examples : ExampleSet
        What it is trained with.

    Returns
    -------
    settings : dict
        The parameters that matter, and digests of the data and of pretrained weights.
    """
    data = hashlib.sha256()
    for array in (examples.targets, examples.target_weight, examples.sample_weight):
        data.update(np.ascontiguousarray(array))
    data.update(np.concatenate([*examples.band_statistics, examples.lengths]))
    settings = {
        key: _description(value)
        for key, value in sorted(estimator.get_params(deep=False).items())
        if key not in NOT_IN_CHECKPOINT
    }
    # A seed that is an int decides the order of batches; any other is drawn anew.
    if isinstance(estimator.random_state, Integral):
        settings["random_state"] = int(estimator.random_state)
    if estimator.pretrained is not None:
        settings["pretrained"] = body_digest(pretrained_classifier(estimator).net_.module_)
    settings["training data"] = data.hexdigest()
    return json.loads(json.dumps(settings))


def _description(parameter):
    """Return a text that is the same in each process, also for a function."""
    if isroutine(parameter):
        return f"{parameter.__module__}.{parameter.__qualname__}"
    return repr(parameter)
