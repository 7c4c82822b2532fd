"""What each pass is for, on the smallest program that shows it; the meaning is checked by running before and after."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oneform.ir import Function, Instr, instructions, interpret, parse, show, verify
from oneform.ops import OPS
from oneform.optimise import optimise, prepare
from oneform.optimise.cse import cse
from oneform.optimise.dce import dce
from oneform.optimise.invariant import constant_carries, hoist
from oneform.optimise.join import join
from oneform.optimise.privatise import privatise
from oneform.optimise.recurrence import counters
from oneform.optimise.recycle import recycle
from oneform.optimise.simplify import ROWS, simplify
from oneform.optimise.sums import known_sums


def program(head: str, *lines: str) -> Function:
    text = "oneform 1\nfunction f(" + head + ") {\n" + "\n".join(lines) + "\n}\n"
    return verify(parse(text, OPS))


def check(f: Function, g: Function, *args: Any) -> Function:
    verify(g)
    for a, b in zip(interpret(f, *args), interpret(g, *args), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    return g


def named(f: Function, name: str) -> list[Instr]:
    return [i for i in instructions(f.block.body) if i.op.name == name]


def body(f: Function) -> list[str]:
    return [i.op.name for i in f.block.body]


X = np.arange(1.0, 6.0)

# ---------------------------------------------------------------- simplify


def test_an_index_by_a_loop_variable_needs_no_check():
    f = program(
        "%0: f64[n], %1: f64",
        "%2: i64 = dim %0 {axis=0}",
        "%3: i64 = const {value=1, dtype=i64}",
        "%4: i64 = sub %2, %3",
        "%5: i64 = const {value=0, dtype=i64}",
        "%6: i64 = maximum %4, %5",
        "%7: f64 = for %6, %1",
        "  region(%8: i64, %9: f64) {",
        "    %10: i64 = add %8, %3",
        "    %11: i64 = index %10, %2 {axis=0, checked=True}",  # i + 1 for i < n - 1
        "    %12: f64 = get %0, %11",
        "    %13: i64 = sub %4, %8",
        "    %14: i64 = index %13, %2 {axis=0, checked=True}",  # n - 1 - i
        "    %15: f64 = get %0, %14",
        "    %16: f64 = mul %12, %15",
        "    %17: f64 = add %9, %16",
        "    yield %17",
        "  }",
        "return %7",
    )
    assert not named(check(f, optimise(f), X, 0.5), "index")


def test_a_strided_index_needs_no_check():
    """range(0, n, 2): (n + 1) // 2 iterations, index 2 i."""
    f = program(
        "%0: f64[n], %1: f64",
        "%2: i64 = dim %0 {axis=0}",
        "%3: i64 = const {value=1, dtype=i64}",
        "%4: i64 = const {value=2, dtype=i64}",
        "%5: i64 = add %2, %3",
        "%6: i64 = floordiv %5, %4",
        "%7: f64 = for %6, %1",
        "  region(%8: i64, %9: f64) {",
        "    %10: i64 = mul %8, %4",
        "    %11: i64 = index %10, %2 {axis=0, checked=True}",
        "    %12: f64 = get %0, %11",
        "    %13: f64 = add %9, %12",
        "    yield %13",
        "  }",
        "return %7",
    )
    assert not named(check(f, optimise(f), X, 0.5), "index")


@pytest.mark.parametrize(("offset", "certain"), [(0, True), (1, False), (-1, False)])
def test_an_index_is_checked_unless_it_is_certain(offset: int, certain: bool):
    f = program(
        "%0: f64[n], %1: f64",
        "%2: i64 = dim %0 {axis=0}",
        f"%3: i64 = const {{value={offset}, dtype=i64}}",
        "%4: f64 = for %2, %1",
        "  region(%5: i64, %6: f64) {",
        "    %7: i64 = add %5, %3",
        "    %8: i64 = index %7, %2 {axis=0, checked=True}",
        "    %9: f64 = get %0, %8",
        "    yield %9",
        "  }",
        "return %4",
    )
    assert bool(named(optimise(f), "index")) != certain


