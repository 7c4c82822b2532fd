"""A recurrence through an array, n = 10³ … 10⁶, and the exponent of its gradient's cost in n."""

from collections.abc import Iterator

import numpy as np

import oneform as of
from bench.array_recurrence.program import driven, example
from bench.measure import interleaved, python_timer
from bench.problem import Problem, Row
from bench.rivals import Settings, rivalry

SIZES = (1_000, 10_000, 100_000, 1_000_000)
JAX_LIMIT = 10_000  # its cost grows with n²
PRICE = 1.05  # of bounds checks


def rows(settings: Settings) -> Iterator[Row]:
    found: list[Row] = []
    for n in SIZES:
        args = example(n)
        peers = ("jax_peer",) if n <= JAX_LIMIT else ()
        found += rivalry(Problem("array_recurrence", f"n = {n:,}", driven, args, (0, 1), (*args, n), None, 1.5, peers=peers), settings)
    yield from found
    yield from price_of_checks(settings)
    ours = exponent([(n, next(r.gradient for r in found if r.size == f"n = {n:,}")) for n in SIZES])
    yield Row("array_recurrence", "exponent in n", figure=f"{ours:.2f}", goal="≤ 1.1", met=ours <= 1.1)
    jax = [(n, r.peer_gradient) for n in SIZES for r in found if r.peer == "JAX" and r.size == f"n = {n:,}" and r.peer_gradient]
    if len(jax) > 1:
        yield Row("array_recurrence", "exponent in n", peer="JAX", figure=f"{exponent(jax):.2f}")


def price_of_checks(settings: Settings) -> Iterator[Row]:
    """The same program with its indices checked and without."""
    settings.report("array_recurrence: bounds checks")
    args = example(100_000)
    programs = {"checked": of.jit(driven), "free": of.jit(driven, boundscheck=False)}
    timers = {name: python_timer(f, args) for name, f in programs.items()}
    timers |= {f"{name} gradient": python_timer(of.grad(f, argnums=(0, 1)), args) for name, f in programs.items()}
    best = interleaved(timers, settings.budget)
    price = max(best["checked"] / best["free"], best["checked gradient"] / best["free gradient"])
    yield Row(
        "array_recurrence", "n = 100,000, bounds checks", best["checked"], best["checked gradient"], "without checks", best["free"], best["free gradient"],
        goal=f"both ≤ {PRICE:g}", met=price <= PRICE,
    )  # fmt: skip


def exponent(points: list[tuple[int, float | None]]) -> float:
    """The slope of log(time) over log(n)."""
    n, t = (np.log(np.array(column, dtype=float)) for column in zip(*points, strict=True))
    return float(np.polyfit(n, t, 1)[0])
