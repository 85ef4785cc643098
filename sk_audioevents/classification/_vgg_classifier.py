"""The VGG classifier of sound events, as a scikit-learn estimator."""

from numbers import Integral

from sk_audioevents._base import Interval, StrOptions
from sk_audioevents.classification._backbones import BACKBONES, backbone_network
from sk_audioevents.classification._event_classifier import EventClassifier
from sk_audioevents.classification._published_weights import published_classifier
from sk_audioevents.networks._vgg import CHANNELS


class VGGEventClassifier(EventClassifier):
    """Classify clips with a fully convolutional VGG network.

    The network reads log-mel frames of any length, gives class probabilities for each segment of a
    clip (by default 128 frames, 64 apart) and pools them over the clip. Trained on whole clips it
    learns from the pooled output (weak labels); trained on the bags of a `SLATSegmenter`, each
    segment is an example with the label of its clip (strong label assumption training).

    Parameters
    ----------
    backbone : {"vgg", "kumar2018", "cnn6", "cnn10", "cnn14"}, default="vgg"
        The network: "vgg" is that of [1]_, for clips of any length and features of any number of
        bands; "kumar2018" exactly as it was published; "cnn6", "cnn10" and "cnn14" are those of
        PANNs [3]_. See `sk_audioevents.networks`.
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
    channels : sequence of int, default=(16, 32, 64, 128, 256, 512)
        Filters of each block of convolutions. Only for "vgg".
    pool_sizes : sequence of (int, int), default=None
        By how much each block pools time and bands. None halves both in each block: n blocks give
        segments of 2^(n+1) frames, 2^n apart. ``(1, 2)`` for some keeps a finer time axis. Only for
        "vgg".
    segment_frames : int or "clip", default=None
        Frames of a segment, for PANNs only: a multiple of 16, or of 32 for "cnn14", which is also
        how far segments are apart. None is 96. "clip" is one segment of the whole clip, as in the
        publication.
    embedding_dim : int, default=None
        Size of a segment's embedding. None is that of the publication: 1024; 512 for "cnn6" and
        "cnn10", 2048 for "cnn14".
    dropout : bool, default=True
        Whether PANNs drop 20 % of what each block gives, and half of what the embedding is made of,
        in training. The other networks have no dropout.
    temporal : {"lstm", "bilstm"}, default=None
        A recurrent layer over the segments of a clip, in one direction or both, whose outputs the
        class layer sees beside the embeddings. A bag's segments are clips of their own to it.
    temporal_dim : int, default=256
        Number of its units, in each direction.
    augment : callable, default=None
        What is done to each training batch, on its device: an object of
        `sk_audioevents.augmentation`, such as ``Mixup()`` or a ``Compose`` of several.
    pretrained : estimator, str or os.PathLike, default=None
        A fitted classifier of this class, the body of whose network ``fit`` starts from: wrapped in
        scikit-learn's ``FrozenEstimator``, without which ``clone`` would take its fit away; or a
        pipeline that ends in one; or the path of a saved model. The classes are learnt anew.
    freeze : int or "body", default=None
        How many stages of the network keep their weights and statistics, counted from the input:
        each block, the embedding, and the recurrent layer if there is one. "body" is all of these.
        None is 0.
    unfreeze_every : int, default=None
        After how many epochs the last frozen stage is trained too, and so on [4]_. None is never.
    body_learning_rate_factor : float, default=1.0
        Step size of all stages before the classes, as a share of ``learning_rate``, above 0 and up
        to 1.
    max_epochs : int, default=50
        Number of passes over the training data.
    batch_size : int or "auto", default="auto"
        Largest number of clips (or segments of bags) in a batch. "auto" is a twentieth of them, so
        that an epoch has twenty steps, but at least 16 and at most 64; and all where there are no
        more than 32. In predictions it is 64.
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
        Whether to train in bfloat16 where that is safe. "auto" does on CUDA devices that have it. A
        CPU with AVX-512 BF16 trains 1.3 to 1.6 times as fast with True; one without takes 9 times
        as long.
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
        Number of frequency bands.
    n_iter_ : int
        Number of epochs trained.
    history_ : DataFrame of shape (n_epochs, n_columns)
        For each epoch: epoch, train_loss, valid_loss where clips are held out, learning_rate of the
        last batch, seconds, and the metrics named in ``callbacks``.
    loss_curve_ : list of float
        Mean training loss of each epoch.
    segment_frames_ : int or None
        Number of frames that a segment output sees; None is the whole clip.
    segment_hop_frames_ : int or None
        Number of frames between the starts of segments; None where a clip has one.
    context_frames_ : int
        How many frames on each side of a segment the convolutions see.
    front_end_ : dict
        The parameters of the `LogMelTransformer` whose frames the published weights are for; only
        after `from_torch_state_dict`, and in a classifier that has been fine-tuned from such a one.

    See Also
    --------
    LogMelTransformer : Makes the frames.
    SLATSegmenter : Makes bags of segments.

    Notes
    -----
    Frames are standardised per band with the statistics of the training data, of the first training
    where there is a ``pretrained`` one.

    The network computes in the precision of the X of ``fit``, as scikit-learn's own estimators do:
    float32, which our transformers give, or float64, which is several times slower.

    Clips of unequal lengths are batched with others of like length; padding is masked, so what the
    classifier says of a clip does not depend on the clips beside it. One pass over a whole clip
    gives the same as its segments one by one, except that the 3×3 convolutions look over the edges
    of a segment, up to 94 frames on each side: they see the neighbouring frames in the one case and
    zeros in the other. In training, batch statistics differ too. Clips of more than 6 minutes are
    predicted in chunks that overlap by as much, so their seams cannot be seen.

    A sample weight is a count: training with weight 2 is training with the clip twice, in the loss,
    in batch norm and in the standardisation (exactly so when all clips fit into one batch).

    References
    ----------
    .. [1] A. Kumar, M. Khadkevich and C. Fügen, "Knowledge transfer from weakly labeled audio using
       convolutional neural network for sound events and scenes", ICASSP 2018, arXiv:1711.01369.
    .. [2] T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollár, "Focal loss for dense object
       detection", ICCV 2017, arXiv:1708.02002.
    .. [3] Q. Kong, Y. Cao, T. Iqbal, Y. Wang, W. Wang and M. D. Plumbley, "PANNs: large-scale
       pretrained audio neural networks for audio pattern recognition", IEEE/ACM TASLP 28, 2020,
       arXiv:1912.10211.
    .. [4] J. Howard and S. Ruder, "Universal language model fine-tuning for text classification",
       ACL 2018, arXiv:1801.06146, section 3.3.

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
        **EventClassifier._parameter_constraints,
        "backbone": [StrOptions(set(BACKBONES))],
        "pool_sizes": ["array-like", None],
        "segment_frames": [Interval(Integral, 1, None, closed="left"), StrOptions({"clip"}), None],
        "embedding_dim": [Interval(Integral, 1, None, closed="left"), None],
        "dropout": ["boolean"],
    }

    def __init__(
        self,
        *,
        backbone="vgg",
        loss="bce",
        focal_gamma=2.0,
        label_smoothing=0.0,
        pooling="mean",
        channels=CHANNELS,
        pool_sizes=None,
        segment_frames=None,
        embedding_dim=None,
        dropout=True,
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
        self.backbone = backbone
        self.loss = loss
        self.focal_gamma = focal_gamma
        self.label_smoothing = label_smoothing
        self.pooling = pooling
        self.channels = channels
        self.pool_sizes = pool_sizes
        self.segment_frames = segment_frames
        self.embedding_dim = embedding_dim
        self.dropout = dropout
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

    @classmethod
    def from_torch_state_dict(cls, state, layout="kumar2018", classes=None, **parameters):
        """Make a fitted classifier from published weights.

        Parameters
        ----------
        state : dict, str or os.PathLike
            The published tensors by name, or the file that holds them. Files are read with
            ``torch.load(..., weights_only=True)``, which runs no code of theirs.
        layout : {"kumar2018", "cnn6", "cnn10", "cnn14"}, default="kumar2018"
            The network: weak_mxh64_1024 of Kumar et al. [1]_, or one of PANNs [2]_.
        classes : array-like of shape (n_classes,), default=None
            The names of the outputs, in their order. None is the 527 classes of AudioSet.
        **parameters : dict
            Further parameters of the classifier, such as ``device``. Those that the weights depend
            on cannot be set. PANNs have ``segment_frames="clip"`` unless another value is given:
            then clips get exactly the published scores.

        Returns
        -------
        classifier : VGGEventClassifier
            Fitted, for clips of several labels: ``predict`` gives a 0/1 indicator of ``classes_``.
            ``front_end_`` says what frames it reads.

        Raises
        ------
        ValueError
            If tensors are missing, unexpected or of another shape, each of which is named; if a
            file holds other things than tensors; or if a parameter does not go with the layout.

        See Also
        --------
        make_pretrained_pipeline : The same with its features, from recordings to classes.

        Notes
        -----
        Left out of account are the prefix "module." of names, and of PANNs the tensors of the
        spectrogram, ``spectrogram_extractor`` and ``logmel_extractor``, which `LogMelTransformer`
        computes.

        References
        ----------
        .. [1] A. Kumar, M. Khadkevich and C. Fügen, "Knowledge transfer from weakly labeled audio
           using convolutional neural network for sound events and scenes", ICASSP 2018,
           arXiv:1711.01369; github.com/anuragkr90/weak_feature_extractor.
        .. [2] Q. Kong et al., "PANNs: large-scale pretrained audio neural networks for audio
           pattern recognition", IEEE/ACM TASLP 28, 2020, arXiv:1912.10211;
           github.com/qiuqiangkong/audioset_tagging_cnn.
        """
        return published_classifier(cls, state, layout, classes, parameters)

    def explain_lrp(self, X, target=None, rule="composite", output="clip", **options):
        """Tell which frames and bands decided, by layer-wise relevance propagation.

        Parameters
        ----------
        X : array of shape (n_clips, n_frames, n_bands) or (n_clips, n_segments, n_frames, n_bands)
            Frames or bags, as for ``fit``.
        target : label, int or array-like, default=None
            The class to explain. None is the most probable one.
        rule : str, rule or list of (start, stop, rule), default="composite"
            How relevance is shared out in the convolutions.
        output : {"clip", "segment"}, default="clip"
            Whether the score of the clip or that of one segment is explained.
        **options : dict
            ``bias`` and ``segment`` of `sk_audioevents.explain.explain_lrp`, which this calls and
            which says more.

        Returns
        -------
        relevance : Relevance
            The maps and the scores that they add up to.
        """
        from sk_audioevents.explain import explain_lrp  # it stands above the classifiers

        return explain_lrp(self, X, target=target, rule=rule, output=output, **options)

    def _check_clips(self, X, reset):
        if reset:  # it is that of the weights which were imported, and these are learnt anew
            self.__dict__.pop("front_end_", None)
        return super()._check_clips(X, reset)

    def _network(self, n_outputs, exclusive, seed):
        network, parameters = backbone_network(self)
        return network, {
            "n_bands": self.n_features_in_,
            "n_outputs": n_outputs,
            **parameters,
            "temporal": self.temporal,
            "temporal_dim": self.temporal_dim,
            "pooling": self.pooling,
            "exclusive": exclusive,
            "seed": seed,
        }
