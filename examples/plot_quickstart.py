"""
Quickstart: from a list of recordings to an honest classifier
=============================================================

Paths and labels go in. A pipeline is trained on four folds of the recordings and judged on the
fifth, beside two baselines: always the most common class, and a random forest on MFCC statistics,
which is what one would do with librosa and scikit-learn alone.

With ESC-10 at hand (see :func:`sk_audioevents.datasets.fetch_esc10`) the sounds are real: 400 field
recordings of ten classes. Without it, the example makes a synthetic set and says so.

To be done within minutes on two cores, the network has half its default width and a quarter of its
embedding, and the recordings are taken at 22.05 kHz with 64 mel bands and a frame every 46 ms. An
epoch with the defaults (44.1 kHz, 128 bands, every 12 ms, twice the width) takes over twenty times
as long.
"""

import sys
import time

import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_audioevents import LogMelTransformer, VGGEventClassifier
from sk_audioevents.audio import load_audio
from sk_audioevents.augmentation import BetweenClass, Compose, SpeedPerturb, TimeShift
from sk_audioevents.datasets import fetch_esc10, make_sound_events

SAMPLE_RATE = 22050

# %%
# Recordings and labels
# ---------------------
# A clip is a path here, and a waveform in the synthetic set: the pipeline takes both. Takes of one
# recording share a fold in ESC-10, so that no sound is on both sides.

try:
    data = fetch_esc10(download_if_missing=False)
    clips, name = data.paths, "ESC-10: 400 real recordings"
    fold = data.fold
except OSError as reason:
    print(f"{reason}\n\nUsing synthetic sounds instead.\n")
    data = make_sound_events(
        n_clips=300, n_classes=6, sample_rate=SAMPLE_RATE, snr_db=(-5.0, 15.0), random_state=0
    )
    clips, name = data.waveforms, "synthetic: 300 made clips"
    fold = np.arange(300) // 6 % 5 + 1

labels = np.asarray(data.target_names)[data.target]
train, test = fold != 5, fold == 5
print(f"{name}. Training on {train.sum()}, testing on {test.sum()} of them.")

# %%
# The pipeline
# ------------
# Recordings → log-mel frames → a convolutional network. It hardly trains on the same clip twice:
# there are frames of it at eight speeds, of which each epoch takes one, and in the batches clips
# are shifted in time and mixed with each other. :doc:`/recipes` says more.

model = make_pipeline(
    LogMelTransformer(
        sample_rate=SAMPLE_RATE,
        hop_length=1024,
        n_mels=64,
        augmentation=SpeedPerturb(min_rate=0.8, max_rate=1.25),
        n_jobs=-1,
        random_state=0,
        verbose=1,
    ),
    VGGEventClassifier(
        channels=(8, 16, 32, 64, 128, 256),
        embedding_dim=256,
        augment=Compose([TimeShift(), BetweenClass()]),
        max_epochs=80,
        n_jobs=-1,
        random_state=0,
        verbose=1,
    ),
)


# %%
# Two baselines
# -------------


def mfcc_statistics(clips):
    """Return mean and standard deviation over time of 20 MFCCs of each clip."""
    rows = []
    for clip in clips:
        waveform = load_audio(clip, sample_rate=SAMPLE_RATE)[0] if isinstance(clip, str) else clip
        mfcc = librosa.feature.mfcc(y=waveform, sr=SAMPLE_RATE, n_mfcc=20)
        rows.append(np.concatenate([mfcc.mean(axis=1), mfcc.std(axis=1)]))
    return np.array(rows)


forest = make_pipeline(
    FunctionTransformer(mfcc_statistics), RandomForestClassifier(500, random_state=0, n_jobs=-1)
)
majority = make_pipeline(
    FunctionTransformer(lambda clips: np.zeros((len(clips), 1))), DummyClassifier()
)

# %%
# Train on folds 1 to 4, test on fold 5
# -------------------------------------

rows = {}
for title, estimator in {
    "most common class": majority,
    "MFCC + random forest": forest,
    "VGGEventClassifier": model,
}.items():
    start = time.perf_counter()
    estimator.fit(clips[train], labels[train])
    accuracy = estimator.score(clips[test], labels[test])
    rows[title] = {"accuracy": accuracy, "seconds": time.perf_counter() - start}
print(
    pd.DataFrame(rows).T.to_string(
        formatters={"accuracy": "{:.3f}".format, "seconds": "{:.0f}".format}
    )
)

# %%
# Where it errs
# -------------

probabilities = model.predict_proba(clips[test])
predicted = model.classes_[probabilities.argmax(axis=1)]
figure, ax = plt.subplots(figsize=(8, 7), layout="constrained")
ConfusionMatrixDisplay.from_predictions(
    labels[test], predicted, xticks_rotation=45, cmap="Blues", colorbar=False, ax=ax
)
plt.setp(ax.get_xticklabels(), ha="right", rotation_mode="anchor")
ax.set_title(
    f"{name.partition(':')[0]}, held-out fold: accuracy {np.mean(predicted == labels[test]):.1%}"
    f"\n(MFCC + random forest {rows['MFCC + random forest']['accuracy']:.1%}, "
    f"most common class {rows['most common class']['accuracy']:.1%})"
)

# %%
# The most confident mistakes are the ones to listen to.

mistakes = pd.DataFrame(
    {
        "clip": [
            clip if isinstance(clip, str) else f"clip {i}"
            for i, clip in zip(np.flatnonzero(test), clips[test])
        ],
        "is": labels[test],
        "predicted": predicted,
        "probability": probabilities.max(axis=1),
    }
)
mistakes["clip"] = mistakes["clip"].str.rpartition("/")[2]
mistakes = mistakes[mistakes["is"] != mistakes["predicted"]]
mistakes = mistakes.sort_values("probability", ascending=False).head(8).round(3)
print(mistakes.to_string(index=False) if len(mistakes) else "No mistakes on the held-out fold.")

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=120)
plt.show()
