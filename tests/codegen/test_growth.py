"""Lists that loops push to: room is made before the loop, for pieces of it, and the loop vectorises."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.codegen.growth import PIECE, growing
from oneform.codegen.target import vector_variants
from oneform.ir import Function, instructions, parse, verify
from oneform.ops import OPS
from tests.agreement import agree, both
from tests.codegen.driver import Compiled

widened = pytest.mark.skipif(not vector_variants("exp", 1, 64), reason="this machine has no vector form of exp")


def program(*lines: str) -> Function:
    """Pushes to a list in a loop of n rounds, and adds up what is in it."""
    text = [
        "%2: i64 = const {value=1, dtype=i64}",
        "%3: list<f64, i64> = list {items=(<f64>, <i64>)}",
        "%4: list<f64, i64> = push %3, %0, %2",
        *lines,
        "%27: f64 = const {value=0.5, dtype=f64}",
        "%20: i64 = size %19 {fields=(), axis=0}",
        "%21: f64 = for %20, %0",
        "  region(%22: i64, %23: f64) {",
        "    %24: f64 = item %19, %22 {fields=(0,)}",
        "    %25: f64 = mul %23, %27",
        "    %26: f64 = add %25, %24",
        "    yield %26",
        "  }",
        "return %21",
    ]
    return verify(parse("oneform 1\nfunction f(%0: f64, %1: i64) {\n" + "\n".join(text) + "\n}\n", OPS))


LOOP = (
    "%19: list<f64, i64> = for %1, %4",
    "  region(%5: i64, %6: list<f64, i64>) {",
    "    %7: f64 = exp %0",
    "    %8: list<f64, i64> = push %6, %7, %5",
    "    yield %8",
    "  }",
)


@pytest.mark.parametrize("n", [-3, 0, 1, 7, 40, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5])
def test_as_many_rows_as_rounds(n: int) -> None:
    both(program(*LOOP), np.float64(-0.3), np.int64(n))
    if n == 7:
        agree(program(*LOOP), [np.float64(-0.3), np.int64(n)], [0], [0])


def loop_of(f: Function) -> Any:
    return next(i for i in instructions(f.block.body) if i.op.structure == "for")


def test_the_loop_itself_does_not_grow_the_list() -> None:
    f = program(*LOOP)
    assert list(growing(loop_of(f))) == [0]
    text = Compiled(f).kernel.llvm
    inner = text[text.index("\nbody") :]
    assert "@of.grow" not in inner[: inner.index("!llvm.loop" if "!llvm.loop" in inner else "\ndone")]


@pytest.mark.parametrize(
    "lines",
    [
        ("    %7: i64 = size %6 {fields=(), axis=0}", "    %8: list<f64, i64> = push %6, %0, %7", "    yield %8"),
        ("    %7: list<f64, i64> = push %6, %0, %5", "    %8: list<f64, i64> = push %7, %0, %5", "    yield %8"),
        ("    %7: bool = lt %5, %2", "    %8: list<f64, i64> = if %7", "      region() {", "        %9: list<f64, i64> = push %6, %0, %5", "        yield %9",
         "      }", "      region() {", "        yield %6", "      }", "    yield %8"),
        ("    %7: list<f64, i64> = push %6, %0, %5", "    %8: list<f64, i64>, %9: f64, %10: i64 = pop %7", "    yield %8"),
    ],
)  # fmt: skip
def test_lists_that_are_looked_at_or_change_otherwise_are_left_alone(lines: tuple[str, ...]) -> None:
    f = program("%19: list<f64, i64> = for %1, %4", "  region(%5: i64, %6: list<f64, i64>) {", *lines, "  }")
    assert not growing(loop_of(f))
    both(f, np.float64(-0.3), np.int64(100))


def appended(x: Any) -> Any:
    found = [0.5]
    for k in range(len(x)):
        found.append(np.exp(x[k]))
    total = 0.0
    for v in found:
        total += v
    return total


@widened
def test_a_loop_that_appends_is_vectorised() -> None:
    x = np.linspace(-1.0, 1.0, 3000)
    assert of.jit(appended)(x) == pytest.approx(appended(x), rel=1e-12)
    assert re.search(r"call\S*\s+_ZGV\w+_exp|scalefpd", of.lower(appended)(x).asm())
