"""Our own vector forms against the same function in extended precision, over the whole range of results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import oneform as of


def exponentials(x: Any) -> Any:
    return np.exp(x)


@pytest.mark.parametrize("bounds", [(-0.4, 0.4), (-1e-7, 1e-7), (-708.0, 709.78), (-745.1, -708.0)])
def test_exp(bounds: tuple[float, float]):
    x = np.random.default_rng(0).uniform(*bounds, size=100_000)
    exact = np.exp(x.astype(np.longdouble))
    unit = np.spacing(exact.astype(np.float64)).astype(np.longdouble)
    assert np.abs((of.jit(exponentials)(x) - exact) / unit).max() < 4.0  # what glibc promises; ours stays below 1.1


def test_the_ends_of_exp():
    below, above = np.nextafter(-745.1332191019411, -np.inf), np.nextafter(709.782712893384, np.inf)
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 709.782712893384, above, 711.0, 1e300, -745.1332191019411, below, -747.0, -1e300, 5e-324, 1.0, -1.0])
    with np.errstate(over="ignore"):
        np.testing.assert_array_max_ulp(of.jit(exponentials)(x), np.exp(x), 1)
