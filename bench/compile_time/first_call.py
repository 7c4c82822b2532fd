"""Runs in a process of its own: times the first and the second call of a gradient, imports done. Of the cable with so many cells and steps, or of
FILE.py:FUNC on its example()."""

import json
import sys
import time

import oneform as of
from bench.compile_time.program import cable, example
from oneform import cli


def main() -> None:
    if len(sys.argv) == 2:
        function, module = cli.load(sys.argv[1])
        args = module.example()
        argnums = cli.differentiable(args)
    else:
        function, args, argnums = cable, example(int(sys.argv[1]), int(sys.argv[2])), 0
    times = []
    gradient = of.grad(function, argnums=argnums)
    for _ in range(2):
        start = time.perf_counter()
        gradient(*args)
        times.append(time.perf_counter() - start)
    print(json.dumps({"first": times[0], "second": times[1]}))


if __name__ == "__main__":
    main()
