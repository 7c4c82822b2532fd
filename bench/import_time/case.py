"""`import oneform` in a fresh process, beyond what NumPy's own import takes."""

import subprocess
import sys
from collections.abc import Iterator

from bench.problem import Row
from bench.rivals import Settings

GOAL = 0.3
PROGRAM = "import time, numpy; start = time.perf_counter(); import oneform; print(time.perf_counter() - start)"


def rows(settings: Settings) -> Iterator[Row]:
    settings.report("import time")
    best = min(once() for _ in range(3 if settings.quick else 9))
    yield Row("import oneform", "beyond NumPy's", figure=f"{best * 1e3:.0f} ms", goal=f"≤ {GOAL * 1e3:.0f} ms", met=best <= GOAL)


def once() -> float:
    return float(subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True).stdout)
