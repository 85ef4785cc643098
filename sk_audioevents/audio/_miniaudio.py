"""FLAC files that miniaudio decodes, where it is installed: sooner than by libsndfile.

It passes over frames whose checksum is wrong, and does not say so: a file of which it finds fewer
samples than the header promises is left to libsndfile, which says where it is damaged.
"""

from functools import cache

import numpy as np

from sk_audioevents.audio._recording import (
    BLOCK_SAMPLES,
    SAMPLES_PER_BYTE,
    block_of_integers,
    unreadable,
)
from sk_audioevents.audio._soundfile import SoundFileRecording

_LONGEST = 2**22  # samples of all channels: it decodes a file in one piece, into 8 or 16 MiB


class MiniaudioRecording(SoundFileRecording):
    """A FLAC file, whose header libsndfile reads, and whose samples miniaudio decodes.

    Parts of a file, long files and damaged ones are left to libsndfile.
    """

    def blocks(self, first, n_samples, dtype=np.float32):
        is_whole = self.n_samples is not None and first == 0 and n_samples >= self.n_samples
        integers = self._integers() if is_whole else None
        if integers is None:
            yield from super().blocks(first, n_samples, dtype)
            return
        n_at_once = max(1, BLOCK_SAMPLES // self.n_channels)
        for start in range(0, len(integers), n_at_once):
            yield block_of_integers(integers[start : start + n_at_once], dtype)

    def _integers(self):
        """Return all samples (n_samples, n_channels), or None if they are better left to others."""
        n_numbers = self.n_samples * self.n_channels
        if n_numbers > min(_LONGEST, SAMPLES_PER_BYTE * self._size):
            return None
        decoders = {"PCM_16": miniaudio().flac_read_s16, "PCM_24": miniaudio().flac_read_s32}
        if self.subtype not in decoders:
            return None
        try:
            with open(self._encoded, "rb") as file:
                sound = decoders[self.subtype](file.read())
        except OSError as error:
            raise unreadable(self.path, error) from error
        except miniaudio().DecodeError:
            return None
        if sound.nchannels != self.n_channels or len(sound.samples) != n_numbers:
            return None
        return np.asarray(sound.samples).reshape(-1, self.n_channels)


@cache
def miniaudio():
    """Return the module, or None where it is not installed."""
    try:
        import miniaudio as module  # here, because not every recording needs it
    except ImportError:
        return None
    return module
