"""Loops of a few iterations over dear functions fill vectors."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.codegen.target import vector_variants

X = np.linspace(-1.0, 1.0, 42).reshape(3, 14)
widened = pytest.mark.skipif(not vector_variants("exp", 1, 64), reason="this machine has no vector form of exp")


def cells(x: Any) -> Any:
    state = np.zeros(14)
    for t in range(x.shape[0]):
        for i in range(14):
            state[i] = np.tanh(state[i] + np.exp(x[t, i]))
    return state


def normaliser(x: Any) -> Any:
    total = 0.0
    for t in range(x.shape[0]):
        total += np.log(np.sum(np.exp(x[t])))
    return total


def calls(f: Any, name: str) -> set[int]:
    """The lanes of the calls of a function; 1 for the function itself."""
    lowering = of.lower(f)(X)
    inlined = {8} if f"@of.{name}.v8" in lowering.llvm() else set[int]()
    return inlined | {int(n or 1) for n in re.findall(rf"call\S*\s+(?:_ZGV[bde]N(\d+)v_)?{name}\b", lowering.asm())}


@widened
@pytest.mark.parametrize(("f", "by_python"), [(cells, cells), (normaliser, normaliser), (of.grad(normaliser), None)])
def test_a_loop_of_fourteen_calls_the_vector_forms(f: Any, by_python: Any):
    if by_python is not None:
        np.testing.assert_allclose(of.jit(f)(X), by_python(X), rtol=1e-13)
    else:
        of.check_grads(normaliser, (X,), order=1)
    assert calls(f, "exp") and 1 not in calls(f, "exp")
