"""What the optimiser knows of lists, on the smallest program that shows it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oneform.ir import Function, interpret
from oneform.optimise import optimise
from oneform.optimise.cse import cse
from oneform.optimise.dce import dce
from oneform.optimise.lists import simplify_lists
from oneform.optimise.simplify import simplify
from tests.codegen.driver import Compiled, Counted
from tests.optimise.test_passes import body, check, named, program

LIST = "%10: list<f64, f64[?]> = list {items=(<f64>, <f64[?]>)}"
NUMBERS = "%10: list<f64> = list {items=(<f64>,)}"
TWO = (
    NUMBERS,
    "%11: list<f64> = push %10, %0",
    "%12: f64 = sin %0",
    "%13: list<f64> = push %11, %12",
    "%20: i64 = const {value=0, dtype=i64}",
    "%21: i64 = const {value=1, dtype=i64}",
)
GROWN = (
    NUMBERS, "%11: list<f64> = for %1, %10",
    "  region(%5: i64, %6: list<f64>) {", "    %7: list<f64> = push %6, %0", "    yield %7", "  }",
)  # fmt: skip


def after(f: Function, *args: Any) -> Function:
    g = check(f, dce(simplify(cse(simplify_lists(f)))), *args)
    assert not Compiled(g).kernel.copies
    for x, y in zip(Counted(g)(*args), interpret(f, *args), strict=True):
        np.testing.assert_allclose(x, y)
    return g


def test_what_a_literal_holds_is_known() -> None:
    f = program(
        "%0: f64",
        *TWO,
        "%30: i64 = size %13 {fields=(), axis=0}",
        "%31: f64 = item %13, %20 {fields=(0,)}",
        "%32: f64 = item %13, %21 {fields=(0,)}",
        "return %30, %31, %32",
    )
    assert body(after(f, 0.5)) == ["sin", "const"]


def test_the_last_row_is_the_one_just_pushed() -> None:
    f = program(
        "%0: f64, %1: i64", *GROWN, "%12: f64 = sin %0", "%13: list<f64> = push %11, %12", "%14: i64 = size %13 {fields=(), axis=0}",
        "%15: i64 = const {value=1, dtype=i64}", "%16: i64 = sub %14, %15", "%17: f64 = item %13, %16 {fields=(0,)}", "return %17",
    )  # fmt: skip
    assert body(optimise(f, verified=True)) == ["sin"]
    check(f, optimise(f), 0.5, 3)


def test_a_number_is_followed_past_changes_of_other_places() -> None:
    put = "%14: list<f64> = put %13, %0, %21 {fields=(0,)}"
    read = ("%15: f64 = item %14, %20 {fields=(0,)}", "%16: f64 = item %14, %21 {fields=(0,)}", "%17: f64 = sub %15, %16", "return %17")
    f = program("%0: f64", *TWO, put, *read)
    assert body(after(f, 0.5)) == ["sub"]


def test_a_number_is_not_followed_past_a_change_that_may_be_of_its_place() -> None:
    f = program("%0: f64, %1: i64", *TWO, "%14: list<f64> = put %13, %0, %1 {fields=(0,)}", "%15: f64 = item %14, %20 {fields=(0,)}", "return %15")
    for k in (0, 1):
        assert named(after(f, 0.5, k), "item")


def test_columns_differ() -> None:
    f = program(
        "%0: f64, %1: i64", "%10: list<f64, f64> = repeat %1, %0, %0 {items=(<f64>, <f64>)}", "%11: i64 = const {value=0, dtype=i64}", "%12: f64 = sin %0",
        "%13: list<f64, f64> = put %10, %12, %11 {fields=(0,)}", "%14: f64 = item %13, %11 {fields=(1,)}", "%15: i64 = size %13 {fields=(), axis=0}", "return %14, %15",
    )  # fmt: skip
    assert not named(after(f, 0.5, 3), "item")


@pytest.mark.parametrize(("change", "length"), [
    ("%12: list<f64> = push %11, %0", 4), ("%12: list<f64>, %13: f64 = pop %11", 2), ("%12: list<f64> = copy %11", 3),
    ("%12: list<f64> = like %11 {items=(<f64>,)}", 3),
])  # fmt: skip
def test_lengths_after_changes_are_those_before(change: str, length: int) -> None:
    f = program("%0: f64, %1: i64", *GROWN, change, "%20: i64 = size %12 {fields=(), axis=0}", "return %20")
    g = after(f, 0.5, 3)
    assert interpret(g, 0.5, 3) == (length,)
    assert [i.args[0] for i in named(g, "size")] == [named(g, "for")[0].outs[0]]


def test_a_list_that_was_only_pushed_to_be_popped() -> None:
    f = program(
        "%0: f64, %1: f64[n], %2: i64", LIST, "%11: f64[n] = copy %1", "%12: list<f64, f64[?]> = push %10, %0, %11",
        "%13: list<f64, f64[?]>, %14: f64, %15: f64[?] = pop %12", "%16: f64 = get %15, %2", "%17: f64 = mul %14, %16", "return %17",
    )  # fmt: skip
    assert body(after(f, 0.5, np.arange(4.0), 2)) == ["copy", "get", "mul"]


WHOLE = (
    LIST, "%11: f64[n] = copy %1", "%12: list<f64, f64[?]> = push %10, %0, %11", "%13: i64 = const {value=0, dtype=i64}",
    "%14: f64[?] = item %12, %13 {fields=(1,)}",
)  # fmt: skip
READ = ("%15: i64 = dim %14 {axis=0}", "%16: f64 = get %14, %2", "%17: f64 = convert %15 {dtype=f64}", "%18: f64 = add %16, %17")


def test_an_element_of_an_array_in_a_row_is_one_step_further() -> None:
    f = program("%0: f64, %1: f64[n], %2: i64", *WHOLE, *READ, "return %18")
    g = after(f, 0.5, np.arange(4.0), 2)
    assert [i.attrs["fields"] for i in named(g, "item")] == [(1,)]
    assert len(named(g, "item")[0].args) == 3
    assert not named(g, "dim") and named(g, "size")


def test_but_not_where_the_list_changes_later() -> None:
    """The array would have to be read before the change; what stands there is its copy."""
    put = "%19: list<f64, f64[?]> = put %12, %0, %13, %2 {fields=(1,)}"
    f = program("%0: f64, %1: f64[n], %2: i64", *WHOLE, put, *READ, "%20: f64 = item %19, %13, %2 {fields=(1,)}", "%21: f64 = mul %18, %20", "return %21")
    g = check(f, dce(simplify_lists(f)), 0.5, np.arange(4.0), 2)
    assert named(g, "get") and named(g, "dim")
    assert [c.why for c in Compiled(g).kernel.copies if "list" in str(c.type)] == []


def test_a_loop_over_a_list_checks_no_index() -> None:
    """Nor does one that changes the numbers in it."""
    f = program(
        "%0: f64, %1: i64", *GROWN, "%20: i64 = size %11 {fields=(), axis=0}", "%21: list<f64> = for %20, %11",
        "  region(%22: i64, %23: list<f64>) {", "    %24: i64 = size %23 {fields=(), axis=0}", "    %25: i64 = index %22, %24 {axis=None, checked=True}",
        "    %26: f64 = item %23, %25 {fields=(0,)}", "    %27: f64 = sin %26", "    %28: list<f64> = put %23, %27, %25 {fields=(0,)}", "    yield %28", "  }",
        "%30: i64 = size %21 {fields=(), axis=0}", "%31: f64 = for %30, %0",
        "  region(%32: i64, %33: f64) {", "    %34: i64 = size %21 {fields=(), axis=0}", "    %35: i64 = index %32, %34 {axis=None, checked=True}",
        "    %36: f64 = item %21, %35 {fields=(0,)}", "    %37: f64 = mul %33, %36", "    yield %37", "  }", "return %31",
    )  # fmt: skip
    g = check(f, optimise(f, verified=True), 0.5, 5)
    assert not named(g, "index")
    assert len(named(g, "size")) == 1
    assert named(g, "size")[0] in g.block.body


def test_the_length_of_a_row_is_asked_for_before_the_loop_that_reads_it() -> None:
    """list of lists: `for row in rows: for k in range(m): total += row[k]`; the check needs the length, which the inner loop does not change."""
    rows = "list<list<f64>>"
    f = program(
        "%0: f64, %1: i64, %2: i64", f"%10: {rows} = list {{items=(<list<f64>>,)}}", f"%11: {rows} = for %1, %10",
        f"  region(%12: i64, %13: {rows}) {{", "    %14: list<f64> = repeat %2, %0 {items=(<f64>,)}", f"    %15: {rows} = push %13, %14", "    yield %15", "  }",
        "%20: i64 = size %11 {fields=(), axis=0}", "%21: f64 = for %20, %0", "  region(%22: i64, %23: f64) {",
        "    %24: f64 = for %2, %23", "      region(%25: i64, %26: f64) {",
        "        %27: i64 = size %11, %22 {fields=(0,), axis=0}", "        %28: i64 = index %25, %27 {axis=None, checked=True}",
        "        %29: f64 = item %11, %22, %28 {fields=(0, 0)}", "        %30: f64 = add %26, %29", "        yield %30", "      }",
        "    yield %24", "  }", "return %21",
    )  # fmt: skip
    g = check(f, optimise(f, verified=True), 0.5, 3, 4)
    outer = [i for i in g.block.body if i.op.name == "for"][-1].regions[0]
    assert "size" in [i.op.name for i in outer.body]
    inner = next(i for i in outer.body if i.op.name == "for")
    assert "size" not in [i.op.name for i in inner.regions[0].body]
    assert interpret(g, 0.5, 0, 4) == (0.5,)
