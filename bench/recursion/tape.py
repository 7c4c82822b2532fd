"""Runs in a process of its own: by how many bytes the gradient of a long `while` lets the process grow."""

import json
import sys
from pathlib import Path

import oneform as of
from bench.recursion.program import butterfly, start


def resident(field: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def main() -> None:
    gradient = of.grad(butterfly, argnums=(0, 1, 2))
    gradient(*start(1000))  # compiles
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = resident("VmRSS")
    gradient(*start(int(sys.argv[1])))
    print(json.dumps(resident("VmHWM") - before))


if __name__ == "__main__":
    main()
