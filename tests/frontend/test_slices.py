"""Every basic slice of vectors of every small length, the length known to the compiler or not."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from oneform.frontend import Lowered, trace
from oneform.ir import verify
from oneform.ir.interpret import interpret
from oneform.tree import LEAF, Leaf, unflatten
from oneform.types import F64, I64, Array, Scalar
from tests.source import define

BOUNDS = ("", "0", "2", "5", "-1", "-5", "i", "-i", "len(x) // 2")
STEPS = ("", "2", "3", "-1", "-2")
LENGTHS = (0, 1, 2, 3, 6)


def lowered(f: Any, n: int | str) -> Lowered:
    low = trace(f, [(LEAF, [Leaf(Array(F64, (n,)))]), (LEAF, [Leaf(Scalar(I64), True)])], {})
    verify(low.function)
    return low


def results(low: Lowered, x: np.ndarray, i: int) -> Any:
    outs = interpret(low.function, x.copy(), i)
    count = len(outs) - len(low.writes)
    return unflatten(low.result, iter(outs[:count])), outs[count:]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("known", [False, True], ids=["open", "known"])
def test_slices(step: str, known: bool) -> None:
    shown = [f"x[{a}:{b}{':' + step if step else ''}]" for a, b in itertools.product(BOUNDS, BOUNDS)]
    f = define("def f(x, i):\n    return (\n" + "".join(f"        {s},\n" for s in shown) + "    )\n", {})["f"]
    open_ = None if known else lowered(f, "n")
    for n in LENGTHS[:: 3 if known else 1]:
        x = np.arange(float(n)) + 1.0
        for i in (0, 2, -2) if not known else (1,):
            got, _ = results(open_ or lowered(f, n), x, i)
            for text, a, e in zip(shown, got, f(x, i), strict=True):
                np.testing.assert_array_equal(a, e, err_msg=f"{text} for n={n}, i={i}")


@pytest.mark.parametrize("step", STEPS)
def test_stores_to_slices(step: str) -> None:
    shown = [f"x[{a}:{b}{':' + step if step else ''}]" for a, b in itertools.product(BOUNDS[::2], BOUNDS[1::2])]
    body = "".join(f"    {s} = {s} * 0.5 + {k}.0\n    {s} += 1.0\n" for k, s in enumerate(shown))
    f = define(f"def f(x, i):\n{body}    return x\n", {})["f"]
    low = lowered(f, "n")
    for n, i in itertools.product(LENGTHS, (1, -2)):
        x = np.arange(float(n)) + 1.0
        got, (written,) = results(low, x, i)
        expected = f(x.copy(), i)
        np.testing.assert_allclose(got, expected)
        np.testing.assert_allclose(written, expected)


def test_slices_of_slices() -> None:
    parts = ("1:", ":-1", "::2", "::-1", "i:", ":i", "1:-1", "-3:", "::-2")
    shown = [f"x[{a}][{b}]" for a, b in itertools.product(parts, parts)]
    f = define("def f(x, i):\n    return (\n" + "".join(f"        {s},\n" for s in shown) + "    )\n", {})["f"]
    low = lowered(f, "n")
    for n, i in itertools.product(LENGTHS, (0, 2, -1)):
        x = np.arange(float(n)) + 1.0
        got, _ = results(low, x, i)
        for text, a, e in zip(shown, got, f(x, i), strict=True):
            np.testing.assert_array_equal(a, e, err_msg=f"{text} for n={n}, i={i}")
