"""From a waveform to levels in mel bands: by the compiled kernel, or by scipy."""

import math
import os
import sys
import threading
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.fft import rfft
from scipy.signal import get_window
from scipy.sparse import csr_array

from sk_audioevents.audio._recording import STEP_16
from sk_audioevents.features._mel_bank import mel_bank

# Where the compiled kernel works: it packs n_fft / 2 complex numbers into passes of 8 and 4, keeps
# 16 frames and what lies between them at hand, and sums power in single precision.
KERNEL_N_FFT = (128, 256, 512, 1024, 2048, 4096, 8192, 16384)
KERNEL_HOP_LENGTH = 16384
KERNEL_AMIN = 1e-37
# To compile takes 3 s. scipy takes that much longer than the kernel for ten times as many samples.
SMALL_JOB = 2**24  # samples: 6 minutes at 44.1 kHz
SCIPY_FRAMES = 256  # that are transformed together, so that an hour takes no more memory


class MelSettings(NamedTuple):
    """What decides the levels of a waveform.

    Attributes
    ----------
    window : tuple
        Name, length and n_fft, as for ``_padded_window``.
    bands : tuple
        The parameters of `mel_bank`.
    hop_length : int
        Samples between frames.
    center : bool
        Whether frames are centred on multiples of ``hop_length``.
    pad_mode : {"constant", "reflect"}
        Whether there is silence beyond the ends of a clip, or its mirror image.
    pre_emphasis : float
        What part of the sample before is taken from each sample.
    power : float
        Exponent of the magnitudes.
    ref, amin : float
        Power of 0 dB, and the smallest power.
    top_db : float or None
        How far below the largest level of a clip all others are raised to.
    precision : {"single", "double"}
        What the kernel computes in; scipy's path computes in double precision.
    """

    window: tuple
    bands: tuple
    hop_length: int
    center: bool
    pad_mode: str
    pre_emphasis: float
    power: float
    ref: float
    amin: float
    top_db: float | None
    precision: str

    @property
    def n_fft(self):
        """Samples of a frame."""
        return self.window[-1]

    @property
    def dtype(self):
        """The numpy dtype of the working precision."""
        return np.dtype(np.float32 if self.precision == "single" else np.float64)


class LevelExtractor:
    """The function from a waveform to levels, float32 of shape (n_frames, n_mels).

    The settings decide whether the kernel or scipy computes them; but until the kernel has been
    compiled on a machine, which the first job of more than ``SMALL_JOB`` samples does, smaller ones
    begin at once with scipy.

    Parameters
    ----------
    settings : MelSettings
        What decides the levels.
    n_clips : int
        How many clips there are in the job, each taken for as long as the one in hand.
    """

    def __init__(self, settings, n_clips):
        self.settings = settings
        self.n_clips = n_clips
        self._margin, self._within = 0, settings
        if settings.center and settings.pad_mode == "reflect":  # once mirrored, frames fit in
            self._margin, self._within = settings.n_fft // 2, settings._replace(center=False)
        self._kernel = KernelLevels(self._within) if has_kernel(settings) else None
        self._is_compiled = self._kernel is None or kernel_is_compiled()

    def uses_kernel(self, waveform):
        """Return whether the kernel computes the levels of a waveform."""
        is_small = self.n_clips * len(waveform) <= SMALL_JOB
        return self._kernel is not None and (self._is_compiled or not is_small)

    def __call__(self, waveform, empty=np.empty):
        """Compute the levels of a waveform.

        Parameters
        ----------
        waveform : float32 or int16 ndarray of shape (n_samples,)
            The clip, of at least one sample; 32768 is full scale of integers.
        empty : callable, default=np.empty
            Returns new memory for a shape and a dtype.

        Returns
        -------
        levels : float32 ndarray of shape (n_frames, n_mels)
            The levels, in decibels.
        """
        if self._margin:
            waveform = np.pad(waveform, self._margin, mode="reflect")
        if self.uses_kernel(waveform):
            levels, peak = self._kernel(waveform, empty)
            if math.isfinite(peak):  # else a power is above what single precision holds: 380 dB
                return levels
        return levels_in_scipy(_at_full_scale(waveform), self._within)


