"""Snippets of NumPy and SciPy: compiled code gives the same numbers, shapes, dtypes and exceptions as the library, and right derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import oneform as of


@dataclass
class Snippet:
    """`order`: to which derivatives are checked; 0 is none. `rtol`: in units of the result's own precision where None."""

    f: Callable[..., Any]
    args: tuple[Any, ...]
    order: int = 1
    rtol: float | None = None
    dtypes: bool = True


def case(f: Callable[..., Any], *args: Any, order: int = 1, rtol: float | None = None, dtypes: bool = True) -> Snippet:
    return Snippet(f, args, order, rtol, dtypes)


def check_values(s: Snippet) -> None:
    with np.errstate(all="ignore"):
        expected = s.f(*map(_copy, s.args))
    compare(of.jit(s.f)(*map(_copy, s.args)), expected, s.rtol, s.dtypes)


def check_derivatives(s: Snippet) -> None:
    of.check_grads(s.f, s.args, order=s.order)


def _copy(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else x


def compare(actual: Any, expected: Any, rtol: float | None = None, dtypes: bool = True) -> None:
    if isinstance(expected, (tuple, list)):
        assert len(actual) == len(expected)
        for a, e in zip(actual, expected, strict=True):
            compare(a, e, rtol, dtypes)
        return
    a, e = np.asarray(actual), np.asarray(expected)
    assert a.shape == e.shape
    if dtypes:
        assert a.dtype == e.dtype
    if e.dtype.kind not in "fc":
        np.testing.assert_array_equal(a, e)
        return
    tolerance = 40 * float(np.finfo(e.dtype).eps) if rtol is None else rtol
    scale = float(np.max(np.abs(e), initial=0.0, where=np.isfinite(e)))
    np.testing.assert_allclose(a, e, rtol=tolerance, atol=tolerance * scale)


def check_raises(s: Snippet) -> None:
    """The same exception as the library's, when the program runs or when it is compiled (E1)."""
    with pytest.raises(Exception) as found:
        s.f(*map(_copy, s.args))
    with pytest.raises((found.type, of.CompileError)) as own:
        of.jit(s.f)(*map(_copy, s.args))
    assert type(own.value) is found.type or own.value.code in ("E101", "E103")
