"""Random programs: the tracer and the interpreter against CPython. `python -m tests.frontend.test_random FIRST LAST` runs more of them."""

from __future__ import annotations

import collections
import contextlib
import sys
import traceback
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from oneform.errors import CompileError, InternalError
from oneform.ops import OPS
from tests.frontend.random_programs import program
from tests.frontend.support import fresh, run, same
from tests.source import define

# Aliases that only a run could tell apart, types that differ on two paths, names bound nowhere, shapes that cannot fit: refusing is right.
REFUSABLE = ("E104", "E102", "E002", "E103")


def _in_range(reference: Any, skip: int) -> Any:
    """The reference of an element read or write that trusts no index: a check that was left out wrongly shows."""

    def checked(a: Any, *rest: Any, **more: Any) -> Any:
        if not all(0 <= i < n for i, n in zip(rest[skip:], a.shape, strict=True)):
            raise InternalError(f"indices {rest[skip:]} for shape {a.shape}")
        return reference(a, *rest, **more)

    return checked


@contextlib.contextmanager
def strict_indices() -> Iterator[None]:
    saved = [(OPS[name], OPS[name].ref) for name in ("get", "set")]
    for (op, reference), skip in zip(saved, (0, 1), strict=True):
        object.__setattr__(op, "ref", _in_range(reference, skip))
    try:
        yield
    finally:
        for op, reference in saved:
            object.__setattr__(op, "ref", reference)


def arguments(seed: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    n = (3, 17)[seed % 2]
    return float(rng.uniform(-1, 1)), rng.uniform(-1, 1, n), rng.uniform(-1, 1, n), rng.uniform(-1, 1, (3, 3) if seed % 4 < 2 else (3, 18)), n


def check(seed: int) -> str:
    f = define(program(seed), {})["program"]
    outcome = ""
    for k in range(2):
        theirs = arguments(seed + 1000 * k)
        ours = fresh(theirs)
        error: Exception | None = None
        expected: Any = None
        with np.errstate(all="ignore"), warnings.catch_warnings(), strict_indices():
            warnings.simplefilter("ignore")
            try:
                expected = f(*theirs)
            except Exception as e:
                error = e
            try:
                got = run(f, *ours)
            except CompileError as e:
                if e.code in REFUSABLE:
                    return e.code
                if error is not None and e.code == "E103":
                    return "raised"
                raise
            except Exception as e:
                if error is not None and type(e) is type(error):
                    outcome = "raised"
                    continue
                raise
        if error is not None:
            raise AssertionError(f"CPython raises {error!r}")
        same(got, expected, rtol=1e-8)
        same(ours, theirs, rtol=1e-8)
        outcome = outcome or "equal"
    return outcome


@pytest.mark.parametrize("start", range(0, 300, 20))
def test_random_programs(start: int) -> None:
    for seed in range(start, start + 20):
        check(seed)


if __name__ == "__main__":
    counts: collections.Counter[str] = collections.Counter()
    for number in range(int(sys.argv[1]), int(sys.argv[2])):
        try:
            counts[check(number)] += 1
        except Exception as failure:
            counts["FAILED"] += 1
            print("seed", number, type(failure).__name__, str(failure)[:300].replace("\n", " | "))
            if "-v" in sys.argv:
                print(program(number))
                traceback.print_exc(limit=-4)
    print(dict(counts))
