"""One clip, and what five augmentations make of it."""

import matplotlib.pyplot as plt
import numpy as np
import torch

from sk_audioevents import LogMelTransformer
from sk_audioevents.augmentation import (
    BackgroundMix,
    FrequencyShift,
    SpecAugment,
    SpectrogramBatch,
    TimeShift,
    TimeStretch,
)
from sk_audioevents.datasets import make_sound_events

sounds = make_sound_events(8, n_classes=4, duration=2.0, snr_db=(10.0, 20.0), random_state=2)
order = np.argsort(sounds.target_names[sounds.target] != "chirp", kind="stable")[:2]
frames = torch.from_numpy(
    LogMelTransformer(sample_rate=sounds.sample_rate, n_mels=64).transform(sounds.waveforms[order])
)
batch = SpectrogramBatch(
    frames=frames,
    targets=torch.eye(2),
    target_weight=torch.ones(2, 2),
    band_mean=frames.mean(dim=(0, 1)),
)
changes = {
    "a clip": None,
    "TimeShift": TimeShift(),
    "TimeStretch": TimeStretch(probability=1.0),
    "FrequencyShift": FrequencyShift(max_bands=8.0, probability=1.0),
    "SpecAugment": SpecAugment(max_time_mask_frames=16),
    "BackgroundMix": BackgroundMix(min_snr_db=0.0, max_snr_db=5.0, probability=1.0),
}
figure, axes = plt.subplots(2, 3, figsize=(9, 4.5), sharex=True, sharey=True)
for ax, (name, change) in zip(axes.flat, changes.items()):
    after = batch if change is None else change(batch, torch.Generator().manual_seed(1))
    limits = {"vmin": float(frames.min()), "vmax": float(frames.max())}
    ax.imshow(after.frames[0].T, origin="lower", aspect="auto", cmap="magma", **limits)
    ax.set_title(name)
figure.supxlabel("frame")
figure.supylabel("mel band")