def test_a_triangular_loop_needs_no_check():
    """for i in range(n): for j in range(i): x[i - j - 1]"""
    f = program(
        "%0: f64[n], %1: f64",
        "%2: i64 = dim %0 {axis=0}",
        "%3: i64 = const {value=1, dtype=i64}",
        "%4: f64 = for %2, %1",
        "  region(%5: i64, %6: f64) {",
        "    %7: f64 = for %5, %6",
        "      region(%8: i64, %9: f64) {",
        "        %10: i64 = sub %5, %8",
        "        %11: i64 = sub %10, %3",
        "        %12: i64 = index %11, %2 {axis=0, checked=True}",
        "        %13: f64 = get %0, %12",
        "        %14: f64 = add %9, %13",
        "        yield %14",
        "      }",
        "    yield %7",
        "  }",
        "return %4",
    )
    assert not named(check(f, optimise(f), X, 0.5), "index")


def test_a_small_power_is_multiplied():
    f = program("%0: f64", "%1: f64 = const {value=3.0, dtype=f64}", "%2: f64 = pow %0, %1", "return %2")
    assert body(dce(check(f, simplify(f), 1.7))) == ["powi"]


def test_a_branch_on_a_constant_is_the_side_taken():
    f = program(
        "%0: f64", "%1: bool = const {value=False, dtype=bool}", "%2: f64 = if %1",
        "  region() {", "    yield %0", "  }", "  region() {", "    %3: f64 = neg %0", "    yield %3", "  }", "return %2",
    )
    assert body(dce(check(f, simplify(f), 1.7))) == ["neg"]


def test_loops_are_not_unrolled():
    f = program(
        "%0: f64", "%1: i64 = const {value=3, dtype=i64}", "%2: f64 = for %1, %0",
        "  region(%3: i64, %4: f64) {", "    %5: f64 = neg %4", "    yield %5", "  }", "return %2",
    )
    assert named(check(f, optimise(f), 1.7), "for")


def test_negative_zero_is_kept():
    """x + 0.0 is not x for x = -0.0, and programs use that."""
    f = program("%0: f64", "%1: f64 = const {value=0.0, dtype=f64}", "%2: f64 = add %0, %1", "return %2")
    assert np.copysign(1.0, interpret(optimise(f), -0.0)[0]) == 1.0


KINDS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "f": ("f64", (-2.5, -1.0, -0.0, 0.0, 1.0, 3.25, float("inf"), float("-inf"), float("nan"))),
    "i": ("i64", (-3, -1, 0, 1, 2, 7)),
    "b": ("bool", (False, True)),
    "c": ("c128", tuple(complex(x, y) for x in (-2.5, -0.0, 0.0, float("inf")) for y in (1.0, -0.0, float("nan")))),
}
# What the operations between real and complex numbers give, and take.
PARTS = {"real": ("f64", "c128"), "imag": ("f64", "c128"), "conj": ("c128", "c128"), "complex": ("c128", "f64")}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("pattern", "kind"), [(p, k) for p, _, kinds in ROWS for k in kinds if k in KINDS], ids=str)
def test_each_row_of_the_table_is_an_equation(pattern: Any, kind: str):
    """Both sides agree bit by bit on every combination of telling values; and the row does apply."""
    dtype, values = KINDS[kind]
    names = sorted({v for v in _variables(pattern)})
    conditions = {"c"} if pattern[0] == "select" and "c" in names else set[str]()
    taken = dict.fromkeys(names, dtype) | _parts(pattern) | dict.fromkeys(conditions, "bool")
    choices = [next(values for d, values in KINDS.values() if d == taken[n]) for n in names]
    lines: list[str] = []
    number = {n: k for k, n in enumerate(names)}
    result = _emit(pattern, number, dtype, lines, [len(names)], kind)
    head = ", ".join(f"%{k}: {taken[n]}" for n, k in number.items())
    f = program(head, *lines, f"return {result}")
    g = dce(simplify(f))
    assert show(g) != show(dce(f)), "the row does not apply"
    for combination in np.ndindex(*map(len, choices)):
        args = [values[k] for values, k in zip(choices, combination, strict=True)]
        (a,), (b,) = interpret(f, *args), interpret(g, *args)
        assert a.dtype == b.dtype
        for p, q in ((np.real(a), np.real(b)), (np.imag(a), np.imag(b))) if a.dtype.kind in "fc" else ():
            assert np.array_equal(p, q, equal_nan=True) and (np.isnan(p) or np.signbit(p) == np.signbit(q))
        assert a.dtype.kind in "fc" or np.array_equal(a, b)


