"""Derivatives of complex functions: the convention, both modes, every order, refusals."""

from __future__ import annotations

import cmath
from typing import Any

import numpy as np
import pytest

import oneform as of

Z = 0.7 - 0.4j
A = np.array([0.5 - 1j, -1.5 + 0.25j, 2.0 + 0.1j])


def potential(z):
    """Real, and not analytic."""
    return abs(cmath.exp(z) * z**2 + 1.0 / z) + z.real * z.imag


def analytic(z):
    return cmath.sin(z) * z / (1.0 + z * z)


def mixture(z, x, n):
    return z * x**n + np.conj(z) * abs(z), (z * x).imag


def partials(f: Any, z: complex, h: float = 1e-6) -> tuple[float, float]:
    return (f(z + h) - f(z - h)) / (2 * h), (f(z + 1j * h) - f(z - 1j * h)) / (2 * h)


def test_the_gradient_is_du_dx_minus_i_du_dy() -> None:
    u_x, u_y = partials(potential, Z)
    g = of.grad(potential)(Z)
    assert type(g) is complex and g == pytest.approx(u_x - 1j * u_y, rel=1e-8)
    assert of.grad(lambda z: z.real)(Z) == 1 and of.grad(lambda z: z.imag)(Z) == -1j
    assert of.grad(lambda z: (z * z).real)(Z) == pytest.approx(2 * Z)  # of Re f it is f'
    assert of.grad(lambda z: abs(z) ** 2)(Z) == pytest.approx(2 * Z.conjugate())
    assert of.grad(abs)(0j) == 0


def test_a_step_against_the_gradient_goes_down() -> None:
    g = of.grad(potential)(Z)
    assert potential(Z - 1e-3 * g.conjugate()) < potential(Z) - 0.9e-3 * abs(g) ** 2


def test_forward_mode_moves_along_a_complex_direction() -> None:
    derivative, _ = partials(analytic, Z)
    for d in (1.0, 1j, 2 - 3j):
        value, tangent = of.jvp(analytic, (Z,), (d,))
        assert value == pytest.approx(analytic(Z)) and tangent == pytest.approx(derivative * d, rel=1e-8)
    u_x, u_y = partials(potential, Z)
    assert of.jvp(potential, (Z,), (2 - 3j,))[1] == pytest.approx(2 * u_x - 3 * u_y, rel=1e-8)
    _, tangent = of.jvp(mixture, (Z, 1.5, 2), (1j, 0.5, None))
    assert tangent[0] == pytest.approx((mixture(Z + 1e-6j, 1.5 + 0.5e-6, 2)[0] - mixture(Z - 1e-6j, 1.5 - 0.5e-6, 2)[0]) / 2e-6, rel=1e-7)


def test_the_pullback_multiplies_by_the_plain_derivative() -> None:
    derivative, _ = partials(analytic, Z)
    value, pullback = of.vjp(analytic, Z)
    assert value == pytest.approx(analytic(Z))
    for c in (1.0, 1j, 2 - 3j):
        assert pullback(c)[0] == pytest.approx(derivative * c, rel=1e-8)


def test_pullback_and_pushforward_are_transposes() -> None:
    primals, directions, weights = (Z, 1.5, 2), (0.3 - 1j, -0.7, None), (1.1 + 0.4j, -0.2)
    _, pushed = of.jvp(mixture, primals, directions)
    pulled = of.vjp(mixture, *primals)[1](weights)
    forward = sum((w * t).real for w, t in zip(weights, pushed, strict=True))
    assert (pulled[0] * directions[0] + pulled[1] * directions[1]).real == pytest.approx(forward) and pulled[2] is None and type(pulled[1]) is float


def test_arrays_and_widths() -> None:
    def loss(a, x):
        return np.sum(np.abs(np.exp(a) * x) ** 2)

    for dtype, tolerance in ((np.complex128, 1e-12), (np.complex64, 1e-5)):
        a = A.astype(dtype)
        g, gx = of.grad(loss, (0, 1))(a, a.real.copy())
        assert g.dtype == dtype and gx.dtype == a.real.dtype
        e = np.abs(np.exp(A) * A.real) ** 2
        assert np.allclose(g, 2 * e, rtol=tolerance) and np.allclose(gx, 2 * e / A.real, rtol=tolerance)