class KernelLevels:
    """The compiled kernel with its tables, and the memory that it works in for each thread.

    It is pickled as its settings: the tables are made where the first waveform comes.

    Parameters
    ----------
    settings : MelSettings
        What decides the levels.
    """

    def __init__(self, settings):
        self.settings = settings
        self._of_thread = threading.local()

    def __reduce__(self):
        return KernelLevels, (self.settings,)

    def __call__(self, waveform, empty):
        """Return levels (n_frames, n_mels), and the largest of them."""
        from sk_audioevents.features import _kernel  # here, because numba takes long to import

        if not hasattr(self._of_thread, "compute"):
            self._of_thread.compute = self._bind(_kernel)
        settings = self.settings
        start = -(settings.n_fft // 2) if settings.center else 0
        n_samples = len(waveform) - 2 * start
        n_frames = 1 + max(0, n_samples - settings.n_fft) // settings.hop_length
        levels = empty((n_frames, settings.bands[2]), np.float32)
        return levels, self._of_thread.compute(waveform, start, levels)

    def _bind(self, kernel):
        """Return the function (waveform, start, levels) → peak, with memory of its own."""
        settings = self.settings
        tables = _kernel_tables(settings.window, settings.bands, settings.dtype)
        # The window brings integers to full scale: they become the same levels to the last bit.
        tables_16 = tables._replace(window=tables.window * STEP_16)
        shift = -10 * np.log10(max(settings.ref, settings.amin))
        floor = 10 * np.log10(settings.amin) + shift
        top_db = np.inf if settings.top_db is None else float(settings.top_db)
        pre_emphasis, exponent = float(settings.pre_emphasis), settings.power / 2
        memory = kernel.workspace(tables, settings.hop_length, pre_emphasis)

        def compute(waveform, start, levels):
            return kernel.mel_levels(
                *kernel.readable(waveform),
                start,
                settings.hop_length,
                pre_emphasis,
                exponent,
                shift,
                floor,
                top_db,
                tables_16 if waveform.dtype == np.int16 else tables,
                memory,
                levels,
            )

        return compute


def _at_full_scale(waveform):
    """Return a waveform as float32: 16-bit integers in the range from -1 to 1."""
    return waveform * STEP_16 if waveform.dtype == np.int16 else waveform


def has_kernel(settings):
    """Return whether the compiled kernel works for these settings."""
    return (
        settings.n_fft in KERNEL_N_FFT
        and settings.hop_length <= KERNEL_HOP_LENGTH
        and settings.amin >= KERNEL_AMIN
    )


def kernel_is_compiled():
    """Return whether machine code of the kernel is at hand, in this process or beside the source.

    Where numba keeps it elsewhere it is taken to be there: to look for it, numba would have to be
    imported, for which a small job does not wait.
    """
    if "sk_audioevents.features._kernel" in sys.modules or "NUMBA_CACHE_DIR" in os.environ:
        return True
    folder = Path(__file__).parent / "__pycache__"
    is_writable = os.access(folder if folder.exists() else folder.parent, os.W_OK)
    return not is_writable or any(folder.glob("_kernel.*.nbi"))


def levels_in_scipy(waveform, settings):
    """Return levels in mel bands, computed in double precision.

    Parameters
    ----------
    waveform : float32 ndarray of shape (n_samples,)
        The clip.
    settings : MelSettings
        What decides the levels.

    Returns
    -------
    levels : float32 ndarray of shape (n_frames, n_mels)
        The levels, in decibels.
    """
    emphasised = _emphasised(waveform, settings.pre_emphasis)
    frames = _framed(emphasised, settings.n_fft, settings.hop_length, settings.center)
    window, weights = _padded_window(*settings.window), _sparse_mel_bank(settings.bands)
    mel = np.empty((weights.shape[0], len(frames)))
    for start in range(0, len(frames), SCIPY_FRAMES):
        stop = start + SCIPY_FRAMES
        mel[:, start:stop] = (
            weights @ _power_spectrum(frames[start:stop] * window, settings.power).T
        )
    return _decibels(mel, settings.ref, settings.amin, settings.top_db).T


def _emphasised(waveform, coefficient):
    """Return y_n - coefficient * y_(n-1) in double precision, with silence before the clip."""
    emphasised = waveform.astype(np.float64)
    emphasised[1:] -= coefficient * waveform[:-1].astype(np.float64)
    return emphasised


def _framed(waveform, n_fft, hop_length, center):
    """Return a view of shape (n_frames, n_fft) of the waveform with zeros around it."""
    margin = n_fft // 2 if center else 0
    shortfall = max(0, n_fft - len(waveform) - 2 * margin)
    padded = np.pad(waveform, (margin, margin + shortfall))
    return np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop_length]


def _power_spectrum(frames, power):
    """Return |DFT|^power of shape (n_frames, n_fft // 2 + 1), in double precision."""
    spectrum = rfft(frames, axis=1)
    squares = spectrum.real**2 + spectrum.imag**2
    return squares if power == 2 else squares ** (power / 2)


def _decibels(mel, ref, amin, top_db):
    levels = 10.0 * np.log10(np.maximum(mel, amin)) - 10.0 * np.log10(max(ref, amin))
    if top_db is not None:
        np.maximum(levels, levels.max() - top_db, out=levels)
    return levels.astype(np.float32, order="F")  # its transpose (n_frames, n_bands) is contiguous


@lru_cache(maxsize=16)
def _kernel_tables(window, bands, dtype):
    from sk_audioevents.features._kernel import kernel_tables

    return kernel_tables(_padded_window(*window), mel_bank(*bands), dtype)


@lru_cache(maxsize=16)
def _sparse_mel_bank(bands):
    return csr_array(mel_bank(*bands))  # 98 % of the weights are zero


@lru_cache(maxsize=16)
def _padded_window(window, win_length, n_fft):
    before = (n_fft - win_length) // 2
    return np.pad(get_window(window, win_length), (before, n_fft - win_length - before))
