"""The differences that everything is compared with, against derivatives known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests import differences


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (math.sin, 0.7, math.cos(0.7)),
        (lambda x: x**5, 3.0, 405.0),
        (lambda x: math.exp(5 * x), 1.0, 5 * math.exp(5)),
        (lambda x: 1 / x, 0.05, -400.0),
        (abs, 1e-2, 1.0),
    ],
)
def test_the_estimate_lies_within_its_error(f, x, slope):
    best, error = differences.along(f, (x,), (1.0,))
    assert abs(best[0] - slope) <= 10.0 * error[0] + 1e-12
    assert error[0] <= 1e-7 * (1.0 + abs(slope))


def test_a_kink_nearby_is_stepped_around():
    best, error = differences.along(lambda x: abs(x) * 3.0, (1e-4,), (1.0,))
    assert abs(best[0] - 3.0) <= 10.0 * error[0] < 1e-7


def test_directions_and_several_results():
    def f(x, n, a):
        return x * np.sum(a) * n, (a * x, n)

    best, _ = differences.along(f, (2.0, 3, np.array([1.0, 2.0])), (0.5, None, np.array([1.0, -1.0])))
    np.testing.assert_allclose(best, [4.5, 2.5, -1.0], atol=1e-10)


def test_mixed_orders():
    second, error = differences.mixed(lambda x, y: x**3 * y * y, (1.5, -0.7), (1.0, 0.0), (0.0, 1.0))
    assert abs(second[0] - 3 * 1.5**2 * 2 * -0.7) <= 10.0 * error[0] + 1e-9
    third, error = differences.mixed(lambda x: math.exp(2 * x), (0.3,), (1.0,), (1.0,), (1.0,))
    assert abs(third[0] - 8 * math.exp(0.6)) <= 10.0 * error[0] + 1e-6
    assert error[0] < 1e-2
