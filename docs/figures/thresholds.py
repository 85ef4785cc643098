"""Scores of one class over time, two thresholds, and the events that they give."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sk_audioevents.events import find_events

rng = np.random.default_rng(3)
times = np.arange(0, 20, 0.2)
bumps = [(4.0, 1.0, 0.85), (6.4, 0.5, 0.55), (11.0, 0.25, 0.6), (16.0, 1.4, 0.7)]
score = sum(height * np.exp(-(((times - at) / width) ** 2)) for at, width, height in bumps)
score = np.clip(score + 0.06 + 0.03 * rng.normal(size=len(times)), 0, 1)
index = pd.MultiIndex.from_arrays(
    [["dawn.wav"] * len(times), times, times + 0.2], names=["path", "start_time", "end_time"]
)
timeline = pd.DataFrame({"owl": score}, index=index)
rules = {
    "threshold 0.5 alone": {"offset_ratio": 1.0},
    "offset_ratio=0.5": {},
    "and merge_gap=1": {"merge_gap": 1.0},
    "and min_duration=1": {"merge_gap": 1.0, "min_duration": 1.0},
}
figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 4.5), sharex=True, height_ratios=[3, 2])
top.step(times, score, where="post", color="black")
top.axhline(0.5, color="#d55e00", label="threshold")
top.axhline(0.25, color="#d55e00", linestyle=":", label="offset_ratio times threshold")
top.set(ylabel="score of “owl”", ylim=(0, 1))
top.legend(loc="upper center")
for row, rule in enumerate(rules.values()):
    for event in find_events(timeline, threshold=0.5, **rule).itertuples():
        bottom.barh(row, event.offset - event.onset, left=event.onset, color="#0072b2")
bottom.set(yticks=range(len(rules)), yticklabels=rules, xlabel="time (s)")
bottom.invert_yaxis()