def _parts(pattern: Any) -> dict[str, str]:
    """The dtypes of variables that operations between real and complex numbers take."""
    if not isinstance(pattern, tuple):
        return {}
    own = {p: PARTS[pattern[0]][1] for p in pattern[1:] if isinstance(p, str)} if pattern[0] in PARTS else {}
    return own | {v: d for p in pattern[1:] for v, d in _parts(p).items()}


def _variables(pattern: Any) -> list[str]:
    if isinstance(pattern, str):
        return [pattern]
    return [v for p in pattern[1:] for v in _variables(p)] if isinstance(pattern, tuple) else []


def _emit(pattern: Any, number: dict[str, int], dtype: str, lines: list[str], count: list[int], kind: str) -> str:
    """The pattern as lines of text; returns the name of its value."""
    if isinstance(pattern, str):
        return f"%{number[pattern]}"
    if isinstance(pattern, tuple):
        args = ", ".join(_emit(p, number, dtype, lines, count, kind) for p in pattern[1:])
        boolean = pattern[0] in ("eq", "ne", "lt", "le", "gt", "ge") or (pattern[0] == "not" and pattern[1] == "c")
        text, t = f"{pattern[0]} {args}", "bool" if boolean else PARTS[pattern[0]][0] if pattern[0] in PARTS else dtype
    elif isinstance(pattern, bool):
        text, t = f"const {{value={pattern}, dtype=bool}}", "bool"
    else:
        text, t = f"const {{value={float(pattern)!r}, dtype=f64}}" if kind == "f" else f"const {{value={pattern}, dtype=i64}}", dtype
    lines.append(f"%{count[0]}: {t} = {text}")
    count[0] += 1
    return f"%{count[0] - 1}"


# ---------------------------------------------------------------- common subexpressions, dead code


def test_lengths_with_one_symbol_are_one_value():
    f = program("%0: f64[n], %1: f64[n]", "%2: i64 = dim %0 {axis=0}", "%3: i64 = dim %1 {axis=0}", "%4: i64 = mul %2, %3", "return %4")
    assert body(check(f, cse(f), X, X)) == ["dim", "mul"]


def test_unknown_lengths_are_not_confused():
    f = program("%0: f64[?], %1: f64[?]", "%2: i64 = dim %0 {axis=0}", "%3: i64 = dim %1 {axis=0}", "%4: i64 = mul %2, %3", "return %4")
    assert body(check(f, cse(f), X, X[:2])) == ["dim", "dim", "mul"]


def test_zero_and_negative_zero_are_two_constants():
    f = program("%0: f64", "%1: f64 = const {value=0.0, dtype=f64}", "%2: f64 = const {value=-0.0, dtype=f64}", "%3: f64 = add %1, %0", "return %3, %2")
    assert len(named(cse(f), "const")) == 2


def test_a_side_of_a_branch_does_not_serve_the_other():
    f = program(
        "%0: f64, %1: bool", "%2: f64 = if %1", "  region() {", "    %3: f64 = exp %0", "    yield %3", "  }",
        "  region() {", "    %4: f64 = exp %0", "    yield %4", "  }", "%5: f64 = exp %0", "%6: f64 = add %2, %5", "return %6",
    )
    assert len(named(check(f, cse(f), 0.3, True), "exp")) == 3


