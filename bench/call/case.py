"""What a call costs, the loop of the measurement included."""

import time
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import oneform as of
from bench.call.program import eight, example, scalar
from bench.measure import Timer, interleaved
from bench.peers import Peer, PeerFailed
from bench.problem import Row
from bench.rivals import Settings


def rows(settings: Settings) -> Iterator[Row]:
    x, v = 1.5, example()[0]
    settings.report("call")
    timers: dict[str, Timer] = {"scalar": call_timer(of.jit(scalar), x), "eight": call_timer(of.jit(eight), v)}
    timers |= {"python scalar": call_timer(scalar, x), "python eight": call_timer(eight, v)}
    note = ""
    peer = None
    if settings.peers:
        try:
            peer = Peer("bench.call.numba_peer", (x, v))
            timers |= {"numba scalar": peer.timer("scalar"), "numba eight": peer.timer("eight")}
        except PeerFailed as error:
            note = str(error)
    best = interleaved(timers, settings.budget)
    if peer is not None:
        peer.close()
    for name, size, goal in (("scalar", "float → float", 100e-9), ("eight", "8 doubles → 8 doubles", 250e-9)):
        yield Row("call", size, best[name], peer="CPython, NumPy", peer_value=best[f"python {name}"], goal=f"≤ {goal * 1e9:.0f} ns", met=best[name] <= goal)
        if settings.peers:
            yield Row("call", size, best[name], peer="Numba", peer_value=best.get(f"numba {name}"), note=note)


def call_timer(f: Callable[..., Any], x: Any) -> Timer:
    def timer(repeats: int) -> float:
        start = time.perf_counter()
        for _ in repeat(None, repeats):
            f(x)
        return (time.perf_counter() - start) / repeats

    return timer
