"""Trace a function on example arguments, run the IR by the interpreter, compare with CPython."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oneform.frontend import Lowered, leaf_of, trace
from oneform.ir import verify
from oneform.ir.interpret import interpret
from oneform.tree import Leaf, Tree, flatten, unflatten


def fresh(x: Any) -> Any:
    leaves: list[Any] = []
    tree = flatten(x, leaves)
    return unflatten(tree, iter([a.copy() if isinstance(a, np.ndarray) else a for a in leaves]))


def lower(f: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Lowered, list[Any]]:
    """The IR of a call, and the values of its parameters but for the captures."""
    names = iter(range(1000))
    values: list[Any] = []

    def argument(x: Any) -> tuple[Tree, list[Leaf]]:
        start = len(values)
        tree = flatten(x, values)
        leaves = [leaf_of(v, lambda: f"n{next(names)}") for v in values[start:]]
        assert None not in leaves
        return tree, [leaf for leaf in leaves if leaf is not None]

    lowered = trace(f, [argument(a) for a in args], {k: argument(a) for k, a in kwargs.items()})
    verify(lowered.function)
    return lowered, values


def run(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The result of the traced function; arrays that it writes to are changed in place."""
    lowered, values = lower(f, *args, **kwargs)
    values += [c.get() for c in lowered.captures]
    inputs = [v.copy() if isinstance(v, np.ndarray) else v for v in values]
    with np.errstate(all="ignore"):
        outs = interpret(lowered.function, *inputs)
    count = len(outs) - len(lowered.writes)
    for k, new in zip(lowered.writes, outs[count:], strict=True):
        values[k][...] = new
    return unflatten(lowered.result, iter(outs[:count]))


def same(actual: Any, expected: Any, rtol: float = 1e-12) -> None:
    """The same structure and numbers."""
    a: list[Any] = []
    e: list[Any] = []
    assert flatten(actual, a) == flatten(expected, e)
    for x, y in zip(a, e, strict=True):
        assert np.shape(x) == np.shape(y)
        wide = complex if np.asarray(y).dtype.kind == "c" else float
        np.testing.assert_allclose(np.asarray(x, wide), np.asarray(y, wide), rtol=rtol, atol=1e-14)


def agree(f: Callable[..., Any], *args: Any, rtol: float = 1e-12, **kwargs: Any) -> None:
    """The interpreter and CPython give the same result, the same changed arguments, or the same exception."""
    theirs, ours = fresh(args), fresh(args)
    try:
        with np.errstate(all="ignore"):
            expected = f(*theirs, **kwargs)
    except Exception as error:
        try:
            run(f, *ours, **kwargs)
        except type(error) as own:
            assert str(own) == str(error)
            return
        raise AssertionError(f"{error!r} was not raised") from error
    same(run(f, *ours, **kwargs), expected, rtol)
    same(ours, theirs, rtol)


def dtypes_agree(f: Callable[..., Any], *args: Any) -> None:
    """The dtypes of results are NumPy's."""
    lowered, values = lower(f, *args)
    outs = interpret(lowered.function, *values, *(c.get() for c in lowered.captures))
    theirs: list[Any] = []
    flatten(f(*fresh(args)), theirs)
    assert [np.asarray(o).dtype for o in outs[: len(theirs)]] == [np.asarray(t).dtype for t in theirs]
