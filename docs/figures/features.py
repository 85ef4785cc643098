"""From a waveform to power, to mel bands and to decibels."""

import matplotlib.pyplot as plt
import numpy as np

from sk_audioevents import LogMelTransformer
from sk_audioevents.datasets import make_sound_events

sounds = make_sound_events(8, n_classes=4, duration=3.0, snr_db=(10.0, 20.0), random_state=2)
clip = int(np.flatnonzero(sounds.target_names[sounds.target] == "chirp")[0])
waveform, rate = sounds.waveforms[clip], sounds.sample_rate
frames = LogMelTransformer(sample_rate=rate, n_mels=64).transform([waveform])[0]

figure, axes = plt.subplots(3, 1, figsize=(8, 6), sharex=True)
axes[0].plot(np.arange(len(waveform)) / rate, waveform, linewidth=0.4)
axes[0].set(ylabel="waveform", title="chirps in noise")
axes[1].specgram(waveform, NFFT=1024, Fs=rate, noverlap=512, cmap="magma")
axes[1].set(ylabel="frequency (Hz)", title="power of 513 frequencies, evenly spaced")
axes[2].imshow(
    frames.T, origin="lower", aspect="auto", cmap="magma", extent=(0, len(waveform) / rate, 0, 64)
)
axes[2].set(ylabel="mel band", xlabel="time (s)", title="64 mel bands, in decibels")
