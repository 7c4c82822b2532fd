"""Loops, branches, constructors, reductions and stacks, compiled, against the interpreter: zero trips, empty arrays, NaN, all orders of loops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from oneform.ir import Builder, Function, Value, interpret
from oneform.ops import OPS
from oneform.ops.table import constant, dim, integer
from oneform.types import BOOL, F32, F64, I64, Array, DType, List, Scalar, Type
from tests.codegen.driver import Counted

INDEX, NUMBER = Scalar(I64), Scalar(F64)


def op(b: Builder, name: str, *args: Value, **attrs: Any) -> Value:
    return b.emit1(OPS[name], *args, **attrs)


def agree(f: Function, *cases: tuple[Any, ...]) -> None:
    """Compiled and interpreted, f gives the same at all these arguments."""
    compiled = Counted(f)
    for args in cases:
        for x, y in zip(compiled(*args), interpret(f, *args), strict=True):
            assert np.shape(x) == np.shape(y) and np.asarray(x).dtype == np.asarray(y).dtype
            np.testing.assert_array_equal(x, y)


def reduction(kind: str, t: Type, axes: tuple[int, ...]) -> Function:
    b = Builder()
    x = b.param(t)
    return b.function(kind, op(b, kind, x, axes=axes))


# ---------------------------------------------------------------- reductions


@pytest.mark.parametrize("kind", ["sum", "prod", "max", "min"])
@pytest.mark.parametrize("d", [F64, F32, I64])
@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
def test_reductions(kind: str, d: DType, axes: tuple[int, ...]) -> None:
    f = reduction(kind, Array(d, ("a", "b", "c")), axes)
    rng = np.random.default_rng(1)
    agree(f, *((rng.integers(-1, 2, shape).astype(d.numpy),) for shape in [(2, 3, 4), (9, 1, 17), (5, 33, 6)]))


@pytest.mark.parametrize("kind", ["sum", "prod"])
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_empty_reductions(kind: str, axes: tuple[int, ...]) -> None:
    f = reduction(kind, Array(F64, ("a", "b")), axes)
    agree(f, *((np.zeros(shape),) for shape in [(0, 3), (3, 0), (0, 0)]))


@pytest.mark.parametrize("kind", ["max", "min", "sum"])
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_nan_spreads(kind: str, axes: tuple[int, ...]) -> None:
    f = reduction(kind, Array(F64, ("a", "b")), axes)
    rng = np.random.default_rng(0)
    cases: list[tuple[Any, ...]] = []
    for n in (1, 5, 64):
        for value in (math.nan, math.inf, -math.inf):
            x = rng.integers(-9, 9, (n, n + 1)).astype(float)
            x[n // 2, n // 3] = value
            cases.append((x,))
    agree(f, *cases)


def test_a_sum_is_reassociated_unless_forbidden() -> None:
    f = reduction("sum", Array(F64, ("a",)), (0,))
    x = np.random.default_rng(0).normal(size=10_001)
    free, strict = Counted(f), Counted(f, fastmath=False)
    assert " x double>" in free.kernel.optimised_llvm() and " x double>" not in strict.kernel.optimised_llvm()
    total = 0.0
    for v in x:
        total += v
    assert strict(x)[0] == total
    assert abs(free(x)[0] - math.fsum(x)) < 1e-10


def test_a_loop_of_the_user_keeps_its_order() -> None:
    b = Builder()
    x = b.param(Array(F64, ("n",)))
    body = b.sub()
    i, s = body.param(INDEX), body.param(NUMBER)
    (r,) = b.emit(OPS["for"], dim(b, x, 0), constant(b, 0.0, F64), regions=(body.block(op(body, "add", s, op(body, "get", x, i))),))
    data = np.random.default_rng(0).normal(size=1001)
    total = 0.0
    for v in data:
        total += v
    assert Counted(b.function("f", r))(data)[0] == total


@pytest.mark.parametrize(("left", "right"), [(2, 2), (2, 1), (1, 2), (1, 1)])
def test_products(left: int, right: int) -> None:
    b = Builder()
    x, y = b.param(Array(F64, ("a", "b")[2 - left :])), b.param(Array(F64, ("c", "d")[:right]))
    rng = np.random.default_rng(0)
    cases: list[tuple[Any, ...]] = []
    for n, k, m in [(5, 7, 4), (1, 1, 1), (0, 3, 2), (2, 0, 3), (33, 40, 65), (8, 8, 8)]:
        cases.append((rng.integers(-3, 4, (n, k)[2 - left :]).astype(float), rng.integers(-3, 4, (k, m)[:right]).astype(float)))
    agree(b.function("product", op(b, "matmul", x, y)), *cases)


def test_a_constructor_of_several_arrays() -> None:
    b = Builder()
    n, m = b.param(INDEX), b.param(INDEX)
    body = b.sub()
    i, j = body.param(INDEX), body.param(INDEX)
    values = op(body, "add", i, j), op(body, "lt", i, j), op(body, "convert", i, dtype=F64)
    outs = b.emit(OPS["build"], n, m, regions=(body.block(*values),), shape=("n", "m"), extent=(), reduce="")
    agree(b.function("f", *outs), (3, 4), (0, 4), (4, 0), (1, 1))


def test_a_constructor_with_a_loop_and_an_array_inside() -> None:
    b = Builder()
    x, n = b.param(Array(F64, ("n",))), b.param(INDEX)
    body = b.sub()
    i = body.param(INDEX)
    scratch = op(body, "full", op(body, "convert", i, dtype=F64), dim(body, x, 0), shape=("n",))
    inner = body.sub()
    k, s, a = inner.param(INDEX), inner.param(NUMBER), inner.param(scratch.type)
    added = op(inner, "add_at", a, op(inner, "get", x, k), k)
    sums = inner.block(op(inner, "add", s, op(inner, "get", added, k)), added)
    total, last = body.emit(OPS["for"], dim(body, x, 0), constant(body, 0.0, F64), scratch, regions=(sums,))
    element = op(body, "add", total, op(body, "get", last, integer(body, 0)))
    out = op(b, "build", n, regions=(body.block(element),), shape=("m",), extent=(), reduce="")
    agree(b.function("f", out), *((np.arange(4.0), m) for m in (0, 1, 5)))


# ---------------------------------------------------------------- loops


def collatz() -> Function:
    b = Builder()
    n = b.param(INDEX)
    condition, body = b.sub(), b.sub()
    c = condition.emit1(OPS["gt"], condition.param(INDEX), integer(condition, 1))
    condition.param(INDEX)
    x, steps = body.param(INDEX), body.param(INDEX)
    even = op(body, "eq", op(body, "mod", x, integer(body, 2)), integer(body, 0))
    half, triple = body.sub(), body.sub()
    more = op(triple, "add", op(triple, "mul", x, integer(triple, 3)), integer(triple, 1))
    (after,) = body.emit(OPS["if"], even, regions=(half.block(op(half, "floordiv", x, integer(half, 2))), triple.block(more)))
    round_ = body.block(after, op(body, "add", steps, integer(body, 1)))
    out = b.emit(OPS["while"], n, integer(b, 0), regions=(condition.block(c), round_))
    return b.function("collatz", *out)


def test_while() -> None:
    agree(collatz(), *((n,) for n in (-3, 0, 1, 2, 27, 97)))


def test_trip_counts() -> None:
    b = Builder()
    n, m = b.param(INDEX), b.param(INDEX)
    outer = b.sub()
    i, s = outer.param(INDEX), outer.param(INDEX)
    inner = outer.sub()
    j, t = inner.param(INDEX), inner.param(INDEX)
    step = op(inner, "add", t, op(inner, "mul", i, j))
    (u,) = outer.emit(OPS["for"], op(outer, "sub", m, i), s, regions=(inner.block(step),))
    (r,) = b.emit(OPS["for"], n, integer(b, 1), regions=(outer.block(u),))
    f = b.function("f", r)
    c = Counted(f)
    for args in [(0, 5), (-1, 5), (5, 0), (5, -7), (3, 9), (-(2**63), 2), (4, 4)]:
        assert c(*args) == interpret(f, *args)


def test_a_condition_that_is_nan() -> None:
    b = Builder()
    x = b.param(NUMBER)
    then, other = b.sub(), b.sub()
    (r,) = b.emit(OPS["if"], op(b, "lt", x, constant(b, 1.0, F64)), regions=(then.block(constant(then, 1.0, F64)), other.block(constant(other, 2.0, F64))))
    agree(b.function("f", r, op(b, "ne", x, x), op(b, "eq", x, x)), (0.0,), (2.0,), (math.nan,))


def test_pieces_of_a_long_loop() -> None:
    """Carried numbers and arrays survive the polls between pieces."""
    b = Builder()
    n = b.param(INDEX)
    a, c = (op(b, "full", constant(b, v, F64), integer(b, 100), shape=("k",)) for v in (0.0, 1.0))
    body = b.sub()
    i, s, p, q = body.param(INDEX), body.param(INDEX), body.param(a.type), body.param(c.type)
    p2 = op(body, "add_at", p, constant(body, 1.0, F64), op(body, "mod", i, integer(body, 100)))
    r = b.emit(OPS["for"], n, integer(b, 0), a, c, regions=(body.block(op(body, "add", s, i), q, p2),))
    run = Counted(b.function("f", *r))
    n_ = (1 << 21) + 12_345
    total, left, right = run(n_)
    assert total == n_ * (n_ - 1) // 2 and left.sum() + right.sum() == n_ + 100


# ---------------------------------------------------------------- stacks


def tape(items: Sequence[Type]) -> Function:
    """Pushes n tuples, pops m of them, sums the first item."""
    b = Builder()
    n, m, x = b.param(INDEX), b.param(INDEX), b.param(Array(F64, ("n",)))
    s = op(b, "list", items=tuple(items))
    body = b.sub()
    i, top = body.param(INDEX), body.param(s.type)
    values = [_item(body, t, i, x) for t in items]
    (s,) = b.emit(OPS["for"], n, s, regions=(body.block(op(body, "push", top, *values)),))
    body = b.sub()
    _, top, total = body.param(INDEX), body.param(s.type), body.param(NUMBER)
    top, *popped = body.emit(OPS["pop"], top)
    for v in popped:
        total = op(body, "add", total, _number(body, v))
    _, r = b.emit(OPS["for"], m, s, constant(b, 0.0, F64), regions=(body.block(top, total),))
    return b.function("tape", r)


def _item(b: Builder, t: Type, i: Value, x: Value) -> Value:
    if isinstance(t, Scalar):
        return op(b, "convert", i, dtype=t.dtype)
    if isinstance(t, List):
        return op(b, "push", op(b, "list", items=t.items), *(_item(b, u, i, x) for u in t.items))
    v = op(b, "convert", i, dtype=F64)
    return op(b, "full", v, *([] if t.shape == (3,) else [op(b, "add", i, integer(b, 1))]), shape=t.shape)


def _number(b: Builder, v: Value) -> Value:
    if isinstance(v.type, Scalar):
        return op(b, "convert", v, dtype=F64)
    if isinstance(v.type, List):
        return _number(b, b.emit(OPS["pop"], v)[1])
    return op(b, "get", v, integer(b, 0))


ROW = Array(F64, ("?",))
TUPLES: list[tuple[Type, ...]] = [
    (NUMBER,), (INDEX, NUMBER), (Scalar(BOOL), NUMBER, Scalar(BOOL), Scalar(F32)), (Array(F64, (3,)), Scalar(BOOL)), (ROW, INDEX), (List((NUMBER, ROW)), INDEX)
]  # fmt: skip


@pytest.mark.parametrize("items", TUPLES)
def test_stacks(items: Sequence[Type]) -> None:
    f = tape(items)
    run = Counted(f)
    for n, m in [(0, 0), (1, 1), (5, 5), (5, 3), (31, 0), (32, 32), (33, 30), (1000, 999)]:
        assert run(n, m, np.zeros(2)) == interpret(f, n, m, np.zeros(2))


def test_a_stack_used_twice_is_copied() -> None:
    b = Builder()
    n = b.param(INDEX)
    s = op(b, "list", items=(INDEX, Array(F64, ("?",))))
    body = b.sub()
    i, top = body.param(INDEX), body.param(s.type)
    row = op(body, "full", op(body, "convert", i, dtype=F64), integer(body, 2), shape=("?",))
    (s,) = b.emit(OPS["for"], n, s, regions=(body.block(op(body, "push", top, i, row)),))
    first, second = b.emit(OPS["pop"], s), b.emit(OPS["pop"], s)
    changed = op(b, "set", first[2], constant(b, 77.0, F64), integer(b, 0))
    f = b.function("f", first[1], second[1], changed, second[2], b.emit(OPS["pop"], first[0])[1])
    agree(f, (2,), (50,))


# ---------------------------------------------------------------- values nobody reads


@pytest.mark.parametrize("t", [NUMBER, Array(F64, (3,)), Array(F64, ("n",)), Array(F64, (100,)), Array(F64, ("?", 2)), List((NUMBER,))])
def test_undef(t: Type) -> None:
    b = Builder()
    x, flag = b.param(Array(F64, ("n",))), b.param(Scalar(BOOL))
    nothing = op(b, "undef", type=t)
    body = b.sub()
    i, held = body.param(INDEX), body.param(t)
    then, other = body.sub(), body.sub()
    (next_,) = body.emit(OPS["if"], op(body, "eq", i, integer(body, 1)), regions=(then.block(op(then, "undef", type=t)), other.block(held)))
    b.emit(OPS["for"], integer(b, 3), nothing, regions=(body.block(next_),))
    agree(b.function("f", op(b, "copy", x), flag), (np.arange(3.0), True))
