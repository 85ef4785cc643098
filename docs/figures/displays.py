"""Three displays on made-up predictions."""

import matplotlib.pyplot as plt
import numpy as np

from sk_audioevents.plotting import (
    ClassReportDisplay,
    MultilabelConfusionDisplay,
    ThresholdCurveDisplay,
)

rng = np.random.default_rng(0)
names = ["wren", "owl", "rain"]
y_true = (rng.random((300, 3)) < [0.1, 0.3, 0.5]).astype(int)
noise = rng.normal(size=(300, 3)) * [0.6, 1.0, 2.0]
y_score = 1 / (1 + np.exp(-2 * y_true + 1 - noise))
figure = plt.figure(figsize=(9, 7))
grid = figure.add_gridspec(2, 6)
curves = [figure.add_subplot(grid[1, 2 * i : 2 * i + 2]) for i in range(3)]
ClassReportDisplay.from_predictions(
    y_true, y_score, labels=names, ax=figure.add_subplot(grid[0, :3])
)
MultilabelConfusionDisplay.from_predictions(
    y_true, y_score > 0.5, labels=names, ax=figure.add_subplot(grid[0, 3:])
)
ThresholdCurveDisplay.from_predictions(y_true, y_score, labels=names, ax=curves)
