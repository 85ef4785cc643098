"""
SLAT against weak labels
========================

A label says that somebody sneezes in five seconds of sound, and not when. Strong label assumption
training (SLAT) teaches the network that each second of the clip is a sneeze. Weak-label training
lets it say something about each second, and compares the mean of that, or the largest, with the
label. In a pipeline these are one step and one parameter.
"""

import sys
import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from example_sounds import Players, load_recordings
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sk_audioevents import LogMelTransformer, SLATSegmenter, VGGEventClassifier
from sk_audioevents.audio import load_audio

SAMPLE_RATE = 16000

# %%
# One step more or less
# ---------------------
# The network is small, so that the example takes about a minute: four blocks, whose segments are 32
# frames (1 s) long and 16 frames apart. The segmenter cuts the same ones.

data = load_recordings()
train, test = data.fold != 5, data.fold == 5
print(f"{data.name}: {train.sum()} clips to train on, {test.sum()} to test.")

log_mel = LogMelTransformer(sample_rate=SAMPLE_RATE, n_mels=40)
frames = log_mel.transform(data.paths)  # once for all
network = VGGEventClassifier(
    channels=(8, 16, 32, 64),
    embedding_dim=128,
    learning_rate=2e-3,
    batch_size=16,
    max_epochs=10,
    random_state=0,
)
weak_max = clone(network).set_params(pooling="max")
models = {
    "SLAT": make_pipeline(SLATSegmenter(segment_frames=32, hop_frames=16), network),
    "weak labels, mean": make_pipeline("passthrough", clone(network)),
    "weak labels, max": make_pipeline("passthrough", weak_max),
}

# %%
# Which gets more clips right?
# ----------------------------
# On a fold of 80 clips, with one seed: differences of less than 8 points mean nothing. What is sure
# is the cost: SLAT computes each frame twice, since segments overlap by half. Kumar, Khadkevich and
# Fügen (2018) found weak labels better, with AudioSet's 527 classes and a longer training; in short
# trainings on ESC-10, SLAT learns faster (:doc:`/method`).

rows = {}
for name, model in models.items():
    start = time.process_time()
    model.fit(frames[train], data.labels[train])
    rows[name] = {
        "accuracy": model.score(frames[test], data.labels[test]),
        "processor seconds of training": time.process_time() - start,
    }
print(pd.DataFrame(rows).T.round({"accuracy": 3, "processor seconds of training": 0}).to_string())

# %%
# What does each say of a second of silence?
# ------------------------------------------
# The test clip of which the largest part is silent: it has the label of a sound that is over soon.

quiet = [np.mean(clip.max(axis=1) < clip.max() - 50) for clip in frames[test]]
clip = np.flatnonzero(test)[int(np.argmax(quiet))]
kind = data.labels[clip]
waveform = load_audio(data.paths[clip], sample_rate=SAMPLE_RATE)[0]
Players({data.titles[clip]: waveform}, SAMPLE_RATE)

# %%
# All networks look at the same segments here, whole clips in one pass. A perfect detector would say
# 1 while the sound is there and 0 after it. Look at the silence:
#
# - SLAT taught it the labels of all clips that end in silence, a little of each.
# - The mean over the segments reaches 1 only if all of them do, so with "mean" silence has to say
#   the class too. Where it follows short sounds alone, as in ESC-10, it *is* a hint of their class.
# - With "max" one segment is enough, and only that one learns.
#
# So a classifier of clips may be right for reasons that are of no use to find events: for those,
# see :doc:`/user_guide/events`.

step = log_mel.hop_length / SAMPLE_RATE
figure, (top, bottom) = plt.subplots(2, sharex=True, figsize=(8, 5), layout="constrained")
extent = (0, len(frames[clip]) * step, 0, 40)
top.imshow(frames[clip].T, origin="lower", aspect="auto", extent=extent, cmap="magma")
top.set(ylabel="mel band", title=f"{kind}, a clip of the test fold")
for (name, model), style in zip(models.items(), ["-o", "--s", ":^"]):
    classifier = model[-1]
    [segments] = classifier.predict_segments(frames[clip : clip + 1])
    centres = (np.arange(len(segments)) * 16 + 16) * step
    column = list(classifier.classes_).index(kind)
    bottom.plot(centres, segments[:, column], style, label=name)
bottom.set(xlabel="time (s)", ylabel=f"probability of\n{kind.lower()}", ylim=(-0.05, 1.05))
bottom.legend()

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=110)
plt.show()
