"""Recursive functions from text: what they take, give, read from around them and write to; depth, errors, memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oneform import transforms
from oneform.errors import Location
from oneform.ir import Builder, Function, Value, interpret, parse, verify
from oneform.ops import OPS, constant, integer, make
from oneform.ops.control import recur, recursive
from oneform.optimise import optimise
from oneform.types import F64, I64, Array, List, Scalar
from tests.agreement import agree, both
from tests.codegen.driver import Compiled, Counted

N, K = Scalar(F64), Scalar(I64)


def program(head: str, *lines: str) -> Function:
    return verify(parse("oneform 1\nfunction f(" + head + ") {\n" + "\n".join(lines) + "\n}\n", OPS))


FACTORIAL = (
    "%10: i64 = const {value=0, dtype=i64}",
    "%11: i64 = const {value=1, dtype=i64}",
    '%2: f64 = recursive %0, %1 {name="f", types=(<f64>,)}',
    "  region(%3: f64, %4: i64) {",
    "    %5: bool = le %4, %10",
    "    %6: f64 = if %5",
    "      region() { ",
    "        yield %3",
    "      }",
    "      region() {",
    "        %7: i64 = sub %4, %11",
    "        %12: f64 = sin %3",
    '        %8: f64 = recur %12, %7 {name="f", types=(<f64>,)}',
    "        %9: f64 = mul %8, %3",
    "        yield %9",
    "      }",
    "    yield %6",
    "  }",
    "return %2",
)


def test_a_function_that_calls_itself() -> None:
    f = program("%0: f64, %1: i64", *FACTORIAL)
    agree(f, [np.float64(0.9), np.int64(5)], [0], [0])
    agree(f, [np.float64(0.9), np.int64(0)], [0], [0])


def test_an_inner_function_calls_the_outer_one_and_reads_its_values() -> None:
    """Mutual recursion: g is defined inside f, reads f's parameters and the array around both, and calls f."""
    f = program(
        "%0: f64, %1: i64, %2: f64[n]",
        "%3: i64 = const {value=0, dtype=i64}",
        "%4: i64 = const {value=1, dtype=i64}",
        '%5: f64 = recursive %0, %1 {name="f", types=(<f64>,)}',
        "  region(%6: f64, %7: i64) {",
        "    %8: f64 = get %2, %7",
        '    %9: f64 = recursive %7 {name="g", types=(<f64>,)}',
        "      region(%10: i64) {",
        "        %11: bool = gt %10, %3",
        "        %12: f64 = if %11",
        "          region() {",
        "            %13: i64 = sub %10, %4",
        '            %14: f64 = recur %13 {name="g", types=(<f64>,)}',
        "            %15: f64 = mul %14, %8",
        "            %16: f64 = sin %6",
        '            %17: f64 = recur %16, %13 {name="f", types=(<f64>,)}',
        "            %18: f64 = add %15, %17",
        "            yield %18",
        "          }",
        "          region() {",
        "            yield %6",
        "          }",
        "        yield %12",
        "      }",
        "    %19: f64 = mul %9, %8",
        "    yield %19",
        "  }",
        "return %5",
    )
    agree(f, [np.float64(0.9), np.int64(4), np.array([0.3, 0.8, -0.4, 0.7, 1.1])], [0, 2], [0])


def test_the_innermost_function_of_a_name_counts() -> None:
    b = Builder()
    x, n = b.param(N), b.param(K)

    def countdown(out: Builder, op: str, start: Value, inner: Any) -> Value:
        body = out.sub()
        y, k = body.param(N), body.param(K)
        then, other = body.sub(), body.sub()
        z = inner(then, y, k)
        z = then.emit1(recur, z, then.emit1(OPS["sub"], k, integer(then, 1)), name="f", types=(N,))
        value = body.emit1(OPS["if"], body.emit1(OPS["gt"], k, integer(body, 0)), regions=(then.block(then.emit1(OPS[op], z)), other.block(y)))
        return out.emit1(recursive, start, n, regions=(body.block(value),), name="f", types=(N,))

    y = countdown(b, "sin", x, lambda then, y, k: countdown(then, "cos", y, lambda _, v, __: v))
    f = verify(b.function("f", y))
    agree(f, [np.float64(0.4), np.int64(3)], [0], [0])


