"""Densities and distribution functions of scipy.stats, of one number each; location and scale are taken out before (see `standard`)."""

# pyright: basic, reportReturnType=false, reportMissingParameterType=false

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from oneform.frontend.written.incomplete import betainc_of, gammainc, gammaincc
from oneform.frontend.written.special import betaln, expit, gammaln, log_ndtr, ndtr, ndtri, xlog1py, xlogy

INF = math.inf

# ---------------------------------------------------------------- location and scale


def shifted_pdf(f, x, loc, scale, *shapes):
    return f((x - loc) / scale, *shapes) / scale if scale > 0.0 else math.nan


def shifted_logpdf(f, x, loc, scale, *shapes):
    return f((x - loc) / scale, *shapes) - np.log(scale) if scale > 0.0 else math.nan


def shifted_cdf(f, x, loc, scale, *shapes):
    return f((x - loc) / scale, *shapes) if scale > 0.0 else math.nan


def shifted_inverse(f, p, loc, scale, *shapes):
    return loc + scale * f(p, *shapes) if scale > 0.0 else math.nan


def moved(f, k, loc, *shapes):
    """Of a discrete distribution."""
    return f(k - loc, *shapes)


class Frozen(NamedTuple):
    """A distribution with its parameters: what a program gets for scipy.stats.norm(loc, scale)."""

    dist: Any
    args: tuple[Any, ...]
    kwds: dict[str, Any]

    def pdf(self, x):
        return self.dist.pdf(x, *self.args, **self.kwds)

    def logpdf(self, x):
        return self.dist.logpdf(x, *self.args, **self.kwds)

    def cdf(self, x):
        return self.dist.cdf(x, *self.args, **self.kwds)

    def logcdf(self, x):
        return self.dist.logcdf(x, *self.args, **self.kwds)

    def sf(self, x):
        return self.dist.sf(x, *self.args, **self.kwds)

    def logsf(self, x):
        return self.dist.logsf(x, *self.args, **self.kwds)

    def ppf(self, q):
        return self.dist.ppf(q, *self.args, **self.kwds)

    def isf(self, q):
        return self.dist.isf(q, *self.args, **self.kwds)

    def pmf(self, k):
        return self.dist.pmf(k, *self.args, **self.kwds)

    def logpmf(self, k):
        return self.dist.logpmf(k, *self.args, **self.kwds)


Frozen.__name__ = "frozen distribution"  # in messages


# ---------------------------------------------------------------- the normal distribution


def norm_logpdf(x):
    return -0.5 * x * x - 0.5 * math.log(2.0 * math.pi)


def norm_pdf(x):
    return np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def norm_cdf(x):
    return ndtr(x)


def norm_sf(x):
    return ndtr(-x)


def norm_logcdf(x):
    return log_ndtr(x)


def norm_logsf(x):
    return log_ndtr(-x)


def norm_ppf(p):
    return ndtri(p)


def norm_isf(p):
    return -ndtri(p)


# ---------------------------------------------------------------- Student's t


def t_logpdf(x, df):
    if df <= 0.0 or df != df:
        return math.nan
    if np.isinf(df):
        return norm_logpdf(x)
    return -betaln(0.5, 0.5 * df) - 0.5 * np.log(df) - 0.5 * (df + 1.0) * np.log1p(x * x / df)


def t_pdf(x, df):
    return np.exp(t_logpdf(x, df))


def t_cdf(x, df):
    if df <= 0.0 or df != df:
        return math.nan
    if np.isinf(df):
        return ndtr(x)
    if x == 0.0:
        return 0.5 + x * t_pdf(x, df)
    tail = 0.5 * betainc_of(0.5 * df, 0.5, df / (df + x * x), x * x / (df + x * x))
    return tail if x < 0.0 else 1.0 - tail


def t_sf(x, df):
    return t_cdf(-x, df)


# ---------------------------------------------------------------- gamma, exponential, chi-squared


def gamma_logpdf(x, a):
    if a <= 0.0 or a != a:
        return math.nan
    if x < 0.0:
        return -INF
    return xlogy(a - 1.0, x) - x - gammaln(a)


def gamma_pdf(x, a):
    return np.exp(gamma_logpdf(x, a))


def gamma_cdf(x, a):
    if a <= 0.0:
        return math.nan
    return gammainc(a, x) if x > 0.0 else 0.0 * x if x <= 0.0 and x > -INF else 0.0 if x == -INF else math.nan


def gamma_sf(x, a):
    if a <= 0.0:
        return math.nan
    return gammaincc(a, x) if x > 0.0 else 1.0 if x <= 0.0 else math.nan


def chi2_logpdf(x, df):
    return gamma_logpdf(0.5 * x, 0.5 * df) - math.log(2.0)


def chi2_pdf(x, df):
    return np.exp(chi2_logpdf(x, df))


