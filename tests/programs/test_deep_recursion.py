"""How deep recursion may go: far beyond CPython's limit, and then a RecursionError as CPython raises it."""

from __future__ import annotations

import math
import threading
import traceback
from typing import Any

import numpy as np
import pytest

import oneform as of

DEEP = 1_000_000


def damped(x, n):
    return x if n == 0 else math.sin(damped(x, n - 1)) * 0.999999 + 1e-6


def damped_loop(x, n):
    for _ in range(n):
        x = math.sin(x) * 0.999999 + 1e-6
    return x


def filled(x, k):
    """Changes an array in every call."""
    if k == len(x):
        return 0.0
    x[k] = x[k] * 2.0
    return filled(x, k + 1) + x[k]


def endless(x):
    if x > 100.0:
        return x
    return endless(math.sin(x)) + x


def endless_pair(x):
    return x if x > 100.0 else other(x * 0.5) + x


def other(x):
    return endless_pair(x + 0.1) * x


def never_returns(x):
    return never_returns(math.sin(x)) + x


def test_a_million_calls() -> None:
    assert of.jit(damped)(0.5, DEEP) == pytest.approx(damped_loop(0.5, DEEP), rel=1e-12)


def test_the_gradient_of_a_million_calls() -> None:
    expected = of.grad(damped_loop)(0.5, DEEP)
    assert of.grad(damped)(0.5, DEEP) == pytest.approx(expected, rel=1e-9)
    assert of.jvp(damped, (0.5, DEEP), (1.0, None))[1] == pytest.approx(expected, rel=1e-9)


def test_a_million_calls_that_change_an_array() -> None:
    x = np.arange(float(DEEP))
    assert of.jit(filled)(x, 0) == 2.0 * sum(range(DEEP))
    np.testing.assert_array_equal(x, 2.0 * np.arange(DEEP))
    np.testing.assert_array_equal(of.grad(filled)(x, 0), np.full(DEEP, 2.0))


@pytest.mark.parametrize("fn", [endless, endless_pair])
@pytest.mark.parametrize("wrap", [of.jit, of.grad, of.jacfwd])
def test_an_endless_recursion(fn: Any, wrap: Any) -> None:
    run = wrap(fn)
    for _ in range(2):
        with pytest.raises(RecursionError, match="maximum recursion depth exceeded") as e:
            run(0.5)
        last = traceback.extract_tb(e.value.__traceback__)[-1]
        assert last.filename == __file__
        assert last.line is not None
        assert "endless" in last.line or "other" in last.line
    assert of.jit(damped)(0.5, 10) == pytest.approx(damped(0.5, 10))


def test_a_function_that_no_path_leaves() -> None:
    """It has no result that could be differentiated."""
    with pytest.raises(RecursionError):
        of.jit(never_returns)(0.5)
    with pytest.raises(of.DerivativeError, match="E203"):
        of.grad(never_returns)(0.5)


def test_threads_have_small_stacks() -> None:
    """The first part of a recursion is on the thread's own stack."""
    results: list[float] = []
    size = threading.stack_size(512 << 10)
    try:
        threads = [threading.Thread(target=lambda: results.append(of.grad(damped)(0.5, DEEP // 10))) for _ in range(3)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    finally:
        threading.stack_size(size)
    assert results == [of.grad(damped)(0.5, DEEP // 10)] * 3