def filled(in_place: bool) -> Function:
    """Each call writes one element of an array, or of a list of them."""
    b = Builder()
    x, n = b.param(N), b.param(K)
    t = Array(F64, ("?",)) if in_place else List((N,))
    start = make.full(b, x, ("?",), [n]) if in_place else make.repeated(b, n, [x], (N,))
    body = b.sub()
    a, k, y = body.param(t), body.param(K), body.param(N)
    then, other = body.sub(), body.sub()
    at = then.emit1(OPS["sub"], k, integer(then, 1))
    z = then.emit1(OPS["sin"], y)
    changed = make.put(then, a, z, [at]) if in_place else make.put_item(then, a, z, [at], (0,))
    (more,) = then.emit(recur, changed, at, z, name="fill", types=(t,))
    done = body.emit1(OPS["if"], body.emit1(OPS["gt"], k, integer(body, 0)), regions=(then.block(more), other.block(a)))
    out = b.emit1(recursive, start, n, x, regions=(body.block(done),), name="fill", types=(t,))
    loop = b.sub()
    j, s = loop.param(K), loop.param(N)
    e = make.get(loop, out, [j]) if in_place else make.item(loop, out, [j], (0,))
    total = b.emit1(OPS["for"], n, x, regions=(loop.block(loop.emit1(OPS["add"], loop.emit1(OPS["mul"], s, e), e)),))
    return verify(b.function("f", total))


@pytest.mark.parametrize("in_place", [True, False])
def test_memory_that_every_call_writes_to_is_never_copied(in_place: bool) -> None:
    f = filled(in_place)
    for g in (f, optimise(f)):
        assert not [c for c in Compiled(g).kernel.copies if c.in_loop]
    agree(f, [np.float64(0.9), np.int64(6)], [0], [0])
    agree(f, [np.float64(0.9), np.int64(0)], [0], [0])


@pytest.mark.parametrize("last", [True, False])
def test_memory_that_some_calls_leave_as_it_is_is_never_copied(last: bool) -> None:
    """A tree walk that ends at None: the first branch gives the list back, the other hands it through two calls; then it is pushed to, or was."""
    b = Builder()
    n, t = b.param(K), List((K,))
    body = b.sub()
    k, kept = body.param(K), body.param(t)
    then, other = body.sub(), body.sub()
    below = other.emit1(OPS["sub"], k, integer(other, 1))
    (first,) = other.emit(recur, below, kept, name="walk", types=(t,))
    (second,) = other.emit(recur, below, first, name="walk", types=(t,))
    changed = second if last else make.push(other, second, (), (), [k])
    found = body.emit1(OPS["if"], body.emit1(OPS["le"], k, integer(body, 0)), regions=(then.block(kept), other.block(changed)))
    found = make.push(body, found, (), (), [k]) if last else found
    out = b.emit1(recursive, n, make.rows(b, (K,)), regions=(body.block(found),), name="walk", types=(t,))
    f = verify(b.function("f", make.size(b, out, (), ())))
    for g in (f, optimise(f)):
        assert not [c for c in Compiled(g).kernel.copies if c.in_loop]
    both(f, np.int64(5))


def test_lists_that_calls_push_to_and_pop_from() -> None:
    """A stack as parameter and result: each call pushes two rows, and pops one of them after the inner call."""
    b = Builder()
    x, n = b.param(N), b.param(K)
    t = List((N, Array(F64, (2,))))
    body = b.sub()
    s, k, y = body.param(t), body.param(K), body.param(N)
    then, other = body.sub(), body.sub()
    grown = s
    for factor in (0.5, 0.9):
        v = then.emit1(OPS["mul"], y, constant(then, factor, F64))
        grown = make.push(then, grown, [], (), [v, make.full(then, v, (2,), [])])
    less = then.emit1(OPS["sub"], k, integer(then, 1))
    z, deeper = then.emit(recur, grown, less, then.emit1(OPS["sin"], y), name="walk", types=(N, t))
    shorter, top, pair = make.pop(then, deeper, [], ())
    z = then.emit1(OPS["add"], then.emit1(OPS["mul"], z, top), make.get(then, pair, [integer(then, 1)]))
    c = body.emit1(OPS["gt"], k, integer(body, 0))
    outs = body.emit(OPS["if"], c, regions=(then.block(z, shorter), other.block(y, s)))
    z, s = b.emit(recursive, b.emit1(OPS["list"], items=t.items), n, x, regions=(body.block(*outs),), name="walk", types=(N, t))
    f = verify(b.function("f", z, make.size(b, s, [], ())))
    agree(f, [np.float64(0.9), np.int64(4)], [0], [0])
    assert interpret(f, 0.9, 40)[1] == Counted(f)(0.9, 40)[1] == 40


# ---------------------------------------------------------------- depth


