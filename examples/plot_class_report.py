"""
A report of each class
======================

Several sounds may be in a clip. One number for all of them hides which class is told apart, at
which threshold, and which classes are taken for which others. Four pictures show it.

The clips are synthetic, so that the example needs no data: soundscapes of 3 s with up to three
sounds of six kinds each, in pink noise. Nothing below would change for paths of real recordings.
"""

import sys

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.pipeline import make_pipeline

from sk_audioevents import LogMelTransformer, VGGEventClassifier
from sk_audioevents.datasets import make_soundscapes
from sk_audioevents.metrics import class_report, clip_scores
from sk_audioevents.model_selection import MultilabelStratifiedKFold
from sk_audioevents.plotting import (
    ClassReportDisplay,
    MultilabelConfusionDisplay,
    ThresholdCurveDisplay,
    TrainingHistoryDisplay,
)

SAMPLE_RATE = 16000
KINDS = ["bell", "chirp", "engine", "hiss", "knock", "siren"]

# %%
# Clips with several labels
# -------------------------
# The sounds are up to 20 dB weaker than the noise. A third of the clips are held out, such that
# each kind of sound is as frequent there as in the rest.

data = make_soundscapes(
    360,
    labels=KINDS,
    duration=3.0,
    sample_rate=SAMPLE_RATE,
    n_events=(0, 3),
    snr_db=(-20.0, 0.0),
    random_state=0,
)
y = pd.DataFrame(data.target, columns=data.target_names)
train, test = next(MultilabelStratifiedKFold(3).split(data.waveforms, y))
print(y.iloc[test].sum().to_string())

# %%
# Train
# -----
# A part of the training clips is left out of the training, to see when it learns nothing more.

model = make_pipeline(
    LogMelTransformer(sample_rate=SAMPLE_RATE, hop_length=320, n_mels=48),
    VGGEventClassifier(
        channels=(8, 16, 32),
        embedding_dim=64,
        pooling="max",
        max_epochs=15,
        batch_size=8,
        early_stopping=True,
        n_iter_no_change=15,
        random_state=0,
    ),
)
model.fit(data.waveforms[train], y.iloc[train])
TrainingHistoryDisplay.from_estimator(model)

# %%
# Which classes are told apart?
# -----------------------------
# The average precision needs no threshold. Its orange mark is what scores without any information
# get: the share of clips that have the class.

probabilities = model.predict_proba(data.waveforms[test])
report = ClassReportDisplay.from_predictions(y.iloc[test], probabilities)
print(class_report(y.iloc[test], probabilities).round(2).to_string())
scores = clip_scores(y.iloc[test], probabilities)
print(f"mean average precision {scores['mean_average_precision']:.3f}")

# %%
# At which threshold?
# -------------------
# The line is the threshold with the largest F1 on these clips, and it may be far from 0.5. It
# flatters here: to report a result, choose it on other clips.

curves = ThresholdCurveDisplay.from_predictions(y.iloc[test], probabilities)
print({label: round(threshold, 2) for label, threshold in curves.thresholds_.items()})

# %%
# Which is taken for which?
# -------------------------
# A row is a true class. Its last column is for clips in which it was missed and nothing else was
# found in its place; the last row is for clips in which there is nothing.

found = probabilities >= list(curves.thresholds_.values())
MultilabelConfusionDisplay.from_predictions(y.iloc[test], found)

if len(sys.argv) > 1:
    report.figure_.savefig(sys.argv[1], dpi=120)
plt.show()
