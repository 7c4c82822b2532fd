"""One eval at one size: ours against the program by hand and the peers, after checking that all of them agree."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.gradbench import inputs, wire
from bench.gradbench.evals import EVALS, FLAGS, Eval
from bench.measure import Timer, interleaved, python_timer
from bench.native import ROOT, Native
from bench.peers import Peer, PeerFailed
from bench.rivals import Settings, agree, flat

PEERS = {"jax": "JAX", "torch": "PyTorch"}
PATIENCE = 60.0  # seconds that a peer may take to start, compile and answer
SLOW = 1.0  # seconds from which on a call of a peer is timed once, and not in every round


@dataclass(frozen=True)
class Times:
    """Seconds of a call; None for what does not exist or does not work, and `note` says why."""

    value: float | None = None
    derivative: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Result:
    """A row of the table."""

    eval: str
    size: str
    ours: Times
    hand: Times
    peers: dict[str, Times] = field(default_factory=dict[str, Times])
    compile: float | None = None  # seconds of both functions, with nothing cached
    memory: int | None = None  # bytes that a derivative's call takes at its peak, results included


def races(name: str, size: inputs.Size, settings: Settings) -> list[Result]:
    """A row for each derivative function of the eval."""
    e = EVALS[name]
    args = wire.read(name, inputs.make(name, size))
    shown = inputs.label(size)
    return [race(e, args, shown if len(e.derivatives) == 1 else function, size, function, settings) for function in e.derivatives]


def race(e: Eval, args: tuple[Any, ...], shown: str, size: inputs.Size, derivative: str, settings: Settings) -> Result:
    what = f"{e.name}, {shown}" if shown else e.name
    settings.report(f"{what}: compiling")
    timers: dict[str, Timer] = {}
    results: dict[str, Any] = {}
    notes: dict[str, str] = {}
    for key, function in (("value", e.value), ("derivative", derivative)):
        if function is not None:
            ours(e, key, function, args, results, timers, notes)
    by_hand(e, what, args, results, timers)
    found = {peer: enter(e, what, peer, args, results, timers, settings) for peer in (PEERS if settings.peers else ())}
    cost = footprint(e.name, size, derivative, settings) if "derivative" in timers else {}
    settings.report(f"{what}: timing")
    best = interleaved(timers, settings.budget, rounds=3 if settings.quick else 5)
    for peer in found.values():
        if isinstance(peer, Peer):
            peer.close()
    peers = {peer: once if isinstance(once, Times) else times(best, f"{peer} ", notes) for peer, once in found.items()}
    return Result(e.name, shown, times(best, "", notes), times(best, "hand ", notes), peers, cost.get("compile"), cost.get("memory"))


def times(best: dict[str, float], prefix: str, notes: dict[str, str]) -> Times:
    note = "; ".join(text for key, text in notes.items() if key.startswith(prefix or ("value", "derivative")))
    return Times(best.get(f"{prefix}value"), best.get(f"{prefix}derivative"), note)


def ours(e: Eval, key: str, function: str, args: tuple[Any, ...], results: dict[str, Any], timers: dict[str, Timer], notes: dict[str, str]) -> None:
    """Compile and run; what does not work is noted and left out."""
    try:
        f = e.compiled(function)
        out = f(*args)
    except Exception as error:
        notes[key] = f"{function}: {type(error).__name__}: {error}"
        return
    results[key] = e.flat(out) if key == "derivative" else flat(out)
    timers[key] = python_timer(f, args)


def by_hand(e: Eval, what: str, args: tuple[Any, ...], results: dict[str, Any], timers: dict[str, Timer]) -> None:
    native = Native("gradbench/manual", e.native(args), e.result_size(args), e.name, FLAGS)
    for key, entry in (("value", "time_value"), ("derivative", "time_gradient")):
        if key == "value" and e.value is None:
            continue
        timer = timers[f"hand {key}"] = native.timer(entry)
        native.out[:] = float("nan")
        timer(1)
        if key in results:
            agree(f"{what}, manual/{e.name}.cpp, {key}", results[key], native.out[: results[key].size], e.tolerance(args))
        else:
            results[key] = native.out.copy()  # peers are compared with it where ours does not run


def enter(e: Eval, what: str, peer: str, args: tuple[Any, ...], results: dict[str, Any], timers: dict[str, Timer], settings: Settings) -> Peer | Times:
    """Start a peer and check its results. Its timers join the rounds, unless it is too slow for that."""
    if not (ROOT / "gradbench" / "peers" / f"{e.name}_{peer}.py").exists():
        return Times(note="not written for this one")
    settings.report(f"{what}: starting {PEERS[peer]}")
    # An eval without a value has several derivatives, and a peer may have some of them: it names them as the messages do.
    names = {"value": "value", "derivative": "derivative" if e.value is not None else what.split(", ")[-1]}
    try:
        running = Peer(f"bench.gradbench.peers.{e.name}_{peer}", tuple(unnamed(a) for a in args), PATIENCE)
        there = {key: name for key, name in names.items() if name in running.results}
        taken = {key: running.timer(name)(1) for key, name in there.items()}
    except PeerFailed as error:
        return Times(note=str(error))
    for key, name in there.items():
        numbers = running.results[name]
        agree(f"{what}, {PEERS[peer]}, {key}", results[key][: len(numbers)], numbers, e.tolerance(args))
    if not there or max(taken.values()) > SLOW:
        running.close()
        return Times(taken.get("value"), taken.get("derivative"), "" if there else "no reverse mode through its while loop")
    timers |= {f"{peer} {key}": running.timer(name) for key, name in there.items()}
    return running


def unnamed(x: Any) -> Any:
    """Records as plain tuples: a peer's interpreter has no Oneform to import their classes with."""
    return tuple(x) if isinstance(x, tuple) else x


def footprint(name: str, size: inputs.Size, derivative: str, settings: Settings) -> dict[str, Any]:
    """What compiling and one call cost in a process of their own."""
    settings.report(f"{name}: compile time and memory")
    command = [sys.executable, "-m", "bench.gradbench.footprint", name, json.dumps(size), derivative]
    out = subprocess.run(command, capture_output=True, text=True, cwd=ROOT.parent, check=False)
    return json.loads(out.stdout) if out.returncode == 0 else {}


def geometric(rows: list[Result], part: Callable[[Result], float | None]) -> float | None:
    """The geometric mean of a figure over the rows that have it."""
    found = [x for row in rows if (x := part(row)) is not None]
    if not found:
        return None
    product = 1.0
    for x in found:
        product *= x ** (1.0 / len(found))
    return product
