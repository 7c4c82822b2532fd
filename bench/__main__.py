"""`python -m bench`: run the cases, print one table, and write the figures as JSON."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.problem import Row
from bench.report import machine, ratio, seconds
from bench.rivals import Settings

CASES = (
    "recurrence", "recurrence_while", "array_recurrence", "state60", "logsumexp", "recursion", "tree_lstm", "sparse", "arrays", "call", "compile_time",
    "import_time",
)
NOTES = (
    "Times are minima over rounds in which the rivals take turns. Ours are called from Python, so the call and the allocation of the results count;",
    "C++ is timed inside C++ (no call overhead), keeps its scratch memory from call to call and writes to the caller's array. Values and gradients",
    "are compared before anything is timed. Peers run in .venv-bench, each in a process of its own, on arrays of their own.",
)


def main() -> int:
    options = arguments()
    console = Console()
    rows: list[Row] = []
    failures: list[str] = []
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("")
        settings = Settings(options.quick, not options.no_peers, lambda text: progress.update(task, description=text))
        for case in options.cases:
            try:
                rows += importlib.import_module(f"bench.{case}.case").rows(settings)
            except Exception as error:  # one case that fails must not hide the others
                failures.append(f"{case}: {type(error).__name__}: {error}")
                if options.raise_errors:
                    raise
    console.print(table(rows))
    for line in NOTES:
        console.print(line, highlight=False, soft_wrap=True)
    for failure in failures:
        console.print(f"failed: {failure}", style="red", markup=False, highlight=False, soft_wrap=True)
    if options.json:
        options.json.write_text(json.dumps(document(rows, failures), indent=1) + "\n")
    return 1 if failures else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("cases", nargs="*", default=CASES, metavar="CASE", help=f"of {', '.join(CASES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer sizes and rounds")
    parser.add_argument("--no-peers", action="store_true", help="only Oneform and C++")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    parser.add_argument("--raise-errors", action="store_true", help="stop at the first case that fails, with its traceback")
    options = parser.parse_args()
    unknown = [case for case in options.cases if case not in CASES]
    if unknown:
        parser.error(f"no case {unknown[0]!r}; there are {', '.join(CASES)}")
    return options


def table(rows: list[Row]) -> Table:
    result = Table(title="Oneform against its rivals")
    result.add_column("case")
    result.add_column("size")
    for name in ("ours: primal", "gradient", "peer", "peer: primal", "gradient", "ratio: primal", "gradient", "goal", "met?"):
        result.add_column(name, justify="left" if name in ("peer", "goal") else "right")
    last = ""
    for row in rows:
        if last not in ("", row.case):
            result.add_section()
        met = "" if row.met is None else "[green]yes[/]" if row.met else "[bold red]NO[/]"
        own = (row.figure, "") if row.figure else (seconds(row.value), seconds(row.gradient))
        note = row.note.split("\n")[0][:60]
        goal = row.goal or note
        ratios = (ratio(row.value_ratio), ratio(row.gradient_ratio))
        result.add_row(row.case if row.case != last else "", row.size, *own, row.peer, seconds(row.peer_value), seconds(row.peer_gradient), *ratios, goal, met)
        last = row.case
    return result


def document(rows: list[Row], failures: list[str]) -> dict[str, object]:
    return {
        "machine": machine(),
        "rows": [asdict(row) | {"value_ratio": row.value_ratio, "gradient_ratio": row.gradient_ratio} for row in rows],
        "failures": failures,
    }


if __name__ == "__main__":
    sys.exit(main())
