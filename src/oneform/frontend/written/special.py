"""Special functions of real numbers, in double precision, with their derivatives. The rules name functions of this module, so all orders follow."""

# pyright: basic, reportReturnType=false, reportMissingParameterType=false

from __future__ import annotations

import math

import numpy as np

from oneform.frontend.written import approximations as near
from oneform.rules import custom_jvp

INF = math.inf

# ---------------------------------------------------------------- the gamma function


@custom_jvp
def gamma(x):
    return gamma_of(x)


def gamma_of(x):
    """Near 1 by a polynomial, from there by recurrence, far away by Stirling's series, on the left by reflection."""
    if x == 0.0:
        return np.copysign(INF, x)
    if x < 0.0 and x == np.floor(x):
        return math.nan
    if x > 171.7:
        return INF
    if x < -190.0:
        return 0.0
    y = _gamma_right(1.0 - x if x < -8.0 else x)
    return math.pi / (_sine_of_pi(x) * y) if x < -8.0 else y


def _gamma_right(x):
    """Of x >= -8."""
    if x > 20.0:
        power = x ** (0.5 * x - 0.25)  # half of it, which does not overflow
        return math.sqrt(2.0 * math.pi) * power * np.exp(-x) * power * np.exp(near.stirling(128.0 / (x * x) - 1.0) / x)
    product = 1.0
    while x > 2.0:
        x -= 1.0
        product *= x
    divisor = 1.0
    while x < 1.0:
        divisor *= x
        x += 1.0
    return near.gamma_unit(2.0 * x - 3.0) * product / divisor


gamma.defjvps(lambda t, y, x: t * y * digamma(x))


def _sine_of_pi(x):
    """sin(pi x), exact in where the zeros are."""
    r = x - 2.0 * np.rint(0.5 * x)
    if r > 0.5:
        r = 1.0 - r
    elif r < -0.5:
        r = -1.0 - r
    return np.sin(math.pi * r)


@custom_jvp
def gammaln(x):
    return gammaln_of(x)


def gammaln_of(x):
    """log |gamma(x)|"""
    if x <= 0.0 and x == np.floor(x):
        return INF if x > -INF else x
    y = _gammaln_right(np.abs(x))
    return y if x > 0.0 else math.log(math.pi) - np.log(np.abs(x * _sine_of_pi(x))) - y


def _gammaln_right(x):
    """Of x > 0. The zeros at 1 and 2 are factors, so that the result is exact near them."""
    if x >= 8.0:
        return _stirling(x)
    if x < 1.0:
        if x < 1e-17:
            return -np.log(x)
        return x * (x - 1.0) * near.lgamma_low(2.0 * x - 1.0) - np.log(x)
    product = 1.0
    while x > 3.0:
        x -= 1.0
        product *= x
    zeros = (x - 1.0) * (x - 2.0)
    if x < 2.0:
        return zeros * near.lgamma_low(2.0 * x - 3.0)
    return zeros * near.lgamma_high(2.0 * x - 5.0) + np.log(product)


def _stirling(x):
    if x > 1e300:
        return x * (np.log(x) - 1.0)
    return (x - 0.5) * (np.log(x) - 1.0) + (0.5 * math.log(2.0 * math.pi) - 0.5 + near.stirling(128.0 / (x * x) - 1.0) / x)


gammaln.defjvps(lambda t, y, x: t * digamma(x))


@custom_jvp
def digamma(x):
    return digamma_of(x)


def digamma_of(x):
    if x == 0.0:
        return np.copysign(INF, -x)
    if x < 0.0 and x == np.floor(x):
        return math.nan
    y = _digamma_right(1.0 - x if x < 0.0 else x)
    return y if x > 0.0 else y - math.pi / _tangent_of_pi(x)


def _tangent_of_pi(x):
    r = x - np.rint(x)
    return np.tan(math.pi * r)


def _digamma_right(x):
    """Of x > 0; the zero is a factor."""
    if x >= 8.0:
        return np.log(x) - 0.5 / x - near.digamma_far(128.0 / (x * x) - 1.0) / (x * x)
    total = 0.0
    if x < 1.0:
        total = -1.0 / x
        x += 1.0
    while x > 2.0:
        x -= 1.0
        total += 1.0 / x
    return (x - 1.4616321449683622 - 9.549995429965697e-17) * near.digamma_unit(2.0 * x - 3.0) + total


