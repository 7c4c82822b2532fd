"""The far end of a peer: runs in .venv-bench, is told on standard input what to time, and answers in JSON lines.

A peer module has `build(*args)`, which gives what can be timed by name: a function without arguments, or a tuple of a
function and its arguments, where the cost of a wrapper would matter.
"""

from __future__ import annotations

import importlib
import json
import pickle
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    module, arguments = sys.argv[1], Path(sys.argv[2])
    args = pickle.loads(arguments.read_bytes())
    out = sys.stdout
    sys.stdout = sys.stderr  # whatever a framework prints is not an answer
    try:
        calls: dict[str, Any] = {k: c if isinstance(c, tuple) else (c,) for k, c in importlib.import_module(module).build(*args).items()}
        results = {name: flat(call(*rest)) for name, (call, *rest) in calls.items()}  # compiles
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=out, flush=True)
        return
    print(json.dumps({"results": results}), file=out, flush=True)
    for line in sys.stdin:
        name, repeats = line.split()
        call, *rest = calls[name]
        start = time.perf_counter()
        for _ in range(int(repeats)):
            call(*rest)
        print(json.dumps((time.perf_counter() - start) / int(repeats)), file=out, flush=True)


def flat(result: Any) -> list[float]:
    """The numbers of a result, in order; long results are cut, since a few suffice to compare."""
    import numpy as np

    parts = result if isinstance(result, tuple | list) else [result]
    return np.concatenate([np.asarray(p, dtype=float).ravel() for p in parts])[:4096].tolist()


if __name__ == "__main__":
    main()
