"""In a process of its own: how long the functions of an eval compile with nothing cached, and how much memory a derivative's call takes.

Memory is measured in a second process, which finds the code on disk: in the first one, what the compiler has freed would hide it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.gradbench import inputs, wire
from bench.gradbench.evals import EVALS


def compile_time(name: str, size: inputs.Size, derivative: str) -> float:
    """Seconds of the first calls, less those of the second ones."""
    e, args = EVALS[name], wire.read(name, inputs.make(name, size))
    total = 0.0
    for function in (e.value, derivative):
        if function is not None:
            f = e.compiled(function)
            for sign in (1.0, -1.0):
                start = time.perf_counter()
                f(*args)
                total += sign * (time.perf_counter() - start)
    return max(total, 0.0)


def peak_memory(name: str, size: inputs.Size, derivative: str) -> int | None:
    """Bytes by which the resident set grows at most during a call."""
    small = wire.read(name, inputs.make(name, inputs.QUICK[name][0]))
    args = wire.read(name, inputs.make(name, size))
    f = EVALS[name].compiled(derivative)
    f(*small)  # loads the code
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    except OSError:
        return None
    before = resident("VmRSS")
    f(*args)
    return resident("VmHWM") - before


def resident(field: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def main() -> None:
    name, size, derivative = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
    if len(sys.argv) > 4:
        print(json.dumps(peak_memory(name, size, derivative)))
        return
    with tempfile.TemporaryDirectory() as cache:
        os.environ["ONEFORM_CACHE_DIR"] = cache
        result: dict[str, Any] = {"compile": compile_time(name, size, derivative)}
        out = subprocess.run([sys.executable, "-m", __spec__.name, *sys.argv[1:], "memory"], capture_output=True, text=True, check=True)
        result["memory"] = json.loads(out.stdout)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