digamma.defjvps(lambda t, y, x: t * polygamma_of(1.0, x))


@custom_jvp
def polygamma_of(n, x):
    """The n-th derivative of digamma: (-1)^(n+1) n! zeta(n + 1, x); n is a float that holds an integer."""
    order = n
    if n == 0.0:
        return digamma_of(x)
    factor = 1.0 if n % 2.0 == 1.0 else -1.0
    while n > 1.0:
        factor *= n
        n -= 1.0
    return factor * hurwitz(order + 1.0, x)


@polygamma_of.defjvp
def _(primals, tangents):
    n, x = primals
    _, t = tangents
    y = polygamma_of(n, x)
    return y, t * polygamma_of(n + 1.0, x)


# B(2k) / (2k)! of Euler and Maclaurin's formula
def _corrections(s, a):
    """sum over k of B(2k)/(2k)! s (s+1) … (s+2k-2) a^(-s-2k+1), in units of a^(-s-1)."""
    total = 0.0
    factor = s
    scale = 1.0
    k = 0.0
    for b in (
        1.0 / 12.0, -1.0 / 720.0, 1.0 / 30240.0, -1.0 / 1209600.0, 1.0 / 47900160.0, -691.0 / 1307674368000.0, 1.0 / 74724249600.0,
        -3617.0 / 10670622842880000.0, 43867.0 / 5109094217170944000.0, -174611.0 / 802857662698291200000.0,
    ):  # fmt: skip
        total = total + b * factor * scale
        factor = factor * (s + 2.0 * k + 1.0) * (s + 2.0 * k + 2.0)
        scale = scale / (a * a)
        k = k + 1.0
    return total


def hurwitz(s, q):
    """sum over k of (q + k)^-s, for s > 1."""
    if s == 1.0:
        return INF
    if s < 1.0:
        return math.nan
    if q <= 0.0:
        if q == np.floor(q):
            return INF
        if s != np.floor(s):
            return math.nan
    term = q ** (-s)
    total = term
    a = q + 1.0
    while a < 10.0 or (a < s + 10.0 and np.abs(term) > 1e-18 * np.abs(total)):
        term = a ** (-s)
        total += term
        a += 1.0
    power = a ** (-s)
    return total + (power * (a / (s - 1.0) + 0.5) + power / a * _corrections(s, a))


def zeta_of(s):
    """Riemann's; on the left by his functional equation."""
    if s == 1.0:
        return INF
    if s < 0.0:
        if s == 2.0 * np.floor(0.5 * s):
            return 0.0
        return 2.0 * (2.0 * math.pi) ** (s - 1.0) * _sine_of_pi(0.5 * s) * _gamma_right(1.0 - s) * _zeta_right(1.0 - s)
    return _zeta_right(s)


def _zeta_right(s):
    total = 0.0
    k = 1.0
    while k < 10.0:
        total += k ** (-s)
        k += 1.0
    power = 10.0 ** (-s)
    return total + (power * (10.0 / (s - 1.0) + 0.5) + power / 10.0 * _corrections(s, 10.0))


def gammasgn(x):
    if x >= 0.0 or x == np.floor(x):
        return 1.0 if x > 0.0 or x == 0.0 and np.copysign(1.0, x) > 0.0 else -1.0 if x == 0.0 else math.nan
    return -1.0 if np.floor(x) % 2.0 == 1.0 else 1.0


@custom_jvp
def betaln(a, b):
    return betaln_of(a, b)


def betaln_of(a, b):
    """log |Beta(a, b)|. Far out the terms of Stirling's formula that cancel are taken together."""
    large = max(a, b)
    small = min(a, b)
    if small >= 8.0:
        return _betaln_far(small, large)
    one = small > 0.0 and large >= 8.0
    total = _gammaln_difference(large, small) if one else 0.0
    for k in range(1 if one else 3):  # a loop, so that the code is there once
        total += gammaln_of(small if k == 0 else large if k == 1 else a + b) * (-1.0 if k == 2 else 1.0)
    return total


def _betaln_far(a, b):
    rest = near.stirling(128.0 / (a * a) - 1.0) / a + near.stirling(128.0 / (b * b) - 1.0) / b
    c = a + b
    rest -= near.stirling(128.0 / (c * c) - 1.0) / c
    h = a / b
    return -0.5 * np.log(b) + 0.5 * math.log(2.0 * math.pi) + rest + (a - 0.5) * np.log(h / (1.0 + h)) - b * np.log1p(h)


