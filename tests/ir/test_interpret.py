"""The reference interpreter: structured operations, exceptions at the user's line, types of results."""

from __future__ import annotations

import traceback

import numpy as np
import pytest

from oneform.errors import InternalError, Location
from oneform.ir import Builder, interpret, parse
from oneform.ops import OPS, dim
from oneform.types import F64, I64, Array, Scalar


def test_an_exception_is_raised_at_the_users_line():
    loc = Location("model.py", 3, 11, 15, "    return x[i]", "model")
    b = Builder(loc)
    x, i = b.param(Array(F64, ("n",))), b.param(Scalar(I64))
    f = b.function("model", b.emit1(OPS["get"], x, b.emit1(OPS["index"], i, dim(b, x, 0), axis=0, checked=True)))
    assert interpret(f, np.arange(3.0), -1) == (2.0,)
    with pytest.raises(IndexError, match="index 5 is out of bounds for axis 0 with size 3") as e:
        interpret(f, np.arange(3.0), 5)
    last = traceback.extract_tb(e.value.__traceback__)[-1]
    assert (last.filename, last.lineno, last.name, last.colno, last.end_colno) == ("model.py", 3, "model", 11, 15)


def test_a_while_loop_runs_until_its_condition_fails():
    f = parse(
        """oneform 1
        function collatz(%0: i64, %1: i64) {
          %2: i64 = const {value=1, dtype=i64}
          %3: i64 = const {value=2, dtype=i64}
          %4: i64 = const {value=3, dtype=i64}
          %5: i64, %6: i64 = while %0, %1
            region(%7: i64, %8: i64) {
              %9: bool = ne %7, %2
              yield %9
            }
            region(%10: i64, %11: i64) {
              %12: i64 = mod %10, %3
              %13: bool = eq %12, %2
              %14: i64 = if %13
                region() {
                  %15: i64 = mul %10, %4
                  %16: i64 = add %15, %2
                  yield %16
                }
                region() {
                  %17: i64 = floordiv %10, %3
                  yield %17
                }
              %18: i64 = add %11, %2
              yield %14, %18
            }
          return %6
        }""",
        OPS,
    )
    assert interpret(f, 27, 0) == (111,)


def test_a_constructor_reduces_over_its_extent():
    f = parse(
        """oneform 1
        function products(%0: f64[n, k]) {
          %1: i64 = dim %0 {axis=0}
          %2: i64 = dim %0 {axis=1}
          %3: f64[n] = build %1, %2 {shape=('n',), extent=('k',), reduce='mul'}
            region(%4: i64, %5: i64) {
              %6: f64 = get %0, %4, %5
              yield %6
            }
          return %3
        }""",
        OPS,
    )
    x = np.arange(1.0, 7.0).reshape(2, 3)
    np.testing.assert_allclose(interpret(f, x)[0], x.prod(axis=1))
    np.testing.assert_allclose(interpret(f, np.ones((2, 0)))[0], [1.0, 1.0])
    assert interpret(f, np.ones((0, 3)))[0].shape == (0,)


def test_arguments_become_what_their_types_say():
    b = Builder()
    x, y = b.param(Scalar(F64)), b.param(Array(F64, (2,)))
    f = b.function("f", x, y)
    a, c = interpret(f, 3, [1, 2])
    assert type(a) is np.float64
    assert c.dtype == np.float64
    with pytest.raises(InternalError, match="stands for"):
        interpret(f, 3, [1, 2, 3])
    with pytest.raises(InternalError, match="takes 2 values"):
        interpret(f, 3)
