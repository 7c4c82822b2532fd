"""Programs over whole arrays, value and gradient, against NumPy and JAX."""

from collections.abc import Iterator

import numpy as np

import oneform as of
from bench.arrays.program import PROGRAMS, example
from bench.measure import Timer, interleaved, python_timer
from bench.peers import Peer, PeerFailed
from bench.problem import Row
from bench.rivals import Settings, agree, flat


def rows(settings: Settings) -> Iterator[Row]:
    for name in ("cross_entropy", "spectrum") if settings.quick else PROGRAMS:
        yield from _rows(name, settings)


def _rows(name: str, settings: Settings) -> Iterator[Row]:
    """One row for NumPy, which has no gradient, and one for JAX."""
    function = PROGRAMS[name]
    args, argnums = example(name)
    settings.report(f"arrays, {name}: compiling")
    value, gradient = of.jit(function), of.grad(function, argnums=argnums)
    agree(f"arrays, {name}, NumPy", value(*args), function(*args))
    slope = flat(gradient(*args))
    timers: dict[str, Timer] = {"value": python_timer(value, args), "gradient": python_timer(gradient, args), "numpy": python_timer(function, args)}
    note, peer = "", None
    if settings.peers:
        try:
            peer = Peer("bench.arrays.jax_peer", (name, argnums, *args))
            agree(f"arrays, {name}, JAX", slope[:4096], peer.results["gradient"])
            timers |= {f"jax {what}": peer.timer(what) for what in peer.results}
        except PeerFailed as error:
            note = str(error)
    settings.report(f"arrays, {name}: timing")
    best = interleaved(timers, settings.budget)
    if peer is not None:
        peer.close()
    size = " ".join([name, *("×".join(map(str, np.shape(a))) for a in args[:1])])
    yield Row("arrays", size, best["value"], best["gradient"], "NumPy", best["numpy"])
    theirs = best.get("jax value"), best.get("jax gradient")
    met = None if None in theirs else best["value"] <= theirs[0] and best["gradient"] <= theirs[1]
    yield Row("arrays", size, best["value"], best["gradient"], "JAX", *theirs, goal="primal, gradient ≤ 1", met=met, note=note)
