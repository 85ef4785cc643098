"""From a path to a mono waveform, with a check for every way in which a file can be wrong."""

from sk_audioevents.audio._decode import load_audio
from sk_audioevents.audio._files import check_files
from sk_audioevents.audio._inspect import inspect_files

__all__ = ["check_files", "inspect_files", "load_audio"]
