"""Lists of objects that were given, sorted, grown and shortened: the caller's list holds the same objects in the order that CPython gives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import oneform as of


def inside(x: Any) -> list[Any]:
    """What is in a container, in order."""
    return list(x) if isinstance(x, (list, tuple)) else list(x.values()) if isinstance(x, dict) else list(vars(x).values()) if hasattr(x, "__dict__") else []


def labels(x: Any, known: dict[int, int]) -> dict[int, int]:
    """A number for each object, in the order in which they are met."""
    if isinstance(x, (list, dict, np.ndarray)) or hasattr(x, "__dict__"):
        if id(x) in known:
            return known
        known[id(x)] = len(known)
    for i in inside(x):
        labels(i, known)
    return known


def written(x: Any, known: dict[int, int]) -> Any:
    """A value with the numbers of its objects; new ones have none."""
    if isinstance(x, np.ndarray):
        return known.get(id(x)), x.tolist()
    return (type(x).__name__, known.get(id(x)) if id(x) in known else "new", [written(i, known) for i in inside(x)]) if inside(x) or isinstance(x, list) else x


def outcome(f: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """The result, the arguments behind the call, and what all objects that were given are then, even if they are in no list any more."""
    known = labels(args, {})
    met: list[Any] = []
    collect(args, met)
    result = f(*args)
    return result, written(args, known), [written(x, known) for x in met]


def collect(x: Any, found: list[Any]) -> None:
    found.append(x)
    for i in inside(x):
        collect(i, found)


def classes() -> tuple[Any, Any]:
    """Classes that no program has seen."""

    @dataclass
    class Particle:
        x: float
        v: float

    class Cell:
        def __init__(self, particles: Any):
            self.particles = particles
            self.best: Any = None
            self.trace = np.zeros(2)

    return Particle, Cell


def sorted_in_place(ps, make):
    ps.sort(key=lambda p: p.x)
    return ps[0].x


def exchanged(ps, make):
    ps[0], ps[2] = ps[2], ps[0]
    ps[1].v = 5.0


def taken_out_and_changed(ps, make):
    p = ps.pop()
    p.x = 100.0
    first = ps.pop(0)
    first.v += p.x
    return first.v


def emptied(ps, make):
    ps[0].x = 3.0
    ps.clear()


def chosen(ps, make):
    ps[:] = [p for p in ps if p.x > 1.0]


def round_about(ps, make):
    for k in range(3):
        p = ps.pop(0)
        p.x += 1.0
        ps.append(p)
        ps.insert(0, make(p.x, float(k)))
        ps[1].v = 7.0
    ps.reverse()
    q = ps[2]
    del ps[1]
    q.x = 55.0
    ps.append(q)


def in_a_cell(cell, make):
    cell.particles.sort(key=lambda p: -p.x)
    cell.particles.append(make(2.0, 2.0))
    cell.best = cell.particles[1]
    cell.best.x = 7.0
    cell.trace[0] = 1.0


def from_one_to_the_other(ps, qs, make):
    while len(ps) > 1:
        qs.append(ps.pop())
    qs[0].x = 9.0
    ps[0] = qs[1]


PROGRAMS: list[Any] = [sorted_in_place, exchanged, taken_out_and_changed, emptied, chosen, round_about]


def some(make: Any, n: int) -> list[Any]:
    return [make(float(k * 7 % 5), 1.0 + k) for k in range(n)]


@pytest.mark.parametrize("n", [3, 11])
@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_a_list(f: Any, n: int) -> None:
    make, _ = classes()
    program = lambda ps: f(ps, make)  # noqa: E731
    assert outcome(of.jit(program), (some(make, n),)) == outcome(program, (some(make, n),))


@pytest.mark.parametrize("n", [3, 11])
def test_a_list_in_an_object(n: int) -> None:
    make, cell = classes()
    program = lambda c: in_a_cell(c, make)  # noqa: E731
    assert outcome(of.jit(program), (cell(some(make, n)),)) == outcome(program, (cell(some(make, n)),))


@pytest.mark.parametrize("m", [0, 1, 9])
def test_two_lists(m: int) -> None:
    make, _ = classes()
    program = lambda ps, qs: from_one_to_the_other(ps, qs, make)  # noqa: E731
    assert outcome(of.jit(program), (some(make, 4), some(make, m))) == outcome(program, (some(make, 4), some(make, m)))


def test_objects_that_are_equal() -> None:
    """Whether their lists are moved about or not, objects are compared by what is in them."""
    make, _ = classes()

    def program(ps, p):
        ps.sort(key=lambda q: q.x)
        ps.remove(p)
        return ps.index(ps[1]), p in ps

    assert outcome(of.jit(program), (some(make, 4), make(2.0, 2.0))) == outcome(program, (some(make, 4), make(2.0, 2.0)))


def energy(ps, w):
    """Sorts, takes out, puts in: what is differentiated moves with the objects."""
    ps.sort(key=lambda p: p.x)
    last = ps.pop()
    ps.insert(1, type(last)(last.x * w, ps[0].v))
    ps[0].x *= last.v
    total = 0.0
    for k, p in enumerate(ps):
        total += (k + 1.0) * p.x**2 * p.v
    return total + last.x * w


def test_derivatives() -> None:
    make, _ = classes()
    of.check_grads(energy, ([make(1.0 + 0.37 * (k * 7 % 5), 1.0 + k) for k in range(5)], 0.7), order=2)
    slope = of.grad(energy)([make(1.0 + 0.37 * (k * 7 % 5), 1.0 + k) for k in range(5)], 0.7)
    assert [type(p) for p in slope] == [make] * 5
