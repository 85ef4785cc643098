"""The skorch net that the estimators train."""

from contextlib import contextmanager, nullcontext

import numpy as np
import torch
from joblib import cpu_count
from skorch import NeuralNet

from sk_audioevents.augmentation import SpectrogramBatch
from sk_audioevents.classification._averaging import WeightAverage
from sk_audioevents.classification._batches import TrainingBatches, ValidationBatches
from sk_audioevents.classification._callbacks import EpochProgress, TrainingStopped
from sk_audioevents.networks import (
    binary_cross_entropy,
    cross_entropy,
    focal_loss,
    smooth_labels,
)


class EventNet(NeuralNet):
    """A skorch net with weighted losses, augmentation, frozen stages, an average of its weights.

    The y of a batch, (n_clips, 2, n_outputs), stacks targets and their weights; ``sample_weight``
    travels with the frames, because batch norm uses it too.

    Attributes
    ----------
    average : WeightAverage or None
        The moving average of the weights.
    held_out : ExampleSet or None
        The examples that each epoch is validated with.
    frozen : list of Module
        The parts of the network that are not trained.
    """

    average = None
    held_out = None
    frozen = ()
    _augment = None
    _generator = None
    _autocast = False

    def prepare(self, *, augment, seed, ema_decay, held_out, autocast):
        """Set what the next training does besides stepping along the gradient.

        Parameters
        ----------
        augment : callable or None
            From a SpectrogramBatch and a generator to a SpectrogramBatch.
        seed : int
            Seed of the augmentation and of dropout, which depend on it and on the epoch.
        ema_decay : float or None
            Decay of the moving average of the weights.
        held_out : ExampleSet or None
            Labelled examples to validate each epoch with.
        autocast : bool
            Whether to compute in bfloat16 where that is safe.
        """
        self._augment, self._augment_seed, self._autocast = augment, seed, autocast
        self.held_out = held_out
        self.average = None if ema_decay is None else WeightAverage(self.module_, ema_decay)

    def finish(self):
        """Let the averaged weights be the net's, and forget what only the training needed."""
        if self.average is not None:
            self.average.copy_to(self.module_)
        self.freeze(0)
        self._augment = self._generator = self.average = self.held_out = None

    def freeze(self, n_stages):
        """Train all but the first stages of the network, which stay as they are.

        Parameters
        ----------
        n_stages : int
            How many stages are frozen: they have no gradient, and batch norm there uses its
            statistics as they are. 0 is none.
        """
        for part in self.frozen:
            part.requires_grad_(True)
        self.frozen = [part for _, parts in self.module_.stages()[:n_stages] for part in parts]
        for part in self.frozen:
            part.requires_grad_(False)

    def averaged_weights(self):
        """Return a context in which the module has the averaged weights, if there are any."""
        return nullcontext() if self.average is None else self.average.applied_to(self.module_)

    def state_to_keep(self):
        """Return a copy of the weights that would be predicted with now."""
        with self.averaged_weights():
            return {key: value.clone() for key, value in self.module_.state_dict().items()}

    def get_params_for_optimizer(self, prefix, named_parameters):
        """Return what the optimizer is made with: the head and the body are groups of their own."""
        _, parameters = super().get_params_for_optimizer(prefix, named_parameters)
        *body, head = (parts for _, parts in self.module_.stages())
        groups = [{"params": _parameters(stages)} for stages in ([head], body)]
        return (groups,), parameters

    def get_split_datasets(self, X, y=None, **_):  # noqa: ARG002
        """Return the examples to train and to validate with."""
        return X, self.held_out

    def get_iterator(self, dataset, training=False):
        """Return the batches of the epochs that follow those in the history."""
        settings = self.get_params_for("iterator_train")
        if not training:
            return ValidationBatches(dataset, self.batch_size, settings["dtype"])
        return TrainingBatches(dataset, self.batch_size, first_epoch=len(self.history), **settings)

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Seed the augmentation and the dropout of the epoch."""
        super().on_epoch_begin(net, dataset_train, dataset_valid, **kwargs)
        seeds = np.random.SeedSequence([self._augment_seed, len(self.history)]).generate_state(2)
        self.module_.seed_dropout(int(seeds[1]))
        if self._augment is not None:
            self._generator = torch.Generator().manual_seed(int(seeds[0]))

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run an epoch; validation is of the averaged weights."""
        context = nullcontext() if training else self.averaged_weights()
        with context:
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)

    def train_step(self, batch, **fit_params):
        """Augment a batch on the device and train with it."""
        if self._augment is not None:
            batch = self._augmented(batch)
        step = super().train_step(batch, **fit_params)
        if self.average is not None:
            self.average.update(self.module_)
        return step

    def infer(self, x, **fit_params):
        """Compute the scores of a batch; what is frozen is never in the mode of training."""
        for part in self.frozen:
            part.eval()
        with torch.autocast(torch.device(self.device).type, torch.bfloat16, self._autocast):
            return super().infer(x, **fit_params)

    def get_loss(self, y_pred, y_true, X=None, training=False):  # noqa: ARG002
        """Return the mean loss over the outputs that are labelled, weighted over clips."""
        target, target_weight = y_true.to(y_pred[0].device).unbind(dim=1)
        labelled = ~target.isnan()
        losses = self.criterion_(y_pred, target.nan_to_num()) * target_weight
        weight = labelled.to(losses.dtype)
        if "sample_weight" in X:
            weight = weight * X["sample_weight"].to(losses.device)[:, None]
        return (losses * weight).sum() / weight.sum().clamp_min(torch.finfo(losses.dtype).tiny)

    def _augmented(self, batch):
        inputs, y = batch
        inputs = {key: value.to(self.device, non_blocking=True) for key, value in inputs.items()}
        targets, target_weight = y.to(self.device, non_blocking=True).unbind(dim=1)
        augmented = self._augment(
            SpectrogramBatch(
                frames=inputs["frames"],
                targets=targets,
                target_weight=target_weight,
                band_mean=self.module_.band_mean,
                n_frames=inputs.get("n_frames"),
                sample_weight=inputs.get("sample_weight"),
            ),
            self._generator,
        )
        inputs = {
            "frames": augmented.frames,
            "n_frames": augmented.n_frames,
            "sample_weight": augmented.sample_weight,
        }
        inputs = {key: value for key, value in inputs.items() if value is not None}
        return inputs, torch.stack([augmented.targets, augmented.target_weight], dim=1)


