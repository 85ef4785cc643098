"""A training on disk after each epoch, so that one that was killed goes on from there."""

import json
import os
import uuid
from contextlib import suppress
from pathlib import Path

import torch
from skorch.callbacks import Callback
from skorch.history import History

FILE_NAME = "checkpoint.pt"
FORMAT = 1


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
        The seed of the training, which `stored_seed` finds again.
    early_stopping : EarlyStopping or None
        Its best weights are kept too.
    """

    def __init__(self, folder, settings, seed, early_stopping):
        self.path = Path(folder) / FILE_NAME
        self.settings = settings
        self.seed = seed
        self.early_stopping = early_stopping

    def restore(self, net):
        """Bring the net to where the checkpoint was written, if there is one.

        Parameters
        ----------
        net : EventNet
            The net, ready to train.

        Raises
        ------
        ValueError
            If the checkpoint belongs to another training, or is damaged.
        """
        if not self.path.exists():
            return
        state = _load(self.path, net.device)
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
        aside = self.path.with_name(f"{FILE_NAME}.{uuid.uuid4().hex}")
        try:
            with open(aside, "wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, self.path)
        finally:
            with suppress(FileNotFoundError):
                aside.unlink()


def stored_seed(folder, default):
    """Return the seed of the training whose checkpoint is in a folder, or else the default."""
    path = Path(folder) / FILE_NAME
    return _load(path, "cpu")["seed"] if path.exists() else default


def _load(path, device):
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except Exception as error:
        raise ValueError(
            f"The checkpoint {str(path)!r} cannot be read ({error}). Delete it to begin the "
            "training anew."
        ) from error
