"""Random programs mean the same before and after every pass, exceptions included."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneform.ir import Function, instructions, interpret, parse, show, verify
from oneform.ops import OPS
from oneform.optimise import PASSES, optimise, run
from tests.optimise.random_programs import arguments, random_function

seeds = st.randoms(use_true_random=False)
relaxed = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def outcome(f: Function, args: tuple[Any, ...]) -> Any:
    try:
        return interpret(f, *args)
    except (IndexError, ValueError) as e:
        return type(e), str(e)


def same(f: Function, g: Function, args: tuple[Any, ...]) -> None:
    expected, found = outcome(f, args), outcome(g, args)
    if isinstance(expected[0], type) or isinstance(found[0], type):
        assert found == expected
        return
    for e, r in zip(expected, found, strict=True):
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(r, e, rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore")
@relaxed
@given(seeds)
def test_the_pipeline_keeps_the_meaning(rng: random.Random):
    f = verify(random_function(rng, rng.randint(1, 12)))
    g = optimise(f, verified=True)
    for _ in range(3):
        same(f, g, arguments(rng))


@pytest.mark.filterwarnings("ignore")
@relaxed
@given(seeds)
def test_each_pass_keeps_the_meaning(rng: random.Random):
    f = verify(random_function(rng, rng.randint(1, 12)))
    args = arguments(rng)
    for k, (p, _) in enumerate(PASSES):
        before = f
        f = run(f, [p], True)
        if k >= 1:
            same(before, f, args)


@relaxed
@given(seeds)
def test_the_text_is_read_back(rng: random.Random):
    f = random_function(rng, rng.randint(1, 12))
    for g in (f, optimise(f)):
        assert show(verify(parse(show(g), OPS))) == show(g)


@relaxed
@given(seeds)
def test_the_pipeline_settles(rng: random.Random):
    """A third run finds nothing to remove that the second left."""
    f = optimise(optimise(random_function(rng, rng.randint(1, 12))))
    assert count(optimise(f)) == count(f)


def count(f: Function) -> int:
    return sum(1 for _ in instructions(f.block.body))
