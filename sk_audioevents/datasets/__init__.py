"""Recordings and synthetic clips to learn from, with their labels, folds and events."""

from sk_audioevents.datasets._esc import fetch_esc10, fetch_esc50
from sk_audioevents.datasets._soundscapes import make_soundscapes
from sk_audioevents.datasets._synthetic import make_sound_events

__all__ = ["fetch_esc10", "fetch_esc50", "make_sound_events", "make_soundscapes"]
