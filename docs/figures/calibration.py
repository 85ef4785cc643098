"""How often clips are right that got a certain probability: a sure network and a calibrated one."""

import matplotlib.pyplot as plt
import numpy as np

from sk_audioevents.calibration import calibration_table, expected_calibration_error

rng = np.random.default_rng(0)
probability = rng.beta(0.8, 0.8, 4000)
owl = np.where(rng.random(4000) < probability, "owl", "other")
logit = np.log(probability / (1 - probability))
too_sure = 1 / (1 + np.exp(-2.5 * logit))
figure, ax = plt.subplots(figsize=(5, 4.2))
for name, scores, style in [("calibrated", probability, "-o"), ("too sure", too_sure, "--s")]:
    both = np.column_stack([1 - scores, scores])  # classes in the order of their names
    both = both if np.unique(owl)[1] == "owl" else both[:, ::-1]
    table = calibration_table(owl, both, n_bins=10)
    table = table[table["label"] == "owl"]
    error = expected_calibration_error(owl, both, average=None)["owl"]
    ax.plot(table["mean_probability"], table["frequency"], style, label=f"{name}: {error:.3f}")
ax.plot([0, 1], [0, 1], color="black", linewidth=0.8)
ax.set(xlabel="probability that was predicted", ylabel="share of clips that are of the class")
ax.legend(title="expected calibration error")
