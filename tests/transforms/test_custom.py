"""Custom derivatives in the representation: text, meaning, both modes, the optimiser, and what the derivative leaves of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from oneform.errors import DerivativeError
from oneform.ir import Function, instructions, interpret, parse, show, verify
from oneform.ops import CUSTOM, OPS
from oneform.optimise import optimise, prepare
from oneform.transforms import jvp, vjp, vjp_apart
from oneform.transforms.reverse.shadow import MARKS

# sin with its rule, which calls it again; a loop around it, and a value that the primal closes over.
SINE = """oneform 1
function g(%0: f64, %1: f64, %2: i64) {
  %3: f64 = for %2, %0
    region(%4: i64, %5: f64) {
      %6: f64 = mul %5, %1
      %7: f64 = custom_jvp %6 {name='f', types=(<f64>,), wrt=(0,)}
        region(%8: f64) {
          %9: f64 = sin %8
          yield %9
        }
        region(%10: f64, %11: f64) {
          %12: f64 = custom_again %10 {name='f', types=(<f64>,)}
          %13: f64 = cos %10
          %14: f64 = mul %13, %11
          yield %12, %14
        }
      yield %7
    }
  return %3
}
"""

# x -> x * x on arrays; twice that backward.
SQUARE = """oneform 1
function g(%0: f64[n]) {
  %1: f64[n] = custom_vjp %0 {name='f', types=(<f64[n]>,), wrt=(0,)}
    region(%2: f64[n]) {
      %3: f64[n] = mul %2, %2
      yield %3
    }
    region(%4: f64[n]) {
      %5: f64[n] = custom_again %4 {name='f', types=(<f64[n]>,)}
      yield %5, %4
    }
    region(%6: f64[?], %7: f64[n]) {
      %8: f64 = const {value=4.0, dtype=f64}
      %9: f64[?] = mul %6, %8
      %10: f64[n] = mul %9, %7
      yield %10
    }
  %11: f64 = sum %1 {axes=(0,)}
  return %11
}
"""

CLOSED = """oneform 1
function g(%0: f64, %1: f64) {
  %2: f64 = custom_jvp %0 {name='f', types=(<f64>,), wrt=(0,)}
    region(%3: f64) {
      %4: f64 = mul %3, %1
      yield %4
    }
    region(%5: f64, %6: f64) {
      %7: f64 = mul %5, %1
      %8: f64 = mul %6, %1
      yield %7, %8
    }
  return %2
}
"""


def program(text: str) -> Function:
    f = verify(parse(text, OPS))
    assert show(f) == text
    return f


def customs(f: Function) -> list[Any]:
    return [i for i in instructions(f.block.body) if i.op.structure in CUSTOM]


def checked(f: Function) -> Function:
    verify(f)
    assert not any(i.op in MARKS for i in instructions(f.block.body))
    assert show(verify(parse(show(f), OPS))) == show(f)
    return f


def test_the_meaning_is_the_primal() -> None:
    assert interpret(program(SINE), 0.3, 1.5, 2) == (pytest.approx(math.sin(1.5 * math.sin(0.45))),)
    assert interpret(program(SQUARE), np.array([1.0, 2.0])) == (5.0,)


def test_the_optimiser_keeps_them_until_the_last_derivative() -> None:
    for text, args in ((SINE, (0.3, 1.5, 2)), (SQUARE, (np.arange(4.0),)), (CLOSED, (2.0, 3.0))):
        f = program(text)
        kept, gone = prepare(f, verified=True), optimise(f, verified=True)
        assert customs(kept) and not customs(gone)
        assert interpret(kept, *args) == interpret(f, *args) == interpret(gone, *args)


def test_forward_mode_is_the_rule() -> None:
    f = checked(jvp(prepare(program(SINE)), [0]))
    value, tangent = interpret(f, 0.3, 1.5, 2, 1.0)
    assert tangent == pytest.approx(1.5**2 * math.cos(0.45) * math.cos(1.5 * math.sin(0.45))) and value == pytest.approx(math.sin(1.5 * math.sin(0.45)))
    assert customs(f)  # the value is still that of a function with a rule
    again = checked(jvp(prepare(f), [0]))
    h = 1e-5
    expected = (interpret(f, 0.3 + h, 1.5, 2, 1.0)[1] - interpret(f, 0.3 - h, 1.5, 2, 1.0)[1]) / (2 * h)
    assert interpret(again, 0.3, 1.5, 2, 1.0, 1.0)[3] == pytest.approx(expected, rel=1e-8)


def test_reverse_mode_is_its_transpose() -> None:
    f = checked(vjp(prepare(program(SINE)), [0, 1], [0]))
    _, dx, dy = interpret(f, 0.3, 1.5, 2, 1.0)
    tangents = [interpret(jvp(prepare(program(SINE)), [k]), 0.3, 1.5, 2, 1.0)[1] for k in (0, 1)]
    assert (dx, dy) == pytest.approx(tuple(tangents))
    second = checked(vjp(prepare(f), [0], [1]))
    assert interpret(second, 0.3, 1.5, 2, 1.0, 1.0)[3] == pytest.approx(interpret(jvp(prepare(f), [0]), 0.3, 1.5, 2, 1.0, 1.0)[4])


def test_reverse_mode_of_custom_vjp() -> None:
    f = checked(vjp(prepare(program(SQUARE)), [0], [0]))
    x = np.array([1.0, -2.0, 3.0])
    assert np.array_equal(interpret(f, x, 1.0)[1], 4.0 * x)
    assert np.array_equal(interpret(optimise(f, verified=True), x, 0.5)[1], 2.0 * x)
    with pytest.raises(DerivativeError) as e:
        jvp(prepare(program(SQUARE)), [0])
    assert e.value.code == "E212"


def test_what_the_primal_closes_over() -> None:
    f = prepare(program(CLOSED))
    assert interpret(vjp(f, [0], [0]), 2.0, 3.0, 1.0) == (6.0, 3.0)
    for transform in (lambda: jvp(f, [1]), lambda: vjp(f, [1], [0])):
        with pytest.raises(DerivativeError) as e:
            transform()
        assert e.value.code == "E211"


@pytest.mark.parametrize(("text", "args"), [(SINE, (0.3, 1.5, 4)), (SQUARE, (np.arange(5.0),)), (CLOSED, (2.0, 3.0))])
def test_two_sweeps_apart(text: str, args: tuple[Any, ...]) -> None:
    f = prepare(program(text))
    forward, reverse = vjp_apart(f, [0], [0])
    checked(forward)
    checked(reverse)
    value, *saved = interpret(forward, *args)
    whole = interpret(vjp(f, [0], [0]), *args, 2.0)
    assert value == whole[0]
    np.testing.assert_allclose(interpret(reverse, *saved, 2.0)[0], whole[1], rtol=1e-14)


def test_a_rule_that_raises_is_kept_only_with_its_function() -> None:
    """An index in a rule may fail; the rule is not run where it stands, so it keeps nothing alive."""
    text = """oneform 1
function g(%0: f64[n], %1: i64) {
  %2: f64 = custom_jvp %0, %1 {name='f', types=(<f64>,), wrt=(0,)}
    region(%3: f64[n], %4: i64) {
      %5: f64 = sum %3 {axes=(0,)}
      yield %5
    }
    region(%6: f64[n], %7: i64, %8: f64[n]) {
      %9: f64 = sum %6 {axes=(0,)}
      %10: i64 = dim %8 {axis=0}
      %11: i64 = index %7, %10 {axis=0, checked=True}
      %12: f64 = get %8, %11
      yield %9, %12
    }
  return %RESULT
}
"""
    unused = prepare(verify(parse(text.replace("%RESULT", "%1"), OPS)))
    assert not unused.block.body
    used = prepare(verify(parse(text.replace("%RESULT", "%2"), OPS)))
    assert np.array_equal(interpret(vjp(used, [0], [0]), np.ones(3), 1, 1.0)[1], [0.0, 1.0, 0.0])
    with pytest.raises(IndexError):
        interpret(vjp(used, [0], [0]), np.ones(3), 3, 1.0)
