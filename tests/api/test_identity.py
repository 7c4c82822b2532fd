"""The caller's objects after a call: what was one object is one object, or the program is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import oneform as of


@dataclass
class Item:
    x: float
    own: list[float] = field(default_factory=list)


@dataclass
class Holder:
    inner: Any
    more: Any = None


def new_object_twice(xs: list[Item], v: float) -> None:
    c = Item(v)
    xs.append(c)
    xs.append(c)


def new_object_in_two_lists(xs: list[Item], ys: list[Item], v: float) -> None:
    c = Item(v)
    xs.append(c)
    ys.append(c)


def new_array_twice(xs: list[Any], n: int) -> None:
    a = np.full(3, 2.0 * n)
    xs.append(a)
    xs.append(a)


def given_inside_new(h: Holder, c: Item, a: Any) -> None:
    c.x += 1.0
    a[0] = 7.0
    h.inner = Holder(c, (a, 1.0))


def given_into_known(qs: list[Item], xs: list[float]) -> None:
    for q in qs:
        q.own = xs


def new_into_known(qs: list[Item]) -> None:
    xs = [1.0, 2.0]
    for q in qs:
        q.own = xs


def new_list_for_each(qs: list[Owner]) -> None:
    for q in qs:
        q.own = [q.x, 2.0 * q.x]


def long_list_of_new(h: Holder, n: int) -> None:
    out = []
    for i in range(n):
        out.append(Item(float(i)))
    h.inner = out


def row_of_given(h: Holder, qs: list[Item], k: int) -> None:
    h.inner = qs[k]


@dataclass
class Owner:
    """Objects of this class are kept in a pool, once a program has put other lists into them."""

    x: float
    own: list[float] = field(default_factory=list)


def owners() -> list[Owner]:
    return [Owner(float(i), [0.0]) for i in range(12)]


def many() -> list[Item]:
    return [Item(float(i), [0.0]) for i in range(12)]


def identities(x: Any, seen: dict[int, int] | None = None) -> Any:
    """What is in a value, each object and array with a number."""
    seen = {} if seen is None else seen
    if isinstance(x, (int, float, type(None))):
        return x
    number = seen.setdefault(id(x), len(seen))
    inside = x.tolist() if isinstance(x, np.ndarray) else x if isinstance(x, (list, tuple)) else vars(x).values()
    return None if isinstance(x, tuple) else number, [identities(i, seen) for i in inside]


KEPT: list[tuple[Callable[..., None], Callable[[], tuple[Any, ...]]]] = [
    (new_object_twice, lambda: ([Item(1.0)], 2.0)),
    (new_object_in_two_lists, lambda: ([Item(1.0)], [Item(3.0)], 2.0)),
    (new_array_twice, lambda: ([np.ones(3)], 2)),
    (given_inside_new, lambda: (Holder(None), Item(3.0), np.ones(3))),
    (given_into_known, lambda: ([Item(1.0), Item(2.0)], [1.0])),
    (new_into_known, lambda: ([Item(1.0), Item(2.0)],)),
    (new_list_for_each, lambda: (owners(),)),
    (long_list_of_new, lambda: (Holder(None), 4)),
    (long_list_of_new, lambda: (Holder(None), 0)),
    (row_of_given, lambda: (Holder(None), many(), 3)),
]


@pytest.mark.parametrize(("f", "arguments"), KEPT)
def test_one_object_stays_one(f: Callable[..., None], arguments: Callable[[], tuple[Any, ...]]) -> None:
    ours, pythons = arguments(), arguments()
    of.jit(f)(*ours)
    f(*pythons)
    assert identities(ours) == identities(pythons)


def new_into_rows(qs: list[Owner]) -> None:
    xs = [1.0, 2.0]
    for q in qs:
        q.own = xs


def given_into_rows(qs: list[Owner], xs: list[float]) -> None:
    for q in qs:
        q.own = xs


def twice_in_a_new_list(h: Holder, n: int) -> None:
    c, out = Item(0.0), []
    for _ in range(n):
        out.append(c)
    h.inner = out


def in_a_new_list_and_beside_it(h: Holder, n: int) -> None:
    c, out = Item(0.0), []
    for i in range(n):
        out.append(Item(float(i)))
    out.append(c)
    h.inner, h.more = out, c


def a_new_list_and_one_of_its_items(h: Holder, n: int) -> None:
    out = []
    for i in range(n):
        out.append(Item(float(i)))
    h.inner, h.more = out[1], out


REFUSED: list[tuple[Callable[..., None], Callable[[], tuple[Any, ...]], str]] = [
    (new_into_rows, lambda: (owners(),), "E105"),
    (given_into_rows, lambda: (owners(), [1.0]), "E105"),
    (twice_in_a_new_list, lambda: (Holder(None), 4), "E105"),
    (in_a_new_list_and_beside_it, lambda: (Holder(None), 4), "E105"),
    (a_new_list_and_one_of_its_items, lambda: (Holder(None), 4), "E105"),
]


@pytest.mark.parametrize(("f", "arguments", "code"), REFUSED)
def test_what_would_become_two_is_refused(f: Callable[..., None], arguments: Callable[[], tuple[Any, ...]], code: str) -> None:
    given = arguments()
    before = identities(given)
    with pytest.raises(of.CompileError) as refusal:
        of.jit(f)(*given)
    assert refusal.value.code == code
    assert identities(given) == before