def branch(out: int, first: str, second: str) -> list[str]:
    """A branch on %1 with one number of each side, made of %0."""
    sides = [["  region() {", f"    %{out + k}: f64 = {side} %0", f"    %{out + k + 2}: f64 = mul %{out + k}, %{out + k}", f"    yield %{out + k + 2}", "  }"] for k, side in ((1, first), (2, second))]
    return [f"%{out}: f64 = if %1", *sides[0], *sides[1]]


@pytest.mark.parametrize(("first", "second", "left"), [("exp", "sin", 1), ("exp", "cos", 2), ("sin", "exp", 2)])
def test_equal_branches_are_one(first: str, second: str, left: int):
    f = program("%0: f64, %1: bool", *branch(10, "exp", "sin"), *branch(20, first, second), "%30: f64 = sub %10, %20", "%31: f64 = add %30, %10", "return %31")
    g = cse(f)
    assert len(named(g, "if")) == left
    for taken in (True, False):
        check(f, g, 0.3, taken)


LOOP = (
    "%2: i64 = dim %0 {axis=0}",
    "%3: f64, %4: f64, %5: f64 = for %2, %1, %1, %1",
    "  region(%6: i64, %7: f64, %8: f64, %9: f64) {",
    "    %10: f64 = get %0, %6",
    "    %11: f64 = add %7, %10",
    "    %12: f64 = mul %8, %7",  # feeds itself only
    "    yield %11, %12, %9",  # the third stays what it was
    "  }",
)


def test_a_carried_value_that_only_feeds_itself_is_dropped():
    f = program("%0: f64[n], %1: f64", *LOOP, "return %3")
    (loop,) = named(check(f, dce(f), X, 0.5), "for")
    assert len(loop.outs) == 1
    assert not named(dce(f), "mul")


def test_a_carried_value_that_never_changes_is_read_from_outside():
    f = program("%0: f64[n], %1: f64", *LOOP, "%20: f64 = add %3, %5", "return %20")
    (loop,) = named(check(f, dce(constant_carries(f)), X, 0.5), "for")
    assert len(loop.outs) == 1


def test_a_loop_that_may_raise_is_kept():
    f = program(
        "%0: i64, %1: f64", "%2: i64, %3: f64 = for %0, %0, %1",
        "  region(%4: i64, %5: i64, %6: f64) {", "    %7: i64 = index %5, %4 {axis=0, checked=True}",
        "    %8: f64 = exp %6", "    yield %7, %8", "  }", "return",
    )
    g = optimise(f)
    assert named(g, "index")
    assert not named(g, "exp")
    with pytest.raises(IndexError):
        interpret(g, 3, 0.5)


def test_a_loop_that_nobody_observes_vanishes():
    f = program("%0: f64[n], %1: f64", *LOOP, "return %1")
    assert body(check(f, dce(f), X, 0.5)) == []


# ---------------------------------------------------------------- invariant code


def test_scalar_code_leaves_loops_but_not_branches_and_nothing_that_may_fail():
    f = program(
        "%0: f64, %1: i64, %2: i64, %3: bool",
        "%4: f64 = for %1, %0",
        "  region(%5: i64, %6: f64) {",
        "    %7: f64 = exp %0",
        "    %8: i64 = floordiv %1, %2",
        "    %9: f64 = if %3",
        "      region() {", "        %10: f64 = log %0", "        yield %10", "      }",
        "      region() {", "        yield %7", "      }",
        "    %11: f64 = convert %8 {dtype=f64}",
        "    %12: f64 = add %9, %11",
        "    %13: f64 = add %6, %12",
        "    yield %13",
        "  }",
        "return %4",
    )
    g = check(f, hoist(f), 0.5, 3, 2, True)
    assert body(g) == ["exp", "for"]
    assert named(g, "log") and named(g, "floordiv")


# ---------------------------------------------------------------- fusion


def test_a_chain_of_array_operations_becomes_one_loop():
    f = program(
        "%0: f64[n], %1: f64[n]", "%2: f64[n] = exp %0", "%3: f64[n] = mul %2, %1", "%4: f64[n] = sin %3", "%5: f64 = sum %4 {axes=(0,)}", "return %5",
    )
    g = check(f, optimise(f, verified=True), X, X / 7)
    assert body(g) == ["dim", "build"]


