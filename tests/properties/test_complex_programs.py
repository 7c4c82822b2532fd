"""Random programs on complex numbers: loops, branches, while, arrays written in place, every bridge between the plane and the line.
CPython, interpreter and compiled code agree, and so do forward mode, reverse mode and differences."""

from __future__ import annotations

import cmath
import math
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.errors import DerivativeError
from tests.differences import floats
from tests.source import define

EXAMPLES = int(os.environ.get("ONEFORM_FUZZ_EXAMPLES", "40"))


@dataclass(frozen=True)
class Names:
    """What may be read: complex numbers, real numbers, loop indices."""

    plane: tuple[str, ...]
    line: tuple[str, ...]
    index: tuple[str, ...] = ()


@dataclass
class Programs:
    """Writes one program; terms are damped so that nothing grows out of bounds."""

    rng: random.Random
    lines: list[str] = field(default_factory=list[str])
    count: int = 0

    def plane(self, names: Names, depth: int = 0) -> str:
        """A complex expression."""
        r = self.rng
        if depth > 2 or r.random() < 0.25:
            return r.choice([*names.plane, f"({r.uniform(-1, 1):.3f}{r.uniform(-1, 1):+.3f}j)"])
        a, b, x = self.plane(names, depth + 1), self.plane(names, depth + 1), self.line(names, depth + 1)
        return r.choice([
            f"({a} + {b})", f"({a} - {b})", f"({a} * {b})", f"({a} / (2.5 + 0.3 * {b}))", f"({a}).conjugate()", f"complex({x}, {self.line(names, depth + 1)})",
            f"({a}) ** {r.choice([2, 3])}", f"({x} * {a})", f"cmath.sqrt(3.0 + 0.2 * {a})", f"cmath.{r.choice(['exp', 'sin', 'cos', 'sinh', 'cosh', 'tanh'])}(0.4 * {a})",
        ])  # fmt: skip

    def line(self, names: Names, depth: int = 0) -> str:
        """A real expression."""
        r = self.rng
        if depth > 2 or r.random() < 0.25:
            return r.choice([*names.line, f"{r.uniform(-1, 1):.3f}"])
        x, y, a = self.line(names, depth + 1), self.line(names, depth + 1), self.plane(names, depth + 1)
        return r.choice([
            f"({x} + {y})", f"({x} - {y})", f"({x} * {y})", f"({a}).real", f"({a}).imag", f"abs(0.1 + {a})", f"math.sin({x})", f"cmath.phase(4.0 + 0.2 * {a})",
            f"abs({a}) ** 2",
        ])  # fmt: skip

    def fresh(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def put(self, indent: int, text: str) -> None:
        self.lines.append("    " * indent + text)

    def block(self, names: Names, indent: int, depth: int) -> None:
        r = self.rng
        for _ in range(r.randint(2, 4)):
            kind = r.choice(["carried", "line", "write", "add", *(["if", "for", "while"] if depth < 2 else [])])
            if kind == "carried":
                self.put(indent, f"{r.choice('st')} = 0.8 * {self.plane(names)}")
            elif kind == "line":
                name = self.fresh("r")
                self.put(indent, f"{name} = {self.line(names)}")
                names = Names(names.plane, (*names.line, name), names.index)
            elif kind in ("write", "add"):
                i = r.choice(["0", "1", "2", "-1", *(f"{k} % 4" for k in names.index)])
                seen = Names((*names.plane, f"out[{i}]", f"a[{i}]"), names.line, names.index)
                self.put(indent, f"out[{i}] {'=' if kind == 'write' else '+='} 0.5 * {self.plane(seen)}")
            else:
                self.compound(kind, names, indent, depth)

    def compound(self, kind: str, names: Names, indent: int, depth: int) -> None:
        r, k = self.rng, self.fresh("k")
        inner = Names(names.plane, names.line, (*names.index, k))
        if kind == "if":
            self.put(indent, f"if {self.line(names)} > {r.uniform(-0.5, 0.5):.3f}:")
            self.block(names, indent + 1, depth + 1)
            if r.random() < 0.6:
                self.put(indent, "else:")
                self.block(names, indent + 1, depth + 1)
        elif kind == "for":
            self.put(indent, f"for {k} in range({r.choice('23n')}):")
            self.block(inner, indent + 1, depth + 1)
            self.put(indent + 1, f"s = 0.6 * s + 0.2 * {r.choice(names.plane)}")
        else:
            self.put(indent, f"{k} = 0")
            self.put(indent, f"while {k} < 3 and abs(s) < 20.0:")
            self.block(inner, indent + 1, depth + 1)
            self.put(indent + 1, f"{k} += 1")
            self.put(indent + 1, f"s = 0.5 * s + {self.plane(inner, 1)} * 0.3")

    def text(self) -> str:
        self.lines = ["def f(a, z, w, x, n):", "    out = np.zeros(4, dtype=complex)", "    s, t = z * 0.5, w"]
        self.block(Names(("z", "w", "s", "t", "a[1]", "a[2]"), ("x",)), 1, 0)
        self.put(1, "return out, s, t, np.sum(np.abs(out) ** 2) + abs(0.1 + s) ** 2")
        return "\n".join(self.lines) + "\n"


def arguments(seed: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=4) + 1j * rng.normal(size=4), complex(*rng.normal(size=2)), complex(*rng.normal(size=2)), float(rng.normal()), 3


def under_python(f: Any, args: Sequence[Any]) -> np.ndarray | None:
    """The result, if it is of a size at which rounding can be judged."""
    try:
        with np.errstate(all="ignore"):
            found = floats(f(*args))
    except (OverflowError, ZeroDivisionError, ValueError):
        return None
    return found if np.isfinite(found).all() and np.abs(found).max() < 1e6 else None


@pytest.mark.parametrize("seed", range(EXAMPLES))
def test_all_ways_agree(seed: int) -> None:
    f = define(Programs(random.Random(seed)).text(), {"np": np, "cmath": cmath, "math": math})["f"]
    args = arguments(seed)
    expected = under_python(f, args)
    if expected is None:
        pytest.skip("too large to compare")
    allowed = 1e-9 * max(1.0, float(np.abs(expected).max()))
    assert np.abs(floats(of.jit(f)(*args)) - expected).max() < allowed
    assert np.abs(floats(of.trace(f)(*args).interpret(*args)) - expected).max() < allowed
    try:
        of.check_grads(f, args, order=2 if seed % 3 == 0 else 1, rtol=1e-5)
    except DerivativeError as e:
        if "kink" not in str(e):
            raise
