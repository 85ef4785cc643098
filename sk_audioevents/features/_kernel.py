"""The spectral kernel: from a waveform to decibels in mel bands, in one pass.

Each vector lane belongs to one frame, so that 16 frames are treated together (in double precision
the Fourier transform takes them in two parts of 8), and all that lies between their samples and
their levels stays in the processor's inner caches.

Importing this module imports numba, so it is imported when the first clip is transformed. The first
call compiles the kernel for the precision in use, and numba keeps the machine code on disk.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import njit

from sk_audioevents._memory import aligned
from sk_audioevents.features import _kernel_steps as steps

VECTOR_BYTES = steps.VECTOR_BYTES
FIRST_RADIX = 8
N_FRAMES = 16  # that are treated together
N_TOGETHER = 4  # coefficients that share each reading of a band


class KernelTables(NamedTuple):
    """What the kernel needs to know besides the waveform; arrays are in its working precision.

    Attributes
    ----------
    window : ndarray of shape (n_fft,)
        The window, halved, as `_kernel_steps.split_real_spectrum` wants it.
    radices : ndarray of int64 of shape (n_passes,)
        Factors of n_fft / 2: 8 or 4 each, the first 8.
    factors : ndarray
        The twiddle factors of all passes, as real and imaginary parts in turn.
    split_factors : ndarray of shape (n_fft // 2 + 2,)
        exp(-2πi k / n_fft) for k = 0 to n_fft / 4, as real and imaginary parts in turn.
    places : ndarray of int64 of shape (n_fft // 2 + 1,)
        Where bin k of the complex transform comes to lie, in vectors; the last bin is the first.
    first_bins : ndarray of int64 of shape (n_bands,)
        First bin of each mel band.
    weight_bounds : ndarray of int64 of shape (n_bands + 1,)
        Where the weights of each band begin and end.
    weights : ndarray
        The weights of all bands that are not zero.
    """

    window: np.ndarray
    radices: np.ndarray
    factors: np.ndarray
    split_factors: np.ndarray
    places: np.ndarray
    first_bins: np.ndarray
    weight_bounds: np.ndarray
    weights: np.ndarray


class Workspace(NamedTuple):
    """What the kernel holds in between, for one call at a time.

    Attributes
    ----------
    samples : ndarray
        The samples of the frames that are treated together: as they are, in single precision, or
        pre-emphasised in the working precision.
    tiles : ndarray
        Part of them, with one frame in each lane.
    spectrum : ndarray
        The complex transform of the frames, with 8 blocks that are padded by one bin each: without,
        all bins of a butterfly would fall into the same few lines of the cache.
    power, levels : ndarray of float32
        Vectors of 16 frames, for each bin and for each mel band.
    rows : ndarray of float32
        The levels as 16 frames of all bands.
    peaks : ndarray of float32 of shape (16,)
        The largest level of each frame.
    """

    samples: np.ndarray
    tiles: np.ndarray
    spectrum: np.ndarray
    power: np.ndarray
    levels: np.ndarray
    rows: np.ndarray
    peaks: np.ndarray


def kernel_tables(window, mel_bank, dtype):
    """Return the tables for a window of n_fft numbers and a dense filter bank (n_bands, n_bins)."""
    n_fft, length = len(window), len(window) // 2
    radices = _radices(length)
    bins = [np.flatnonzero(band) for band in mel_bank]
    first_bins = np.array([band[0] if len(band) else 0 for band in bins])
    end_bins = np.array([band[-1] + 1 if len(band) else 0 for band in bins])
    weights = [band[first:end] for band, first, end in zip(mel_bank, first_bins, end_bins)]
    return KernelTables(
        window=(window / 2).astype(dtype),
        radices=radices,
        factors=np.concatenate(_pass_factors(length, radices)).astype(dtype),
        split_factors=_real_and_imaginary(np.arange(length // 2 + 1) / n_fft).astype(dtype),
        places=_places(length, radices),
        first_bins=first_bins,
        weight_bounds=np.concatenate([[0], np.cumsum(end_bins - first_bins)]),
        weights=np.concatenate(weights).astype(np.float32),
    )


def workspace(tables, hop_length, pre_emphasis):
    """Return the arrays for what the kernel holds in between."""
    n_fft, n_bands, dtype = len(tables.window), len(tables.first_bins), tables.window.dtype
    n_lanes = VECTOR_BYTES // dtype.itemsize
    n_tiles = -(-n_bands // N_FRAMES)
    return Workspace(
        samples=aligned_vectors(
            n_fft + (n_lanes - 1) * hop_length, dtype if pre_emphasis else np.float32
        ),
        tiles=aligned_vectors(FIRST_RADIX * (n_lanes + 1) * n_lanes, dtype),
        spectrum=aligned_vectors((n_fft + 2 * FIRST_RADIX) * n_lanes, dtype),
        power=aligned_vectors((n_fft // 2 + 1) * N_FRAMES, np.float32),
        levels=aligned_vectors(n_tiles * N_FRAMES**2, np.float32),
        rows=aligned_vectors(n_tiles * N_FRAMES**2, np.float32),
        peaks=aligned_vectors(N_FRAMES, np.float32),
    )


def cosine_basis(cosines, dtype):
    """Return the cosines (n_bands, n_coefficients) of a DCT-II as the kernel wants them.

    Even coefficients have equal cosines at bands m and M - 1 - m, odd ones have opposite cosines:
    half of the bands will do. The result has shape (2, n_groups, half of the bands, 4), first the
    even coefficients, then the odd, with zeros where they fill no group of four.
    """
    n_bands, n_coefficients = cosines.shape
    n_half, n_groups = -(-n_bands // 2), -(-n_coefficients // (2 * N_TOGETHER))
    columns = np.zeros((n_half, n_groups * N_TOGETHER * 2))
    columns[:, :n_coefficients] = cosines[:n_half]
    basis = aligned_vectors(columns.size, dtype).reshape(2, n_groups, n_half, N_TOGETHER)
    basis[:] = columns.reshape(n_half, n_groups, N_TOGETHER, 2).transpose(3, 1, 0, 2)
    return basis


def aligned_vectors(n_numbers, dtype):
    """Return an array that begins where a vector may: no vector lies on two cache lines."""
    return aligned(n_numbers * np.dtype(dtype).itemsize, VECTOR_BYTES).view(dtype)


def readable(waveform):
    """Return the floats and the integers of a waveform, contiguous and read-only: one is empty.

    So the kernel takes both and is compiled once.
    """
    if waveform.dtype == np.int16:
        return _read_only(np.empty(0, np.float32)), _read_only(np.ascontiguousarray(waveform))
    floats = np.ascontiguousarray(waveform, dtype=np.float32)
    return _read_only(floats), _read_only(np.empty(0, np.int16))


def _read_only(array):
    view = array.view()
    view.flags.writeable = False
    return view


def _radices(length):
    """Factor a power of two from 64 on into eights and, at the end, one or two fours."""
    n_fours = {0: 0, 1: 2, 2: 1}[(length.bit_length() - 1) % 3]
    n_eights = (length.bit_length() - 1 - 2 * n_fours) // 3
    return np.array([8] * n_eights + [4] * n_fours)


def _pass_factors(length, radices):
    """Return exp(-2πi j q / length) for each pass, q = 0 to length / radix, j = 1 to radix."""
    factors = []
    for radix in radices:
        q, j = np.arange(length // radix)[:, None], np.arange(1, radix)
        factors.append(_real_and_imaginary(q * j / length))
        length //= radix
    return factors


def _real_and_imaginary(turns):
    angles = -2 * np.pi * turns
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1).ravel()


def _places(length, radices):
    """Return where the passes, which work in place, leave each bin.

    The first pass leaves bins of equal k modulo 8 in one block, in which the second does the same
    with k // 8, and so on.
    """
    k = np.arange(length + 1) % length
    place, block = np.zeros(length + 1, dtype=np.int64), length
    for radix in radices:
        block //= radix
        k, digit = np.divmod(k, radix)
        place += digit * block
    first_digit = np.arange(length + 1) % FIRST_RADIX
    return 2 * (place + first_digit)  # two vectors per bin; one bin of padding after each block


@njit
def _read_samples(waveform, start, pre_emphasis, samples):
    """Copy samples from ``start`` on, less pre_emphasis times the sample before; zeros outside."""
    begin = min(max(0, -start), len(samples))
    end = max(begin, min(len(samples), len(waveform) - start))
    samples[:begin] = 0
    samples[end:] = 0
    inside, source = samples[begin:end], waveform[start + begin : start + end]
    if pre_emphasis == 0:
        for i in range(len(source)):
            inside[i] = source[i]
        return
    number = samples.dtype.type
    coefficient = number(pre_emphasis)
    first = 1 if start + begin == 0 and len(source) else 0  # before it there is silence
    inside[:first] = source[:first]
    later, now = inside[first:], source[first:]
    before = waveform[start + begin + first - 1 : start + end - 1]
    for i in range(len(later)):
        later[i] = number(now[i]) - coefficient * number(before[i])


@njit
def _first_pass(samples, hop_length, tables, tiles, spectrum, n_lanes):
    """Window the frames, bring them into lanes, and do the first pass of the Fourier transform.

    Numbers 2n and 2n + 1 of a frame are the real and imaginary part of z_n; the pass combines the
    z that are n_fft / 16 apart.
    """
    eighth = len(tables.window) // FIRST_RADIX
    block = eighth + 2
    for begin in range(0, eighth, n_lanes):
        for j in range(FIRST_RADIX):
            steps.load_windowed_tile(
                samples, hop_length, tables.window, begin + j * eighth, tiles, j * (n_lanes + 1)
            )
        for n in range(0, n_lanes, 2):
            at = begin + n
            steps.butterfly_8(
                tiles, n, n_lanes + 1, spectrum, at, block, tables.factors, at * (FIRST_RADIX - 1)
            )


@njit
def _later_passes(spectrum, start, length, radices, factors, index):
    """Transform one block of ``length`` complex numbers in place, by decimation in frequency."""
    n_blocks = 1
    for radix in radices[:-1]:
        step = length // radix
        for block in range(n_blocks):
            for q in range(step):
                at = start + 2 * (block * length + q)
                i = index + 2 * q * (radix - 1)
                if radix == 8:
                    steps.butterfly_8(spectrum, at, 2 * step, spectrum, at, 2 * step, factors, i)
                else:
                    steps.butterfly_4(spectrum, at, 2 * step, spectrum, at, 2 * step, factors, i)
        index += 2 * step * (radix - 1)
        length = step
        n_blocks *= radix
    radix = radices[-1]
    for block in range(n_blocks):
        at = start + 2 * block * radix
        if radix == 8:
            steps.last_butterfly_8(spectrum, at, 2, spectrum, at, 2, factors, 0)
        else:
            steps.last_butterfly_4(spectrum, at, 2, spectrum, at, 2, factors, 0)


@njit
def _power_spectrum(first, tables, spectrum, power, part, n_parts, bytes_of_samples, ahead, step):
    """Take the powers of every eighth bin k, and of bins M - k, from the complex spectrum.

    For each k, ``step`` bytes of samples from ``ahead`` on are asked for: so they arrive while the
    processor computes, and few at a time.
    """
    length, places = len(tables.places) - 1, tables.places
    for k in range(first, length // 2 + 1, FIRST_RADIX):
        steps.split_to_power(
            spectrum,
            places[k],
            places[length - k],
            tables.split_factors,
            k,
            power,
            k * n_parts + part,
            (length - k) * n_parts + part,
        )
        for i in range(0, step, VECTOR_BYTES):  # a line of the cache is as long as a vector
            steps.prefetch(bytes_of_samples, ahead + k * step + i)


@njit
def _power_of_blocks(tables, spectrum, power, part, n_parts, bytes_of_samples, ahead, step):
    """Transform the blocks two by two, and split their bins with each other while both are near."""
    length = len(tables.window) // 2 // FIRST_RADIX
    first_factors = 2 * length * (FIRST_RADIX - 1)
    for j in range(FIRST_RADIX // 2 + 1):
        mirrored = (FIRST_RADIX - j) % FIRST_RADIX
        pair = range(j, mirrored + 1, max(1, mirrored - j))
        for block in pair:
            start = 2 * block * (length + 1)
            _later_passes(
                spectrum, start, length, tables.radices[1:], tables.factors, first_factors
            )
        for block in pair:
            _power_spectrum(
                block, tables, spectrum, power, part, n_parts, bytes_of_samples, ahead, step
            )


@njit
def _raise_to(exponent, power):
    if exponent == 0.5:
        for i in range(len(power)):
            power[i] = np.sqrt(power[i])
    elif exponent != 1:
        for i in range(len(power)):
            power[i] **= exponent


@njit
def _band_levels(tables, power, shift, floor, levels, peaks):
    """Sum the power in each mel band, in decibels, and find the largest level of each frame."""
    peak = steps.zeros(power)
    for band in range(len(tables.first_bins)):
        begin, end = tables.weight_bounds[band], tables.weight_bounds[band + 1]
        first_bin = tables.first_bins[band]
        total = steps.zeros(power)
        for i in range(end - begin):
            bin_power = steps.load(power, first_bin + i)
            total = steps.add_product(total, bin_power, steps.spread(tables.weights, begin + i))
        level = steps.decibels(total, shift, floor)
        steps.store(levels, band, level)
        peak = level if band == 0 else steps.maximum(peak, level)
    steps.store(peaks, 0, peak)


@njit
def _write_frames(levels, rows, out):
    """Transpose levels of shape (n_bands, 16) into frames of shape (n_frames, n_bands)."""
    n_tiles = len(levels) // N_FRAMES**2
    for tile in range(n_tiles):
        steps.transpose_tile(levels, tile * N_FRAMES, 1, rows, tile, n_tiles)
    n_frames, n_bands = out.shape
    for frame in range(n_frames):
        row = rows[frame * n_tiles * N_FRAMES :]
        for band in range(n_bands):
            out[frame, band] = row[band]


def _compiled(function):
    """Compile a function when it is called first, and keep the machine code on disk.

    It is kept beside this file or, where that is read-only, in the user's cache folder; where
    neither can be written to, each process compiles anew.
    """
    try:
        return njit(function, cache=True, nogil=True)
    except RuntimeError:  # numba finds no folder for its cache
        return njit(function, nogil=True)


# numba compiles anew when the file of a cached function changes, or a variable that the function
# takes from outside: `sources`, below, tells it of changes in the file of the steps.


def _make_mel_levels(sources):
    def mel_levels(
        waveform,
        integers,
        start,
        hop_length,
        pre_emphasis,
        exponent,
        shift,
        floor,
        top_db,
        tables,
        workspace,
        out,
    ):
        r"""Write the levels of the mel bands of all frames, in decibels.

        .. math::

            L_{t,m} = \max(10 \log_{10} S_{t,m} + \mathrm{shift},\; \mathrm{floor}), \qquad
            S_{t,m} = \sum_k M_{m,k} \Big| \sum_n w_n\, y_{\mathrm{start} + th + n}\,
                      e^{-2 \pi i k n / N} \Big|^{2 \cdot \mathrm{exponent}}

        Parameters
        ----------
        waveform : ndarray of float32
            The clip y, from `readable`; of no samples if these are in `integers`.
        integers : ndarray of int16
            The clip, whose full scale the window has to bring to 1; or of no samples.
        start, hop_length : int
            First sample of frame 0, which may lie before the clip, and the step between frames.
        pre_emphasis : float
            What part of the sample before is taken from each sample.
        exponent : float
            1 for power, 1/2 for amplitude.
        shift, floor : float
            As in the formula, in decibels.
        top_db : float
            How far below the largest level of the clip all others are raised to.
        tables : KernelTables
            The window, the bands and the Fourier transform.
        workspace : Workspace
            Memory, overwritten.
        out : ndarray of float32 of shape (n_frames, n_bands)
            Where the levels go.

        Returns
        -------
        peak : float
            The largest level of the clip; inf if a power is too large for single precision.
        """
        sources  # noqa: B018
        n_lanes = VECTOR_BYTES // tables.window.itemsize
        n_parts = N_FRAMES // n_lanes
        samples, tiles, spectrum, power, levels, rows, peaks = workspace
        bytes_of_samples, n_bytes = waveform.view(np.uint8), waveform.itemsize
        if len(integers) > 0:
            bytes_of_samples, n_bytes = integers.view(np.uint8), integers.itemsize
        # What the next part needs and this one did not have, for each bin that is split.
        n_new = n_lanes * min(hop_length, len(tables.window))
        step = max(1, n_new * n_bytes // (len(tables.places) // 2))
        peak = np.float32(floor)
        for frame in range(0, len(out), N_FRAMES):
            for part in range(n_parts):
                if frame + part * n_lanes >= len(out):
                    break
                first = start + (frame + part * n_lanes) * hop_length
                if len(integers) > 0:
                    _read_samples(integers, first, pre_emphasis, samples)
                else:
                    _read_samples(waveform, first, pre_emphasis, samples)
                _first_pass(samples, hop_length, tables, tiles, spectrum, n_lanes)
                ahead = (first + len(samples)) * n_bytes
                _power_of_blocks(
                    tables, spectrum, power, part, n_parts, bytes_of_samples, ahead, step
                )
            _raise_to(exponent, power)
            _band_levels(tables, power, shift, floor, levels, peaks)
            frames = out[frame : frame + N_FRAMES]
            _write_frames(levels, rows, frames)
            for lane in range(len(frames)):
                peak = max(peak, peaks[lane])
        lowest = np.float32(peak - top_db)
        if lowest > floor:
            for frame in range(len(out)):
                for band in range(out.shape[1]):
                    out[frame, band] = max(out[frame, band], lowest)
        return peak

    return mel_levels


@njit
def _read_frames(frames, rows, columns):
    """Transpose frames of shape (n_frames, n_bands) into vectors of 16 frames for each band.

    Frames that are missing stay as they were, and what follows the last band is zero.
    """
    n_tiles = len(columns) // N_FRAMES**2
    n_frames, n_bands = frames.shape
    for frame in range(n_frames):
        row = rows[frame * n_tiles * N_FRAMES :]
        for band in range(n_bands):
            row[band] = frames[frame, band]
    for tile in range(n_tiles):
        steps.transpose_tile(rows, tile, n_tiles, columns, tile * N_FRAMES, 1)


@njit
def _fold(columns, n_bands, folded, n_parts):
    """Write sums, then differences, of the bands m and M - 1 - m; a middle band stands alone."""
    n_half = (n_bands + 1) // 2
    for m in range(n_half):
        mirrored = n_bands - 1 - m if m < n_bands // 2 else n_bands  # beyond the bands are zeros
        for part in range(n_parts):
            steps.fold(
                columns,
                m * n_parts + part,
                mirrored * n_parts + part,
                folded,
                m * n_parts + part,
                (n_half + m) * n_parts + part,
            )


@njit
def _sum_products(folded, basis, coefficients, n_parts):
    """Sum sums and differences of bands times their cosines, for four coefficients at a time."""
    _, n_groups, n_half, _ = basis.shape
    cosines = basis.reshape(-1)
    for parity in range(2):
        for group in range(n_groups):
            first = (parity * n_groups + group) * n_half * N_TOGETHER
            for part in range(n_parts):
                sum_0 = sum_1 = sum_2 = sum_3 = steps.zeros(cosines)
                for m in range(n_half):
                    at = first + m * N_TOGETHER
                    column = steps.load(folded, (parity * n_half + m) * n_parts + part)
                    sum_0 = steps.add_product(sum_0, column, steps.spread(cosines, at))
                    sum_1 = steps.add_product(sum_1, column, steps.spread(cosines, at + 1))
                    sum_2 = steps.add_product(sum_2, column, steps.spread(cosines, at + 2))
                    sum_3 = steps.add_product(sum_3, column, steps.spread(cosines, at + 3))
                at = (2 * N_TOGETHER * group + parity) * n_parts + part
                steps.store(coefficients, at, sum_0)
                steps.store(coefficients, at + 2 * n_parts, sum_1)
                steps.store(coefficients, at + 4 * n_parts, sum_2)
                steps.store(coefficients, at + 6 * n_parts, sum_3)


def _make_cosine_transform(sources):
    def cosine_transform(levels, basis, out):
        r"""Write the coefficients of all frames.

        .. math::

            C_{t,c} = \sum_m L_{t,m} B_{m,c} = \sum_{m < M/2} (L_{t,m} \pm L_{t,M-1-m}) B_{m,c}

        with plus for even c and minus for odd. Each vector lane belongs to one frame.

        Parameters
        ----------
        levels : ndarray of float32 of shape (n_frames, n_bands)
            The levels L.
        basis : ndarray
            The cosines B, from `cosine_basis`; sums are taken in their precision.
        out : ndarray of float32 of shape (n_frames, n_coefficients)
            Where the coefficients go.
        """
        sources  # noqa: B018
        _, n_groups, n_half, _ = basis.shape
        n_bands, n_parts = levels.shape[1], N_FRAMES * basis.itemsize // VECTOR_BYTES
        n_tiles, n_tiles_out = n_bands // N_FRAMES + 1, -(-n_groups * 2 * N_TOGETHER // N_FRAMES)
        rows = np.zeros(n_tiles * N_FRAMES**2, np.float32)
        columns = np.empty(n_tiles * N_FRAMES**2, np.float32)
        folded = np.empty(2 * n_half * N_FRAMES, basis.dtype)
        coefficients = np.zeros(n_tiles_out * N_FRAMES**2, np.float32)
        rows_out = np.empty(n_tiles_out * N_FRAMES**2, np.float32)
        for frame in range(0, len(levels), N_FRAMES):
            _read_frames(levels[frame : frame + N_FRAMES], rows, columns)
            _fold(columns, n_bands, folded, n_parts)
            _sum_products(folded, basis, coefficients, n_parts)
            _write_frames(coefficients, rows_out, out[frame : frame + N_FRAMES])

    return cosine_transform


def _sources():
    steps_file = Path(__file__).with_name("_kernel_steps.py")
    return hashlib.sha256(steps_file.read_bytes()).hexdigest()


mel_levels = _compiled(_make_mel_levels(_sources()))
cosine_transform = _compiled(_make_cosine_transform(_sources()))
