"""check_grads accepts right derivatives and reports wrong ones, with the numbers and a word on kinks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.ops import OPS


def smooth(x, v):
    s = 0.0
    for i in range(len(v)):
        s += math.sin(v[i] * x) * math.exp(-v[i])
    return s, v * x


def test_smooth_functions_pass() -> None:
    of.check_grads(smooth, (0.7, np.array([0.1, 0.5, 2.0])), order=3)
    of.check_grads(lambda p: p["a"] * math.tanh(p["b"]), ({"a": 3.0, "b": 0.2, "n": 2},))
    of.check_grads(lambda x: 1e8 * math.sin(x) + x, (1e3,), order=2)
    of.check_grads(lambda x: x**2 * 1e-9, (2.0,), modes=("fwd",))
    of.check_grads(lambda x: x * x, (np.float32(1.5),))
    of.check_grads(lambda x: x * x, (np.ones(3, np.float32) * 2.0,), order=1, modes=("rev",))


def failure(f: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(of.DerivativeError) as e:
        of.check_grads(f, args, **options)
    assert e.value.code == "E204" and isinstance(e.value, AssertionError)
    return str(e.value)


RELU = np.array([1.0, 0.0, -2.0, 3.0])


@pytest.mark.parametrize(
    ("f", "args", "order"),
    [
        (lambda x: (x if x > 0.0 else 0.0) + x, (0.0,), 1),
        (lambda x: abs(x), (0.0,), 1),  # the convention abs'(0) = 0 is what central differences give
        (lambda x, y: max(x, y), (1.0, 1.0), 1),
        (lambda x: np.maximum(x, 0.0), (RELU,), 1),
        (lambda x: np.maximum(x, 0.0), (RELU.astype("f4"),), 1),
        (lambda x: abs(x - 1e-7), (0.0,), 1),  # a little beside the point
        (lambda x: np.sum(np.maximum(x, 0.0)), (np.append(np.linspace(-2.0, 2.0, 1000), 0.0),), 1),
        (lambda x: x * x if x >= 1.0 else 2.0 * x - 1.0, (1.0,), 2),  # a kink of the derivative
    ],
)
def test_a_kink_is_named(f: Any, args: tuple[Any, ...], order: int) -> None:
    message = failure(f, *args, order=order)
    assert "sits on a kink" in message and "from the left" in message and "from the right" in message
    if order == 2:
        of.check_grads(f, args, order=1)
        assert "of jvp of jvp" in message


def test_a_jump_is_named() -> None:
    for f, x in ((lambda x: math.floor(x) * x, 2.0), (lambda x: np.sign(x) + x, 0.0), (lambda x: 5.0 if x == 0.0 else math.cos(x), 0.0)):
        message = failure(f, x)
        assert "the value jumps" in message
    of.check_grads(lambda x: math.floor(x) * x, (2.5,))


def test_a_branch_that_equality_decides_is_named() -> None:
    message = failure(lambda x: 0.5 * x if x == 0.0 else 3.0 * x, 0.0)
    assert "beside the point the derivative is another" in message and "x == …" in message


def test_steep_is_no_kink() -> None:
    of.check_grads(lambda x: math.sin(1e4 * x), (0.3,))
    of.check_grads(lambda x: math.tanh(3e3 * x), (1e-4,), order=1)
    of.check_grads(lambda x: x**1.5, (1e-3,))
    of.check_grads(lambda x: abs(x), (1e-3,))


def sine(rule: Any) -> Any:
    f = of.custom_jvp(lambda x: np.sin(x))
    f.defjvp(rule)
    return f


def sine_by_sweeps(fwd: Any, bwd: Any) -> Any:
    f = of.custom_vjp(lambda x: np.sin(x))
    f.defvjp(fwd, bwd)
    return f


def test_custom_rules_are_checked() -> None:
    of.check_grads(sine(lambda p, t: (np.sin(p[0]), np.cos(p[0]) * t[0])), (1.0,), order=3)
    right = sine_by_sweeps(lambda x: (np.sin(x), x), lambda x, ct: (np.cos(x) * ct,))
    of.check_grads(right, (1.0,), order=3)
    of.check_grads(lambda x: right(x) * x, (1.0,), modes=("rev",))
    with pytest.raises(of.DerivativeError) as e:
        of.check_grads(right, (1.0,), modes=("fwd",))
    assert e.value.code == "E212"


def test_a_wrong_custom_rule_is_caught() -> None:
    wrong = sine(lambda p, t: (np.sin(p[0]), 1.01 * np.cos(p[0]) * t[0]))
    assert "jvp gives" in failure(wrong, 1.0) and "vjp gives" in failure(wrong, 1.0, modes=("rev",))
    assert "vjp gives" in failure(sine_by_sweeps(lambda x: (np.sin(x), x), lambda x, ct: (1.01 * np.cos(x) * ct,)), 1.0)
    assert "another result" in failure(sine(lambda p, t: (1.01 * np.sin(p[0]), np.cos(p[0]) * t[0])), 1.0)
    assert "another result" in failure(sine_by_sweeps(lambda x: (1.01 * np.sin(x), x), lambda x, ct: (np.cos(x) * ct,)), 1.0)
    assert "differences give" in failure(sine(lambda p, t: (np.sin(p[0]), np.cos(p[0]) * t[0] + 1.0)), 1.0)
    second = sine(lambda p, t: (np.sin(p[0]), of.stop_gradient(np.cos(p[0])) * t[0]))
    of.check_grads(second, (1.0,), order=1)
    assert "jvp of jvp" in failure(second, 1.0)


def test_a_wrong_rule_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEFORM_CACHE", "0")
    sine = OPS["sin"]
    right = sine.partials
    object.__setattr__(sine, "partials", lambda x, y: (y,))
    try:
        with pytest.raises(of.DerivativeError) as e:
            of.check_grads(lambda t: math.sin(t) + 0.0, (1.0,), order=1, modes=("fwd",))
    finally:
        object.__setattr__(sine, "partials", right)
    assert e.value.code == "E204" and "differences give" in str(e.value)


def test_derivatives_that_are_zero_by_cancellation() -> None:
    """What rounding leaves of them is no difference between two ways of computing."""

    def unit(v):
        d = v / np.sqrt(np.sum(v * v))
        return np.sum(d * d)

    def addition_theorem(x, y):
        return x * y + np.sin(x) * np.cos(y) + np.cos(x) * np.sin(y) - np.sin(x + y)

    of.check_grads(unit, (np.array([1.0, 2.0, -0.3]),), order=3)
    of.check_grads(addition_theorem, (0.7, 1.3), order=3)


def test_refusals() -> None:
    with pytest.raises(of.DerivativeError) as e:
        of.check_grads(lambda n: n * 2, (3,))
    assert e.value.code == "E202"
    with pytest.raises(of.DerivativeError) as e:
        of.check_grads(lambda x: 3, (3.0,))
    assert e.value.code == "E203"
    with pytest.raises(ValueError, match="modes"):
        of.check_grads(lambda x: x, (1.0,), modes=("sideways",))
    with pytest.raises(ValueError, match="order"):
        of.check_grads(lambda x: x, (1.0,), order=0)