def test_what_is_read_twice_in_order_is_computed_where_it_is_read_if_cheap():
    f = program("%0: f64[n], %1: f64", "%2: f64[n] = sub %0, %1", "%3: f64[n] = mul %2, %2", "%4: f64 = sum %3 {axes=(0,)}", "return %4")
    assert body(check(f, optimise(f), X, 0.3)) == ["dim", "build"]


def test_dear_elements_are_not_computed_again_for_every_row():
    """exp(x) below a matrix product would be evaluated for every element of the result."""
    f = program("%0: f64[n, k], %1: f64[k, m]", "%2: f64[n, k] = exp %0", "%3: f64[n, m] = matmul %2, %1", "return %3")
    g = check(f, optimise(f), np.ones((2, 3)), np.ones((3, 4)))
    assert len(named(g, "build")) == 2


def test_a_read_is_not_postponed_beyond_a_write_to_the_same_memory():
    f = program(
        "%0: f64[n], %1: f64, %2: i64",
        "%3: f64[n] = copy %0",
        "%4: f64[n] = neg %3",
        "%5: f64[n] = set %3, %1, %2",
        "%6: f64[n] = mul %4, %5",
        "return %6",
    )
    g = check(f, optimise(f), X, 9.0, 1)
    assert body(g) == ["dim", "copy", "build", "set", "build"]


def test_an_array_that_is_a_result_is_kept():
    f = program("%0: f64[n]", "%1: f64[n] = exp %0", "%2: f64 = sum %1 {axes=(0,)}", "return %1, %2")
    assert len(named(check(f, prepare(f), X), "build")) == 2
    g = check(f, optimise(f), X)
    assert len(named(g, "exp")) == len(named(g, "for")) == 1  # for machine code one loop makes it and its sum


# ---------------------------------------------------------------- privatisation


def test_scratch_memory_that_is_filled_first_becomes_the_iterations_own():
    f = program(
        "%0: f64[n], %1: f64",
        "%2: i64 = dim %0 {axis=0}",
        "%3: f64[n] = empty %2 {shape=('n',), dtype=f64}",
        "%4: f64[n], %5: f64 = for %2, %3, %1",
        "  region(%6: i64, %7: f64[n], %8: f64) {",
        "    %9: f64[n] = for %2, %7",
        "      region(%10: i64, %11: f64[n]) {",
        "        %12: f64 = get %0, %10",
        "        %13: f64 = mul %12, %8",
        "        %14: f64[n] = set %11, %13, %10",
        "        yield %14",
        "      }",
        "    %15: f64 = get %9, %6",
        "    %16: f64 = sin %15",
        "    yield %9, %16",
        "  }",
        "return %5",
    )
    g = check(f, dce(privatise(f)), X, 0.5)
    assert body(g) == ["dim", "for"]
    assert [i.op.name for i in g.block.body[1].regions[0].body] == ["empty", "for", "get", "sin"]


def test_scratch_memory_that_is_read_first_stays_carried():
    f = program(
        "%0: f64[n], %1: f64",
        "%2: i64 = dim %0 {axis=0}",
        "%3: f64[n] = full %1, %2 {shape=('n',)}",
        "%4: f64[n], %5: f64 = for %2, %3, %1",
        "  region(%6: i64, %7: f64[n], %8: f64) {",
        "    %9: f64[n] = for %2, %7",
        "      region(%10: i64, %11: f64[n]) {",
        "        %12: f64 = get %11, %10",
        "        %13: f64 = mul %12, %8",
        "        %14: f64[n] = set %11, %13, %10",
        "        yield %14",
        "      }",
        "    %15: f64 = get %9, %6",
        "    %16: f64 = sin %15",
        "    yield %9, %16",
        "  }",
        "return %5",
    )
    assert body(check(f, dce(privatise(f)), X, 0.5)) == ["dim", "full", "for"]


# ---------------------------------------------------------------- loops that are constructors


