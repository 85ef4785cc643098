"""What a transformer does to one clip, in whatever thread, process or machine joblib does it."""

from functools import partial

import numpy as np

from sk_audioevents._memory import ThreadBlocks, ThreadRoom
from sk_audioevents._time import seconds_to_samples
from sk_audioevents._validation import check_augmented
from sk_audioevents._versions import ClipVersions
from sk_audioevents.audio._decode import decode
from sk_audioevents.exceptions import AudioDecodeError

SILENT_SECONDS = 1.0  # how long a clip is that could not be read and whose window is not known
MANY_CLIPS = 16  # from here on, frames lie in blocks that outlive the single clip

_waveform_room, _frame_blocks = ThreadRoom(), ThreadBlocks()


class ClipWork:
    """From a clip to its frames, through the cache if there is one.

    It can be pickled, so that other processes can do the work.

    Parameters
    ----------
    transformer : ClipTransformer
        What computes the frames.
    n_clips : int
        How many clips the job has.
    cache : ClipCache, default=None
        Where frames are kept.
    """

    def __init__(self, transformer, n_clips, cache=None):
        self.sample_rate = transformer.sample_rate
        self.raises = transformer.on_error == "raise"
        self.lazy = transformer.lazy
        self.cache = cache
        self.in_blocks = cache is None and n_clips >= MANY_CLIPS
        self._extract = transformer._make_extractor(n_clips)

    def extract(self, waveform):
        """Return the frames (n_frames, n_bands) of a waveform, float32 or int16, not empty."""
        return self._extract(waveform, _frame_blocks) if self.in_blocks else self._extract(waveform)

    def of_waveform(self, waveform, *, wait):
        """Return the frames of a waveform.

        Parameters
        ----------
        waveform : float32 array of shape (n_samples,)
            The samples; none at all are one of silence.
        wait : bool
            Whether to wait where another thread or process computes the same frames.

        Returns
        -------
        frames : float32 ndarray of shape (n_frames, n_bands), or Busy
            The frames.
        """
        samples = waveform if len(waveform) else np.zeros(1, dtype=np.float32)
        compute = partial(self.extract, samples)
        return (
            compute()
            if self.cache is None
            else self.cache.fetch_waveform(waveform, compute, wait=wait)
        )

    def of_file(self, clip, *, wait):
        """Return the frames of a window of a file.

        Parameters
        ----------
        clip : ClipFile or AudioDecodeError
            The window, or what was found to be wrong with the file.
        wait : bool
            Whether to wait where another thread or process computes the same frames.

        Returns
        -------
        frames : float32 ndarray of shape (n_frames, n_bands), CachedFrames or Busy
            The frames; the AudioDecodeError where there is one and errors are not to be raised.
        """
        if isinstance(clip, AudioDecodeError):
            return clip
        compute = partial(self.decoded, clip)
        try:
            if self.cache is None:
                return compute()
            return self.cache.fetch_file(clip, compute, wait=wait, lazy=self.lazy)
        except AudioDecodeError as error:
            if self.raises:
                raise
            return error

    def decoded(self, clip):
        """Decode a window of a file and return its frames (n_frames, n_bands)."""
        return self.extract(_waveform(clip, self.sample_rate, integers=True))

    def silent(self, clip):
        """Return the frames (n_frames, n_bands) of silence, as long as the window of a file."""
        seconds = SILENT_SECONDS if clip.end_time is None else clip.end_time - clip.start_time
        n_samples = max(1, seconds_to_samples(seconds, self.sample_rate))
        return self.extract(np.zeros(n_samples, dtype=np.float32))


class VersionWork:
    """From a clip to the frames of augmented versions of it.

    It can be pickled, so that other processes can do the work.

    Parameters
    ----------
    transformer : ClipTransformer
        What computes the frames, and knows the augmentation and the number of versions.
    n_clips : int
        How many clips the job has.
    seed : int
        Seed of the augmentations.
    """

    def __init__(self, transformer, n_clips, seed):
        self.sample_rate = transformer.sample_rate
        self.augmentation = transformer.augmentation
        self.n_more = transformer.n_versions - 1
        self.unreadable = set(transformer.failed_)
        self.seed = seed
        self._work = ClipWork(transformer, n_clips * self.n_more)

    def add_versions(self, row):
        """Return a clip with its versions.

        Parameters
        ----------
        row : tuple of (int, ClipFile or float32 array of shape (n_samples,), array)
            The row number of the clip, which decides what is drawn; the clip; and its frames.

        Returns
        -------
        versions : ClipVersions
            The frames of the clip and of the others; those of the clip alone, which are silence,
            where its file could not be read.
        """
        number, clip, frames = row
        if not isinstance(clip, np.ndarray):
            if clip.path in self.unreadable:
                return ClipVersions([frames])
            clip = _waveform(clip, self.sample_rate)
        rng = np.random.default_rng([self.seed, number])
        return ClipVersions([frames, *(self._augmented(clip, rng) for _ in range(self.n_more))])

    def _augmented(self, waveform, rng):
        augmented = self.augmentation(waveform, self.sample_rate, rng)
        augmented = check_augmented(augmented, self.augmentation, "augmentation")
        return self._work.of_waveform(augmented, wait=True)


def _waveform(clip, sample_rate, integers=False):
    """Return the waveform of a window of a file, which lasts until this thread decodes the next."""
    waveform, _ = decode(
        clip.path,
        sample_rate,
        clip.start_time,
        clip.end_time,
        empty=_waveform_room,
        integers=integers,
    )
    return waveform
