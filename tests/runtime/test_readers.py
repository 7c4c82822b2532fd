"""Long lists and objects of recursive classes that compiled entries read themselves: what they take, what they leave to Python, and what they hold."""

from __future__ import annotations

import gc
import sys
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest

import oneform as of
from oneform.runtime import abi
from oneform.runtime.callable import Base

pytestmark = pytest.mark.skipif(not abi.supported(), reason="objects cannot be read natively here")


def natively(f: Base, *args: Any) -> Any:
    """The result, from the entry alone: it is an error if Python has to take the arguments apart."""

    def refuse(*_: Any) -> None:
        raise AssertionError("Python took the arguments apart")

    f.call = refuse
    try:
        return f(*args)
    finally:
        del f.call


@dataclass
class Node:
    left: Node | None
    right: Node | None
    x: float


def weigh(t):
    return 0.0 if t is None else np.sin(t.x) + 0.5 * weigh(t.left) + 0.25 * weigh(t.right)


def chain(n: int, start: float = 0.5) -> Node:
    t = Node(None, None, start)
    for k in range(n):
        t = Node(t, None, start + k) if k % 3 else Node(None, t, start - k)
    return t


def test_a_tree_is_read_natively_whatever_its_size() -> None:
    f = of.jit(weigh)
    f(chain(3))
    for n in (0, 1, 20, 700):
        assert natively(f, chain(n)) == pytest.approx(weigh(chain(n)), rel=1e-12)


def test_shared_objects_are_one_row_and_cycles_end() -> None:
    shared = Node(None, None, 0.3)
    t = Node(shared, Node(shared, None, 0.1), 0.2)
    f = of.grad(weigh)
    f(t)
    g = natively(f, t)
    assert g.left is g.right.left
    assert g.left.x == pytest.approx((0.5 + 0.125) * np.cos(0.3))
    ring = chain(5)
    ring.left = ring
    first = of.jit(lambda t: t.left.left.left.x + t.x)
    first(ring)
    assert natively(first, ring) == 2 * ring.x


