"""From waveforms to frames, as nodes of a graph.

Levels are computed in double precision, as the transformers do by default: decibels of quiet bands
beside loud ones would show the rounding of single precision.
"""

import numpy as np
from scipy.fft import dct
from scipy.signal import get_window, savgol_coeffs

from sk_audioevents.features import MFCCTransformer
from sk_audioevents.features._mel_bank import mel_bank
from sk_audioevents.features._mfcc import DELTA_WIDTH


def add_front_end(graph, waveform, transformer):
    """Add what a transformer does.

    Parameters
    ----------
    graph : Graph
        The graph.
    waveform : str
        The waveforms, float32 of shape (B, n_samples).
    transformer : LogMelTransformer or MFCCTransformer
        The transformer.

    Returns
    -------
    frames : str
        The frames, float32 of shape (B, T, n_bands).
    """
    extractor = transformer._make_extractor(n_clips=1)
    if not isinstance(transformer, MFCCTransformer):
        return _levels(graph, waveform, extractor.settings)
    levels = _levels(graph, waveform, extractor.extract_levels.settings)
    return _cepstrum(graph, levels, transformer)


def at_least_one_sample(graph, waveform):
    """Return waveforms (B, n_samples) in which one of no samples is one sample of silence."""
    n_missing = graph.add("Sub", 1, graph.add("Min", graph.length(waveform, 1), np.array([1])))
    return graph.add("Pad", waveform, graph.join(0, 0, 0, n_missing))


def _levels(graph, waveform, settings):
    """Return levels in mel bands (B, T, n_mels)."""
    samples = graph.cast(at_least_one_sample(graph, waveform), np.float64)
    if settings.pre_emphasis:
        samples = _emphasised(graph, samples, settings.pre_emphasis)
    power = _power_spectrum(graph, samples, settings)
    bank = mel_bank(*settings.bands).T.astype(np.float32)  # kept in half the space
    mel = graph.add("MatMul", power, graph.cast(bank, np.float64))  # (B, T, n_mels)
    return graph.cast(_decibels(graph, mel, settings), np.float32)


def _emphasised(graph, samples, coefficient):
    """Return y_n - coefficient * y_(n-1), with silence before the clip."""
    before = graph.add("Slice", graph.add("Pad", samples, np.array([0, 1, 0, 0])), [0], [-1], [1])
    return graph.add("Sub", samples, graph.add("Mul", before, coefficient))


def _power_spectrum(graph, samples, settings):
    """Return |STFT|^power of shape (B, T, n_bins)."""
    name, win_length, n_fft = settings.window
    margin = n_fft // 2 if settings.center else 0
    if margin and settings.pad_mode == "reflect":
        samples, margin = _mirrored(graph, samples, margin), 0
    # What a clip shorter than a frame lacks, to be filled with silence like the margins.
    missing = graph.add("Sub", n_fft - 2 * margin, graph.length(samples, 1))
    after = graph.add("Add", graph.add("Max", missing, np.array([0])), margin)
    padded = graph.add("Pad", samples, graph.join(0, margin, 0, after))
    before = (n_fft - win_length) // 2
    window = np.pad(get_window(name, win_length), (before, n_fft - win_length - before))
    signal = graph.add("Unsqueeze", padded, [2])
    spectrum = graph.add("STFT", signal, settings.hop_length, window, n_fft, onesided=1)
    squares = graph.add("ReduceSumSquare", spectrum, axes=[3], keepdims=0)
    return squares if settings.power == 2 else graph.add("Pow", squares, settings.power / 2)


def _mirrored(graph, samples, margin):
    """Return samples (B, n_samples + 2 margin) with their mirror image at both ends.

    ONNX's own padding refuses clips that are shorter than the margin.
    """
    length = graph.add("Squeeze", graph.length(samples, 1), [0])
    at = graph.add("Range", -margin, graph.add("Add", length, margin), 1)
    last = graph.add("Sub", length, 1)
    period = graph.add("Max", graph.add("Mul", last, 2), 1)
    # From 0 to the last sample and back again, and so on: a clip of one sample stays at 0.
    at = graph.add("Mod", graph.add("Abs", at), period)
    at = graph.add("Min", at, graph.add("Sub", period, at))
    return graph.add("Gather", samples, graph.add("Min", at, last), axis=1)


def _decibels(graph, mel, settings):
    """Return 10 log10(max(mel, amin) / max(ref, amin)), at most top_db below the largest."""
    nepers = graph.add("Log", graph.add("Max", mel, settings.amin))
    reference = 10 * np.log10(max(settings.ref, settings.amin))
    levels = graph.add("Sub", graph.add("Mul", nepers, 10 / np.log(10)), reference)
    if settings.top_db is None:
        return levels
    peak = graph.add("ReduceMax", levels, axes=[1, 2], keepdims=1)
    return graph.add("Max", levels, graph.add("Sub", peak, float(settings.top_db)))


def _cepstrum(graph, levels, transformer):
    """Return cepstral coefficients, and their derivatives, of shape (B, T, n_bands)."""
    n_mfcc = transformer.n_mfcc
    cosines = dct(np.eye(transformer.n_mels), norm="ortho", axis=1)[:, :n_mfcc]
    coefficients = graph.add("MatMul", graph.cast(levels, np.float64), cosines)
    coefficients = graph.cast(coefficients, np.float32)
    derivatives = [
        _derivative(graph, coefficients, order, n_mfcc)
        for order in range(1, transformer.deltas + 1)
    ]
    return graph.add("Concat", coefficients, *derivatives, axis=2)


def _derivative(graph, frames, order, n_bands):
    """Return the derivative by time of frames (B, T, n_bands), by local polynomials."""
    half = DELTA_WIDTH // 2
    kernel = savgol_coeffs(DELTA_WIDTH, order, deriv=order, use="dot").astype(np.float32)
    padded = graph.add("Pad", frames, np.array([0, half, 0, 0, half, 0]), mode="edge")
    bands = graph.add("Transpose", padded, perm=[0, 2, 1])
    weights = np.tile(kernel, (n_bands, 1, 1))
    return graph.add("Transpose", graph.add("Conv", bands, weights, group=n_bands), perm=[0, 2, 1])
