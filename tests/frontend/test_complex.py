"""Complex numbers in programs: literals, promotion, Python's and NumPy's functions, parts and aliases of arrays, control flow."""

from __future__ import annotations

import cmath
import math
from typing import Any, NamedTuple

import numpy as np
import pytest

from oneform.errors import CompileError
from tests.frontend.support import agree, dtypes_agree, lower, run

Z = np.array([0.5 - 1j, -1.5 + 0.25j, 2.0 + 0j, 0.25 + 3j, -3.0 - 0.5j])
W = np.exp(1j * np.linspace(0.0, 3.0, 40)) * np.linspace(0.5, 2.0, 40)
M = (np.arange(12.0) - 5.0).reshape(3, 4) + 1j * np.arange(12.0)[::-1].reshape(3, 4)
R = np.array([0.5, -1.5, 2.0, 0.25, -3.0])
CAPTURED, CAPTURED_ARRAY = 0.5 - 2j, np.array([1j, 2.0])


class Phasor(NamedTuple):
    size: Any
    turn: Any

    def value(self):
        return self.size * self.turn


def arithmetic(a, b):
    return a + b, a - b, a * b, a / b, -a, +a, a == b, a != b, a == a, a**2, a**-1, a**0, a**3, a**0.5, b**a, 2.0**a, abs(a), bool(a), not a, a and b, a or b


def literals(x):
    return 1j, 2.5j * x, -1j, 1 - 2j, (1 + 2j) * (3 - 1j), 1j**2, 0j == 0, complex(-0.0, x), (1 + 2j).conjugate(), (3 - 4j).real, (3 - 4j).imag, abs(3 - 4j)


def made(x, y):
    return complex(x), complex(x, y), complex(), complex("1-2j"), complex(1j, 2), complex(x, 1j), complex(1j * x, y * 1j), complex(imag=y), complex(3), complex(True, x)  # noqa: UP018


def parts(z, x, n):
    return z.real, z.imag, z.conjugate(), x.real, x.imag, x.conjugate(), n.real, n.imag, n.conjugate(), np.real(z), np.imag(z), np.conj(z), np.conjugate(x), True.real


def of_cmath(z):
    return (
        cmath.exp(z), cmath.log(z), cmath.log(z, 3.0), cmath.log10(z), cmath.sqrt(z), cmath.sin(z), cmath.cos(z), cmath.tan(z), cmath.asin(z), cmath.acos(z), cmath.atan(z), cmath.sinh(z), cmath.cosh(z),
        cmath.tanh(z), cmath.asinh(z), cmath.acosh(z), cmath.atanh(z), cmath.phase(z), cmath.polar(z), cmath.rect(1.5, z.real), cmath.isnan(z), cmath.isinf(z), cmath.isfinite(z), cmath.pi, cmath.tau, cmath.infj,
        cmath.isclose(z, z * (1.0 + 1e-12)), cmath.isclose(z, z + 0.1, rel_tol=0.5), cmath.isclose(z, z + 0.1, abs_tol=0.01), cmath.isclose(complex(math.inf, 0.0), z),
    )


def of_numpy(z):
    return (
        np.exp(z), np.log(z), np.log2(z), np.log10(z), np.sqrt(z), np.sin(z), np.cos(z), np.tan(z), np.arcsin(z), np.arccos(z), np.arctan(z), np.sinh(z), np.cosh(z), np.tanh(z), np.arcsinh(z), np.arccosh(z),
        np.arctanh(z), np.abs(z), np.angle(z), np.angle(z, deg=True), np.conj(z), np.real(z), np.imag(z), np.square(z), np.reciprocal(z), np.power(z, 3), np.power(z, 0.5 - 1j), np.isnan(z), np.isinf(z),
        np.isfinite(z), np.isreal(z), np.iscomplex(z), np.iscomplexobj(z), np.isrealobj(z), np.rint(z), np.exp2(z), np.expm1(z), np.add(z, 1), np.true_divide(z, 2j), np.negative(z), np.equal(z, z), np.logical_not(z),
    )


def arrays(a, x):
    return a + x, x * a, a - 1j, 2j / a, a**2, a[1:-1] * x[:-2], a[::2], a.conj(), a.conjugate(), x.conj(), a.real * a.imag, np.where(x > 0, a, x), np.where(x > 0, a, 1j), a == x, a.T, abs(a), -a, a.imag[1], x.imag


def reductions(a):
    return np.sum(a), np.prod(a), np.mean(a), np.var(a), np.std(a), a.sum(), np.sum(a, axis=0), np.mean(a, axis=0, keepdims=True), np.any(a), np.all(a), sum(a.ravel()), np.var(a, ddof=1), np.trace(a[:, :2] @ a[:2, :])


def products(a, v, x):
    return a @ v, a.T @ x, np.dot(v, v), np.vdot(v, v), np.vdot(x, x * 1j), np.outer(v, x), np.matmul(a, v), np.dot(x, x), np.vdot(x, x), v @ v, np.dot(v, 2j), np.vdot(1j, 2j), np.vdot(a, a)


def creation(n, x):
    b = np.zeros(n, dtype=complex)
    b[0] = 1j
    b[1:] = x
    b[1] += 2.0 - 1j
    return (
        b, np.ones((2, n), np.complex64), np.full(n, 1j), np.full(n, 2, complex), np.array([1, 2.5, 1j]), np.array([[1j, x], [0, 1]]), np.eye(n, dtype=np.complex128), np.zeros_like(b), np.ones_like(b), np.full_like(b, x),
        np.linspace(0, 1j, n), np.linspace(1, 2, n, dtype=complex), np.arange(n) * 1j, np.array([k * 1j for k in range(n)]), np.asarray(b), b.copy(), b.astype(np.complex64), np.arange(n).astype(complex), np.complex64(x), np.complex128(n),
        np.concatenate((b, np.arange(n))), np.stack((b, b * 2)), b.dtype == complex, np.finfo(b.dtype).eps,
    )