def chi2_cdf(x, df):
    return gamma_cdf(0.5 * x, 0.5 * df)


def chi2_sf(x, df):
    return gamma_sf(0.5 * x, 0.5 * df)


def expon_logpdf(x):
    return -INF if x < 0.0 else -x


def expon_pdf(x):
    return 0.0 if x < 0.0 else np.exp(-x)


def expon_cdf(x):
    return 0.0 if x < 0.0 else -np.expm1(-x)


def expon_sf(x):
    return 1.0 if x < 0.0 else np.exp(-x)


def expon_logsf(x):
    return 0.0 if x < 0.0 else -x


def expon_ppf(p):
    return math.nan if p < 0.0 or p > 1.0 else -np.log1p(-p)


# ---------------------------------------------------------------- beta, uniform


def beta_logpdf(x, a, b):
    if a <= 0.0 or b <= 0.0 or a != a or b != b:
        return math.nan
    if x < 0.0 or x > 1.0:
        return -INF
    return xlog1py(b - 1.0, -x) + xlogy(a - 1.0, x) - betaln(a, b)


def beta_pdf(x, a, b):
    return np.exp(beta_logpdf(x, a, b))


def beta_cdf(x, a, b):
    if a <= 0.0 or b <= 0.0 or a != a or b != b or x != x:
        return math.nan
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    return betainc_of(a, b, x, 1.0 - x)


def beta_sf(x, a, b):
    if a <= 0.0 or b <= 0.0 or a != a or b != b or x != x:
        return math.nan
    if x <= 0.0 or x >= 1.0:
        return 1.0 if x <= 0.0 else 0.0
    return betainc_of(b, a, 1.0 - x, x)


def uniform_logpdf(x):
    return 0.0 * x if x >= 0.0 and x <= 1.0 else -INF if x == x else x


def uniform_pdf(x):
    return 1.0 if x >= 0.0 and x <= 1.0 else 0.0 if x == x else x


def uniform_cdf(x):
    return 0.0 if x < 0.0 else 1.0 if x > 1.0 else x


def uniform_sf(x):
    return 1.0 - uniform_cdf(x)


def uniform_ppf(p):
    return p if p >= 0.0 and p <= 1.0 else math.nan


# ---------------------------------------------------------------- others with location and scale


def laplace_logpdf(x):
    return -math.log(2.0) - np.abs(x)


def laplace_pdf(x):
    return 0.5 * np.exp(-np.abs(x))


def laplace_cdf(x):
    return 1.0 - 0.5 * np.exp(-x) if x > 0.0 else 0.5 * np.exp(x)


def cauchy_logpdf(x):
    return -math.log(math.pi) - np.log1p(x * x)


def cauchy_pdf(x):
    return 1.0 / (math.pi * (1.0 + x * x))


def cauchy_cdf(x):
    return np.arctan2(1.0, -x) / math.pi


def logistic_logpdf(x):
    y = -np.abs(x)
    return y - 2.0 * np.log1p(np.exp(y))


def logistic_pdf(x):
    return np.exp(logistic_logpdf(x))


def logistic_cdf(x):
    return expit(x)


def lognorm_logpdf(x, s):
    if x <= 0.0:
        return -INF
    z = np.log(x) / s
    return -0.5 * z * z - np.log(s * x) - 0.5 * math.log(2.0 * math.pi)


def lognorm_pdf(x, s):
    return np.exp(lognorm_logpdf(x, s))


def lognorm_cdf(x, s):
    return 0.0 if x <= 0.0 else ndtr(np.log(x) / s)


# ---------------------------------------------------------------- discrete ones


def poisson_logpmf(k, mu):
    if mu < 0.0 or mu != mu:
        return math.nan
    if k < 0.0 or k != np.floor(k):
        return -INF
    return xlogy(k, mu) - gammaln(k + 1.0) - mu


def poisson_pmf(k, mu):
    return np.exp(poisson_logpmf(k, mu))


def poisson_cdf(k, mu):
    if mu < 0.0 or mu != mu:
        return math.nan
    return 0.0 if k < 0.0 else gammaincc(np.floor(k) + 1.0, mu)


def poisson_sf(k, mu):
    if mu < 0.0 or mu != mu:
        return math.nan
    return 1.0 if k < 0.0 else gammainc(np.floor(k) + 1.0, mu)


def binom_logpmf(k, n, p):
    if n < 0.0 or p < 0.0 or p > 1.0 or n != np.floor(n):
        return math.nan
    if k < 0.0 or k > n or k != np.floor(k):
        return -INF
    return gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0) + xlogy(k, p) + xlog1py(n - k, -p)


def binom_pmf(k, n, p):
    return np.exp(binom_logpmf(k, n, p))


def bernoulli_logpmf(k, p):
    return binom_logpmf(k, 1.0, p)


def bernoulli_pmf(k, p):
    return np.exp(binom_logpmf(k, 1.0, p))
