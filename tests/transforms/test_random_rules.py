"""Random programs as functions with rules, the rules being their own derivatives: every derivative must be that of the program itself."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from oneform import transforms
from oneform.ir import Builder, Function, clone_block, interpret, parse, show, verify
from oneform.ops import OPS, custom_jvp, custom_vjp
from oneform.optimise import optimise, prepare
from oneform.types import differentiable
from tests.optimise import random_programs
from tests.transforms.test_random_programs import WRT, arguments, direction, smooth, tame  # noqa: F401  # pyright: ignore[reportUnusedImport]


def ruled(f: Function, kind: str, outs: list[int]) -> Function:
    """A function that applies f as an operation with f's derivative for its rule."""
    b = Builder()
    params = [b.param(p.type) for p in f.params]
    attrs: dict[str, Any] = {"name": "f", "types": tuple(r.type for r in f.results), "wrt": tuple(WRT)}
    if kind == "jvp":
        regions = (f.block, transforms.jvp(f, WRT).block)
        results = b.emit(custom_jvp, *params, regions=[clone_block(r, {}) for r in regions], **attrs)
    else:
        forward, reverse = transforms.vjp_apart(f, WRT, outs)
        regions = (f.block, forward.block, reverse.block)
        results = b.emit(custom_vjp, *params, regions=[clone_block(r, {}) for r in regions], zero=(), **attrs)
    return b.function("g", *results)


def check(seed: int, kind: str, optimised: bool) -> str:
    rng = random.Random(seed)
    f = prepare(random_programs.random_function(rng, rng.choice((3, 8, 20))))
    args = arguments(rng)
    try:
        y = interpret(f, *args)
    except (IndexError, ValueError, ZeroDivisionError, AssertionError):
        return "raises"
    outs = [k for k, r in enumerate(f.results) if differentiable(r.type)]
    noise = np.random.default_rng(seed)
    dx, ct = [direction(noise, args[k]) for k in WRT], [direction(noise, y[k]) for k in outs]
    n = len(f.results)

    def final(h: Function) -> Function:
        verify(h)
        return optimise(h, verified=True) if optimised else h

    def orders(h: Function) -> list[list[Any]]:
        """First derivatives, and second in the mixtures that the rule admits."""
        h = prepare(h, verified=True)
        reverse = transforms.vjp(h, WRT, outs)
        twice = transforms.vjp(prepare(reverse), WRT, range(n, n + len(WRT)))
        found = [[*interpret(final(h), *args)], [*interpret(final(reverse), *args, *ct)], [*interpret(final(twice), *args, *ct, *dx)]]
        if kind == "jvp":
            forward = transforms.jvp(h, WRT)
            mixed = transforms.vjp(prepare(forward), WRT, range(n, n + len(outs)))
            found += [[*interpret(final(forward), *args, *dx)], [*interpret(final(mixed), *args, *dx, *ct)]]
            found += [[*interpret(final(transforms.jvp(prepare(reverse), WRT)), *args, *ct, *dx)]]
        return found

    g = verify(ruled(f, kind, outs))
    assert show(parse(show(g), OPS)) == show(g)
    expected, actual = orders(f), orders(g)
    if not all(tame(x) for x in expected):
        return "overflow"
    for a, e in zip(actual, expected, strict=True):
        scale = 1e-8 * (1.0 + sum(float(np.sum(np.abs(x))) for x in e))
        assert len(a) == len(e)
        for x, z in zip(a, e, strict=True):
            np.testing.assert_allclose(x, z, rtol=1e-8, atol=scale)
    return "checked"


@pytest.mark.parametrize("optimised", [False, True])
@pytest.mark.parametrize("kind", ["jvp", "vjp"])
@pytest.mark.parametrize("block", range(4))
def test_a_rule_made_from_the_program_changes_nothing(block: int, kind: str, optimised: bool) -> None:
    outcomes = [check(seed, kind, optimised) for seed in range(1000 + 15 * block, 1000 + 15 * (block + 1))]
    assert outcomes.count("checked") > 4
