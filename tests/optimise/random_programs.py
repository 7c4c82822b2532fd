"""Random well-typed programs with loops, branches, writes and whole-array operations, drawn from a source of randomness that can shrink."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from oneform.ir import Builder, Function, Value
from oneform.ops import OPS, constant, dim, integer
from oneform.types import BOOL, F64, I64, Array, Scalar, Type

F, I, B, X, Y, V = Scalar(F64), Scalar(I64), Scalar(BOOL), Array(F64, ("n",)), Array(F64, ("n", 3)), Array(F64, (3,))
PARAMS: tuple[Type, ...] = (X, Y, V, F, F, I, B)
TYPES = (F, F, I, B, X, Y, V)
UNARY = ("neg", "abs", "square", "sign", "sqrt", "floor", "stop_gradient")
BINARY = ("add", "sub", "mul", "maximum", "minimum", "div", "pow")
INTEGER = ("add", "sub", "mul", "maximum", "minimum", "floordiv", "mod")
COMPARE = ("lt", "le", "gt", "ge", "eq", "ne")
NUMBERS = (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0, 4.0)


def arguments(rng: random.Random) -> tuple[Any, ...]:
    n = rng.choice((0, 1, 2, 4))

    def floats(*shape: int) -> Any:
        return np.array([rng.randint(-16, 16) / 8 for _ in range(int(np.prod(shape)))]).reshape(shape)

    return floats(n), floats(n, 3), floats(3), rng.randint(-8, 8) / 4, rng.randint(-8, 8) / 4, rng.randint(-3, 5), rng.random() < 0.5


def random_function(rng: random.Random, size: int) -> Function:
    b = Builder()
    pool = [b.param(t) for t in PARAMS]
    g = _Generator(rng)
    pool = g.statements(b, pool, size, 0)
    results = [g.pick(b, pool, t) for t in (F, X, Y, V, I, B) for _ in range(3)]
    return b.function("random", *results)


class _Generator:
    def __init__(self, rng: random.Random):
        self.rng = rng

    def pick(self, b: Builder, pool: list[Value], t: Type) -> Value:
        """A value of this type: recent ones are likelier, and numbers may be constants."""
        if isinstance(t, Scalar) and self.rng.random() < 0.2:
            value = {"f": self.rng.choice(NUMBERS), "i": self.rng.choice((0, 1, 2, -1, 3)), "b": self.rng.random() < 0.5}[t.dtype.kind]
            return constant(b, value, t.dtype)
        fitting = [v for v in pool if v.type == t]
        return fitting[-1 - min(self.rng.randrange(9), self.rng.randrange(9), len(fitting) - 1)]

    def statements(self, b: Builder, pool: list[Value], count: int, depth: int) -> list[Value]:
        pool = list(pool)
        kinds = [self.scalar, self.scalar, self.integers, self.compare, self.element, self.write, self.whole, self.views, self.fresh]
        kinds += [self.for_, self.if_, self.while_, self.build, self.scratch] if depth < 3 else []
        for _ in range(count):
            pool += self.rng.choice(kinds)(b, pool, depth)
        return pool

    def scalar(self, b: Builder, pool: list[Value], depth: int) -> list[Value]:
        if self.rng.random() < 0.3:
            return [b.emit1(OPS[self.rng.choice(UNARY)], self.pick(b, pool, F))]
        if self.rng.random() < 0.2:
            return [b.emit1(OPS["select"], self.pick(b, pool, B), self.pick(b, pool, F), self.pick(b, pool, F))]
        return [b.emit1(OPS[self.rng.choice(BINARY)], self.pick(b, pool, F), self.pick(b, pool, F))]

    def integers(self, b: Builder, pool: list[Value], depth: int) -> list[Value]:
        if self.rng.random() < 0.2:
            return [dim(b, self.pick(b, pool, X), 0)]
        if self.rng.random() < 0.2:
            return [b.emit1(OPS["convert"], self.pick(b, pool, I), dtype=F64)]
        i = b.emit1(OPS[self.rng.choice(INTEGER)], self.pick(b, pool, I), self.pick(b, pool, I))
        return [b.emit1(OPS["mod"], i, integer(b, 1000))]

    def compare(self, b: Builder, pool: list[Value], depth: int) -> list[Value]:
        t = self.rng.choice((F, I))
        c = b.emit1(OPS[self.rng.choice(COMPARE)], self.pick(b, pool, t), self.pick(b, pool, t))
        if self.rng.random() < 0.05:
            b.emit(OPS["assert"], c, self.pick(b, pool, I), error="ValueError", message="wrong: {0}")
        if self.rng.random() < 0.3:
            return [b.emit1(OPS["not"], c)]
        return [c, b.emit1(OPS[self.rng.choice(("and", "or", "xor"))], c, self.pick(b, pool, B))]

    def at(self, b: Builder, pool: list[Value], a: Value) -> list[Value]:
        """Indices into an array: mostly in range by construction, sometimes not."""
        if a.type == V and self.rng.random() < 0.8:
            return [integer(b, self.rng.randrange(3))]
        n = dim(b, a, 0)
        i = self.pick(b, pool, I)
        if self.rng.random() < 0.95:
            i = b.emit1(OPS["mod"], i, b.emit1(OPS["maximum"], n, integer(b, 1)))
        first = b.emit1(OPS["index"], i, n, axis=0, checked=True)
        return [first] if a.type != Y else [first, integer(b, self.rng.randrange(3))]

    def element(self, b: Builder, pool: list[Value], depth: int) -> list[Value]:
        a = self.pick(b, pool, self.rng.choice((X, Y, V, V)))
        return [b.emit1(OPS["get"], a, *self.at(b, pool, a))]

    def write(self, b: Builder, pool: list[Value], depth: int) -> list[Value]:
        a = self.pick(b, pool, self.rng.choice((X, Y, V, V)))
        return [b.emit1(OPS[self.rng.choice(("set", "add_at"))], a, self.pick(b, pool, F), *self.at(b, pool, a))]

    def whole(self, b: Builder, pool: list[Value], depth: int) -> list[Value]:
        t = self.rng.choice((X, Y, V))
        a = self.pick(b, pool, t)
        if self.rng.random() < 0.3:
            return [b.emit1(OPS["sum"], a, axes=(0,) if t != Y else (0, 1))]
        if t == Y and self.rng.random() < 0.3:
            return [b.emit1(OPS["sum"], a, axes=(1,))]
        if self.rng.random() < 0.3:
            return [b.emit1(OPS[self.rng.choice(UNARY)], a)]
        other = self.pick(b, pool, self.rng.choice((t, F)))
        return [b.emit1(OPS[self.rng.choice(BINARY)], *((a, other) if self.rng.random() < 0.5 else (other, a)))]

    def views(self, b: Builder, pool: list[Value], depth: int) -> list[Value]:
        y = self.pick(b, pool, Y)
        kind = self.rng.randrange(6)
        if kind == 4:
            return [b.emit1(OPS["matmul"], y, self.pick(b, pool, V))]
        if kind == 5:
            return [b.emit1(OPS["matmul"], self.pick(b, pool, X), y), b.emit1(OPS["mul"], y, self.pick(b, pool, V))]
        if kind == 0:
            column = b.emit1(OPS["view"], y, integer(b, self.rng.randrange(3)), dim(b, y, 0), spec=("all", "index"), shape=("n",))
            return [column]
        if kind == 1:
            t = b.emit1(OPS["transpose"], y, perm=(1, 0))
            return [b.emit1(OPS["transpose"], b.emit1(OPS["neg"], t), perm=(1, 0))]
        if kind == 2:
            x = self.pick(b, pool, X)
            n = dim(b, x, 0)
            last = b.emit1(OPS["sub"], n, integer(b, 1))
            return [b.emit1(OPS["view"], x, last, integer(b, -1), n, spec=("slice",), shape=("n",))]
        return [b.emit1(OPS["matmul"], self.pick(b, pool, X), y), b.emit1(OPS["matmul"], self.pick(b, pool, X), self.pick(b, pool, X))][1:]

    def fresh(self, b: Builder, pool: list[Value], depth: int) -> list[Value]:
        n = dim(b, self.pick(b, pool, X), 0)
        if self.rng.random() < 0.3:
            return [b.emit1(OPS["full"], self.pick(b, pool, F), n, shape=("n",))]
        if self.rng.random() < 0.5:
            return [b.emit1(OPS["full"], self.pick(b, pool, F), shape=(3,))]
        return [b.emit1(OPS["copy"], self.pick(b, pool, self.rng.choice((X, Y, V))))]

    def count(self, b: Builder, pool: list[Value]) -> Value:
        """A small trip count."""
        if self.rng.random() < 0.6:
            return dim(b, self.pick(b, pool, X), 0)
        if self.rng.random() < 0.3:
            return b.emit1(OPS["maximum"], b.emit1(OPS["sub"], dim(b, self.pick(b, pool, X), 0), integer(b, 1)), integer(b, 0))
        return b.emit1(OPS["minimum"], self.pick(b, pool, I), integer(b, 3))

    def carried(self, b: Builder, pool: list[Value]) -> list[Value]:
        return [self.pick(b, pool, self.rng.choice(TYPES)) for _ in range(self.rng.randint(0, 3))]

    def yields(self, b: Builder, inner: list[Value], params: list[Value]) -> list[Value]:
        return [p if self.rng.random() < 0.2 else self.pick(b, inner, p.type) for p in params]

    def for_(self, b: Builder, pool: list[Value], depth: int) -> list[Value]:
        inits = self.carried(b, pool)
        n = self.count(b, pool)
        r = b.sub()
        i = r.param(I)
        params = [r.param(v.type) for v in inits]
        inner = self.statements(r, [*pool, i, *params], self.rng.randint(0, 4), depth + 1)
        return list(b.emit(OPS["for"], n, *inits, regions=[r.block(*self.yields(r, inner, params))]))

    def while_(self, b: Builder, pool: list[Value], depth: int) -> list[Value]:
        inits = [integer(b, 0), *self.carried(b, pool)]
        test, body = b.sub(), b.sub()
        state = [test.param(v.type) for v in inits]
        more = test.emit1(OPS["lt"], state[0], integer(test, self.rng.randint(0, 3)))
        more = test.emit1(OPS["and"], more, self.pick(test, [*pool, *state], B))
        params = [body.param(v.type) for v in inits]
        inner = self.statements(body, [*pool, *params], self.rng.randint(0, 3), depth + 1)
        step = body.emit1(OPS["add"], params[0], integer(body, 1))
        return list(b.emit(OPS["while"], *inits, regions=[test.block(more), body.block(step, *self.yields(body, inner, params[1:]))]))

    def if_(self, b: Builder, pool: list[Value], depth: int) -> list[Value]:
        types = [self.rng.choice(TYPES) for _ in range(self.rng.randint(0, 3))]
        c = self.pick(b, pool, B)
        sides: list[Any] = []
        for _ in range(2):
            r = b.sub()
            inner = self.statements(r, pool, self.rng.randint(0, 3), depth + 1)
            sides.append(r.block(*(self.pick(r, inner, t) for t in types)))
        return list(b.emit(OPS["if"], c, regions=sides))

    def build(self, b: Builder, pool: list[Value], depth: int) -> list[Value]:
        n = dim(b, self.pick(b, pool, X), 0)
        r = b.sub()
        shape, extent = self.rng.choice(((("n",), ()), (("n", 3), ()), ((), ("n",)), (("n",), (3,)), ((3,), ()), ((), (3,))))
        indices = [r.param(I) for _ in (*shape, *extent)]
        inner = [*pool, *indices]
        for _ in range(self.rng.randint(1, 3)):
            inner += self.rng.choice((self.scalar, self.integers, self.read))(r, inner, 3)
        results = [self.pick(r, inner, F) for _ in range(self.rng.randint(1, 2))]
        lengths = [n] if "n" in (*shape, *extent) else []
        return list(b.emit(OPS["build"], *lengths, regions=[r.block(*results)], shape=shape, extent=extent, reduce="add" if extent else ""))

    def read(self, b: Builder, pool: list[Value], depth: int) -> list[Value]:
        """An element at an index that is in range for certain."""
        a = self.pick(b, pool, V)
        n = b.emit1(OPS["maximum"], dim(b, a, 0), integer(b, 1))
        i = b.emit1(OPS["mod"], self.pick(b, pool, I), n)
        return [b.emit1(OPS["get"], a, i)]

    def scratch(self, b: Builder, pool: list[Value], depth: int) -> list[Value]:
        """A loop that fills scratch memory and uses it, as programs with preallocated work arrays do."""
        n = dim(b, self.pick(b, pool, X), 0)
        work = b.emit1(OPS["empty"], n, shape=("n",), dtype=F64)
        outer = b.sub()
        i, w, s = outer.param(I), outer.param(X), outer.param(F)
        fill = outer.sub()
        k, q = fill.param(I), fill.param(X)
        seen = self.statements(fill, [*pool, i, k, s], 1, 3)
        v = self.pick(fill, seen, F)
        filled = outer.emit1(OPS["for"], n, w, regions=[fill.block(fill.emit1(OPS["set"], q, v, k))])
        inner = self.statements(outer, [*pool, i, s, filled], self.rng.randint(0, 2), 3)
        last = self.pick(outer, inner, X) if self.rng.random() < 0.3 else filled
        total = outer.emit1(OPS["add"], self.pick(outer, inner, F), outer.emit1(OPS["sum"], filled, axes=(0,)))
        _, out = b.emit(OPS["for"], n, work, self.pick(b, pool, F), regions=[outer.block(last, total)])
        return [out]
