"""The command ``sk-audioevents``: from folders of recordings to models, events and pictures."""

from sk_audioevents.command_line._main import main

__all__ = ["main"]
