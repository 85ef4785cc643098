"""Write the model files that every later version must load; run by hand, once for each format.

``python tests/persistence/data/make_files.py 1`` writes the files of format 1 beside itself.
What is there stays as it is: a new file needs a new number.
"""

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sk_audioevents import (
    LogMelTransformer,
    SLATSegmenter,
    SoundEventDetector,
    VGGEventClassifier,
    WaveformEventClassifier,
)
from sk_audioevents.augmentation import Compose, SpecAugment, TimeShift
from sk_audioevents.calibration import ConformalClassifier
from sk_audioevents.persistence import save_model

FOLDER = Path(__file__).parent


def clips():
    """Return 12 clips of 0.5 s at 8 kHz: tones that rise, fall or stay, by a formula alone."""
    time = np.arange(4000) / 8000
    slopes = np.tile([2000.0, -2000.0, 0.0], 4)
    phases = [(1500 + 60 * i) * time + slope * time**2 for i, slope in enumerate(slopes)]
    return np.sin(2 * np.pi * np.array(phases)), np.array(["rise", "fall", "stay"] * 4)


def models():
    """Return the models by name."""
    X, y = clips()
    front_end = LogMelTransformer(sample_rate=8000, n_fft=256, hop_length=128, n_mels=12)
    classifier = VGGEventClassifier(
        channels=(4, 6),
        embedding_dim=8,
        temporal="lstm",
        temporal_dim=4,
        pooling="attention",
        augment=Compose([TimeShift(), ("masks", SpecAugment())]),
        class_weight={"rise": 1.0, "fall": 2.0, "stay": 1.0},
        max_epochs=4,
        learning_rate=0.01,
        random_state=0,
    )
    pipeline = make_pipeline(front_end, SLATSegmenter(segment_frames=16, hop_frames=8), classifier)
    pipeline.fit(X, y)
    waveforms = WaveformEventClassifier(
        sample_rate=8000,
        segment_duration=0.2,
        channels=(4, 6),
        kernel_sizes=(9, 3),
        pool_sizes=(16,),
        hidden_dim=4,
        embedding_dim=8,
        max_epochs=2,
        random_state=0,
    )
    detector = SoundEventDetector(FrozenEstimator(pipeline), threshold={"rise": 0.5})
    linear = make_pipeline(FrozenEstimator(pipeline), StandardScaler(), LinearSVC(random_state=0))
    sets = ConformalClassifier(FrozenEstimator(pipeline), confidence=0.8)
    indicator = np.column_stack([y == "rise", y == "fall"]).astype(int)
    return {
        "detector": detector.fit(X, y),
        "linear": linear.fit(X, y),
        "sets": sets.fit(X, y),
        "waveforms": waveforms.fit(X, indicator),
    }


def answers(name, model):
    """Return what a model says of the clips."""
    X, _ = clips()
    if name == "linear":
        return {"decision_function": model.decision_function(X).tolist()}
    found = {"predict_proba": model.predict_proba(X).tolist(), "predict": model.predict(X).tolist()}
    if name == "detector":
        found["thresholds"] = model.thresholds_
        found["timeline"] = model.predict_timeline(X).to_numpy().tolist()
    if name == "sets":
        found["thresholds"] = model.thresholds_.tolist()
    return found


if __name__ == "__main__":
    for name, model in models().items():
        save_model(model, FOLDER / f"{name}_{sys.argv[1]}.safetensors", card=f"The {name}.")
        text = json.dumps(answers(name, model), indent=1)
        (FOLDER / f"{name}_{sys.argv[1]}.json").write_text(text)
