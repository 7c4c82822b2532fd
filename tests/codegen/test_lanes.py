"""Whole loops in lanes: derivatives with tapes, branches and sums, at numbers of rounds that fill the last group or not, as one round after the other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oneform as of
from bench.logsumexp.program import example
from bench.logsumexp.program import mixture as bench_mixture
from oneform.codegen import control
from oneform.codegen.lanes import find_abreast, groups
from oneform.codegen.target import vector_bytes
from oneform.optimise import optimise
from tests.codegen.driver import Compiled

SIZES = [(0, 5), (1, 4), (7, 19), (33, 8), (70, 17)]


def nearest(points, centres):
    """A minimum, whose adjoint writes for the winner alone."""
    total = 0.0
    for i in range(points.shape[0]):
        best = np.inf
        for j in range(centres.shape[0]):
            distance = 0.0
            for k in range(points.shape[1]):
                distance += (points[i, k] - centres[j, k]) ** 2
            best = min(best, distance)
        total += best
    return total


def polynomial(points, centres):
    """A product that goes on, of each round's own."""
    total = 0.0
    for i in range(points.shape[0]):
        t = -1.0 + i * 2.0 / (points.shape[0] + 1.0)
        residual, power = np.sign(t), 1.0
        for j in range(centres.shape[0]):
            residual -= centres[j, 0] * power
            power *= t
        total += residual * residual
    return total


def mixture(points, centres):
    """Rows, a scratch array of each round's own, two passes over it."""
    total = 0.0
    z = np.empty(centres.shape[0])
    for i in range(points.shape[0]):
        for j in range(centres.shape[0]):
            s = 0.0
            for k in range(points.shape[1]):
                s += centres[j, k] * points[i, k]
            z[j] = np.sin(s)
        s = 0.0
        for j in range(centres.shape[0]):
            s += np.exp(z[j])
        total += np.log(1.0 + s)
    return total


def small_arrays(points, centres):
    """Arrays in registers, filled, built and read."""
    total = 0.0
    for i in range(points.shape[0]):
        v = np.array([points[i, 0], 2.0 * points[i, 1], 0.5])
        w = np.zeros(3)
        for j in range(centres.shape[0]):
            for k in range(3):
                w[k] = 0.5 * w[k] + v[k] * centres[j, 0]
        total += w[0] * w[1] + np.sum(v * w)
    return total


def branches(points, centres):
    """Each round goes its own way, with a loop inside one of the ways."""
    total = 0.0
    for i in range(points.shape[0]):
        s = 1.0
        for k in range(points.shape[1]):
            s = 0.5 * s + points[i, k]
        if s > 0.0:
            p = 1.0
            for j in range(centres.shape[0]):
                p = 0.7 * p + s * centres[j, 1]
            s = p * p
        elif points.shape[0] > 3:
            s = 2.0 * s
        total += s
    return total


def scattered(points, centres):
    """Additions to places of each round's own."""
    y = np.zeros(points.shape[0] + 1)
    for i in range(points.shape[0]):
        s = 0.0
        for k in range(points.shape[1]):
            s = 0.9 * s + points[i, k] * points[points.shape[0] - 1 - i, k]
        y[i] += s
        y[i + 1] += 2.0 * s
    return np.sum(y * y) + centres[0, 0]


def whole(points, centres):
    """Array expressions in the rounds."""
    total = 0.0
    for i in range(points.shape[0]):
        s = 0.0
        for j in range(centres.shape[0]):
            s = 0.3 * s + np.sum(points[i] * points[i]) * centres[j, 0] + np.prod(1.0 + 0.1 * points[i])
        total += s * s
    return total


def gathered(points, centres):
    """Rows that data choose, and ways that differ, without a loop inside."""
    total = 0.0
    for i in range(points.shape[0]):
        x = centres[i % 6, 0]
        if x > 0.0:
            y = np.exp(x) * points[i, 0]
        else:
            y = np.sin(points[i, 1]) / (1.0 + x * x)
        total += y * y
    return total


def scaled(points, centres):
    """A number that all rounds share, whose cotangent is a sum over them."""
    scale = centres[0, 0]
    total = 0.0
    for i in range(points.shape[0]):
        s = 0.0
        for k in range(points.shape[1]):
            s = 0.5 * s + (scale * points[i, k]) ** 3 + (scale * points[i, k]) ** 4
        total += s * s
    return total


def along_a_row(points, centres):
    """A row that all rounds share, gone through backwards by the adjoint."""
    total = 0.0
    for i in range(points.shape[0]):
        s = 0.0
        for k in range(points.shape[1]):
            s = 0.5 * s + points[i, k] * centres[1, k]
        total += s * s
    return total


def twice(points, centres):
    """The same rows in two nests, of which one is not run."""
    total = 0.0
    for i in range(points.shape[0]):
        s = 0.0
        for j in range(centres.shape[0] - 11):
            for k in range(points.shape[1]):
                s = 0.5 * s - points[i, k] * centres[j, 0]
        for j in range(centres.shape[0]):
            for k in range(points.shape[1]):
                s = 0.5 * s + points[i, k] * centres[j, 0]
        total += s * s
    return total


def unsure(points, centres):
    """Indices that no one can promise before the loop, inside an inner one."""
    total = 0.0
    for i in range(points.shape[0]):
        s = 0.0
        for k in range(points.shape[1]):
            s = 0.5 * s + points[i, min(3 * k, points.shape[1] - 1)] * centres[(k * k) % 11, 0]
        total += s * s
    return total


def backwards(points, centres):
    """Everything from its end."""
    total = 0.0
    n, m = points.shape
    for i in range(n - 1, -1, -1):
        s = 0.0
        for k in range(m - 1, -1, -1):
            s = 0.5 * s + points[i, k] * points[i, m - 1 - k]
        total += s * s
    return total