def control(z, n):
    s, t = 0.0, 1
    for k in range(n):
        if z.imag > k - 2:
            s = s + z * 1j**k
        else:
            s += 1.0
        t = t * z if s else t
    while abs(s) > 2.0:
        s /= 2
    return s, t, (s if n > 1 else 3), [s.real, t], {"a": z}["a"]


def structure(p, xs, scale=2j):
    total = sum(x * scale for x in xs) + sum((x for x in xs), start=1j)
    return p.value(), Phasor(1j, p.size), total, CAPTURED * p.size, CAPTURED_ARRAY + total, isinstance(total, complex), isinstance(p.size, float), 1j in (0, 1j)


def in_place(a, x):
    a[1] = x
    a[2:4] = a[:2] * 1j
    a *= 2.0
    a[0] += 1.0
    row = a[1:]
    row[0] = -1j
    return a, row


CASES: list[tuple[Any, ...]] = [
    *[(arithmetic, a, b) for a, b in ((1 + 2j, -0.5j), (1.5, 2j), (2j, 3), (-1.0 - 1j, 0.5), (np.complex64(1 - 1j), np.float32(2)), (np.complex128(0), np.complex128(1j)))], (literals, 0.3), (made, 1.5, -2.5), (made, 2, 3), (parts, 1 - 2j, 0.5, 3),
    *[(of_cmath, z) for z in (0.6 - 0.3j, -1.2 + 0.7j, 2j)], *[(of_numpy, z) for z in (0.6 - 0.3j, Z, np.complex128(-2 + 1j))], (arrays, Z, R), (arrays, W, W.real.copy()), (reductions, M), (products, M, Z[:4].copy(), R[:3].copy()),
    (creation, 4, 0.5), (creation, 2, 1.5 - 1j), *[(control, z, n) for z in (1 + 2j, -0.5j) for n in (0, 1, 5)], (structure, Phasor(2.0, 1j), (1.0, 2j, 3)), (in_place, Z, 2 - 1j), (in_place, W, 0.5),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)
def test_as_python_and_numpy_do(case: tuple[Any, ...]) -> None:
    agree(*case, rtol=1e-9)


def promotion(c, d, x, f, n):
    return (
        c + 1, c * 2.5, c + 1j, c + f, c + x, c * d, c + n, d + f, f + 1j, x + 1j, n + 1j, f * d[0], c[0] + 1, c[0] * 2j, n[0] * 1j, c**2, np.exp(c), np.abs(c), np.abs(d), c.real, d.imag, np.angle(c), np.sum(c), np.mean(c),
        np.prod(c), c @ c, c @ x, np.where(f > 0, c, 1.0), np.where(f > 0, f, 1j), c == f, np.std(c), -c, c / n, np.float32(1) * 1j, np.float64(1) * c, 1j * True, np.array([1j, 1]), np.zeros(2, complex), np.sqrt(c), np.conj(n),
        np.linspace(0, 1j, 3), abs(c[0]), f.imag, n.real, c.astype(complex), np.complex64(x), np.var(d),
    )


def test_dtypes() -> None:
    c = Z[:3].astype(np.complex64)
    dtypes_agree(promotion, c, Z[:3].copy(), R[:3].copy(), R[:3].astype(np.float32), np.array([3, -2, 7]))


def test_numbers_of_python_stay_weak() -> None:
    lowered, _ = lower(lambda z, x: (z * x, abs(z), z.real, cmath.exp(x), complex(x, x), np.exp(z)), 1 + 2j, 0.5)
    assert [leaf.weak for leaf in lowered.result_leaves] == [True, True, True, True, True, False]


# ---------------------------------------------------------------- division, powers, NaN


@pytest.mark.filterwarnings("ignore")
def test_division_by_zero_is_numpys() -> None:
    for z in (1 + 2j, 0j, -1j):
        got = run(lambda z, w: z / w, z, 0j)
        assert np.array_equal(np.complex128(z) / np.complex128(0), got, equal_nan=True)
    assert math.isnan(run(lambda x: x**0.5, -8.0))  # a float stays one


def test_integer_powers_are_multiplied_out() -> None:
    def power(z, n):
        return z**n, 1j**n

    assert run(power, 1j, 2) == (-1, -1)
    assert run(power, 2 - 1j, 3) == ((2 - 1j) ** 3, -1j)


# ---------------------------------------------------------------- the same memory


def real_after_write(a):
    part = a.real
    a[0] = 5.0
    return part[0]


def writes_to_real(a):
    a.real[0] = 5.0
    return a


def reads_real_twice(a):
    x, y = a.real, a.imag
    return x + y, x[0], a[0]


def test_parts_of_arrays_are_views() -> None:
    """In NumPy a.real shows later writes to a; the compiler refuses to guess."""
    agree(reads_real_twice, Z)
    for f in (real_after_write, writes_to_real):
        with pytest.raises(CompileError) as e:
            lower(f, Z.copy())
        assert e.value.code == "E104"
    x = R.copy()
    agree(lambda x: (x.real * 2.0, x.imag + 1.0), x)


def test_messages_show_complex_numbers() -> None:
    def complain(z, n):
        if abs(z) > 1.0:
            raise ValueError(f"{z} is too large after {n} steps")
        return z

    agree(complain, 1 + 2j, 3)
    agree(complain, 0.1j, 3)
