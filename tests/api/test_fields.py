"""Lists and arrays in fields of given objects: what another name of the caller's holds is changed where Python changes it, and nowhere else."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import oneform as of


@dataclass
class Pos:
    x: float
    v: list[float]


@dataclass
class Node:
    values: list[float]
    array: Any
    grid: list[list[float]]
    pos: Pos
    maybe: list[float] | None = None
    left: Node | None = None


@dataclass
class Flat:
    values: list[float]
    array: Any


def work(n: Node, codes: Any) -> None:
    """Each code does one thing to the fields of an object, and goes to the next object."""
    m = n
    for k in range(len(codes)):
        c = codes[k]
        if c == 0:
            m.values = [m.values[0], 2.0]
        elif c == 1:
            m.values[0] += 1.0
        elif c == 2:
            m.array = m.array * 2.0
        elif c == 3:
            m.array[1] += 1.0
        elif c == 4:
            m.values.append(4.0)
        elif c == 5:
            m.maybe = None
        elif c == 6:
            m.maybe = [m.values[0]]
        elif c == 7:
            if m.maybe is not None:
                m.maybe[0] = 7.0
        elif c == 8:
            m.grid[1][0] += 1.0
        elif c == 9:
            m.grid = [[1.0], [m.values[0]]]
        elif c == 10:
            m.pos.v[0] += 1.0
        elif c == 11:
            m.pos = Pos(m.pos.x, [3.0])
        elif c == 12:
            m.pos.x += 1.0
        elif c == 13:
            m.left = Node([1.0, 2.0], m.array + 1.0, [[1.0], [2.0]], Pos(1.0, [2.0]), [9.0], m.left)
        if m.left is None or c % 2 == 0:
            m = n
        else:
            m = m.left


jitted = of.jit(work)


def chain(n: int) -> Node | None:
    x = float(n)
    return Node([x, 5.0], np.array([x, 1.0]), [[x], [x, 2.0]], Pos(x, [x]), [x] if n % 2 else None, chain(n - 1)) if n else None


def held(x: Any, path: str = "", found: dict[str, Any] | None = None) -> dict[str, Any]:
    """All lists, arrays and objects that a caller can have names for."""
    found = {} if found is None else found
    if isinstance(x, (list, np.ndarray)) or hasattr(x, "__dict__"):
        found[path] = x
        for key, i in () if isinstance(x, np.ndarray) else enumerate(x) if isinstance(x, list) else vars(x).items():
            held(i, f"{path}.{key}", found)
    return found


def seen(names: dict[str, Any]) -> dict[str, Any]:
    """What each of them holds now: which of the others, or what that is new."""
    known = {id(x): path for path, x in names.items()}

    def show(x: Any, top: bool = False) -> Any:
        if id(x) in known and not top:
            return known[id(x)]
        if isinstance(x, np.ndarray):
            return x.tolist()
        if isinstance(x, list):
            return [show(i) for i in x]
        return {k: show(i) for k, i in vars(x).items()} if hasattr(x, "__dict__") else x

    return {path: show(x, True) for path, x in names.items()}


@pytest.mark.parametrize("seed", range(60))
def test_names_of_the_caller_see_what_they_see_in_python(seed: int) -> None:
    rng = random.Random(seed)
    codes = np.array([rng.randrange(14) if k < seed % 9 + 1 else 14 for k in range(9)])
    ours, pythons = chain(3), chain(3)
    assert ours is not None and pythons is not None
    names, theirs = held(ours), held(pythons)
    jitted(ours, codes)
    work(pythons, codes)
    assert seen(names) == seen(theirs), codes


def rebinds(qs: list[Flat]) -> None:
    for q in qs:
        if q.values[0] > 3.0:
            q.values[0] = 1.0
            q.values = [q.values[0], 2.0]


def test_objects_in_a_long_list() -> None:
    ours, pythons = ([Flat([float(k)], np.ones(2)) for k in range(12)] for _ in range(2))
    names, theirs = held(ours), held(pythons)
    of.jit(rebinds)(ours)
    rebinds(pythons)
    assert seen(names) == seen(theirs)


def writes(n: Node) -> None:
    n.values[0] = 1.0


def rebinds_one(n: Node) -> None:
    n.values = [1.0]


def test_one_list_in_two_objects() -> None:
    """Changed in place it is refused, before anything is changed; where one object gets another list, the other keeps it."""
    n = chain(2)
    assert n is not None and n.left is not None
    n.left.values = n.values
    with pytest.raises(of.ArgumentError, match="the field values of a Node") as refusal:
        of.jit(writes)(n)
    assert refusal.value.code == "E403" and n.values == [2.0, 5.0]
    of.jit(rebinds_one)(n)
    assert n.values == [1.0] and n.left.values == [2.0, 5.0]


def replaces_row(n: Node) -> None:
    n.grid[1] = [7.0]


def replaces_inside(n: Node) -> None:
    n.pos.v = [7.0]


def trades(n: Node, m: Node) -> None:
    n.values, m.values = m.values, n.values


@pytest.mark.parametrize("f", [replaces_row, replaces_inside, trades])
def test_what_cannot_be_told_apart_is_refused(f: Callable[..., None]) -> None:
    nodes = [chain(1) for _ in range(f.__code__.co_argcount)]
    before = seen(held(nodes))
    with pytest.raises(of.CompileError) as refusal:
        of.jit(f)(*nodes)
    assert refusal.value.code == "E105" and refusal.value.loc is not None and refusal.value.loc.line == f.__code__.co_firstlineno + 1
    assert seen(held(nodes)) == before


def energy(n: Node, s: float) -> float:
    total = 0.0
    m = n
    while m is not None:
        m.values[0] *= s
        if m.values[0] > 2.0:
            m.values = [m.values[0] * s, m.values[1] ** 2]
            m.array = m.array * m.values[0]
        else:
            m.array[0] = m.array[1] * s
        m.values[1] *= m.array[0]
        total += m.values[0] * m.values[1] + np.sum(m.array**2)
        m = m.left
    return total


def test_derivatives_change_nothing() -> None:
    n, h = chain(3), 1e-6
    names = held(n)
    before = seen(names)
    slope = (energy(chain(3), 1.1 + h) - energy(chain(3), 1.1 - h)) / (2 * h)  # type: ignore[arg-type]
    assert of.grad(energy, 1)(n, 1.1) == pytest.approx(slope, rel=1e-6)
    _, back = of.vjp(energy, n, 1.1)
    assert back(1.0)[1] == pytest.approx(slope, rel=1e-6)
    still = of.grad(lambda m: 0.0 * m.values[0])(n)
    assert of.jvp(energy, (n, 1.1), (still, 1.0))[1] == pytest.approx(slope, rel=1e-6)
    curvature = (of.grad(energy, 1)(n, 1.1 + h) - of.grad(energy, 1)(n, 1.1 - h)) / (2 * h)
    assert of.grad(of.grad(energy, 1), 1)(n, 1.1) == pytest.approx(curvature, rel=1e-5)
    assert seen(names) == before
