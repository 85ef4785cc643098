"""Levels in mel bands, which log-mel spectrograms are and cepstral coefficients are made of."""

import math
import threading
import warnings
from functools import lru_cache
from numbers import Integral, Real

import numpy as np
from scipy.fft import rfft
from scipy.signal import get_window
from scipy.sparse import csr_array

from sk_audioevents._base import Interval, StrOptions
from sk_audioevents.features._clip_transformer import ClipTransformer
from sk_audioevents.features._mel_bank import mel_bank

# Where the compiled kernel works: it packs n_fft / 2 complex numbers into passes of 8 and 4, keeps
# 16 frames and what lies between them at hand, and sums power in single precision.
KERNEL_N_FFT = (128, 256, 512, 1024, 2048, 4096, 8192, 16384)
KERNEL_HOP_LENGTH = 16384
KERNEL_AMIN = 1e-37


class MelTransformer(ClipTransformer):
    """Base of the transformers that begin with levels in mel bands.

    A subclass has the parameters of ``_parameter_constraints``.
    """

    _parameter_constraints = {
        **ClipTransformer._parameter_constraints,
        "n_fft": [Interval(Integral, 1, None, closed="left")],
        "hop_length": [Interval(Integral, 1, None, closed="left")],
        "win_length": [Interval(Integral, 1, None, closed="left"), None],
        "window": [str],
        "n_mels": [Interval(Integral, 1, None, closed="left")],
        "fmin": [Interval(Real, 0, None, closed="left")],
        "fmax": [Interval(Real, 0, None, closed="neither"), None],
        "htk": ["boolean"],
        "norm": [StrOptions({"slaney"}), None],
        "power": [Interval(Real, 0, None, closed="neither")],
        "center": ["boolean"],
        "ref": [Interval(Real, 0, None, closed="neither")],
        "amin": [Interval(Real, 0, None, closed="neither")],
        "top_db": [Interval(Real, 0, None, closed="left"), None],
        "precision": [StrOptions({"single", "double"})],
    }

    def _make_level_extractor(self, pre_emphasis):
        """Return the function from a waveform to levels, float32 of shape (n_frames, n_mels).

        The parameters decide whether the compiled kernel or scipy computes them, never what was
        compiled before: the same clip gives the same bits in each process.
        """
        self._check_mel_parameters()
        window = (self.window, self.win_length or self.n_fft, self.n_fft)
        fmax = self._fmax()
        bands = (self.sample_rate, self.n_fft, self.n_mels, self.fmin, fmax, self.htk, self.norm)
        self._warn_of_empty_bands(mel_bank(*bands))
        levels_in_scipy = self._make_scipy_extractor(window, bands, pre_emphasis)
        has_kernel = (
            self.n_fft in KERNEL_N_FFT
            and self.hop_length <= KERNEL_HOP_LENGTH
            and self.amin >= KERNEL_AMIN
        )
        if not has_kernel:
            return levels_in_scipy
        levels_in_kernel = self._make_kernel_extractor(window, bands, pre_emphasis)

        def extract(waveform):
            levels, peak = levels_in_kernel(waveform)
            # A power that single precision cannot hold, 380 dB, is inf.
            return levels if math.isfinite(peak) else levels_in_scipy(waveform)

        return extract

    def _fmax(self):
        return self.sample_rate / 2 if self.fmax is None else self.fmax

    def _check_mel_parameters(self):
        name, fmax = type(self).__name__, self._fmax()
        if not self.fmin < fmax <= self.sample_rate / 2:
            raise ValueError(
                f"The 'fmin' and 'fmax' parameters of {name} must satisfy fmin < fmax <= "
                f"sample_rate / 2. Got fmin={self.fmin}, fmax={fmax}, "
                f"sample_rate={self.sample_rate}."
            )
        if self.win_length is not None and self.win_length > self.n_fft:
            raise ValueError(
                f"The 'win_length' parameter of {name} must be at most n_fft. "
                f"Got win_length={self.win_length}, n_fft={self.n_fft}."
            )

    def _warn_of_empty_bands(self, weights):
        n_empty = np.count_nonzero(~weights.any(axis=1))
        if n_empty:
            warnings.warn(
                f"{n_empty} of the {len(weights)} mel bands of {type(self).__name__} lie between "
                "two bins of the spectrum and are always silent. Take a smaller n_mels or a larger "
                "n_fft.",
                stacklevel=4,
            )

    def _make_scipy_extractor(self, window, bands, pre_emphasis):
        weights = csr_array(mel_bank(*bands))  # 98 % of them are zero

        def extract(waveform):
            spectrum = _power_spectrum(
                _emphasised(waveform, pre_emphasis),
                _padded_window(*window),
                self.hop_length,
                self.center,
                self.power,
            )
            mel = weights @ spectrum.T
            return _decibels(mel, self.ref, self.amin, self.top_db).T

        return extract

    def _make_kernel_extractor(self, window, bands, pre_emphasis):
        from sk_audioevents.features import _kernel  # here, because numba takes long to import

        tables = _kernel_tables(window, bands, self.precision)
        start = -(self.n_fft // 2) if self.center else 0
        shift = -10 * np.log10(max(self.ref, self.amin))
        floor = 10 * np.log10(self.amin) + shift
        top_db = np.inf if self.top_db is None else self.top_db
        of_thread = threading.local()

        def extract(waveform):
            if not hasattr(of_thread, "workspace"):
                of_thread.workspace = _kernel.workspace(tables, self.hop_length, pre_emphasis)
            n_samples = len(waveform) - 2 * start
            n_frames = 1 + max(0, n_samples - self.n_fft) // self.hop_length
            levels = np.empty((n_frames, self.n_mels), dtype=np.float32)
            peak = _kernel.mel_levels(
                _kernel.readable(waveform),
                start,
                self.hop_length,
                float(pre_emphasis),
                self.power / 2,
                shift,
                floor,
                float(top_db),
                tables,
                of_thread.workspace,
                levels,
            )
            return levels, peak

        return extract


def _emphasised(waveform, coefficient):
    """Return y_n - coefficient * y_(n-1) in double precision, with silence before the clip."""
    emphasised = waveform.astype(np.float64)
    emphasised[1:] -= coefficient * waveform[:-1].astype(np.float64)
    return emphasised


def _power_spectrum(waveform, window, hop_length, center, power):
    """Return |STFT|^power of shape (n_frames, n_fft // 2 + 1), in double precision."""
    n_fft = len(window)
    margin = n_fft // 2 if center else 0
    shortfall = max(0, n_fft - len(waveform) - 2 * margin)
    padded = np.pad(waveform, (margin, margin + shortfall))
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop_length]
    spectrum = rfft(frames * window, axis=1)
    squares = spectrum.real**2 + spectrum.imag**2
    return squares if power == 2 else squares ** (power / 2)


def _decibels(mel, ref, amin, top_db):
    levels = 10.0 * np.log10(np.maximum(mel, amin)) - 10.0 * np.log10(max(ref, amin))
    if top_db is not None:
        np.maximum(levels, levels.max() - top_db, out=levels)
    return levels.astype(np.float32, order="F")  # its transpose (n_frames, n_bands) is contiguous


@lru_cache(maxsize=16)
def _kernel_tables(window, bands, precision):
    from sk_audioevents.features._kernel import kernel_tables

    dtype = np.float32 if precision == "single" else np.float64
    return kernel_tables(_padded_window(*window), mel_bank(*bands), dtype)


@lru_cache(maxsize=16)
def _padded_window(window, win_length, n_fft):
    before = (n_fft - win_length) // 2
    return np.pad(get_window(window, win_length), (before, n_fft - win_length - before))
