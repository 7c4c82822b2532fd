"""Random programs over lists, nested ones too: a model of each list's structure beside it, so that every index and every pop is in range."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from oneform.ir import Block, Builder, Function, Value
from oneform.ops import OPS, constant, integer, lists, zeros
from oneform.types import ANY, F64, I64, Array, List, Scalar, Type

N = Scalar(F64)
LISTS = [
    List((N,)), List((N, Scalar(I64), Array(F64, (3,)))), List((Array(F64, (ANY,)), N)), List((List((N,)), N)),
    List((Scalar(I64), List((Array(F64, (ANY,)), List((Scalar(I64), N)))))),
]  # fmt: skip
PARAMS: list[Type] = [N, Array(F64, (4,)), N, Scalar(I64)]


@dataclass
class Made:
    """A list, and for each of its rows what is in it: a length for an array, rows for a list, None for a number. An open one may have more rows."""

    v: Value
    rows: list[list[Any]]
    open: bool = False

    @property
    def type(self) -> List:
        assert isinstance(self.v.type, List)
        return self.v.type


class Maker:
    def __init__(self, seed: int, fuel: int):
        self.rng, self.fuel = random.Random(seed), fuel

    def program(self) -> Function:
        b = Builder()
        x, a, y, k = (b.param(t) for t in PARAMS)
        self.numbers = [x, y, *(b.emit1(OPS["get"], a, integer(b, j)) for j in range(4))]
        self.array, self.k = a, k
        made = [Made(b.emit1(OPS["list"], items=t.items), []) for t in self.rng.sample(LISTS, self.rng.randint(1, 3))]
        while self.fuel > 0:
            self.statement(b, made, 0)
        total = self.numbers[-1]
        for m in made:
            for _ in range(3):
                v = self.read(b, m)
                total = total if v is None else b.emit1(OPS["add"], total, v)
        return b.function("lists", total, self.number())

    def number(self) -> Value:
        return self.rng.choice(self.numbers)

    def mixed(self, b: Builder, v: Value) -> Value:
        """A smooth function of a number and another one."""
        u = b.emit1(OPS[self.rng.choice(["mul", "add", "sub"])], v, self.number())
        return b.emit1(OPS[self.rng.choice(["sin", "tanh"])], u)

    # ------------------------------------------------------------ values to put in

    def value(self, b: Builder, t: Type) -> tuple[Value, Any]:
        if isinstance(t, List):
            inner = Made(b.emit1(OPS["list"], items=t.items), [])
            for _ in range(self.rng.randint(0, 2)):
                self.push(b, inner)
            return inner.v, inner.rows
        if isinstance(t, Array):
            n = 3 if t.shape == (3,) else self.rng.randint(1, 3)
            a = zeros(b, F64, t.shape, [] if t.shape == (3,) else [integer(b, n)])
            for j in range(n):
                if self.rng.random() < 0.7:
                    a = b.emit1(OPS["set"], a, self.number(), integer(b, j))
            return a, n
        return (self.number(), None) if t == N else (b.emit1(OPS["add"], self.k, integer(b, self.rng.randint(0, 5))), None)

    def place(self, m: Made, b: Builder, want: Any) -> tuple[tuple[int, ...], list[Value], Any, Type, list[Any]] | None:
        """A random path: fields, indices, the model of what is there, its type, and the model row that holds it."""
        fields: list[int] = []
        indices: list[Value] = []
        rows, t = m.rows, m.type
        while rows:
            at, f = self.rng.randrange(len(rows)), self.rng.randrange(len(t.items))
            fields.append(f)
            indices.append(integer(b, at))
            here, kind = rows[at][f], t.items[f]
            if want(kind) and (not isinstance(kind, List) or self.rng.random() < 0.7):
                return tuple(fields), indices, here, kind, rows[at]
            if not isinstance(kind, List):
                return None
            rows, t = here, kind
        return None

    def read(self, b: Builder, m: Made) -> Value | None:
        found = self.place(m, b, lambda t: t == N or isinstance(t, Array))
        if found is None:
            return None
        fields, indices, here, t, _ = found
        if t == N:
            return b.emit1(OPS["item"], m.v, *indices, fields=fields)
        if self.rng.random() < 0.6:
            return b.emit1(OPS["item"], m.v, *indices, integer(b, self.rng.randrange(here)), fields=fields)
        whole = b.emit1(OPS["item"], m.v, *indices, fields=fields)
        return b.emit1(OPS["get"], whole, integer(b, self.rng.randrange(here)))

    # ------------------------------------------------------------ statements

    def statement(self, b: Builder, made: list[Made], depth: int) -> None:
        self.fuel -= 1
        m = self.rng.choice(made)
        kinds = ["push", "push", "read", "read", "put", "put", "add", "swap", "inner", "pop", "copy", "repeat"] + (["for", "if", "while"] if depth < 2 else [])
        kind = self.rng.choice(kinds)
        getattr(self, kind if kind in ("push", "pop") else "do_" + kind)(b, *((made, depth) if kind in ("for", "if", "while", "copy") else (m,)))

    def push(self, b: Builder, m: Made) -> None:
        row = [self.value(b, t) for t in m.type.items]
        m.v = b.emit1(OPS["push"], m.v, *(v for v, _ in row))
        if not m.open:
            m.rows = [*m.rows, [model for _, model in row]]

    def pop(self, b: Builder, m: Made) -> None:
        if m.rows:
            m.v, *values = b.emit(OPS["pop"], m.v)
            self.numbers += [v for v in values if v.type == N]
            m.rows = m.rows[:-1]

    def do_read(self, b: Builder, m: Made) -> None:
        v = self.read(b, m)
        if v is not None:
            self.numbers.append(self.mixed(b, v))

    def do_put(self, b: Builder, m: Made, op: str = "put") -> None:
        found = self.place(m, b, lambda t: t == N or isinstance(t, Array))
        if found is not None:
            fields, indices, here, t, _ = found
            at = [] if t == N else [integer(b, self.rng.randrange(here))]
            m.v = b.emit1(OPS[op], m.v, self.number(), *indices, *at, fields=fields)

    def do_add(self, b: Builder, m: Made) -> None:
        self.do_put(b, m, "add_item")

    def do_swap(self, b: Builder, m: Made) -> None:
        found = self.place(m, b, lambda t: not isinstance(t, Scalar))
        if found is None or found[3] == Array(F64, (3,)) and self.rng.random() < 0.5:
            return
        fields, indices, here, t, row = found
        v, model = self.value(b, t)
        m.v, old = b.emit(OPS["swap"], m.v, v, *indices, fields=fields)
        row[fields[-1]] = model
        if isinstance(t, Array):
            self.numbers.append(b.emit1(OPS["get"], old, integer(b, self.rng.randrange(here))))

    def do_inner(self, b: Builder, m: Made) -> None:
        """Push onto, or pop from, a list in a row."""
        found = self.place(m, b, lambda t: isinstance(t, List))
        if found is None:
            return
        fields, indices, here, t, row = found
        assert isinstance(t, List)
        if here and self.rng.random() < 0.4:
            m.v, *values = b.emit(OPS["pop"], m.v, *indices, fields=fields)
            self.numbers += [v for v in values if v.type == N]
            row[fields[-1]] = here[:-1]
        else:
            new = [self.value(b, i) for i in t.items]
            m.v = b.emit1(OPS["push"], m.v, *indices, *(v for v, _ in new), fields=fields)
            row[fields[-1]] = [*here, [model for _, model in new]]

    def do_copy(self, b: Builder, made: list[Made], depth: int) -> None:
        m = self.rng.choice(made)
        if len(made) < 5 and self.rng.random() < 0.5:
            made.append(Made(b.emit1(OPS["copy"], m.v), copied(m.rows), m.open))

    def do_repeat(self, b: Builder, m: Made) -> None:
        if lists.flat(m.type):
            row = [self.value(b, t) for t in m.type.items]
            n = self.rng.randint(0, 3)
            m.v = b.emit1(OPS["repeat"], integer(b, n), *(v for v, _ in row), items=m.type.items)
            m.rows, m.open = [[model for _, model in row] for _ in range(n)], False

    # ------------------------------------------------------------ control

    def do_if(self, b: Builder, made: list[Made], depth: int) -> None:
        """Both sides change numbers only where a list keeps its structure, or do the same to it."""
        kept, numbers = [Made(m.v, m.rows, m.open) for m in made], list(self.numbers)
        structure = self.rng.getstate()
        sides: list[Block] = []
        fuel = self.fuel
        for side in range(2):
            inner = b.sub()
            copies = [Made(m.v, copied(m.rows), m.open) for m in kept]
            self.numbers = list(numbers)
            if side:
                self.rng.setstate(structure)
            self.fuel = fuel
            picked = self.rng.randint(1, 3)
            for _ in range(picked):
                self.statement(inner, copies, depth + 1)
            if side:
                for m in copies:
                    self.do_add(inner, m)
            last = self.numbers[-1]
            if side:
                last = inner.emit1(OPS["neg"], last)
            sides.append(inner.block(*(m.v for m in copies[: len(kept)]), last))
            final = copies
        c = b.emit1(OPS["gt"], self.rng.choice(numbers), constant(b, 0.1, F64))
        *new, x = b.emit(OPS["if"], c, regions=sides)
        made[:] = [Made(v, m.rows, m.open) for v, m in zip(new, final, strict=False)]
        self.numbers = [*numbers, x]

    def do_for(self, b: Builder, made: list[Made], depth: int, op: str = "for") -> None:
        """Rows of one structure are pushed, and numbers changed, in every iteration."""
        n, numbers = self.rng.randint(0, 3), list(self.numbers)
        body, test = b.sub(), b.sub()
        i = body.param(Scalar(I64))
        params = [Made(body.param(m.v.type), copied(m.rows), m.open) for m in made]
        acc = body.param(N)
        self.numbers = [*numbers, acc]
        grown: list[list[list[Any]]] = []
        for m in params:
            before = len(m.rows)
            for _ in range(self.rng.randint(0, 3)):
                self.rng.choice([self.do_read, self.do_put, self.do_add])(body, m)
            if self.rng.random() < 0.6:
                self.push(body, m)
            grown.append(m.rows[before:])
        last = self.numbers[-1]
        inits = [*(m.v for m in made), numbers[-1]]
        if op == "for":
            block = body.block(*(m.v for m in params), last)
            *new, x = b.emit(OPS["for"], integer(b, n), *inits, regions=(block,))
        else:
            block = body.block(body.emit1(OPS["add"], i, integer(body, 1)), *(m.v for m in params), last)
            j = test.param(Scalar(I64))
            for m in inits:
                test.param(m.type)
            c = test.block(test.emit1(OPS["lt"], j, integer(test, n)))
            _, *new, x = b.emit(OPS["while"], integer(b, 0), *inits, regions=(c, block))
        for m, v, rows in zip(made, new, grown, strict=True):
            m.v, m.rows = v, [*m.rows, *(copied([r])[0] for _ in range(n) for r in rows)]
        self.numbers = [*numbers, x]

    def do_while(self, b: Builder, made: list[Made], depth: int) -> None:
        self.do_for(b, made, depth, "while")


def copied(rows: list[list[Any]]) -> list[list[Any]]:
    return [[copied(v) if isinstance(v, list) else v for v in row] for row in rows]
