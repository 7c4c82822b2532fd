"""Programs that raise while they run: the exception CPython raises, in every way of running, and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.programs.registry import vec

RAISING: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {}


def raises(*args: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the function with arguments at which it raises. The first argument is a float or an array of floats."""

    def register(fn: Callable[..., Any]) -> Callable[..., Any]:
        RAISING[fn.__name__] = (fn, args)
        return fn

    return register


@raises(vec(5, 300), 7)
def index_beyond_the_end(x, n):
    s = 0.0
    for i in range(n):
        s += x[i] * s + 1.0
    return s


@raises(vec(5, 301), -6)
def index_below_the_start(x, k):
    return x[0] * x[k]


@raises(np.zeros(0), 2)
def element_of_nothing(x, k):
    return x[k - 2] * 2.0


@raises(vec(4, 302), np.array([0, 3, 4]))
def write_beyond_the_end(x, idx):
    y = np.zeros(len(x))
    for i in range(len(idx)):
        y[idx[i]] += x[i] * x[i]
    return np.sum(y)


@raises(vec(20, 303), vec(21, 304))
def lengths_that_do_not_fit(x, y):
    return np.sum(x * y)


@raises(vec(5, 305), 2)
def slice_of_another_length(x, k):
    y = np.zeros(5)
    y[k:] = x[:2] * 2.0
    return np.sum(y)


@raises(2.0, 0)
def integer_division_by_zero(x, n):
    return x * (7 // n)


@raises(3.0, 4)
def raise_inside_while(x, limit):
    """Raised with a tape half full."""
    n = 0
    y = np.zeros(8)
    while x < 1e6:
        x = x * x
        y[n] = x
        n += 1
        if n == limit:
            raise RuntimeError("too many rounds")
    return x + np.sum(y)


@raises(vec(6, 306, 0.5, 1.0), 0.1)
def assertion_in_helper(x, level):
    s = 0.0
    for i in range(len(x)):
        s += checked(x[i] - i * level)
    return s


def checked(v):
    assert v > 0.3, "value too small"
    return np.sqrt(v)


@raises(1.5, 0)
def name_never_bound(x, n):
    for i in range(n):
        y = x * i
    return x + y


@raises(np.zeros(0), 1.0)
def maximum_of_nothing(x, y):
    return np.max(x) * y


@raises(vec(20, 307), vec(21, 308))
def product_of_wrong_lengths(x, y):
    return np.dot(x, y) * 2.0


@raises(1.5, 3)
def key_that_is_not_there(x, n):
    d = {}
    for i in range(n):
        d[i * i] = x
    return d[n]


@raises(1.5, 3)
def number_for_a_message(x, n):
    if x < n:
        raise ValueError(x + n)
    return x


@raises(1.5, 3)
def name_for_a_message(x, n):
    d = {"a": x, "b": x * x}
    if n > 2:
        del d["{c}"]
    return d["a"]


@raises(vec(3, 320), 1)
def no_such_pair(x, k):
    """The exception carries the tuple."""
    d = {}
    for i in range(3):
        d[i, i + 1] = x[i]
    return d[k, 2] * d[2, k]
