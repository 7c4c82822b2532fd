"""The programs of the recursion benchmark compute what they say."""

from __future__ import annotations

import numpy as np
import pytest

import oneform as of
from bench.gradbench.programs.det import primal as determinant
from bench.recursion.program import butterfly, matrix, start


def test_determinant() -> None:
    a = matrix(6)
    d = np.linalg.det(a)
    assert of.jit(determinant)(a) == pytest.approx(d)
    np.testing.assert_allclose(of.grad(determinant)(a), d * np.linalg.inv(a).T, rtol=1e-9)


def test_butterfly() -> None:
    args = start(500)
    assert of.jit(butterfly)(*args) == pytest.approx(butterfly(*args))
    tangent = of.jvp(butterfly, args, (1.0, 0.5, -0.3, 0.0))[1]
    gradient = of.grad(butterfly, argnums=(0, 1, 2))(*args)
    assert np.dot(gradient, (1.0, 0.5, -0.3)) == pytest.approx(tangent)
