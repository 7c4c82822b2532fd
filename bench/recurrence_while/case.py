"""The scalar recurrence with a `while` that ends on the data."""

from collections.abc import Iterator

from bench.problem import Problem, Row
from bench.recurrence_while.program import example, logistic_until
from bench.rivals import Settings, rivalry


def rows(settings: Settings) -> Iterator[Row]:
    args = example()
    yield from rivalry(Problem("recurrence_while", "≈10⁶ steps", logistic_until, args, (0, 1), args, None, 2.0, peers=("jax_peer",)), settings)
