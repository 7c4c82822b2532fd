"""Runs a problem compiled by Oneform against its hand-derived C++ and its peers, after checking that they agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import oneform as of
from bench.measure import Timer, interleaved, python_timer
from bench.native import Native
from bench.peers import Peer, PeerFailed
from bench.problem import Problem, Row

TOLERANCE = 1e-9  # relative; rounding differs between the programs, nothing else may

LABELS = {"hand": "C++ by hand", "hand_lanes": "C++ by hand, relaid", "jax_peer": "JAX", "torch_peer": "PyTorch"}


@dataclass(frozen=True)
class Settings:
    """How much a run of the benchmarks measures."""

    quick: bool
    peers: bool
    report: Callable[[str], None]  # told what is being measured

    @property
    def budget(self) -> float:
        return 0.5 if self.quick else 3.0


class Disagreement(Exception):
    """Two programs that should compute the same do not; timing them would mean nothing."""


def flat(result: Any) -> Any:
    parts = result if isinstance(result, tuple | list) else [result]
    return np.concatenate([np.asarray(p, dtype=np.float64).ravel() for p in parts])


def agree(what: str, ours: Any, theirs: Any, tolerance: float = TOLERANCE) -> None:
    """Compare against the largest component: a small one is no more accurate than the sums it comes from."""
    ours, theirs = flat(ours), flat(theirs)
    error = float(np.abs(ours[: theirs.size] - theirs).max() / max(np.abs(theirs).max(), 1e-300))
    if not error <= tolerance:
        raise Disagreement(f"{what}: relative difference {error:.1e}")


def rivalry(problem: Problem, settings: Settings) -> Iterator[Row]:
    """One row for each C++ program by hand, one for each peer."""
    name = f"{problem.case}, {problem.size}"
    settings.report(f"{name}: compiling")
    value = of.jit(problem.function)
    gradient = of.grad(problem.function, argnums=problem.argnums)
    expected, slope = value(*problem.args), flat(gradient(*problem.args))
    timers: dict[str, Timer] = {"value": python_timer(value, problem.args), "gradient": python_timer(gradient, problem.args)}
    for file in problem.natives:
        native = Native(problem.case, problem.native_args, sum(np.size(problem.args[i]) for i in problem.argnums), file)
        agree(f"{name}, {file}.cpp, value", expected, native.value())
        agree(f"{name}, {file}.cpp, gradient", slope, native.gradient())
        timers |= {f"{file} value": native.timer("time_value"), f"{file} gradient": native.timer("time_gradient")}

    peers: dict[str, Peer] = {}
    notes: dict[str, str] = {}
    for module in problem.peers if settings.peers else ():
        settings.report(f"{name}: starting {module}")
        try:
            peer = peers[module] = Peer(f"bench.{problem.case}.{module}", problem.args)
        except PeerFailed as error:
            notes[module] = str(error)
            continue
        if "gradient" in peer.results:
            agree(f"{name}, {module}", slope[:4096], peer.results["gradient"])
        else:
            notes[module] = "no reverse mode through this loop"
        timers |= {f"{module} {what}": peer.timer(what) for what in peer.results}

    settings.report(f"{name}: timing")
    best = interleaved(timers, settings.budget)
    for peer in peers.values():
        peer.close()
    for rival in (*problem.natives, *(problem.peers if settings.peers else ())):
        theirs = (best.get(f"{rival} value"), best.get(f"{rival} gradient"))
        row = Row(problem.case, problem.size, best["value"], best["gradient"], LABELS[rival], *theirs, note=notes.get(rival, ""))
        yield judged(row, problem) if rival == problem.natives[0] else row


def judged(row: Row, problem: Problem) -> Row:
    """The row with the problem's goals, and whether they are met."""
    limits = [("primal", row.value_ratio, problem.value_goal), ("gradient", row.gradient_ratio, problem.gradient_goal)]
    asked = [(what, ratio, goal) for what, ratio, goal in limits if goal is not None]
    goal = ", ".join(f"{what} ≤ {limit:g}" for what, _, limit in asked)
    return replace(row, goal=goal, met=all(ratio is not None and ratio <= limit for _, ratio, limit in asked))