def _gammaln_difference(b, a):
    """log gamma(b) - log gamma(a + b) for large b."""
    c = a + b
    rest = near.stirling(128.0 / (b * b) - 1.0) / b - near.stirling(128.0 / (c * c) - 1.0) / c
    return rest - (c - 0.5) * np.log1p(a / b) - a * (np.log(b) - 1.0)


def _beta_slope(a, b, t, u):
    """The derivative of log Beta(a, b) in a direction: digamma at a, b and a + b."""
    total = 0.0
    for k in range(3):
        total += digamma(a if k == 0 else b if k == 1 else a + b) * (t if k == 0 else u if k == 1 else -t - u)
    return total


@betaln.defjvp
def _(primals, tangents):
    a, b = primals
    t, u = tangents
    return betaln(a, b), _beta_slope(a, b, t, u)


@custom_jvp
def beta(a, b):
    if a > 0.0 and b > 0.0 and a + b > 20.0:
        return np.exp(betaln_of(a, b))
    product = 1.0
    for k in range(3):
        y = gamma_of(a if k == 0 else b if k == 1 else a + b)
        product = product / y if k == 2 else product * y
    return product


@beta.defjvp
def _(primals, tangents):
    a, b = primals
    t, u = tangents
    y = beta(a, b)
    return y, y * _beta_slope(a, b, t, u)


def math_gamma(x):
    if x <= 0.0 and x == np.floor(x):
        raise ValueError(f"expected a noninteger or positive integer, got {x}")
    y = gamma(x)
    if np.isinf(y) and not np.isinf(x):
        raise OverflowError("math range error")
    return y


def math_lgamma(x):
    if x <= 0.0 and x == np.floor(x) and not np.isinf(x):
        raise ValueError(f"expected a noninteger or positive integer, got {x}")
    y = gammaln(x)
    if np.isinf(y) and not np.isinf(x):
        raise OverflowError("math range error")
    return y


# ---------------------------------------------------------------- the normal distribution


@custom_jvp
def erfcx(x):
    """e^(x²) erfc(x)"""
    if x < 0.0:
        return 2.0 * np.exp(x * x) - _erfcx_right(-x)
    return _erfcx_right(x)


def _erfcx_right(x):
    if x > 1e15:
        return 1.0 / (math.sqrt(math.pi) * x)
    return near.erfcx_scaled((x - 2.0) / (x + 2.0)) / (x + 2.0)


erfcx.defjvps(lambda t, y, x: t * (2.0 * x * y - 2.0 / math.sqrt(math.pi)))


@custom_jvp
def ndtr(x):
    """The normal distribution function."""
    z = x * math.sqrt(0.5)
    return 0.5 + 0.5 * math.erf(z) if np.abs(z) < 1.0 else 0.5 * math.erfc(-z)


ndtr.defjvps(lambda t, y, x: t * np.exp(-0.5 * x * x) * (1.0 / math.sqrt(2.0 * math.pi)))


@custom_jvp
def log_ndtr(x):
    z = x * math.sqrt(0.5)
    if x < -1.0:
        return np.log(0.5 * _erfcx_right(-z)) - z * z
    return np.log1p(-0.5 * math.erfc(z))


log_ndtr.defjvps(lambda t, y, x: t * _hazard(x))


def _hazard(x):
    """The normal density over the distribution function."""
    return math.sqrt(2.0 / math.pi) / erfcx(-x * math.sqrt(0.5))


@custom_jvp
def erfinv(y):
    """Winitzki's estimate (2008), improved by Halley's method; beyond 1/2 on erfc, so that nothing cancels."""
    size = np.abs(y)
    if size >= 1.0:
        return np.copysign(INF, y) if size == 1.0 else math.nan
    if y != y:
        return y
    if size > 0.5:
        return np.copysign(_erfcinv_small(1.0 - size), y)
    x = _winitzki(np.log1p(-size * size))
    for _ in range(3):
        e = (math.erf(x) - size) * (0.5 * math.sqrt(math.pi)) * np.exp(x * x)
        x -= e / (1.0 + x * e)
    return np.copysign(x, y)


erfinv.defjvps(lambda t, y, x: t * (0.5 * math.sqrt(math.pi)) * np.exp(y * y))