def test_integers_among_floats_count_as_floats_and_integers_alone_do_not() -> None:
    f = of.jit(weigh)
    f(Node(None, Node(None, None, 1), 2.5))
    assert natively(f, Node(None, Node(None, None, 3), 1.5)) == pytest.approx(np.sin(1.5) + 0.25 * np.sin(3))
    whole = of.jit(lambda t: t.x // 2)
    assert whole(Node(None, None, 5.0)) == 2.0 and type(whole(Node(None, None, 5.0))) is float
    assert whole(Node(None, None, 5)) == 2 and type(whole(Node(None, None, 5))) is int
    with pytest.raises(of.errors.ArgumentError, match="different kinds"):
        f(Node(None, Node(None, None, 10**400), 2.5))


@dataclass
class Kinds:
    below: list[Kinds]
    word: str
    flag: bool
    count: int
    z: complex
    vector: Any
    single: Any
    pair: tuple[float, int]
    maybe: float | None
    values: list[float]


def kinds_of(t):
    total = t.vector @ t.vector + t.single + t.pair[0] * t.pair[1] + t.z.real + t.count
    if t.flag:
        total += 1.0
    if t.word == "twice":
        total *= 2.0
    if t.maybe is not None:
        total += t.maybe
    for v in t.values:
        total += v
    for b in t.below:
        total += kinds_of(b)
    return total


def kinds(n: int, depth: int = 0) -> Kinds:
    below = [kinds(k, depth + 1) for k in range(n)]
    vector = np.arange(20.0) + n
    return Kinds(below, ["once", "twice"][n % 2], n % 2 == 0, n, 1 + n * 1j, vector, np.float32(n), (0.5, n), None if n % 3 else 0.25, [0.5] * (n + 1))


def test_fields_of_every_kind() -> None:
    f = of.jit(kinds_of)
    f(kinds(3))
    assert natively(f, kinds(4)) == pytest.approx(kinds_of(kinds(4)))
    for change in (
        {"word": "new"}, {"vector": np.arange(40.0)[::2]}, {"maybe": 1}, {"values": [1.0, 2]},
    ):  # fmt: skip
        t = kinds(3)
        for name, value in change.items():
            setattr(t, name, value)
        assert f(t) == pytest.approx(kinds_of(t))
    t = kinds(3)
    t.word = "new"
    assert natively(f, t) == pytest.approx(kinds_of(t))  # its code is known by now


@pytest.mark.parametrize(("name", "value"), [("flag", 1), ("count", 2**63), ("vector", np.arange(19.0)), ("word", 3), ("pair", (0.5,))])
def test_what_does_not_fit_is_refused_by_name(name: str, value: Any) -> None:
    f = of.jit(kinds_of)
    f(kinds(3))
    t = kinds(3)
    setattr(t.below[2], name, value)
    with pytest.raises(of.errors.ArgumentError, match=name):
        f(t)


def test_a_missing_field_is_pythons_error() -> None:
    f = of.jit(weigh)
    f(chain(3))
    t = chain(4)
    del (t.left or t.right).x
    with pytest.raises(AttributeError, match="'Node' object has no attribute 'x'"):
        f(t)


class Shape:
    pass


@dataclass
class Group(Shape):
    first: Shape
    second: Shape
    scale: float


@dataclass
class Dot(Shape):
    at: np.ndarray
    weight: int


def area(s):
    if isinstance(s, Group):
        return s.scale * (area(s.first) + area(s.second))
    return s.at @ s.at * s.weight


def test_classes_of_one_family() -> None:
    def dot(k: int) -> Dot:
        return Dot(np.arange(3.0) + k, k)

    f = of.jit(area)
    f(Group(dot(1), Group(dot(2), dot(3), 0.5), 2.0))
    s = Group(Group(dot(4), Group(dot(1), dot(2), 1.5), 0.5), Group(dot(2), dot(3), 0.5), 2.0)
    assert natively(f, s) == pytest.approx(area(s))
    assert f(dot(3)) == pytest.approx(area(dot(3)))


class Plain:
    scale = 2.0

    def __init__(self, child: Any, x: float):
        self.child = child
        self.x = x


def descend(p):
    return p.x * p.scale if p.child is None else p.x + descend(p.child)


def plain(n: int) -> Plain:
    p = Plain(None, 0.5)
    for k in range(n):
        p = Plain(p, k + 0.25)
    return p


def test_objects_of_plain_classes_must_have_the_same_fields() -> None:
    f = of.jit(descend)
    f(plain(6))
    assert natively(f, plain(9)) == pytest.approx(descend(plain(9)))
    p = plain(6)
    p.child.extra = 1.0
    with pytest.raises(of.errors.ArgumentError, match="different fields"):
        f(p)
    p = plain(6)
    del p.child.x
    p.child.scale = 3.0  # as many, but not the same: the class would answer for the one that is missing
    with pytest.raises(of.errors.ArgumentError, match="different fields"):
        f(p)


class Computed:
    """A field that runs code: it is called for each object, once."""

    calls = 0

    def __get__(self, obj: Any, owner: Any) -> Any:
        Computed.calls += 1
        return obj.__dict__["_x"]

    def __set__(self, obj: Any, value: Any) -> None:
        obj.__dict__["_x"] = value


@dataclass
class Lazy:
    below: Lazy | None
    x: float


Lazy.x = Computed()


def test_descriptors_are_asked() -> None:
    f = of.jit(lambda t: t.x + t.below.x)
    t = Lazy(Lazy(None, 0.5), 0.25)
    f(t)
    Computed.calls = 0
    assert natively(f, t) == 0.75 and Computed.calls == 2


class Point(NamedTuple):
    x: float
    weight: int


@dataclass
class Record:
    at: Point
    name: str
    tags: list[int] = field(default_factory=list)


def centre(records, numbers):
    total = 0.0
    for r in records:
        if r.name == "a":
            total += r.at.x * r.at.weight + len(r.tags)
    for n in numbers:
        total += n
    return total


def records(n: int) -> list[Record]:
    return [Record(Point(k + 0.5, k), "a" if k % 2 else "b", [k] * (k % 3)) for k in range(n)]


def test_lists_of_records_and_of_numbers() -> None:
    f = of.jit(centre)
    f(records(9), [0.5] * 9)
    for n, m in ((9, 12), (300, 1000)):
        assert natively(f, records(n), [0.25] * m) == pytest.approx(centre(records(n), [0.25] * m))
    assert f(records(3), [0.5]) == pytest.approx(centre(records(3), [0.5]))  # short lists are structure


def test_nested_lists_are_open_at_any_length_and_short_flat_ones_are_not() -> None:
    def total(rows):
        s = 0.0
        for r in rows:
            for x in r:
                s += x
        return s

    f = of.jit(total)
    f([[1.5, 2.5], [3.5]])
    assert natively(f, [[0.5]]) == 0.5
    assert natively(f, [[0.5] * k for k in range(1, 40)]) == 0.5 * 780
    ends = of.jit(lambda xs: (len(xs), xs[0] + xs[-1]))
    ends([0.5] * 9)
    with pytest.raises(AssertionError):
        natively(ends, [0.5] * 3)
    assert ends([0.5] * 3) == (3, 1.0) and natively(ends, [0.5] * 30) == (30, 1.0)


def counts(objects: list[Any]) -> list[int]:
    return [sys.getrefcount(x) for x in objects]


@pytest.mark.parametrize("spoilt", [False, True])
def test_no_reference_is_lost_or_kept(spoilt: bool) -> None:
    f = of.jit(kinds_of)
    t = kinds(4)
    f(kinds(4))
    if spoilt:
        t.below[3].below[2].vector = np.arange(7.0)
    objects = [t, *t.below, *t.below[3].below, t.vector, t.below[1].vector, t.below[0].values, t.single, t.pair, t.z, Kinds, None and t]
    gc.collect()
    before = counts(objects)
    for _ in range(50):
        if spoilt:
            with pytest.raises(of.errors.ArgumentError):
                f(t)
        else:
            natively(f, t)
    gc.collect()
    assert counts(objects)[:-1] == before[:-1]


def test_no_memory_is_lost() -> None:
    f, spoilt = of.jit(kinds_of), kinds(5)
    spoilt.below[4].below[3].vector = np.arange(7.0)
    f(kinds(5))

    def grown(x: Any, good: bool) -> int:
        for _ in range(300):
            try:
                f(x)
            except of.errors.ArgumentError:
                assert not good
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1])

    if not sys.platform.startswith("linux"):
        pytest.skip("/proc")
    for x, good in ((kinds(5), True), (spoilt, False)):
        start = grown(x, good)
        assert grown(x, good) - start < 300  # pages: less than one for each call


class Shrinking:
    """A descriptor that takes an item out of the list that is being read."""

    victim: list[Any] = []

    def __get__(self, obj: Any, owner: Any) -> Any:
        if Shrinking.victim:
            Shrinking.victim.pop()
        return 0.5

    def __set__(self, obj: Any, value: Any) -> None:
        pass


@dataclass
class Hostile:
    x: float


Hostile.x = Shrinking()


def test_a_list_that_changes_while_it_is_read_is_left_to_python() -> None:
    f = of.jit(lambda xs: len(xs) + xs[0].x)
    items = [Hostile(0.0) for _ in range(40)]
    f(list(items))
    Shrinking.victim = items
    with pytest.raises(AssertionError, match="Python took"):
        natively(f, items)
    Shrinking.victim = []


def test_gradients_by_objects_come_back_as_objects() -> None:
    f = of.grad(weigh)
    f(chain(3))
    g = natively(f, chain(12))
    assert type(g) is Node
    assert g.x == pytest.approx(np.cos(chain(12).x))
