"""What the classifiers of sound events share: training, prediction, embeddings."""

import hashlib
import json
from copy import deepcopy
from inspect import isroutine
from numbers import Integral, Real
from os import PathLike

import numpy as np
import pandas as pd
import torch
from scipy.special import softmax
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted

from sk_audioevents._base import (
    N_JOBS,
    Interval,
    StrOptions,
    check_first_call_classes,
    check_sample_weight,
    fit_context,
)
from sk_audioevents._validation import check_frames, object_array
from sk_audioevents.classification._batches import ExampleSet
from sk_audioevents.classification._callbacks import (
    ClipMetrics,
    EarlyStopping,
    EpochBridge,
    EpochProgress,
    FiniteLoss,
    GradientClipping,
    StepSize,
)
from sk_audioevents.classification._checkpoints import Checkpoints, stored_seed
from sk_audioevents.classification._holdout import held_out_rows
from sk_audioevents.classification._labels import LabelCoder, check_labels
from sk_audioevents.classification._prediction import predict_segments_of
from sk_audioevents.classification._training import (
    EventLoss,
    EventNet,
    deterministic_algorithms,
    resolve_device,
    torch_threads,
    train,
)
from sk_audioevents.metrics import CLIP_METRICS
from sk_audioevents.networks import ClipScores

FIRST_COLUMNS = ("epoch", "train_loss", "valid_loss", "learning_rate", "seconds")
OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
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


