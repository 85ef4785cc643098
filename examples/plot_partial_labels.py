"""
Several labels, some of them unknown
====================================

Nobody listens to every recording for every species. A table of labels has gaps, and a gap is not an
absence. What a classifier learns if gaps are filled with "no", and if they are left open.

The clips are mixed from recordings, two sounds at most in each, so that the truth is known, and
can be hidden.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from example_sounds import Players, load_recordings
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sk_audioevents import LogMelTransformer, VGGEventClassifier
from sk_audioevents.datasets import make_soundscapes
from sk_audioevents.metrics import class_report, clip_scores
from sk_audioevents.plotting import ClassReportDisplay

SAMPLE_RATE = 16000

# %%
# Clips with several sounds
# -------------------------
# Those of the test are mixed from recordings of another fold: no sound is on both sides.

data = load_recordings()
kinds = np.unique(data.labels)[:6]


def mix(n_clips, folds, random_state):
    """Return soundscapes of up to three sounds, from the recordings of some folds."""
    chosen = np.isin(data.fold, folds) & np.isin(data.labels, kinds)
    return make_soundscapes(
        n_clips,
        events=data.paths[chosen],
        labels=data.labels[chosen],
        duration=3.0,
        sample_rate=SAMPLE_RATE,
        n_events=(0, 3),
        event_duration=(0.5, 2.0),
        snr_db=(5.0, 20.0),
        random_state=random_state,
    )


training, test = mix(300, [1, 2, 3, 4], 0), mix(150, [5], 1)
truth = pd.DataFrame(training.target, columns=training.target_names)
y_test = pd.DataFrame(test.target, columns=test.target_names)
print(f"{data.name}: {len(truth)} mixtures to train on, {len(y_test)} to test.")
full = int(truth.sum(axis=1).argmax())
Players({", ".join(truth.columns[truth.iloc[full] == 1]): training.waveforms[full]}, SAMPLE_RATE)

# %%
# Hide two thirds of the labels
# -----------------------------
# Whether a label is known has nothing to do with what it says. In the tables of volunteers it often
# has: they report what they heard. Then gaps are rather absences, and neither way is right.

known = np.random.default_rng(0).random(truth.shape) < 1 / 3
partial = truth.astype(float).where(known)
print(partial.head().to_string(na_rep="?"))

# %%
# Three ways to train
# -------------------
# NaN in a table of labels is left out of the loss, label by label. All three networks begin with
# the same weights.

frames = LogMelTransformer(sample_rate=SAMPLE_RATE, n_mels=40)
X_train, X_test = (frames.transform(clips.waveforms) for clips in (training, test))
network = make_pipeline(
    VGGEventClassifier(
        channels=(8, 16, 32),
        embedding_dim=64,
        pooling="max",
        learning_rate=2e-3,
        batch_size=16,
        max_epochs=20,
        random_state=0,
    )
)
tables = {
    "all labels known": truth.astype(float),
    "a third known, gaps are NaN": partial,
    "a third known, gaps are 0": partial.fillna(0.0),
}
probabilities = {
    name: clone(network).fit(X_train, y).predict_proba(X_test) for name, y in tables.items()
}

# %%
# What it does to scores
# ----------------------
# The order of clips suffers less than the probabilities: where most gaps are called "no", the
# network says "no", and at a threshold of 0.5 finds next to nothing.

rows = {}
for name, scores in probabilities.items():
    of_classes = class_report(y_test, scores)
    rows[name] = {
        "mean average precision": clip_scores(y_test, scores)["mean_average_precision"],
        "mean probability": scores.mean(),
        "F1 at 0.5": of_classes["f1"].mean(),
    }
rows["the truth"] = {"mean probability": y_test.to_numpy().mean()}
print(pd.DataFrame(rows).T.round(2).to_string(na_rep=""))

# %%
# Class by class
# --------------

figure, axes = plt.subplots(1, 3, figsize=(12, 4), sharex=True, layout="constrained")
for ax, (name, scores) in zip(axes, probabilities.items()):
    ClassReportDisplay.from_predictions(y_test, scores, ax=ax)
    ax.set_title(name)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=110)
plt.show()
