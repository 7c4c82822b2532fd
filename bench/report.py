"""How figures are written, and what machine they are from."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from bench.native import COMMAND


def seconds(t: float | None) -> str:
    if t is None:
        return ""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if t >= scale:
            return f"{t / scale:.3g} {unit}"
    return f"{t * 1e9:.3g} ns"


def ratio(x: float | None) -> str:
    return "" if x is None else f"{x:.2f}"


def machine() -> dict[str, str]:
    described = {"python": sys.version.split()[0], "machine": platform.machine(), "system": platform.platform(), "c++": " ".join(COMMAND)}
    return described | {"processor": processor()}


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())
