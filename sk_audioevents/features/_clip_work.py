"""What a transformer does to one clip, in whatever thread, process or machine joblib does it."""

from functools import partial

import numpy as np

from sk_audioevents._memory import ThreadBlocks, ThreadRoom
from sk_audioevents._time import seconds_to_samples
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
        """Return the frames (n_frames, n_bands) of a waveform of at least one sample."""
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
        waveform, _ = decode(
            clip.path, self.sample_rate, clip.start_time, clip.end_time, empty=_waveform_room
        )
        return self.extract(waveform)

    def silent(self, clip):
        """Return the frames (n_frames, n_bands) of silence, as long as the window of a file."""
        seconds = SILENT_SECONDS if clip.end_time is None else clip.end_time - clip.start_time
        n_samples = max(1, seconds_to_samples(seconds, self.sample_rate))
        return self.extract(np.zeros(n_samples, dtype=np.float32))
