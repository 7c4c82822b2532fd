"""What complex numbers do not have."""

import cmath
import math

import numpy as np


def ordered(z):
    return z < 1.0  # E: E101 complex numbers have no order: a complex number and a float are compared


def ordered_constants(x):
    return x if 1j > 2 else 0.0  # E: E101 complex numbers have no order


def ordered_arrays(c):
    return c >= c  # E: E101 complex numbers have no order


def chained(z, x):
    return x < z < 2.0  # E: E101 complex numbers have no order


def whole(z):
    return int(z)  # E: E101 a complex number does not become i64: that would lose the imaginary part


def real_number(z):
    return float(z)  # E: E101 a complex number does not become f64


def real_constant(x):
    return x * float(2j)  # E: E101 a complex number does not become f64


def floor_division(z, x):
    return z // x  # E: E101 complex numbers have no floor division


def remainder(c, x):
    return c % x  # E: E101 complex numbers have no remainder


def remainder_of_constants(x):
    return x * (5j % 2)  # E: E101 complex numbers have no remainder


def both_remainders(z):
    return divmod(z, 2.0)  # E: E101 complex numbers have no floor division


def shifted(z):
    return z << 1  # E: E101 bit operations take integers and bools


def rounded(z):
    return round(z)  # E: E101 the argument of round must be a real number, not a complex number


def floor(z):
    return math.floor(z)  # E: E101 the argument of math.floor must be a real number


def sine_of_math(z):
    return math.sin(z)  # E: E101 math.sin takes real numbers, not a complex number


def largest(z, x):
    return max(z, x)  # E: E101 an argument of max must be a real number, not a complex number


def largest_of_array(c):
    return np.max(c)  # E: E101 complex numbers have no order, so c128[n0] has no max


def maximum(c, z):
    return np.maximum(c, z)  # E: E101 no such operation on an array


def floor_of_array(c):
    return np.floor(c)  # E: E101 no such operation on an array


def index(v, z):
    return v[z]  # E: E101 an index must be an integer, not a complex number


def trips(z):
    s = 0.0
    for _ in range(z):  # E: E101 range takes integers, not a complex number
        s += 1.0
    return s


def into_real_array(v, z):
    w = v.copy()
    w[0] = z  # E: E101 a complex number cannot be stored in an array of f64
    return w


def real_array_in_place(v, z):
    w = v.copy()
    w += z  # E: E101 an array of f64 cannot hold the c128 result in place
    return w


def as_real_array(c):
    return c.astype(float)  # E: E101 an array of c128 with 1 axes does not become f64


def real_zeros_filled(z):
    return np.full(3, z, dtype=float)  # E: E101 c128 does not become f64


def complex_range(z):
    return np.arange(z)  # E: E101 np.arange goes from one real number to another


def array_to_cmath(c):
    return cmath.exp(c)  # E: E101 cmath.exp takes numbers, not arrays


def written_part(c):
    d = c.copy()
    d.real = 1.0  # E: E105 the attribute real of an array
    return d
