"""Times that can be compared: the rivals take turns within one run, and the fastest round of each counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

Timer = Callable[[int], float]  # repeats -> mean seconds of one call


def python_timer(f: Callable[..., Any], args: tuple[Any, ...]) -> Timer:
    """Times calls from Python: what calling costs is part of the figure."""

    def timer(repeats: int) -> float:
        start = time.perf_counter()
        for _ in range(repeats):
            f(*args)
        return (time.perf_counter() - start) / repeats

    return timer


def interleaved(timers: Mapping[str, Timer], budget: float, rounds: int = 7, sample: float = 0.02) -> dict[str, float]:
    """Fastest round of each timer; at least `rounds` rounds, and as many as `budget` seconds allow."""
    repeats = {name: calibrate(timer, sample) for name, timer in timers.items()}
    best = dict.fromkeys(timers, float("inf"))
    begin, done = time.perf_counter(), 0
    while done < rounds or time.perf_counter() - begin < budget:
        for name, timer in timers.items():
            best[name] = min(best[name], timer(repeats[name]))
        done += 1
    return best


def calibrate(timer: Timer, sample: float) -> int:
    """How many calls take about `sample` seconds. The first call, which may compile, does not count."""
    timer(1)
    repeats = 1
    while (taken := timer(repeats) * repeats) < sample / 2 and repeats < 10_000_000:
        repeats = max(2 * repeats, min(100 * repeats, int(repeats * sample / max(taken, 1e-9))))
    return repeats
