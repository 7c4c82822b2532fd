"""Compile time of a gradient: cold, from the cache in a new process, and at other trip counts and sizes."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.problem import Row
from bench.rivals import Settings

COLD, WARM, SPREAD, EXAMPLE = 1.0, 0.060, 1.2, 2.0
ROOT = Path(__file__).parents[2]


def rows(settings: Settings) -> Iterator[Row]:
    repeats = 2 if settings.quick else 5
    settings.report("compile time")
    cold, warm = min_pairs(repeats, 4, 5)
    yield Row("compile time", "100 lines, cold", figure=milliseconds(cold), goal=f"≤ {COLD:g} s", met=cold <= COLD)
    yield Row("compile time", "new process, warm cache", figure=milliseconds(warm), goal=f"≤ {WARM * 1e3:.0f} ms", met=warm <= WARM)
    large, _ = min_pairs(repeats, 400, 500)
    spread = large / cold
    yield Row("compile time", "100 × the steps and sizes", figure=f"{milliseconds(large)}, {spread:.2f}×", goal=f"≤ {SPREAD:g}×", met=spread <= SPREAD)


    example, lines = largest_example()
    slowest, _ = min_pairs(repeats, f"{example}:loss")
    name = f"largest example, {example.name}, {lines} lines"
    yield Row("compile time", name, figure=milliseconds(slowest), goal=f"≤ {EXAMPLE:g} s", met=slowest <= EXAMPLE)


def largest_example() -> tuple[Path, int]:
    """Of those that have a loss: the file, and how many lines it has."""
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "examples").glob("*.py")}
    lines = {path: len(text.splitlines()) for path, text in texts.items() if "def loss(" in text and "def example(" in text}
    path = max(lines, key=lambda p: lines[p])
    return path, lines[path]


def min_pairs(repeats: int, *program: object) -> tuple[float, float]:
    """The fastest first call with an empty cache, and with the cache that it left. What running costs is taken off."""
    pairs = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as cache:
            pairs.append((first_call(cache, program), first_call(cache, program)))
    return min(p[0] for p in pairs), min(p[1] for p in pairs)


def first_call(cache: str, program: Sequence[object]) -> float:
    environment = os.environ | {"ONEFORM_CACHE_DIR": cache, "XDG_CACHE_HOME": cache, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    command = [sys.executable, "-m", "bench.compile_time.first_call", *map(str, program)]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)
    return answer["first"] - answer["second"]


def milliseconds(t: float) -> str:
    return f"{t * 1e3:.0f} ms"
