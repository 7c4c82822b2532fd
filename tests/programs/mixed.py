"""Integers, bools and single precision among the floats."""

import numpy as np

from tests.programs.registry import program, vec


@program((np.float32(0.7), np.float32(1.3)))
def single_scalars(x, y):
    return np.sin(x) * y + x**2 / (y + np.float32(2.0))


@program((vec(5, 200).astype(np.float32), np.float32(0.3)))
def single_arrays(x, a):
    y = np.zeros_like(x)
    s = a
    for i in range(len(x)):
        s = s * x[i] + a
        y[i] = s * s - y[i - 1]
    return y


@program((vec(4, 201).astype(np.float32), vec(4, 202)))
def single_meets_double(x, y):
    s = 0.0
    for i in range(len(x)):
        s += x[i] * y[i] + x[i] * x[i]
    return s + np.sum(x * y * 0.5)


@program((vec(4, 203).astype(np.float32),))
def single_reduction(x):
    return np.sum(x * x) * np.max(x) + np.dot(x, x)


@program((0.3, 12, 7), (0.3, 0, 7))
def lcg_random_walk(x, n, seed):
    state = seed
    s = x
    for _ in range(n):
        state = (1103515245 * state + 12345) % 2147483648
        u = state / 2147483648
        if u < 0.5:
            s = s - x * (0.5 - u)
        else:
            s = s * (1.0 + 0.1 * u)
    return s


@program((vec(6, 204), np.array([True, False, True, True, False, True])))
def boolean_array(x, mask):
    s = 0.0
    count = 0
    for i in range(len(x)):
        if mask[i] and x[i] > -0.5:
            s += x[i] * x[i]
            count += 1
        elif not mask[i]:
            s *= 1.0 - 0.1 * x[i]
    return s / (count + 1)


@program((vec(8, 205), 0b10110101))
def bit_tests(x, bits):
    s = 1.0
    for i in range(8):
        if (bits >> i) & 1:
            s = s + x[i] * s
        elif bits ^ i > 180:
            s = s - 0.5 * x[i]
    return s * (bits % 7)


@program((vec(5, 206), np.array([3, -2, 7, 1, 4], np.int32)))
def small_integers(x, k):
    s = 0.0
    for i in range(5):
        s = s * 0.5 + x[i] * k[i] + x[abs(k[i]) % 5] * (k[i] // 2)
    return s


@program((2.6, 1.9), (-2.6, 1.9))
def floats_to_integers(x, y):
    n = int(x * y)
    k = int(np.floor(x)) + round(3.7)
    s = y
    for i in range(abs(n)):
        s = s * 0.7 + x * k
    return s + float(n) * y


@program((vec(4, 207), 3))
def integer_and_float_results(x, n):
    count = 0
    best = -1e9
    where = -1
    for i in range(len(x)):
        if x[i] * n > best:
            best = x[i] * n
            where = i
        if x[i] > 0.0:
            count += 1
    return best * x[0], where, count > 1, x * count


@program((0.4, 20), (0.4, 1))
def sieve_weighted(x, n):
    composite = np.zeros(n + 1, dtype=bool)
    s = 0.0
    for p in range(2, n + 1):
        if composite[p]:
            continue
        s = s * x + p
        for q in range(p * p, n + 1, p):
            composite[q] = True
    return s


@program((1.7, 10))
def integer_power_by_squaring(x, n):
    result = 1.0
    base = x
    while n > 0:
        if n % 2 == 1:
            result *= base
        base *= base
        n //= 2
    return result + base * 1e-3


@program((0.5, 6))
def binomial_row(p, n):
    c = np.ones(n + 1, dtype=np.int64)
    for k in range(1, n + 1):
        c[k] = c[k - 1] * (n - k + 1) // k
    s = 0.0
    for k in range(n + 1):
        s += c[k] * p**k * (1.0 - p) ** (n - k) * (k * k + 1)
    return s
