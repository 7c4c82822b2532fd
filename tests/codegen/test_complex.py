"""Every pointwise operation on complex numbers, compiled, against NumPy: in all quadrants, on both sides of branch cuts, near overflow and underflow,
at infinities and NaN, in both widths."""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np
import pytest

from oneform.ir import Builder, Function, interpret
from oneform.ops import OPS
from oneform.types import BOOL, C64, C128, F32, F64, I32, I64, Array, DType, Scalar, real_dtype
from tests.codegen.driver import Compiled

RULES = sorted(name for name, op in OPS.items() if op.complex is not None and name not in ("select", "convert", "stop_gradient"))
UNARY = [n for n in RULES if n not in ("add", "sub", "mul", "div", "pow", "eq", "ne", "powi", "masked_mul")]
BINARY = ["add", "sub", "mul", "masked_mul", "div", "pow", "eq", "ne"]
ANALYTIC = ["exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"]
# Units in the last place of the larger part; what NumPy itself needs of them is about half.
ULPS = {"pow": 60, "exp2": 12, "expm1": 12, "log2": 8, "log10": 8, "tan": 8, "tanh": 8}
widths = pytest.mark.parametrize("d", [C128, C64], ids=str)


def table(name: str, d: DType, arity: int, **attrs: Any) -> Function:
    """The operation as an array constructor, so that its vector form is tested too."""
    b = Builder()
    arrays = [b.param(Array(d, ("n",))) for _ in range(arity)]
    body = b.sub()
    i = body.param(Scalar(I64))
    out = body.emit1(OPS[name], *(body.emit1(OPS["get"], a, i) for a in arrays), **attrs)
    n = b.emit1(OPS["dim"], arrays[0], axis=0)
    return b.function(name, b.emit1(OPS["build"], n, regions=(body.block(out),), shape=("n",), extent=(), reduce=""))


def run(name: str, d: DType, *columns: np.ndarray, **attrs: Any) -> tuple[np.ndarray, np.ndarray]:
    """Compiled code's results and NumPy's."""
    f = table(name, d, len(columns), **attrs)
    given = [c.astype(d.numpy) for c in columns]
    with np.errstate(all="ignore"):
        (expected,) = interpret(f, *given)
    return Compiled(f)(*given)[0], expected


def spread(rng: np.random.Generator, n: int, low: float, high: float) -> np.ndarray:
    """Numbers of all sizes and signs in the plane; every seventh on an axis."""
    parts = [10.0 ** rng.uniform(low, high, n) * rng.choice([-1.0, 1.0], n) for _ in range(2)]
    parts[0][::7] = np.copysign(0.0, parts[0][::7])
    parts[1][3::7] = np.copysign(0.0, parts[1][3::7])
    return _joined(*parts)


def _joined(re: Any, im: Any) -> np.ndarray:
    """re + i im, signs of zeros kept."""
    out = np.empty(np.shape(re), complex)
    out.real, out.imag = re, im
    return out


def close(got: np.ndarray, expected: np.ndarray, ulps: float, given: list[np.ndarray]) -> None:
    """Each part to so many units in the last place of the larger part."""
    assert got.dtype == expected.dtype
    if got.dtype.kind == "b":
        assert np.array_equal(got, expected)
        return
    info = np.finfo(got.dtype)
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(np.real(expected)), np.abs(np.imag(expected)))
        allowed = ulps * float(info.eps) * size + 8 * float(info.smallest_subnormal)
        for part in (np.real, np.imag):
            wrong = ~(np.abs(part(got) - part(expected)) <= allowed)
            k = int(np.argmax(wrong))
            assert not wrong.any(), f"{[c[k] for c in given]} gives {got[k]}, not {expected[k]}"


# ---------------------------------------------------------------- ordinary numbers


@pytest.mark.filterwarnings("ignore")
@widths
@pytest.mark.parametrize("name", UNARY)
def test_unary(name: str, d: DType) -> None:
    rng = np.random.default_rng(1)
    angle = rng.uniform(-3.1, 3.1, 500)
    z = np.concatenate([
        rng.uniform(-3, 3, 2000) + 1j * rng.uniform(-3, 3, 2000), spread(rng, 2000, -8, 1), spread(rng, 500, -20, 15),
        np.exp(1j * angle), 1 + spread(rng, 500, -9, 0), 1j + spread(rng, 500, -9, 0),
    ])  # fmt: skip
    got, expected = run(name, d, z)
    # NumPy's log1p loses all digits of small arguments; what it should be is known there.
    if name == "log1p":
        expected = np.where(np.abs(z) < 0.1, np.log1p(z.astype(np.clongdouble)).astype(d.numpy), expected)
        kept = np.abs(z) > (1e-3 if d is C128 else 1e-1)
        z, got, expected = z[kept], got[kept], expected[kept]
    finite = np.isfinite(expected)
    close(got[finite], expected[finite], ULPS.get(name, 6) * (64 if name == "log1p" else 1), [z[finite]])
    if got.dtype.kind == "c":
        assert not np.isfinite(got[~finite]).any()


