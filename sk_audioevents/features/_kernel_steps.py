"""The steps of the spectral kernel that treat several frames at once, one in each vector lane.

numba has no vector type, so this file makes one: 64 bytes, which is 16 single-precision or 8
double-precision numbers; number l of each vector belongs to frame l. The functions marked `step`
run once, while the kernel is compiled: they get objects that stand for arrays, places, numbers and
vectors, and each operation on these, such as ``a + b * c``, writes the machine instruction for it.
What they compute, `dft` and `split_real_spectrum`, is ordinary arithmetic that also runs on plain
numbers.

This is the only file that knows llvmlite and the inside of numba.
"""

import inspect
import struct
from dataclasses import dataclass
from functools import reduce
from math import log10, sqrt
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

VECTOR_BYTES = 64
LARGEST = 1e38  # of the single-precision numbers that are taken for exact
DECIBELS_PER_OCTAVE = 10 * log10(2)

# The polynomial log2(1 + t) / t where sqrt(1/2) <= 1 + t < sqrt(2), highest power first: least
# squares on Chebyshev nodes. The error of 10 log10 is below 1e-7 dB.
LOG2_COEFFICIENTS = (
    -0.146203534137,
    0.234209851136,
    -0.248821805642,
    0.287075611163,
    -0.360241985907,
    0.480924038577,
    -0.721352758765,
    1.442694958,
)


# --- what the steps compute -----------------------------------------------------------------------


@dataclass(frozen=True)
class Complex:
    """A complex number whose parts are numbers, arrays or `Lanes`."""

    re: Any
    im: Any

    def __add__(self, other):
        return Complex(self.re + other.re, self.im + other.im)

    def __sub__(self, other):
        return Complex(self.re - other.re, self.im - other.im)

    def __mul__(self, other):
        return Complex(
            multiply_add(self.re, other.re, -(self.im * other.im)),
            multiply_add(self.re, other.im, self.im * other.re),
        )

    def times_minus_i(self):
        """Return -i times the number."""
        return Complex(self.im, -self.re)

    def add_scaled(self, other, factor):
        """Return self + factor * other, for a real factor."""
        return Complex(
            multiply_add(other.re, factor, self.re), multiply_add(other.im, factor, self.im)
        )

    def power(self):
        """Return re² + im²."""
        return multiply_add(self.re, self.re, self.im * self.im)


