"""Functions that call functions: closures, lambdas, defaults, keywords, captured numbers and arrays, functions as arguments."""

import math
from math import sin as sine

import numpy as np
from numpy import tanh

from tests.programs.registry import mat, program, vec

GRAVITY = 9.81
WEIGHTS = np.array([0.5, -0.25, 0.75])
LAYERS = (np.sin, np.tanh, lambda t: t * t + 0.1)


@program((1.4, 0.3))
def uses_globals(x, y):
    s = GRAVITY * x
    for i in range(len(WEIGHTS)):
        s += WEIGHTS[i] * y**i * sine(x)
    return s * tanh(y)


@program((0.6, 1.1))
def closure_over_locals(x, y):
    scale = x * y

    def inner(t):
        return t * scale + y

    first = inner(x)
    scale = scale + 1.0  # a closure sees the name, not the value it had
    return first * inner(y)


@program((0.7, 0.2))
def lambdas_on_one_line(x, y):
    f, g = (lambda t: t * x + 1.0), (lambda t: t * t - y)
    return f(g(x)) * g(f(y)) - (lambda a, b=2.0: a**b)(x)


def power_mean(x, p=2.0, *, floor=0.0):
    s = 0.0
    for v in x:
        s += max(v, floor) ** p
    return (s / len(x)) ** (1.0 / p)


@program((vec(4, 90, 0.2, 2.0), 3.0))
def defaults_and_keywords(x, p):
    return power_mean(x) + power_mean(x, p) * power_mean(p=1.5, x=x) - power_mean(x, floor=0.5)


def newton(f, df, x, steps=6):
    for _ in range(steps):
        x = x - f(x) / df(x)
    return x


@program((3.0, 1.2))
def function_as_argument(a, x):
    root = newton(lambda t: t**3 - a * t - 1.0, lambda t: 3.0 * t * t - a, x, steps=5)
    return root * a + newton(lambda t: t * t - a, lambda t: 2.0 * t, x)


def first_above(x, level):
    for i in range(len(x)):
        if x[i] > level:
            return x[i] * level
    return level - 1.0


@program((vec(5, 91), 0.3), (vec(5, 91), 5.0))
def helper_with_early_return(x, level):
    s = 0.0
    for k in range(3):
        s = s * 0.5 + first_above(x, level + 0.1 * k) * (k + 1)
    return s + first_above(x, -level) * level


def relax(u, f, omega):
    for i in range(1, len(u) - 1):
        u[i] = (1.0 - omega) * u[i] + omega * 0.5 * (u[i - 1] + u[i + 1] - f[i])


@program((vec(6, 92), 1.3, 3))
def helper_changes_argument(f, omega, sweeps):
    u = np.zeros(len(f))
    u[0] = f[0]
    for _ in range(sweeps):
        relax(u, f, omega)
    return u


@program((vec(3, 93), mat(3, 3, 94)), (vec(3, 93), None))
def optional_argument(x, w):
    if w is None:
        return np.sum(x * x * x)
    h = w @ x
    for layer in LAYERS:
        h = layer(h) + x
    return np.sum(h * x)


def step(x, v, dt, method):
    if method == "euler":
        return x + dt * v, v - dt * math.sin(x)
    if method == "symplectic":
        v = v - dt * math.sin(x)
        return x + dt * v, v
    raise ValueError("unknown method")


@program((1.0, 0.2, "euler"), (1.0, 0.2, "symplectic"))
def string_option(x, v, method):
    for _ in range(8):
        x, v = step(x, v, 0.1, method)
    return 0.5 * v * v - math.cos(x)


@program((0.9, 5))
def closure_called_in_loop(a, n):
    coefficients = np.array([1.0, a, a * a])

    def value(t):
        s = 0.0
        for k in range(3):
            s = s * t + coefficients[k]
        return s

    s = 0.0
    for i in range(n):
        s = 0.7 * s + value(0.1 * i + s * 0.05)
    return s


def both(x, y):
    if x > y:
        return x * y, x - y
    return x + y, x * x


@program((1.5, 0.5), (0.5, 1.5))
def helper_returns_tuple(x, y):
    p, q = both(x, y)
    r, (p2, _) = p * q, both(q, p)
    return r + p2 * x


def compose(f, g):
    return lambda t: f(g(t))


@program((0.8, 1.7))
def functions_made_at_compile_time(x, y):
    h = compose(lambda t: t * y, np.sin)
    for _ in range(3):
        x = compose(h, lambda t: t + 0.5)(x)
    return x * h(y)
