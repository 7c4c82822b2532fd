"""Every pointwise operation, compiled, against its NumPy reference: ordinary numbers and all the special ones, in every dtype."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from oneform.ir import Builder, Function, interpret
from oneform.ops import OPS
from oneform.ops.table import constant
from oneform.types import BOOL, F32, F64, I32, I64, Array, DType, Scalar
from tests.codegen.driver import Compiled

# Complex numbers, and what only they have, are the subject of test_complex.py.
POINTWISE = sorted(name for name, op in OPS.items() if isinstance(op.lower, Mapping) and name not in ("complex", "real", "imag", "conj"))
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -2.5, 2.0, 3.0, 7.25, -7.25, 1e-8, 30.0, -30.0, 1e300, math.inf, -math.inf, math.nan]
WHOLE = [0, 1, -1, 2, -2, 3, -3, 7, 31, 63, 64, -64, 1000]
VALUES: dict[DType, list[Any]] = {
    F64: FLOATS,
    F32: [x for x in FLOATS if abs(x) < 1e30 or not math.isfinite(x)],
    I64: [*WHOLE, 2**63 - 1, -(2**63)],
    I32: [*WHOLE, 2**31 - 1, -(2**31)],
    BOOL: [False, True],
}
# Where C and NumPy leave a result open, or NumPy's reference itself is off.
ULPS = {"pow": 4, "powi": 32, "logaddexp": 8, "tan": 4, "mod": 4}


def _attrs(name: str, d: DType) -> list[dict[str, Any]]:
    if name == "powi":
        return [{"n": n} for n in (0, 1, 2, 3, 7, *(() if d.kind == "i" else (-1, -2, 100)))]
    if name == "convert":
        return [{"dtype": t} for t in VALUES]
    return [{}]


def _arity(name: str, d: DType) -> int:
    op = OPS[name]
    for n in (1, 2):
        try:
            op.types((Scalar(d),) * n, _attrs(name, d)[0], ())
        except Exception:
            continue
        return n
    return 0


def _table(name: str, d: DType, attrs: dict[str, Any], arity: int) -> tuple[Function, list[np.ndarray]]:
    """The operation on all combinations of values, as one array constructor, so that its vector form is tested too."""
    values = np.array(VALUES[d], d.numpy)
    columns = [values] if arity == 1 else [c.ravel() for c in np.meshgrid(values, values)]
    if name == "ipow":
        columns = [c[columns[1] >= 0] for c in columns]
    columns = [np.concatenate([c] * 3) for c in columns]
    b = Builder()
    arrays = [b.param(Array(d, ("n",))) for _ in columns]
    body = b.sub()
    i = body.param(Scalar(I64))
    out = body.emit1(OPS[name], *(body.emit1(OPS["get"], a, i) for a in arrays), **attrs)
    n = b.emit1(OPS["dim"], arrays[0], axis=0)
    return b.function(name, b.emit1(OPS["build"], n, regions=(body.block(out),), shape=("n",), extent=(), reduce="")), columns


def _defined(name: str, d: DType, attrs: dict[str, Any], columns: list[np.ndarray]) -> Any:
    """Where the reference is: floats to integers only in range."""
    if name == "pow" and d.kind == "f":
        return ~(np.isneginf(columns[0]) & (columns[1] == 0.5))  # C and Python say inf
    if name != "convert" or d.kind != "f" or attrs["dtype"].kind != "i":
        return np.ones(columns[0].shape, bool)
    limit = 2.0 ** (attrs["dtype"].bits - 1)
    return np.isfinite(columns[0]) & (np.abs(columns[0]) < limit)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [n for n in POINTWISE if n != "select"])
def test_pointwise(name: str) -> None:
    ran = 0
    for d in VALUES:
        arity = _arity(name, d) if OPS[name].lower.get(d.kind) else 0
        for attrs in _attrs(name, d) if arity else ():
            f, columns = _table(name, d, attrs, arity)
            with np.errstate(all="ignore"):
                (expected,) = interpret(f, *columns)
            (got,) = Compiled(f)(*columns)
            ran += 1
            fine = _defined(name, d, attrs, columns)
            expected, got = expected[fine], got[fine]
            assert got.dtype == expected.dtype
            if expected.dtype.kind != "f":
                assert np.array_equal(got, expected), _first(name, attrs, got, expected, [c[fine] for c in columns])
                continue
            eps = np.finfo(expected.dtype).eps * ULPS.get(name, 4)
            close = np.isclose(got, expected, rtol=eps, atol=np.finfo(expected.dtype).tiny, equal_nan=True)
            assert close.all(), _first(name, attrs, got[~close], expected[~close], [c[fine][~close] for c in columns])
            zero = expected == 0
            if name not in ("sub", "add", "pow", "powi", "mul", "tan", "sin", "maximum", "minimum"):
                assert np.array_equal(np.signbit(got[zero]), np.signbit(expected[zero])), name
    assert ran


def _first(name: str, attrs: Any, got: Any, expected: Any, columns: list[Any]) -> str:
    bad = np.flatnonzero(~((got == expected) | ((got != got) & (expected != expected))))[:4]
    return "; ".join(f"{name}{attrs}({', '.join(str(c[k]) for c in columns)}) = {got[k]}, not {expected[k]}" for k in bad)


def test_select() -> None:
    b = Builder()
    c, x, y = b.param(Scalar(BOOL)), b.param(Scalar(F32)), b.param(Scalar(F32))
    run = Compiled(b.function("select", b.emit1(OPS["select"], c, x, y)))
    assert run(True, 1.5, 2.5) == (np.float32(1.5),) and run(False, 1.5, 2.5) == (np.float32(2.5),)


@pytest.mark.parametrize("d", [I64, I32])
def test_ipow_of_a_negative_exponent(d: DType) -> None:
    b = Builder()
    x, n = b.param(Scalar(d)), b.param(Scalar(d))
    run = Compiled(b.function("ipow", b.emit1(OPS["ipow"], x, n)))
    assert run(3, 4) == (81,)
    with pytest.raises(ValueError, match="negative integer powers"):
        run(3, -1)


def test_division_by_zero_does_not_trap() -> None:
    b = Builder()
    x = b.param(Scalar(I64))
    zero = constant(b, 0, I64)
    run = Compiled(b.function("div", b.emit1(OPS["floordiv"], x, zero), b.emit1(OPS["mod"], x, zero)))
    assert run(5) == (0, 0) and run(-(2**63)) == (0, 0)


def test_floats_beyond_integers_saturate() -> None:
    b = Builder()
    x = b.param(Scalar(F64))
    run = Compiled(b.function("to", b.emit1(OPS["convert"], x, dtype=I64)))
    assert [run(v)[0] for v in (1e30, -1e30, math.nan, -2.7)] == [2**63 - 1, -(2**63), 0, -2]
