"""The skorch net that the estimators train, and its callbacks."""

from contextlib import contextmanager
from copy import copy

import numpy as np
import torch
from joblib import cpu_count
from skorch import NeuralNet
from skorch.callbacks import Callback
from tqdm.auto import tqdm

from sk_audioevents.classification._batches import TrainingBatches


class EventNet(NeuralNet):
    """A skorch net whose loss is weighted per clip and per target.

    The y of a batch, (n_clips, 2, n_outputs), stacks targets and their weights; ``sample_weight``
    travels with the frames, because batch norm uses it too.
    """

    def get_iterator(self, dataset, training=False):  # noqa: ARG002
        """Return the batches of the epochs that follow those in the history."""
        settings = self.get_params_for("iterator_train")
        return TrainingBatches(dataset, self.batch_size, first_epoch=len(self.history), **settings)

    def get_loss(self, y_pred, y_true, X=None, training=False):  # noqa: ARG002
        """Return the mean loss over outputs and, weighted, over clips."""
        y_true = y_true.to(y_pred[0].device)
        target, target_weight = y_true.unbind(dim=1)
        loss = (self.criterion_(y_pred, target) * target_weight).mean(dim=1)
        if "sample_weight" not in X:
            return loss.mean()
        weight = X["sample_weight"].to(loss.device)
        return (loss * weight).sum() / weight.sum()


class TrainingStopped(Exception):  # noqa: N818
    """A callback has asked to stop; never leaves the package."""


class FiniteLoss(Callback):
    """Stop with an error that says when the loss became infinite or not a number."""

    def on_batch_end(self, net, training=False, **kwargs):  # noqa: ARG002
        """Check the loss of the batch."""
        if training and not np.isfinite(net.history[-1, "batches", -1, "train_loss"]):
            raise FloatingPointError(
                f"The training loss is {net.history[-1, 'batches', -1, 'train_loss']} in epoch "
                f"{len(net.history)}, batch {len(net.history[-1, 'batches'])}. A smaller "
                "'learning_rate' usually helps; check X for extreme values."
            )


class EpochProgress(Callback):
    """A progress bar over epochs, with the training loss."""

    def __init__(self, n_epochs, name):
        self.n_epochs = n_epochs
        self.name = name

    def on_train_begin(self, net, **kwargs):  # noqa: ARG002
        """Open the bar."""
        self.bar_ = tqdm(total=self.n_epochs, desc=self.name, unit="epoch")

    def on_epoch_end(self, net, **kwargs):  # noqa: ARG002
        """Advance it."""
        self.bar_.set_postfix(loss=f"{net.history[-1, 'train_loss']:.4f}", refresh=False)
        self.bar_.update()

    def close(self):
        """Close the bar, also after an error."""
        self.bar_.close()


class EpochBridge(Callback):
    """Tell scikit-learn's callbacks of each epoch: one subtask of the fit task each.

    Parameters
    ----------
    estimator : estimator
        The estimator that is being fitted.
    context : sklearn.callback.CallbackContext
        The context of its fit task.
    X, y : array-like
        What it is fitted on, for callbacks that score.
    """

    def __init__(self, estimator, context, X, y):
        self.estimator = estimator
        self.context = context
        self.X = X
        self.y = y

    def on_epoch_begin(self, net, **kwargs):  # noqa: ARG002
        """Begin the epoch's task."""
        self.epoch_ = self.context.subcontext(task_name="epoch")
        self.epoch_.call_on_fit_task_begin(estimator=self.estimator, X=self.X, y=self.y)

    def on_epoch_end(self, net, **kwargs):  # noqa: ARG002
        """End the epoch's task, and the training if a callback asks for it."""
        stop = self.epoch_.call_on_fit_task_end(
            estimator=self.estimator,
            X=self.X,
            y=self.y,
            reconstruction_attributes=lambda: {"net_": copy(net)},
        )
        if stop:
            raise TrainingStopped


def train(net, dataset, n_epochs, callbacks):
    """Train a net for some epochs, with callbacks that it does not keep.

    Parameters
    ----------
    net : EventNet
        An initialised net.
    dataset : ExampleSet
        Labelled examples.
    n_epochs : int
        Number of epochs.
    callbacks : list of skorch callbacks
        They live for this call only, so that the net can be pickled and fitted on.
    """
    own_callbacks = net.callbacks_
    net.callbacks_ = own_callbacks + [
        (type(callback).__name__, callback.initialize()) for callback in callbacks
    ]
    try:
        # Not net.partial_fit, which takes an interrupt by the user for a wish to stop early.
        net.notify("on_train_begin", X=dataset, y=None)
        net.fit_loop(dataset, epochs=n_epochs)
        net.notify("on_train_end", X=dataset, y=None)
    except TrainingStopped:
        pass
    finally:
        net.callbacks_ = own_callbacks
        for callback in callbacks:
            if isinstance(callback, EpochProgress):
                callback.close()


def resolve_device(device, name):
    """Return the torch.device for "auto", "cpu", "cuda" or "cuda:1"."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"The 'device' parameter of {name} must be 'auto', 'cpu', 'cuda' or a device as in "
            f"'cuda:1'. Got {device!r} instead."
        ) from error
    if resolved.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"The 'device' parameter of {name} is {device!r}, and torch finds no CUDA device here. "
            "Use device='auto' or 'cpu', or install a CUDA build of torch."
        )
    return resolved


@contextmanager
def torch_threads(n_jobs):
    """Run torch on a given number of threads, and put the old number back.

    The number is never taken from the surroundings: sums are split among the threads, so the last
    bits of a result depend on it.
    """
    n_threads = 1 if n_jobs is None else n_jobs if n_jobs > 0 else max(1, cpu_count() + 1 + n_jobs)
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
