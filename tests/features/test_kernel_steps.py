"""The steps of the spectral kernel: their arithmetic on plain numbers, and what they compile to."""

import numpy as np
import pytest
from numba import njit

from sk_audioevents.features import _kernel_steps as steps
from sk_audioevents.features._kernel_steps import Complex

PRECISIONS = [np.float32, np.float64]


def vectors(dtype, n_vectors, seed=0):
    """Return an array of some vectors of random numbers, and the number of lanes of each."""
    n_lanes = steps.VECTOR_BYTES // np.dtype(dtype).itemsize
    return np.random.default_rng(seed).normal(size=n_vectors * n_lanes).astype(dtype), n_lanes


@pytest.mark.parametrize("n", [1, 2, 4, 8])
def test_dft_is_the_discrete_fourier_transform(n):
    x = np.random.default_rng(0).normal(size=(2, n))
    transformed = steps.dft([Complex(re, im) for re, im in x.T])
    expected = np.fft.fft(x[0] + 1j * x[1])
    np.testing.assert_allclose([z.re + 1j * z.im for z in transformed], expected, atol=1e-14)


def test_splitting_gives_the_spectrum_of_real_samples():
    x = np.random.default_rng(0).normal(size=20)
    z = np.fft.fft((x[::2] + 1j * x[1::2]) / 2)
    expected = np.fft.rfft(x)
    for k in range(6):
        w = np.exp(-2j * np.pi * k / 20)
        parts = [Complex(value.real, value.imag) for value in (z[k], z[(10 - k) % 10], w)]
        bin_k, mirrored = steps.split_real_spectrum(*parts)
        np.testing.assert_allclose(bin_k.re + 1j * bin_k.im, expected[k], atol=1e-14)
        np.testing.assert_allclose(mirrored.power(), abs(expected[10 - k]) ** 2, atol=1e-13)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_decibels_are_exact_to_the_precision_of_the_result(dtype):
    @njit
    def levels_of(values, levels, n_vectors):
        for at in range(n_vectors):
            steps.store(levels, at, steps.decibels(steps.load(values, at), 3.0, -150.0))

    exponents = np.random.default_rng(0).uniform(-17, 17, size=6400)
    values = (10.0**exponents).astype(dtype)
    values[:3] = 1.0, np.nextafter(dtype(1), dtype(2)), np.nextafter(dtype(1), dtype(0))
    levels = np.empty_like(values)
    levels_of(values, levels, values.nbytes // steps.VECTOR_BYTES)
    expected = np.maximum(10 * np.log10(values.astype(np.float64)) + 3, -150)
    tolerance = 2e-5 if dtype == np.float32 else 5e-7
    np.testing.assert_allclose(levels, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_decibels_have_a_floor_and_tell_what_cannot_be_held(dtype):
    @njit
    def levels_of(values, levels):
        steps.store(levels, 0, steps.decibels(steps.load(values, 0), 0.0, -100.0))

    values, _ = vectors(dtype, 1)
    values[:] = 1
    values[:7] = 0.0, 1e-40, 1e-11, 1e-10, np.nan, -np.nan, np.inf
    levels = np.empty_like(values)
    levels_of(values, levels)
    np.testing.assert_array_equal(levels[:3], -100)
    np.testing.assert_allclose(levels[3], -100, rtol=1e-6)
    np.testing.assert_array_equal(levels[4:7], np.inf)
    np.testing.assert_array_equal(levels[7:], 0)


@pytest.mark.parametrize(
    ("dtype_of_samples", "dtype"),
    [(np.float32, np.float32), (np.float32, np.float64), (np.float64, np.float64)],
)
def test_a_windowed_tile_has_one_frame_in_each_lane(dtype, dtype_of_samples):
    @njit
    def load(samples, hop_length, window, tile):
        steps.load_windowed_tile(samples, hop_length, window, 3, tile, 1)

    n_lanes = steps.VECTOR_BYTES // dtype().itemsize
    samples, _ = vectors(dtype_of_samples, 20)
    window = np.random.default_rng(1).normal(size=3 + n_lanes).astype(dtype)
    tile = np.zeros((1 + n_lanes, n_lanes), dtype=dtype)
    load(samples, 7, window, tile.reshape(-1))
    for lane in range(n_lanes):
        frame = samples[7 * lane :][: 3 + n_lanes]
        np.testing.assert_array_equal(tile[1:, lane], (frame * window)[3:].astype(dtype))
    np.testing.assert_array_equal(tile[0], 0)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_a_transposed_tile_swaps_vectors_and_lanes(dtype):
    @njit
    def transpose(source, target):
        steps.transpose_tile(source, 1, 2, target, 2, 3)

    source, n_lanes = vectors(dtype, 34)
    target = np.zeros((60, n_lanes), dtype=dtype)
    transpose(source, target.reshape(-1))
    tile = source.reshape(-1, n_lanes)[1 : 1 + 2 * n_lanes : 2]
    np.testing.assert_array_equal(target[2 : 2 + 3 * n_lanes : 3], tile.T)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_folded_vectors_are_their_sum_and_difference(dtype):
    @njit
    def fold(source, target):
        steps.fold(source, 1, 3, target, 0, 2)

    n_lanes = steps.VECTOR_BYTES // np.dtype(dtype).itemsize
    source = np.random.default_rng(0).normal(size=(4, n_lanes)).astype(np.float32)
    target = np.zeros((3, n_lanes), dtype=dtype)
    fold(source.reshape(-1), target.reshape(-1))
    a, b = source[1].astype(dtype), source[3].astype(dtype)
    np.testing.assert_array_equal(target, [a + b, np.zeros(n_lanes), a - b])


@pytest.mark.parametrize("index", [-(10**9), 0, 50, 10**9])
def test_what_is_asked_for_may_lie_beyond_the_array(index):
    @njit
    def ask(array, index):
        steps.prefetch(array, index)

    ask(np.zeros(100, dtype=np.uint8), index)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize(("radix", "twiddled"), [(8, True), (4, True), (8, False), (4, False)])
def test_a_butterfly_transforms_and_turns(dtype, radix, twiddled):
    butterfly = getattr(steps, f"butterfly_{radix}" if twiddled else f"last_butterfly_{radix}")

    @njit
    def transform(source, target, factors):
        butterfly(source, 1, 4, target, 3, 2, factors, 5)

    source, n_lanes = vectors(dtype, 40)
    factors = np.random.default_rng(1).normal(size=5 + 2 * radix).astype(dtype)
    target = np.zeros((3 + 2 * radix, n_lanes), dtype=dtype)
    transform(source, target.reshape(-1), factors)
    rows = source.reshape(-1, n_lanes).astype(np.float64)
    x = rows[1 : 1 + 4 * radix : 4] + 1j * rows[2 : 2 + 4 * radix : 4]
    expected = np.fft.fft(x, axis=0)
    if twiddled:
        expected[1:] *= (factors[5::2][: radix - 1] + 1j * factors[6::2][: radix - 1])[:, None]
    result = target[3 : 3 + 2 * radix : 2] + 1j * target[4 : 4 + 2 * radix : 2]
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance)


def test_powers_of_a_double_spectrum_are_kept_in_single_precision():
    @njit
    def split(spectrum, factors, power):
        steps.split_to_power(spectrum, 0, 2, factors, 0, power, 1, 0)

    spectrum, n_lanes = vectors(np.float64, 4)
    power = np.zeros((2, n_lanes), dtype=np.float32)
    split(spectrum, np.array([0.6, -0.8]), power.reshape(-1))
    a, b = (rows[0] + 1j * rows[1] for rows in spectrum.reshape(2, 2, n_lanes))
    even, odd = a + b.conj(), -1j * (0.6 - 0.8j) * (a - b.conj())
    np.testing.assert_allclose(power[1], abs(even + odd) ** 2, rtol=1e-6)
    np.testing.assert_allclose(power[0], abs(even - odd) ** 2, rtol=1e-6)
