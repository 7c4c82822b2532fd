"""Each operation on lists, at every kind of path: against Python's own lists, in both modes, to second order; and what is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from oneform.errors import CompileError, Location
from oneform.ir import Builder, Function, Value, interpret, parse, show, verify
from oneform.ops import OPS, constant, integer, zeros
from oneform.ops.lists import tangent_fields, tangent_list
from oneform.optimise import optimise
from oneform.transforms import jvp
from oneform.types import ANY, BOOL, C128, F64, I32, I64, Array, List, Scalar, Type, carries_derivative
from tests.agreement import agree, both
from tests.codegen.driver import Compiled, Counted

N, K = Scalar(F64), Scalar(I64)
V3, VN, M = Array(F64, (3,)), Array(F64, (ANY,)), Array(F64, (ANY, 2))
NUMBERS = List((N,))
MIXED = List((N, K, V3, VN))
NESTED = List((K, NUMBERS, N))
DEEP = List((List((VN, List((K, N)))), M))
Rows = list[list[Any]]

STARTS: dict[List, Rows] = {
    NUMBERS: [[0.3], [-0.7], [1.1]],
    MIXED: [[0.1, 4, np.array([0.2, 0.4, 0.8]), np.array([0.5])], [0.9, -2, np.array([-0.3, 0.6, 0.7]), np.array([0.25, -0.75])]],
    NESTED: [[1, [[0.2], [0.4]], 0.6], [2, [], -0.8], [3, [[1.2]], 0.35]],
    DEEP: [
        [[[np.array([0.1, 0.2]), [[5, 0.3], [6, 0.4]]], [np.array([0.7]), []]], np.array([[0.5, 0.6]])],
        [[], np.array([[0.15, 0.25], [0.35, 0.45]])],
    ],
}  # fmt: skip

# ---------------------------------------------------------------- programs from Python's values


@dataclass
class Maker:
    """Emits instructions that make values; the floats among them are functions of the elements of one parameter, so that they have derivatives."""

    b: Builder
    numbers: Value
    floats: list[float]
    integers: list[Value]
    indices: list[int]

    def index(self, k: int) -> Value:
        """As a parameter, so that the optimiser does not know it."""
        self.indices.append(k)
        self.integers.append(self.b.param(K))
        return self.integers[-1]

    def value(self, x: Any, t: Type) -> Value:
        b = self.b
        if isinstance(t, List):
            s = b.emit1(OPS["list"], items=t.items)
            for row in x:
                s = b.emit1(OPS["push"], s, *(self.value(v, i) for v, i in zip(row, t.items, strict=True)))
            return s
        if isinstance(t, Array):
            a = zeros(b, t.dtype, t.shape, [integer(b, n) for n, d in zip(x.shape, t.shape, strict=True) if not isinstance(d, int)])
            for at in np.ndindex(x.shape):
                a = b.emit1(OPS["set"], a, self.value(float(x[at]), N), *(integer(b, k) for k in at))
            return a
        if t == K:
            return self.index(int(x))
        self.floats.append(x)
        return b.emit1(OPS["sin"], b.emit1(OPS["get"], self.numbers, integer(b, len(self.floats) - 1)))

    def parts(self, v: Value, x: Any) -> list[Value]:
        """All numbers in a value, whose structure x has, and all lengths."""
        b = self.b
        if isinstance(v.type, Scalar):
            return [b.emit1(OPS["sin"], v) if v.type == N else v]
        if isinstance(v.type, Array):
            lengths = [b.emit1(OPS["dim"], v, axis=k) for k in range(v.type.rank)]
            return [*lengths, *(b.emit1(OPS["sin"], b.emit1(OPS["get"], v, *(integer(b, k) for k in at))) for at in np.ndindex(x.shape))]
        return self.rows(v, x, v.type, (), [])

    def rows(self, v: Value, rows: Rows, t: List, fields: tuple[int, ...], at: list[Value]) -> list[Value]:
        b = self.b
        out = [b.emit1(OPS["size"], v, *at, fields=fields, axis=0)]
        for k, row in enumerate(rows):
            for f, (x, i) in enumerate(zip(row, t.items, strict=True)):
                path, here = (*fields, f), [*at, integer(b, k)]
                if isinstance(i, List):
                    out += self.rows(v, x, i, path, here)
                elif isinstance(i, Array):
                    out += [b.emit1(OPS["size"], v, *here, fields=path, axis=axis) for axis in range(i.rank)]
                    out += [b.emit1(OPS["sin"], b.emit1(OPS["item"], v, *here, *(integer(b, j) for j in e), fields=path)) for e in np.ndindex(x.shape)]
                else:
                    found = b.emit1(OPS["item"], v, *here, fields=path)
                    out.append(b.emit1(OPS["sin"], found) if i == N else found)
        return out


def numbers_in(x: Any) -> list[float]:
    """What `Maker.parts` gives, computed by Python. The floats of x are those of the operands, so their sines were taken."""
    if isinstance(x, list):
        return [len(x), *(p for row in x for v in row for p in numbers_in(v))]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(x, np.ndarray):
        return [*x.shape, *np.sin(x.ravel())]
    return [float(np.sin(x)) if isinstance(x, float) else x]


def sines(x: Any) -> Any:
    if isinstance(x, list):
        return [[sines(v) for v in row] for row in x]  # pyright: ignore[reportUnknownVariableType]
    return x if isinstance(x, int) else np.sin(x) if isinstance(x, np.ndarray) else float(np.sin(x))


@dataclass(frozen=True)
class Case:
    """`op` on a list of the type, at a path: `fields`, `at` (row indices, then those of an element). `change` does it to Python's lists and
    returns what else the operation gives."""

    op: str
    type: List
    fields: tuple[int, ...]
    at: tuple[int, ...]
    given: tuple[tuple[Any, Type], ...]
    change: Callable[..., Sequence[Any]]
    axis: int | None = None

    @property
    def name(self) -> str:
        return f"{self.op}-{list(STARTS).index(self.type)}-{'.'.join(map(str, self.fields))}-{'.'.join(map(str, self.at))}"

    def program(self) -> tuple[Function, list[Any], list[float]]:
        """The operation between making its operands and taking its results to pieces; arguments; expected results."""
        b = Builder()
        m = Maker(b, b.param(Array(F64, ("n",))), [], [], [])
        s = m.value(STARTS[self.type], self.type)
        given = [m.value(x, t) for x, t in self.given]
        at = [m.index(k) for k in self.at]
        attrs: dict[str, Any] = {"fields": self.fields} if self.fields or self.op not in ("push", "pop") else {}
        if self.axis is not None:
            attrs["axis"] = self.axis
        if self.op == "repeat":
            attrs = {"items": self.type.items}
            outs = b.emit(OPS["repeat"], *at, *given, **attrs)
        elif self.op == "like":
            outs = b.emit(OPS["like"], s, items=self.type.items)
        elif self.op in ("push", "pop", "size", "item"):
            outs = b.emit(OPS[self.op], s, *at, *given, **attrs)
        else:
            outs = b.emit(OPS[self.op], s, *given, *at, **attrs)
        rows = copy.deepcopy(sines(STARTS[self.type]))
        results = list(self.change(rows, *(sines(x) for x, _ in self.given)))
        if self.op not in ("size", "item", "like", "repeat"):
            results = [rows, *results]
        parts = [p for v, x in zip(outs, results, strict=True) for p in m.parts(v, x)]
        again = [] if self.op in ("size", "item", "like", "repeat") else m.parts(s, STARTS[self.type])  # the old list is what it was
        expected = [n for x in results for n in numbers_in(x)] + ([] if not again else numbers_in(sines(STARTS[self.type])))
        return verify(b.function("f", *parts, *again)), [np.array(m.floats), *(np.int64(k) for k in m.indices)], expected


def done(*_: Any) -> list[Any]:
    """For changes that are statements in Python."""
    return []


def written(rows: Rows, k: int, f: int, v: Any) -> list[Any]:
    old, rows[k][f] = rows[k][f], v
    return [old]


def set_number(rows: Rows, k: int, f: int, v: Any) -> list[Any]:
    rows[k][f] = v
    return []


def set_element(a: Any, at: Any, v: Any) -> list[Any]:
    a[at] = v
    return []


def added(rows: Any, k: Any, v: Any) -> list[Any]:
    rows[k] = rows[k] + v
    return []


def sum_of(x: Any, y: Any) -> Any:
    return [[sum_of(p, q) for p, q in zip(a, b, strict=True)] for a, b in zip(x, y, strict=True)] if isinstance(x, list) else x + y


def grown(rows: Rows, *row: Any) -> list[Any]:
    rows.append(list(row))
    return []


def added_rows(rows: Any, v: Any) -> list[Any]:
    rows[:] = sum_of(rows, v)
    return []


def no_integers(x: Any) -> Any:
    """Zeros for what has a derivative."""
    return [[no_integers(v) for v in row if not isinstance(v, int)] for row in x] if isinstance(x, list) else x * 0


def added_numbers(s: list[list[float]], v: Any) -> list[Any]:
    s[:] = sum_of(s, v)
    return []


A2, A3 = np.array([0.11, -0.22]), np.array([0.33, 0.44, 0.55])
TWO = [[0.21], [0.31]]
CASES = [
    Case("push", NUMBERS, (), (), ((0.5, N),), grown),
    Case("push", MIXED, (), (), ((0.5, N), (7, K), (A3, V3), (A2, VN)), grown),
    Case("push", NESTED, (), (), ((9, K), (TWO, NUMBERS), (0.15, N)), grown),
    Case("push", NESTED, (1,), (1,), ((0.5, N),), lambda s, v: grown(s[1][1], v)),
    Case("push", DEEP, (0,), (1,), ((A2, VN), ([[8, 0.1]], List((K, N)))), lambda s, *row: grown(s[1][0], *row)),
    Case("push", DEEP, (0, 1), (0, 1), ((8, K), (0.1, N)), lambda s, *row: grown(s[0][0][1][1], *row)),
    Case("pop", NUMBERS, (), (), (), lambda s: s.pop()),
    Case("pop", MIXED, (), (), (), lambda s: s.pop()),
    Case("pop", NESTED, (), (), (), lambda s: s.pop()),
    Case("pop", DEEP, (), (), (), lambda s: s.pop()),
    Case("pop", NESTED, (1,), (0,), (), lambda s: s[0][1].pop()),
    Case("pop", DEEP, (0,), (0,), (), lambda s: s[0][0].pop()),
    Case("pop", DEEP, (0, 1), (0, 0), (), lambda s: s[0][0][0][1].pop()),
    Case("size", NUMBERS, (), (), (), lambda s: [len(s)], 0),
    Case("size", MIXED, (3,), (1,), (), lambda s: [2], 0),
    Case("size", MIXED, (2,), (1,), (), lambda s: [3], 0),
    Case("size", NESTED, (1,), (1,), (), lambda s: [0], 0),
    Case("size", DEEP, (1,), (1,), (), lambda s: [2], 1),
    Case("size", DEEP, (0, 1), (0, 0), (), lambda s: [2], 0),
    Case("size", DEEP, (0, 0), (0, 1), (), lambda s: [1], 0),
    Case("item", NUMBERS, (0,), (2,), (), lambda s: [s[2][0]]),
    Case("item", MIXED, (1,), (1,), (), lambda s: [s[1][1]]),
    Case("item", MIXED, (2,), (1,), (), lambda s: [s[1][2]]),
    Case("item", MIXED, (3,), (1,), (), lambda s: [s[1][3]]),
    Case("item", MIXED, (2,), (1, 2), (), lambda s: [float(s[1][2][2])]),
    Case("item", MIXED, (3,), (1, 1), (), lambda s: [float(s[1][3][1])]),
    Case("item", NESTED, (1,), (0,), (), lambda s: [s[0][1]]),
    Case("item", NESTED, (1, 0), (0, 1), (), lambda s: [s[0][1][1][0]]),
    Case("item", DEEP, (0,), (0,), (), lambda s: [s[0][0]]),
    Case("item", DEEP, (1,), (1, 1, 0), (), lambda s: [float(s[1][1][1, 0])]),
    Case("item", DEEP, (0, 0), (0, 0, 1), (), lambda s: [float(s[0][0][0][0][1])]),
    Case("item", DEEP, (0, 1, 1), (0, 0, 1), (), lambda s: [s[0][0][0][1][1][1]]),
    Case("put", NUMBERS, (0,), (1,), ((0.5, N),), lambda s, v: set_number(s, 1, 0, v)),
    Case("put", MIXED, (1,), (0,), ((5, K),), lambda s, v: set_number(s, 0, 1, v)),
    Case("put", MIXED, (2,), (0, 2), ((0.5, N),), lambda s, v: set_element(s[0][2], 2, v)),
    Case("put", MIXED, (3,), (1, 0), ((0.5, N),), lambda s, v: set_element(s[1][3], 0, v)),
    Case("put", NESTED, (1, 0), (2, 0), ((0.5, N),), lambda s, v: set_number(s[2][1], 0, 0, v)),
    Case("put", DEEP, (1,), (1, 0, 1), ((0.5, N),), lambda s, v: set_element(s[1][1], (0, 1), v)),
    Case("put", DEEP, (0, 0), (0, 0, 1), ((0.5, N),), lambda s, v: set_element(s[0][0][0][0], 1, v)),
    Case("put", DEEP, (0, 1, 1), (0, 0, 1), ((0.5, N),), lambda s, v: set_number(s[0][0][0][1], 1, 1, v)),
    Case("add_item", NUMBERS, (0,), (1,), ((0.5, N),), lambda s, v: added(s[1], 0, v)),
    Case("add_item", MIXED, (2,), (0,), ((A3, V3),), lambda s, v: added(s[0], 2, v)),
    Case("add_item", MIXED, (3,), (1,), ((A2, VN),), lambda s, v: added(s[1], 3, v)),
    Case("add_item", MIXED, (3,), (1, 0), ((0.5, N),), lambda s, v: added(s[1][3], 0, v)),
    Case("add_item", NESTED, (1,), (0,), ((TWO, NUMBERS),), lambda s, v: added_numbers(s[0][1], v)),
    Case("add_item", NESTED, (1, 0), (2, 0), ((0.5, N),), lambda s, v: added(s[2][1][0], 0, v)),
    Case("add_item", DEEP, (0, 1, 1), (0, 0, 1), ((0.5, N),), lambda s, v: added(s[0][0][0][1][1], 1, v)),
    Case("add_item", NUMBERS, (), (), (([[0.1], [0.2], [0.4]], NUMBERS),), added_rows),
    Case("swap", MIXED, (2,), (0,), ((A3, V3),), lambda s, v: written(s, 0, 2, v)),
    Case("swap", MIXED, (3,), (0,), ((A2, VN),), lambda s, v: written(s, 0, 3, v)),
    Case("swap", NESTED, (1,), (0,), (([[0.5]], NUMBERS),), lambda s, v: written(s, 0, 1, v)),
    Case("swap", NESTED, (1,), (1,), ((TWO, NUMBERS),), lambda s, v: written(s, 1, 1, v)),
    Case("swap", DEEP, (0, 0), (0, 1), ((A2, VN),), lambda s, v: written(s[0][0], 1, 0, v)),
    Case("swap", DEEP, (0, 1), (0, 0), (([[1, 0.9]], List((K, N))),), lambda s, v: written(s[0][0], 0, 1, v)),
    Case("like", NUMBERS, (), (), (), lambda s: [no_integers(s)]),
    Case("like", MIXED, (), (), (), lambda s: [no_integers(s)]),
    Case("like", NESTED, (), (), (), lambda s: [no_integers(s)]),
    Case("like", DEEP, (), (), (), lambda s: [no_integers(s)]),
    Case("repeat", NUMBERS, (), (3,), ((0.5, N),), lambda s, v: [[[v], [v], [v]]]),
    Case("repeat", NUMBERS, (), (-2,), ((0.5, N),), lambda s, v: [[]]),
]  # fmt: skip
every_case = pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)


@every_case
def test_meaning_and_derivatives(case: Case) -> None:
    f, args, expected = case.program()
    np.testing.assert_allclose([float(x) for x in interpret(f, *args)], expected, rtol=1e-14)
    floats = [k for k, r in enumerate(f.results) if r.type == N]
    if case.op in ("size", "like"):
        both(f, *args)
        return
    agree(f, args, [0], floats, compiled=1)


@every_case
def test_forward_mode_is_linear(case: Case) -> None:
    """A tangent of zero gives zero, whatever is in the list: nothing of the primal leaks into it."""
    f, args, _ = case.program()
    results = interpret(jvp(f, [0]), *args, np.zeros_like(args[0]))
    assert not any(float(t) for t in results[len(f.results) :])


def test_repeated_rows_with_small_arrays() -> None:
    t = List((N, Array(F64, (2,)), K))
    b = Builder()
    m = Maker(b, b.param(Array(F64, ("n",))), [], [], [])
    row = [m.value(x, i) for x, i in zip((0.5, A2, 3), t.items, strict=True)]
    s = b.emit1(OPS["repeat"], m.index(2), *row, items=t.items)
    f = verify(b.function("f", *m.parts(s, [[0.5, A2, 3]] * 2)))
    floats = [k for k, r in enumerate(f.results) if r.type == N]
    agree(f, [np.array(m.floats), *(np.int64(k) for k in m.indices)], [0], floats)


# ---------------------------------------------------------------- lists in control flow, growth, freeing

GROW = """oneform 1
function f(%0: f64, %1: i64) {
  %2: list<f64, i64> = list {items=(<f64>, <i64>)}
  %3: f64, %4: list<f64, i64> = for %1, %0, %2
    region(%5: i64, %6: f64, %7: list<f64, i64>) {
      %8: f64 = sin %6
      %9: list<f64, i64> = push %7, %8, %5
      yield %8, %9
    }
  %10: f64 = const {value=0.0, dtype=f64}
  %11: i64 = size %4 {fields=(), axis=0}
  %12: f64, %13: list<f64, i64> = for %11, %10, %4
    region(%14: i64, %15: f64, %16: list<f64, i64>) {
      %17: list<f64, i64>, %18: f64, %19: i64 = pop %16
      %20: f64 = convert %19 {dtype=f64}
      %21: f64 = mul %18, %20
      %22: f64 = add %15, %21
      yield %22, %17
    }
  return %12
}
"""


@pytest.mark.parametrize("n", [0, 1, 31, 32, 33, 1000])
def test_growth(n: int) -> None:
    """Across the sizes at which a list gets new memory."""
    f = verify(parse(GROW, OPS))
    x, total = 0.9, 0.0
    for k in range(n):
        x = np.sin(x)
        total += x * k
    for g in (f, optimise(f)):
        assert Counted(g)(0.9, n)[0] == pytest.approx(total)
    if n <= 33:
        agree(f, [np.float64(0.9), np.int64(n)], [0], [0])


def test_lists_of_complex_and_narrow_numbers() -> None:
    t = List((Scalar(C128), Scalar(I32), Scalar(BOOL), Scalar(C128)))
    b = Builder()
    z, k, c = b.param(Scalar(C128)), b.param(Scalar(I32)), b.param(Scalar(BOOL))
    s = b.emit1(OPS["list"], items=t.items)
    s = b.emit1(OPS["push"], s, z, k, c, b.emit1(OPS["mul"], z, z))
    s = b.emit1(OPS["push"], s, b.emit1(OPS["neg"], z), k, b.emit1(OPS["not"], c), z)
    s = b.emit1(OPS["put"], s, z, integer(b, 1), fields=(3,))
    s = b.emit1(OPS["add_item"], s, z, integer(b, 0), fields=(3,))
    f = verify(b.function("f", *(b.emit1(OPS["item"], s, integer(b, r), fields=(j,)) for r in range(2) for j in range(4))))
    args = (0.5 - 0.3j, 7, True)
    np.testing.assert_allclose(np.array(interpret(f, *args), complex), [args[0], 7, 1, args[0] ** 2 + args[0], -args[0], 7, 0, args[0]])
    for g in (f, optimise(f, verified=True)):
        np.testing.assert_allclose(np.array(Counted(g)(*args), complex), np.array(interpret(f, *args), complex))
    assert tangent_list(t) == List((Scalar(C128), Scalar(C128)))


# ---------------------------------------------------------------- tangents


def test_the_tangent_of_a_list_has_the_columns_with_derivatives() -> None:
    assert tangent_list(NESTED) == List((NUMBERS, N))
    assert tangent_list(DEEP) == List((List((VN, List((N,)))), M))
    assert tangent_list(List((K,))) == List(())
    assert tangent_fields(NESTED, (1, 0)) == (0, 0)
    assert tangent_fields(NESTED, (0,)) is None
    assert tangent_fields(DEEP, (0, 1, 1)) == (0, 1, 0)
    assert tangent_fields(DEEP, (0, 1, 0)) is None
    assert not carries_derivative(List((K, List((Scalar(BOOL),)))))


# ---------------------------------------------------------------- errors

REFUSED: list[tuple[str, tuple[Type, ...], dict[str, Any]]] = [
    ("push", (NUMBERS, K), {}),  # another dtype
    ("push", (NUMBERS,), {}),  # a row too short
    ("push", (NUMBERS, N, N), {}),  # too long
    ("push", (NESTED, K, N), {"fields": (0,)}),  # a path to a number
    ("push", (NESTED, N, N), {"fields": (1,)}),  # an index that is no integer
    ("push", (MIXED, N, K, Array(F64, (4,)), VN), {}),  # another length than the column has
    ("push", (V3, N), {}),
    ("pop", (NESTED,), {"fields": (1,)}),  # an index is missing
    ("pop", (MIXED, K), {"fields": (2,)}),  # an array has nothing to pop
    ("size", (NUMBERS, K), {"fields": (), "axis": 0}),
    ("size", (NUMBERS, K), {"fields": (0,), "axis": 0}),  # a number has no length
    ("size", (DEEP, K), {"fields": (1,), "axis": 2}),
    ("size", (DEEP, K, K), {"fields": (1,), "axis": 0}),
    ("item", (NUMBERS, K), {"fields": (1,)}),  # no such column
    ("item", (NUMBERS, K), {"fields": (-1,)}),
    ("item", (NUMBERS,), {"fields": (0,)}),
    ("item", (NUMBERS, K, K), {"fields": (0,)}),  # a number has no elements
    ("item", (DEEP, K, K), {"fields": (1,)}),  # a row of a matrix
    ("item", (MIXED, K, K), {"fields": (0, 0)}),  # a path through a number
    ("item", (NUMBERS, N), {"fields": (0,)}),
    ("put", (NUMBERS, K, K), {"fields": (0,)}),
    ("put", (MIXED, V3, K), {"fields": (2,)}),  # swap does that
    ("put", (MIXED, N, K), {"fields": (2,)}),  # an index is missing
    ("add_item", (NUMBERS, V3, K), {"fields": (0,)}),
    ("add_item", (NESTED, List((K,)), K), {"fields": (1,)}),
    ("swap", (NUMBERS, N, K), {"fields": (0,)}),  # put does that
    ("swap", (MIXED, VN, K), {"fields": (2,)}),  # open length where 3 is declared
    ("swap", (MIXED, V3, K, K), {"fields": (2,)}),
    ("like", (NUMBERS,), {"items": (K,)}),
    ("like", (NUMBERS, NUMBERS), {"items": (N,)}),
    ("repeat", (N, N), {"items": (N,)}),  # the number of rows is no integer
    ("repeat", (K, N), {"items": (N, N)}),
    ("repeat", (K, NUMBERS), {"items": (NUMBERS,)}),  # rows with memory of their own
    ("repeat", (K, VN), {"items": (VN,)}),
]  # fmt: skip


@pytest.mark.parametrize(("op", "types", "attrs"), REFUSED, ids=[f"{op}-{k}" for k, (op, *_) in enumerate(REFUSED)])
def test_what_is_refused(op: str, types: tuple[Type, ...], attrs: dict[str, Any]) -> None:
    b = Builder(HERE)
    with pytest.raises(CompileError) as e:
        b.emit(OPS[op], *(b.param(t) for t in types), **attrs)
    assert e.value.code == "E101"
    assert e.value.loc is HERE


HERE = Location("user.py", 12, 4, 9, "    xs[k] = v", "program")


def checked(what: str) -> Function:
    """Reads at an index that is checked, after a list was filled in a loop: what is in it must be freed when the check fails."""
    b = Builder(HERE)
    n, k, x = b.param(K), b.param(K), b.param(N)
    body = b.sub()
    body.param(K)
    s = body.param(NESTED)
    inner = body.emit1(OPS["push"], body.emit1(OPS["list"], items=NUMBERS.items), x)
    grown = body.emit1(OPS["push"], s, n, inner, x)
    s = b.emit1(OPS["for"], n, b.emit1(OPS["list"], items=NESTED.items), regions=(body.block(grown),))
    rows = b.emit1(OPS["size"], s, fields=(), axis=0)
    if what == "pop":
        b.emit(OPS["assert"], b.emit1(OPS["gt"], rows, integer(b, 0)), error="IndexError", message="pop from empty list")
        _, _, last, y = b.emit(OPS["pop"], s)
        return verify(b.function("f", y, b.emit1(OPS["size"], last, fields=(), axis=0)))
    at = b.emit1(OPS["index"], k, rows, axis=None, checked=True)
    inside = b.emit1(OPS["index"], k, b.emit1(OPS["size"], s, at, fields=(1,), axis=0), axis=None, checked=True)
    return verify(b.function("f", b.emit1(OPS["item"], s, at, inside, fields=(1, 0))))


@pytest.mark.parametrize(("what", "n", "k"), [("item", 3, 3), ("item", 3, -4), ("item", 0, 0), ("item", 3, 1), ("pop", 0, 0)])
def test_errors_name_the_users_line_and_leak_nothing(what: str, n: int, k: int) -> None:
    f = checked(what)
    with pytest.raises(IndexError) as e:
        interpret(f, n, k, 0.5)
    last = list(e.traceback)[-1]
    assert (str(last.path).endswith("user.py"), last.lineno, last.name) == (True, 11, "program")
    for g in (f, optimise(f, verified=True), jvp(f, [2])):
        run = Counted(g)
        with pytest.raises(IndexError, match=str(e.value).split(" for ")[0]):
            run(n, k, 0.5, *([1.0] if len(g.params) > 3 else []))
        assert all(s.loc is HERE for s in run.kernel.sites)


def test_indices_in_range_count_from_the_end_too() -> None:
    f = checked("item")
    assert interpret(f, 3, 0, 0.5)[0] == interpret(f, 1, -1, 0.5)[0] == Counted(f)(3, -1, 0.5)[0] == 0.5


def test_more_rows_than_there_is_memory() -> None:
    b = Builder(HERE)
    s = b.emit1(OPS["repeat"], b.param(K), constant(b, 1.0, F64), items=(N,))
    f = verify(b.function("f", b.emit1(OPS["size"], s, fields=(), axis=0), b.emit1(OPS["item"], s, integer(b, 0), fields=(0,))))
    run = Compiled(f)
    assert run(1000)[0] == 1000
    for n in (1 << 58, (1 << 63) - 1):
        with pytest.raises(MemoryError):
            run(n)


def test_text() -> None:
    for case in CASES:
        f, args, expected = case.program()
        again = verify(parse(show(f), OPS))
        assert show(again) == show(f)
        np.testing.assert_allclose([float(x) for x in interpret(again, *args)], expected, rtol=1e-14)
