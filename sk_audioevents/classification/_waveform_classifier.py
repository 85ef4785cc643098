"""The classifier of sound events on raw waveforms, as a scikit-learn estimator."""

from numbers import Integral, Real

import numpy as np

from sk_audioevents._base import Interval
from sk_audioevents._time import seconds_to_samples
from sk_audioevents._validation import check_clips
from sk_audioevents.audio import check_files
from sk_audioevents.classification._event_classifier import EventClassifier
from sk_audioevents.classification._layer_sizes import check_sizes
from sk_audioevents.classification._waveform_augmentation import (
    BatchOfWaveforms,
    check_augments_waveforms,
)
from sk_audioevents.classification._waveform_clips import waveform_frames
from sk_audioevents.networks import WaveformNetwork


class WaveformEventClassifier(EventClassifier):
    """Classify clips with a fully convolutional network on their waveforms.

    The network reads waveforms of any length, gives class probabilities for each segment of a clip
    (2 s, 1 s apart) and pools them over the clip, as `VGGEventClassifier` does for log-mel frames.
    It needs no features, and learns its own: that takes more clips than a spectrogram does.

    Parameters
    ----------
    sample_rate : int, default=16000
        Rate, in hertz, to which files are resampled; waveforms in X are taken to have it.
    segment_duration : float, default=2.0
        How long the stretch is that a segment output is about, in seconds; the next one shares half
        of it. Half of it is rounded to whole steps of the network, which are as many samples as the
        product of ``pool_sizes``.
    loss : {"bce", "focal", "cross_entropy"}, default="bce"
        Binary cross-entropy of each class on its own (sigmoids); the same with little weight on
        what is already right (focal loss); or cross-entropy of classes that exclude each other
        (softmax), for 1-D y only.
    focal_gamma : float, default=2.0
        Exponent of the focal loss. 0 is "bce".
    label_smoothing : float, default=0.0
        How unsure targets are made, from 0 to below 1: y becomes y (1 - e) + e / 2 or, with
        "cross_entropy", e / n_classes.
    pooling : {"mean", "max", "attention", "linear_softmax", "auto"}, default="mean"
        How a clip's probabilities come from those of its segments: see
        `sk_audioevents.networks.SegmentPooling`.
    channels : sequence of int, default=(16, 32, 32, 256)
        Filters of each block of two convolutions.
    kernel_sizes : sequence of int, default=(9, 3, 3, 3)
        Length of the filters of each block, odd.
    pool_sizes : sequence of int, default=(16, 4, 5)
        By how much each block but the last pools time: by default to steps of 320 samples, 20 ms.
        The last block pools over half a segment.
    hidden_dim : int, default=64
        Filters of the narrow layer before the embedding.
    embedding_dim : int, default=1028
        Size of a segment's embedding.
    temporal : {"lstm", "bilstm"}, default=None
        A recurrent layer over the segments of a clip, in one direction or both, whose outputs the
        class layer sees beside the embeddings.
    temporal_dim : int, default=256
        Number of its units, in each direction.
    augment : callable, default=None
        What is done to each waveform of each training batch: an augmentation of waveforms, such as
        ``WaveformShift()``, a ``Compose`` of several, or any function of a waveform, a sample rate
        and a `numpy.random.Generator` that returns a waveform. Those of spectrograms are an error.
    pretrained : estimator, str or os.PathLike, default=None
        A fitted classifier of this class, the body of whose network ``fit`` starts from: wrapped in
        scikit-learn's ``FrozenEstimator``, without which ``clone`` would take its fit away; or a
        pipeline that ends in one; or the path of a saved model. The classes are learnt anew.
    freeze : int or "body", default=None
        How many stages of the network keep their weights and statistics, counted from the input:
        each block, the embedding, and the recurrent layer if there is one. "body" is all of these.
        None is 0.
    unfreeze_every : int, default=None
        After how many epochs the last frozen stage is trained too, and so on [3]_. None is never.
    body_learning_rate_factor : float, default=1.0
        Step size of all stages before the classes, as a share of ``learning_rate``, above 0 and up
        to 1.
    max_epochs : int, default=50
        Number of passes over the training data.
    batch_size : int or "auto", default="auto"
        Largest number of clips in a batch. "auto" is a twentieth of them, so that an epoch has
        twenty steps, but at least 16 and at most 64; and all where there are no more than 32. In
        predictions it is 64.
    sampling : {"shuffle", "balanced"}, default="shuffle"
        Whether an epoch has each clip once, or as many clips drawn with replacement so that all
        classes come equally often.
    optimizer : {"adam", "adamw"}, default="adam"
        Adam, or Adam with decoupled weight decay.
    weight_decay : float, default=0.0
        Weight decay; for "adam", the coefficient of an L2 penalty.
    learning_rate : float, default=1e-3
        Largest step size.
    learning_rate_schedule : {"cosine", "one_cycle", "constant"}, default="cosine"
        Whether ``fit`` lowers the step size along half a cosine to almost 0, raises it first
        (one-cycle), or keeps it, as ``partial_fit`` always does.
    warmup_epochs : float, default=0
        In how many epochs the step size rises in proportion, on top of the schedule.
    max_grad_norm : float, default=None
        The length that the gradient of a batch is shortened to. None is no bound.
    ema_decay : float, default=None
        Decay of an exponential moving average of the weights after each batch, such as 0.99, which
        predicts in place of the last weights. None is no average.
    early_stopping : bool, default=False
        Whether to hold out clips, to stop when the loss for them no longer falls, and to keep the
        weights that were best for them.
    validation_fraction : float, default=0.1
        Share of the clips that early stopping holds out, with the classes in proportion, up to 0.5.
        Not used with a ``validation_data`` in ``fit``.
    n_iter_no_change : int, default=10
        For how many epochs the held-out loss may fail to fall.
    class_weight : dict, list of dict or "balanced", default=None
        Weight of each class in the loss. "balanced" is n_clips / (n_classes * count). For a
        multi-label y, "balanced" or a list of one dict {0: weight, 1: weight} per column.
    warm_start : bool, default=False
        Whether a second ``fit`` goes on training the network of the first one, whatever
        ``pretrained`` is.
    checkpoint_dir : str or os.PathLike, default=None
        A folder for the state of the training after each epoch. A ``fit`` of the same data with the
        same parameters, after a kill, goes on from there and gives the same bits. None writes
        nothing.
    callbacks : list, default=None
        Callbacks of skorch, and names of metrics, such as "mean_average_precision", to measure on
        held-out clips after each epoch.
    mixed_precision : bool or "auto", default="auto"
        Whether to train in bfloat16 where that is safe. "auto" does on CUDA devices that have it.
    compile : bool, default=False
        Whether to compile the network with ``torch.compile``: slow to begin, faster after.
    deterministic : bool, default=False
        Whether to allow torch only algorithms that give the same bits each time. On the CPU they
        all do.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" or "auto", which is CUDA where there is one.
    n_jobs : int, default=None
        Number of torch's CPU threads. None is 1, -1 is one for each processor. The last bits of the
        result depend on it; they do not depend on the ``n_jobs`` of a cross-validation around it.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, of the order of batches, of the augmentation and of what early
        stopping holds out. Pass an int for the same model at each fit.
    verbose : int, default=0
        Whether to show a progress bar over the epochs.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels; column numbers for a multi-label y.
    net_ : skorch.NeuralNet
        The trained net: ``net_.module_`` is the torch module, ``net_.history`` the record.
    n_features_in_ : int
        Number of samples per clip; only where X was a 2-D array.
    n_iter_ : int
        Number of epochs trained.
    history_ : DataFrame of shape (n_epochs, n_columns)
        For each epoch: epoch, train_loss, valid_loss where clips are held out, learning_rate of the
        last batch, seconds, and the metrics named in ``callbacks``.
    loss_curve_ : list of float
        Mean training loss of each epoch.
    segment_frames_ : int
        Number of samples that a segment output sees.
    segment_hop_frames_ : int
        Number of samples between the starts of segments.
    context_frames_ : int
        How many samples on each side of a segment the convolutions see.

    See Also
    --------
    VGGEventClassifier : Reads log-mel frames, and is the better one on small data sets.

    Notes
    -----
    X is what `LogMelTransformer` takes: a list, array or Series of paths; a list of 1-D waveforms
    of any lengths; a 2-D array (n_clips, n_samples) of them, whose clips must be as long in
    ``predict``; or a table with the columns ``path``, ``start_time`` and ``end_time`` (seconds).
    Where the methods speak of frames, these are samples.

    Files are decoded when a batch needs them, anew in each epoch, and not kept: ``fit`` needs the
    memory of a batch, and some milliseconds for each clip and epoch. Waveforms that fit into memory
    need not be paths. A recording of hours is read in parts.

    Waveforms are standardised with the mean and the standard deviation of all training samples, of
    the first training where there is a ``pretrained`` one. The network computes in float32, and in
    float64 for a 2-D array of float64, as scikit-learn's own estimators do, which is several times
    slower.

    All else is as in `VGGEventClassifier`: padding is masked, so what the classifier says of a clip
    does not depend on the clips beside it; the seams between the parts of a long recording cannot
    be seen; and a sample weight is a count.

    References
    ----------
    .. [1] Zafar, "Beginner's guide to audio data", a kernel of the competition Freesound
       General-Purpose Audio Tagging Challenge, Kaggle 2018. What differs is noted at
       `sk_audioevents.networks.WaveformNetwork`.
    .. [2] E. Fonseca et al., "General-purpose tagging of Freesound audio with AudioSet labels: task
       description, dataset, and baseline", DCASE 2018 Workshop, arXiv:1807.09902.
    .. [3] J. Howard and S. Ruder, "Universal language model fine-tuning for text classification",
       ACL 2018, arXiv:1801.06146, section 3.3.

    Examples
    --------
    >>> from sk_audioevents import WaveformEventClassifier
    >>> from sk_audioevents.datasets import make_sound_events
    >>> sounds = make_sound_events(24, n_classes=2, duration=1.0, sample_rate=16000, random_state=0)
    >>> model = WaveformEventClassifier(segment_duration=0.4, max_epochs=2, random_state=0)
    >>> model.fit(sounds.waveforms, sounds.target).predict_proba(sounds.waveforms).shape
    (24, 2)
    >>> model.predict_segments(sounds.waveforms)[0].shape
    (4, 2)
    """

    _parameter_constraints = {
        **EventClassifier._parameter_constraints,
        "sample_rate": [Interval(Integral, 1, None, closed="left")],
        "segment_duration": [Interval(Real, 0, None, closed="neither")],
        "kernel_sizes": ["array-like"],
        "pool_sizes": ["array-like"],
        "hidden_dim": [Interval(Integral, 1, None, closed="left")],
    }

    # Frames of one sample, from its beginning: so a SoundEventDetector knows the times of segments.
    hop_length = 1
    center = False

    def __init__(
        self,
        *,
        sample_rate=16000,
        segment_duration=2.0,
        loss="bce",
        focal_gamma=2.0,
        label_smoothing=0.0,
        pooling="mean",
        channels=(16, 32, 32, 256),
        kernel_sizes=(9, 3, 3, 3),
        pool_sizes=(16, 4, 5),
        hidden_dim=64,
        embedding_dim=1028,
        temporal=None,
        temporal_dim=256,
        augment=None,
        pretrained=None,
        freeze=None,
        unfreeze_every=None,
        body_learning_rate_factor=1.0,
        max_epochs=50,
        batch_size="auto",
        sampling="shuffle",
        optimizer="adam",
        weight_decay=0.0,
        learning_rate=1e-3,
        learning_rate_schedule="cosine",
        warmup_epochs=0,
        max_grad_norm=None,
        ema_decay=None,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        class_weight=None,
        warm_start=False,
        checkpoint_dir=None,
        callbacks=None,
        mixed_precision="auto",
        compile=False,  # noqa: A002  (torch's and skorch's own name)
        deterministic=False,
        device="auto",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.sample_rate = sample_rate
        self.segment_duration = segment_duration
        self.loss = loss
        self.focal_gamma = focal_gamma
        self.label_smoothing = label_smoothing
        self.pooling = pooling
        self.channels = channels
        self.kernel_sizes = kernel_sizes
        self.pool_sizes = pool_sizes
        self.hidden_dim = hidden_dim
        self.embedding_dim = embedding_dim
        self.temporal = temporal
        self.temporal_dim = temporal_dim
        self.augment = augment
        self.pretrained = pretrained
        self.freeze = freeze
        self.unfreeze_every = unfreeze_every
        self.body_learning_rate_factor = body_learning_rate_factor
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.sampling = sampling
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.warmup_epochs = warmup_epochs
        self.max_grad_norm = max_grad_norm
        self.ema_decay = ema_decay
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.checkpoint_dir = checkpoint_dir
        self.callbacks = callbacks
        self.mixed_precision = mixed_precision
        self.compile = compile
        self.deterministic = deterministic
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = False
        tags.input_tags.string = True
        return tags

    def _check_clips(self, X, reset):
        if reset:  # only a 2-D array sets them
            self.__dict__.pop("n_features_in_", None)
            self.__dict__.pop("feature_names_in_", None)
        kind, clips = check_clips(X, self, reset=reset, dtype=[np.float64, np.float32])
        if kind == "files":
            check_files([clip.path for clip in clips])
        return waveform_frames(kind, clips, self.sample_rate)

    def _batch_augmentation(self):
        if self.augment is None:
            return None
        check_augments_waveforms(self.augment, type(self).__name__)
        return BatchOfWaveforms(self.augment, self.sample_rate)

    def _network(self, n_outputs, exclusive, seed):
        channels = check_sizes(self.channels, "channels", self)
        n_blocks = len(channels)
        return WaveformNetwork, {
            "n_outputs": n_outputs,
            "segment_samples": seconds_to_samples(self.segment_duration, self.sample_rate),
            "channels": channels,
            "kernel_sizes": check_sizes(
                self.kernel_sizes, "kernel_sizes", self, n_sizes=n_blocks, odd=True
            ),
            "pool_sizes": check_sizes(self.pool_sizes, "pool_sizes", self, n_sizes=n_blocks - 1),
            "hidden_dim": self.hidden_dim,
            "embedding_dim": self.embedding_dim,
            "temporal": self.temporal,
            "temporal_dim": self.temporal_dim,
            "pooling": self.pooling,
            "exclusive": exclusive,
            "seed": seed,
        }
