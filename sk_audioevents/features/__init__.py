"""From waveforms to spectrogram frames."""

from sk_audioevents.features._logmel import LogMelTransformer

__all__ = ["LogMelTransformer"]
