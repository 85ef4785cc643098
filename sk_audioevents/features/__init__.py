"""From waveforms to spectrogram frames."""

from sk_audioevents.features._logmel import LogMelTransformer
from sk_audioevents.features._mfcc import MFCCTransformer

__all__ = ["LogMelTransformer", "MFCCTransformer"]
