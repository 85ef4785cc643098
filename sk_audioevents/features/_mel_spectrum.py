"""Levels in mel bands, which log-mel spectrograms are and cepstral coefficients are made of."""

import warnings
from numbers import Integral, Real

import numpy as np

from sk_audioevents._base import Interval, StrOptions
from sk_audioevents.features._clip_transformer import ClipTransformer
from sk_audioevents.features._mel_bank import mel_bank
from sk_audioevents.features._mel_levels import LevelExtractor, MelSettings


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

    def _make_level_extractor(self, n_clips, pre_emphasis, pad_mode="constant"):
        """Return the function from a waveform to levels, float32 of shape (n_frames, n_mels)."""
        self._check_mel_parameters()
        bands = (
            self.sample_rate,
            self.n_fft,
            self.n_mels,
            self.fmin,
            self._fmax(),
            self.htk,
            self.norm,
        )
        self._warn_of_empty_bands(mel_bank(*bands))
        settings = MelSettings(
            window=(self.window, self.win_length or self.n_fft, self.n_fft),
            bands=bands,
            hop_length=self.hop_length,
            center=self.center,
            pad_mode=pad_mode,
            pre_emphasis=pre_emphasis,
            power=self.power,
            ref=self.ref,
            amin=self.amin,
            top_db=self.top_db,
            precision=self.precision,
        )
        return LevelExtractor(settings, n_clips)

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