def filling(write: str, start: str, *extra: str, yields: str = "%9") -> Function:
    """A loop over i that writes something to y[i]."""
    return program(
        "%0: f64[n], %1: f64",
        "%2: i64 = dim %0 {axis=0}",
        f"%3: f64[n] = {start}",
        "%4: f64[n] = for %2, %3",
        "  region(%5: i64, %6: f64[n]) {",
        "    %7: f64 = get %0, %5",
        "    %8: f64 = exp %7",
        *extra,
        f"    %9: f64[n] = {write}",
        f"    yield {yields}",
        "  }",
        "return %4",
    )


@pytest.mark.parametrize("write", ["set %6, %8, %5", "add_at %6, %8, %5"])
@pytest.mark.parametrize("start", ["full %1, %2 {shape=('n',)}", "copy %0"])
def test_a_loop_that_fills_an_array_is_a_constructor(write: str, start: str):
    f = filling(write, start)
    g = check(f, optimise(f), X, 0.5)
    assert bool(named(g, "for")) == (write.startswith("add_at") and start.startswith("copy"))


def test_a_recurrence_is_no_constructor():
    f = filling("set %6, %11, %5", "full %1, %2 {shape=('n',)}", "    %10: f64 = get %6, %5", "    %11: f64 = add %10, %8")
    assert named(check(f, optimise(f), X, 0.5), "for")


def test_a_loop_that_fills_and_sums_need_not_fill_first():
    f = program(
        "%0: f64[n], %1: f64",
        "%2: i64 = dim %0 {axis=0}",
        "%3: f64 = const {value=0.0, dtype=f64}",
        "%4: f64[n] = full %3, %2 {shape=('n',)}",
        "%5: f64[n], %6: f64 = for %2, %4, %1",
        "  region(%7: i64, %8: f64[n], %9: f64) {",
        "    %10: f64 = get %0, %7",
        "    %11: f64[n] = add_at %8, %10, %7",
        "    %12: f64 = mul %9, %10",
        "    yield %11, %12",
        "  }",
        "return %5, %6",
    )
    g = check(f, optimise(f), X, 0.5)
    assert body(g) == ["dim", "empty", "for"]
    assert not named(g, "add_at")


# ---------------------------------------------------------------- small arrays


def test_a_vector_in_space_is_three_numbers():
    f = program(
        "%0: f64[3], %1: f64[3], %2: i64",
        "%3: f64 = const {value=0.01, dtype=f64}",
        "%4: f64[3], %5: f64[3] = for %2, %0, %1",
        "  region(%6: i64, %7: f64[3], %8: f64[3]) {",
        "    %9: f64[3] = mul %7, %7",
        "    %10: f64 = sum %9 {axes=(0,)}",
        "    %11: f64 = sqrt %10",
        "    %12: f64[3] = div %7, %11",
        "    %13: f64[3] = mul %12, %3",
        "    %14: f64[3] = sub %8, %13",
        "    %15: f64[3] = mul %14, %3",
        "    %16: f64[3] = add %7, %15",
        "    yield %16, %14",
        "  }",
        "return %4",
    )
    g = check(f, optimise(f, verified=True), np.array([1.0, 2.0, 3.0]), np.array([0.1, -0.3, 0.2]), 7)
    (loop,) = named(g, "for")
    assert all(str(o.type) == "f64" for o in loop.outs)
    assert not {i.op.name for i in instructions(loop.regions[0].body)} & {"get", "set", "empty", "build"}


def test_an_array_indexed_by_data_stays_one():
    f = program(
        "%0: f64[3], %1: f64, %2: i64", "%3: f64[3] = set %0, %1, %2", "%4: i64 = const {value=0, dtype=i64}", "%5: f64 = get %3, %4", "return %5",
    )
    assert named(check(f, optimise(f), X[:3], 9.0, 1), "set")


def test_a_long_array_stays_one():
    f = program("%0: f64[100]", "%1: f64[100] = exp %0", "%2: f64 = sum %1 {axes=(0,)}", "return %2")
    assert body(check(f, optimise(f), np.ones(100))) == ["build"]


