"""The step size over a training, for each schedule."""

import matplotlib.pyplot as plt
import numpy as np

from sk_audioevents import LogMelTransformer, VGGEventClassifier
from sk_audioevents.datasets import make_sound_events

sounds = make_sound_events(16, n_classes=2, duration=0.5, random_state=0)
X = LogMelTransformer(sample_rate=sounds.sample_rate, n_mels=8).transform(sounds.waveforms)
figure, ax = plt.subplots(figsize=(7, 3))
for schedule, style in {"constant": ":", "cosine": "-", "one_cycle": "--"}.items():
    classifier = VGGEventClassifier(
        channels=(1,),
        embedding_dim=1,
        max_epochs=30,
        learning_rate_schedule=schedule,
        random_state=0,
    ).fit(X, sounds.target)
    rates = classifier.history_["learning_rate"]
    ax.plot(np.arange(1, 31), rates, style, label=f'"{schedule}"')
ax.set(xlabel="epoch", ylabel="step size at its end")
ax.legend(title="learning_rate_schedule")
