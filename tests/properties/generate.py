"""Random programs as source text: loops in loops and branches, early exits, arrays written and carried, views, helpers. Drawn by Hypothesis, so they shrink."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

SIGNATURE = "x, y, p, m, n, k"
LENGTH, ROWS, COLUMNS, CODES = 5, 3, 4, 4  # p has LENGTH elements, m is ROWS by COLUMNS, k has CODES integers from 0 to 9
CONSTANTS = ("0.5", "1.3", "-0.7", "0.21", "2.0")
LEVELS = ("0.15", "-0.2", "0.4", "0.04", "0.85")  # what conditions compare with


@dataclass
class Scope:
    """The names that are bound for certain, by kind. Integers with their range, arrays with their length or shape."""

    floats: list[str] = field(default_factory=list)
    integers: dict[str, tuple[int, int]] = field(default_factory=dict)
    vectors: dict[str, int] = field(default_factory=dict)
    matrices: dict[str, tuple[int, int]] = field(default_factory=dict)
    pinned: frozenset[str] = frozenset()  # arrays that have views or are views: never rebound
    loops: int = 0  # how deep in loops
    depth: int = 0  # how deep in any block
    returns: bool = True  # whether `return` may stand here

    def inner(self, **changes: Any) -> Scope:
        copy = Scope(list(self.floats), dict(self.integers), dict(self.vectors), dict(self.matrices), self.pinned, self.loops, self.depth + 1, self.returns)
        return replace(copy, **changes)


class Writer:
    """Draws statements and keeps the text. Choice 0 is always the simplest, so that shrinking simplifies."""

    def __init__(self, draw: Callable[[Any], Any], size: int):
        self.draw = draw
        self.left = size  # statements still allowed
        self.lines: list[str] = []
        self.indent = 1
        self.fresh = 0
        self.codes = True  # whether the integer array k is in sight
        self.helpers: list[tuple[str, str]] = []  # name, kind of its parameter beside two floats: "", "vector"

    # ------------------------------------------------------------ drawing and writing

    def choose(self, options: Sequence[Any]) -> Any:
        return options[self.draw(st.integers(0, len(options) - 1))]

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def chance(self, one_in: int) -> bool:
        return self.draw(st.integers(0, one_in - 1)) == one_in - 1

    def emit(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    def name(self, prefix: str) -> str:
        self.fresh += 1
        return f"{prefix}{self.fresh}"

    @contextmanager
    def block(self):
        self.indent += 1
        start = len(self.lines)
        yield
        if len(self.lines) == start:
            self.emit("pass")
        self.indent -= 1

    # ------------------------------------------------------------ expressions

    def atom(self, s: Scope) -> str:
        kind = self.choose(["float", "constant", "element", "integer", "element", "matrix"])
        if kind == "constant":
            return self.choose(CONSTANTS)
        if kind == "element" and s.vectors:
            a = self.choose(list(s.vectors))
            return f"{a}[{self.index(s, s.vectors[a])}]"
        if kind == "matrix" and s.matrices:
            a = self.choose(list(s.matrices))
            return f"{a}[{self.index(s, s.matrices[a][0])}, {self.index(s, s.matrices[a][1])}]"
        if kind == "integer" and s.integers:
            return f"0.1 * {self.choose(list(s.integers))}"
        return self.choose(s.floats)

    def value(self, s: Scope, depth: int = 2) -> str:
        """A float expression of moderate size and derivative."""
        form = self.number(0, 11) if depth else 0
        sub = lambda: self.value(s, depth - 1)  # noqa: E731
        if form <= 1:
            return self.atom(s)
        if form == 2:
            return f"({sub()} + {self.choose(CONSTANTS)} * {sub()})"
        if form == 3:
            return f"np.sin({sub()})"
        if form == 4:
            return f"({sub()} - {sub()})"
        if form == 5:
            return f"np.tanh({sub()} * {sub()})"
        if form == 6:
            e = self.atom(s)
            return f"{sub()} / (1.0 + {e} * {e})"
        if form == 7:
            return f"({sub()} if {self.condition(s)} else {sub()})"
        if form == 8:
            return f"{self.choose(['max', 'min', 'np.maximum'])}({sub()}, {self.atom(s)})"
        if form == 9 and s.vectors:
            a = self.choose(list(s.vectors))
            return self.choose([f"np.sum({a})", f"np.dot({a}, {a})", f"np.max({a})", f"np.sum(np.sin({a}) * {self.atom(s)})"])
        if form == 10 and self.helpers:
            return self.call(s)
        return f"np.cos({self.atom(s)} * {sub()})"

    def bounded(self, s: Scope) -> str:
        """A float expression that stays small whatever its operands: what loops carry must not explode."""
        e = self.value(s)
        return self.choose([f"np.sin({e})", f"0.5 * np.tanh({e})", f"0.4 * {self.atom(s)} + 0.3 * np.cos({e})", f"{e} / (1.5 + abs({e}))"])

    def variable(self, s: Scope) -> str:
        """An atom that is no constant."""
        text = self.atom(s)
        return self.choose(s.floats) if text in CONSTANTS else text

    def condition(self, s: Scope) -> str:
        kind = self.number(0, 5)
        if kind == 1 and s.integers:
            return f"{self.choose(list(s.integers))} % {self.number(2, 3)} == {self.number(0, 1)}"
        if kind == 2:
            return f"{self.variable(s)} < {self.value(s, 1)} and {self.variable(s)} > {self.choose(LEVELS)}"
        if kind == 3:
            return f"(not {self.variable(s)} > 0.1 or {self.variable(s)} < {self.choose(LEVELS)})"
        if kind == 4:
            return f"-0.9 < {self.variable(s)} < {self.choose(LEVELS)}"
        return f"{self.variable(s)} + {self.value(s, 1)} {self.choose(['>', '<', '<=', '>='])} {self.choose(LEVELS)}"

    def index(self, s: Scope, n: int) -> str:
        """An index that is valid for length n."""
        kind = self.number(0, 5)
        fitting = [i for i, (low, high) in s.integers.items() if -n <= low and high < n]
        if kind <= 2 and fitting:
            return self.choose(fitting)
        if kind == 3 and s.integers:
            return f"({self.choose(list(s.integers))} + {self.number(0, 3)}) % {n}"
        if kind == 4 and self.codes:
            return f"k[{self.choose(list(s.integers))} % {CODES}] % {n}" if s.integers else f"k[{self.number(0, CODES - 1)}] % {n}"
        below = [i for i, (low, high) in s.integers.items() if low - 1 >= -n and high - 1 < n]
        if kind == 5 and below:
            return f"{self.choose(below)} - 1"
        return str(self.number(-n, n - 1)) if self.chance(3) else str(self.number(0, n - 1))

    def vector_value(self, s: Scope, n: int) -> str:
        """A new array of length n."""
        same = [a for a, length in s.vectors.items() if length == n]
        if not same:
            return f"np.full({n}, {self.atom(s)})"
        a, b = self.choose(same), self.choose(same)
        return self.choose(
            [
                f"{a}.copy()",
                f"np.sin({a}) * {self.atom(s)}",
                f"{a} * {b} * 0.5",
                f"np.where({a} > {self.choose(CONSTANTS)}, {b}, {self.atom(s)})",
                f"np.tanh({a} + {b}[::-1])",
                f"np.zeros({n})",
            ]
        )

    def call(self, s: Scope) -> str:
        name, kind = self.choose(self.helpers)
        long = [a for a, n in s.vectors.items() if n >= 3]
        third = "" if not kind else f", {self.choose(long)}" if long else ", np.ones(3)"
        return f"{name}({self.atom(s)}, {self.atom(s)}{third})"

    # ------------------------------------------------------------ statements

    def statements(self, s: Scope, most: int) -> None:
        for _ in range(self.number(1, most)):
            if self.left <= 0:
                return
            self.left -= 1
            self.statement(s)

    def statement(self, s: Scope) -> None:
        plain = [self.assign, self.augment, self.write, self.write, self.augmented_write]
        nested = [self.loop, self.loop, self.while_loop, self.branch, self.branch] if s.depth < 4 else []
        arrays = [self.new_array, self.view, self.swap_elements, self.slices, self.rebind, self.swap_arrays]
        leave = [self.leave] if s.depth else []
        self.choose([*plain, *nested, *arrays, *leave, *nested])(s)

    def assign(self, s: Scope) -> None:
        target = self.choose(s.floats) if not self.chance(3) else self.name("v")
        self.emit(f"{target} = {self.bounded(s)}")
        if target not in s.floats:
            s.floats.append(target)

    def augment(self, s: Scope) -> None:
        target = self.choose(s.floats)
        self.emit(f"{target} {self.choose(['+= 0.3 *', '-= 0.2 *', '*= 1.0 + 0.2 *'])} {self.bounded(s)}")

    def target(self, s: Scope) -> str | None:
        arrays = [*s.vectors, *s.matrices]
        if not arrays:
            return None
        a = self.choose(arrays)
        return f"{a}[{self.index(s, s.vectors[a])}]" if a in s.vectors else f"{a}[{self.index(s, s.matrices[a][0])}, {self.index(s, s.matrices[a][1])}]"

    def write(self, s: Scope) -> None:
        place = self.target(s)
        self.emit(f"{place} = {self.bounded(s)}" if place else f"{s.floats[0]} = {self.bounded(s)}")

    def augmented_write(self, s: Scope) -> None:
        place = self.target(s)
        if place:
            self.emit(f"{place} {self.choose(['+= 0.4 *', '-= 0.1 *', '*= 0.5 +'])} {self.bounded(s)}")

    def new_array(self, s: Scope) -> None:
        name, n = self.name("a"), self.choose([LENGTH, 3, COLUMNS])
        self.emit(f"{name} = {self.vector_value(s, n)}")
        s.vectors[name] = n

    def rebind(self, s: Scope) -> None:
        """A carried array gets a new value."""
        free = [a for a in s.vectors if a not in s.pinned]
        if free:
            a = self.choose(free)
            self.emit(f"{a} = {self.vector_value(s, s.vectors[a])}")

    def view(self, s: Scope) -> None:
        if not s.vectors or (s.matrices and self.chance(2)):
            if s.matrices:
                a = self.choose(list(s.matrices))
                rows, columns = s.matrices[a]
                name = self.name("w")
                by_row = self.chance(2)
                self.emit(f"{name} = {a}[{self.index(s, rows)}]" if by_row else f"{name} = {a}[:, {self.index(s, columns)}]")
                s.vectors[name] = columns if by_row else rows
                s.pinned |= {name, a}
            return
        a = self.choose(list(s.vectors))
        n, name = s.vectors[a], self.name("w")
        text, length = self.choose([(f"{a}[1:]", n - 1), (f"{a}[::2]", (n + 1) // 2), (f"{a}[::-1]", n), (f"{a}[:2]", min(2, n))])
        if length > 0:
            self.emit(f"{name} = {text}")
            s.vectors[name] = length
            s.pinned |= {name, a}

    def swap_elements(self, s: Scope) -> None:
        if s.vectors:
            a = self.choose(list(s.vectors))
            i, j = self.index(s, s.vectors[a]), self.index(s, s.vectors[a])
            self.emit(f"{a}[{i}], {a}[{j}] = {a}[{j}] * 0.9, {a}[{i}]")

    def slices(self, s: Scope) -> None:
        long = [a for a, n in s.vectors.items() if n >= 2]
        if long:
            a = self.choose(long)
            self.emit(
                self.choose([f"{a}[1:] += 0.5 * {a}[:-1]", f"{a}[:] = np.sin({a}) * {self.atom(s)}", f"{a} *= {self.bounded(s)}", f"{a}[::2] = {self.atom(s)}"])
            )

    def swap_arrays(self, s: Scope) -> None:
        """Buffers that trade places."""
        free = [a for a in s.vectors if a not in s.pinned and a != "p"]
        pairs = [(a, b) for a in free for b in free if a < b and s.vectors[a] == s.vectors[b]]
        if pairs:
            a, b = self.choose(pairs)
            self.emit(f"{a}, {b} = {b}, {a}")

    def loop(self, s: Scope) -> None:
        if s.loops >= 3:
            return
        if self.chance(6) and s.vectors:
            a, v = self.choose(list(s.vectors)), self.name("v")
            self.emit(f"for {v} in {a}:")
            inner = s.inner(loops=s.loops + 1)
            inner.floats.append(v)
        else:
            i = self.name("i")
            bounds = [(str(c), (0, c - 1)) for c in (2, 3, 1, 0)] + ([("n", (0, 3))] if "n" in s.integers else [])
            bounds += [(f"len({a})", (0, n - 1)) for a, n in s.vectors.items()]
            bounds += [(f"{j} + 1", (0, high)) for j, (low, high) in s.integers.items() if low >= 0 and j != "n" and high <= 5]
            bounds += [(f"k[{j} % {CODES}] % 3", (0, 1)) for j in s.integers if j != "n" and self.codes]
            bound, (low, high) = self.choose(bounds)
            form = self.number(0, 4)
            self.emit(
                f"for {i} in range({bound} - 1, -1, -1):" if form == 4 else f"for {i} in range(1, {bound}):" if form == 3 else f"for {i} in range({bound}):"
            )
            inner = s.inner(loops=s.loops + 1)
            inner.integers[i] = (low, max(high, 0))
        with self.block():
            self.statements(inner, 4)

    def while_loop(self, s: Scope) -> None:
        """Ends on the data, at the latest after a few rounds; the counter moves first, so `continue` is safe."""
        if s.loops >= 3:
            return
        c, limit = self.name("c"), self.number(1, 5)
        self.emit(f"{c} = 0")
        self.emit(f"while {c} < {limit} and {self.condition(s)}:")
        inner = s.inner(loops=s.loops + 1)
        inner.integers[c] = (1, limit)
        with self.block():
            self.emit(f"{c} += 1")
            self.statements(inner, 4)
        s.integers[c] = (0, limit)

    def branch(self, s: Scope) -> None:
        self.emit(f"if {self.condition(s)}:")
        with self.block():
            self.statements(s.inner(), 3)
        if self.chance(3):
            self.emit(f"elif {self.condition(s)}:")
            with self.block():
                self.statements(s.inner(), 2)
        if self.chance(2):
            self.emit("else:")
            with self.block():
                self.statements(s.inner(), 3)

    def leave(self, s: Scope) -> None:
        """break, continue or return, under a condition of its own."""
        ways = (["break", "continue"] if s.loops else []) + ([f"return {self.bounded(s)}"] if s.returns else [])
        if ways:
            self.emit(f"if {self.condition(s)}:")
            with self.block():
                self.emit(self.choose(ways))

    def result(self, s: Scope) -> None:
        """Everything that is alive counts."""
        terms = [f"{0.3 + 0.2 * j:.1f} * {v}" for j, v in enumerate(s.floats)]
        terms += [f"np.sum({a} * {a}) * {0.7 + 0.1 * j:.1f} + {a}[0]" for j, a in enumerate(s.vectors)]
        terms += [f"np.sum({a} * {a}[0])" for a in s.matrices]
        self.emit("return " + " + ".join(terms))


def _helper(draw: Callable[[Any], Any], number: int) -> tuple[str, str, list[str]]:
    w = Writer(draw, size=4)
    kind = w.choose(["", "vector"])
    s = Scope(floats=["s", "t"], vectors={"a": 3} if kind else {})  # the shortest array it may be given has to do
    s.pinned = frozenset(s.vectors)
    w.codes = False
    w.statements(s, 3)
    name = f"helper{number}"
    head = f"def {name}(s, t{', a' if kind else ''}):"
    return name, kind, [head, *w.lines, f"    return {' + '.join(['0.5 * s', 't', *(['a[0]'] if kind else [])])}", "", ""]


@st.composite
def programs(draw: Callable[[Any], Any], size: int = 20) -> tuple[str, int, int]:
    """Source text of `def program(x, y, p, m, n, k)`, a trip count, and a seed for the other arguments."""
    lines = ["import numpy as np", "", ""]
    w = Writer(draw, size)
    for j in range(draw(st.integers(0, 2))):
        name, kind, text = _helper(draw, j)
        w.helpers.append((name, kind))
        lines += text
    s = Scope(floats=["x", "y"], integers={"n": (0, 4)}, vectors={"p": LENGTH}, matrices={"m": (ROWS, COLUMNS)})
    start = w.number(0, 3)
    if start:  # most programs work on copies, some on their arguments
        w.emit("p = p.copy()")
        w.emit("m = m * 1.0")
    else:
        s.pinned = frozenset({"p"})  # bound to another array on some path, a write might or might not reach the caller: refused
    w.emit("u = 0.3 * x")
    s.floats.append("u")
    if w.number(0, 3):
        w.choose([w.loop, w.while_loop])(s)
    while w.left > 0:
        w.statements(s, 4)
        if w.chance(6):
            break
    w.result(s)
    lines += [f"def program({SIGNATURE}):", *w.lines, ""]
    return "\n".join(lines), draw(st.integers(0, 4)), draw(st.integers(0, 1000))


def arguments(trips: int, seed: int) -> tuple[Any, ...]:
    """Numbers without any symmetry."""
    rng = np.random.default_rng(seed)
    x, y = (float(v) for v in rng.uniform(0.2, 1.2, 2))
    return x, -y, rng.uniform(-1.0, 1.0, LENGTH), rng.uniform(-1.0, 1.0, (ROWS, COLUMNS)), trips, rng.integers(0, 10, CODES)