# ---------------------------------------------------------------- cost


def test_time_is_linear_in_the_size_of_the_program():
    """Ten times the text takes about ten times as long, not a hundred."""
    import time

    def seconds(n: int) -> float:
        lines = [f"%{k + 2}: f64 = {('sin', 'mul', 'add')[k % 3]} %{k + 1}{'' if k % 3 == 0 else f', %{k // 2}'}" for k in range(n)]
        f = program("%0: f64, %1: f64", *lines, f"return %{n + 1}")
        start = time.perf_counter()
        optimise(f)
        return time.perf_counter() - start

    seconds(100)
    assert seconds(3000) < 40 * seconds(300) + 0.2


# ---------------------------------------------------------------- counters


def test_a_counter_is_a_function_of_the_index():
    f = program(
        "%0: f64[n], %1: i64, %2: i64",
        "%3: i64 = dim %0 {axis=0}",
        "%4: f64[n], %5: i64, %6: i64 = for %3, %0, %1, %2",
        "  region(%7: i64, %8: f64[n], %9: i64, %10: i64) {",
        "    %11: f64 = convert %9 {dtype=f64}",
        "    %12: f64[n] = set %8, %11, %7",
        "    %13: i64 = add %2, %9",
        "    %14: i64 = sub %10, %9",  # by another amount each time
        "    yield %12, %13, %14",
        "  }",
        "return %4, %5, %6",
    )
    g = check(f, counters(f), X, 7, -3)
    (loop,) = named(g, "for")
    assert [o.type for o in loop.outs] == [f.results[0].type, f.results[2].type]
    check(f, counters(f), X[:0], 7, -3)


def test_a_loop_that_only_counts_is_gone():
    f = program(
        "%0: i64, %1: i64",
        "%2: i64 = for %0, %1",
        "  region(%3: i64, %4: i64) {",
        "    %5: i64 = sub %4, %0",
        "    yield %5",
        "  }",
        "return %2",
    )
    for n in (5, 0, -2):
        assert not named(check(f, counters(f), n, 3), "for")

# ---------------------------------------------------------------- sums that are known, loops that are joined, memory that is handed on

SUMS = (
    "%0: f64[n], %1: f64",
    "%2: i64 = dim %0 {axis=0}",
    "%3: f64 = build %2 {shape=(), extent=('n',), reduce='add'}",
    "  region(%4: i64) {",
    "    %5: f64 = get %0, %4",
    "    %6: f64 = exp %5",
    "    yield %6",
    "  }",
)


def summing(*step: str, last: str) -> Function:
    """A loop behind `SUMS` that makes the carried %9 into `last`."""
    loop = ["%7: f64 = for %2, %1", "  region(%8: i64, %9: f64) {", "    %10: f64 = get %0, %8", "    %11: f64 = exp %10", *("    " + s for s in step)]
    return program(*SUMS, *loop, f"    yield {last}", "  }", "return %3, %7")


def test_a_multiple_of_a_known_sum_needs_no_loop():
    f = summing("%12: f64 = mul %11, %1 {reassoc=True}", "%13: f64 = sub %9, %12 {reassoc=True}", last="%13")
    g = check(f, dce(known_sums(f)), X, 0.3)
    assert not named(g, "for") and len(named(g, "exp")) == 1
    f = summing("%12: f64 = add %9, %11 {reassoc=True}", "%13: f64 = sub %12, %11 {reassoc=True}", last="%13")
    assert not named(check(f, dce(known_sums(f)), X, 0.3), "for")


def test_what_is_left_of_a_loop_keeps_what_its_regions_read():
    f = program(
        *SUMS,
        "%7: f64, %8: f64 = for %2, %1, %1",
        "  region(%9: i64, %10: f64, %11: f64) {",
        "    %12: f64 = get %0, %9",
        "    %13: f64 = exp %12",
        "    %14: f64 = add %10, %13 {reassoc=True}",
        "    %15: f64 = mul %12, %12",
        "    %16: bool = lt %12, %1",
        "    %17: f64 = if %16",
        "      region() {",
        "        %18: f64 = add %11, %15",
        "        yield %18",
        "      }",
        "      region() {",
        "        yield %11",
        "      }",
        "    yield %14, %17",
        "  }",
        "return %3, %7, %8",
    )
    (loop,) = named(check(f, dce(known_sums(f)), X, 0.3), "for")
    assert len(loop.outs) == 1


