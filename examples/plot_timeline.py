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
from example_sounds import Players
from sklearn.pipeline import make_pipeline

from sk_audioevents import LogMelTransformer, VGGEventClassifier
from sk_audioevents.datasets import make_soundscapes
from sk_audioevents.events import SoundEventDetector, write_events
from sk_audioevents.metrics import event_report
from sk_audioevents.plotting import EventTimelineDisplay

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

events = detector.predict_events([path])
Players({"the first 30 s": evening.waveforms[0, : 30 * SAMPLE_RATE]}, SAMPLE_RATE)

# %%
# What it finds in it. Each row is an event, in seconds from the start of the recording.

print(events.drop(columns="path").head(8).round(2).to_string(index=False))

# %%
# The same as a file that a spreadsheet reads. Raven and Audacity have formats of their own:
# ``write_events(events, "evening.selections.txt")``.

write_events(events, path.with_suffix(".csv"))
print(path.with_suffix(".csv").read_text().partition("\n")[0])

# %%
# Scores, events and truth
# ------------------------
# The line is the score, the dots the threshold that an event reaches. Filled bars are the events
# that were found, hatched ones the true events.

truth = evening.events.assign(path=str(path))  # the truth has the number of the soundscape there
display = EventTimelineDisplay.from_estimator(detector, path, reference=truth)

# %%
# How good is it? An event counts as found if its onset is right to within 0.5 s, and its offset to
# within 0.5 s or half of its length.

report = event_report(truth, events, onset_collar=0.5, offset_collar=0.5)
print(report[["n_true", "n_pred", "precision", "recall", "f1"]].round(2))

folder.cleanup()
if len(sys.argv) > 1:
    display.figure_.savefig(sys.argv[1], dpi=120)
plt.show()
