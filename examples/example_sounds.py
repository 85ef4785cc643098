"""What the examples share: ESC-10 or, without it, synthetic sounds; and players to hear them.

An example that imports it needs this file beside it.
"""

import base64
import html
import io
import tempfile

import numpy as np
import soundfile
from sklearn.utils import Bunch

from sk_audioevents.datasets import fetch_esc10, make_sound_events


def load_recordings():
    """Return ESC-10 if there is a copy of it on this computer, and synthetic clips otherwise.

    Returns
    -------
    data : Bunch
        ``paths``, ``labels``, ``fold`` (1 to 5), ``titles`` for a player, and ``name``: arrays of
        shape (n_clips,), and a str. Synthetic clips are files too, for as long as ``data`` lives.
    """
    try:
        esc10 = fetch_esc10(download_if_missing=False)
    except OSError:
        return synthetic_recordings()
    labels = esc10.target_names[esc10.target]
    authors = esc10.frame.get("author", ["author in the file's metadata"] * len(labels))
    titles = [f"{label}, by {author}" for label, author in zip(labels, authors)]
    return Bunch(
        paths=esc10.paths,
        labels=labels,
        fold=esc10.fold,
        titles=np.array(titles),
        name="ESC-10 (Piczak, 2015)",
    )


def synthetic_recordings():
    """Return 300 files of six kinds of synthetic sounds."""
    sounds = make_sound_events(
        300, n_classes=6, sample_rate=44100, snr_db=(-5.0, 15.0), random_state=0
    )
    folder = tempfile.TemporaryDirectory()
    paths = np.array([f"{folder.name}/{i}.wav" for i in range(300)], dtype=object)
    for path, waveform in zip(paths, sounds.waveforms):
        soundfile.write(path, waveform, sounds.sample_rate)
    labels = sounds.target_names[sounds.target]
    return Bunch(
        paths=paths,
        labels=labels,
        fold=np.arange(300) // 6 % 5 + 1,
        titles=np.array([f"{label}, synthetic" for label in labels]),
        name="synthetic sounds, since there is no copy of ESC-10 here",
        folder=folder,
    )


class Players:
    """Sounds with their titles, each with a player.

    Parameters
    ----------
    sounds : dict of str to ndarray of shape (n_samples,)
        Waveforms by their titles. Those that exceed -1 to 1 are made quieter.

    sample_rate : int
        In hertz, one that MP3 has: 8000, 16000, 22050, 32000, 44100 or 48000.
    """

    def __init__(self, sounds, sample_rate):
        self.sounds = sounds
        self.sample_rate = sample_rate

    def __repr__(self):
        return "\n".join(
            f"{title}: {len(waveform) / self.sample_rate:.1f} s"
            for title, waveform in self.sounds.items()
        )

    def _repr_html_(self):
        return "\n".join(
            f'<figure class="sound"><figcaption>{html.escape(title)}</figcaption>'
            f'<audio controls preload="metadata" aria-label="{html.escape(title)}" '
            f'src="data:audio/mpeg;base64,{self._mp3(waveform)}"></audio></figure>'
            for title, waveform in self.sounds.items()
        )

    def _mp3(self, waveform):
        """Return a waveform in base64 as MP3, which is small and which every browser plays."""
        file = io.BytesIO()
        waveform = waveform / max(1.0, abs(waveform).max())
        soundfile.write(file, waveform, self.sample_rate, format="MP3", compression_level=0.4)
        return base64.b64encode(file.getvalue()).decode("ascii")
