"""The same events for three metrics: which of them count as found."""

import matplotlib.pyplot as plt
import pandas as pd

from sk_audioevents.metrics import event_scores, intersection_scores, segment_scores

columns = ["path", "onset", "offset", "label"]
truth = pd.DataFrame(
    [("a.wav", 1.0, 3.0, "dog"), ("a.wav", 6.0, 8.0, "dog"), ("a.wav", 10.0, 13.0, "dog")],
    columns=columns,
)
found = pd.DataFrame(
    [
        ("a.wav", 1.1, 2.9, "dog"),
        ("a.wav", 6.8, 8.0, "dog"),
        ("a.wav", 10.0, 11.2, "dog"),
        ("a.wav", 11.6, 13.0, "dog"),
    ],
    columns=columns,
)
figure, ax = plt.subplots(figsize=(8, 2.2))
for row, (events, colour) in enumerate([(truth, "#999999"), (found, "#0072b2")]):
    ax.barh(
        [row] * len(events),
        events["offset"] - events["onset"],
        left=events["onset"],
        color=colour,
        edgecolor="black",
    )
scores = {
    "segments of 1 s": segment_scores(truth, found),
    "events": event_scores(truth, found),
    "intersection": intersection_scores(truth, found, gtc_threshold=0.5),
}
f1 = ", ".join(f"{name} {score['f1_micro']:.2f}" for name, score in scores.items())
ax.set(yticks=[0, 1], yticklabels=["truth", "found"], xlabel="time (s)", title=f"F1: {f1}")
ax.invert_yaxis()
