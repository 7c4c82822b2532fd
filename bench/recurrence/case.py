"""Scalar recurrence of 10⁶ steps."""

from collections.abc import Iterator

from bench.problem import Problem, Row
from bench.recurrence.program import example, logistic
from bench.rivals import Settings, rivalry


def rows(settings: Settings) -> Iterator[Row]:
    args = example()
    yield from rivalry(Problem("recurrence", "10⁶ steps", logistic, args, (0, 1), args, 1.1, 1.3, peers=("jax_peer",)), settings)
