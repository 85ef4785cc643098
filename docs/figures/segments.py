"""A clip, the segments that cut it, and which of them hold the event."""

import matplotlib.pyplot as plt

from sk_audioevents import LogMelTransformer
from sk_audioevents.datasets import make_soundscapes

scene = make_soundscapes(
    1, labels=["chirp"], duration=8.0, n_events=(1, 1), snr_db=(15.0, 15.0), random_state=4
)
rate, hop = scene.sample_rate, 256
frames = LogMelTransformer(sample_rate=rate, n_mels=64, hop_length=hop).transform(scene.waveforms)[
    0
]
step = hop / rate
event = scene.events.iloc[0]

figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 4), sharex=True, height_ratios=[2, 1])
extent = (0, len(frames) * step, 0, 64)
top.imshow(frames.T, origin="lower", aspect="auto", cmap="magma", extent=extent)
top.set(ylabel="mel band", title="a clip with the label “chirp”")
for number, start in enumerate(range(0, len(frames) - 127, 64)):
    begin, end = start * step, (start + 128) * step
    holds = begin < event["offset"] and end > event["onset"]
    colour = "#0072b2" if holds else "#d55e00"
    bottom.barh(number % 2, end - begin, left=begin, color=colour, edgecolor="white", height=0.8)
bottom.set(
    xlabel="time (s)",
    yticks=[],
    title="its segments: SLAT calls all of them “chirp”; those in blue hold one",
)
