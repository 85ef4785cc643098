"""Recordings and synthetic clips to learn from, with their labels, folds and events."""

from sk_audioevents.datasets._audioset import load_audioset
from sk_audioevents.datasets._audioset_classes import audioset_classes
from sk_audioevents.datasets._esc import fetch_esc10, fetch_esc50
from sk_audioevents.datasets._fsd50k import load_fsd50k
from sk_audioevents.datasets._fsdkaggle2018 import load_fsdkaggle2018
from sk_audioevents.datasets._soundscapes import make_soundscapes
from sk_audioevents.datasets._synthetic import make_sound_events
from sk_audioevents.datasets._urbansound8k import load_urbansound8k

__all__ = [
    "audioset_classes",
    "fetch_esc10",
    "fetch_esc50",
    "load_audioset",
    "load_fsd50k",
    "load_fsdkaggle2018",
    "load_urbansound8k",
    "make_sound_events",
    "make_soundscapes",
]
