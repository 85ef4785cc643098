"""
Augmentation, heard and seen
============================

Training may change a clip as long as its label stays true. Whether it does, nobody can tell but the
person who knows the sounds: so listen to what an augmentation does before training with it.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
import torch
from example_sounds import Players, load_recordings

from sk_audioevents import LogMelTransformer
from sk_audioevents.audio import load_audio
from sk_audioevents.augmentation import (
    BackgroundNoise,
    BetweenClass,
    FrequencyShift,
    Gain,
    Mixup,
    PitchShift,
    SpecAugment,
    SpectrogramBatch,
    SpeedPerturb,
    TimeShift,
    TimeStretch,
    WaveformShift,
)

SAMPLE_RATE = 22050

# %%
# Two recordings
# --------------

data = load_recordings()
kinds = ["Rooster", "Rain"] if "Rain" in data.labels else ["bell", "hiss"]
call, rain = (int(np.flatnonzero(data.labels == kind)[0]) for kind in kinds)
waveforms = {i: load_audio(data.paths[i], sample_rate=SAMPLE_RATE)[0] for i in (call, rain)}
print(data.name)
Players({data.titles[i]: waveforms[i] for i in (call, rain)}, SAMPLE_RATE)

# %%
# Changes of the waveform
# -----------------------
# Each is drawn at random within bounds, anew for each clip; where both bounds are one value, that
# is what it is. Higher by two semitones, a rooster is still a rooster; a wren is no wren. The rain
# comes from the other recording, 5 dB below the call.

rng = np.random.default_rng(0)
changes = {
    "later, and around the end": WaveformShift(max_shift=0.5),
    "two semitones higher": PitchShift(min_semitones=2, probability=1.0),
    "a tape 20 % faster": SpeedPerturb(min_rate=1.2, max_rate=1.2),
    "in the rain, at 5 dB": BackgroundNoise(
        [waveforms[rain]], min_snr_db=5, max_snr_db=5, probability=1.0
    ),
}
heard = {
    name: change(waveforms[call], SAMPLE_RATE, rng).astype(np.float32)
    for name, change in changes.items()
}
Players(heard, SAMPLE_RATE)

# %%
# Changes of the spectrogram
# --------------------------
# These are made batch by batch while the network trains, for each clip anew in each epoch, and cost
# next to nothing. They cannot be heard; they can be seen. A batch of the two clips goes in, and the
# first clip of what comes out is shown.

log_mel = LogMelTransformer(sample_rate=SAMPLE_RATE, n_mels=64)
both = [clip[:200] for clip in log_mel.transform(list(waveforms.values()))]
frames = torch.from_numpy(np.array(both))
batch = SpectrogramBatch(
    frames=frames,
    targets=torch.eye(2),
    target_weight=torch.ones(2, 2),
    band_mean=frames.mean(dim=(0, 1)),
)
seen = {
    "as it is": None,
    "TimeShift": TimeShift(),
    "TimeStretch": TimeStretch(probability=1.0),
    "FrequencyShift": FrequencyShift(probability=1.0),
    "Gain": Gain(),
    "SpecAugment": SpecAugment(),
    "Mixup": Mixup(alpha=5.0),
    "BetweenClass": BetweenClass(),
}
figure, axes = plt.subplots(2, 4, figsize=(12, 5), sharex=True, sharey=True, layout="constrained")
for ax, (name, change) in zip(axes.flat, seen.items()):
    generator = torch.Generator().manual_seed(3)
    after = batch if change is None else change(batch, generator)
    ax.imshow(
        after.frames[0].T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=frames[0].min(),
        vmax=frames[0].max(),
    )
    shares = ", ".join(
        f"{share:.0%} {kind.lower()}" for kind, share in zip(kinds, after.targets[0]) if share > 0
    )
    ax.set(title=f"{name}\n{shares}")
figure.supxlabel("frame")
figure.supylabel("mel band")

# %%
# In training
# -----------
# ``VGGEventClassifier(augment=Compose([TimeShift(), SpecAugment(), Mixup()]))`` trains with the
# second kind, and ``LogMelTransformer(augmentation=SpeedPerturb())`` with several versions of each
# clip of the first. What they are worth is in :doc:`/recipes`.

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=110)
plt.show()
