"""Bessel functions of orders 0 and 1, of both kinds of argument, with their derivatives."""

# pyright: basic, reportReturnType=false, reportMissingParameterType=false

from __future__ import annotations

import math

import numpy as np

from oneform.frontend.written import approximations as near
from oneform.rules import custom_jvp

INF = math.inf

# ---------------------------------------------------------------- oscillating


@custom_jvp
def j0(x):
    x = np.abs(x)
    if x <= 8.0:
        s = x * x
        return (s - 5.783185962946784 - 4.123247343506204e-16) * (s - 30.471262343662087 + 2.366534485750659e-16) * near.j0_near(s / 32.0 - 1.0)
    if x == INF:
        return 0.0
    t = 128.0 / (x * x) - 1.0
    c = np.cos(x)
    s = np.sin(x)
    return ((c + s) * near.j0_p(t) - (s - c) * near.j0_q(t) * 8.0 / x) / np.sqrt(math.pi * x)


j0.defjvps(lambda t, y, x: -t * j1(x))


@custom_jvp
def j1(x):
    size = np.abs(x)
    if size <= 8.0:
        return x * _j1_near(x * x)
    if size == INF:
        return 0.0
    t = 128.0 / (x * x) - 1.0
    c = np.cos(size)
    s = np.sin(size)
    return np.copysign(1.0, x) * ((s - c) * near.j1_p(t) + (s + c) * near.j1_q(t) * 8.0 / size) / np.sqrt(math.pi * size)


def _j1_near(s):
    return (s - 14.681970642123893 + 9.858177825793294e-17) * (s - 49.2184563216946 - 5.086354069436341e-16) * near.j1_near(s / 32.0 - 1.0)


j1.defjvps(lambda t, y, x: t * (j0(x) - _j1_over(x)))


def _j1_over(x):
    """J1(x)/x, near zero by its power series, whose derivatives are right there too."""
    if np.abs(x) < 1.0:
        s = -0.25 * x * x
        total = 0.0
        term = 0.5
        for k in range(1, 14):
            total += term
            term *= s / (k * (k + 1.0))
        return total
    return j1(x) / x


# ---------------------------------------------------------------- growing


@custom_jvp
def i0e(x):
    return i0e_of(x)


def i0e_of(x):
    """e^-|x| I0(x)"""
    x = np.abs(x)
    if x <= 8.0:
        return near.i0e_near(0.25 * x - 1.0)
    return near.i0e_far(16.0 / x - 1.0) / np.sqrt(x)


i0e.defjvps(lambda t, y, x: t * (i1e(x) - np.sign(x) * y))


@custom_jvp
def i1e(x):
    return i1e_of(x)


def i1e_of(x):
    """e^-|x| I1(x)"""
    size = np.abs(x)
    if size <= 8.0:
        return x * near.i1e_near(0.25 * size - 1.0)
    return np.copysign(near.i1e_far(16.0 / size - 1.0) / np.sqrt(size), x)


i1e.defjvps(lambda t, y, x: t * (i0e(x) - np.sign(x) * y - (np.exp(-np.abs(x)) * _i1_series(x) if np.abs(x) < 1.0 else i1e(x) / x)))


@custom_jvp
def i0(x):
    return np.exp(np.abs(x)) * i0e_of(x)


i0.defjvps(lambda t, y, x: t * i1(x))


@custom_jvp
def i1(x):
    return np.exp(np.abs(x)) * i1e_of(x)


i1.defjvps(lambda t, y, x: t * (i0(x) - (_i1_series(x) if np.abs(x) < 1.0 else i1(x) / x)))


def _i1_series(x):
    """I1(x)/x near zero, whose derivatives are right there too."""
    s = 0.25 * x * x
    total = 0.0
    term = 0.5
    for k in range(1, 14):
        total += term
        term *= s / (k * (k + 1.0))
    return total