PROGRAMS = [nearest, polynomial, mixture, small_arrays, branches, scattered, whole, gathered, scaled, along_a_row, twice, unsure, backwards]
NOT = [(whole, "reverse"), (backwards, "reverse"), (polynomial, "second"), (unsure, "reverse")]  # what would not gain by it


def arguments(n: int, m: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(n + 100 * m)
    return rng.uniform(-1.0, 1.0, (n, m)), rng.uniform(-1.0, 1.0, (11, m))


def compiled(f: Callable[..., Any], lanes: bool = True, room: int = groups._ROOM) -> tuple[Compiled, int]:
    """Code for f, and how many of its loops are in lanes."""
    found: list[Any] = []

    def find(*args: Any) -> Any:
        found.append(find_abreast(*args) if lanes else None)
        return found[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(control, "find_abreast", find)
        patch.setattr(groups, "_ROOM", room)
        return Compiled(optimise(of.trace(f)(*arguments(20, 20)).function)), sum(x is not None for x in found)


def forward(f: Callable[..., Any]) -> Callable[..., Any]:
    def of_both(points, centres):
        return of.jvp(f, (points, centres), (0.5 * points, centres * centres))

    return of_both


@pytest.mark.parametrize("f", PROGRAMS)
@pytest.mark.parametrize("derivative", ["value", "reverse", "forward", "second"])
def test_as_one_after_the_other(f: Callable[..., Any], derivative: str) -> None:
    both = (0, 1)
    g = {
        "value": f, "reverse": of.value_and_grad(f, argnums=both), "forward": forward(f), "second": forward(of.grad(f)),
    }[derivative]  # fmt: skip
    (lanes, count), (plain, _), (cramped, _) = compiled(g), compiled(g, lanes=False), compiled(g, room=0)
    assert (count > 0) == ((f, derivative) not in NOT)
    for n, m in SIZES:
        for ours, expected, third in zip(lanes(*arguments(n, m)), plain(*arguments(n, m)), cramped(*arguments(n, m)), strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-11, atol=1e-11)
            np.testing.assert_allclose(third, expected, rtol=1e-11, atol=1e-11)


def checked(points, centres):
    """The place of the first fault is kept, and what was done before it."""
    total = 0.0
    for i in range(points.shape[0]):
        s = 0.0
        for k in range(points.shape[1]):
            s = 0.5 * s + points[i, k] * centres[k, 0]
        total += s
    return total


def test_a_fault_is_that_of_the_first_round_that_has_one() -> None:
    points, centres = np.ones((40, 9)), np.ones((8, 1))
    with pytest.raises(IndexError, match="index 8 is out of bounds for axis 0 with size 8"):
        of.jit(checked)(points, centres)
    assert of.jit(checked)(points, np.ones((9, 1))) == checked(points, np.ones((9, 1)))


def chosen(rows, x, y):
    """Writes as far as it comes."""
    for i in range(rows.shape[0]):
        v = x[rows[i]]
        y[i] = np.exp(v) if v > 0.0 else np.sin(v)


@pytest.mark.parametrize("bad", [0, 5, 37, 63, 69, 70])
def test_a_bad_index_raises_after_what_was_done_before_it(bad: int) -> None:
    rows = np.arange(70) % 9 - 4
    if bad < 70:
        rows[bad] = 5
    x, ours, pythons = np.linspace(-1.0, 1.0, 5), np.zeros(70), np.zeros(70)
    compiled = of.jit(chosen)
    assert "phi <" in of.lower(chosen)(rows, x, ours).llvm()
    if bad < 70:
        with pytest.raises(IndexError, match="index 5 is out of bounds for axis 0 with size 5"):
            compiled(rows, x, ours)
        with pytest.raises(IndexError):
            chosen(rows, x, pythons)
    else:
        compiled(rows, x, ours)
        chosen(rows, x, pythons)
    np.testing.assert_allclose(ours, pythons, rtol=1e-14)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_lanes_past_the_last_round_leave_nothing(value: float) -> None:
    """The last round's infinities are not counted twice, nor do they reach what it does not reach."""
    points, centres = arguments(33, 8)
    points[-1, 0] = value
    lanes, (plain, _) = of.jit(of.grad(nearest, argnums=(0, 1))), compiled(of.grad(nearest, argnums=(0, 1)), lanes=False)
    for ours, expected in zip(lanes(points, centres), plain(points, centres), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-11)


def test_vectors_lie_where_the_machine_may_load_them_whole() -> None:
    """A vector that is stored as aligned must be: where the stack happens to be is no test of that."""
    text = of.lower(of.value_and_grad(branches, argnums=(0, 1)))(*arguments(20, 20)).llvm()
    rooms = re.findall(r"%lanes\d+ = alloca [^\n]*, align (\d+)", text)
    assert rooms and all(int(a) >= vector_bytes() for a in rooms)
    assert not re.search(r"(load|store) <\d+ x (double|float)>[^\n]*ptr %v\d+(, !|\n)", text)  # all say how far they are aligned


def test_sums_of_rows_around_loops_that_have_their_own() -> None:
    """The gradient by `b` is added up in a loop around those that add up the others."""
    args = example(40, 10, 25)
    gradient = of.grad(bench_mixture, argnums=(0, 1, 2))
    program = optimise(of.trace(gradient)(*args).function)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(control, "find_abreast", lambda *_: None)
        plain = Compiled(program)
    for ours, expected in zip(Compiled(program)(*args), plain(*args), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is protected by mprotect")
def test_no_memory_is_read_that_the_program_does_not_read() -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(of.__file__).parents[1])}
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.codegen.edges"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], env=environment)
    assert done.stdout == "fine\n", done.stderr
