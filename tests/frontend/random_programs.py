"""Random programs with every kind of exit, aliases, views and writes: the tracer and the interpreter against CPython."""

from __future__ import annotations

import random

SCALARS = ("f0", "f1", "f2")
ARRAYS = ("b0", "b1", "b2")
HEADER = "import numpy as np\n\n\ndef program(x, u, v, a, n):\n    f0 = x\n    f1 = 0.5\n    b0 = u\n    b1 = v.copy()\n    m0 = 1\n    m1 = n - 1\n    t = (x, 2)\n"


class Writer:
    """Statements as text. `loops`: variables of the loops around; `budget` bounds the size."""

    def __init__(self, seed: int, size: int):
        self.r = random.Random(seed)
        self.lines: list[str] = []
        self.loops: list[str] = []
        self.budget = size
        self.fresh = 0
        self.helper = False

    def program(self) -> str:
        if self.r.random() < 0.5:
            self.helper = True
            self.lines += ["    def helper(p, q):"]
            self.lines += self.r.choice((
                ["        if q > 0.4:", "            p[0] = q", "            return q * 0.5", "        return p[1]"],
                ["        for k in range(len(p)):", "            if p[k] > q:", "                return p[k]", "            p[k] += 0.1", "        return q"],
                ["        p[1:] = p[:-1] * 0.5", "        return p.sum() * 0.1"],
                ["        nonlocal f1", "        f1 = f1 * 0.5 + q", "        return f1"],
            ))
        if self.r.random() < 0.9:
            self.lines += ["    f2 = -0.25", f"    b2 = {self.r.choice(('u[:3]', 'np.zeros(3)', 'a[0]', 'v', 'u.copy()'))}"]
        self.block(1, 6)
        self.put(1, f"return {self.scalar()}, {self.array()}, {self.scalar()}" if self.r.random() < 0.7 else f"return f0, f1, {self.array()}.sum()")
        return HEADER + "\n".join(self.lines) + "\n"

    def put(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def block(self, depth: int, most: int) -> None:
        for _ in range(self.r.randint(1, most)):
            self.statement(depth)

    def statement(self, depth: int) -> None:
        self.budget -= 1
        kinds = ["scalar"] * 4 + ["store"] * 4 + ["array"] * 3 + ["inplace"] * 2 + ["integer"] * 2 + ["tuple"]
        if self.budget > 0 and depth < 5:
            kinds += ["if"] * 4 + (["for"] * 2 + ["while"] * 2 + ["rows"] if len(self.loops) < 2 else [])
        if self.loops:
            kinds += ["exit"] * 2
        if depth > 1:
            kinds += ["return"]
        getattr(self, f"s_{self.r.choice(kinds)}")(depth)

    # ------------------------------------------------------------ statements

    def s_scalar(self, depth: int) -> None:
        name = self.r.choice(SCALARS)
        form = self.r.random()
        if form < 0.15:
            self.put(depth, f"f0, f1 = f1, {self.scalar()}")
        elif form < 0.3:
            self.put(depth, f"{name} = {self.scalar()} if {self.test()} else {self.scalar()}")
        elif form < 0.4:
            self.put(depth, f"f1 += {self.scalar()}")
        elif form < 0.5 and self.helper:
            self.put(depth, f"{name} = helper({self.array()}, {self.scalar()})")
        else:
            self.put(depth, f"{name} = {self.scalar()}")

    def s_integer(self, depth: int) -> None:
        value = self.r.choice((
            "m0 + 1", "m1 - 1", f"len({self.array()}) - 1", "m0 // 2", "(m0 + m1) % 3", "n - m0", "m1", "abs(m0)", "max(m0, 0)", "min(m1, 2)", "2 * m0 - m1", *(f"{i} + 1" for i in self.loops),
            *(f"n - 1 - {i}" for i in self.loops), *self.loops,
        ))
        self.put(depth, f"{self.r.choice(('m0', 'm1'))} = {value}" if self.r.random() < 0.8 else f"m0, m1 = m1, {value}")

    def s_tuple(self, depth: int) -> None:
        self.put(depth, self.r.choice((f"t = ({self.scalar()}, m0)", "t = (t[0] * 0.5, t[1] + 1)", f"f0, m0 = t[0] + {self.scalar()}, t[1]", "t = t[::-1][::-1]", f"t = ({self.scalar()}, t[1])")))

    def s_store(self, depth: int) -> None:
        sign = self.r.choice(("=", "+=", "*=", "="))
        target = self.r.choice((
            f"{self.array()}[{self.index()}]", f"{self.array()}[{self.index()}]", f"a[{self.index()} % 3, {self.index()} % 3]", f"a[{self.index()} % 3]", "a[:, 1]", f"{self.array()}[1:]",
            f"{self.array()}[::2]",
        ))
        self.put(depth, f"{target} {sign} {self.scalar()}")

    def s_array(self, depth: int) -> None:
        name, b = self.r.choice(ARRAYS), self.array()
        value = self.r.choice((
            b, b, f"{b}.copy()", f"{b} * 0.5 + {self.scalar()}", f"{b}[1:]", f"{b}[::-1]", "np.zeros(n)", f"a[{self.index()} % 3]", "a.T[1]", "a[:, 0]", f"np.sin({b})", f"{b}[{self.index()} % 2:]",
        ))
        if self.r.random() < 0.15:
            self.put(depth, "b0, b1 = b1, b0")
        else:
            self.put(depth, f"{name} = {value}")

    def s_inplace(self, depth: int) -> None:
        b, c = self.array(), self.array()
        self.put(depth, self.r.choice((f"{b} += {self.scalar()}", f"{b}[:] = {c}[::-1]", f"{b}[1:] = {b}[:-1]", f"{b} *= 0.5", f"{b}[...] = {self.scalar()}", f"{b} -= {c}")))

    def s_if(self, depth: int) -> None:
        self.put(depth, f"if {self.test()}:")
        self.block(depth + 1, 3)
        if self.r.random() < 0.3:
            self.put(depth, f"elif {self.test()}:")
            self.block(depth + 1, 2)
        if self.r.random() < 0.5:
            self.put(depth, "else:")
            self.block(depth + 1, 3)

    def s_for(self, depth: int) -> None:
        i = self.name("i")
        over = self.r.choice(("range(n)", "range(3)", f"range(len({self.array()}))", "range(1, n)", "range(n, 0, -1)", "range(0, n, 2)"))
        self.put(depth, f"for {i} in {over}:")
        self.loop(depth, i)

    def s_rows(self, depth: int) -> None:
        i = self.name("i")
        self.put(depth, f"for {i}, b2 in enumerate(a):" if self.r.random() < 0.5 else f"for {i}, f2 in enumerate({self.array()}):")
        self.loop(depth, i)

    def s_while(self, depth: int) -> None:
        k = self.name("k")
        self.put(depth, f"{k} = 0")
        self.put(depth, f"while {k} < {self.r.choice(('3', 'n'))}{f' and ({self.test()})' if self.r.random() < 0.5 else ''}:" if self.r.random() < 0.8 else "while True:")
        endless = self.lines[-1].endswith("while True:")
        self.put(depth + 1, f"{k} += 1")
        if endless:
            self.put(depth + 1, f"if {k} > 3:")
            self.put(depth + 2, "break")
        self.loop(depth, k)

    def loop(self, depth: int, variable: str) -> None:
        self.loops.append(variable)
        self.block(depth + 1, 4)
        self.loops.pop()
        if self.r.random() < 0.2:
            self.put(depth, "else:")
            self.block(depth + 1, 2)

    def s_exit(self, depth: int) -> None:
        self.put(depth, f"if {self.test()}:")
        if self.r.random() < 0.4:
            self.s_scalar(depth + 1)
        self.put(depth + 1, self.r.choice(("break", "continue")))

    def s_return(self, depth: int) -> None:
        self.put(depth, f"if {self.test()}:")
        self.put(depth + 1, f"return {self.scalar()}, {self.array()}, {self.scalar()}")

    # ------------------------------------------------------------ expressions

    def name(self, kind: str) -> str:
        self.fresh += 1
        return f"{kind}{self.fresh}"

    def array(self) -> str:
        return self.r.choice((*ARRAYS[:2], *ARRAYS, "u"))

    def index(self) -> str:
        if self.loops and self.r.random() < 0.6:
            i = self.r.choice(self.loops)
            return self.r.choice((i, f"{i} - 1", f"-{i}", i, f"n - 1 - {i}"))
        return self.r.choice(("0", "1", "-1", "2", "n - 1", "m0", "m1", "m0 % 3", "m0", "t[1]"))

    def scalar(self) -> str:
        one = lambda: self.r.choice((*SCALARS[:2], *SCALARS[:2], "f2", "x", "0.3", f"{self.array()}[{self.index()}]", f"a[{self.index()} % 3, 1]", *(f"{i} * 0.1" for i in self.loops)))  # noqa: E731
        return self.r.choice((one(), f"0.5 * ({one()} - {one()})", f"np.sin({one()} + {one()})", f"abs({one()})", f"{one()} * 0.3 + {self.array()}.sum() * 0.1", f"max({one()}, {one()}) * 0.5"))

    def test(self) -> str:
        simple = lambda: self.r.choice((f"{self.scalar()} > {self.scalar()}", "f0 < 0.3", "x > 0.2", "m0 < m1", "0 <= m0 < n", f"m1 < len({self.array()})", "m0 >= 1", *(f"{i} == {self.r.randint(0, 3)}" for i in self.loops), f"{self.array()}[0] > 0.1"))  # noqa: E731
        return self.r.choice((simple(), simple(), f"{simple()} and {simple()}", f"{simple()} or {simple()}", f"not {simple()}"))


def program(seed: int, size: int = 14) -> str:
    return Writer(seed, size).program()