@pytest.mark.parametrize(
    ("step", "last"),
    [
        (("%12: f64 = mul %11, %1", "%13: f64 = add %9, %12 {reassoc=True}"), "%13"),  # a product that may not be regrouped
        (("%12: f64 = add %9, %11",), "%12"),  # a sum in order
        (("%12: f64 = mul %11, %10 {reassoc=True}", "%13: f64 = add %9, %12 {reassoc=True}"), "%13"),  # a factor that changes
        (("%12: f64 = sub %11, %9 {reassoc=True}",), "%12"),  # no sum
        (("%12: f64 = add %9, %11 {reassoc=True}", "%13: f64 = add %12, %9 {reassoc=True}"), "%13"),  # one that reads itself
    ],
)
def test_what_is_no_multiple_of_a_known_sum_stays(step: tuple[str, ...], last: str):
    f = summing(*step, last=last)
    assert named(check(f, dce(known_sums(f)), X, 0.3), "for")


def vectors(*between: str, start: str = "%9", factor: str = "%1", last: str = "return %6, %10") -> Function:
    """Elements y = exp x, and a loop behind `between` over y and x."""
    return program(
        "%0: f64[n], %1: f64",
        "%2: i64 = dim %0 {axis=0}",
        "%4: f64[n] = build %2 {shape=('n',), extent=(), reduce=''}",
        "  region(%5: i64) {",
        "    %20: f64 = get %0, %5",
        "    %21: f64 = exp %20",
        "    yield %21",
        "  }",
        "%6: f64 = build %2 {shape=(), extent=('n',), reduce='add'}",
        "  region(%7: i64) {",
        "    %8: f64 = get %4, %7",
        "    yield %8",
        "  }",
        *between,
        "%9: f64[n] = empty %2 {shape=('n',), dtype=f64}",
        f"%10: f64[n] = for %2, {start} {{parallel=True}}",
        "  region(%11: i64, %12: f64[n]) {",
        "    %13: f64 = get %4, %11",
        f"    %14: f64 = mul %13, {factor}",
        "    %15: f64[n] = set %12, %14, %11",
        "    yield %15",
        "  }",
        last,
    )


def test_loops_over_the_same_elements_are_joined():
    f = vectors()
    g = check(f, dce(simplify(join(f))), X, 0.3)
    assert len(named(g, "for")) == 1 and not named(g, "build")


def test_a_number_in_between_moves_before_the_joined_loop():
    f = vectors("%30: f64 = mul %1, %1", factor="%30")
    assert len(named(check(f, join(f), X, 0.3), "for")) == 1


def test_a_loop_that_waits_for_the_sum_is_not_joined_with_it():
    f = vectors("%30: f64 = mul %6, %1", factor="%30")
    g = check(f, join(f), X, 0.3)
    assert len(named(g, "for")) == 2  # the elements with their sum, and what waits for it


def test_no_loop_moves_before_a_check():
    f = vectors("%30: f64 = const {value=0.0, dtype=f64}", "%31: bool = gt %1, %30", "assert %31 {error='ValueError', message='no'}")
    assert len(named(check(f, join(f), X, 0.3), "for")) == 2


def test_a_vector_that_is_read_for_the_last_time_gives_its_memory():
    f = vectors("%30: f64 = mul %6, %1", factor="%30")
    g = check(f, dce(recycle(join(f))), X, 0.3)
    assert len(named(g, "empty")) == 1
    f = vectors("%30: f64 = mul %6, %1", factor="%30", last="return %4, %10")
    assert len(named(check(f, dce(recycle(join(f))), X, 0.3), "empty")) == 2
