"""Parallel loops change places where memory is then walked in rows, and the results stay the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oneform.codegen import rows
from oneform.ir import Builder, Function, Value, interpret
from oneform.ops import OPS
from oneform.ops.table import constant, dim, integer
from oneform.types import F64, I64, Array, Scalar
from tests.codegen.driver import Counted


def op(b: Builder, name: str, *args: Value, **attrs: Any) -> Value:
    return b.emit1(OPS[name], *args, **attrs)


def nested(
    b: Builder, lengths: list[Value], carried: tuple[Value, ...], body: Any, between: Any = None, parallel: bool = True, at: tuple[Value, ...] = ()
) -> tuple[Value, ...]:
    """Loops inside each other; body(builder, indices, carried) -> carried; between(builder, indices) stands before each inner loop."""
    inner = b.sub()
    i = inner.param(Scalar(I64))
    params = tuple(inner.param(v.type) for v in carried)
    here = (*at, i)
    if len(lengths) == 1:
        outs = body(inner, here, params)
    else:
        if between is not None:
            here = (*here[:-1], between(inner, i))
        outs = nested(inner, lengths[1:], params, body, between, parallel, here)
    return b.emit(OPS["for"], lengths[0], *carried, regions=(inner.block(*outs),), parallel=parallel)


def product_adjoint(parallel: bool = True) -> Function:
    """What reverse mode makes of z = x y: both factors' cotangents, in the primal's order of loops."""
    b = Builder()
    x, y, dz = b.param(Array(F64, ("n", "k"))), b.param(Array(F64, ("k", "m"))), b.param(Array(F64, ("n", "m")))
    n, k, m = dim(b, x, 0), dim(b, y, 0), dim(b, y, 1)
    zero = constant(b, 0.0, F64)
    dx, dy = op(b, "full", zero, n, k, shape=("n", "k")), op(b, "full", zero, k, m, shape=("k", "m"))

    def body(c: Builder, at: tuple[Value, ...], carried: tuple[Value, ...]) -> tuple[Value, ...]:
        (i, j, r), (dx, dy) = at, carried
        g = op(c, "get", dz, i, j)
        dx = op(c, "add_at", dx, op(c, "mul", g, op(c, "get", y, r, j)), i, r, reassoc=True)
        return dx, op(c, "add_at", dy, op(c, "mul", g, op(c, "get", x, i, r)), r, j, reassoc=True)

    return b.function("adjoint", *nested(b, [n, m, k], (dx, dy), body, lambda c, i: op(c, "add", i, integer(c, 0)), parallel))


def test_the_adjoint_of_a_product() -> None:
    f = product_adjoint()
    c = Counted(f)
    assert not c.kernel.copies
    rng = np.random.default_rng(0)
    for n, k, m in [(3, 4, 5), (0, 4, 5), (3, 0, 5), (3, 4, 0), (1, 1, 1), (33, 17, 70)]:
        args = [rng.integers(-3, 4, s).astype(float) for s in ((n, k), (k, m), (n, m))]
        for got, expected in zip(c(*args), interpret(f, *args), strict=True):
            np.testing.assert_array_equal(got, expected)


def test_only_parallel_loops_move() -> None:
    """Those that do not are run several rounds at a time instead (test_rows.py), in the order they are in."""
    moved, kept = (Counted(product_adjoint(p)).kernel.llvm for p in (True, False))
    assert moved.count("fmul") == 2
    assert kept.count("fmul") == 2 * (rows.ROUNDS + 1)


@pytest.mark.parametrize("guarded", [False, True])
def test_loops_that_may_raise_stay(guarded: bool) -> None:
    b = Builder()
    x = b.param(Array(F64, ("n", "m")))
    n, m = dim(b, x, 0), dim(b, x, 1)
    out = op(b, "full", constant(b, 0.0, F64), m, n, shape=("m", "n"))

    def body(c: Builder, at: tuple[Value, ...], carried: tuple[Value, ...]) -> tuple[Value, ...]:
        i, j = at
        v = op(c, "get", x, i, j)
        if guarded:
            c.emit(OPS["assert"], op(c, "ge", v, constant(c, 0.0, F64)), v, error="ValueError", message="{0}")
        return (op(c, "add_at", carried[0], v, j, i, reassoc=True),)

    f = b.function("transposed", *nested(b, [n, m], (out,), body))
    c = Counted(f)
    data = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(c(data)[0], data.T)
    data[2, 1], data[1, 3] = -1.0, -2.0
    if guarded:
        with pytest.raises(ValueError, match=r"-2\.0"):
            c(data)


def test_inner_lengths_that_depend_on_the_outer_index() -> None:
    b = Builder()
    x = b.param(Array(F64, ("n", "n")))
    n = dim(b, x, 0)
    out = op(b, "full", constant(b, 0.0, F64), n, n, shape=("n", "n"))
    outer = b.sub()
    i, a = outer.param(Scalar(I64)), outer.param(out.type)
    inner = outer.sub()
    j, c = inner.param(Scalar(I64)), inner.param(out.type)
    v = op(inner, "get", x, j, i)
    (r,) = outer.emit(OPS["for"], i, a, regions=(inner.block(op(inner, "add_at", c, v, j, i, reassoc=True)),), parallel=True)
    f = b.function("triangle", *b.emit(OPS["for"], n, out, regions=(outer.block(r),), parallel=True))
    data = np.arange(25.0).reshape(5, 5)
    np.testing.assert_array_equal(Counted(f)(data)[0], np.triu(data, 1))
