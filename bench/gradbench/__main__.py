"""`python -m bench.gradbench`: build, check that all rivals agree, time value and derivative of every eval and size, and print one table."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.gradbench import inputs
from bench.gradbench.race import PEERS, Result, Times, geometric, races
from bench.report import machine, ratio, seconds
from bench.rivals import Settings

NOTES = (
    "Times are minima over rounds in which the rivals take turns on the same cores. Ours are called from Python, so the call and the allocation of",
    "the results count; C++ is timed inside C++, keeps its memory from call to call and writes to the caller's arrays. Where an eval has no value of",
    "its own (particle, saddle) its functions differ in the modes of their derivatives, and the same program by hand stands beside each.",
    "Compile: value and derivative, nothing cached. Memory: what a derivative's call takes at its peak, results included.",
)


def main() -> int:
    options = arguments()
    use_cores(options.threads)
    console = Console()
    results: list[Result] = []
    failures: list[str] = []
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("")
        settings = Settings(options.quick, not options.no_peers, lambda text: progress.update(task, description=text))
        for name in options.evals:
            for size in (inputs.QUICK if options.quick else inputs.SIZES)[name]:
                try:
                    results += races(name, size, settings)
                except Exception as error:  # one size that fails must not hide the others
                    failures.append(f"{name}, {inputs.label(size)}: {type(error).__name__}: {error}")
                    if options.raise_errors:
                        raise
    report(console, results, failures)
    if options.json:
        document = {"machine": machine() | {"threads": options.threads}, "rows": [asdict(r) for r in results], "failures": failures}
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    return 1 if failures else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.gradbench", description=__doc__)
    parser.add_argument("evals", nargs="*", default=list(inputs.SIZES), metavar="EVAL", help=f"of {', '.join(inputs.SIZES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="one or two small sizes of each, fewer rounds")
    parser.add_argument("--no-peers", action="store_true", help="only Oneform and C++")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="cores that every rival may use (default: 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    parser.add_argument("--raise-errors", action="store_true", help="stop at the first size that fails, with its traceback")
    options = parser.parse_args()
    unknown = [name for name in options.evals if name not in inputs.SIZES]
    if unknown:
        parser.error(f"no eval {unknown[0]!r}; there are {', '.join(inputs.SIZES)}")
    return options


def use_cores(count: int) -> None:
    """Bind this process, and the peers that it starts, to so many cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-count:])
    os.environ["OMP_NUM_THREADS"] = str(count)


def over(a: float | None, b: float | None) -> float | None:
    return a / b if a is not None and b else None


def against_hand(r: Result) -> float | None:
    return over(r.ours.derivative, r.hand.derivative)


def report(console: Console, results: list[Result], failures: list[str]) -> None:
    console.print(table(results))
    for line in NOTES:
        console.print(line, highlight=False, soft_wrap=True)
    for text in dict.fromkeys(f"{r.eval}: {note(t)}" for r in results for t in (r.ours,) if t.note):
        console.print(f"not compiled: {text}", style="red", markup=False, highlight=False, soft_wrap=True)
    for text in dict.fromkeys(f"{PEERS[peer]}, {r.eval}: {note(t)}" for r in results for peer, t in r.peers.items() if t.note):
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    for failure in failures:
        console.print(f"failed: {failure}", style="red", markup=False, highlight=False, soft_wrap=True)


def note(t: Times) -> str:
    return t.note.split("\n")[0]


def table(results: list[Result]) -> Table:
    out = Table(title="GradBench: Oneform against hand-derived C++, JAX and PyTorch")
    out.add_column("eval")
    out.add_column("size")
    columns = ("ours: value", "derivative", "d/v", "by hand: value", "derivative", "d/v", "ours/hand: value", "derivative", "compile", "memory")
    for column in (*columns, *(f"{label}: deriv." for label in PEERS.values())):
        out.add_column(column, justify="right")
    for name in dict.fromkeys(r.eval for r in results):
        rows = [r for r in results if r.eval == name]
        for row in rows:
            out.add_row(name if row is rows[0] else "", row.size, *cells(row))
        if len(rows) > 1:
            means = (geometric(rows, lambda r: over(r.ours.value, r.hand.value)), geometric(rows, against_hand))
            out.add_row("", "geometric mean", *[""] * 6, *(f"[bold]{ratio(m)}[/]" for m in means))
        out.add_section()
    return out


def cells(r: Result) -> list[str]:
    ours, hand = r.ours, r.hand
    shown = [seconds(ours.value), seconds(ours.derivative) or "[red]none[/]", ratio(over(ours.derivative, ours.value))]
    shown += [seconds(hand.value), seconds(hand.derivative), ratio(over(hand.derivative, hand.value))]
    shown += [ratio(over(ours.value, hand.value)), ratio(against_hand(r)), seconds(r.compile), "" if r.memory is None else f"{r.memory / 1e6:.1f} MB"]
    return shown + [seconds(r.peers.get(peer, Times()).derivative) for peer in PEERS]


if __name__ == "__main__":
    sys.exit(main())
