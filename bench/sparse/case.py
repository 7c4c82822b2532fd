"""Sparse Jacobians: what one costs beside as many values as it has colours; what finding its pattern costs, once, beside one evaluation."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import oneform as of
from bench.measure import interleaved, python_timer
from bench.problem import Row
from bench.rivals import Settings, agree
from bench.sparse.program import WIDTH, conduction, elements, gathered, mesh, numbers, root, shifted, table, window

RATIO, SETUP = 2.0, 10.0

# What, the program, its arguments for n rows. The first four are parallel loops over gathered inputs, the others are not.
CASES: tuple[tuple[str, Callable[..., Any], Callable[[int], tuple[Any, ...]]], ...] = (
    ("blocks", window, lambda n: (numbers(n + WIDTH - 1),)),
    ("blocks, inner loop", root, lambda n: (numbers(n + WIDTH - 1),)),
    ("blocks of a mesh", elements, lambda n: (numbers(n), mesh(n))),
    ("gathered in a loop", gathered, lambda n: (numbers(n), *table(n))),
    ("carried scalars", shifted, lambda n: (numbers(n),)),
    ("time steps", conduction, lambda n: (numbers(n), 7)),
)


def rows(settings: Settings) -> Iterator[Row]:
    n = 100_000 if settings.quick else 1_000_000
    for what, f, arguments in CASES:
        settings.report(f"sparse: {what}")
        args = arguments(n)
        value, jacobian = of.jit(f), of.jacobian(f, sparse=True)
        check(f, jacobian, arguments(60))
        best = interleaved({"value": python_timer(value, args), "jacobian": python_timer(jacobian, args)}, settings.budget)
        nonzeros = max(1, round(jacobian.cost(*args)["nonzeros"] / len(value(*args))))
        peer = nonzeros * best["value"]
        ratio = best["jacobian"] / peer
        goal = f"gradient ≤ {RATIO:g}"
        size = f"{n:,} rows: {what}"
        yield Row("sparse", size, best["value"], best["jacobian"], f"{nonzeros} values", None, peer, goal=goal, met=ratio <= RATIO)
        once = setup(jacobian, [arguments(n + k) for k in (1, 2, 3)])
        figure = f"{once * 1e3:.0f} ms, {once / best['jacobian']:.1f} evaluations"
        yield Row("sparse", "its pattern, once", figure=figure, goal=f"≤ {SETUP:g} evaluations", met=once <= SETUP * best["jacobian"])


def check(f: Callable[..., Any], jacobian: Any, args: tuple[Any, ...]) -> None:
    agree(f.__name__, jacobian(*args).toarray(), of.jacfwd(f)(*args))


def setup(jacobian: Any, sizes: list[tuple[Any, ...]]) -> float:
    """The fastest of several: other sizes have other patterns."""
    found: list[float] = []
    for args in sizes:
        start = time.perf_counter()
        jacobian.cost(*args)
        found.append(time.perf_counter() - start)
    return min(found)
