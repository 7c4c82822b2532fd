"""A test of the tests: rules made wrong on purpose, each of which the corpus must notice. Run by the interpreter, so that nothing wrong is cached."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.ops import OPS, apply
from oneform.types import Scalar
from tests import differences
from tests.differences import double, floats
from tests.programs.points import POINTS, Point


@dataclass(frozen=True)
class Mutant:
    """The rule `rule` of operation `op` (or the function of a module), made wrong; `caught_by` are programs that must notice."""

    name: str
    op: str
    rule: str
    wrong: Callable[..., Any]
    caught_by: tuple[str, ...]
    order: int = 1  # which derivative shows it


def _forgets_to_clear(t: Any, instr: Any) -> None:
    """y = x but y[i] = v: the overwritten element of x still gets the cotangent."""
    t.accumulate(instr.args[1], t.read(instr.outs[0], instr.args[2:]))
    t.accumulate(instr.args[0], t.cotangent(instr.outs[0]))


def _clears_what_is_added_to(t: Any, instr: Any) -> None:
    """y = x with v added at i: treated as if it were overwritten."""
    t.accumulate(instr.args[1], t.take(instr.outs[0], instr.args[2:]))
    t.accumulate(instr.args[0], t.cotangent(instr.outs[0]))


def _first_wins(x: Any, y: Any, z: Any) -> tuple[Any, Any]:
    by_x = apply("select", apply("lt", x, y), x * 0.0, x * 0.0 + 1.0)
    return by_x, 1.0 - by_x


def _leaks(c: Any, x: Any, y: Any, z: Any) -> tuple[Any, Any, Any]:
    """Multiplied instead of chosen: 0 times an infinite derivative."""
    by_x = apply("select", c, x * 0.0 + 1.0, x * 0.0)
    return None, by_x, 1.0 - by_x


def _turned_round(v: Any, dtype: Any) -> Any:
    """Im z with the sign of its cotangent wrong."""
    return v.apply("imag") if v.dtype.kind == "c" else apply("complex", v * 0.0, v)


class Deaf:
    """What a rule asks of the reverse sweep, but that numbers get no cotangent (`gives` is False), have none, or that nothing is changed."""

    def __init__(self, t: Any, gives: bool = True, has: bool = True, changes: bool = True):
        self.t, self.gives, self.has, self.changes = t, gives, has, changes

    def __getattr__(self, name: str) -> Any:
        return getattr(self.t, name)

    def accumulate(self, v: Any, ct: Any) -> None:
        if self.gives or not isinstance(v.type, Scalar):
            self.t.accumulate(v, ct)

    def cotangent(self, v: Any) -> Any:
        return self.t.cotangent(v) if self.has or not isinstance(v.type, Scalar) else self.t.zero(v)

    def update(self, *args: Any, **attrs: Any) -> Any:
        return self.t.update(*args, **attrs) if self.changes else None


def deaf(op: str, **what: bool) -> Callable[..., None]:
    right = OPS[op].transpose
    assert right is not None
    return lambda t, instr: right(Deaf(t, **what), instr)


def _last_forgotten(sweep: Any, region: Any) -> list[int]:
    """The parameters of a recursive function that get a cotangent: all but one."""
    return [k for k, p in enumerate(region.params) if p in sweep.active][:-1]


RECURSION = "oneform.transforms.reverse.recursion"

MUTANTS = [
    Mutant("factor 2 in sin", "sin", "partials", lambda x, y: (apply("cos", x) * 2.0,), ("elementary", "recurrence_in_array", "simpson")),
    Mutant("sign of cos", "cos", "partials", lambda x, y: (apply("sin", x),), ("fixed_point", "in_place_scaling", "elementary")),
    Mutant("partials of div swapped", "div", "partials", lambda x, y, z: (-z / y, 1.0 / y), ("newton_sqrt", "thomas", "gauss_in_place")),
    Mutant("mul loses one side", "mul", "partials", lambda x, y, z: (y, None), ("horner", "logistic", "running_product")),
    Mutant("mul squared", "mul", "partials", lambda x, y, z: (x, y), ("horner", "logistic", "running_product")),
    Mutant("sub as add", "sub", "partials", lambda x, y, z: (1, 1), ("logistic", "gauss_in_place")),
    Mutant("tanh from its argument", "tanh", "partials", lambda x, y: (1.0 - x * x,), ("invariant_and_varying", "two_layer_network")),
    Mutant("exp as constant", "exp", "partials", lambda x, y: (None,), ("softmax", "sum_of_logsumexp", "one_value_many_uses")),
    Mutant("set forgets to clear", "set", "transpose", _forgets_to_clear, ("overwritten_after_use", "scatter_overwrite", "scratch_reused_each_iteration")),
    Mutant("add_at clears", "add_at", "transpose", _clears_what_is_added_to, ("gather", "recurrence_in_array"), order=2),
    Mutant("a tie goes to the first", "maximum", "partials", _first_wins, ("maximum_tie", "builtin_max_tie")),
    Mutant("where leaks NaN", "select", "partials", _leaks, ("where_guards_sqrt",)),
    Mutant("abs at zero is one", "abs", "partials", lambda x, y: (apply("select", apply("ge", x, 0.0), x * 0.0 + 1.0, x * 0.0 - 1.0),), ("abs_at_zero",)),
    Mutant("log of the wrong power", "log", "partials", lambda x, y: (1.0 / (x * x),), ("logsumexp", "sum_of_logsumexp")),
    Mutant("conj as the identity", "conj", "partials", lambda z, w: (1,), ("mandelbrot_distance", "two_levels", "whole_arrays")),
    Mutant("imag turned round", "imag", "partials", lambda z, y: (("linear", _turned_round),), ("real_in_and_out", "whole_arrays")),
    Mutant("complex loses a part", "complex", "partials", lambda x, y, z: (("convert", z.dtype), None), ("real_in_and_out", "joukowski_airfoil")),
    Mutant("what is pushed gets nothing", "push", "transpose", deaf("push", gives=False), ("sorted_and_weighted", "stack_machine", "agents")),
    Mutant("what was popped gives nothing", "pop", "transpose", deaf("pop", has=False), ("stack_machine", "heap_sorted")),
    Mutant("an item gives nothing", "item", "transpose", deaf("item", has=False), ("sorted_and_weighted", "linked_list", "expression_tree")),
    Mutant("put forgets to clear", "put", "transpose", deaf("put", changes=False), ("heap_sorted", "linked_list")),
    Mutant("what is put gets nothing", "put", "transpose", deaf("put", gives=False), ("warped_lists", "histogram")),
    Mutant("one argument of a call is forgotten", RECURSION, "_given", _last_forgotten, ("adaptive_quadrature", "taking_turns", "folded_tree")),
    Mutant("sqrt without the half", "sqrt", "partials", lambda x, y: (1.0 / y,), ("cholesky_in_place", "arithmetic_geometric_mean")),
]


@contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """Records are frozen; the mutant gets in all the same, and out again."""
    op: Any = OPS.get(mutant.op) or importlib.import_module(mutant.op)
    right = getattr(op, mutant.rule)
    object.__setattr__(op, mutant.rule, mutant.wrong)
    try:
        yield
    finally:
        object.__setattr__(op, mutant.rule, right)


def notices(point: Point, order: int = 1) -> bool:
    """Whether the gradient (run by the interpreter) departs from differences, or from what is documented."""
    wrt = point.wrt if len(point.wrt) > 1 else point.wrt[0]
    args = (*point.loss_args(), *(moving(point, 2) if order == 2 else ()))
    f = of.grad(point.derived("R") if order == 2 else point.loss, wrt)
    found = of.trace(f)(*args).interpret(*args)
    gradient = floats(found)
    if point.program.expect is not None:
        return not np.allclose(gradient, floats(point.program.expect), rtol=1e-9, atol=1e-9)
    directions = [point.loss_direction(k) for k in ((2, 1) if order == 2 else (1,))]
    expected, error = differences.mixed(point.loss, point.loss_args(), *directions)
    total = float(sum(np.sum(double(g) * double(v)).real for g, v in zip(found if isinstance(found, tuple) else (found,), moving(point, 1), strict=True)))
    return not abs(total - expected[0]) <= 10.0 * error[0] + 1e-9 * (1.0 + abs(expected[0]))


def moving(point: Point, k: int) -> list[Any]:
    return [d for d in point.loss_direction(k) if d is not None]


def first_case(name: str) -> Point:
    return next(p for p in POINTS if p.program.name == name and p.case == 0)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name.replace(" ", "-"))
def test_mutant_is_caught(mutant: Mutant) -> None:
    for name in mutant.caught_by:
        point = first_case(name)
        assert not notices(point, mutant.order), f"{name} fails without any mutant"
        with planted(mutant):
            assert notices(point, mutant.order), f"{name} does not notice: {mutant.name}"
        assert not notices(point, mutant.order), "the mutant stayed"
