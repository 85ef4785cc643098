"""Which clips are in the test set of which fold: shuffled, and with recordings kept together."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import StratifiedKFold

from sk_audioevents.model_selection import MultilabelStratifiedGroupKFold

recording = np.arange(60) // 5
y = (recording % 3 == 0).astype(int)
splitters = {
    "StratifiedKFold(shuffle=True): every recording is on both sides": StratifiedKFold(
        3, shuffle=True, random_state=0
    ),
    "MultilabelStratifiedGroupKFold: no recording is": MultilabelStratifiedGroupKFold(3),
}
figure, axes = plt.subplots(2, 1, figsize=(8, 3.6), sharex=True)
for ax, (title, splitter) in zip(axes, splitters.items()):
    is_test = np.zeros((3, 60))
    groups = recording if "Group" in title else None
    for fold, (_, test) in enumerate(splitter.split(y, y, groups)):
        is_test[fold, test] = 1
    ax.pcolormesh(is_test, cmap="cividis", edgecolors="white", linewidth=0.5)
    for border in range(0, 61, 5):
        ax.axvline(border, color="black", linewidth=1.5)
    ax.set(title=title, ylabel="fold", yticks=[0.5, 1.5, 2.5], yticklabels=["1", "2", "3"])
axes[1].set_xlabel("clip (yellow: test, blue: training; black lines part recordings)")
