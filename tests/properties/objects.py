"""Random programs with lists, dicts and objects: aliases, helpers that change what they are given, loops and branches around all of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.properties.object_classes import Const, Op, P, Q, T, Var

PRELUDE = """\
from dataclasses import replace

import numpy as np

from tests.properties.object_classes import P, Q, Stack, F, N, T, Const, Op, Var, L, total, insert, value_of, chain, along, grow, shift, pick, maybe, bump, scale, swap, shape
"""

PARAMETERS = {"x": "f", "y": "f", "n": "i", "a": "A", "xs": "LF", "ps": "LP", "q": "Q", "p": "P", "ns": "LI", "rows": "LL", "pairs": "LT", "d": "DS", "t": "T", "e": "E"}
OBJECTS = [k for k, v in PARAMETERS.items() if len(v) == 2 or v in "QPTEA"]
PREFIX = {"f": "f", "i": "i", "A": "a", "LF": "l", "LI": "m", "LT": "lt", "LL": "ll", "LP": "lp", "LA": "la", "P": "p", "Q": "q", "F": "fr", "N": "nt", "DS": "ds", "DI": "di", "OF": "o", "OP": "op", "T": "t", "E": "e", "L": "h", "S": "st"}


class Writer:
    """Statements as text. `env`: what is bound for certain, by name; `budget` bounds the size."""

    def __init__(self, seed: int, size: int):
        self.r = random.Random(seed)
        self.lines: list[str] = []
        self.budget = size
        self.fresh = 0
        self.loops = 0
        self.depth = 1
        self.env: dict[str, str] = {}
        self.counting: set[str] = set()  # what loops around count by: set back, the program would not end

    # ------------------------------------------------------------ names

    def name(self, kind: str) -> str:
        self.fresh += 1
        return f"{PREFIX[kind]}{self.fresh}"

    def of(self, *kinds: str) -> list[str]:
        return [n for n, k in self.env.items() if k in kinds]

    def any(self, *kinds: str) -> str:
        found = self.of(*kinds)
        return self.r.choice(found) if found else ""

    def put(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def bind(self, kind: str, text: str, fresh: float = 0.6) -> None:
        """A new name, or one of the same kind."""
        old = [n for n in self.of(kind) if n not in self.counting]
        name = self.r.choice(old) if old and self.r.random() > fresh else self.name(kind)
        self.put(f"{name} = {text}")
        self.env[name] = kind

    # ------------------------------------------------------------ expressions

    def integer(self) -> str:
        c = self.r.choice
        options = [str(self.r.randint(0, 3)), "n", "n"]
        options += self.of("i") * 2
        if xs := self.lists():
            options.append(f"len({c(xs)})")
        if m := self.any("LI"):
            options += [f"{m}[{self.index(m)}]", f"{m}[{self.index(m)}]"]
        return c(options)

    def lists(self) -> list[str]:
        return self.of("LF", "LI", "LT", "LL", "LP", "LA") + [f"{q}.items" for q in self.of("Q")]

    def index(self, xs: str) -> str:
        """Mostly in range."""
        c = self.r.choice
        options = ["0", "-1", f"n % max(len({xs}), 1)", "0", "-1"] + [f"{i} % max(len({xs}), 1)" for i in self.of("i")] * 2
        if self.r.random() < 0.12:
            options += ["1", "2", "-2", "n", *self.of("i")]
        return c(options)

    def floats_in(self) -> str:
        """A list of floats."""
        options = [*self.of("LF"), *(f"{q}.items" for q in self.of("Q")), *(f"{s}.data" for s in self.of("S"))]
        for ll in self.of("LL"):
            options.append(f"{ll}[{self.index(ll)}]")
        return self.r.choice(options) if options else f"[{self.f(0)}, {self.f(0)}]"

    def record(self) -> str:
        options = [*self.of("P"), *self.of("P")]
        options += [f"{lp}[{self.index(lp)}]" for lp in self.of("LP")]
        return self.r.choice(options) if options else f"P({self.f(0)})"

    def array(self) -> str:
        options = [*self.of("A"), *(f"{q}.a" for q in self.of("Q")), *(f"{la}[{self.index(la)}]" for la in self.of("LA"))]
        return self.r.choice(options) if options else "np.ones(3)"

    def f(self, depth: int = 2) -> str:
        """A float."""
        c, r = self.r.choice, self.r
        atoms: list[str] = [c(["0.3", "-0.7", "1.1", "0.05"]), "x", "y", *self.of("f"), *self.of("f")]
        atoms += [f"{p}.{c(['x', 'v'])}" for p in self.of("P")]
        atoms += [f"{xs}[{self.index(xs)}]" for xs in self.of("LF")]
        atoms += [f"{q}.w" for q in self.of("Q")] + [f"{q}.a[{r.randint(0, 2)}]" for q in self.of("Q")]
        atoms += [f"{a}[{r.randint(0, 2)}]" for a in self.of("A")]
        atoms += [f"{o}.x" for o in self.of("F", "N")] + [f"{s}.top" for s in self.of("S")]
        atoms += [f"{d}['{c('ab')}']" for d in self.of("DS")]
        atoms += [f"{t}.value" for t in self.of("T")]
        if depth == 0 or r.random() < 0.25:
            return c(atoms)
        sub = lambda: self.f(depth - 1)  # noqa: E731
        more: list[Callable[[], str]] = [
            lambda: f"(0.5 * {sub()} + {sub()})",
            lambda: f"np.sin({sub()})",
            lambda: f"({sub()} if {self.test()} else {sub()})",
            lambda: f"{sub()} * {c(atoms)}",
            lambda: f"0.1 * {self.integer()}",
            lambda: f"sum({self.floats_in()})",
            lambda: f"pick({sub()}, {sub()}, {sub()})",
        ]
        if self.lists():
            more.append(lambda: f"0.1 * len({c(self.lists())})")
        if self.of("P", "LP"):
            more += [lambda: f"{self.record()}.{c(['x', 'v', 'energy()', 'size'])}"] * 3
            more += [lambda: f"({self.record()} + {self.record()}).x", lambda: f"shape({self.record()})", lambda: f"{self.record()}.kick({sub()}).v"]
        if lp := self.any("LP"):
            more += [lambda: f"sum({c(['p.x', 'p.energy()', 'p.size'])} for p in {lp})"] * 2
        if lt := self.any("LT"):
            more += [lambda: f"{lt}[{self.index(lt)}][0]", lambda: f"sum(u * 0.5 + k * 0.1 for u, k in {lt})"]
        if self.of("LL"):
            ll = self.any("LL")
            more += [lambda: f"sum(sum(z) for z in {ll})", lambda: f"{ll}[{self.index(ll)}][0]"]
        if self.of("A", "Q", "LA"):
            more += [lambda: f"{self.array()}.sum()"]
        if di := self.any("DI"):
            more += [lambda: f"{di}.get({self.integer()}, {sub()})", lambda: f"sum({di}.values())", lambda: f"({di}[{(k := self.integer())}] if {k} in {di} else {sub()})"]
        if ds := self.any("DS"):
            more += [lambda: f"sum({ds}.values())", lambda: f"{ds}.get('c', {sub()})"]
        if o := self.any("OF"):
            more += [lambda: f"(0.0 if {o} is None else {o})", lambda: f"({o} or 0.5)"] * 2
        if op := self.any("OP"):
            more += [lambda: f"(0.0 if {op} is None else {op}.x)", lambda: f"({op}.v if {op} else {sub()})"] * 2
        if t := self.any("T"):
            more += [lambda: f"total({t})", lambda: f"(total({t}.left) if {t}.left is not None else {sub()})"] * 2
        if e := self.any("E"):
            more += [lambda: f"{e}.ev({sub()})", lambda: f"value_of({e}, {sub()})"] * 2
        if h := self.any("L"):
            more += [lambda: f"along({h})", lambda: f"{h}.value"]
        if z := self.any("F", "N"):
            more += [lambda: f"shape({z})"]
        if nt := self.any("N"):
            more += [lambda: f"{nt}.dot(N({sub()}, 1.0))"]
        return c(more)()

    def test(self) -> str:
        c = self.r.choice
        options = [f"{self.f(1)} > {self.f(0)}", f"{self.f(1)} > {self.f(0)}", f"{self.integer()} > {self.integer()}", f"{self.integer()} % 2 == 0"]
        if xs := self.lists():
            options += [f"len({c(xs)}) > {self.r.randint(0, 4)}", c(xs)]
        if xs := self.any("LF"):
            options += [f"{self.f(0)} in {xs}"]
        if xs := self.any("LI"):
            options += [f"{self.integer()} in {xs}"]
        if o := self.any("OF", "OP"):
            options += [f"{o} is not None", f"{o} is None"]
        if len(self.of("P")) > 1:
            options += [f"{self.any('P')} is {self.any('P')}", f"{self.any('P')} == {self.any('P')}"]
        if len(self.of("LF")) > 1:
            options += [f"{self.any('LF')} == {self.any('LF')}", f"{self.any('LF')} is {self.any('LF')}"]
        if di := self.any("DI"):
            options += [f"{self.integer()} in {di}"]
        return c(options) if self.r.random() < 0.8 else f"{c(options)} {c(['and', 'or'])} {c(options)}"

    # ------------------------------------------------------------ statements

    def block(self, most: int) -> None:
        before = dict(self.env)
        self.depth += 1
        start = len(self.lines)
        for _ in range(self.r.randint(1, most)):
            self.statement()
        if len(self.lines) == start:
            self.put("pass")
        self.depth -= 1
        self.env = before

    def statement(self) -> None:
        self.budget -= 1
        kinds = ["make"] * 3 + ["alias"] * 2 + ["change"] * 7 + ["scalar"] * 3 + ["objects"] * 4 + ["trees"] * 2 + ["dicts"] * 2
        if self.budget > 0 and self.depth < 5:
            kinds += ["branch"] * 4 + (["loop"] * 4 + ["whiles"] if self.loops < 2 else [])
        if self.loops:
            kinds += ["leave"] * 2
        if self.depth > 1:
            kinds += ["early"]
        getattr(self, f"s_{self.r.choice(kinds)}")()

    def s_scalar(self) -> None:
        if self.r.random() < 0.25:
            self.bind("i", self.integer())
        else:
            self.bind("f", self.r.choice([self.f(), f"np.sin({self.f()})"]), 0.4)

    def make(self, kind: str) -> str:
        c, f = self.r.choice, lambda: self.f(1)
        match kind:
            case "LF":
                options = [f"[{f()}, {f()}]", f"[{f()}]", "[]", f"[{f()} for k in range(n)]", f"[{f()}] * 3", f"{self.floats_in()}.copy()", f"{self.floats_in()}[1:]", f"sorted({self.floats_in()})"]
                options += [f"[v * 0.5 for v in {self.floats_in()} if v > {self.f(0)}]", f"{self.floats_in()} + [{f()}]", f"list(reversed({self.floats_in()}))", f"{self.floats_in()}[::-1]", f"{self.floats_in()}[:{self.integer()}]"]
                if lp := self.any("LP"):
                    options += [f"[p.x for p in {lp}]", f"[p.v for p in {lp} if p.x > {self.f(0)}]"]
                return c(options)
            case "LI":
                return c([f"[{self.integer()}, {self.integer()}]", "[2, 0, 1]", "list(range(n))", "[k * 2 for k in range(3)]"])
            case "LT":
                return c([f"[({f()}, {self.integer()})]", f"[({f()}, 1), ({f()}, {self.integer()})]", f"[(v, k) for k, v in enumerate({self.floats_in()})]"])
            case "LL":
                return c([f"[[{f()}], [{f()}, {f()}]]", f"[{self.floats_in()}, [{f()}]]", f"[[{f()}] for k in range(n)]", "[[0.0] * 2 for _ in range(3)]", f"[{(z := self.floats_in())}, {z}]"])
            case "LP":
                return c([f"[P({f()}), P({f()}, {f()})]", f"[{self.record()}, P({f()})]", f"[P({f()}, 0.1 * k) for k in range(n)]", f"[{(z := self.record())}, {z}]", f"[{self.record()}]", f"[{self.record()}, {self.record()}]"])
            case "LA":
                return c([f"[{self.array()}, np.zeros(3)]", f"[np.ones(3) * {f()} for k in range(n)]", f"[{self.array()}, {self.array()}]"])
            case "A":
                return c([f"np.array([{f()}, {f()}, {f()}])", f"{self.array()}.copy()", f"{self.array()} * {f()}", f"np.full(3, {f()})"])
            case "P":
                return c([f"P({f()})", f"P({f()}, {f()})", f"{self.record()} + {self.record()}", f"replace({self.record()}, x={f()})", f"P(v={f()}, x={f()})"])
            case "Q":
                return c([f"Q({self.floats_in()}, {f()}, {self.array()})", f"Q([{f()}], {f()}, np.zeros(3), {self.record()})"])
            case "S":
                return f"Stack({f()})"
            case "F":
                return c([f"F({f()})", f"F({f()}, {self.integer()})"])
            case "N":
                return f"N({f()}, {f()})"
            case "DS":
                return f"{{'a': {f()}, 'b': {f()}}}"
            case "DI":
                return c(["{}", f"{{1: {f()}}}", f"{{k: {f()} for k in range(n)}}"])
            case "OF":
                return c([f"maybe({f()})", f"{f()} if {self.test()} else None"])
            case "OP":
                return c([f"{self.record()} if {self.test()} else None", "None"])
            case "T":
                return c([f"T({f()})", f"T({f()}, T({f()}), None)"])
            case "E":
                return c([f"Op(Const({f()}), Var())", f"Op(Op(Var(), Var(), 1), Const({f()}), {self.integer()})"])
            case _:
                return f"L({f()})"

    def s_make(self) -> None:
        kind = self.r.choice(["LF"] * 4 + ["LI", "LT", "LL", "LL", "LP", "LP", "LP", "LA", "A", "A", "P", "P", "P", "Q", "Q", "S", "F", "N", "DS", "DI", "DI", "OF", "OF", "OP", "T", "E", "L"])
        self.bind(kind, self.make(kind))

    def s_alias(self) -> None:
        kinds = sorted({k for k in self.env.values() if k in ("LF", "LP", "P", "A", "Q", "LL", "T")})
        if not kinds:
            return self.s_make()
        kind = self.r.choice(kinds)
        source = {"P": self.record, "A": self.array, "LF": self.floats_in}.get(kind, lambda: self.any(kind))()
        if self.r.random() < 0.2 and len(self.of(kind)) > 1:
            a, b = self.r.sample(self.of(kind), 2)
            self.put(f"{a}, {b} = {b}, {a}")
        else:
            self.bind(kind, source, 0.85)

    def s_change(self) -> None:
        """A list or array is changed."""
        c, f = self.r.choice, self.f
        kind = c(["LF"] * 6 + ["LP"] * 3 + ["LT", "LI", "LL", "LL", "A", "A", "LA"])
        if kind == "A":
            a = self.array()
            if a.startswith("np."):
                return self.s_make()
            self.put(c([f"{a}[{self.r.randint(0, 2)}] = {f()}", f"{a}[{self.r.randint(0, 2)}] += {f(1)}", f"{a}[:] = {self.array()} * 0.5", f"{a} += {f(0)}" if "." not in a and "[" not in a else f"{a}[1:] = {f(0)}", f"scale({a}, {f(0)})"]))
            return
        xs = self.floats_in() if kind == "LF" else self.any(kind)
        if not xs or xs.startswith("[") or xs.startswith("T"):
            return self.s_make()
        new = {"LF": f, "LI": self.integer, "LT": lambda: f"({f(1)}, {self.integer()})", "LL": lambda: c([f"[{f(1)}]", self.floats_in()]), "LP": lambda: c([f"P({f(1)})", self.record()]), "LA": self.array}[kind]
        i = self.index(xs)
        options = [f"{xs}.append({new()})"] * 4 + [f"{xs}[{i}] = {new()}"] * 3
        options += [f"{xs}.pop()", f"{xs}.pop({self.index(xs)})", f"{xs}.insert({self.integer()}, {new()})", f"{xs}.extend([{new()}, {new()}])", f"del {xs}[{i}]", f"{xs}.reverse()", f"{xs}[{i}], {xs}[{self.index(xs)}] = {xs}[{self.index(xs)}], {xs}[{i}]"]
        options += [f"swap({xs}, 0, -1)", f"{xs}[1:] = [{new()}]", f"{xs}[:1] = []", f"{xs} += [{new()}]", f"del {xs}[:1]"]
        if kind == "LF":
            options += [f"{xs}[{i}] += {f(1)}", f"{xs}[{i}] *= 0.5", f"{xs}.sort()", f"{xs}.sort(reverse=True)", f"{xs}.extend({self.floats_in()}[:2])", f"grow({xs}, {f(1)})", f"{xs}.remove({xs}[{i}])", f"{xs}.clear()"] * 2
            options += [f"{xs}.sort(key=lambda v: -v * {self.r.choice(['0.5', '1.5', 'x'])})", f"{xs}[:] = [v * 0.5 for v in {self.floats_in()}]", f"{xs}.insert(0, {xs}.pop())"]
        elif kind == "LP":
            options += [f"{xs}[{i}].{c('xv')} = {f()}", f"{xs}[{i}].v += {f(1)}", f"{xs}.sort(key=lambda p: p.x)", f"bump({xs}, {f(1)})", f"shift({xs}[{i}], {f(1)})"] * 3
        elif kind == "LL":
            options += [f"{xs}[{i}].append({f(1)})", f"{xs}[{i}][0] = {f()}", f"grow({xs}[{i}], {f(1)})", f"{xs}.append({self.floats_in()})"] * 3
        elif kind == "LI":
            options += [f"{xs}.sort()", f"i0 = {xs}.count({self.integer()})"]
        text = c(options)
        self.put(text)
        if text.startswith("i0 ="):
            self.env["i0"] = "i"

    def s_objects(self) -> None:
        """A record is changed, or handed to somebody."""
        c, f = self.r.choice, self.f
        options: list[str] = []
        if p := self.any("P"):
            options += [f"{p}.{c('xv')} = {f()}"] * 3 + [f"{p}.x += {f(1)}", f"{p}.kick({f(1)})", f"shift({p}, {f(1)})", f"{p}.x, {p}.v = {p}.v, {p}.x"]
            if lp := self.any("LP"):
                options += [f"{lp}.append({p})"] * 2
            if q := self.any("Q"):
                options += [f"{q}.p = {p}"] * 2
        if q := self.any("Q"):
            options += [f"{q}.push({f(1)})", f"{q}.items.append({f(1)})", f"{q}.items = {self.floats_in()}", f"{q}.w = {f()}", f"{q}.a = {self.array()}", f"{q}.a[{self.r.randint(0, 2)}] = {f()}", f"if {q}.p is not None:\n{'    ' * (self.depth + 1)}{q}.p.x = {f(1)}"]
        if s := self.any("S"):
            options += [f"{s}.push({f(1)})", f"{s}.push({f(1)})", f"{s}.take()"]
        if o := self.any("OP"):
            options += [f"if {o} is not None:\n{'    ' * (self.depth + 1)}{o}.{c('xv')} = {f(1)}"] * 2
        if not options:
            return self.s_make()
        self.put(c(options))

    def s_trees(self) -> None:
        c, f = self.r.choice, self.f
        options: list[str] = []
        for t in self.of("T"):
            if t == "t":
                continue  # the caller would have to see it
            options += [f"{t}.value = {f()}", f"{t}.left = T({f(1)})", f"{t} = insert({t}, {f(1)})", f"{t} = T({f(1)}, {t}, {self.any('T')})", f"for u in {self.floats_in()}:\n{'    ' * (self.depth + 1)}insert({t}, u)"]
        for e in self.of("E"):
            options += [f"{e} = Op({e}, {self.any('E')}, {self.integer()})", f"{e} = Op({e}, Const({f(1)}))"]
        for h in self.of("L"):
            options += [f"{h} = L({f(1)}, {h})", f"{h}.value = {f()}"]
        if not options:
            kind = c("TEL")
            return self.bind(kind, self.make(kind) if kind != "L" else c([self.make("L"), f"L({f(1)}, chain({self.floats_in()}))"]))
        self.put(c(options))

    def s_dicts(self) -> None:
        c, f = self.r.choice, self.f
        options: list[str] = []
        for d in self.of("DS"):
            options += [f"{d}['a'] = {f()}", f"{d}['b'] += {f(1)}", f"{d}.update(a={f(1)})"]
        for d in self.of("DI"):
            k = self.integer()
            options += [f"{d}[{k}] = {f()}", f"{d}[{k}] = {f()}", f"{d}[{k}] = {d}.get({k}, 0.0) + {f(1)}", f"if {k} in {d}:\n{'    ' * (self.depth + 1)}del {d}[{k}]", f"for k, v in {d}.items():\n{'    ' * (self.depth + 1)}{self.lone()} = v + 0.1 * k"]
        if not options:
            return self.bind("DI", self.make("DI"))
        self.put(c(options))

    def lone(self) -> str:
        return self.any("f") or "y"

    def s_branch(self) -> None:
        self.put(f"if {self.test()}:")
        self.block(3)
        if self.r.random() < 0.4:
            self.put("else:")
            self.block(3)

    def s_loop(self) -> None:
        c = self.r.choice
        i = self.name("i")
        new: dict[str, str] = {}
        k = c(["range"] * 3 + ["LF", "LF", "LP", "LP", "enumerate", "zip", "reversed", "LL", "LT"])
        lp, ll, lt = self.any("LP"), self.any("LL"), self.any("LT")
        v = self.name("f")
        if k == "LF":
            self.put(f"for {v} in {self.floats_in()}:")
            new[v] = "f"
        elif k == "LP" and lp:
            p = self.name("P")
            self.put(c([f"for {p} in {lp}:", f"for {p} in {lp}:", f"for {p} in reversed({lp}):"]))
            new[p] = "P"
        elif k == "enumerate":
            self.put(f"for {i}, {v} in enumerate({self.floats_in()}):")
            new |= {v: "f", i: "i"}
        elif k == "zip" and lp:
            p = self.name("P")
            self.put(f"for {v}, {p} in zip({self.floats_in()}, {lp}):")
            new |= {v: "f", p: "P"}
        elif k == "LL" and ll:
            z = self.name("LF")
            self.put(f"for {z} in {ll}:")
            new[z] = "LF"
        elif k == "LT" and lt:
            self.put(f"for {v}, {i} in {lt}:")
            new |= {v: "f", i: "i"}
        elif k == "reversed":
            self.put(f"for {v} in reversed({self.floats_in()}):")
            new[v] = "f"
        else:
            self.put(f"for {i} in range({c(['n', '3', '2', 'n + 1', *(f'len({z})' for z in self.lists())])}):")
            new[i] = "i"
        before = dict(self.env)
        self.env |= new
        self.loops += 1
        start = len(self.lines)
        self.block(3)
        self.loops -= 1
        self.env = before
        self.bounded(start)

    def bounded(self, start: int) -> None:
        """A loop whose list grows on the way must still end."""
        over = self.lines[start - 1]
        if "range(" not in over and any("append" in z or "extend" in z or "insert" in z or "push" in z or "grow" in z or "+= [" in z or "] = [" in z for z in self.lines[start:]):
            self.lines.insert(start, "    " * (self.depth + 1) + "guard += 1")
            self.lines.insert(start + 1, "    " * (self.depth + 1) + "if guard > 8:")
            self.lines.insert(start + 2, "    " * (self.depth + 2) + "break")

    def s_whiles(self) -> None:
        i = self.name("i")
        self.put(f"{i} = 0")
        xs = self.lists()
        self.put(f"while {i} < {self.r.choice(['3', 'n'])} and ({self.r.choice([self.test(), *(f'len({z}) > 0' for z in xs)])}):")
        before = dict(self.env)
        self.env[i] = "i"
        self.loops += 1
        self.depth += 1
        self.put(f"{i} += 1")
        self.depth -= 1
        self.counting.add(i)
        self.block(3)
        self.counting.discard(i)
        self.loops -= 1
        self.env = {**before, i: "i"}

    def s_leave(self) -> None:
        self.put(f"if {self.test()}:")
        self.depth += 1
        self.put(self.r.choice(["break", "continue"]))
        self.depth -= 1

    def s_early(self) -> None:
        self.put(f"if {self.test()}:")
        self.depth += 1
        self.put("return " + self.result(early=True))
        self.depth -= 1

    # ------------------------------------------------------------ the whole

    def result(self, early: bool = False) -> str:
        if self.numeric:
            terms = [self.f(1)] if early else [f"{0.3 + 0.1 * k:.1f} * {t}" for k, t in enumerate(self.terms())]
            return " + ".join(terms) if terms else "0.0"
        shown = self.shown
        return f"({', '.join([self.f(1), *shown])},)"

    def terms(self) -> list[str]:
        form = {"f": "{}", "i": "{}", "A": "{}.sum()", "LF": "sum({})", "LI": "sum({})", "LT": "sum(u * (k + 1) for u, k in {})", "LL": "sum(sum(z) for z in {})", "LP": "sum(p.x - p.v for p in {})"}
        form |= {"LA": "sum(z.sum() for z in {})", "P": "{}.energy()", "Q": "({0}.w + sum({0}.items) + {0}.a.sum())", "F": "{}.x", "N": "{}.y", "DS": "sum({}.values())", "DI": "sum({}.values())"}
        form |= {"OF": "(0.2 if {0} is None else {0})", "OP": "(0.3 if {0} is None else {0}.x)", "T": "total({})", "E": "{}.ev(x)", "L": "along({})", "S": "sum({}.data)"}
        return [form[k].format(n) for n, k in self.env.items()]

    def program(self) -> str:
        self.numeric = self.r.random() < 0.5
        given = ["x", "y", "n", *self.r.sample(OBJECTS, self.r.randint(0, 3))]
        self.given = given
        self.env = {n: PARAMETERS[n] for n in given}
        self.shown = []
        self.put("guard = 0")
        for _ in range(self.r.randint(0, 2)):
            self.s_make()
        self.shown = self.r.sample([n for n, k in self.env.items() if k not in "fi"], min(2, sum(k not in "fi" for k in self.env.values())))
        if self.r.random() < 0.2:
            xs = self.any("LF")
            if xs:
                self.put("def push(z):")
                self.put(f"    {xs}.append(z * 0.5)")
                self.put(f"    return len({xs})")
                self.put(f"push({self.f(1)})")
        while self.budget > 0:
            self.statement()
        self.put("return " + self.result())
        return PRELUDE + f"\n\ndef program({', '.join(given)}):\n" + "\n".join(self.lines) + "\n"


def program(seed: int, size: int = 8) -> str:
    return Writer(seed, size).program()


def arguments(text: str, seed: int) -> tuple[Any, ...]:
    """The arguments that a program's parameters ask for."""
    r = random.Random(seed)
    u = lambda: round(r.uniform(-1.0, 1.0), 3)  # noqa: E731
    made: dict[str, Callable[[], Any]] = {
        "x": u, "y": u, "n": lambda: r.randint(0, 4), "a": lambda: np.array([u(), u(), u()]), "xs": lambda: [u() for _ in range(r.randint(0, 4))],
        "ps": lambda: [P(u(), u()) for _ in range(r.randint(1, 3))], "q": lambda: Q([u(), u()], u(), np.array([u(), u(), u()]), r.choice([None, P(u(), u())])),
        "p": lambda: P(u(), u()), "ns": lambda: [r.randint(0, 3) for _ in range(3)], "rows": lambda: [[u() for _ in range(r.randint(1, 3))] for _ in range(2)],
        "pairs": lambda: [(u(), r.randint(0, 3)) for _ in range(3)], "d": lambda: {"a": u(), "b": u()},
        "t": lambda: T(u(), T(u()), T(u(), None, T(u()))), "e": lambda: Op(Const(u()), Op(Var(), Const(u()), 1)),
    }  # fmt: skip
    head = text[text.index("def program(") + len("def program(") :]
    return tuple(made[name.strip()]() for name in head[: head.index(")")].split(","))
