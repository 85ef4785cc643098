"""From scores over time to tables of events, and to the files of other programs."""

from sk_audioevents.events._detector import SoundEventDetector
from sk_audioevents.events._event_files import read_events, write_events
from sk_audioevents.events._find_events import find_events

__all__ = ["SoundEventDetector", "find_events", "read_events", "write_events"]
