"""Random numbers from keys: JAX's numbers, the same in compiled code and in CPython, with the right moments and derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

import oneform as of
from oneform import random

KEY = random.key(42)
MANY = 20000

# What jax.random gives for PRNGKey(42) in double precision.
KNOWN: list[tuple[Callable[[Any], Any], Any]] = [
    (lambda k: random.split(k), [[1832780943, 270669613], [64467757, 2916123636]]),
    (lambda k: random.fold_in(k, 7), [2547012911, 1371500959]),
    (lambda k: random.bits(k, (3,)), [2098992034, 2919706841, 2646866425]),
    (lambda k: random.uniform(k, (3,)), [0.4267275666499091, 0.015010069515314584, 0.5741444178995352]),
    (lambda k: random.uniform(k, (3,), np.float32), np.array([0.48870957, 0.6797972, 0.6162715], np.float32)),
    (lambda k: random.normal(k, (2, 2)), [[-0.18471174528191162, -2.169824560397754], [0.18693555179382582, 0.6122653570510959]]),
    (lambda k: random.normal(k, (2,), np.float32), np.array([-0.02830461598932743, 0.4671318531036377], np.float32)),
    (lambda k: random.normal(k), -0.18471174528191162),
    (lambda k: random.exponential(k, (2,)), [0.5563942243855916, 0.015123860720489336]),
]

SAMPLES: list[tuple[Callable[..., Any], float, float]] = [  # with mean and variance
    (lambda k, n: random.gamma(k, 2.5, (n,)), 2.5, 2.5),
    (lambda k, n: random.gamma(k, 0.6, (n,)), 0.6, 0.6),
    (lambda k, n: random.beta(k, 2.0, 3.0, (n,)), 0.4, 0.04),
    (lambda k, n: random.poisson(k, 3.5, (n,)), 3.5, 3.5),
    (lambda k, n: random.poisson(k, 100.0, (n,)), 100.0, 100.0),
    (lambda k, n: random.randint(k, (n,), -3, 9), 2.5, 143 / 12),
    (lambda k, n: random.bernoulli(k, 0.3, (n,)), 0.3, 0.21),
    (lambda k, n: random.categorical(k, np.log(np.array([0.2, 0.3, 0.5])), (n,)), 1.3, 0.61),
    (lambda k, n: random.choice(k, np.array([0.0, 10.0, 20.0]), (n,), p=np.array([0.2, 0.3, 0.5])), 13.0, 61.0),
    (lambda k, n: random.choice(k, 12, (n,)), 5.5, 143 / 12),
    (lambda k, n: random.gumbel(k, (n,)), float(np.euler_gamma), np.pi**2 / 6),
    (lambda k, n: random.uniform(k, (n,), minval=-1.0, maxval=3.0), 1.0, 16 / 12),
]


@pytest.mark.parametrize("k", range(len(KNOWN)))
def test_the_numbers_are_those_of_jax(k: int) -> None:
    f, expected = KNOWN[k]
    rtol = 1e-5 if np.asarray(expected).dtype == np.float32 else 1e-13
    for found in (of.jit(f)(KEY), f(KEY)):
        np.testing.assert_allclose(found, expected, rtol=rtol)
        assert np.shape(found) == np.shape(expected)


@pytest.mark.parametrize("k", range(len(SAMPLES)))
def test_moments(k: int) -> None:
    """Compiled code draws what CPython does, and within five standard deviations of the mean and of the variance."""
    f, mean, variance = SAMPLES[k]
    compiled = of.jit(f)
    np.testing.assert_allclose(compiled(KEY, 50), f(KEY, 50), rtol=1e-12)
    x = compiled(KEY, MANY)
    assert abs(np.mean(x) - mean) < 5 * np.sqrt(variance / MANY)
    assert abs(np.var(x) - variance) < 5 * np.std((x - mean) ** 2) / np.sqrt(MANY)


def test_orders() -> None:
    assert sorted(of.jit(lambda k: random.permutation(k, 20))(KEY)) == list(range(20))
    x = np.arange(6.0).reshape(3, 2)
    rows = of.jit(lambda k, x: random.permutation(k, x))(KEY, x)
    assert sorted(map(tuple, rows)) == sorted(map(tuple, x)) and (rows != x).any()
    assert len(set(of.jit(lambda k: random.choice(k, 10, (7,), replace=False))(KEY))) == 7
    with pytest.raises(ValueError, match="larger sample"):
        of.jit(lambda k: random.choice(k, 3, (4,), replace=False))(KEY)
    with pytest.raises(ValueError, match="are a vector"):
        of.jit(lambda k: random.categorical(k, np.zeros((2, 3)), (2,)))(KEY)


def test_derivatives_of_samples() -> None:
    """Those by location and scale are exact; that of gamma is the quantile's at a fixed probability."""
    z = random.normal(KEY, (30,))
    by_m, by_s = of.grad(lambda m, s: np.sum((m + s * random.normal(KEY, (30,))) ** 2), argnums=(0, 1))(1.5, 2.0)
    assert by_m == pytest.approx(np.sum(2 * (1.5 + 2 * z))) and by_s == pytest.approx(np.sum(2 * z * (1.5 + 2 * z)))

    def sample(a: float) -> Any:
        return random.gamma(KEY, a, (6,))

    jacobian = of.jacfwd(sample)
    for a in (0.7, 2.5, 40.0):
        p, h = scipy.special.gammainc(a, sample(a)), 1e-4 * a
        expected = (scipy.special.gammaincinv(a + h, p) - scipy.special.gammaincinv(a - h, p)) / (2 * h)
        np.testing.assert_allclose(jacobian(a), expected, rtol=1e-6)
    assert of.grad(lambda a: np.sum(sample(a)))(2.5) == pytest.approx(np.sum(jacobian(2.5)), rel=1e-12)
    keys = random.split(KEY)
    x, (y, by_b) = random.gamma(keys[0], 1.5), of.jvp(lambda b: random.gamma(keys[1], b), (2.0,), (1.0,))
    assert of.grad(lambda b: random.beta(KEY, 1.5, b))(2.0) == pytest.approx(-x * by_b / (x + y) ** 2, rel=1e-12)
    assert of.grad(lambda a: random.beta(KEY, a, 2.0))(1.5) == pytest.approx(of.jvp(lambda a: random.beta(KEY, a, 2.0), (1.5,), (1.0,))[1], rel=1e-12)
