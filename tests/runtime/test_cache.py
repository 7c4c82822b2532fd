"""The disk cache: found again in a new process, revalidated, never trusted when damaged."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import oneform
from oneform.runtime import cache

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(oneform.__file__).parents[1])}
PROGRAM = """
import dataclasses
import numpy as np
import oneform as of
from helper import scale, OFFSET

GLOBAL = 2.0

def inner(x):
    return scale(x) + OFFSET

def make(c):
    def f(v, n):
        s = 0.0
        for i in range(n):
            s = s + inner(v[i]) * c * GLOBAL
        return s
    return f

@dataclasses.dataclass
class Body:
    mass: float = 2.0

    def weight(self, g=9.81):
        return self.mass * g

PARAMS = {"w": [0.5, np.ones(3)], "b": Body(3.0)}
TABLE = (inner, scale)

def structured(x, k=2):
    s = PARAMS["w"][0] * x + PARAMS["w"][1][k] + Body(x).weight() + PARAMS["b"].weight(1.0)
    for g in TABLE:
        s = s + of.grad(g)(x)
    return s

print(of.grad(structured)(2.0), of.jit(structured)(2.0))
f = make(3.0)
v = np.array([1.0, 2.0, 3.0] * 20)
print(of.jit(f)(v, 3), of.grad(f)(v, 3)[:2], of.value_and_grad(f)(v, 2)[0])
try:
    of.jit(f)(v, 100)
except IndexError as e:
    print(e)
print("traced" if TRACED else "warm")
"""
# The frontend is watched from outside: whoever calls it has no warm start.
WATCH = """
import oneform.frontend as frontend
TRACED = []
_trace = frontend.trace
def watched(*a):
    TRACED.append(a)
    return _trace(*a)
frontend.trace = watched
"""


def start(folder: Path, **env: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "main.py"], cwd=folder, capture_output=True, text=True, timeout=120,
        env={**ENVIRONMENT, "ONEFORM_CACHE_DIR": str(folder / "cache"), "ONEFORM_CACHE": "1", **env},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "helper.py").write_text("OFFSET = 1.0\n\ndef scale(x):\n    return x * x\n")
    (tmp_path / "main.py").write_text(WATCH + PROGRAM)
    return tmp_path


def test_a_second_process_starts_warm(folder: Path) -> None:
    first = start(folder)
    second = start(folder)
    assert first[-1] == "traced" and second[-1] == "warm"
    assert first[:-1] == second[:-1] and "index 60 is out of bounds" in first[-2]


def test_changes_are_noticed(folder: Path) -> None:
    before = start(folder)
    (folder / "helper.py").write_text("OFFSET = 1.0\n\ndef scale(x):\n    return x * x * x\n")
    changed = start(folder)
    assert changed[-1] == "traced" and changed[0] != before[0]
    (folder / "helper.py").write_text("OFFSET = 5.0\n\ndef scale(x):\n    return x * x * x\n")
    other = start(folder)  # a captured number is no part of the program
    assert other[-1] == "warm" and other[1] != changed[1]
    (folder / "helper.py").write_text("OFFSET = 5\n\ndef scale(x):\n    return x * x * x\n")
    assert start(folder)[:-1] == other[:-1]


RULES = """
from typing import NamedTuple
import oneform as of

@of.custom_jvp
def square(x):
    return x * x

square.defjvp(lambda p, t: (square(*p), 7.0 * t[0]))

class Point(NamedTuple):
    a: float

    def area(self):
        return self.a * 3.0

    @of.custom_vjp
    def pull(self, x):
        return self.a * x

    pull.defvjp(lambda self, x: (self.pull(x), None), lambda res, ct: (None, 11.0 * ct))
"""
RULED = """
import oneform as of
from ruled import Point, square

def f(p, x):
    return square(x) + p.area() + p.pull(x)

print(of.jit(f)(Point(1.0), 2.0), of.grad(f, 1)(Point(1.0), 2.0), of.grad(square)(2.0))
print("traced" if TRACED else "warm")
"""


def test_rules_and_methods_are_part_of_the_program(folder: Path) -> None:
    (folder / "main.py").write_text(WATCH + RULED)
    for old, new, expected in (("", "", "9.0 18.0 7.0"), ("7.0", "8.0", "9.0 19.0 8.0"), ("11.0", "12.0", "9.0 20.0 8.0"), ("3.0", "5.0", "11.0 20.0 8.0")):
        text = (folder / "ruled.py").read_text() if old else RULES
        (folder / "ruled.py").write_text(text.replace(old, new) if old else text)
        assert start(folder) == [expected, "traced"]
        assert start(folder) == [expected, "warm"]


def test_a_warning_is_given_in_every_process(folder: Path) -> None:
    text = "import oneform as of, warnings\nwith warnings.catch_warnings(record=True) as w:\n"
    text += "    warnings.simplefilter('always')\n    of.grad(lambda x, y: x * 2.0, 1)(1.0, 2.0)\nprint(len(w), w[0].category.__name__)\n"
    (folder / "main.py").write_text(text)
    assert start(folder) == ["1 ZeroGradientWarning"] == start(folder)


def test_damaged_entries_are_ignored(folder: Path) -> None:
    good = start(folder)
    files = [p for p in (folder / "cache").rglob("*") if p.is_file()]
    assert files
    for damage in (lambda b: b[: len(b) // 2], lambda b: b[:60] + bytes([b[60] ^ 1]) + b[61:], lambda b: b"", lambda b: b"garbage" * 100):
        for p in files:
            p.write_bytes(damage(p.read_bytes()))
        assert start(folder)[:-1] == good[:-1]
    a, b = files[0], files[-1]
    if a != b:
        b.write_bytes(a.read_bytes())  # a whole entry under another's name
        assert start(folder)[:-1] == good[:-1]


def test_off(folder: Path) -> None:
    start(folder, ONEFORM_CACHE="0")
    assert not (folder / "cache").exists()
    blocked = folder / "file"
    blocked.write_text("")
    assert start(folder, ONEFORM_CACHE_DIR=str(blocked))[-1] == "traced"


def test_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEFORM_CACHE_DIR", str(tmp_path))
    key = cache.digest("a", 1, b"x")
    assert cache.read(key) is None
    cache.write(key, {"k": (1, 2.5)})
    assert cache.read(key) == {"k": (1, 2.5)} and cache.read(cache.digest("b")) is None
    assert cache.digest("ab", "c") != cache.digest("a", "bc")
    cache.write(key, lambda: None)  # cannot be pickled: nothing is written
    assert cache.read(key) == {"k": (1, 2.5)}
    assert not [p for p in tmp_path.rglob(".new-*")]


def test_parallel_writers(tmp_path: Path) -> None:
    code = textwrap.dedent("""
        from oneform.runtime import cache
        for _ in range(300):
            cache.write(cache.digest("same"), list(range(5000)))
            assert cache.read(cache.digest("same")) == list(range(5000))
    """)
    env = {**ENVIRONMENT, "ONEFORM_CACHE_DIR": str(tmp_path)}
    running = [subprocess.Popen([sys.executable, "-c", code], env=env) for _ in range(3)]
    assert [p.wait(60) for p in running] == [0, 0, 0]
