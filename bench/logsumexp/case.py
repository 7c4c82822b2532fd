"""The Gaussian mixture as explicit loops, at several sizes."""

from collections.abc import Iterator

from bench.logsumexp.program import example, mixture
from bench.problem import Problem, Row
from bench.rivals import Settings, rivalry

SIZES = ((1000, 2, 5), (1000, 10, 25), (1000, 32, 25), (10_000, 10, 25))  # points, dimension, components


def rows(settings: Settings) -> Iterator[Row]:
    for n, d, components in SIZES[: 2 if settings.quick else None]:
        args = example(n, d, components)
        size = f"n = {n:,}, d = {d}, K = {components}"
        rivals = {"natives": ("hand", "hand_lanes"), "peers": ("jax_peer", "torch_peer")}
        yield from rivalry(Problem("logsumexp", size, mixture, args, (0, 1, 2), (*args, n, d, components), None, 1.0, **rivals), settings)
