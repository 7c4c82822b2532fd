"""The incomplete gamma and beta functions: series and continued fractions, differentiated as they stand, by all their parameters."""

# pyright: basic, reportReturnType=false, reportMissingParameterType=false

from __future__ import annotations

import math

import numpy as np

from oneform.frontend.written import approximations as near
from oneform.frontend.written.special import betaln, gammaln

TINY = 1e-300  # in place of a zero denominator of a continued fraction (Lentz)


def _deviation(d, a):
    """log(1 + u) - u at u = d / a: how far a + d is from a."""
    u = d / a
    if np.abs(u) < 0.05:
        total = 0.0
        power = -u * u
        for k in range(2, 16):
            total += power / k
            power *= -u
        return total
    return np.log((a + d) / a) - u


def _correction(a):
    """What Stirling's formula leaves: log gamma(a) - (a - 1/2) log a + a - log(2 pi)/2, for a >= 8."""
    return near.stirling(128.0 / (a * a) - 1.0) / a


def gamma_density(a, x):
    """x^a e^-x / gamma(a + 1), near its maximum without cancellation (Loader 2000)."""
    if a >= 8.0:
        return np.exp(a * _deviation(x - a, a) - _correction(a)) / np.sqrt(2.0 * math.pi * a)
    return np.exp(a * np.log(x) - x - gammaln(a + 1.0))


def _gamma_series(a, x):
    """gammainc over gamma_density: sum of x^n / ((a + 1) … (a + n))."""
    total = 1.0
    term = 1.0
    n = a
    while term > 1e-20 * total:
        n += 1.0
        term *= x / n
        total += term
    return total


def _gamma_fraction(a, x):
    """gammaincc over gamma_density, by Legendre's continued fraction."""
    b = x + 1.0 - a
    c = 1.0 / TINY
    d = 1.0 / b
    h = d
    k = 1.0
    change = 0.0
    again = 2
    while again > 0 and k < 100000.0:
        an = -k * (k - a)
        b += 2.0
        d = an * d + b
        if np.abs(d) < TINY:
            d = TINY
        c = b + an / c
        if np.abs(c) < TINY:
            c = TINY
        d = 1.0 / d
        change = d * c
        h *= change
        again = 2 if np.abs(change - 1.0) > 1e-16 else again - 1
        k += 1.0
    return h * a


def gammainc(a, x):
    if a < 0.0 or x < 0.0 or a != a or x != x or (a == 0.0 and x == 0.0):
        return math.nan
    if a == 0.0 or x == 0.0 or np.isinf(x):
        return 0.0 if x == 0.0 else 1.0
    y = gamma_density(a, x) * _gamma_factor(a, x)
    return y if x < a + 1.0 else 1.0 - y


def gammaincc(a, x):
    if a < 0.0 or x < 0.0 or a != a or x != x or (a == 0.0 and x == 0.0):
        return math.nan
    if a == 0.0 or x == 0.0 or np.isinf(x):
        return 1.0 if x == 0.0 else 0.0
    y = gamma_density(a, x) * _gamma_factor(a, x)
    return 1.0 - y if x < a + 1.0 else y


def _gamma_factor(a, x):
    """Of gammainc to the left of a + 1, of gammaincc to the right."""
    return _gamma_series(a, x) if x < a + 1.0 else _gamma_fraction(a, x)


def beta_density(a, b, x, y):
    """x^a y^b / Beta(a, b) for y = 1 - x."""
    if a >= 8.0 and b >= 8.0:
        n = a + b
        d = x * b - y * a
        spread = a * _deviation(d, a) + b * _deviation(-d, b)
        return np.sqrt(a * (b / n) / (2.0 * math.pi)) * np.exp(spread + _correction(n) - _correction(a) - _correction(b))
    return np.exp(a * np.log(x) + b * np.log(y) - betaln(a, b))


def _beta_fraction(a, b, x):
    """The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), by Lentz' method."""
    c = 1.0
    d = 1.0 - (a + b) * x / (a + 1.0)
    if np.abs(d) < TINY:
        d = TINY
    d = 1.0 / d
    h = d
    m = 1.0
    again = 2
    while again > 0 and m < 100000.0:
        change = 1.0
        e = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        for _ in range(2):
            d = 1.0 + e * d
            if np.abs(d) < TINY:
                d = TINY
            c = 1.0 + e / c
            if np.abs(c) < TINY:
                c = TINY
            d = 1.0 / d
            change = d * c
            h *= change
            e = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        again = 2 if np.abs(change - 1.0) > 1e-16 else again - 1
        m += 1.0
    return h


def betainc(a, b, x):
    if a <= 0.0 or b <= 0.0 or x < 0.0 or x > 1.0 or a != a or b != b or x != x:
        return math.nan
    if x == 0.0 or x == 1.0:
        return x
    return betainc_of(a, b, x, 1.0 - x)


def betaincc(a, b, x):
    if a <= 0.0 or b <= 0.0 or x < 0.0 or x > 1.0 or a != a or b != b or x != x:
        return math.nan
    if x == 0.0 or x == 1.0:
        return 1.0 - x
    return betainc_of(b, a, 1.0 - x, x)


def betainc_of(a, b, x, y):
    """The same where x and y = 1 - x are both known exactly. The fraction converges on one side, the other is the complement."""
    right = x >= (a + 1.0) / (a + b + 2.0)
    p, q, z = (b, a, y) if right else (a, b, x)
    tail = beta_density(p, q, z, x if right else y) * _beta_fraction(p, q, z) / p
    return 1.0 - tail if right else tail
