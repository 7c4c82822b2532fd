"""The near end of a peer: starts it in .venv-bench and times it round by round, in turn with the others."""

from __future__ import annotations

import json
import os
import pickle
import select
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from bench.measure import Timer

ROOT = Path(__file__).parents[1]
PYTHON = Path(os.environ.get("ONEFORM_BENCH_PYTHON", ROOT / ".venv-bench" / "bin" / "python"))


class PeerFailed(Exception):
    """The peer cannot run the case; the message is its own."""


class Peer:
    """A program of another framework, running in its own process."""

    def __init__(self, module: str, args: tuple[Any, ...], limit: float | None = None):
        """`limit`: seconds that an answer may take before the peer is given up."""
        self.limit = limit
        if not PYTHON.exists():
            raise PeerFailed("no .venv-bench; `make bench` sets it up")
        with tempfile.NamedTemporaryFile(suffix=".pickle", delete=False) as file:
            pickle.dump(args, file)
        self.arguments = Path(file.name)
        environment = os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
        self.process = subprocess.Popen(
            [str(PYTHON), "-m", "bench.peer", module, file.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
        )
        answer = self.read()
        if "error" in answer:
            self.close()
            raise PeerFailed(answer["error"])
        self.results: dict[str, list[float]] = answer["results"]

    def read(self) -> Any:
        assert self.process.stdout is not None
        if self.limit is not None and not select.select([self.process.stdout], [], [], self.limit)[0]:
            self.process.kill()
            self.close()
            raise PeerFailed(f"took more than {self.limit:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            self.close()
            raise PeerFailed("the process ended")
        return json.loads(line)

    def timer(self, name: str) -> Timer:
        def timer(repeats: int) -> float:
            assert self.process.stdin is not None
            self.process.stdin.write(f"{name} {repeats}\n")
            self.process.stdin.flush()
            return float(self.read())

        return timer

    def close(self) -> None:
        self.arguments.unlink(missing_ok=True)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self.process.wait(timeout=30)