def test_second_derivatives() -> None:
    h = 1e-5
    for d in (1.0, 1j, 0.5 - 2j):
        expected = (of.grad(potential)(Z + h * d) - of.grad(potential)(Z - h * d)) / (2 * h)
        assert of.hvp(potential, (Z,), (d,)) == pytest.approx(expected, rel=1e-7)
        along = of.grad(lambda z, d=d: of.jvp(potential, (z,), (d,))[1])
        assert along(Z) == pytest.approx(expected, rel=1e-7)
    assert of.jvp(lambda z: of.jvp(analytic, (z,), (1.0,))[1], (Z,), (1.0,))[1] == pytest.approx(
        (analytic(Z + 1e-4) - 2 * analytic(Z) + analytic(Z - 1e-4)) / 1e-8, rel=1e-5
    )


def test_check_grads() -> None:
    of.check_grads(potential, (Z,), order=3)
    of.check_grads(analytic, (Z,), order=3)
    of.check_grads(mixture, (Z, 1.5, 2), order=2)
    of.check_grads(lambda p: np.sum(np.abs(p["a"] * p["z"])) + p["n"], ({"a": A, "z": 1j, "n": 2},), order=2)
    of.check_grads(lambda a: np.abs(a * a) + a.imag, (A.astype(np.complex64),), order=1)


@pytest.mark.parametrize("f", [cmath.sqrt, cmath.log, cmath.asin, cmath.acos, cmath.acosh, cmath.atanh, cmath.asinh, cmath.atan], ids=lambda f: f.__name__)
@pytest.mark.parametrize("side", [0.0, -0.0])
def test_derivatives_on_branch_cuts(f: Any, side: float) -> None:
    """The derivative of the side on which the point lies, which the sign of zero says."""
    points = {"sqrt": [-2.0], "log": [-2.0], "asin": [1.7, -1.7], "acos": [1.7, -1.7], "acosh": [0.4, -1.7], "atanh": [1.7, -1.7], "asinh": [1.7, -1.7], "atan": [1.7, -1.7]}
    upright = f.__name__ in ("asinh", "atan")
    for x in points[f.__name__]:
        z, step = (complex(side, x), 1e-6j) if upright else (complex(x, side), 1e-6 + 0j)
        move = [complex(side, x + k * 1e-6) if upright else complex(x + k * 1e-6, side) for k in (1, -1)]
        expected = (f(move[0]) - f(move[1])) / (2 * step)
        g = lambda w: f(w)  # noqa: E731
        assert of.jvp(g, (z,), (1.0,))[1] == pytest.approx(expected, rel=1e-8), z
        assert of.vjp(g, z)[1](1.0)[0] == pytest.approx(expected, rel=1e-8), z


def test_jacobians() -> None:
    turn = of.jacfwd(lambda x: np.exp(1j * x))(A.real.copy())
    assert turn.dtype == np.complex128 and np.allclose(turn, np.diag(1j * np.exp(1j * A.real)))
    rows = of.jacrev(lambda a: np.abs(a))(A)
    assert rows.dtype == np.complex128 and np.allclose(rows, np.diag(np.conj(A) / np.abs(A)))
    hessian = of.hessian(lambda x: abs(cmath.exp(1j * x[0]) + x[1] * 2j) ** 2)(np.array([0.3, 0.5]))
    assert np.allclose(hessian, [[-2 * np.sin(0.3), 4 * np.cos(0.3)], [4 * np.cos(0.3), 8.0]])


@pytest.mark.parametrize(
    ("make", "code", "text"),
    [
        (lambda: of.grad(analytic)(Z), "E203", "returns c128"),
        (lambda: of.value_and_grad(analytic)(0.5), "E203", "returns c128"),
        (lambda: of.jacfwd(analytic)(Z), "E202", "complex arguments move in two"),
        (lambda: of.jacrev(analytic)(Z), "E203", "complex results are two"),
        (lambda: of.hessian(potential)(Z), "E202", "complex arguments move in two"),
        (lambda: of.jvp(potential, (Z,), (np.complex64(1j),)), "E202", "complex64"),
        (lambda: of.jvp(lambda x: x, (1.0,), (1j,)), "E202", "complex128 where the primals are float64"),
        (lambda: of.jvp(lambda x: x, (A,), (A.real,)), "E202", "float64 where the primals are complex128"),
        (lambda: of.grad(lambda z, n: abs(z) * n, 1)(Z, 2), "E202", "has no derivative"),
    ],
)
def test_refusals(make: Any, code: str, text: str) -> None:
    with pytest.raises(of.DerivativeError, match=text) as e:
        make()
    assert e.value.code == code


def test_stop_gradient() -> None:
    assert of.grad(lambda z: (of.stop_gradient(z) * z).real)(Z) == pytest.approx(Z)
