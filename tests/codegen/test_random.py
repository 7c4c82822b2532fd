"""Random structured programs: compiled code gives what the interpreter gives, raises what it raises, leaks nothing and leaves its arguments alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oneform.ir import interpret
from tests.codegen.driver import Counted
from tests.codegen.random_programs import Maker, arguments

SEEDS, POINTS = 60, 4


def attempt(run: Callable[[], tuple[Any, ...]]) -> tuple[Any, ...]:
    try:
        return ("returned", *run())
    except (ValueError, IndexError) as e:
        return ("raised", type(e).__name__, str(e))


def agree(seed: int, size: int, **options: Any) -> None:
    f, writes = Maker(seed, size).program()
    compiled = Counted(f, writes, **options)
    for point in range(POINTS):
        args = arguments(POINTS * seed + point)
        own = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
        expected, got = attempt(lambda args=args: interpret(f, *args)), attempt(lambda own=own: compiled(*own))
        assert got[0] == expected[0], (got, expected)
        if got[0] == "raised":
            assert got == expected
            continue
        for x, y in zip((*got, *(own[k] for k in writes)), expected, strict=True):
            assert np.asarray(x).dtype == np.asarray(y).dtype and np.array_equal(x, y)
        assert all(np.array_equal(a, b) for k, (a, b) in enumerate(zip(own, args, strict=True)) if k not in writes)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random(seed: int) -> None:
    agree(seed, 45, fastmath=(None, True, False)[seed % 3])
