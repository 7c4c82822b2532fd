"""Random loops as users write them: rounds with sums in order, branches, tables of their own, rows that data choose, and additions to what all share."""

from __future__ import annotations

import random


class Rounds:
    """Writes a function of (points, centres, rows) in Python."""

    def __init__(self, seed: int):
        self.rng = random.Random(seed)
        self.lines: list[str] = []
        self.count = 0

    def source(self) -> str:
        for _ in range(self.rng.randint(2, 5)):
            self.statement(2, ["points[i, 0]", "points[i, 1]", "i * 0.01"], 2)
        last = self.lines[-1]
        rest = [f"t{k}" for k in range(self.count) if any(line.startswith(f"        t{k} ") for line in self.lines)] or ["points[i, 0]"]
        ending = self.rng.choice(["total += {0} * {1}", "total = 0.5 * total + {0}", "y[i] = {0} + total\n        total += {1}", "y[i] += {0}", "y[rows[i]] += {0} * {1}"])
        assert last
        body = "\n".join([*self.lines, "        " + ending.format(self.rng.choice(rest), self.rng.choice(rest))])
        return (
            "import numpy as np\n\n\ndef f(points, centres, rows):\n    n, m = points.shape\n    k = centres.shape[0]\n    total = 0.0\n"
            f"    y = np.zeros(n)\n    for i in range(n):\n{body}\n    return total + np.sum(np.sin(y))\n"
        )

    def put(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def fresh(self) -> str:
        self.count += 1
        return f"t{self.count - 1}"

    def number(self, scope: list[str]) -> str:
        return self.rng.choice([*scope, *scope, str(self.rng.randint(-2, 3) * 0.5)])

    def expression(self, scope: list[str]) -> str:
        a, b = self.number(scope), self.number(scope)
        forms = ["{a} * {b}", "{a} + {b}", "{a} - 0.3 * {b}", "np.sin({a})", "np.exp(-abs({a}))", "{a} / (2.0 + {b} * {b})", "max({a}, {b})", "np.where({a} > {b}, {a}, 0.5 * {b})", "np.tanh({a}) * {b}", "abs({a})"]
        return self.rng.choice(forms).format(a=a, b=b)

    def statement(self, depth: int, scope: list[str], left: int) -> None:
        kinds = ["assign", "gather", "loop", "loop", "table", "branch", "whole"] if left else ["assign", "gather"]
        getattr(self, self.rng.choice(kinds))(depth, scope, left)

    def assign(self, depth: int, scope: list[str], left: int) -> None:
        name = self.fresh()
        self.put(depth, f"{name} = {self.expression(scope)}")
        scope.append(name)

    def gather(self, depth: int, scope: list[str], left: int) -> None:
        name = self.fresh()
        place = self.rng.choice(["points[rows[i], 1]", "points[n - 1 - i, 0]", "points[(3 * i) % n, 0]", "points[min(i + 1, n - 1), 1]", "centres[i % k, 0]"])
        self.put(depth, f"{name} = {place}")
        scope.append(name)

    def loop(self, depth: int, scope: list[str], left: int) -> None:
        """A sum in order, or one that forgets."""
        name, j = self.fresh(), f"j{depth}"
        self.put(depth, f"{name} = {self.number(scope)}")
        bound, elements = self.rng.choice([("m", [f"points[i, {j}]", f"points[i, m - 1 - {j}]", f"points[n - 1 - i, {j}]"]), ("k", [f"centres[{j}, 0]", f"centres[k - 1 - {j}, 1]"]), ("3", [f"points[i, {j}]"])])
        self.put(depth, f"for {j} in range({bound}):")
        inner = [*scope, *elements]
        if left > 1 and self.rng.random() < 0.4:
            self.statement(depth + 1, inner, left - 1)
        step = self.rng.choice(["{s} += {e}", "{s} = 0.7 * {s} + {e}", "{s} = 0.5 * {s} - {e} * {o}", "{s} = max({s}, {e})"])
        self.put(depth + 1, step.format(s=name, e=self.expression(inner), o=self.number(inner)))
        scope.append(name)

    def table(self, depth: int, scope: list[str], left: int) -> None:
        """Memory of the round's own, written and read in another order."""
        name, w = self.fresh(), f"w{self.count}"
        self.put(depth, f"{w} = np.zeros({self.rng.choice(['m', 'k', '3'])})")
        self.put(depth, f"for j{depth} in range(len({w})):")
        self.put(depth + 1, f"{w}[j{depth}] = {self.expression(scope)} + 0.1 * j{depth}")
        self.put(depth, f"{name} = 0.0")
        self.put(depth, f"for j{depth} in range(len({w})):")
        self.put(depth + 1, f"{name} = 0.5 * {name} + {w}[len({w}) - 1 - j{depth}] * {w}[j{depth}]")
        scope.append(name)

    def branch(self, depth: int, scope: list[str], left: int) -> None:
        name = self.fresh()
        self.put(depth, f"if {self.number(scope)} > {self.rng.choice(['0.0', '0.25', 'n * 0.05'])}:")
        own = list(scope)
        if self.rng.random() < 0.6:
            self.statement(depth + 1, own, left - 1)
        self.put(depth + 1, f"{name} = {self.expression(own)}")
        self.put(depth, "else:")
        self.put(depth + 1, f"{name} = {self.expression(scope)}")
        scope.append(name)

    def whole(self, depth: int, scope: list[str], left: int) -> None:
        name = self.fresh()
        self.put(depth, f"{name} = np.sum(points[i] * {self.number(scope)}) + np.prod(1.0 + 0.1 * points[i])")
        scope.append(name)
