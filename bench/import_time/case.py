"""`import oneform` in a fresh process, beyond what NumPy's own import takes; installed, that is, with its bytecode written."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from bench.problem import Row
from bench.rivals import Settings

GOAL = 0.3
PROGRAM = "import time, numpy; start = time.perf_counter(); import oneform; print(time.perf_counter() - start)"


def rows(settings: Settings) -> Iterator[Row]:
    settings.report("import time")
    with tempfile.TemporaryDirectory() as bytecode:
        once(bytecode)
        best = min(once(bytecode) for _ in range(3 if settings.quick else 9))
    yield Row("import oneform", "beyond NumPy's", figure=f"{best * 1e3:.0f} ms", goal=f"≤ {GOAL * 1e3:.0f} ms", met=best <= GOAL)


def once(bytecode: str) -> float:
    own = os.environ | {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}
    return float(subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True, env=own).stdout)
