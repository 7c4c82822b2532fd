"""Recursion: what a gradient costs beside its primal; and the memory that the tape of a `while` takes, beside the numbers on it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import oneform as of
from bench.gradbench.programs.det import primal as determinant
from bench.measure import interleaved, python_timer
from bench.problem import Row
from bench.recursion.program import butterfly, matrix, start
from bench.rivals import Settings

ROOT = Path(__file__).parents[2]
RATIO, LIVE, ROOM = 3.0, 3, 1.3  # gradient to primal; numbers of an iteration on the tape; what the tape may take for each byte of them


def rows(settings: Settings) -> Iterator[Row]:
    for n in (6, 8) if settings.quick else (6, 8, 10):
        yield determinants(n, settings)
    yield tape(1_000_000 if settings.quick else 10_000_000, settings)


def determinants(n: int, settings: Settings) -> Row:
    settings.report(f"recursion: {n} × {n}")
    args = (matrix(n),)
    timers = {"primal": python_timer(of.jit(determinant), args), "gradient": python_timer(of.grad(determinant), args)}
    best = interleaved(timers, settings.budget)
    ratio = best["gradient"] / best["primal"]
    goal = f"gradient ≤ {RATIO:g} × primal"
    return Row("recursion", f"{n} × {n} determinant by minors", best["primal"], best["gradient"], goal=goal, met=ratio <= RATIO, note=f"{ratio:.2f}×")


def tape(steps: int, settings: Settings) -> Row:
    settings.report(f"recursion: the tape of {steps:,} iterations")
    args = start(steps)
    best = interleaved({"primal": python_timer(of.jit(butterfly), args)}, 0.0, rounds=1)
    command = [sys.executable, "-m", "bench.recursion.tape", str(steps)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    grown = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)
    least = 8 * LIVE * steps
    figure = f"{grown / 1e6:.0f} MB, {grown / least:.2f}× the numbers on it"
    return Row("recursion", f"tape of {steps:,} iterations", best["primal"], figure=figure, goal=f"≤ {ROOM:g}×", met=grown <= ROOM * least)
