"""What a program raises: the same exception type in CPython, interpreter, compiled code and gradient; the same message where CPython's is its own."""

from __future__ import annotations

import traceback
from typing import Any

import numpy as np
import pytest

import oneform as of
from tests.programs.raising import RAISING
from tests.programs.registry import fresh

CASES = [pytest.param(fn, args, id=name) for name, (fn, args) in RAISING.items()]


def caught(f: Any, args: tuple[Any, ...]) -> Exception:
    with np.errstate(all="ignore"), pytest.raises(Exception) as info:
        f(*(fresh(a) for a in args))
    return info.value


@pytest.mark.parametrize("way", ["compiled", "interpreted", "gradient", "forward"])
@pytest.mark.parametrize(("fn", "args"), CASES)
def test_raises_as_cpython_does(fn: Any, args: tuple[Any, ...], way: str) -> None:
    expected = caught(fn, args)
    run = {
        "compiled": of.jit(fn),
        "interpreted": lambda *a: of.trace(fn)(*a).interpret(*a),
        "gradient": of.grad(fn),
        "forward": of.jacfwd(fn),
    }[way]
    for _ in range(3):  # a failure leaves nothing behind that disturbs the next call
        error = caught(run, args)
        assert type(error) is type(expected)
    if type(expected) in (IndexError, RuntimeError, AssertionError) or "to unpack" in str(expected):
        assert str(error) == str(expected)
        assert error.args == expected.args


@pytest.mark.parametrize(("fn", "args"), CASES)
def test_the_last_frame_is_the_users_line(fn: Any, args: tuple[Any, ...]) -> None:
    """The traceback ends where CPython's ends."""
    expected = traceback.extract_tb(caught(fn, args).__traceback__)
    line = [f for f in expected if f.filename == __file__.replace("test_raising", "raising")][-1]
    last = traceback.extract_tb(caught(of.jit(fn), args).__traceback__)[-1]
    assert (last.filename, last.lineno) == (line.filename, line.lineno)
