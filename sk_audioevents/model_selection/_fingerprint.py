"""Fingerprints of sounds, which survive another codec, level or beginning.

J. Haitsma and T. Kalker, "A highly robust audio fingerprinting system", ISMIR 2002. Here the band
is wider (300 Hz to 2 kHz suit music), frames have 24 bits, not 32, and are 16 ms apart, not 12.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
import soxr
from numpy.lib.stride_tricks import sliding_window_view

SAMPLE_RATE = 16000  # Hz
_FRAME = 6144  # samples, 0.384 s; long, so that it hardly matters where the frames begin
_HOP = 256  # samples, 16 ms
_N_BITS = 24
_BAND_EDGES = np.round(np.geomspace(250, 7500, _N_BITS + 2) * _FRAME / SAMPLE_RATE).astype(int)
_WINDOW = np.hanning(_FRAME).astype(np.float32)
_SILENCE = 1e-6  # of the power of the loudest frame, -60 dB: such frames tell nothing
_N_FRAMES_AT_ONCE = 128  # bounds the memory of a long recording
_MOST_PLACES = 256  # a word that occurs more often, as in hum, is not looked up
_FEWEST_FRAMES = 32  # in common, 0.9 s
_HIGHEST_ERROR_RATE = 0.25  # of bits. See docs/user_guide/model_selection.rst for what was measured


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a recording sounds like.

    Attributes
    ----------
    words : ndarray of shape (n_frames,), dtype uint32
        24 bits a frame: whether the difference between two neighbouring bands rises.
    is_sound : ndarray of shape (n_frames,), dtype bool
        Whether the frame is loud enough to tell anything.
    """

    words: np.ndarray
    is_sound: np.ndarray


def fingerprint(waveform, sample_rate):
    """Compute the fingerprint of a waveform.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,)
        The samples, float32.
    sample_rate : int
        Samples per second.

    Returns
    -------
    fingerprint : Fingerprint
        At least one frame; shorter recordings are padded with silence.
    """
    if sample_rate != SAMPLE_RATE:
        waveform = soxr.resample(waveform, sample_rate, SAMPLE_RATE)
    waveform = np.pad(waveform, (0, max(0, _FRAME + _HOP - len(waveform))))
    power = _band_power(waveform)
    slope = np.diff(power, axis=1)
    words = (np.diff(slope, axis=0) < 0) @ (1 << np.arange(_N_BITS, dtype=np.uint32))
    level = power[1:].sum(axis=1)
    is_sound = (level > _SILENCE * level.max()) & (level > 0)
    return Fingerprint(words.astype(np.uint32), is_sound)


def similar_pairs(fingerprints):
    """Find recordings that have about a second or more in common.

    Parameters
    ----------
    fingerprints : list of Fingerprint
        Those of the recordings.

    Returns
    -------
    pairs : ndarray of shape (n_pairs, 2), dtype int64
        Row numbers of the recordings that resemble each other, the lower first.
    similarity : ndarray of shape (n_pairs,)
        The share of bits that agree where the two lie best upon each other, 0.75 to 1.
    """
    best = {}
    for first, second, shift in _meetings(fingerprints):
        agreement = 1 - _error_rate(fingerprints[first], fingerprints[second], shift)
        pair = int(first), int(second)
        if agreement >= 1 - _HIGHEST_ERROR_RATE and agreement > best.get(pair, 0):
            best[pair] = agreement
    pairs = np.array(sorted(best), dtype=np.int64).reshape(-1, 2)
    return pairs, np.array([best[first, second] for first, second in pairs])


def _band_power(waveform):
    """Return the power (n_frames, n_bands) in bands of equal width on a logarithmic axis."""
    frames = sliding_window_view(waveform, _FRAME)[::_HOP]
    power = np.empty((len(frames), len(_BAND_EDGES) - 1))
    for start in range(0, len(frames), _N_FRAMES_AT_ONCE):
        block = slice(start, start + _N_FRAMES_AT_ONCE)
        spectrum = np.abs(scipy.fft.rfft(frames[block] * _WINDOW, axis=1)) ** 2
        power[block] = np.add.reduceat(spectrum, _BAND_EDGES, axis=1)[:, :-1]
    return power


def _meetings(fingerprints):
    """Return rows (first, second, shift) where a word of one recording is found in another.

    Frame i of the first then matches frame i + shift of the second.
    """
    frames = [np.flatnonzero(item.is_sound) for item in fingerprints]
    owner = np.repeat(np.arange(len(frames)), [len(item) for item in frames])
    frame = np.concatenate(frames)
    word = np.concatenate([item.words[kept] for item, kept in zip(fingerprints, frames)])
    _, code, count = np.unique(word, return_inverse=True, return_counts=True)
    kept = np.flatnonzero(count[code] <= _MOST_PLACES)
    kept = kept[np.argsort(code[kept], kind="stable")]
    code, owner, frame = code[kept], owner[kept], frame[kept]
    found = [np.empty((0, 3), dtype=np.int64)]
    for distance in range(1, _MOST_PLACES):
        left = np.flatnonzero(code[distance:] == code[:-distance])
        if not len(left):
            break
        right = left + distance
        other = owner[left] != owner[right]
        left, right = left[other], right[other]
        found.append(np.stack([owner[left], owner[right], frame[right] - frame[left]], axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _error_rate(first, second, shift):
    """Return the share of bits that differ, or 1 where too little is in common to tell."""
    start, stop = max(0, -shift), min(len(first.words), len(second.words) - shift)
    here, there = slice(start, stop), slice(start + shift, stop + shift)
    is_sound = first.is_sound[here] & second.is_sound[there]
    n_frames = np.count_nonzero(is_sound)
    if n_frames < _FEWEST_FRAMES:
        return 1.0
    differing = np.bitwise_count(first.words[here] ^ second.words[there])[is_sound]
    return differing.sum() / (n_frames * _N_BITS)
