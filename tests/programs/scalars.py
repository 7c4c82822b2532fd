"""Straight-line programs over numbers: arithmetic, elementary functions, reassigned names, tuples."""

import math

import numpy as np

from tests.programs.registry import program


@program((0.7, 1.3, -0.4, 2.1), (0.0, 1.0, 2.0, 3.0), order=3)
def horner(x, a, b, c):
    y = a
    y = y * x + b
    y = y * x + c
    return y * y - 0.3 * x * y


@program((0.0, 2.0, -3.0), (1.5, 0.0, 0.0), order=3)
def product_with_zeros(x, y, z):
    return x * y * z + 2.0 * x * x * y - y * z


@program((1.2, 0.4))
def elementary(x, y):
    a = np.sin(x) * math.exp(-y)
    b = np.log(x + 2.0) / np.sqrt(y + 1.0)
    c = math.tanh(x * y) + np.arctan2(y, x) - math.atan(x - y)
    d = np.log1p(y * y) * math.cos(a) + np.expm1(0.1 * x) + np.hypot(x, 2.0 * y)
    return a * b + c * d + abs(-3.0 * x)


@program((1.3, 2.2), (0.4, -1.5), order=3)
def powers(x, y):
    return x**3 - 2.0 * x**y + x**-2 + x**0.5 + 1.7**y + (x * x + 1.0) ** (y / 2)


@program((2.0, 1.0), (-1.0, 3.0))
def integer_powers_of_any_sign(x, y):
    a = x - 2.0  # 0 in the first case: 0**2 and its derivatives must be clean
    return a**2 * y + a**1 + a**3 - (x - y) ** 4


@program((7.3, 2.1), (-7.3, 2.1))
def remainders(x, y):
    return x % y * 3.0 + x // y * y + np.floor(x) * y + math.fmod(x, y) * 0.5 + np.ceil(y) * x + round_half(x)


def round_half(x):
    return np.rint(x) * x


@program((0.3, 1.9), order=3)
def names_rebound(a, b):
    a, b = b * a, a - b
    c = a
    a = a * b + c
    (a, b), c = (b, c * a), a
    return a - 2.0 * b * c


@program((1.5, -0.5), (-1.5, 0.5), (-0.2, 0.1))
def choices(x, y):
    z = x * y if x > 0 else x - y
    if -1.0 < x < 1.0 and not y > 0.3 or x == 17.0:
        z = z * np.sin(x)
    elif x < y:
        z += y**2
    else:
        z = z / (1 + x * x)
    return z * (1.0 if z > 0 else -2.0) * x


@program((100.0, 95.0, 0.25, 0.02, 0.75))
def black_scholes(spot, strike, vol, rate, time):
    d1 = (math.log(spot / strike) + (rate + 0.5 * vol**2) * time) / (vol * math.sqrt(time))
    d2 = d1 - vol * math.sqrt(time)
    cdf1 = 0.5 * (1.0 + math.erf(d1 / math.sqrt(2.0)))
    cdf2 = 0.5 * (1.0 + math.erf(d2 / math.sqrt(2.0)))
    return spot * cdf1 - strike * math.exp(-rate * time) * cdf2


@program((0.8, 0.3, -1.1))
def several_results(x, y, z):
    u = x * np.cos(y)
    v = x * np.sin(y) + z
    return u, (v * u, z * z * u), u + v


@program((0.6, 2.0))
def one_value_many_uses(x, y):
    t = np.exp(x * y)
    u = t * t + x
    v = t - u * y
    return (t + u * v) / (1.0 + t * t) - t * v


@program((1.25,), (-0.75,))
def constants_only_where_needed(x):
    pi = math.pi
    big = float("inf")
    low = min(x, big)
    return low * pi + max(x, -big) * np.e + min(1, 2) * x * x
