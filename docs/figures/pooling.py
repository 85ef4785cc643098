"""What each pooling makes of the same segments, and what each loss makes of an error."""

import matplotlib.pyplot as plt
import numpy as np

segments = np.array([0.05, 0.1, 0.9, 0.6, 0.1, 0.05, 0.05, 0.05])
pooled = {
    "max": segments.max(),
    "linear_softmax": (segments**2).sum() / segments.sum(),
    "mean": segments.mean(),
}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
left.bar(np.arange(1, 9), segments, color="#56b4e9")
for (name, value), style in zip(pooled.items(), ["-", "--", ":"]):
    left.axhline(value, color="black", linestyle=style, label=f"{name}: {value:.2f}")
left.set(xlabel="segment", ylabel="probability", ylim=(0, 1), title="one short event")
left.legend()
p = np.linspace(0.01, 1, 200)
right.plot(p, -np.log(p), color="black", label="bce")
right.plot(p, -((1 - p) ** 2) * np.log(p), "--", color="#d55e00", label="focal, gamma 2")
right.set(xlabel="probability of the true class", ylabel="loss", title="what an example costs")
right.legend()