def dft(x):
    r"""Return the discrete Fourier transform of a list of 1, 2, 4 or 8 complex numbers.

    .. math:: X_k = \sum_n x_n w_N^{nk}, \qquad w_N = e^{-2 \pi i / N}

    Decimation in frequency: the even k are the transform of :math:`x_n + x_{n+N/2}`, the odd k are
    that of :math:`(x_n - x_{n+N/2}) w_N^n`.
    """
    if len(x) == 1:
        return x
    pairs = list(zip(x[: len(x) // 2], x[len(x) // 2 :]))
    even = dft([a + b for a, b in pairs])
    odd = _odd_bins([a - b for a, b in pairs])
    return [value for pair in zip(even, odd) for value in pair]


def _odd_bins(d):
    """Return the transform of d_n w^n, with w = exp(-πi / len(d)), of 1, 2 or 4 numbers."""
    if len(d) == 1:
        return d
    if len(d) == 2:
        return dft([d[0], d[1].times_minus_i()])
    # w = (1 - i) / sqrt(2) and w³ = (-1 - i) / sqrt(2): the root is left to the last sums, which
    # become multiply-adds. Processors that add and multiply at the same time gain a tenth by it.
    plus, minus = d[0] + d[2].times_minus_i(), d[0] - d[2].times_minus_i()
    turned_1, turned_3 = d[1] + d[1].times_minus_i(), d[3].times_minus_i() - d[3]
    total, difference = turned_1 + turned_3, (turned_1 - turned_3).times_minus_i()
    root = sqrt(0.5)
    return [
        plus.add_scaled(total, root),
        minus.add_scaled(difference, root),
        plus.add_scaled(total, -root),
        minus.add_scaled(difference, -root),
    ]


def split_real_spectrum(a, b, w):
    r"""Return the bins k and M - k of the spectrum X of 2M real samples x.

    From the transform Z, of length M, of :math:`z_n = (x_{2n} + i x_{2n+1}) / 2`:

    .. math::

        X_k = (Z_k + Z^*_{M-k}) - i w_{2M}^k (Z_k - Z^*_{M-k}), \qquad
        X^*_{M-k} = (Z_k + Z^*_{M-k}) + i w_{2M}^k (Z_k - Z^*_{M-k})

    Parameters
    ----------
    a, b, w : Complex
        :math:`Z_k`, :math:`Z_{M-k}` and :math:`w_{2M}^k`.

    Returns
    -------
    bin_k, mirrored_bin : Complex
        :math:`X_k` and :math:`X^*_{M-k}`.
    """
    even = Complex(a.re + b.re, a.im - b.im)
    odd = Complex(a.im + b.im, b.re - a.re) * w
    return even + odd, even - odd


def multiply_add(a, b, c):
    """Return a * b + c; on vectors it is one instruction, with one rounding."""
    return a.multiply_add(b, c) if isinstance(a, Lanes) else a * b + c


# --- what stands for numbers and arrays while the kernel is compiled ------------------------------


class Index:
    """A place in an array, in the code that is being written."""

    def __init__(self, builder, value):
        self.builder = builder
        self.value = value

    def __add__(self, other):
        return Index(self.builder, self.builder.add(self.value, self._value(other)))

    def __mul__(self, other):
        return Index(self.builder, self.builder.mul(self.value, self._value(other)))

    def _value(self, other):
        return other.value if isinstance(other, Index) else ir.Constant(self.value.type, other)


class Lanes:
    """A vector of numbers, in the code that is being written."""

    def __init__(self, builder, value):
        self.builder = builder
        self.value = value

    @classmethod
    def spread(cls, builder, number, vector_type):
        """Return a vector with one number in all lanes."""
        nothing = ir.Constant(vector_type, ir.Undefined)
        first_lane = builder.insert_element(nothing, number, ir.IntType(32)(0))
        return cls(
            builder, builder.shuffle_vector(first_lane, nothing, _integers([0] * vector_type.count))
        )

    def __add__(self, other):
        return Lanes(self.builder, self.builder.fadd(self.value, self._value(other)))

    def __sub__(self, other):
        return Lanes(self.builder, self.builder.fsub(self.value, self._value(other)))

    def __mul__(self, other):
        return Lanes(self.builder, self.builder.fmul(self.value, self._value(other)))

    def __neg__(self):
        return Lanes(self.builder, self.builder.fneg(self.value))

    def multiply_add(self, factor, summand):
        """Return self * factor + summand, rounded once."""
        operands = [self.value, self._value(factor), self._value(summand)]
        vector = self.value.type
        name = f"llvm.fma.v{vector.count}f{VECTOR_BYTES * 8 // vector.count}"
        module = self.builder.module
        if name not in module.globals:
            ir.Function(module, ir.FunctionType(vector, [vector] * 3), name)
        return Lanes(self.builder, self.builder.call(module.globals[name], operands))

    def where_above(self, other, then, otherwise):
        """Return ``then`` in the lanes where self is above ``other`` or NaN, else ``otherwise``."""
        above = self.builder.fcmp_unordered(">", self.value, other.value)
        return Lanes(self.builder, self.builder.select(above, then.value, otherwise.value))

    def exchange(self, other, size):
        """Exchange every second block of ``size`` lanes with the other's block before it."""
        n = self.value.type.count
        first = [lane if not lane & size else n + lane - size for lane in range(n)]
        second = [lane + size if not lane & size else n + lane for lane in range(n)]
        return [
            Lanes(
                self.builder, self.builder.shuffle_vector(self.value, other.value, _integers(order))
            )
            for order in (first, second)
        ]

    def log2(self):
        """Return the logarithm to base 2 of positive normal numbers.

        The number is :math:`2^e (1 + t)` with sqrt(1/2) <= 1 + t < sqrt(2): e is read off the bits
        of the number divided by sqrt(1/2), log2(1 + t) is a polynomial.
        """
        b, vector = self.builder, self.value.type
        n_bits, n_mantissa_bits, code = (32, 23, "f") if vector.count == 16 else (64, 52, "d")
        (bits_of_root,) = struct.unpack(
            code.replace("f", "i").replace("d", "q"), struct.pack(code, sqrt(0.5))
        )
        integers = ir.VectorType(ir.IntType(n_bits), vector.count)
        shift = ir.Constant(integers, [n_mantissa_bits] * vector.count)
        bits = b.bitcast(self.value, integers)
        above_root = b.sub(bits, ir.Constant(integers, [bits_of_root] * vector.count))
        exponent = b.ashr(above_root, shift)
        mantissa = Lanes(b, b.bitcast(b.sub(bits, b.shl(exponent, shift)), vector))
        t = mantissa - 1.0
        polynomial = reduce(
            lambda total, c: total.multiply_add(t, c),
            LOG2_COEFFICIENTS[1:],
            t.constant(LOG2_COEFFICIENTS[0]),
        )
        return polynomial.multiply_add(t, Lanes(b, b.sitofp(exponent, vector)))

    def convert(self, vector_type):
        """Return the numbers in the precision of a vector type."""
        if self.value.type == vector_type:
            return self
        is_single = self.value.type.element == ir.FloatType()
        change = self.builder.fpext if is_single else self.builder.fptrunc
        return Lanes(self.builder, change(self.value, vector_type))

    def constant(self, number):
        """Return a vector of this type that holds one number, known now, in all lanes."""
        vector = self.value.type
        return Lanes(self.builder, ir.Constant(vector, [number] * vector.count))

    def _value(self, other):
        return other.value if isinstance(other, Lanes) else self.constant(other).value


class Array:
    """A one-dimensional array, in the code that is being written.

    Places ``at`` count vectors from the start of the array, an ``index`` counts numbers.
    """

    def __init__(self, builder, data, vector_type):
        self.builder = builder
        self.data = data
        self.vector_type = vector_type
        self.n_lanes = vector_type.count

    def load(self, at):
        """Return the vector at a place."""
        return self.load_unaligned(at * self.n_lanes)

    def load_unaligned(self, index):
        """Return the vector that begins at an index."""
        return Lanes(self.builder, self.builder.load(self._pointer(index), align=4))

    def load_halves(self, index, other_index):
        """Return a vector whose halves begin at indices of their own."""
        half = ir.VectorType(self.vector_type.element, self.n_lanes // 2)
        first, second = (
            self.builder.load(self._pointer(i, half), align=4) for i in (index, other_index)
        )
        both = _integers(range(self.n_lanes))
        return Lanes(self.builder, self.builder.shuffle_vector(first, second, both))

    def load_complex(self, at):
        """Return the two vectors at a place as one of complex numbers."""
        return Complex(self.load(at), self.load(at + 1))

    def spread(self, index):
        """Return the number at an index, in all lanes."""
        number = self.builder.load(self.builder.gep(self.data, [index.value]))
        return Lanes.spread(self.builder, number, self.vector_type)

    def spread_complex(self, index):
        """Return the two numbers at an index as one complex number, in all lanes."""
        return Complex(self.spread(index), self.spread(index + 1))

    def zeros(self):
        """Return a vector of zeros."""
        return Lanes(self.builder, ir.Constant(self.vector_type, [0.0] * self.n_lanes))

    def store(self, lanes, at):
        """Put a vector at a place."""
        value = lanes.convert(self.vector_type).value
        self.builder.store(value, self._pointer(at * self.n_lanes), align=4)

    def store_complex(self, value, at):
        """Put a vector of complex numbers at a place, as two vectors."""
        self.store(value.re, at)
        self.store(value.im, at + 1)

    def prefetch(self, index):
        """Ask the processor for what lies at an index, which may be beyond the array's ends."""
        byte = ir.IntType(8).as_pointer()
        kinds = [ir.IntType(32)] * 3  # to read; into the second cache, as the first is full; data
        function_type = ir.FunctionType(ir.VoidType(), [byte, *kinds])
        prefetch = self.builder.module.declare_intrinsic("llvm.prefetch", [byte], function_type)
        at = self.builder.bitcast(self.builder.gep(self.data, [index.value]), byte)
        self.builder.call(prefetch, [at, *(kind(n) for kind, n in zip(kinds, (0, 2, 1)))])

    def _pointer(self, index, vector_type=None):
        first = self.builder.gep(self.data, [index.value])
        return self.builder.bitcast(first, (vector_type or self.vector_type).as_pointer())


def _integers(numbers):
    return ir.Constant(ir.VectorType(ir.IntType(32), len(numbers)), list(numbers))


def _vector_type(element, n_lanes=None):
    scalar = ir.FloatType() if element == types.float32 else ir.DoubleType()
    return ir.VectorType(scalar, n_lanes or VECTOR_BYTES * 8 // element.bitwidth)


class LanesType(types.Type):
    """What numba takes a vector for: a value that it passes on and never looks into."""

    def __init__(self, element):
        self.dtype = element
        super().__init__(name=f"Lanes({element})")


@register_model(LanesType)
class LanesModel(models.PrimitiveModel):
    """Tells numba that a vector is held as an LLVM vector."""

    def __init__(self, manager, lanes_type):
        super().__init__(manager, lanes_type, _vector_type(lanes_type.dtype))


def step(function):
    """Make a function that writes code callable from functions that numba compiles.

    Arrays reach it as `Array`, integers as `Index`, real numbers and vectors as `Lanes`, all of the
    precision of the first array or vector. It returns a vector if it is annotated so, else nothing.
    """
    returns_lanes = function.__annotations__.get("return") is Lanes

    def define(typing_context, *arguments):  # noqa: ARG001
        elements = [a.dtype for a in arguments if isinstance(a, (types.Array, LanesType))]
        widest = types.float64 if types.float64 in elements else types.float32
        n_lanes = VECTOR_BYTES * 8 // widest.bitwidth

        def write(context, builder, signature, values):
            def stand_in(argument, value):
                if isinstance(argument, types.Array):
                    data = context.make_array(argument)(context, builder, value).data
                    return Array(builder, data, _vector_type(argument.dtype, n_lanes))
                if isinstance(argument, types.Integer):
                    return Index(builder, value)
                if isinstance(argument, types.Float):
                    return Lanes.spread(builder, value, _vector_type(widest, n_lanes))
                return Lanes(builder, value)

            result = function(*map(stand_in, signature.args, values))
            return result.value if returns_lanes else context.get_dummy_value()

        passed = [
            types.intp
            if isinstance(a, types.Integer)
            else widest
            if isinstance(a, types.Float)
            else a
            for a in arguments
        ]
        return (LanesType(widest) if returns_lanes else types.void)(*passed), write

    define.__name__, define.__doc__ = function.__name__, function.__doc__
    context = inspect.Parameter("typing_context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    define.__signature__ = inspect.Signature([context, *parameters])
    return intrinsic(define)


# --- the steps ------------------------------------------------------------------------------------


@step
def load(array, at) -> Lanes:
    """Return the vector at a place."""
    return array.load(at)


@step
def store(array, at, lanes):
    """Put a vector at a place."""
    array.store(lanes, at)


@step
def prefetch(array, index):
    """Ask for what lies at an index, for a later load; no error if that is beyond the array."""
    array.prefetch(index)


@step
def zeros(array) -> Lanes:
    """Return a vector of zeros, of the array's precision."""
    return array.zeros()


@step
def spread(array, index) -> Lanes:
    """Return the number at an index, in all lanes."""
    return array.spread(index)


@step
def add_product(total, a, b) -> Lanes:
    """Return total + a * b."""
    return a.multiply_add(b, total)


@step
def maximum(a, b) -> Lanes:
    """Return the larger of two numbers in each lane, or NaN."""
    return a.where_above(b, a, b)


@step
def decibels(values, shift, floor) -> Lanes:
    """Return 10 log10(values) + shift, at least the floor; inf where values overflow or are NaN."""
    levels = values.log2().multiply_add(values.constant(DECIBELS_PER_OCTAVE), shift)
    levels = levels.where_above(floor, levels, floor)
    return values.where_above(values.constant(LARGEST), values.constant(float("inf")), levels)


@step
def load_windowed_tile(samples, hop_length, window, begin, tile, at):
    """Put sample n of frame l, windowed, into lane l of vector n; n counts from ``begin``.

    The next n_lanes samples of each frame are a row; transposed, each sample is a vector.
    """
    half = samples.n_lanes // 2
    rows = [
        samples.load_halves(index, index + hop_length * half)
        for first in (begin, begin + half)
        for index in [first + hop_length * frame for frame in range(half)]
    ]
    for n, column in enumerate(_transpose(rows, half // 2)):
        tile.store(column.convert(tile.vector_type) * window.spread(begin + n), at + n)


@step
def transpose_tile(source, source_at, source_step, target, target_at, target_step):
    """Transpose a square tile of vectors that lie a step apart into other such vectors."""
    rows = [source.load(source_at + source_step * n) for n in range(source.n_lanes)]
    for n, column in enumerate(_transpose(rows, source.n_lanes // 2)):
        target.store(column, target_at + target_step * n)


@step
def fold(source, at, mirrored_at, target, sum_at, difference_at):
    """Put the sum and the difference of two vectors in their places, in the target's precision."""
    a, b = (source.load(place).convert(target.vector_type) for place in (at, mirrored_at))
    target.store(a + b, sum_at)
    target.store(a - b, difference_at)


def _transpose(rows, size):
    """Return the columns of a tile: swap blocks off the diagonal, of ever smaller size."""
    while size:
        for n in range(len(rows)):
            if not n & size:
                rows[n], rows[n + size] = rows[n].exchange(rows[n + size], size)
        size //= 2
    return rows


def _butterfly(radix, *, twiddled):
    """Return the step of the fast Fourier transform that combines ``radix`` complex numbers."""

    @step
    def butterfly(source, source_at, source_step, target, target_at, target_step, factors, index):
        x = [source.load_complex(source_at + source_step * j) for j in range(radix)]
        for j, y in enumerate(dft(x)):
            if twiddled and j > 0:
                y = y * factors.spread_complex(index + 2 * (j - 1))
            target.store_complex(y, target_at + target_step * j)

    return butterfly


butterfly_8 = _butterfly(8, twiddled=True)
butterfly_4 = _butterfly(4, twiddled=True)
last_butterfly_8 = _butterfly(8, twiddled=False)
last_butterfly_4 = _butterfly(4, twiddled=False)


@step
def split_to_power(spectrum, at_k, at_mirrored, factors, k, power, power_at, power_at_mirrored):
    """Put the powers of the bins k and M - k of the real spectrum into their places."""
    bin_k, bin_mirrored = split_real_spectrum(
        spectrum.load_complex(at_k),
        spectrum.load_complex(at_mirrored),
        factors.spread_complex(k * 2),
    )
    power.store(bin_k.power(), power_at)
    power.store(bin_mirrored.power(), power_at_mirrored)
