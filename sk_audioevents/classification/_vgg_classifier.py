"""The VGG classifier of sound events, as a scikit-learn estimator."""

from numbers import Integral, Real

import numpy as np
import torch
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import CosineAnnealingLR

from sk_audioevents._base import (
    N_JOBS,
    Interval,
    StrOptions,
    check_first_call_classes,
    check_sample_weight,
    fit_context,
)
from sk_audioevents._validation import check_frames, object_array
from sk_audioevents.classification._batches import ExampleSet, prediction_batches
from sk_audioevents.classification._labels import LabelCoder, check_labels
from sk_audioevents.classification._training import (
    EpochBridge,
    EpochProgress,
    EventNet,
    FiniteLoss,
    resolve_device,
    torch_threads,
    train,
)
from sk_audioevents.networks import (
    ClipScores,
    VGGNetwork,
    binary_cross_entropy,
    cross_entropy,
    focal_loss,
)


class VGGEventClassifier(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """Classify clips with a fully convolutional VGG network.

    The network reads log-mel frames of any length, gives class probabilities for each segment of a
    clip (128 frames, 64 apart) and pools them over the clip. Trained on whole clips it learns from
    the pooled output (weak labels); trained on the bags of a `SLATSegmenter`, each segment is an
    example with the label of its clip (strong label assumption training).

    Parameters
    ----------
    loss : {"bce", "focal", "cross_entropy"}, default="bce"
        Binary cross-entropy of each class on its own (sigmoids); the same with little weight on
        what is already right (focal loss); or cross-entropy of classes that exclude each other
        (softmax), for 1-D y only.
    focal_gamma : float, default=2.0
        Exponent of the focal loss. 0 is "bce".
    pooling : {"mean", "max"}, default="mean"
        How a clip's probabilities come from those of its segments.
    channels : sequence of int, default=(16, 32, 64, 128, 256, 512)
        Filters of each block of convolutions. Each block halves the time resolution: n blocks give
        segments of 2^(n+1) frames, 2^n apart.
    embedding_dim : int, default=1024
        Size of a segment's embedding.
    max_epochs : int, default=50
        Number of passes over the training data.
    batch_size : int, default=64
        Largest number of clips (or segments of bags) in a batch.
    learning_rate : float, default=1e-3
        Step size of Adam.
    learning_rate_schedule : {"cosine", "constant"}, default="cosine"
        Whether ``fit`` lowers the step size from epoch to epoch, along half a cosine to almost 0,
        or keeps it, as ``partial_fit`` always does.
    class_weight : dict, list of dict or "balanced", default=None
        Weight of each class in the loss. "balanced" is n_clips / (n_classes * count). For a
        multi-label y, "balanced" or a list of one dict {0: weight, 1: weight} per column.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "auto", which is CUDA where there is one.
    n_jobs : int, default=None
        Number of torch's CPU threads. None is 1, -1 is one for each processor. The last bits of the
        result depend on it; they do not depend on the ``n_jobs`` of a cross-validation around it.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights and of the order of batches. Pass an int for the same model at
        each fit.
    verbose : int, default=0
        Whether to show a progress bar over the epochs.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels; column numbers for a multi-label y.
    net_ : skorch.NeuralNet
        The trained net: ``net_.module_`` is the torch module, ``net_.history`` the record.
    n_features_in_ : int
        Number of frequency bands.
    n_iter_ : int
        Number of epochs trained.
    loss_curve_ : list of float
        Mean training loss of each epoch.
    segment_frames_ : int
        Number of frames that a segment output sees.
    segment_hop_frames_ : int
        Number of frames between the starts of segments.

    See Also
    --------
    LogMelTransformer : Makes the frames.
    SLATSegmenter : Makes bags of segments.

    Notes
    -----
    Frames are standardised per band with the statistics of the training data.

    The network computes in the precision of the X of ``fit``, as scikit-learn's own estimators do:
    float32, which our transformers give, or float64, which is several times slower.

    Clips of unequal lengths are batched with others of like length; padding is masked, so what the
    classifier says of a clip does not depend on the clips beside it. One pass over a whole clip
    gives the same as its segments one by one, except that the 3×3 convolutions look over the edges
    of a segment, up to 94 frames on each side: they see the neighbouring frames in the one case and
    zeros in the other. In training, batch statistics differ too.

    A sample weight is a count: training with weight 2 is training with the clip twice, in the loss,
    in batch norm and in the standardisation (exactly so when all clips fit into one batch).

    References
    ----------
    .. [1] A. Kumar, M. Khadkevich and C. Fügen, "Knowledge transfer from weakly labeled audio using
       convolutional neural network for sound events and scenes", ICASSP 2018, arXiv:1711.01369.
    .. [2] T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollár, "Focal loss for dense object
       detection", ICCV 2017, arXiv:1708.02002.

    Examples
    --------
    >>> from sk_audioevents import LogMelTransformer, VGGEventClassifier
    >>> from sk_audioevents.datasets import make_sound_events
    >>> from sklearn.pipeline import make_pipeline
    >>> sounds = make_sound_events(n_clips=24, n_classes=2, duration=1.0, random_state=0)
    >>> model = make_pipeline(
    ...     LogMelTransformer(sample_rate=sounds.sample_rate, n_mels=40),
    ...     VGGEventClassifier(channels=(4, 8, 8), embedding_dim=16, max_epochs=15, random_state=0),
    ... )
    >>> model.fit(sounds.waveforms, sounds.target).predict_proba(sounds.waveforms).shape
    (24, 2)
    """

    _parameter_constraints = {
        "loss": [StrOptions({"bce", "focal", "cross_entropy"})],
        "focal_gamma": [Interval(Real, 0, None, closed="left")],
        "pooling": [StrOptions({"mean", "max"})],
        "channels": ["array-like"],
        "embedding_dim": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "learning_rate_schedule": [StrOptions({"cosine", "constant"})],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
        "device": [str],
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        loss="bce",
        focal_gamma=2.0,
        pooling="mean",
        channels=(16, 32, 64, 128, 256, 512),
        embedding_dim=1024,
        max_epochs=50,
        batch_size=64,
        learning_rate=1e-3,
        learning_rate_schedule="cosine",
        class_weight=None,
        device="auto",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.loss = loss
        self.focal_gamma = focal_gamma
        self.pooling = pooling
        self.channels = channels
        self.embedding_dim = embedding_dim
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.class_weight = class_weight
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self.loss != "cross_entropy"
        tags.input_tags.three_d_array = True
        return tags

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Train on clips and their labels.

        Parameters
        ----------
        X : array of shape (n_clips, n_frames, n_bands) or (n_clips, n_segments, n_frames, n_bands)
            Frames, or bags of segments; a list or object array of such clips where their lengths
            differ.
        y : array-like of shape (n_clips,) or (n_clips, n_classes)
            Labels of any type, or a 0/1 indicator for clips with several labels.
        sample_weight : array-like of shape (n_clips,), default=None
            How often each clip counts.

        Returns
        -------
        self : object
            The fitted classifier.
        """
        return self._fit(X, y, sample_weight, n_epochs=self.max_epochs, reset=True)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one epoch on some clips, from where the last call ended.

        The statistics that standardise the bands are those of the first call.

        Parameters
        ----------
        X : array of shape (n_clips, n_frames, n_bands) or (n_clips, n_segments, n_frames, n_bands)
            Frames or bags, as for ``fit``.
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
        return self._fit(X, y, sample_weight, n_epochs=1, reset=reset, classes=classes)

    def _fit(self, X, y, sample_weight, *, n_epochs, reset, classes=None):
        context = self._init_callback_context(max_subtasks=n_epochs)
        name = type(self).__name__
        clips = check_frames(X, self, reset=reset)
        labels = LabelCoder(y, name, classes) if reset else self._labels
        targets = labels.encode(y)
        check_consistent_length(clips, targets)
        weights = check_sample_weight(
            sample_weight, np.empty((len(clips), 1)), dtype=np.float64, ensure_non_negative=True
        )
        if sample_weight is not None and not weights.any():
            raise ValueError("Sample weights must contain at least one non-zero number.")
        if reset and classes is None:
            labels.require_two_classes(targets, weights)
        target_weight = labels.target_weight(check_labels(y, name), self.class_weight, weights)
        examples = ExampleSet(clips).label(targets, target_weight, weights)

        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        with torch_threads(self.n_jobs):
            if reset:
                self._labels, self.classes_ = labels, labels.classes
                self.net_ = self._build_net(examples)
            self.net_.set_params(batch_size=self.batch_size, lr=self.learning_rate)
            callbacks = [FiniteLoss(), EpochBridge(self, context, X, y)]
            if n_epochs > 1 and self.learning_rate_schedule == "cosine":
                callbacks.append(LRScheduler(CosineAnnealingLR, T_max=n_epochs))
            if self.verbose:
                callbacks.append(EpochProgress(n_epochs, name))
            train(self.net_, examples, n_epochs, callbacks)
        self.n_iter_ = len(self.net_.history)
        self.loss_curve_ = [float(loss) for loss in self.net_.history[:, "train_loss"]]
        context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes=dict)
        return self

    def _build_net(self, examples):
        """Build the skorch net for the given examples, with their band statistics, untrained."""
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        dtype = torch.float64 if examples.dtype == np.float64 else torch.float32
        net = EventNet(
            VGGNetwork,
            criterion=_Loss,
            criterion__name=self.loss,
            criterion__gamma=self.focal_gamma,
            module__n_bands=self.n_features_in_,
            module__n_outputs=self._labels.n_outputs,
            module__channels=self._checked_channels(),
            module__embedding_dim=self.embedding_dim,
            module__pooling=self.pooling,
            module__exclusive=self._exclusive(),
            module__seed=seed,
            optimizer=torch.optim.Adam,
            optimizer__fused=True,
            lr=self.learning_rate,
            batch_size=self.batch_size,
            iterator_train__seed=seed,
            iterator_train__dtype=dtype,
            train_split=None,
            callbacks__print_log=None,
            device=str(resolve_device(self.device, type(self).__name__)),
            verbose=0,
        ).initialize()
        module = net.module_
        self.segment_frames_ = module.segment_frames
        self.segment_hop_frames_ = module.segment_hop_frames
        # Channels last is the layout that convolutions on CPU and CUDA are fastest in.
        module.to(dtype=dtype, memory_format=torch.channels_last)
        mean, scale = examples.band_statistics()
        module.band_mean.copy_(torch.from_numpy(mean))
        module.band_scale.copy_(torch.from_numpy(scale))
        return net

    def _checked_channels(self):
        channels = tuple(self.channels)
        if not channels or not all(isinstance(n, Integral) and n > 0 for n in channels):
            raise ValueError(
                "The 'channels' parameter of VGGEventClassifier must be a sequence of at least one "
                f"int in the range [1, inf). Got {self.channels!r} instead."
            )
        return tuple(int(n) for n in channels)

    def _exclusive(self):
        """Whether the network has a softmax. Two classes need none: they share one sigmoid."""
        if self.loss == "cross_entropy" and self._labels.multilabel:
            raise ValueError(
                "The 'loss' parameter of VGGEventClassifier must be 'bce' or 'focal' for a "
                "multi-label y. Got 'cross_entropy' instead, which takes one class per clip."
            )
        return self.loss == "cross_entropy" and not self._labels.binary

    def predict(self, X):
        """Predict the labels of clips.

        Parameters
        ----------
        X : array of shape (n_clips, n_frames, n_bands) or (n_clips, n_segments, n_frames, n_bands)
            Frames or bags, as for ``fit``.

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
        X : array of shape (n_clips, n_frames, n_bands) or (n_clips, n_segments, n_frames, n_bands)
            Frames or bags, as for ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n_clips, n_classes)
            float64. Rows sum to 1, but for a multi-label problem, where each column is a
            probability of its own.
        """
        scores = self._clip_scores(X)
        if self._labels.multilabel:
            return np.exp(scores.log_present.numpy())
        if self._labels.binary:
            return _both_classes(scores)
        return softmax(scores.log_present.numpy(), axis=1)

    def decision_function(self, X):
        """Compute the score of each class.

        Parameters
        ----------
        X : array of shape (n_clips, n_frames, n_bands) or (n_clips, n_segments, n_frames, n_bands)
            Frames or bags, as for ``fit``.

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
        X : array of shape (n_clips, n_frames, n_bands) or (n_clips, n_segments, n_frames, n_bands)
            Frames or bags, as for ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n_clips, n_segments, n_classes) or (n_clips,)
            float64. If X is ragged, a 1-D object array of arrays (n_segments, n_classes). With
            "bce" and "focal", classes of a multi-class problem are not normalised to sum to 1: in a
            segment without any of the events, all are small.
        """
        per_segment = [self._segment_probabilities(scores) for scores in self._segment_scores(X)]
        return (
            np.stack(per_segment)
            if hasattr(X, "ndim") and X.ndim > 1
            else object_array(per_segment)
        )

    def _segment_probabilities(self, scores):
        return _both_classes(scores) if self._labels.binary else np.exp(scores.log_present.numpy())

    def _clip_scores(self, X):
        """Return the pooled ClipScores (n_clips, n_outputs) of all clips."""
        segment_scores = self._segment_scores(X)
        return _pool_each(self.net_.module_.pooling, segment_scores)

    def _segment_scores(self, X):
        """Return for each clip the ClipScores (n_segments, n_outputs), in double precision."""
        check_is_fitted(self)
        examples = ExampleSet(check_frames(X, self, reset=False))
        logits = self._segment_logits(examples)
        pooling = self.net_.module_.pooling
        scores = [pooling.segment_scores(example.double()) for example in logits]
        if not examples.is_bags:
            return scores
        bags = [[] for _ in range(examples.n_clips)]
        for clip, score in zip(examples.clip_of, scores):
            bags[clip].append(score)
        return [_pool_each(pooling, bag) for bag in bags]

    @torch.inference_mode()
    def _segment_logits(self, examples):
        """Return the logits (n_segments, n_outputs) of each example."""
        module = self.net_.module_.eval()
        parameter = next(module.parameters())
        # One block for all: small tensors that stay, made between the large ones of each batch,
        # would keep the allocator from using the memory of the last batch again (1 GB in 5,000
        # clips).
        counts = np.maximum(1, -(-examples.lengths // module.segment_hop_frames) - 1)
        logits = torch.empty(counts.sum(), self._labels.n_outputs, dtype=parameter.dtype)
        ends = np.cumsum(counts)
        with torch_threads(self.n_jobs):
            for indices in prediction_batches(examples.lengths, self.batch_size):
                inputs = examples.inputs(indices, parameter.dtype)
                inputs = {key: value.to(parameter.device) for key, value in inputs.items()}
                batch, _ = module.segment_logits(**inputs)
                for row, i in enumerate(indices):
                    logits[ends[i] - counts[i] : ends[i]] = batch[row, : counts[i]]
        return logits.split(counts.tolist())


class _Loss(torch.nn.Module):
    """The criterion of the skorch net: a loss by name, per clip and output."""

    def __init__(self, name, gamma):
        super().__init__()
        self.name = name
        self.gamma = gamma

    def forward(self, scores, target):
        if self.name == "focal":
            return focal_loss(scores, target, self.gamma)
        return {"bce": binary_cross_entropy, "cross_entropy": cross_entropy}[self.name](
            scores, target
        )


def _pool_each(pooling, scores):
    """Pool each of several ClipScores (n_segments, n_outputs), and stack the results."""
    pooled = [pooling.pool(_map_scores(lambda log_p: log_p[None], item)) for item in scores]
    return _map_scores(lambda *log_ps: torch.cat(log_ps), *pooled)


def _map_scores(function, *scores):
    """Apply a function to the log p of all scores, and to their log(1 - p) where there are any."""
    return ClipScores(
        *(None if log_ps[0] is None else function(*log_ps) for log_ps in zip(*scores))
    )


def _both_classes(scores):
    """Return probabilities (n, 2) from those of the second class."""
    return np.exp(torch.cat([scores.log_absent, scores.log_present], dim=-1).numpy())
