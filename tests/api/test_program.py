"""Programs and stages: printed, parsed, verified, interpreted, transformed, compiled."""

from __future__ import annotations

import math

import numpy as np
import pytest

import oneform as of

TEXT = """oneform 1
function dot(%0: f64[n], %1: f64[n]) {
  %2: f64[n] = mul %0, %1
  %3: f64 = sum %2 {axes=(0,)}
  return %3
}
"""
SCALE = 3.0


def f(x, v):
    s = 0.0
    for i in range(len(v)):
        s += math.sin(v[i]) * x * SCALE
    return s, {"n": len(v)}


def test_trace() -> None:
    v = np.arange(30.0)
    p = of.trace(f)(2.0, v)
    p.verify()
    expected = f(2.0, v)
    assert p.interpret(2.0, v)[0] == pytest.approx(expected[0], rel=1e-13) and p.interpret(2.0, v)[1] == {"n": 30}
    assert p(2.0, v)[0] == pytest.approx(expected[0], rel=1e-12) and p.compile(cache=False)(2.0, v[:20])[1] == {"n": 20}
    again = of.parse(str(p))
    assert str(again) == str(p)
    again.verify()
    s, n = again(2.0, v, SCALE)
    assert s == pytest.approx(expected[0], rel=1e-12) and n == 30
    assert of.parse(str(p.optimised())).interpret(2.0, v, SCALE)[1] == 30
    assert "f" in repr(p)


def test_parsed_programs() -> None:
    p = of.parse(TEXT)
    x, y = np.arange(5.0), np.ones(5) * 2
    assert p(x, y) == 20.0 == p.interpret(x, y)
    g = p.grad()
    g.verify()
    value, dx, dy = g(x, y)
    assert value == 20.0 and np.array_equal(dx, y) and np.array_equal(dy, x)
    assert p.jvp([0])(x, y, y) == (20.0, 20.0)
    assert np.array_equal(p.vjp([1])(x, y, 3.0)[1], 3 * x)
    assert p.grad([0]).grad([1], result=0)(x, y)[0] == 20.0
    with pytest.raises(of.ArgumentError):
        p(x, np.ones(4))
    with pytest.raises(of.ArgumentError):
        p(x)
    with pytest.raises(of.ArgumentError):
        p(x, 3.0)
    with pytest.raises(of.ArgumentError):
        p.interpret(x, np.ones(5, int))
    with pytest.raises(of.CompileError):
        of.parse("oneform 1\nnonsense")


def test_fixed_lengths_are_checked() -> None:
    p = of.parse(TEXT.replace("[n]", "[100]"))
    assert p(np.ones(100), np.ones(100)) == 100.0
    for bad in ((np.ones(99), np.ones(99)), (np.ones(100), np.ones(101))):
        with pytest.raises(of.ArgumentError):
            p(*bad)


def test_stages() -> None:
    low = of.lower(of.grad(lambda x, v: f(x, v)[0]))(2.0, np.arange(30.0))
    assert "function" in low.ir() and "function" in low.optimised()
    assert "define" in low.llvm() and "of.kernel" in low.llvm()
    assert "of.kernel" in low.asm() and len(low.asm().splitlines()) > 20
    assert ".asm()" in repr(low)
    assert "fast" in of.lower(of.jit(lambda v: np.sum(v), fastmath=True))(np.arange(30.0)).llvm()
