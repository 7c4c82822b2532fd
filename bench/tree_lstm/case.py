"""A tree-LSTM over 1,000 random trees against PyTorch: recursion over objects, where every tree has another shape."""

from collections.abc import Iterator

import numpy as np

import oneform as of
from bench.measure import Timer, interleaved, python_timer
from bench.peers import Peer, PeerFailed
from bench.problem import Row
from bench.rivals import Settings, agree
from bench.tree_lstm.program import example, loss

GOAL = 50


def rows(settings: Settings) -> Iterator[Row]:
    count = 100 if settings.quick else 1000
    args = example(count)
    settings.report("tree_lstm: compiling")
    value, gradient = of.jit(loss), of.grad(loss)
    slope = np.concatenate([g.ravel() for g in gradient(*args).values()])
    timers: dict[str, Timer] = {"value": python_timer(value, args), "gradient": python_timer(gradient, args)}
    note, peer = "", None
    if settings.peers:
        try:
            peer = Peer("bench.tree_lstm.torch_peer", args)
            agree("tree_lstm, PyTorch", slope[:4096], peer.results["gradient"])
            timers |= {f"torch {what}": peer.timer(what) for what in peer.results}
        except PeerFailed as error:
            note = str(error)
    settings.report("tree_lstm: timing")
    best = interleaved(timers, settings.budget, rounds=3)
    if peer is not None:
        peer.close()
    theirs = best.get("torch value"), best.get("torch gradient")
    met = None if theirs[1] is None else theirs[1] >= GOAL * best["gradient"]
    goal = f"gradient ≤ 1/{GOAL}"
    yield Row("tree_lstm", f"{count} trees", best["value"], best["gradient"], "PyTorch, eager", *theirs, goal=goal, met=met, note=note)
