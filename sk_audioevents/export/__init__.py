"""Models for programs that have neither Python nor torch."""

from sk_audioevents.export._onnx import export_onnx

__all__ = ["export_onnx"]
