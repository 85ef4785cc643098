"""A whistle that rises to 22 kHz, resampled to 16 kHz with two qualities."""

import tempfile

import matplotlib.pyplot as plt
import numpy as np
import soundfile

from sk_audioevents.audio import load_audio

times = np.arange(2 * 44100) / 44100
whistle = 0.5 * np.sin(2 * np.pi * 22050 / 4 * times**2)
figure, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True)
with tempfile.TemporaryDirectory() as folder:
    path = f"{folder}/whistle.wav"
    soundfile.write(path, whistle, 44100)
    for ax, quality in zip(axes, ["HQ", "QQ"]):
        waveform, _ = load_audio(path, sample_rate=16000, resample_quality=quality)
        ax.specgram(waveform, NFFT=256, Fs=16000, noverlap=128, cmap="magma", vmin=-130, vmax=-30)
        ax.set(title=f'resample_quality="{quality}"', xlabel="time (s)")
axes[0].set_ylabel("frequency (Hz)")
