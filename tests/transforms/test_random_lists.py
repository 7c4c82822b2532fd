"""Random programs over lists: compiled against interpreted, forward against differences, reverse against forward, to second order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oneform import transforms
from oneform.ir import Function, interpret, parse, show, verify
from oneform.ops import OPS
from oneform.optimise import optimise
from tests.codegen.driver import Counted
from tests.transforms.random_lists import Maker

WRT = [0, 1, 2]


def arguments(seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [np.float64(rng.uniform(-1, 1)), rng.uniform(-1, 1, 4), np.float64(rng.uniform(-1, 1)), np.int64(2)]


def direction(seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [np.float64(rng.normal()), rng.normal(size=4), np.float64(rng.normal())]


def dot(xs: Any, ys: Any) -> float:
    return sum(float(np.sum(x * y)) for x, y in zip(xs, ys, strict=True))


def both(f: Function, *args: Any) -> tuple[Any, ...]:
    """The results, interpreted; compiled code must give the same and leak nothing."""
    verify(f)
    expected = interpret(f, *args)
    for g in (f, optimise(f, verified=True)):
        for x, y in zip(Counted(g)(*args), expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-9)
    return expected


def check(seed: int) -> None:
    f = verify(Maker(seed, 4 + seed % 23).program())
    assert show(parse(show(f), OPS)) == show(f)
    args, dx, w = arguments(seed), direction(seed + 1), direction(seed + 2)
    y = both(f, *args)
    forward, reverse = transforms.jvp(f, WRT), transforms.vjp(f, WRT, [0, 1])
    dy = both(forward, *args, *dx)[2:]
    h = 1e-6
    moved = [interpret(f, *(a + s * h * d for a, d in zip(args, dx, strict=False)), args[3]) for s in (1, -1)]
    scale = 1.0 + max(abs(float(v)) for v in (*dy, *y))
    np.testing.assert_allclose([float(v) for v in dy], [(float(p) - float(q)) / (2 * h) for p, q in zip(*moved, strict=True)], rtol=1e-5, atol=1e-6 * scale)
    ct = [np.float64(0.7), np.float64(-1.3)]
    g = both(reverse, *args, *ct)[2:]
    assert dot(ct, dy) == pytest.approx(dot(g, dx), rel=1e-10, abs=1e-10 * scale)

    of_reverse = both(transforms.jvp(reverse, WRT), *args, *ct, *dx)[-3:]
    of_forward = both(transforms.vjp(forward, WRT, [2, 3]), *args, *dx, *ct)[4:]
    twice = both(transforms.vjp(reverse, WRT, [2, 3, 4]), *args, *ct, *dx)[5:]
    size = 1e-9 * (1.0 + sum(float(np.sum(np.abs(x))) for x in of_reverse))
    assert dot(of_reverse, w) == pytest.approx(dot(of_forward, w), rel=1e-9, abs=size)
    assert dot(of_reverse, w) == pytest.approx(dot(twice, w), rel=1e-9, abs=size)


@pytest.mark.parametrize("block", range(8))
def test_lists(block: int) -> None:
    for seed in range(6 * block, 6 * (block + 1)):
        check(seed)
