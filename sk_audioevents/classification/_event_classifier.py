"""What the classifiers of sound events share: training, prediction, embeddings."""

from numbers import Integral, Real
from os import PathLike

import numpy as np
import torch
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d

from sk_audioevents._base import (
    N_JOBS,
    Interval,
    StrOptions,
    check_first_call_classes,
    check_sample_weight,
    fit_context,
)
from sk_audioevents._validation import check_frames
from sk_audioevents.classification._batches import ExampleSet, training_batch_size
from sk_audioevents.classification._callbacks import (
    EarlyStopping,
    EpochBridge,
    EpochProgress,
    FiniteLoss,
    GradientClipping,
    StepSize,
)
from sk_audioevents.classification._checkpoints import (
    Checkpoints,
    read_checkpoint,
    training_settings,
)
from sk_audioevents.classification._clip_predictor import ClipPredictor, clip_probabilities
from sk_audioevents.classification._fine_tuning import (
    Freezing,
    check_fine_tuning,
    checked_pretrained,
    copy_body,
    n_frozen_stages,
)
from sk_audioevents.classification._history import history_table
from sk_audioevents.classification._holdout import held_out_rows
from sk_audioevents.classification._labels import LabelCoder, check_labels
from sk_audioevents.classification._prediction import pooled_scores
from sk_audioevents.classification._training import (
    EventLoss,
    EventNet,
    deterministic_algorithms,
    resolve_device,
    torch_threads,
    train,
)
from sk_audioevents.classification._user_callbacks import user_callbacks

OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


class EventClassifier(
    ClipPredictor,
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
        "pretrained": [BaseEstimator, str, PathLike, None],
        "freeze": [Interval(Integral, 0, None, closed="left"), StrOptions({"body"}), None],
        "unfreeze_every": [Interval(Integral, 1, None, closed="left"), None],
        "body_learning_rate_factor": [Interval(Real, 0, 1, closed="right")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
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

        The first call begins with ``pretrained``, if there is one. The statistics that standardise
        the bands are the pretrained ones, or those of the first call. The step size is constant.

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
        check_fine_tuning(self, starts_anew=reset)
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
        pretrained = checkpoint = None
        if reset and self.pretrained is not None:
            pretrained = checked_pretrained(self)
        if self.checkpoint_dir is not None and not part:
            checkpoint = read_checkpoint(self.checkpoint_dir)
        seed = self._seed(checkpoint)
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
                self.net_ = self._build_net(examples, seed, pretrained)
            bridge = EpochBridge(self, context, X, y)
            self._train(examples, validation, n_epochs, seed, bridge, part, checkpoint)
        self.n_iter_ = len(self.net_.history)
        self.history_ = history_table(self.net_.history)
        self.loss_curve_ = self.history_["train_loss"].tolist()
        context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes=dict)
        return self

    def _seed(self, checkpoint=None):
        """Return the seed of a training; one that goes on from a checkpoint keeps its own."""
        if checkpoint is not None and not isinstance(self.random_state, Integral):
            return checkpoint["seed"]
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

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

    def _build_net(self, examples, seed, pretrained):
        """Build the skorch net to train: a pretrained body, or the band statistics of examples."""
        dtype = torch.float64 if examples.dtype == np.float64 else torch.float32
        net = self._new_net(dtype, seed)
        if pretrained is not None:
            copy_body(pretrained.net_.module_, net.module_)
            if hasattr(pretrained, "front_end_"):
                self.front_end_ = pretrained.front_end_
            return net
        mean, scale = examples.band_statistics
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
        self._n_features_out = module.embedding_dim
        # Channels last is the layout that convolutions on CPU and CUDA are fastest in.
        module.to(dtype=dtype, memory_format=torch.channels_last)
        return net

    def _train(self, examples, validation, n_epochs, seed, bridge, part, checkpoint):
        """Train the net for some epochs; a part of a training has a constant step size."""
        net, first_epoch = self.net_, len(self.net_.history)
        automatic = self.batch_size == "auto"
        batch_size = training_batch_size(len(examples)) if automatic else self.batch_size
        net.set_params(batch_size=batch_size, lr=self.learning_rate)
        net.prepare(
            augment=self._batch_augmentation(),
            seed=seed,
            ema_decay=self.ema_decay,
            held_out=validation,
            autocast=self._autocast(net),
        )
        callbacks = self._callbacks(validation, first_epoch, n_epochs, part)
        early_stopping = None
        if self.early_stopping and validation is not None:
            early_stopping = EarlyStopping(self.n_iter_no_change, first_epoch)
            callbacks.append(early_stopping)
        if self.checkpoint_dir is not None and not part:
            settings = training_settings(self, examples)
            checkpoints = Checkpoints(self.checkpoint_dir, settings, seed, early_stopping)
            if checkpoint is not None:
                checkpoints.restore(net, checkpoint)
            n_epochs -= len(net.history) - first_epoch
            callbacks.append(checkpoints)
        callbacks.append(bridge)
        if self.verbose:
            callbacks.append(EpochProgress(n_epochs, type(self).__name__))
        train(net, examples, n_epochs, callbacks, early_stopping)

    def _callbacks(self, validation, first_epoch, n_epochs, part):
        """Return what happens between the batches and epochs of any training."""
        schedule = "constant" if part or n_epochs == 1 else self.learning_rate_schedule
        n_frozen = n_frozen_stages(self, self.net_.module_)
        callbacks = [
            FiniteLoss(),
            Freezing(n_frozen, self.unfreeze_every, 0 if part else first_epoch),
            StepSize(
                self.learning_rate,
                schedule,
                self.warmup_epochs,
                first_epoch,
                n_epochs,
                self.body_learning_rate_factor,
            ),
        ]
        if self.max_grad_norm is not None:
            callbacks.append(GradientClipping(self.max_grad_norm))

        def predict(net):
            scores = pooled_scores(net.module_, validation, self._prediction_batch_size)
            return clip_probabilities(scores, self._labels)

        name = type(self).__name__
        return callbacks + user_callbacks(self.callbacks, validation, self._labels, predict, name)

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
