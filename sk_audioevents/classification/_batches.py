"""Clips as examples of a network, and batches of clips of like lengths."""

from functools import cached_property

import numpy as np
import torch
from torch.utils.data import Dataset

from sk_audioevents._versions import n_versions, version

# Bounds the memory of prediction: 380 s of 128 bands at 44.1 kHz and a hop of 512; 260 s of a
# waveform at 16 kHz.
VALUES_PER_BATCH = 2**22
STEPS_PER_EPOCH = 20  # where the training set is neither small nor large
ONE_BATCH = 32  # so few examples are one batch
SMALLEST_BATCH = 16
PREDICTION_BATCH = 64  # also the largest one of a training
POOL_BATCHES = 16  # clips are sorted by length within this many batches' worth of random clips


def training_batch_size(n_examples):
    """Return the size of training batches where the user has not chosen one.

    Parameters
    ----------
    n_examples : int
        On how many examples the network is trained.

    Returns
    -------
    batch_size : int
        How many of them a batch has at most: a small data set is learnt in small steps, of which an
        epoch then has enough.
    """
    if n_examples <= ONE_BATCH:
        return n_examples
    return min(max(n_examples // STEPS_PER_EPOCH, SMALLEST_BATCH), PREDICTION_BATCH)


class ExampleSet(Dataset):
    """Examples of a network: the whole clips of X, or each segment of the bags of X.

    Parameters
    ----------
    clips : array or list of arrays
        Frames (n_frames, n_bands) or bags (n_segments, n_frames, n_bands), one a clip. They are not
        copied; those that are read when they are used are read for each batch anew.

    Attributes
    ----------
    is_bags : bool
        Whether the examples are segments.
    n_clips : int
        Number of clips.
    clip_of : int64 array of shape (n_examples,)
        The clip that each example belongs to.
    segment_of : int64 array of shape (n_examples,)
        Which of the clip's segments the example is; 0 for whole clips.
    lengths : int64 array of shape (n_examples,)
        Number of frames of each example, in the version that is used.
    n_versions : int64 array of shape (n_clips,)
        Number of versions of each clip.
    version_of : int64 array of shape (n_examples,)
        Which version of its clip each example is; 0 is the clip as it was recorded.
    """

    def __init__(self, clips):
        self.clips = clips
        self.is_bags = clips[0].ndim == 3
        self.n_clips = len(clips)
        n_segments = [len(clip) if self.is_bags else 1 for clip in clips]
        n_frames = [clip.shape[-2] for clip in clips]
        self.clip_of = np.repeat(np.arange(len(clips)), n_segments)
        self.segment_of = np.concatenate([np.arange(n) for n in n_segments])
        self.lengths = np.repeat(n_frames, n_segments)
        self.n_versions = np.array([n_versions(clip) for clip in clips])
        self.version_of = np.zeros(len(self.clip_of), dtype=np.int64)
        self.targets = self.target_weight = self.sample_weight = None

    @property
    def dtype(self):
        """The numpy dtype that keeps the precision of all examples."""
        return np.result_type(*{self.clips[i].dtype for i in np.unique(self.clip_of)})

    @property
    def frames_per_batch(self):
        """How many frames are predicted at once at most."""
        return max(1, VALUES_PER_BATCH // self.clips[0].shape[-1])

    def label(self, targets, target_weight, sample_weight):
        """Give each example the target and the weights of its clip; drop those of weight 0.

        Parameters
        ----------
        targets : array of shape (n_clips, n_outputs)
            The targets.
        target_weight : array of shape (n_clips, n_outputs)
            Weight of each target in the loss.
        sample_weight : array of shape (n_clips,)
            Weight of each clip.

        Returns
        -------
        self : ExampleSet
            The labelled examples.
        """
        kept = np.flatnonzero(sample_weight[self.clip_of] > 0)
        self.clip_of, self.segment_of = self.clip_of[kept], self.segment_of[kept]
        self.lengths, self.version_of = self.lengths[kept], self.version_of[kept]
        self.targets = targets[self.clip_of]
        self.target_weight = target_weight[self.clip_of]
        self.sample_weight = sample_weight[self.clip_of]
        return self

    def draw_versions(self, rng):
        """Choose, at random, which version of its clip each example is from now on.

        Parameters
        ----------
        rng : numpy.random.Generator
            The source of randomness; nothing is drawn where no clip has a second version.
        """
        if (self.n_versions == 1).all():
            return
        self.version_of = rng.integers(self.n_versions[self.clip_of])
        self.lengths = np.array(
            [
                version(self.clips[clip], index).shape[-2]
                for clip, index in zip(self.clip_of, self.version_of)
            ]
        )

    def __len__(self):
        return len(self.lengths)

    def __getitem__(self, index):
        return self.frames(index), self.targets[index]

    def frames(self, index, start=None, stop=None):
        """Return an example, or its frames from start to stop, as an array (n_frames, n_bands)."""
        clip = version(self.clips[self.clip_of[index]], self.version_of[index])
        if self.is_bags:  # a version has more or fewer segments: the one at the same place
            n_segments = len(self.clips[self.clip_of[index]])
            clip = clip[self.segment_of[index] * len(clip) // n_segments]
        return np.asarray(clip[start:stop])

    def inputs(self, indices, dtype):
        """Return the network's inputs for some examples: padded frames, and lengths if unequal."""
        lengths = self.lengths[indices]
        examples = [self.frames(i) for i in indices]
        if (lengths == lengths[0]).all():
            return {"frames": torch.from_numpy(np.stack(examples)).to(dtype)}
        frames = torch.zeros(len(indices), lengths.max(), examples[0].shape[1], dtype=dtype)
        for row, example in enumerate(examples):
            frames[row, : len(example)] = torch.tensor(example)
        return {"frames": frames, "n_frames": torch.from_numpy(lengths)}

    @cached_property
    def band_statistics(self):
        """The weighted mean and standard deviation (1 where it is 0) of each band."""
        weight = np.ones(len(self)) if self.sample_weight is None else self.sample_weight
        total = weight @ self.lengths
        mean = sum(w * x.sum(axis=0, dtype=np.float64) for w, x in zip(weight, self._in_order()))
        mean = mean / total
        squares = (w * ((x - mean) ** 2).sum(axis=0) for w, x in zip(weight, self._in_order()))
        scale = np.sqrt(sum(squares) / total)
        # A band that does not vary has rounding noise for a deviation: it is not blown up.
        constant = scale <= 1e-6 * np.maximum(1.0, np.abs(mean))
        return mean, np.where(constant, 1.0, scale)

    def _in_order(self):
        """Yield the frames of each example, and read each clip once."""
        last = None
        for index, clip in enumerate(self.clip_of):
            if clip != last:
                segments, last = np.asarray(self.clips[clip]), clip
            yield segments[self.segment_of[index]] if self.is_bags else segments


class TrainingBatches:
    """The iterator that skorch trains with: new random batches each epoch.

    Batches are of nearly equal size, at most ``batch_size``, and of clips of like lengths where
    lengths differ.

    Parameters
    ----------
    dataset : ExampleSet
        Labelled examples.
    batch_size : int
        Largest number of examples in a batch.
    seed : int, default=0
        Seed of the order.
    sampling : {"shuffle", "balanced"}, default="shuffle"
        Whether an epoch has each example once, or as many examples drawn with replacement, so that
        all classes come equally often.
    pin_memory : bool, default=False
        Whether to lay batches where a CUDA device can fetch them while it computes.
    first_epoch : int, default=0
        Number of epochs that were trained before; the order depends on seed and epoch.
    dtype : torch.dtype, default=torch.float32
        Type of the frames, targets and weights.
    """

    def __init__(
        self,
        dataset,
        batch_size,
        seed=0,
        sampling="shuffle",
        pin_memory=False,
        first_epoch=0,
        dtype=torch.float32,
    ):
        self.dataset = dataset
        self.batch_size = batch_size
        self.seed = seed
        self.sampling = sampling
        self.pin_memory = pin_memory
        self.epoch = first_epoch
        self.dtype = dtype

    def __len__(self):
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self):
        rng = np.random.default_rng([self.seed, self.epoch])
        self.epoch += 1
        self.dataset.draw_versions(rng)
        order = self._order(rng)
        for places in like_length_batches(self.dataset.lengths[order], self.batch_size, rng):
            inputs, y = labelled_batch(self.dataset, order[places], self.dtype)
            if self.pin_memory:
                inputs = {key: value.pin_memory() for key, value in inputs.items()}
                y = y.pin_memory()
            yield inputs, y

    def _order(self, rng):
        n_examples = len(self.dataset)
        if self.sampling == "shuffle":
            return np.arange(n_examples)
        return rng.choice(n_examples, n_examples, p=balanced_shares(self.dataset.targets))


class ValidationBatches:
    """The iterator that skorch validates with: all examples once, without randomness.

    Parameters
    ----------
    dataset : ExampleSet
        Labelled examples.
    batch_size : int
        Largest number of examples in a batch.
    dtype : torch.dtype
        Type of the frames, targets and weights.
    """

    def __init__(self, dataset, batch_size, dtype):
        self.dataset = dataset
        self.batch_size = batch_size
        self.dtype = dtype

    def __iter__(self):
        for indices in prediction_batches(self.dataset, self.batch_size):
            yield labelled_batch(self.dataset, indices, self.dtype)


def labelled_batch(dataset, indices, dtype):
    """Return inputs, and targets stacked with their weights (n, 2, n_outputs), of some examples."""

    def tensor(array):
        return torch.from_numpy(array[indices]).to(dtype)

    inputs = dataset.inputs(indices, dtype)
    if (dataset.sample_weight != 1).any():
        inputs["sample_weight"] = tensor(dataset.sample_weight)
    return inputs, torch.stack([tensor(dataset.targets), tensor(dataset.target_weight)], dim=1)


def balanced_shares(targets):
    """Return how often to draw each example so that all classes come about equally often.

    An example is drawn for its rarest class; none of the classes is a class of its own.

    Parameters
    ----------
    targets : array of shape (n_examples, n_outputs)
        The targets; NaN is not labelled.

    Returns
    -------
    shares : float array of shape (n_examples,)
        They sum to 1.
    """
    present = np.column_stack([targets, ~(targets > 0).any(axis=1)]) > 0
    counts = np.maximum(1, present.sum(axis=0))
    shares = np.where(present, 1 / counts, 0).max(axis=1)
    return shares / shares.sum()


def like_length_batches(lengths, batch_size, rng):
    """Split examples into random batches whose lengths are alike.

    Parameters
    ----------
    lengths : int array of shape (n_examples,)
        Number of frames of each example.
    batch_size : int
        Largest batch. Batches are of nearly equal size, so that no epoch ends on a tiny one.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    batches : list of int arrays
        Indices of the examples of each batch.
    """
    n_examples = len(lengths)
    order = rng.permutation(n_examples)
    n_batches = -(-n_examples // batch_size)
    if (lengths == lengths[0]).all():
        return np.array_split(order, n_batches)
    n_pools = -(-n_batches // POOL_BATCHES)
    pools = np.array_split(order, n_pools)
    by_length = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
    batches = np.array_split(by_length, n_batches)
    return [batches[i] for i in rng.permutation(n_batches)]


def prediction_batches(examples, batch_size):
    """Split examples into batches of like lengths and bounded memory, shortest first.

    Parameters
    ----------
    examples : ExampleSet
        The examples.
    batch_size : int
        Largest batch.

    Yields
    ------
    indices : int array
        The examples of a batch.
    """
    lengths, n_frames = examples.lengths, examples.frames_per_batch
    order = np.argsort(lengths, kind="stable")
    start = 0
    for end in range(1, len(order) + 1):
        longest = lengths[order[min(end, len(order) - 1)]]
        full = end - start == batch_size or (end - start + 1) * longest > n_frames
        if full or end == len(order):
            yield order[start:end]
            start = end
