"""Audio event classification as scikit-learn estimators."""

import lazy_loader

# Names are imported when they are first used: torch and librosa take seconds to load.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[
        "audio",
        "augmentation",
        "calibration",
        "command_line",
        "datasets",
        "events",
        "exceptions",
        "explain",
        "export",
        "metrics",
        "model_selection",
        "persistence",
        "plotting",
    ],
    submod_attrs={
        "classification": ["VGGEventClassifier", "WaveformEventClassifier"],
        "events": ["SoundEventDetector"],
        "features": ["LogMelTransformer", "MFCCTransformer"],
        "segments": ["SLATSegmenter"],
    },
)

__version__ = "0.1.0.dev0"