def _winitzki(log):
    """An estimate of the x for which log = log(1 - erf(x)²)."""
    h = 2.0 / (math.pi * 0.147) + 0.5 * log
    return np.sqrt(-log / 0.147 / (np.sqrt(h * h - log / 0.147) + h))


def _erfcinv_small(q):
    """x with erfc(x) = q <= 1/2."""
    x = _winitzki(np.log(q) + np.log(2.0 - q))
    for _ in range(3):  # on erfc(x)/q in terms of erfcx, which neither under- nor overflows
        e = (_erfcx_right(x) - np.exp(x * x + np.log(q))) * (-0.5 * math.sqrt(math.pi)) if x > 5.0 else _erfc_step(x, q)
        x -= e / (1.0 + x * e)
    return x


def _erfc_step(x, q):
    return (q - math.erfc(x)) * (0.5 * math.sqrt(math.pi)) * np.exp(x * x)


@custom_jvp
def erfcinv(y):
    if y <= 0.0 or y >= 2.0:
        return INF if y == 0.0 else -INF if y == 2.0 else math.nan
    if y != y:
        return y
    if y > 1.5:
        return -_erfcinv_small(2.0 - y)
    if y >= 0.5:
        return erfinv(1.0 - y)
    return _erfcinv_small(y)


erfcinv.defjvps(lambda t, y, x: -t * (0.5 * math.sqrt(math.pi)) * np.exp(y * y))


@custom_jvp
def ndtri(p):
    return -math.sqrt(2.0) * erfcinv(2.0 * p)


ndtri.defjvps(lambda t, y, p: t * math.sqrt(2.0 * math.pi) * np.exp(0.5 * y * y))

# ---------------------------------------------------------------- logistic functions, entropies


@custom_jvp
def expit(x):
    e = np.exp(-np.abs(x))
    return 1.0 / (1.0 + e) if x >= 0.0 else e / (1.0 + e)


expit.defjvps(lambda t, y, x: t * y * expit(-x))


def logit(p):
    if p < 0.3 or p > 0.65:
        return np.log(p / (1.0 - p))
    s = 2.0 * (p - 0.5)
    return np.log1p(s) - np.log1p(-s)


@custom_jvp
def log_expit(x):
    return -np.log1p(np.exp(-x)) if x >= 0.0 else x - np.log1p(np.exp(x))


log_expit.defjvps(lambda t, y, x: t * expit(-x))


@custom_jvp
def xlogy(x, y):
    return 0.0 if x == 0.0 and y == y else x * np.log(y)


xlogy.defjvps(lambda t, r, x, y: t * np.log(y), lambda t, r, x, y: t * x / y)


@custom_jvp
def xlog1py(x, y):
    return 0.0 if x == 0.0 and y == y else x * np.log1p(y)


xlog1py.defjvps(lambda t, r, x, y: t * np.log1p(y), lambda t, r, x, y: t * x / (1.0 + y))


@custom_jvp
def entr(x):
    if x > 0.0:
        return -x * np.log(x)
    return -INF if x < 0.0 else x * 0.0


entr.defjvps(lambda t, y, x: t * (-np.log(x) - 1.0))


def rel_entr(x, y):
    if x > 0.0 and y > 0.0:
        return x * np.log(x / y)
    if x == 0.0 and y >= 0.0:
        return 0.0
    return INF if x == x and y == y else math.nan


def kl_div(x, y):
    if x > 0.0 and y > 0.0:
        return x * np.log(x / y) - x + y
    if x == 0.0 and y >= 0.0:
        return y
    return INF if x == x and y == y else math.nan


def huber(delta, r):
    if delta < 0.0:
        return INF
    size = np.abs(r)
    return 0.5 * r * r if size <= delta else delta * (size - 0.5 * delta)


def pseudo_huber(delta, r):
    if delta < 0.0:
        return INF
    if delta == 0.0 or r == 0.0:
        return 0.0
    u = r / delta
    return delta * delta * (u * u / (np.sqrt(1.0 + u * u) + 1.0))


def exprel(x):
    """(e^x - 1)/x"""
    if np.abs(x) < 1e-3:
        return 1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0 * (1.0 + x / 5.0 * (1.0 + x / 6.0))))
    return np.expm1(x) / x if x < INF else x


def boxcox(x, lam):
    if np.abs(lam) < 1e-19:
        return np.log(x)
    return np.expm1(lam * np.log(x)) / lam