def _parameters(stages):
    return [weights for parts in stages for part in parts for weights in part.parameters()]


class EventLoss(torch.nn.Module):
    """The criterion of the net: a loss by name, per clip and output.

    Parameters
    ----------
    name : {"bce", "focal", "cross_entropy"}
        The loss.
    gamma : float
        Exponent of the focal loss.
    smoothing : float
        How unsure targets are made.
    exclusive : bool
        Whether the classes exclude each other.
    """

    def __init__(self, name, gamma, smoothing, exclusive):
        super().__init__()
        self.name = name
        self.gamma = gamma
        self.smoothing = smoothing
        self.exclusive = exclusive

    def forward(self, scores, target):
        """Return the losses (n_clips, n_outputs)."""
        if self.smoothing:
            target = smooth_labels(target, self.smoothing, self.exclusive)
        if self.name == "focal":
            return focal_loss(scores, target, self.gamma)
        return {"bce": binary_cross_entropy, "cross_entropy": cross_entropy}[self.name](
            scores, target
        )


def train(net, dataset, n_epochs, callbacks, early_stopping=None):
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
    early_stopping : EarlyStopping, default=None
        That of the callbacks which ends the training, and knows the best weights.
    """
    own_callbacks = net.callbacks_
    net.callbacks_ = own_callbacks + [
        (type(callback).__name__, callback.initialize()) for callback in callbacks
    ]
    try:
        # Not net.partial_fit, which takes an interrupt by the user for a wish to stop early.
        net.notify("on_train_begin", X=dataset, y=None)
        for _ in range(n_epochs):
            if early_stopping is not None and early_stopping.is_over(net):
                break
            net.fit_loop(dataset, epochs=1)
        net.notify("on_train_end", X=dataset, y=None)
    except TrainingStopped:
        pass
    except torch.OutOfMemoryError as error:
        raise MemoryError(_out_of_memory_message(net, dataset)) from error
    finally:
        net.callbacks_ = own_callbacks
        for callback in callbacks:
            if isinstance(callback, EpochProgress):
                callback.close()
    net.finish()
    if early_stopping is not None and early_stopping.best["state"] is not None:
        net.module_.load_state_dict(early_stopping.best["state"])


def _out_of_memory_message(net, dataset):
    """Try smaller batches, and say which one fits."""
    batch_size = net.batch_size // 2
    while batch_size:
        torch.cuda.empty_cache()
        try:
            longest = dataset.lengths.argsort()[-batch_size:]
            inputs = dataset.inputs(longest, next(net.module_.parameters()).dtype)
            scores = net.module_(**{key: x.to(net.device) for key, x in inputs.items()})
            scores.log_present.sum().backward()
        except torch.OutOfMemoryError:
            batch_size //= 2
            continue
        finally:
            net.optimizer_.zero_grad()
        return (
            f"The device {net.device!r} has no memory for a 'batch_size' of {net.batch_size}. "
            f"One of {batch_size} fits."
        )
    return (
        f"The device {net.device!r} has no memory for a single clip of the batch. Train on "
        "segments (SLATSegmenter) or on shorter clips."
    )


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


@contextmanager
def deterministic_algorithms(wanted):
    """Let torch use deterministic algorithms only, if that is wanted, and restore its setting."""
    before = torch.are_deterministic_algorithms_enabled()
    if wanted:
        torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
