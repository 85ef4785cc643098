"""
A timeline of a long recording
==============================

From clips of which it is known what is in them to a table of what happens when in a recording of
three minutes, and to a CSV file of it.

The sounds are synthetic, so that the example needs no data and the truth is known to the sample.
Nothing below would change for paths of real recordings, of any length, but the numbers.
"""

import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import soundfile
from sklearn.pipeline import make_pipeline

from sk_audioevents import LogMelTransformer, VGGEventClassifier
from sk_audioevents.datasets import make_soundscapes
from sk_audioevents.events import SoundEventDetector, write_events
from sk_audioevents.metrics import event_report

SAMPLE_RATE = 16000
KINDS = ["chirp", "bell", "siren", "knock"]

# %%
# Clips with weak labels
# ----------------------
# 300 clips of 4 s, and which sounds are in each of them; never when.

mix = {"labels": KINDS, "sample_rate": SAMPLE_RATE, "snr_db": (0.0, 20.0)}
clips = make_soundscapes(300, duration=4.0, n_events=(0, 2), random_state=0, **mix)
target = pd.DataFrame(clips.target, columns=clips.target_names)
print(target.head())

# %%
# A detector
# ----------
# Around the classifier, the detector tunes a threshold for each class on clips that the classifier
# was not fitted on. Segments of 0.32 s start 0.16 s apart.

model = make_pipeline(
    LogMelTransformer(sample_rate=SAMPLE_RATE, hop_length=320, n_mels=48, top_db=None, n_jobs=-1),
    VGGEventClassifier(
        channels=(8, 16, 32),
        embedding_dim=64,
        pooling="max",
        max_epochs=12,
        batch_size=8,
        random_state=0,
    ),
)
detector = SoundEventDetector(model, merge_gap=0.3, min_duration=0.2, cv=3, n_jobs=-1)
detector.fit(clips.waveforms, target)
print({label: round(threshold, 2) for label, threshold in detector.thresholds_.items()})

# %%
# A long recording
# ----------------
# It is scored in windows, such that the seams cannot be told.

evening = make_soundscapes(1, duration=180.0, n_events=40, overlap=False, random_state=1, **mix)
folder = tempfile.TemporaryDirectory()
path = Path(folder.name, "evening.wav")
soundfile.write(path, evening.waveforms[0], SAMPLE_RATE)

timeline = detector.predict_timeline([path])
events = detector.predict_events([path])
print(events.drop(columns="path").head(8).round(2).to_string(index=False))

# %%
# The same as a file that a spreadsheet reads. Raven and Audacity have formats of their own:
# ``write_events(events, "evening.selections.txt")``.

write_events(events, path.with_suffix(".csv"))
print(path.with_suffix(".csv").read_text().partition("\n")[0])

# %%
# Scores, events and truth
# ------------------------
# The line is the score, the dots the threshold that an event reaches. Bars are events: those that
# were found above, the true ones below.

figure, axes = plt.subplots(len(KINDS), sharex=True, figsize=(10, 6), layout="constrained")
middles = timeline.index.get_level_values("start_time") + 0.08
for ax, label in zip(axes, detector.labels_):
    ax.plot(middles, timeline[label], linewidth=0.8, color="0.4")
    ax.axhline(detector.thresholds_[label], linestyle=":", color="0.4")
    for table, y, color in ((events, 1.1, "C0"), (evening.events, -0.25, "C2")):
        of_label = table[table["label"] == label]
        widths = of_label["offset"] - of_label["onset"]
        ax.broken_barh(list(zip(of_label["onset"], widths)), (y, 0.15), color=color)
    ax.set(ylabel=label, ylim=(-0.3, 1.3), yticks=[0, 1])
axes[0].set_title("found (blue), scores, true (green)")
axes[-1].set(xlabel="time, s", xlim=(0, 180))

# %%
# How good is it? An event counts as found if its onset is right to within 0.5 s, and its offset to
# within 0.5 s or half of its length.

found = events.assign(path=0)  # the truth has the number of the soundscape there
report = event_report(evening.events, found, onset_collar=0.5, offset_collar=0.5)
print(report[["n_true", "n_pred", "precision", "recall", "f1"]].round(2))

folder.cleanup()
if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=120)
plt.show()
