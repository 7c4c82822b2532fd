"""check_grads accepts right derivatives and reports wrong ones, with the numbers and a word on kinks."""

from __future__ import annotations

import math

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


def test_a_kink_is_named() -> None:
    with pytest.raises(of.DerivativeError, match="kink") as e:
        of.check_grads(lambda x: (x if x > 0.0 else 0.0) + x, (0.0,), order=1)
    assert e.value.code == "E204" and isinstance(e.value, AssertionError) and "from the right" in str(e.value)


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
