"""All ways to run and to differentiate a function of the IR agree: interpreted and compiled, with and without the optimiser; to second order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from oneform import transforms
from oneform.ir import Function, interpret, parse, show, verify
from oneform.ops import OPS
from oneform.optimise import optimise
from tests.codegen.driver import Counted


def both(f: Function, *args: Any, tolerance: float = 1e-9, compiled: bool = True) -> tuple[Any, ...]:
    """The results, interpreted; compiled code must give the same and leak nothing."""
    verify(f)
    expected = interpret(f, *args)
    if not compiled:
        return expected
    size = 1.0 + max((float(np.abs(x).max(initial=0.0)) for x in expected), default=0.0)
    for g in (f, optimise(f, verified=True)):
        for x, y in zip(Counted(g)(*args), expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=0.0, atol=tolerance * size)
    return expected


def dot(xs: Sequence[Any], ys: Sequence[Any]) -> float:
    return sum(float(np.sum(x * y)) for x, y in zip(xs, ys, strict=True))


def _random(rng: np.random.Generator, like: Sequence[Any]) -> list[Any]:
    return [rng.normal(size=np.shape(x))[()] for x in like]


def agree(f: Function, args: Sequence[Any], wrt: Sequence[int], outs: Sequence[int], seed: int = 0, compiled: int = 2) -> None:
    """Text, value, both modes against differences and each other, and three ways to second derivatives; `compiled` up to this order."""
    assert show(parse(show(f), OPS)) == show(f)
    rng = np.random.default_rng(seed)
    dx, w = (_random(rng, [args[k] for k in wrt]) for _ in range(2))
    y = both(f, *args)
    ct = _random(rng, [y[k] for k in outs])
    forward, reverse = transforms.jvp(f, wrt), transforms.vjp(f, wrt, outs)
    dy = both(forward, *args, *dx)[len(y) :]

    def at(step: float) -> tuple[Any, ...]:
        moved = list(args)
        for k, d in zip(wrt, dx, strict=True):
            moved[k] = args[k] + step * d
        results = interpret(f, *moved)
        return tuple(results[k] for k in outs)

    h = 1e-6
    numeric = [(p - q) / (2 * h) for p, q in zip(at(h), at(-h), strict=True)]
    scale = 1.0 + max((float(np.abs(v).max(initial=0.0)) for v in (*dy, *y)), default=0.0)
    for x, n in zip(dy, numeric, strict=True):
        np.testing.assert_allclose(x, n, rtol=1e-5, atol=1e-5 * scale)
    g = both(reverse, *args, *ct)[len(y) :]
    assert dot(ct, dy) == pytest.approx(dot(g, dx), rel=1e-9, abs=1e-9 * scale)

    more = len(g)
    of_reverse = both(transforms.jvp(reverse, wrt), *args, *ct, *dx, compiled=compiled > 1)[-more:]
    tangents = list(range(len(y), len(y) + len(dy)))
    of_forward = both(transforms.vjp(forward, wrt, tangents), *args, *dx, *ct, compiled=compiled > 1)[len(y) + len(dy) :]
    twice = both(transforms.vjp(reverse, wrt, list(range(len(y), len(y) + more))), *args, *ct, *dx, compiled=compiled > 1)[len(y) + more :]
    size = 1e-8 * (1.0 + sum(float(np.sum(np.abs(x))) for x in of_reverse))
    assert dot(of_reverse, w) == pytest.approx(dot(of_forward, w), rel=1e-8, abs=size)
    assert dot(of_reverse, w) == pytest.approx(dot(twice, w), rel=1e-8, abs=size)
