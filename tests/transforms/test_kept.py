"""What is dear in an array constructor is computed once, and read back by its adjoint: read off the text, after comparing with differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.ir import Instr, instructions, parse
from oneform.ops import OPS

NUMBERS = np.random.default_rng(3)


def log_sum(x: Any) -> Any:
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))


def weighted(x: Any) -> Any:
    return np.sum(np.exp(x) * x) ** 2


def rows(x: Any) -> Any:
    return np.sum(np.log(np.sum(np.exp(x), axis=1)) ** 2)


def products(x: Any) -> Any:
    return np.log(1.0 + np.prod(1.0 + 0.1 * np.exp(x)))


def branching(x: Any) -> Any:
    s = 0.0
    for v in x:
        if v > 0.3:
            s += np.exp(v) * v
        elif v > 0.0:
            s += v
    return s * s


def masked(x: Any) -> Any:
    return np.log(np.sum(np.exp(x[x > 0.0])))


def largest(x: Any) -> Any:
    return np.sum(np.max(np.exp(x) * x, axis=1) ** 2)


def turning(x: Any) -> Any:
    return np.abs(np.sum(np.exp(x * (0.3 + 1.0j)))) ** 2


def elements(x: Any) -> Any:
    y = np.exp(x)
    return np.sum(y / np.sum(y) * x)


def changed(x: Any) -> Any:
    y = np.exp(x)
    total = np.sum(y)
    y[0] = x[1]
    return total * np.sum(y * y)


def inner(x: Any) -> Any:
    return np.log(np.sum(np.exp(np.sum(x * x, axis=1) - np.max(x, axis=1))))


def conditional(x: Any) -> Any:
    return np.log(np.sum(np.exp(x))) if x[0] > -9.0 else np.sum(np.sin(x)) ** 2


PROGRAMS: dict[Callable[..., Any], tuple[int, ...]] = {
    log_sum: (40,),
    weighted: (40,),
    rows: (4, 40),
    products: (40,),
    branching: (40,),
    masked: (40,),
    largest: (3, 40),
    turning: (40,),
    elements: (40,),
    changed: (40,),
    inner: (40, 3),
    conditional: (40,),
}


def gradient(f: Callable[..., Any], *args: Any) -> list[Instr]:
    text = of.lower(of.grad(f))(*args).optimised()
    return [*instructions(parse(text, OPS).block.body)]


def dear(instrs: list[Instr]) -> Counter[str]:
    return Counter(i.op.name for i in instrs if i.op.name in ("exp", "sin", "cos"))


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_a_dear_value_is_computed_once(f: Callable[..., Any]):
    x = NUMBERS.uniform(-1.0, 1.0, size=PROGRAMS[f])
    of.check_grads(f, (x,), order=2)
    assert dear(gradient(f, x))["exp"] == 1


def test_third_derivatives():
    for f in (log_sum, branching):
        of.check_grads(f, (NUMBERS.uniform(-1.0, 1.0, size=20),), order=3)


def test_without_elements_there_is_nothing_to_keep():
    def f(x: Any) -> Any:
        return np.log(1.0 + np.sum(np.exp(x) * x))

    assert of.grad(f)(np.zeros(0)).shape == (0,)
    assert of.grad(rows)(np.ones((0, 3))).shape == (0, 3)


def test_a_loop_keeps_no_array_for_each_iteration():
    def f(x: Any, n: int) -> Any:
        total = 1.0
        for k in range(n):
            total *= np.sum(np.exp(k * x))
        return total

    instrs = gradient(f, NUMBERS.uniform(size=40), 3)
    assert dear(instrs)["exp"] == 2  # once forward, once backward
    of.check_grads(f, (NUMBERS.uniform(size=40), 3), order=2)


def test_a_function_whose_value_the_adjoint_does_not_need_is_not_kept():
    def f(x: Any) -> Any:
        return np.sum(np.sin(x)) ** 2

    x = NUMBERS.uniform(size=40)
    of.check_grads(f, (x,), order=2)
    instrs = gradient(f, x)
    assert dear(instrs) == {"sin": 1, "cos": 1}
    assert sum(i.op.structure == "build" and bool(i.attrs["shape"]) for i in instrs) == 1  # the gradient itself


def test_the_gradient_of_log_sum_exp_makes_one_array_and_three_passes():
    instrs = gradient(log_sum, NUMBERS.uniform(size=40))
    assert sum(bool(i.regions) for i in instrs) == 3  # the maximum; exponentials, their sum and the number of maxima; the gradient
    assert sum(i.op.name in ("empty", "full") or (i.op.structure == "build" and bool(i.attrs["shape"])) for i in instrs) == 1


def columns(x: Any) -> Any:
    return np.max(np.exp(x) * x, axis=0)


def farthest(x: Any) -> Any:
    return np.max(x @ x.T, axis=1)


@pytest.mark.parametrize("f", [columns, farthest], ids=lambda f: f.__name__)
@pytest.mark.parametrize("shape", [(4, 3), (5, 11)])
def test_an_extremum_is_compared_with_its_terms_as_they_were(f: Callable[..., Any], shape: tuple[int, int]):
    """Computed again, in a vector instead of on its own, a term may differ from the maximum that it is."""
    for _ in range(3):
        of.check_grads(f, (NUMBERS.normal(size=shape),), order=2)
