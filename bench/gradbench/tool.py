"""`python -m bench.gradbench.tool`: Oneform as a tool of GradBench; JSON lines on standard input and output, driven by an eval.

Neither JSON nor the conversion of inputs and outputs is timed. A first call, which compiles where the types of the arguments
are new, is reported as "prepare"; each "evaluate" is one run after that.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from bench.gradbench import inputs, wire
from bench.gradbench.evals import EVALS

Message = dict[str, Any]


def start(_message: Message) -> Message:
    return {"tool": "oneform"}


def define(message: Message) -> Message:
    """Compile the module's functions for a small input: later ones use the code unless their types are new."""
    name = message["module"]
    if name not in EVALS:
        return {"success": False, "error": f"there is no program for {name!r}"}
    e = EVALS[name]
    args = wire.read(name, inputs.make(name, inputs.QUICK[name][0]))
    begin = time.perf_counter_ns()
    for function in (e.value, *e.derivatives):
        if function is not None:
            try:
                e.compiled(function)(*args)
            except Exception as error:  # the other functions may well compile; the message that asks for this one is told
                print(f"{name}.{function}: {described(error)}", file=sys.stderr)
    return {"success": True, "timings": [timing("compile", begin)]}


def evaluate(message: Message) -> Message:
    name, function, given = message["module"], message["function"], message["input"]
    if name not in EVALS or function not in (EVALS[name].value, *EVALS[name].derivatives):
        return {"success": False, "error": f"there is no function {function!r} in {name!r}"}
    least, span = (given.get("min_runs", 1), given.get("min_seconds", 0)) if isinstance(given, dict) else (1, 0)
    args = wire.read(name, given)
    f = EVALS[name].compiled(function)
    begin = time.perf_counter_ns()
    out = f(*args)
    timings = [timing("prepare", begin)]
    runs = elapsed = 0
    while runs < max(least, 1) or elapsed < span * 1e9:
        begin = time.perf_counter_ns()
        out = f(*args)
        timings.append(timing("evaluate", begin))
        elapsed += timings[-1]["nanoseconds"]
        runs += 1
    return {"success": True, "output": wire.write(name, function, out), "timings": timings}


def timing(name: str, begin: int) -> dict[str, Any]:
    return {"name": name, "nanoseconds": time.perf_counter_ns() - begin}


def described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


ANSWERS: dict[str, Callable[[Message], Message]] = {"start": start, "define": define, "evaluate": evaluate}


def answer(message: Message) -> Message:
    """What the message gets; kinds that ask for nothing are acknowledged."""
    try:
        return {"id": message["id"], **ANSWERS.get(message["kind"], lambda _: {})(message)}
    except Exception as error:
        return {"id": message["id"], "success": False, "error": described(error)}


def serve(messages: Iterable[str], out: TextIO) -> None:
    for line in messages:
        if line.strip():
            print(json.dumps(answer(json.loads(line))), file=out, flush=True)


def main() -> None:
    out = sys.stdout
    sys.stdout = sys.stderr  # whatever is printed on the way is not an answer
    serve(sys.stdin, out)


if __name__ == "__main__":
    main()