def test_a_million_calls_deep() -> None:
    """In both modes; the stack goes on in memory of its own."""
    f = program("%0: f64, %1: i64", *FACTORIAL)
    x, product = 0.9, 1.0
    for _ in range(20):
        product, x = product * x, np.sin(x)
    assert Counted(f)(0.9, 20)[0] == pytest.approx(x * product)
    reverse, forward = optimise(transforms.vjp(f, [0], [0])), optimise(transforms.jvp(f, [0]))
    y, dx = Counted(reverse)(0.999, 1_000_000, 1.0)
    assert (y, dx) == pytest.approx(Counted(forward)(0.999, 1_000_000, 1.0))
    assert np.isfinite(dx)


ENDLESS = (
    '%1: f64 = recursive %0 {name="f", types=(<f64>,)}',
    "  region(%2: f64) {",
    "    %3: f64 = sin %2",
    "    %4: f64[8] = full %3 {shape=(8,)}",
    '    %5: f64 = recur %3 {name="f", types=(<f64>,)}',
    "    %6: i64 = const {value=3, dtype=i64}",
    "    %7: f64 = get %4, %6",
    "    %8: f64 = mul %5, %7",
    "    yield %8",
    "  }",
    "return %1",
)


def test_an_endless_recursion_is_an_error() -> None:
    f = program("%0: f64", *ENDLESS)
    with pytest.raises(RecursionError):
        interpret(f, 0.5)
    run = Counted(f)
    for _ in range(2):
        with pytest.raises(RecursionError, match="maximum recursion depth exceeded"):
            run(0.5)
    for g in (transforms.jvp(f, [0]), transforms.vjp(f, [0], [0])):
        with pytest.raises(RecursionError):
            Counted(optimise(g))(0.5, 1.0)


HERE = Location("user.py", 3, 4, 9, "    return f(x - 1)", "f")


def test_an_error_deep_inside_leaves_nothing_behind() -> None:
    """Each call holds a list and an array when the innermost one fails."""
    b = Builder(HERE)
    x, n = b.param(N), b.param(K)
    body = b.sub()
    y, k = body.param(N), body.param(K)
    s = make.push(body, make.rows(body, (N, Array(F64, ("?",)))), [], (), [y, make.full(body, y, ("?",), [integer(body, 100)])])
    make.check(body, body.emit1(OPS["gt"], k, integer(body, 0)), "ValueError", "too deep")
    less = body.emit1(OPS["sub"], k, integer(body, 1))
    z = body.emit1(recur, body.emit1(OPS["sin"], y), less, name="f", types=(N,))
    out = body.emit1(OPS["add"], z, make.item(body, s, [integer(body, 0), integer(body, 7)], (1,)))
    f = verify(b.function("f", b.emit1(recursive, x, n, regions=(body.block(out),), name="f", types=(N,))))
    for g in (f, optimise(f), transforms.vjp(f, [0], [0]), transforms.jvp(f, [0])):
        run = Counted(g)
        for depth in (0, 5, 20_000):
            with pytest.raises(ValueError, match="too deep"):
                run(0.5, depth, *([1.0] if len(g.params) > 2 else []))
        assert {s.loc for s in run.kernel.sites} == {HERE}


def test_values_of_every_kind_are_read_from_around_the_function() -> None:
    b = Builder()
    x, n = b.param(N), b.param(K)
    a = b.param(Array(F64, ("m",)))
    small = b.param(Array(F64, (3,)))
    s = make.push(b, make.rows(b, (N, Array(F64, ("?",)))), [], (), [x, make.copy(b, a)])
    body = b.sub()
    k = body.param(K)
    then, other = body.sub(), body.sub()
    at = then.emit1(OPS["sub"], k, integer(then, 1))
    z = then.emit1(recur, at, name="f", types=(N,))
    first, second = integer(then, 0), integer(then, 1)
    for v in (make.get(then, a, [at]), make.get(then, small, [second]), make.item(then, s, [first, at], (1,)), make.item(then, s, [first], (0,))):
        z = then.emit1(OPS["sin"], then.emit1(OPS["add"], then.emit1(OPS["mul"], z, v), v))
    c = body.emit1(OPS["gt"], k, integer(body, 0))
    value = body.emit1(OPS["if"], c, regions=(then.block(z), other.block(x)))
    f = verify(b.function("f", b.emit1(recursive, n, regions=(body.block(value),), name="f", types=(N,))))
    args = [np.float64(0.4), np.int64(3), np.array([0.2, 0.5, -0.7, 0.1]), np.array([0.3, 0.6, 0.9])]
    agree(f, args, [0, 2, 3], [0])
    both(f, args[0], np.int64(0), *args[2:])
