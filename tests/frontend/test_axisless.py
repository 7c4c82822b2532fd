"""Arrays without axes: numbers here, memory in NumPy. What would show the difference is refused, and nothing else is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import oneform as of

G = np.array(1.0)
H = np.float64(1.0)


def bump(x):
    x += 1.0


@of.jit
def bump_compiled(x):
    x += 1.0
    return x * 2.0


# ---------------------------------------------------------------- nobody else holds it


def accumulator(n):
    total = np.zeros(())
    for i in range(n):
        total += i
        if i % 2:
            total = total * 2.0
    return total


def two(n):
    s, t = np.zeros(()), np.zeros(())
    for i in range(n):
        s += i
        t -= s
    return s, t


def like(n):
    v = np.zeros(())
    w = np.zeros_like(v)
    u = v.copy()
    w += n
    u -= n
    return v + w * u


def of_arithmetic(n):
    v = np.ones(())
    w = v * n
    u = w
    u += 2.0
    return w, u, v


def chosen(n):
    w = np.where(n > 1, np.ones(()), np.zeros(()))
    w += 1.0
    return w


def elements(n):
    a = np.arange(3.0)
    v = a[1]
    v += n
    for x in a:
        x *= 2.0
    return a, v


def dead(n):
    """The element is not looked at any more when the array changes."""
    a = np.arange(3.0) * n
    x = a[..., 0] + a[..., 1]
    a[..., 0] += x
    return a


def captured_number(n):
    v = H
    v += n
    return v * H


def converted(n):
    v = np.asarray(n, dtype=float)
    v = v + 1.0
    v *= 2.0
    return v


RIGHT = (accumulator, two, like, of_arithmetic, chosen, elements, dead, captured_number, converted)


@pytest.mark.parametrize("f", RIGHT)
@pytest.mark.parametrize("n", [3, np.float64(3.0)])
def test_those_that_one_name_holds_change(f: Any, n: Any) -> None:
    if f in (accumulator, two):
        n = int(n)
    expected, found = f(n), of.jit(f)(n)
    for e, x in zip(*((r if isinstance(r, tuple) else (r,)) for r in (expected, found)), strict=True):
        np.testing.assert_array_equal(x, e)


# ---------------------------------------------------------------- somebody else does


def name():
    out = np.zeros(())
    v = out
    v += 3.0
    return out * 1.0


def joined(c=1.0):
    out, other = np.zeros(()), np.ones(())
    v = out if c * H > 0 else other
    v += 3.0
    return out * 1.0


def in_a_loop(n=3):
    out, v = np.zeros(()), np.ones(())
    for i in range(n):
        v += i
        v = out
    return out * 1.0


def flat_view():
    out = np.zeros(())
    r = out.reshape(-1)
    r[0] = 5.0
    return out * 1.0


def flat_view_is_shown():
    out = np.zeros(())
    r = out.ravel()
    out += 5.0
    return r


def at_least():
    v = np.array(3.0)
    w = np.atleast_1d(v)
    w += 1.0
    return v * 1.0


def element():
    a = np.zeros(3)
    v = a[0, ...]
    v += 2.0
    return a


def element_is_shown():
    a = np.zeros(3)
    v = a[0, ...]
    a[0] = 2.0
    return v


def element_is_shown_after_a_loop(n=3):
    a = np.zeros(3)
    v = a[0, ...]
    for i in range(n):
        a[i % 3] += i
    return v


def squeezed():
    a = np.zeros(1)
    v = np.squeeze(a)
    v += 2.0
    return a


def reshaped():
    a = np.zeros(1)
    v = a.reshape(())
    v += 2.0
    return a


def helper():
    v = np.array(3.0)
    bump(v)
    return v * 1.0


def compiled_helper():
    v = np.array(3.0)
    r = bump_compiled(v)
    return r + v


def in_a_list():
    v = np.array(3.0)
    xs = [v]
    xs[0] += 1.0
    return v * 1.0


def in_a_long_list(n=4):
    v, xs = np.zeros(()), []
    for _ in range(n):
        xs.append(v)
    v += 1.0
    return sum(xs)


def rows_of_a_list(n=4):
    xs = []
    for _ in range(n):
        xs.append(np.zeros(()))
    xs[1] += 1.0
    return sum(xs)


def same_array():
    v = np.asarray(2.0)
    w = np.asarray(v)
    w -= 1.0
    return v * 1.0


def transposed():
    v = np.zeros(())
    w = v.T
    w += 1.0
    return v * 1.0


def closure():
    v = np.zeros(())

    def f(w=v):
        return w * 2.0

    v += 1.0
    return f()


def captured():
    v = G
    v += 1.0
    return v * 1.0


REFUSED = (
    name, joined, in_a_loop, flat_view, flat_view_is_shown, at_least, element, element_is_shown, element_is_shown_after_a_loop, squeezed, reshaped, helper,
    compiled_helper, in_a_list, in_a_long_list, rows_of_a_list, same_array, transposed, closure, captured,
)  # fmt: skip


@pytest.mark.parametrize("f", REFUSED)
def test_those_that_others_hold_do_not(f: Any) -> None:
    with pytest.raises(of.CompileError) as e:
        of.jit(f)()
    assert e.value.code == "E105"
    assert "without axes" in str(e.value) or "has no axes" in str(e.value)
    assert e.value.loc is not None and e.value.loc.file == __file__


def write_all():
    v = np.zeros(())
    v[...] = 3.0
    return v


def fill():
    v = np.zeros(())
    v.fill(3.0)
    return v


@pytest.mark.parametrize("f", [write_all, fill])
def test_writes_by_index_are_refused(f: Any) -> None:
    with pytest.raises(of.CompileError, match="no elements to write to"):
        of.jit(f)()


# ---------------------------------------------------------------- arguments


def changed(x):
    v = x
    v += 1.0
    return v * x


@dataclass
class Holder:
    x: Any


def changed_field(r):
    r.x += 1.0
    return r.x * 2.0


@pytest.mark.parametrize("derive", [of.jit, of.grad], ids=["value", "gradient"])
def test_an_argument_that_is_changed_is_a_number(derive: Any) -> None:
    f = derive(changed)
    expected = 6.0 if derive is of.jit else 5.0
    for x in (np.float64(2.0), 2.0):
        for _ in range(2):
            assert f(x) == expected
        with pytest.raises(of.ArgumentError, match="argument `x` is an array without axes, which the function changes in place"):
            f(np.array(2.0))


def test_a_field_that_is_changed_is_a_number() -> None:
    f = of.jit(changed_field)
    assert f(Holder(np.float64(1.0))) == 4.0
    with pytest.raises(of.ArgumentError, match=r"`r` at \.x is an array without axes"):
        f(Holder(np.array(1.0)))


def test_arguments_that_are_read_may_be_arrays() -> None:
    assert of.jit(lambda x: x * 2.0)(np.array(3.0)) == 6.0
    assert of.grad(lambda x: x * x)(np.array(3.0)) == 6.0