@pytest.mark.filterwarnings("ignore")
@widths
@pytest.mark.parametrize("name", BINARY)
def test_binary(name: str, d: DType) -> None:
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.uniform(-3, 3, 2000) + 1j * rng.uniform(-3, 3, 2000), spread(rng, 1000, *((-3, 3) if name == "pow" else (-8, 8)))])
    y = np.concatenate([rng.uniform(-3, 3, 2000) + 1j * rng.uniform(-3, 3, 2000), spread(rng, 1000, -4, 0.5)])
    y[:500] = rng.integers(-9, 12, 500)
    y[500:600] = x[500:600]
    got, expected = run(name, d, x, y)
    finite = np.isfinite(expected)
    close(got[finite], expected[finite], ULPS.get(name, 6), [x[finite], y[finite]])


@widths
@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 30, -1, -2, -5])
def test_powers_by_a_known_number(n: int, d: DType) -> None:
    z = np.random.default_rng(3).uniform(-2, 2, (200, 2)) @ np.array([1.0, 1j])
    got, expected = run("powi", d, z, n=n)
    close(got, expected, 4 + 4 * abs(n), [z])
    if abs(n) < 3:
        assert np.array_equal(run("powi", d, np.array([1j, -1j, 1.0, 2 - 2j]), n=n)[0], np.array([1j, -1j, 1.0, 2 - 2j], d.numpy) ** n)


def test_small_arguments_of_log1p_keep_their_digits() -> None:
    z = spread(np.random.default_rng(4), 300, -18, -9)
    (got,), _ = Compiled(table("log1p", C128, 1))(z), None
    close(got, z - z * z / 2, 4, [z])


# ---------------------------------------------------------------- special numbers

HUGE = {C128: [1e308, 710.0, -710.0, 725.0, 1e160, 1e-170], C64: [1e38, 89.0, -89.0, 92.0, 1e20, 1e-25]}


@pytest.mark.filterwarnings("ignore")
@widths
@pytest.mark.parametrize("name", [n for n in UNARY if n not in ("sign", "square")])
def test_special_numbers(name: str, d: DType) -> None:
    """Zeros of both signs, on and beside branch points and cuts, huge, tiny; infinities where the other part is finite or the result is."""
    values = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, math.inf, -math.inf, math.nan, *HUGE[d]]
    z = _joined(*map(np.ravel, np.meshgrid(values, values))).astype(d.numpy)
    got, expected = run(name, d, z)
    if name == "log1p":  # see above
        z, got, expected = (a[np.abs(z) > 1e-3] for a in (z, got, expected))
    both = ~np.isfinite(z.real) & ~np.isfinite(z.imag)
    for a, g, e in zip(z[~both], got[~both], expected[~both], strict=True):
        assert _agree(g, e, ULPS.get(name, 6) * float(np.finfo(got.dtype).eps) if got.dtype.kind != "b" else 0.0), f"{a!r}: {g!r}, not {e!r}"


def _agree(g: Any, e: Any, eps: float) -> bool:
    """Equal part by part, zeros with their signs; a NaN for a NaN, in either part."""
    if np.isnan(e):
        return bool(np.isnan(g)) and np.isinf(g) == np.isinf(e)
    size = max((abs(float(p)) for p in (e.real, e.imag) if np.isfinite(p)), default=0.0)
    for p, q in ((g.real, e.real), (g.imag, e.imag)):
        same = p == q and (p != 0 or np.signbit(p) == np.signbit(q))
        if not same and not (np.isfinite(q) and abs(float(p) - float(q)) <= eps * size and q != 0):
            return False
    return True


@pytest.mark.parametrize("name", ANALYTIC)
def test_mathematics_of_python(name: str) -> None:
    """cmath draws its cuts in the same places."""
    cuts = [complex(x, y) for x in (-3.0, -1.5, -0.25, 0.25, 1.5, 3.0) for y in (0.0, -0.0)]
    z = np.array([w for c in cuts for w in (c, complex(c.imag, c.real))])
    got, _ = run(name, C128, z)
    close(got, np.array([getattr(cmath, name)(complex(w)) for w in z]), 8, [z])


