"""From frames to bags of overlapping segments."""

from sk_audioevents.segments._slat import SLATSegmenter

__all__ = ["SLATSegmenter"]
