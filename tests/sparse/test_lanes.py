"""Several colours at once: the values are those of one colour after the other, in both modes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.origins import FromPython
from oneform.runtime.engine import Options
from oneform.sparse.jacobian import Engine
from oneform.sparse.plan import Part, coloured
from oneform.transforms import NoLanes
from tests.programs.registry import vec


def steps(x, n):
    for k in range(n):
        y = x.copy()
        for i in range(1, len(x)):
            y[i] = 0.5 * (x[i] + x[i - 1] ** 2) if k % 2 == 0 else np.sin(x[i]) * x[i - 1]
        x = y
    return x


def carried(x, n):
    a, b, k = 0.0, 1.0, 0
    out = np.zeros(len(x))
    while k < len(x):
        a, b = b * x[k], x[k] + 0.5 * (a if k % n else 0.0)
        out[k] = a
        k += 1
    return out


def scattered(x, n):
    out = np.zeros((n, 2))
    for k in range(len(x)):
        out[k % n, k % 2] += x[k] * x[k - 1]
    return out, x[0] * x[1]


def reduced(x, n):
    y = np.full(n, x[0])
    y[1:] = y[1:] * np.sum(x * x)
    for k in range(n):
        y[k] += np.max(x[: k + 1]) * np.prod(x[:2])
    return y


def matrices(x, n):
    a = np.outer(x, x[:3]) + n
    for _ in range(n):
        a[0, :] = a[-1, :] * x[:3]
    return a @ a.T


def small(x, n):
    """Vectors that live in registers."""
    state = np.array([x[0], x[1], x[2]])
    for k in range(n):
        state = np.array([state[1], state[2] * x[k % len(x)], state[0] + state[1]])
    return state, state[0]


def unused(x, n):
    out = np.zeros(len(x) + n)
    out[n:] = x[::-1] * x
    return out, np.ones(3) * n


def pairs(x, n):
    """Two results in one loop, one of them twice an iteration, and elements that nobody writes."""
    a, b = 0.0, 1.0
    out, other = np.zeros(2 * len(x) + n), np.zeros((len(x), 2))
    for k in range(len(x)):
        out[2 * k], out[2 * k + 1] = a * x[k], b - x[k]
        other[k, k % 2] = b * x[k] if k % n else a
        a, b = b * x[k], x[k] + 0.5 * a
    return out, other


def covered(x, n):
    """Every element of a copy is written, then some once more."""
    y, last = x * 2.0, 1.0
    for k in range(len(x)):
        y[k] = last * x[k]
        last = x[k] * x[k - n]
    for k in range(n):
        y[3 * k % n] = last * x[k] + k
        last = x[k] + 0.25 * last
    return y


def grid(x, n):
    out = np.empty((len(x), n))
    for k in range(len(x)):
        last = x[k]
        for j in range(n):
            out[k, j] = last * x[(k + j) % len(x)]
            last = last + x[j]
    return out


def summed(x, n):
    """Added to what is there: places are met again."""
    out, last = np.zeros(n + 2), x[0]
    for k in range(len(x)):
        out[k % n] += last * x[k]
        last = x[k] - 0.5 * last
    return out


def bordered(x, n):
    """Written by one loop, and most elements by the next one."""
    y, last = x * x, x[1]
    for k in range(1, len(x)):
        y[k] = last + x[k] * x[k - 1]
        last = x[k] * n
    return y


def looked_at(x, n):
    """A result that is read while it is written."""
    out = np.zeros(len(x))
    for k in range(1, len(x)):
        out[k] = x[k] * x[k - 1] + 0.5 * out[k - 1] * (k % n == 0)
    return out


def kept(x, n):
    """The first element keeps the derivatives that it came with."""
    y, last = x.copy(), x[1]
    for k in range(1, len(x)):
        y[k] = last + x[k] * x[k - 1]
        last = x[k] * n
    return y


STORED = (pairs, covered, grid, bordered)
PROGRAMS = (*STORED, kept, summed, looked_at, steps, carried, scattered, reduced, matrices, small, unused)


@pytest.mark.parametrize("forward", [True, False], ids=["forward", "reverse"])
@pytest.mark.parametrize("f", PROGRAMS)
def test_lanes(f: Any, forward: bool) -> None:
    engine = Engine(FromPython(f), Options(), 0, False)
    engine.pattern = engine.handles
    args = vec(13), 4
    found = f(*args)
    rows = [np.size(leaf) for leaf in (found if isinstance(found, tuple) else (found,))]
    part = coloured(engine.plan(args, {}).pattern, rows, engine.columns(args), forward=forward)
    dense = of.jacfwd(f)(*args)
    dense = np.vstack([np.reshape(part, (-1, 13)) for part in (dense if isinstance(dense, tuple) else (dense,))])
    for lanes in (1, 8):
        data = engine.program(forward, lanes)(args, *part.schedule(lanes))
        found = np.zeros(dense.shape)
        found[part.pattern.toarray()] = data[: part.pattern.nnz]
        np.testing.assert_allclose(found, dense, rtol=1e-13, atol=1e-13, err_msg=str(lanes))


@pytest.mark.parametrize("n", [16, 33])
@pytest.mark.parametrize("f", STORED)
def test_derivatives_go_from_registers_to_their_places(f: Any, n: int) -> None:
    engine = Engine(FromPython(f), Options(), 0, False)
    engine.pattern = engine.handles
    args = vec(n), 3
    found = f(*args)
    rows = [np.size(leaf) for leaf in (found if isinstance(found, tuple) else (found,))]
    part = coloured(engine.plan(args, {}).pattern, rows, engine.columns(args), forward=True)
    data = engine.program(True, part.lanes, stored=True)(args, *part.by_row)[: part.pattern.nnz]
    dense = of.jacfwd(f)(*args)
    dense = np.vstack([np.reshape(d, (-1, n)) for d in (dense if isinstance(dense, tuple) else (dense,))])
    found = np.zeros(dense.shape)
    found[part.pattern.toarray()] = data
    np.testing.assert_allclose(found, dense, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("f", [kept, summed, looked_at, steps, carried, small])
def test_results_that_are_read_or_kept_are_arrays(f: Any) -> None:
    engine, args = Engine(FromPython(f), Options(), 0, False), (vec(20), 4)
    engine.pattern = engine.handles
    found = f(*args)
    rows = [np.size(leaf) for leaf in (found if isinstance(found, tuple) else (found,))]
    part = coloured(engine.plan(args, {}).pattern, rows, [20], forward=True)
    with pytest.raises(NoLanes):
        engine.program(True, part.lanes, stored=True)(args, *part.by_row)
    np.testing.assert_allclose(of.jacobian(f, sparse=True)(*args).toarray(), _flat(of.jacfwd(f)(*args), 20), rtol=1e-13, atol=1e-13)


def _flat(dense: Any, n: int) -> Any:
    return np.vstack([np.reshape(d, (-1, n)) for d in (dense if isinstance(dense, tuple) else (dense,))])


@pytest.mark.parametrize(("count", "size", "lanes"), [(1, 10, 1), (2, 10, 4), (4, 10, 4), (5, 10, 8), (30, 10, 8), (30, 10_000_000, 4), (30, 30_000_000, 1)])
def test_as_many_lanes_as_there_is_room_for(count: int, size: int, lanes: int) -> None:
    assert Part(None, True, np.zeros(3), count, [size, 2]).lanes == lanes


def test_programs_without_lanes_are_evaluated_one_by_one() -> None:
    def f(x):
        found = []
        for k in range(len(x)):
            found.append(x[k] * x[k - 1])
        return np.array(found)

    jacobian, x = of.jacobian(f, sparse=True), vec(12)
    (part,) = jacobian._engine.plan((x,), {}).parts
    with pytest.raises(NoLanes):
        jacobian._engine.program(part.forward, 8)((x,), *part.schedule(8))
    np.testing.assert_allclose(jacobian(x).toarray(), of.jacfwd(f)(x), rtol=1e-14)
