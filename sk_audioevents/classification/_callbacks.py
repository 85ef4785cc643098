"""What happens between the batches and epochs of a training, as skorch callbacks."""

import math
from copy import copy

import numpy as np
import torch
from skorch.callbacks import Callback
from tqdm.auto import tqdm

ONE_CYCLE_START = 1 / 25  # of the largest step size; Smith and Topin 2018 and torch alike
ONE_CYCLE_RISE = 0.3  # share of the training


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
    """A progress bar over epochs, with the losses."""

    def __init__(self, n_epochs, name):
        self.n_epochs = n_epochs
        self.name = name

    def on_train_begin(self, net, **kwargs):  # noqa: ARG002
        """Open the bar, at the epoch where the training goes on."""
        done = len(net.history)
        self.bar_ = tqdm(total=done + self.n_epochs, initial=done, desc=self.name, unit="epoch")

    def on_epoch_end(self, net, **kwargs):  # noqa: ARG002
        """Advance it."""
        row = net.history[-1]
        losses = {"loss": row["train_loss"]}
        if "valid_loss" in row:
            losses["held_out"] = row["valid_loss"]
        shown = {name: f"{loss:.4f}" for name, loss in losses.items()}
        self.bar_.set_postfix(shown, refresh=False)
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


class StepSize(Callback):
    """Set the optimizer's step size before each batch, as a function of the progress alone.

    So a training that is resumed goes on as if it had never stopped.

    Parameters
    ----------
    learning_rate : float
        The largest step size.
    schedule : {"constant", "cosine", "one_cycle"}
        Its course: see `step_size`.
    warmup_epochs : float
        Number of epochs in which it rises from 0.
    first_epoch : int
        Number of epochs that were trained before it.
    n_epochs : int
        Number of epochs of the training.
    body_factor : float, default=1.0
        Step size of the body, as a share of that of the head.
    """

    def __init__(
        self, learning_rate, schedule, warmup_epochs, first_epoch, n_epochs, body_factor=1.0
    ):
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.warmup_epochs = warmup_epochs
        self.first_epoch = first_epoch
        self.n_epochs = n_epochs
        self.body_factor = body_factor

    def on_train_begin(self, net, X=None, **kwargs):  # noqa: ARG002
        """Learn how many batches an epoch has."""
        self.n_batches_ = len(net.get_iterator(X, training=True))

    def on_epoch_begin(self, net, **kwargs):  # noqa: ARG002
        """Begin to count its batches."""
        self.batch_ = 0

    def on_batch_begin(self, net, training=False, **kwargs):  # noqa: ARG002
        """Set the step size of the batch."""
        if not training:
            return
        epoch = len(net.history) - 1 - self.first_epoch + self.batch_ / self.n_batches_
        factor = step_size(self.schedule, epoch, self.n_epochs, self.warmup_epochs)
        head, body = net.optimizer_.param_groups
        head["lr"] = self.learning_rate * factor
        body["lr"] = head["lr"] * self.body_factor
        self.batch_ += 1

    def on_epoch_end(self, net, **kwargs):  # noqa: ARG002
        """Record the head's step size in the epoch's last batch."""
        net.history.record("learning_rate", net.optimizer_.param_groups[0]["lr"])


def step_size(schedule, epoch, n_epochs, warmup_epochs=0.0):
    """Return the step size as a share of the largest one.

    Parameters
    ----------
    schedule : {"constant", "cosine", "one_cycle"}
        "constant" is 1. "cosine" falls from 1 to 0 along half a cosine (Loshchilov and Hutter 2017,
        equation 5, without restarts). "one_cycle" rises from 1/25 to 1 in the first 30 % of the
        training and falls to 0, both along half a cosine (Smith and Topin 2018).
    epoch : float
        How many epochs have been trained.
    n_epochs : int
        How many there will be.
    warmup_epochs : float, default=0.0
        In how many of them the step size rises in proportion, on top of the schedule.

    Returns
    -------
    factor : float
        From 0 to 1.
    """
    progress = epoch / n_epochs
    factor = 1.0
    if schedule == "cosine":
        factor = _fall(progress)
    elif schedule == "one_cycle":
        if progress < ONE_CYCLE_RISE:
            rise = 1 - _fall(progress / ONE_CYCLE_RISE)
            factor = ONE_CYCLE_START + (1 - ONE_CYCLE_START) * rise
        else:
            factor = _fall((progress - ONE_CYCLE_RISE) / (1 - ONE_CYCLE_RISE))
    return factor * min(1.0, (epoch + 1) / (warmup_epochs + 1))


class GradientClipping(Callback):
    """Shorten the gradient of a batch where it is longer than a norm (Pascanu et al. 2013)."""

    def __init__(self, max_norm):
        self.max_norm = max_norm

    def on_grad_computed(self, net, **kwargs):  # noqa: ARG002
        """Clip the gradient."""
        torch.nn.utils.clip_grad_norm_(net.module_.parameters(), self.max_norm)


class EarlyStopping(Callback):
    """Stop when the loss of the held-out clips no longer falls, and keep the best weights.

    Parameters
    ----------
    n_epochs : int
        For how many epochs it may fail to fall.
    first_epoch : int
        Number of epochs that were trained before.
    """

    def __init__(self, n_epochs, first_epoch):
        self.n_epochs = n_epochs
        self.best = {"loss": math.inf, "epoch": first_epoch, "state": None}

    def on_epoch_end(self, net, **kwargs):  # noqa: ARG002
        """Compare the loss with the best one so far."""
        loss, epoch = float(net.history[-1, "valid_loss"]), len(net.history)
        if loss < self.best["loss"]:
            self.best = {"loss": loss, "epoch": epoch, "state": net.state_to_keep()}

    def is_over(self, net):
        """Return whether the training should end."""
        return len(net.history) - self.best["epoch"] >= self.n_epochs


class ClipMetrics(Callback):
    """Measure the predictions for the held-out clips after each epoch.

    Parameters
    ----------
    metrics : dict of {str: callable}
        Functions of targets and probabilities (n_clips, n_classes).
    targets : array of shape (n_clips, n_classes) or (n_clips,)
        What is true of the held-out clips: an indicator, or the column of each clip's class.
    predict : callable
        Returns the probabilities of the held-out clips (n_clips, n_classes), given the net.
    """

    def __init__(self, metrics, targets, predict):
        self.metrics = metrics
        self.targets = targets
        self.predict = predict

    def on_epoch_end(self, net, **kwargs):  # noqa: ARG002
        """Record the metrics of the epoch."""
        with net.averaged_weights():
            probabilities = self.predict(net)
        labels = np.arange(probabilities.shape[1])
        for name, metric in self.metrics.items():
            net.history.record(name, float(metric(self.targets, probabilities, labels=labels)))


def _fall(progress):
    return 0.5 * (1 + math.cos(math.pi * progress))