@pytest.mark.filterwarnings("ignore")
@widths
def test_division_by_zero_and_by_extremes(d: DType) -> None:
    values = [0.0, -0.0, 1.0, -2.0, math.inf, math.nan, *HUGE[d][:1], *HUGE[d][4:]]
    z = _joined(*map(np.ravel, np.meshgrid(values, values)))
    x, y = np.repeat(z, len(z)), np.tile(z, len(z))
    got, expected = run("div", d, x, y)
    for part in (np.real, np.imag):
        p, q = part(got), part(expected)
        fine = (p == q) | (np.isnan(p) & np.isnan(q)) | (np.abs(p - q) <= 4 * float(np.finfo(d.numpy).eps) * np.abs(expected))
        assert fine.all(), (x[~fine][0], y[~fine][0], got[~fine][0], expected[~fine][0])


@pytest.mark.filterwarnings("ignore")
def test_powers_of_zero_and_by_zero() -> None:
    x, y = map(np.ravel, np.meshgrid(np.array([0.0, -0.0, 1 + 1j, complex(math.nan, 0)]), np.array([0, 1, 2.5, -1, 1j, 1 + 1j, complex(0, math.nan)])))
    got, expected = run("pow", C128, x.astype(complex), y.astype(complex))
    for a, b, g, e in zip(x, y, got, expected, strict=True):
        assert _agree(g, e, 1e-14), f"{a} ** {b}: {g}, not {e}"


# ---------------------------------------------------------------- taken apart, put together


@pytest.mark.parametrize(("source", "target"), [(s, t) for s in (BOOL, I32, I64, F32, F64, C64, C128) for t in (C64, C128)], ids=str)
def test_conversions(source: DType, target: DType) -> None:
    x = np.array([0, 1, 3, 0, 7]).astype(source.numpy)
    if source.kind == "c":
        x = x + np.array([1j, -2.5j, -0.0j, 0, 1e-3j]).astype(source.numpy)
    f = table("convert", source, 1, dtype=target)
    assert np.array_equal(Compiled(f)(x)[0], x.astype(target.numpy))


@widths
def test_parts(d: DType) -> None:
    z = _joined([1.0, -0.0, math.inf, math.nan], [-2.0, 0.0, -0.0, 3.0]).astype(d.numpy)
    part = real_dtype(d)
    assert np.array_equal(Compiled(table("real", d, 1))(z)[0], z.real, equal_nan=True)
    assert np.array_equal(Compiled(table("imag", d, 1))(z)[0], z.imag)
    (whole,) = Compiled(table("complex", part, 2))(z.real.copy(), z.imag.copy())
    assert whole.dtype == d.numpy and whole.tobytes() == z.tobytes()


@widths
def test_numbers_in_and_out(d: DType) -> None:
    """Complex parameters and results that are no arrays, several side by side, carried by a loop and chosen by a branch."""
    b = Builder()
    x, n, y = b.param(Scalar(d)), b.param(Scalar(I64)), b.param(Scalar(d))
    body = b.sub()
    body.param(Scalar(I64))
    z = body.param(Scalar(d))
    (looped,) = b.emit(OPS["for"], n, x, regions=(body.block(body.emit1(OPS["mul"], z, y)),))
    zero = b.emit1(OPS["const"], value=0, dtype=I64)
    left, right = b.sub(), b.sub()
    c = b.emit1(OPS["gt"], n, zero)
    (chosen,) = b.emit(OPS["if"], c, regions=(left.block(x), right.block(right.emit1(OPS["neg"], y))))
    run = Compiled(b.function("f", chosen, n, looped))
    for k in (0, 3):
        got = run(0.5 + 2j, k, -1j)
        assert got == ((0.5 + 2j) if k else 1j, k, (0.5 + 2j) * (-1j) ** k) and got[0].dtype == d.numpy


def test_details_of_errors() -> None:
    b = Builder()
    x, y = b.param(Scalar(C128)), b.param(Scalar(I64))
    zero = b.emit1(OPS["const"], value=0, dtype=C128)
    b.emit(OPS["assert"], b.emit1(OPS["eq"], x, zero), x, y, error="ValueError", message="{0} at {1}")
    with pytest.raises(ValueError, match=r"\(1\+2j\) at 7"):
        Compiled(b.function("f"))(1 + 2j, 7)
