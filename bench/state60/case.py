"""A loop over a state of 60 scalars, 600 steps."""

from collections.abc import Iterator

from bench.problem import Problem, Row
from bench.rivals import Settings, rivalry
from bench.state60.program import example, network


def rows(settings: Settings) -> Iterator[Row]:
    args = example()
    yield from rivalry(Problem("state60", "600 steps", network, args, (0, 1, 2), args, None, 1.5, peers=("jax_peer",)), settings)
