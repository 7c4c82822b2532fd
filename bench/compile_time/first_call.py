"""Runs in a process of its own: times the first and the second call of a gradient, imports done."""

import json
import sys
import time

import oneform as of
from bench.compile_time.program import cable, example


def main() -> None:
    args = example(int(sys.argv[1]), int(sys.argv[2]))
    times = []
    gradient = of.grad(cable, argnums=0)
    for _ in range(2):
        start = time.perf_counter()
        gradient(*args)
        times.append(time.perf_counter() - start)
    print(json.dumps({"first": times[0], "second": times[1]}))


if __name__ == "__main__":
    main()
