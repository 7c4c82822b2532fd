"""A gradient that is zero everywhere is worth a warning: once for a program, with the argument and the function, at the line of the call."""

from __future__ import annotations

import inspect
import math
import warnings
from typing import Any

import numpy as np
import pytest

import oneform as of


def warned(call: Any) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call()
    assert all(issubclass(w.category, of.ZeroGradientWarning) for w in found)
    return found


def unused(x, y):
    return x * x


def test_once_with_names_and_place() -> None:
    gradient = of.grad(unused, (0, 1))
    (first,) = warned(lambda: gradient(1.0, 2.0))
    line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
    assert "unused" in str(first.message) and "`y`" in str(first.message) and (first.filename, first.lineno) == (__file__, line)
    assert not warned(lambda: gradient(3.0, 4.0)) and not warned(lambda: gradient(3.0, np.ones(3)))
    assert not warned(lambda: of.grad(unused, (0, 1))(1.0, 2.0))  # the same program
    assert issubclass(of.ZeroGradientWarning, UserWarning)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: of.grad(lambda x, y: x * 2.0, 1)(1.0, 2.0), ["`y`"]),
        (lambda: of.value_and_grad(lambda x, y: x * math.floor(y), (0, 1))(1.0, 2.0), ["`y`"]),
        (lambda: of.grad(lambda x, y: x if y > 0.0 else 2.0 * x, (0, 1))(1.0, 2.0), ["`y`"]),
        (lambda: of.jacrev(lambda x, y: np.array([x, x]), (0, 1))(1.0, 2.0), ["`y`"]),
        (lambda: of.vjp(lambda x, y: (x * 2.0, y > 0.0), 1.0, 2.0)[1]((1.0, None)), ["`y`"]),
        (lambda: of.grad(lambda x, y: (3.0, x * y), (0, 1), has_aux=True)(1.0, 2.0), ["`x`", "`y`"]),
        (lambda: of.grad(of.grad(lambda x: 3.0 * x))(1.0), ["`x`"]),
        (lambda: of.jit(lambda x: of.grad(lambda y: x * x)(x) + x)(1.0), ["`y`"]),
        (lambda: of.jit(lambda x: of.vjp(lambda a, b: a * x, x, 2.0 * x)[1](1.0)[0])(1.0), ["`b`"]),
        (lambda: of.jit(lambda x: of.jit(of.grad(lambda y: 2.0))(x) + x)(1.0), ["`y`"]),
    ],
)
def test_where(call: Any, names: list[str]) -> None:
    found = warned(call)
    assert [n for w, n in zip(found, names, strict=True) if n in str(w.message)] == names


def test_where_not() -> None:
    v = {"a": 1.0, "b": 2.0}
    for call in (
        lambda: of.grad(lambda x, y: x * of.stop_gradient(y), (0, 1))(1.0, 2.0),  # on purpose
        lambda: of.grad(lambda p: p["a"] * 2.0)(v),  # a part of the argument
        lambda: of.grad(lambda x, y: x * y)(1.0, 2.0),
        lambda: of.grad(lambda x, n: x * n)(1.0, 2),
        lambda: of.jvp(unused, (1.0, 2.0), (1.0, 1.0)),
        lambda: of.jacfwd(unused, (0, 1))(1.0, 2.0),
        lambda: of.hessian(lambda x: 3.0 * x)(1.0),
        lambda: of.check_grads(lambda x, y: 3.0 * x, (1.0, 2.0)),
    ):
        assert not warned(call)


def test_a_rule_that_gives_zero_is_no_accident() -> None:
    f = of.custom_vjp(lambda x, y: x * y)
    f.defvjp(lambda x, y: (f(x, y), y), lambda y, ct: (ct * y, None))
    assert not warned(lambda: of.grad(f, (0, 1))(1.0, 2.0))
