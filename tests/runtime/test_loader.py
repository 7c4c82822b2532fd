"""Our loader places code as LLVM's does, gives the memory back, and leaves alone what it does not know."""

from __future__ import annotations

import gc
import math
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.runtime import engine, loader

pytestmark = pytest.mark.skipif(sys.platform != "linux" or platform.machine() != "x86_64", reason="places x86-64 objects on Linux")


def program(x, v):
    s = 0.0
    out = np.zeros(len(v))
    for i in range(len(v)):
        out[i] = math.exp(v[i]) * x + math.tanh(x * i)
        if out[i] > 2.0:
            s += out[i]
    return s + np.sum(np.sin(v)), out


def images(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    original = engine.loaded

    def watched(code: bytes, symbols: Any) -> Any:
        found.append((code, symbols))
        return original(code, symbols)

    monkeypatch.setattr(engine, "loaded", watched)
    return found


def test_both_loaders_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    v = np.linspace(-1.0, 1.0, 33)
    ours = images(monkeypatch)
    mine = of.jit(lambda x, v: program(x, v))(1.5, v)
    assert loader.load(*ours[-1]) is not None
    monkeypatch.setattr(loader, "load", lambda code, symbols: None)
    theirs = of.jit(lambda x, v: program(x, v))(1.5, v)
    assert mine[0] == theirs[0] and np.array_equal(mine[1], theirs[1])


def test_what_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    found = images(monkeypatch)
    of.jit(lambda x: math.exp(x) + 1.0)(2.0)
    code, symbols = found[-1]
    assert loader.load(code, symbols) is not None
    assert loader.load(code, ("of.absent",)) is None
    for damaged in (b"", b"garbage" * 50, code[:100], code[:18] + b"\xb7" + code[19:]):
        assert loader.load(damaged, symbols) is None
    for other in range(3, 41):  # relocations with another number
        changed = code.replace(b"\x04\x00\x00\x00\x03\x00\x00\x00", bytes([other, 0, 0, 0, 3, 0, 0, 0]))
        if other not in (4, 9) and changed != code:
            assert loader.load(changed, symbols) is None
    assert loader.load(code.replace(b"PyFloat_FromDouble", b"PyFloat_FromNowher"), symbols) is None


def test_memory_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    found = images(monkeypatch)
    of.jit(lambda x: x * 3.0 + 1.0)(2.0)
    code, symbols = found[-1]

    def maps() -> int:
        return len(Path("/proc/self/maps").read_text().splitlines())

    gc.collect()
    before = maps()
    for _ in range(50):
        assert loader.load(code, symbols) is not None
    assert maps() - before < 10
