"""The memory plan: writes are made in place, nothing is copied that need not be, every buffer is freed once, scratch is allocated once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.ir import Builder, Value, interpret
from oneform.ops import OPS
from oneform.ops.table import constant, dim, integer
from oneform.types import BOOL, F64, I64, Array, Scalar, Type
from tests.codegen.driver import Counted

VECTOR, TRIPLE, INDEX, NUMBER = Array(F64, ("n",)), Array(F64, (3,)), Scalar(I64), Scalar(F64)


def op(b: Builder, name: str, *args: Value, **attrs: Any) -> Value:
    return b.emit1(OPS[name], *args, **attrs)


def loop(b: Builder, n: Value, inits: Sequence[Value], body: Callable[..., Sequence[Value]], types: Sequence[Type] = ()) -> tuple[Value, ...]:
    """body(builder, index, *carried) -> next carried."""
    inner = b.sub()
    i = inner.param(INDEX)
    params = [inner.param(t) for t in (types or [v.type for v in inits])]
    return b.emit(OPS["for"], n, *inits, regions=(inner.block(*body(inner, i, *params)),))


def elements(b: Builder, a: Value, f: Callable[[Builder, Value, Value], Value]) -> Value:
    """An array of f(builder, element, index)."""
    inner = b.sub()
    i = inner.param(INDEX)
    x = f(inner, op(inner, "get", a, i), i)
    return op(b, "build", dim(b, a, 0), regions=(inner.block(x),), shape=a.type.shape, extent=(), reduce="")


def doubled(b: Builder, x: Value, _: Value) -> Value:
    return op(b, "mul", x, constant(b, 2.0, F64))


def same(c: Counted, *args: Any) -> None:
    expected = interpret(c.f, *args)
    own = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
    got = [*c(*own), *(own[k] for k in c.writes)]
    for x, y in zip(got, expected, strict=True):
        np.testing.assert_array_equal(x, y)


def calls(c: Counted, name: str) -> int:
    """How often the kernel itself calls a function, in its text before optimisation."""
    kernel = c.kernel.llvm[: c.kernel.llvm.index("\n}\n")]
    return len(re.findall(rf"call [^\n]*@of\.{name}\(", kernel))


def test_a_loop_writes_in_place() -> None:
    b = Builder()
    x = b.param(VECTOR)
    n = dim(b, x, 0)
    out = op(b, "empty", n, shape=("n",), dtype=F64)
    (r,) = loop(b, n, [out], lambda k, i, a: [op(k, "set", a, doubled(k, op(k, "get", x, i), i), i)])
    c = Counted(b.function("f", r))
    assert not c.kernel.copies and "phi ptr" not in c.kernel.llvm[: c.kernel.llvm.index("\n}\n")]
    same(c, np.arange(5.0))
    same(c, np.zeros(0))


def test_a_parameter_is_copied_once() -> None:
    b = Builder()
    x = b.param(VECTOR)
    n = dim(b, x, 0)
    (r,) = loop(b, n, [x], lambda k, i, a: [op(k, "set", a, constant(k, 1.0, F64), i)])
    c = Counted(b.function("f", r))
    assert [(k.in_loop, k.type) for k in c.kernel.copies] == [(False, VECTOR)]
    same(c, np.arange(5.0))


def test_a_written_parameter_is_not_copied() -> None:
    b = Builder()
    x = b.param(VECTOR)
    n = dim(b, x, 0)
    (r,) = loop(b, n, [x], lambda k, i, a: [op(k, "add_at", a, constant(k, 1.0, F64), i)])
    c = Counted(b.function("f", r), (0,))
    assert not c.kernel.copies and not calls(c, "alloc")
    same(c, np.arange(5.0))


def test_written_parameters_that_change_places() -> None:
    b = Builder()
    x, y, n = b.param(VECTOR), b.param(VECTOR), b.param(INDEX)
    u, v = loop(b, n, [x, y], lambda k, i, a, c: [c, op(k, "set", a, constant(k, 9.0, F64), integer(k, 0))])
    c = Counted(b.function("f", op(b, "get", u, integer(b, 0)), u, v), (0, 1))
    assert not any(k.in_loop for k in c.kernel.copies)
    for n_ in range(4):
        same(c, np.arange(3.0), np.arange(3.0) + 10, n_)


def test_swap() -> None:
    b = Builder()
    x, n = b.param(VECTOR), b.param(INDEX)
    a, c_ = elements(b, x, doubled), op(b, "full", constant(b, 0.0, F64), dim(b, x, 0), shape=("n",))
    r = loop(b, n, [a, c_], lambda k, i, p, q: [op(k, "set", q, op(k, "get", p, integer(k, 1)), integer(k, 0)), p])
    c = Counted(b.function("f", *r))
    assert not c.kernel.copies
    for n_ in range(4):
        same(c, np.arange(3.0), n_)


def test_a_new_array_each_round() -> None:
    b = Builder()
    x, n = b.param(VECTOR), b.param(INDEX)
    r = loop(b, n, [elements(b, x, doubled)], lambda k, i, a: [elements(k, a, doubled)])
    c = Counted(b.function("f", *r))
    assert not c.kernel.copies
    for n_ in range(4):
        same(c, np.arange(3.0), n_)


def test_scratch_is_allocated_before_the_loop() -> None:
    b = Builder()
    x, n = b.param(VECTOR), b.param(INDEX)

    def body(k: Builder, i: Value, s: Value) -> list[Value]:
        t = elements(k, x, lambda m, e, _: op(m, "add", e, s))
        u = op(k, "full", s, op(k, "add", dim(k, t, 0), integer(k, 1)), shape=("?",))
        return [op(k, "add", op(k, "get", t, integer(k, 0)), op(k, "get", u, integer(k, 1)))]

    c = Counted(b.function("f", *loop(b, n, [constant(b, 1.0, F64)], body)))
    text = c.kernel.llvm[: c.kernel.llvm.index("\n}\n")]
    assert calls(c, "alloc") == 2 and text.rindex("@of.alloc(") < text.index("head")
    for n_ in range(4):
        same(c, np.arange(1.0, 4.0), n_)


def test_scratch_of_a_loop_that_never_runs_may_be_impossible() -> None:
    b = Builder()
    n, size = b.param(INDEX), b.param(INDEX)

    def body(k: Builder, i: Value, s: Value) -> list[Value]:
        return [op(k, "get", op(k, "full", s, size, shape=("?",)), integer(k, 0))]

    c = Counted(b.function("f", *loop(b, n, [constant(b, 1.0, F64)], body)))
    assert c(0, 1 << 60) == (1.0,) and c(0, -1) == (1.0,) and c(3, 2) == (1.0,)
    for impossible in (1 << 60, -1, 1 << 45):
        with pytest.raises(MemoryError):
            c(1, impossible)


def test_lengths_that_overflow() -> None:
    b = Builder()
    n = b.param(INDEX)
    c = Counted(b.function("f", op(b, "empty", n, n, shape=("a", "b"), dtype=F64)))
    with pytest.raises(MemoryError):
        c(1 << 32)
    assert c(3)[0].shape == (3, 3)


def test_a_branch_moves_what_dies_in_it() -> None:
    b = Builder()
    x, flag = b.param(VECTOR), b.param(Scalar(BOOL))
    a = elements(b, x, doubled)
    then, other = b.sub(), b.sub()
    changed = op(then, "set", a, constant(then, 5.0, F64), integer(then, 0))
    (r,) = b.emit(OPS["if"], flag, regions=(then.block(changed), other.block(a)))
    (s,) = b.emit(OPS["if"], flag, regions=(b.sub().block(r), _fresh(b, x)))
    c = Counted(b.function("f", s))
    assert not c.kernel.copies
    same(c, np.arange(3.0), True)
    same(c, np.arange(3.0), False)


def _fresh(b: Builder, x: Value) -> Any:
    side = b.sub()
    return side.block(elements(side, x, doubled))


def test_a_branch_that_chooses_does_not_copy() -> None:
    b = Builder()
    x, y, n = b.param(VECTOR), b.param(VECTOR), b.param(INDEX)
    z = elements(b, y, doubled)

    def body(k: Builder, i: Value, s: Value) -> list[Value]:
        even = op(k, "eq", op(k, "mod", i, integer(k, 2)), integer(k, 0))
        (inner,) = k.emit(OPS["if"], even, regions=(k.sub().block(x), k.sub().block(z)))
        (chosen,) = k.emit(OPS["if"], op(k, "lt", i, integer(k, 2)), regions=(k.sub().block(inner), k.sub().block(y)))
        return [op(k, "add", s, op(k, "get", chosen, integer(k, 0)))]

    (s,) = loop(b, n, [constant(b, 0.0, F64)], body)
    c = Counted(b.function("f", s, op(b, "set", z, s, integer(b, 0))))
    assert not c.kernel.copies
    same(c, np.arange(1.0, 4.0), np.arange(10.0, 13.0), 5)


def test_a_copy_of_what_dies_is_none() -> None:
    b = Builder()
    x = b.param(VECTOR)
    c = Counted(b.function("f", op(b, "copy", elements(b, x, doubled))))
    assert calls(c, "alloc") == 1 and not calls(c, "copy")
    same(c, np.arange(3.0))


def test_an_old_version_read_later_is_kept() -> None:
    b = Builder()
    x = b.param(VECTOR)
    a = elements(b, x, doubled)
    new = op(b, "set", a, constant(b, 7.0, F64), integer(b, 0))
    c = Counted(b.function("f", a, new))
    assert len(c.kernel.copies) == 1
    same(c, np.arange(3.0))


def test_a_read_of_the_old_version_moves_up() -> None:
    """What the simplifier makes of reading another element after a write."""
    b = Builder()
    x, n = b.param(VECTOR), b.param(INDEX)

    def body(k: Builder, i: Value, a: Value, s: Value) -> list[Value]:
        new = op(k, "set", a, s, integer(k, 0))
        old = op(k, "get", a, op(k, "add", integer(k, 0), integer(k, 1)))
        return [new, op(k, "add", s, old)]

    c = Counted(b.function("f", *loop(b, n, [elements(b, x, doubled), constant(b, 1.0, F64)], body)))
    assert not c.kernel.copies
    same(c, np.arange(3.0), 4)


def test_a_read_does_not_pass_the_check_that_guards_it() -> None:
    b = Builder()
    x = b.param(VECTOR)
    a = elements(b, x, doubled)
    new = op(b, "set", a, constant(b, 1.0, F64), integer(b, 0))
    length = dim(b, new, 0)
    at = b.emit1(OPS["index"], op(b, "add", length, integer(b, 1 << 40)), dim(b, new, 0), axis=0, checked=True)
    c = Counted(b.function("f", new, op(b, "get", a, at)))
    with pytest.raises(IndexError, match=f"index {(1 << 40) + 3} is out of bounds for axis 0 with size 3"):
        c(np.arange(3.0))


@pytest.mark.parametrize("n", range(4))
def test_small_arrays_in_registers(n: int) -> None:
    b = Builder()
    p, q, n_ = b.param(TRIPLE), b.param(TRIPLE), b.param(INDEX)

    def body(k: Builder, i: Value, a: Value, c: Value) -> list[Value]:
        return [c, op(k, "set", a, op(k, "add", op(k, "get", c, integer(k, 0)), constant(k, 1.0, F64)), integer(k, 1))]

    c = Counted(b.function("f", *loop(b, n_, [p, q], body)))
    kernel = c.kernel.optimised_llvm()
    kernel = kernel[kernel.index("@of.kernel(") :]
    assert "alloca" not in kernel[: kernel.index("\n}\n")] and not c.kernel.copies
    same(c, np.arange(3.0), np.arange(3.0) + 10, n)


def test_an_error_frees_everything() -> None:
    b = Builder()
    x, n = b.param(VECTOR), b.param(INDEX)
    a = elements(b, x, doubled)

    def body(k: Builder, i: Value, s: Value) -> list[Value]:
        t = elements(k, x, doubled)
        k.emit(OPS["assert"], op(k, "lt", i, integer(k, 3)), i, op(k, "get", t, integer(k, 0)), error="ZeroDivisionError", message="round {0}: {1}")
        u = op(k, "full", s, op(k, "add", i, integer(k, 1)), shape=("?",))
        return [op(k, "get", u, i)]

    (s,) = loop(b, n, [constant(b, 1.0, F64)], body)
    c = Counted(b.function("f", a, s))
    same(c, np.arange(1.0, 3.0), 3)
    with pytest.raises(ZeroDivisionError, match=r"round 3: 2\.0"):
        c(np.arange(1.0, 3.0), 4)


def test_boundscheck_off() -> None:
    b = Builder()
    x, i = b.param(VECTOR), b.param(INDEX)
    at = b.emit1(OPS["index"], i, dim(b, x, 0), axis=0, checked=True)
    f = b.function("f", op(b, "get", x, at))
    c = Counted(f, boundscheck=False)
    assert not c.kernel.sites and c(np.arange(4.0), -1) == (3.0,)
    checked = Counted(f)
    for bad in (4, -5):
        with pytest.raises(IndexError, match=f"index {bad} is out of bounds for axis 0 with size 4"):
            checked(np.arange(4.0), bad)


@pytest.mark.parametrize(("shift", "stride"), [(0, 1), (2, 1), (-1, 1), (0, -1), (5, -1), (1, 3)])
def test_checks_leave_the_loop(shift: int, stride: int) -> None:
    """Before the loop it is known whether all its checks hold; if not, the first that fails raises as ever."""
    b = Builder()
    x, y, n = b.param(VECTOR), b.param(Array(F64, ("m",))), b.param(INDEX)
    out = op(b, "copy", y)

    def body(k: Builder, i: Value, a: Value) -> list[Value]:
        at = k.emit1(OPS["index"], op(k, "add", op(k, "mul", i, integer(k, stride)), integer(k, shift)), dim(k, x, 0), axis=0, checked=True)
        to = k.emit1(OPS["index"], i, dim(k, a, 0), axis=0, checked=True)
        return [op(k, "set", a, doubled(k, op(k, "get", x, at), i), to)]

    f = b.function("f", *loop(b, n, [out], body))
    c = Counted(f)
    assert " x double>" in c.kernel.optimised_llvm() or shift < 0  # the first index of those is always the last element
    for size in (0, 1, 4, 7, 40):
        for trips in (-1, 0, 1, 4, 5, 12, 50, 1 << 62):
            args = np.arange(float(size)), np.arange(13.0), trips
            try:
                expected: Any = interpret(f, *args) if trips < 100 else None
            except IndexError as e:
                expected = str(e)
            if isinstance(expected, tuple):
                np.testing.assert_array_equal(c(*args)[0], expected[0])
            else:
                with pytest.raises(IndexError, match=expected or "out of bounds"):
                    c(*args)


@pytest.mark.parametrize("reduce", ["", "add"])
def test_checks_leave_a_constructor(reduce: str) -> None:
    """Two indices at once: x[i + j] with an x of any length."""
    b = Builder()
    x, n, m = b.param(VECTOR), b.param(INDEX), b.param(INDEX)
    body = b.sub()
    i, j = body.param(INDEX), body.param(INDEX)
    at = body.emit1(OPS["index"], op(body, "add", i, j), dim(body, x, 0), axis=0, checked=True)
    region = body.block(doubled(body, op(body, "get", x, at), i))
    out = op(b, "build", n, m, regions=(region,), shape=("n2",) if reduce else ("n2", "m2"), extent=("m2",) if reduce else (), reduce=reduce)
    f = b.function("f", out)
    c = Counted(f)
    assert " x double>" in c.kernel.optimised_llvm()
    for size in (0, 1, 5, 40):
        for shape in ((0, 3), (1, 1), (2, 4), (3, 3), (20, 21), (20, 22)):
            args = np.arange(float(size)), *shape
            try:
                expected = interpret(f, *args)[0]
            except IndexError as e:
                with pytest.raises(IndexError, match=str(e)):
                    c(*args)
            else:
                np.testing.assert_array_equal(c(*args)[0], expected)


def test_an_assumption_names_a_value_once() -> None:
    """LLVM 22 loses count of one that names a value twice (its pass drop-unnecessary-assumes), and ends the process."""

    def turns(a, b, c, n):
        for _ in range(n):
            a, b, c = c, a + 1.0, b
        return a.sum() + 2.0 * b.sum() - c.sum()

    x = np.arange(20.0)
    text = of.lower(turns)(x, x * 2.0, x * 3.0, 7).llvm()
    pairs = re.findall(r"llvm.assume\(i1 true\) \[(.*)\]", text)
    assert pairs and all(len(names) == len(set(names)) for names in (re.findall(r"ptr (%\S+?)[,)]", p) for p in pairs))
    assert of.jit(turns)(x, x * 2.0, x * 3.0, 7) == turns(x, x * 2.0, x * 3.0, 7)
