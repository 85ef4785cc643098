"""
Find that a classifier listens to the wrong thing
=================================================

Engines were recorded with a recorder of their own, and it hums: a faint tone at 3 kHz, all the
time. The classifier gets every held-out engine right, because the hum is in those recordings too.
In the field it will fail. Its scores do not tell; where its relevance lies does.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sk_audioevents import LogMelTransformer, VGGEventClassifier
from sk_audioevents.datasets import make_sound_events
from sk_audioevents.explain import explain_lrp, relevant_audio

SAMPLE_RATE = 16000
HUM = 3000.0  # hertz

# %%
# Two recorders
# -------------
# The sounds are synthetic, with the times of events known: chirps, engines, clicks and bells, in
# noise that is louder than most of them. The hum is 13 dB below the level of the noise.

data = make_sound_events(
    n_clips=160, n_classes=4, duration=3.0, sample_rate=SAMPLE_RATE, snr_db=(-15, 0), random_state=0
)
labels = data.target_names[data.target]
times = np.arange(data.waveforms.shape[1]) / SAMPLE_RATE
level = data.waveforms.std()
hum = (0.3 * level * np.sin(2 * np.pi * HUM * times)).astype(np.float32)
is_engine = labels == "engine"

clean = data.waveforms
as_recorded = clean + hum * is_engine[:, None]
hum_elsewhere = clean + hum * ~is_engine[:, None]
train, test = np.arange(160) < 120, np.arange(160) >= 120

# %%
# It looks perfect
# ----------------

model = make_pipeline(
    LogMelTransformer(sample_rate=SAMPLE_RATE, n_fft=512, hop_length=256, n_mels=64),
    VGGEventClassifier(
        channels=(8, 16, 16, 32),
        embedding_dim=32,
        learning_rate=2e-3,
        max_epochs=15,
        batch_size=16,
        random_state=0,
    ),
)
model.fit(as_recorded[train], labels[train])
engines = as_recorded[test & is_engine]
found = np.mean(model.predict(engines) == "engine")
accuracy = model.score(as_recorded[test], labels[test])
print(
    f"Of the held-out recordings {accuracy:.0%} are right; of the engines among them {found:.0%}."
)

# %%
# Where does it listen?
# ---------------------
# The relevance of each band, over all held-out engines. A classifier that listens to engines would
# have it where engines sound, in the lowest bands.

result = explain_lrp(model, engines, target="engine")


def share_of_bands(result):
    """Return the share of each band in all relevance."""
    of_bands = np.sum([relevance.sum(axis=0) for relevance in result.relevance], axis=0)
    return of_bands / of_bands.sum()


def share_near_hum(result):
    """Return the share of relevance within 300 Hz of the hum."""
    return share_of_bands(result)[abs(result.frequencies - HUM) < 300].sum()


near = (abs(result.frequencies - HUM) < 300).mean()
print(
    f"Near the hum are {near:.0%} of the bands and {share_near_hum(result):.0%} of the relevance."
)

# %%
# One recording
# -------------
# Relevance follows the hum from the first second to the last, whether or not there is an engine.
# One can hear it: the relevant part of the recording is a tone.

clip = 0
[tone] = relevant_audio(model, engines[:1], explain_lrp(model, engines[:1], target="engine"))
loudest = abs(np.fft.rfft(tone)).argmax() * SAMPLE_RATE / len(tone)
print(f"The relevant part of a recording is loudest at {loudest:.0f} Hz.")

events = data.events[data.events["clip"] == np.flatnonzero(test & is_engine)[clip]]


def draw(row, result, title):
    """Draw the relevance of a recording over time and frequency, and of all over frequency."""
    relevance = result.relevance[clip]
    limit = np.quantile(abs(relevance), 0.998)
    image = row[0].pcolormesh(
        result.times[clip],
        result.frequencies / 1000,
        relevance.T,
        cmap="PuOr_r",
        vmin=-limit,
        vmax=limit,
        shading="nearest",
    )
    for _, event in events.iterrows():
        row[0].axvspan(event["onset"], event["offset"], ymax=0.02, color="k")
    row[0].set(title=title, ylabel="Frequency (kHz)")
    row[1].plot(share_of_bands(result), result.frequencies / 1000, color="k")
    row[1].axhline(HUM / 1000, color="tab:blue", linestyle=":")
    row[0].figure.colorbar(image, ax=row[0], label="Relevance for engine")


# %%
# The remedy
# ----------
# Hum in half of the recordings of either class, drawn at random, tells nothing about the class.

rng = np.random.default_rng(0)
mixed = clean + hum * rng.integers(0, 2, (160, 1))
remedied = clone(model).fit(mixed[train], labels[train])
after = explain_lrp(remedied, engines, target="engine")

figure, axes = plt.subplots(
    2, 2, figsize=(10, 6), sharey=True, layout="constrained", width_ratios=[3, 1]
)
draw(axes[0], result, "Trained on two recorders: it listens to the hum")
draw(axes[1], after, "Hum in half of all recordings: no longer (black: engines)")
axes[1, 0].set_xlabel("Time (s)")
axes[1, 1].set_xlabel("Share of relevance")

rows = {}
for name, fitted, maps in (("two recorders", model, result), ("remedied", remedied, after)):
    rows[name] = {
        "as recorded": fitted.score(as_recorded[test], labels[test]),
        "without hum": fitted.score(clean[test], labels[test]),
        "hum in all others": fitted.score(hum_elsewhere[test], labels[test]),
        "relevance near the hum": share_near_hum(maps),
    }
print(pd.DataFrame(rows).T.to_string(float_format="{:.0%}".format))

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=110)
plt.show()