class EventClassifier(
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    ClassifierMixin,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,
):
    """Base of the classifiers that train a network of segments.

    A subclass has the parameters of ``_parameter_constraints`` and implements
    ``_network(n_outputs, exclusive, seed)``, which returns the class of the network and its
    parameters, and may override ``_check_clips`` and ``_batch_augmentation``.
    """

    _parameter_constraints = {
        "loss": [StrOptions({"bce", "focal", "cross_entropy"})],
        "focal_gamma": [Interval(Real, 0, None, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "pooling": [StrOptions({"mean", "max", "attention", "linear_softmax", "auto"})],
        "channels": ["array-like"],
        "embedding_dim": [Interval(Integral, 1, None, closed="left")],
        "temporal": [StrOptions({"lstm", "bilstm"}), None],
        "temporal_dim": [Interval(Integral, 1, None, closed="left")],
        "augment": [callable, None],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "sampling": [StrOptions({"shuffle", "balanced"})],
        "optimizer": [StrOptions(set(OPTIMIZERS))],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "learning_rate_schedule": [StrOptions({"cosine", "one_cycle", "constant"})],
        "warmup_epochs": [Interval(Real, 0, None, closed="left")],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
        "ema_decay": [Interval(Real, 0, 1, closed="left"), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 0.5, closed="right")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
        "warm_start": ["boolean"],
        "checkpoint_dir": [str, PathLike, None],
        "callbacks": [list, None],
        "mixed_precision": ["boolean", StrOptions({"auto"})],
        "compile": ["boolean"],
        "deterministic": ["boolean"],
        "device": [str],
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self.loss != "cross_entropy"
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, validation_data=None, groups=None):
        """Train on clips and their labels.

        Parameters
        ----------
        X : array, list or table of n_clips clips
            For `VGGEventClassifier`, an array (n_clips, n_frames, n_bands) of frames or (n_clips,
            n_segments, n_frames, n_bands) of bags of segments; a list or object array of such clips
            where their lengths differ. For `WaveformEventClassifier`, paths or waveforms.
        y : array-like of shape (n_clips,) or (n_clips, n_classes)
            Labels of any type, or a 0/1 indicator for clips with several labels, with NaN where it
            is not known whether a clip has the class: that is left out of the loss.
        sample_weight : array-like of shape (n_clips,), default=None
            How often each clip counts.
        validation_data : tuple (X, y), default=None
            Clips that are not trained on: the loss for them is recorded in each epoch, and early
            stopping goes by it.
        groups : array-like of shape (n_clips,), default=None
            The recording that each clip comes from. Early stopping holds out whole recordings.

        Returns
        -------
        self : object
            The fitted classifier.
        """
        reset = not (self.warm_start and hasattr(self, "net_"))
        return self._fit(
            X,
            y,
            sample_weight,
            n_epochs=self.max_epochs,
            reset=reset,
            validation_data=validation_data,
            groups=groups,
        )

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one epoch on some clips, from where the last call ended.

        The statistics that standardise the bands are those of the first call, and the step size is
        constant.

        Parameters
        ----------
        X : array, list or table of n_clips clips
            The clips, as for ``fit``.
        y : array-like of shape (n_clips,) or (n_clips, n_classes)
            Labels, as for ``fit``.
        classes : array-like of shape (n_classes,), default=None
            All labels that any call will have; needed in the first call, unless y is an indicator.
        sample_weight : array-like of shape (n_clips,), default=None
            How often each clip counts.

        Returns
        -------
        self : object
            The classifier.
        """
        reset = not hasattr(self, "net_")
        if reset and classes is None and np.ndim(y) == 2:
            classes = np.arange(np.shape(y)[1])
        check_first_call_classes(self, classes)
        return self._fit(X, y, sample_weight, n_epochs=1, reset=reset, classes=classes, part=True)

    def _fit(
        self,
        X,
        y,
        sample_weight,
        *,
        n_epochs,
        reset,
        classes=None,
        validation_data=None,
        groups=None,
        part=False,
    ):
        context = self._init_callback_context(max_subtasks=n_epochs)
        name = type(self).__name__
        clips = self._check_clips(X, reset=reset)
        known = check_labels(y, name)
        check_consistent_length(clips, known)
        labels = LabelCoder(known, name, classes) if reset else self._labels
        weights = check_sample_weight(
            sample_weight, np.empty((len(clips), 1)), dtype=np.float64, ensure_non_negative=True
        )
        if sample_weight is not None and not weights.any():
            raise ValueError("Sample weights must contain at least one non-zero number.")
        if reset and classes is None:
            labels.require_two_classes(labels.encode(known), weights)
        seed = self._seed()
        held_out = [] if part else self._held_out(known, groups, validation_data, seed)
        kept = np.setdiff1d(np.arange(len(clips)), held_out)
        examples = self._examples(clips, known, weights, labels, kept)
        validation = None
        if len(held_out):
            validation = self._examples(clips, known, weights, labels, held_out)
        elif validation_data is not None:
            validation = self._validation_examples(validation_data, labels)

        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        with torch_threads(self.n_jobs), deterministic_algorithms(self.deterministic):
            if reset:
                self._labels, self.classes_ = labels, labels.classes
                self.net_ = self._build_net(examples, seed)
            bridge = EpochBridge(self, context, X, y)
            self._train(examples, validation, n_epochs, seed, bridge, part)
        self.n_iter_ = len(self.net_.history)
        self.history_ = _history_table(self.net_.history)
        self.loss_curve_ = self.history_["train_loss"].tolist()
        context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes=dict)
        return self

    def _seed(self):
        """Return the seed of a training; one that goes on from a checkpoint keeps its own."""
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        if self.checkpoint_dir is None or isinstance(self.random_state, Integral):
            return seed
        return stored_seed(self.checkpoint_dir, default=seed)

    def _check_clips(self, X, reset):
        """Return the clips of X, frames or bags: an array if they are uniform, else a list."""
        return check_frames(X, self, reset=reset)

    def _batch_augmentation(self):
        """Return what is done to training batches, from and to a SpectrogramBatch, or None."""
        return self.augment

    def _held_out(self, y, groups, validation_data, seed):
        """Return the rows to hold out for early stopping."""
        if groups is not None:
            groups = column_or_1d(groups)
            check_consistent_length(groups, y)
        if not self.early_stopping or validation_data is not None:
            return []
        return held_out_rows(y, groups, self.validation_fraction, seed, type(self).__name__)

    def _examples(self, clips, y, weights, labels, rows):
        """Return labelled examples of some rows."""
        target_weight = labels.target_weight(y[rows], self.class_weight, weights[rows])
        chosen = clips if len(rows) == len(clips) else [clips[i] for i in rows]
        return ExampleSet(chosen).label(labels.encode(y[rows]), target_weight, weights[rows])

    def _validation_examples(self, validation_data, labels):
        name = type(self).__name__
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) != 2:
            raise ValueError(
                f"The 'validation_data' of {name} must be a tuple (X, y). "
                f"Got a {type(validation_data).__name__} instead."
            )
        clips = self._check_clips(validation_data[0], reset=False)
        y = check_labels(validation_data[1], name)
        check_consistent_length(clips, y)
        return self._examples(clips, y, np.ones(len(clips)), labels, np.arange(len(clips)))

    def _build_net(self, examples, seed):
        """Build the skorch net for the given examples, with their band statistics, untrained."""
        dtype = torch.float64 if examples.dtype == np.float64 else torch.float32
        net = self._new_net(dtype, seed)
        mean, scale = examples.band_statistics()
        net.module_.band_mean.copy_(torch.from_numpy(mean))
        net.module_.band_scale.copy_(torch.from_numpy(scale))
        return net

    def _new_net(self, dtype, seed):
        """Build the skorch net that the parameters and labels ask for, with weights from a seed."""
        device = resolve_device(self.device, type(self).__name__)
        network, parameters = self._network(self._labels.n_outputs, self._exclusive(), seed)
        net = EventNet(
            network,
            **{f"module__{key}": value for key, value in parameters.items()},
            criterion=EventLoss,
            criterion__name=self.loss,
            criterion__gamma=self.focal_gamma,
            criterion__smoothing=self.label_smoothing,
            criterion__exclusive=self._exclusive(),
            optimizer=OPTIMIZERS[self.optimizer],
            optimizer__weight_decay=self.weight_decay,
            optimizer__fused=True,
            lr=self.learning_rate,
            batch_size=self.batch_size,
            iterator_train__seed=seed,
            iterator_train__dtype=dtype,
            iterator_train__sampling=self.sampling,
            iterator_train__pin_memory=device.type == "cuda",
            train_split=None,
            callbacks__print_log=None,
            compile=self.compile,
            device=str(device),
            verbose=0,
        ).initialize()
        module = net.module_
        self.segment_frames_ = module.segment_frames
        self.segment_hop_frames_ = module.segment_hop_frames
        self.context_frames_ = module.context_frames
        self._n_features_out = self.embedding_dim
        # Channels last is the layout that convolutions on CPU and CUDA are fastest in.
        module.to(dtype=dtype, memory_format=torch.channels_last)
        return net

    def _train(self, examples, validation, n_epochs, seed, bridge, part):
        """Train the net for some epochs; a part of a training has a constant step size."""
        net, first_epoch = self.net_, len(self.net_.history)
        net.set_params(batch_size=self.batch_size, lr=self.learning_rate)
        net.prepare(
            augment=self._batch_augmentation(),
            seed=seed,
            ema_decay=self.ema_decay,
            held_out=validation,
            autocast=self._autocast(net),
        )
        schedule = "constant" if part or n_epochs == 1 else self.learning_rate_schedule
        early_stopping = None
        callbacks = [
            FiniteLoss(),
            StepSize(self.learning_rate, schedule, self.warmup_epochs, first_epoch, n_epochs),
        ]
        if self.max_grad_norm is not None:
            callbacks.append(GradientClipping(self.max_grad_norm))
        callbacks += self._user_callbacks(validation)
        if self.early_stopping and validation is not None:
            early_stopping = EarlyStopping(self.n_iter_no_change, first_epoch)
            callbacks.append(early_stopping)
        if self.checkpoint_dir is not None and not part:
            settings = self._checkpoint_settings(examples)
            checkpoints = Checkpoints(self.checkpoint_dir, settings, seed, early_stopping)
            checkpoints.restore(net)
            n_epochs -= len(net.history) - first_epoch
            callbacks.append(checkpoints)
        callbacks.append(bridge)
        if self.verbose:
            callbacks.append(EpochProgress(n_epochs, type(self).__name__))
        train(net, examples, n_epochs, callbacks, early_stopping)

    def _user_callbacks(self, validation):
        """Return the skorch callbacks of the user; metrics by name become one."""
        name, callbacks, metrics = type(self).__name__, [], {}
        for callback in self.callbacks or []:
            if not isinstance(callback, str):
                callbacks.append(callback)
            elif callback not in CLIP_METRICS:
                raise ValueError(
                    f"A name in the 'callbacks' parameter of {name} must be one of "
                    f"{sorted(CLIP_METRICS)}. Got {callback!r} instead."
                )
            elif validation is None:
                raise ValueError(
                    f"The metric {callback!r} in the 'callbacks' parameter of {name} needs "
                    "held-out clips: pass early_stopping=True or 'validation_data' to fit."
                )
            else:
                metrics[callback] = CLIP_METRICS[callback]
        if metrics:
            callbacks.append(ClipMetrics(metrics, *self._metric_arguments(validation)))
        return callbacks

    def _metric_arguments(self, validation):
        """Return the targets of the held-out clips, and the function that predicts them."""
        _, first = np.unique(validation.clip_of, return_index=True)
        targets = validation.targets[first]
        if self._labels.binary:
            targets = targets[:, 0].astype(int)
        elif not self._labels.multilabel:
            targets = targets.argmax(axis=1)

        def predict(net):
            scores, _ = self._pooled(net.module_, validation)
            return self._probabilities(scores)

        return targets, predict

    def _autocast(self, net):
        """Return whether to compute in bfloat16, in training."""
        on_cuda = net.device.startswith("cuda")
        if self.mixed_precision == "auto":
            return on_cuda and torch.cuda.is_bf16_supported()
        return self.mixed_precision

    def _exclusive(self):
        """Whether the network has a softmax. Two classes need none: they share one sigmoid."""
        if self.loss == "cross_entropy" and self._labels.multilabel:
            raise ValueError(
                f"The 'loss' parameter of {type(self).__name__} must be 'bce' or 'focal' for a "
                "multi-label y. Got 'cross_entropy' instead, which takes one class per clip."
            )
        return self.loss == "cross_entropy" and not self._labels.binary

    def _checkpoint_settings(self, examples):
        """Return what decides the training, as JSON can hold it."""
        digest = hashlib.sha256()
        for array in (examples.targets, examples.target_weight, examples.sample_weight):
            digest.update(np.ascontiguousarray(array))
        digest.update(np.concatenate([*examples.band_statistics(), examples.lengths]))
        parameters = {
            key: _description(value)
            for key, value in sorted(self.get_params(deep=False).items())
            if key not in NOT_IN_CHECKPOINT
        }
        # A seed that is an int decides the order of batches; any other is drawn anew.
        if isinstance(self.random_state, Integral):
            parameters["random_state"] = int(self.random_state)
        return json.loads(json.dumps(parameters | {"training data": digest.hexdigest()}))

    def predict(self, X):
        """Predict the labels of clips.

        Parameters
        ----------
        X : array, list or table of n_clips clips
            The clips, as for ``fit``.

        Returns
        -------
        y : ndarray of shape (n_clips,) or (n_clips, n_classes)
            The most probable label; for a multi-label problem 1 where the probability is above 0.5.
        """
        scores = self.decision_function(X)
        return self._labels.decode(scores)

    def predict_proba(self, X):
        """Predict the probability of each class.

        Parameters
        ----------
        X : array, list or table of n_clips clips
            The clips, as for ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n_clips, n_classes)
            float64. Rows sum to 1, but for a multi-label problem, where each column is a
            probability of its own.
        """
        return self._probabilities(self._clip_scores(X))

    def _probabilities(self, scores):
        """Return probabilities (n_clips, n_classes) from ClipScores."""
        if self._labels.multilabel:
            return np.exp(scores.log_present.numpy())
        if self._labels.binary:
            return _both_classes(scores)
        return softmax(scores.log_present.numpy(), axis=1)

    def decision_function(self, X):
        """Compute the score of each class.

        Parameters
        ----------
        X : array, list or table of n_clips clips
            The clips, as for ``fit``.

        Returns
        -------
        scores : ndarray of shape (n_clips,) or (n_clips, n_classes)
            float64. The log odds, log p - log(1 - p), of the clip's pooled probability; of the
            second class in a binary problem. With ``loss="cross_entropy"`` and more than two
            classes, log p.
        """
        scores = self._clip_scores(X)
        if scores.log_absent is None:
            return scores.log_present.numpy()
        log_odds = (scores.log_present - scores.log_absent).numpy()
        return log_odds[:, 0] if self._labels.binary else log_odds

    def predict_segments(self, X):
        """Predict the probability of each class in each segment of a clip.

        For frames, segment k covers the ``segment_frames_`` frames from frame
        ``k * segment_hop_frames_`` on; for bags, it is the k-th segment of the bag.

        Parameters
        ----------
        X : array, list or table of n_clips clips
            The clips, as for ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n_clips, n_segments, n_classes) or (n_clips,)
            float64. If X is ragged, a 1-D object array of arrays (n_segments, n_classes). With
            "bce" and "focal", classes of a multi-class problem are not normalised to sum to 1: in a
            segment without any of the events, all are small.
        """
        examples = self._checked_examples(X)
        scores, counts = self._segment_scores(self.net_.module_, examples)
        probabilities = (
            _both_classes(scores) if self._labels.binary else np.exp(scores.log_present.numpy())
        )
        per_segment = np.split(probabilities, np.cumsum(counts)[:-1])
        is_uniform = isinstance(examples.clips, np.ndarray)
        return np.stack(per_segment) if is_uniform else object_array(per_segment)

    def transform(self, X):
        """Compute the embedding of each clip: what the network makes of it before the classes.

        Parameters
        ----------
        X : array, list or table of n_clips clips
            The clips, as for ``fit``.

        Returns
        -------
        embeddings : ndarray of shape (n_clips, embedding_dim)
            The mean over the segments of a clip, in the precision of the network.
        """
        examples = self._checked_examples(X)
        values, counts = self._segment_values(
            self.net_.module_,
            examples,
            lambda embeddings, _: embeddings[..., 0].transpose(1, 2),
            self.embedding_dim,
        )
        counts = np.bincount(examples.clip_of, counts, examples.n_clips).astype(np.int64)
        starts = np.cumsum(counts) - counts
        return np.add.reduceat(values.numpy(), starts, axis=0) / counts[:, None].astype(
            values.numpy().dtype
        )

    def _checked_examples(self, X):
        check_is_fitted(self)
        return ExampleSet(self._check_clips(X, reset=False))

    def _clip_scores(self, X):
        """Return the pooled ClipScores (n_clips, n_outputs) of all clips."""
        examples = self._checked_examples(X)
        scores, _ = self._pooled(self.net_.module_, examples)
        return scores

    def _pooled(self, module, examples, by="clip"):
        """Return ClipScores of each clip, or of each example, and the numbers of segments."""
        logits, counts = self._segment_logits(module, examples)
        if by == "clip" and examples.is_bags:
            counts = np.bincount(examples.clip_of, counts, examples.n_clips).astype(np.int64)
        return _pool_rows(module.pooling, logits, counts), counts

    def _segment_scores(self, module, examples):
        """Return ClipScores of all segments, clip after clip, and how many a clip has.

        A segment of a bag is an example; it may have several outputs, which are pooled.
        """
        if examples.is_bags:
            scores, _ = self._pooled(module, examples, by="example")
            return scores, np.bincount(examples.clip_of, minlength=examples.n_clips)
        logits, counts = self._segment_logits(module, examples)
        with torch.inference_mode():
            return module.pooling.segment_scores(logits), counts

    def _segment_logits(self, module, examples):
        logits, counts = self._segment_values(module, examples, module.classify, module.n_logits)
        return logits.double(), counts

    def _segment_values(self, module, examples, output, n_columns):
        with torch_threads(self.n_jobs):
            return predict_segments_of(module, examples, self.batch_size, output, n_columns)


@torch.inference_mode()
def _pool_rows(pooling, logits, counts):
    """Pool rows of logits, so many for each clip; clips of equal numbers together."""
    starts = np.cumsum(counts) - counts
    pooling = deepcopy(pooling).cpu()  # logits are on the CPU, in double precision
    pooled = None
    for count in np.unique(counts):
        clips = np.flatnonzero(counts == count)
        rows = torch.from_numpy(starts[clips, None] + np.arange(count))
        scores = pooling(logits[rows])
        if pooled is None:
            pooled = ClipScores(
                *(
                    None if log_p is None else log_p.new_empty(len(counts), log_p.shape[1])
                    for log_p in scores
                )
            )
        for target, log_p in zip(pooled, scores):
            if target is not None:
                target[clips] = log_p
    return pooled


def _both_classes(scores):
    """Return probabilities (n, 2) from those of the second class."""
    return np.exp(torch.cat([scores.log_absent, scores.log_present], dim=-1).numpy())


def _description(parameter):
    """Return a text that is the same in each process, also for a function."""
    if isroutine(parameter):
        return f"{parameter.__module__}.{parameter.__qualname__}"
    return repr(parameter)


def _history_table(history):
    """Return a skorch history as a DataFrame of one row per epoch."""
    columns = {"dur": "seconds"}
    rows = [
        {
            columns.get(key, key): value
            for key, value in row.items()
            if isinstance(value, Real) and not key.endswith(("_best", "_batch_count"))
        }
        for row in history
    ]
    table = pd.DataFrame(rows)
    first = [name for name in FIRST_COLUMNS if name in table]
    return table[first + [name for name in table if name not in first]]
