"""Random structured programs: forward against reverse, and all four orders of second derivatives against each other."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from oneform import transforms
from oneform.ir import Function, interpret, verify
from oneform.optimise import optimise, prepare
from oneform.types import Array, Type, differentiable, element
from tests.optimise import random_programs

WRT = [k for k, t in enumerate(random_programs.PARAMS) if differentiable(t)]
SMOOTH = {
    "UNARY": ("sin", "tanh", "atan", "neg", "square"),
    "BINARY": ("add", "sub", "mul", "maximum", "minimum", "add", "sub"),
    "NUMBERS": (0.3, -0.7, 1.1, 0.6, -1.3, 0.0),
}


@pytest.fixture(autouse=True)
def smooth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operations without ties and poles, so that the conventions at kinks do not meet rounding."""
    for name, value in SMOOTH.items():
        monkeypatch.setattr(random_programs, name, value)


def arguments(rng: random.Random) -> list[Any]:
    n = rng.choice((0, 1, 2, 3, 4))

    def value(t: Type) -> Any:
        if isinstance(t, Array):
            shape = tuple(d if isinstance(d, int) else n for d in t.shape)
            return np.array([rng.uniform(-1.5, 1.5) for _ in range(int(np.prod(shape)))]).reshape(shape)
        kind = element(t).kind
        return np.float64(rng.uniform(-1.5, 1.5)) if kind == "f" else np.int64(rng.randint(-3, 5)) if kind == "i" else np.bool_(rng.random() < 0.5)

    return [value(t) for t in random_programs.PARAMS]


def direction(rng: np.random.Generator, like: Any) -> Any:
    return rng.normal(size=np.shape(like)) if np.shape(like) else np.float64(rng.normal())


def dot(xs: Sequence[Any], ys: Sequence[Any]) -> float:
    return sum(float(np.sum(x * y)) for x, y in zip(xs, ys, strict=True))


def size(xs: Sequence[Any]) -> float:
    return sum(float(np.sum(np.abs(x))) for x in xs)


def tame(xs: Sequence[Any]) -> bool:
    return all(np.all(np.isfinite(x)) and np.all(np.abs(x) < 1e8) for x in xs)


def check(seed: int, optimised: bool) -> str:
    rng = random.Random(seed)
    f = prepare(random_programs.random_function(rng, rng.choice((3, 8, 20, 40))))
    args = arguments(rng)
    try:
        y = interpret(f, *args)
    except (IndexError, ValueError, ZeroDivisionError, AssertionError):
        return "raises"
    outs = [k for k, r in enumerate(f.results) if differentiable(r.type)]
    if not tame([y[k] for k in outs]):
        return "overflow"
    noise = np.random.default_rng(seed)
    dx, ct = [direction(noise, args[k]) for k in WRT], [direction(noise, y[k]) for k in outs]

    def final(g: Function) -> Function:
        verify(g)
        return optimise(g) if optimised else g

    n = len(f.results)
    forward, reverse = final(transforms.jvp(f, WRT)), final(transforms.vjp(f, WRT, outs))
    dy, g = interpret(forward, *args, *dx)[n:], interpret(reverse, *args, *ct)[n:]
    if not tame([*dy, *g]):
        return "overflow"
    assert dot(ct, dy) == pytest.approx(dot(g, dx), rel=1e-9, abs=1e-9 * (size(dy) + size(g)))

    # the second derivative of <ct, f>, in direction dx, three ways
    of_reverse = interpret(final(transforms.jvp(reverse, WRT)), *args, *ct, *dx)[-len(WRT) :]
    of_forward = interpret(final(transforms.vjp(forward, WRT, range(n, n + len(outs)))), *args, *dx, *ct)[len(forward.results) :]
    twice = interpret(final(transforms.vjp(reverse, WRT, range(n, n + len(WRT)))), *args, *ct, *dx)[len(reverse.results) :]
    if not tame(of_reverse):
        return "overflow"
    w = [direction(noise, args[k]) for k in WRT]
    scale = 1e-7 * size(of_reverse)
    assert dot(of_reverse, w) == pytest.approx(dot(of_forward, w), rel=1e-8, abs=scale)
    assert dot(of_reverse, w) == pytest.approx(dot(twice, w), rel=1e-8, abs=scale)
    return "checked"


@pytest.mark.parametrize("optimised", [False, True])
@pytest.mark.parametrize("block", range(8))
def test_modes_agree_to_second_order(block: int, optimised: bool) -> None:
    outcomes = [check(seed, optimised) for seed in range(40 * block, 40 * (block + 1))]
    assert outcomes.count("checked") > 15
