"""Random structured programs over arrays, stacks and numbers, all of whose values are whole numbers, so that every way of running agrees to the bit."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from oneform.ir import Builder, Function, Value
from oneform.ops import OPS
from oneform.ops.table import constant, dim, integer
from oneform.types import ANY, BOOL, F64, I64, Array, List, Scalar, Type

VECTOR, OPEN, TRIPLE, MATRIX, WHOLE = Array(F64, ("n",)), Array(F64, (ANY,)), Array(F64, (3,)), Array(F64, ("n", 2)), Array(I64, (4,))
FLAGS = Array(BOOL, (80,))
ARRAYS: list[Type] = [VECTOR, OPEN, TRIPLE, MATRIX, WHOLE, FLAGS]
TAPE = List((Scalar(F64), VECTOR, TRIPLE, Scalar(BOOL)))
NUMBERS = List((Scalar(F64), Scalar(I64)))


class Maker:
    def __init__(self, seed: int, size: int = 30):
        self.rng = random.Random(seed)
        self.size = size
        self.fuel = size
        self.symbols = 0

    def program(self) -> tuple[Function, tuple[int, ...]]:
        b = Builder()
        scope = [b.param(t) for t in (VECTOR, VECTOR, MATRIX, TRIPLE, WHOLE, FLAGS, Scalar(F64), Scalar(I64), Scalar(BOOL))]
        self.n = dim(b, scope[0], 0)
        writes = tuple(k for k in range(6) if self.rng.random() < 0.3)
        self.fill(b, scope, 0)
        pool = [v for v in scope if not isinstance(v.type, List)]
        results = self.rng.sample(pool, min(len(pool), self.rng.randint(1, 5)))
        finals = [self.pick([*b.params, *scope], b.params[k].type) for k in writes]
        return b.function("random", *results, *finals), writes

    # ------------------------------------------------------------ choosing

    def pick(self, scope: list[Value], t: Type) -> Value:
        """A value of exactly this type, the latest more likely."""
        found = [v for v in scope if v.type == t]
        return found[-1] if self.rng.random() < 0.6 else self.rng.choice(found)

    def number(self, b: Builder, scope: list[Value], t: Type) -> Value:
        assert isinstance(t, Scalar)
        found = [v for v in scope if v.type == t]
        if found and self.rng.random() < 0.8:
            return self.rng.choice(found)
        return constant(b, self.rng.randint(0, 1) if t.dtype == BOOL else self.rng.randint(-3, 5), t.dtype)

    def array(self, scope: list[Value]) -> Value | None:
        found = [v for v in scope if isinstance(v.type, Array)]
        return None if not found else found[-1] if self.rng.random() < 0.4 else self.rng.choice(found)

    def clip(self, b: Builder, x: Value) -> Value:
        d = x.type.dtype
        return b.emit1(OPS["maximum"], b.emit1(OPS["minimum"], x, constant(b, 99, d)), constant(b, -99, d))

    def index(self, b: Builder, scope: list[Value], a: Value, axis: int) -> Value:
        """An index in range, or now and then one that may raise."""
        n = dim(b, a, axis)
        k = self.number(b, scope, Scalar(I64))
        if self.rng.random() < 0.9:
            k = b.emit1(OPS["mod"], k, n)
        return b.emit1(OPS["index"], k, n, axis=axis, checked=True)

    # ------------------------------------------------------------ statements

    def fill(self, b: Builder, scope: list[Value], depth: int) -> None:
        for _ in range(self.rng.randint(2, 7)):
            if self.fuel <= 0:
                return
            self.fuel -= 1
            self.statement(b, scope, depth)

    def statement(self, b: Builder, scope: list[Value], depth: int) -> None:
        kinds = ["arith", "arith", "get", "set", "set", "add_at", "new", "copy", "build", "reduce", "assert", "stack", "convert"]
        if depth < 3:
            kinds += ["for", "for", "while", "if", "if"]
        getattr(self, "make_" + self.rng.choice(kinds))(b, scope, depth)

    def make_arith(self, b: Builder, scope: list[Value], depth: int) -> None:
        t = self.rng.choice([Scalar(F64), Scalar(I64)])
        x, y = self.number(b, scope, t), self.number(b, scope, t)
        if self.rng.random() < 0.3:
            scope.append(b.emit1(OPS[self.rng.choice(["lt", "eq", "ge"])], x, y))
        else:
            scope.append(self.clip(b, b.emit1(OPS[self.rng.choice(["add", "sub", "mul"])], x, y)))

    def make_convert(self, b: Builder, scope: list[Value], depth: int) -> None:
        x = self.number(b, scope, self.rng.choice([Scalar(F64), Scalar(I64), Scalar(BOOL)]))
        scope.append(b.emit1(OPS["convert"], x, dtype=self.rng.choice([F64, I64, BOOL])))

    def indices(self, b: Builder, scope: list[Value], a: Value) -> list[Value]:
        assert isinstance(a.type, Array)
        return [self.index(b, scope, a, k) for k in range(a.type.rank)]

    def make_get(self, b: Builder, scope: list[Value], depth: int) -> None:
        a = self.array(scope)
        if a is not None:
            self.nonempty(b, a)
            scope.append(b.emit1(OPS["get"], a, *self.indices(b, scope, a)))

    def nonempty(self, b: Builder, a: Value) -> None:
        assert isinstance(a.type, Array)
        for k, d in enumerate(a.type.shape):
            if not isinstance(d, int):
                some = b.emit1(OPS["gt"], dim(b, a, k), integer(b, 0))
                b.emit(OPS["assert"], some, error="ValueError", message="empty")

    def make_set(self, b: Builder, scope: list[Value], depth: int) -> None:
        self.write(b, scope, "set")

    def make_add_at(self, b: Builder, scope: list[Value], depth: int) -> None:
        self.write(b, scope, "add_at")

    def write(self, b: Builder, scope: list[Value], op: str) -> None:
        a = self.array(scope)
        if a is None or (op == "add_at" and a.type.dtype == BOOL):
            return
        self.nonempty(b, a)
        v = self.number(b, scope, Scalar(a.type.dtype))
        if op == "add_at":
            v = b.emit1(OPS["sign"], v)
        new = b.emit1(OPS[op], a, v, *self.indices(b, scope, a))
        if self.rng.random() < 0.8:
            scope[:] = [new if s is a else s for s in scope]
        else:
            scope.append(new)

    def make_new(self, b: Builder, scope: list[Value], depth: int) -> None:
        t = self.rng.choice(ARRAYS)
        assert isinstance(t, Array)
        v = self.number(b, scope, Scalar(t.dtype))
        lengths = [self.length(b, scope) if d == ANY else self.n for d in t.shape if not isinstance(d, int)]
        shape = t.shape
        if t is OPEN:
            self.symbols += 1
            shape = (f"k{self.symbols}",)
            if depth == 0 and self.rng.random() < 0.5:
                scope.append(b.emit1(OPS["full"], v, *lengths, shape=shape))
                return
            shape = (ANY,)
        scope.append(b.emit1(OPS["full"], v, *lengths, shape=shape))

    def length(self, b: Builder, scope: list[Value]) -> Value:
        return b.emit1(OPS["mod"], self.number(b, scope, Scalar(I64)), integer(b, 5))

    def make_copy(self, b: Builder, scope: list[Value], depth: int) -> None:
        a = self.array(scope)
        if a is not None:
            scope.append(b.emit1(OPS["copy"], a))

    def make_build(self, b: Builder, scope: list[Value], depth: int) -> None:
        a = self.array(scope)
        if a is None or a.type.dtype == BOOL:
            return
        body = b.sub()
        index = [body.param(Scalar(I64)) for _ in a.type.shape]
        x = body.emit1(OPS["get"], a, *index)
        y = self.number(body, [v for v in scope if isinstance(v.type, Scalar)], x.type)
        if self.rng.random() < 0.2 and depth < 2:
            inner = [*scope, *index, x, y]
            self.fill(body, inner, depth + 2)
            y = self.number(body, inner, x.type)
        x = self.clip(body, body.emit1(OPS[self.rng.choice(["add", "mul", "sub"])], x, y))
        lengths = [dim(b, a, k) for k, d in enumerate(a.type.shape) if not isinstance(d, int)]
        scope.append(b.emit1(OPS["build"], *lengths, regions=(body.block(x),), shape=a.type.shape, extent=(), reduce=""))

    def make_reduce(self, b: Builder, scope: list[Value], depth: int) -> None:
        found = [v for v in scope if v.type in (MATRIX, VECTOR, TRIPLE, WHOLE)]
        if not found:
            return
        a = self.rng.choice(found)
        axes = self.rng.choice([(0,), (1,), (0, 1)]) if a.type == MATRIX else (0,)
        kind = self.rng.choice(["sum", "max", "min"])
        self.nonempty(b, a)
        if a.type == MATRIX and axes == (1,) and kind != "sum":
            kind = "sum"
        (out,) = self.reduced(b, a, kind, axes)
        if isinstance(out.type, Scalar):
            out = self.clip(b, out)
        scope.append(out)

    def reduced(self, b: Builder, a: Value, kind: str, axes: tuple[int, ...]) -> tuple[Value, ...]:
        value = OPS[kind].expand(b, (a,), {"axes": axes})
        return (value,)

    def make_assert(self, b: Builder, scope: list[Value], depth: int) -> None:
        if self.rng.random() < 0.25:
            x, y = self.number(b, scope, Scalar(I64)), self.number(b, scope, Scalar(F64))
            c = b.emit1(OPS["lt"], x, integer(b, self.rng.randint(3, 60)))
            b.emit(OPS["assert"], c, x, y, error="ValueError", message="no: {0} {1}")

    def make_stack(self, b: Builder, scope: list[Value], depth: int) -> None:
        """Push in one loop, pop some in another."""
        n = b.emit1(OPS["mod"], self.number(b, scope, Scalar(I64)), integer(b, self.rng.choice([4, 4, 90])))
        s = b.emit1(OPS["list"], items=(TAPE if self.rng.random() < 0.5 else NUMBERS).items)
        body = b.sub()
        i, top = body.param(Scalar(I64)), body.param(s.type)
        inner = [*scope, i]
        if s.type == TAPE:
            if self.rng.random() < 0.5:
                self.fill(body, inner, depth + 2)
            vectors = [v for v in inner if v.type == VECTOR]
            vector = self.pick(vectors, VECTOR) if vectors else body.emit1(OPS["full"], constant(body, 1, F64), self.n, shape=("n",))
            items = [self.number(body, inner, Scalar(F64)), vector, self.triple(body, inner), self.number(body, inner, Scalar(BOOL))]
        else:
            items = [self.number(body, inner, Scalar(F64)), i]
        top = body.emit1(OPS["push"], top, *items)
        s = b.emit1(OPS["for"], n, s, regions=(body.block(top),))
        fewer = b.emit1(OPS["sub"], n, b.emit1(OPS["minimum"], n, integer(b, self.rng.randint(0, 1))))
        body = b.sub()
        i, top, total = body.param(Scalar(I64)), body.param(s.type), body.param(Scalar(F64))
        top, first, *rest = body.emit(OPS["pop"], top)
        total = self.clip(body, body.emit1(OPS["add"], total, first))
        keep: list[Value] = []
        if s.type == TAPE:
            total = self.clip(body, body.emit1(OPS["add"], total, body.emit1(OPS["get"], rest[1], integer(body, 2))))
            body.param(VECTOR)
            keep = [rest[0]]
        start = [b.emit1(OPS["full"], constant(b, 2, F64), self.n, shape=("n",))] if keep else []
        _, total, *kept = b.emit(OPS["for"], fewer, s, constant(b, 0, F64), *start, regions=(body.block(top, total, *keep),))
        scope += [total, *kept]

    def triple(self, b: Builder, scope: list[Value]) -> Value:
        found = [v for v in scope if v.type == TRIPLE]
        return self.rng.choice(found) if found else b.emit1(OPS["full"], constant(b, 7, F64), shape=(3,))

    # ------------------------------------------------------------ structure

    def carried(self, b: Builder, scope: list[Value]) -> list[Value]:
        pool = [v for v in scope if not isinstance(v.type, List)]
        return [self.rng.choice(pool) for _ in range(self.rng.randint(0, 4))]

    def region_type(self, v: Value) -> Type:
        t = v.type
        if isinstance(t, Array) and t.rank == 1 and t.dtype == F64 and (self.rng.random() < 0.15 or t.shape[0] not in ("n", 3, ANY)):
            return OPEN
        return t

    def yielded(self, b: Builder, scope: list[Value], types: list[Type]) -> list[Value]:
        out: list[Value] = []
        for t in types:
            found = [v for v in scope if v.type == t or (t == OPEN and isinstance(v.type, Array) and v.type.rank == 1 and v.type.dtype == F64)]
            out.append(found[-1] if self.rng.random() < 0.5 else self.rng.choice(found))
        return out

    def make_for(self, b: Builder, scope: list[Value], depth: int) -> None:
        n = b.emit1(OPS["mod"], self.number(b, scope, Scalar(I64)), integer(b, 4)) if self.rng.random() < 0.7 else integer(b, self.rng.randint(0, 3))
        inits = self.carried(b, scope)
        body = b.sub()
        i = body.param(Scalar(I64))
        types = [self.region_type(v) for v in inits]
        params = [body.param(t) for t in types]
        outer = [v for v in scope if self.rng.random() < 0.5]
        inner = [*outer, i, *params]
        self.fill(body, inner, depth + 1)
        outs = b.emit(OPS["for"], n, *inits, regions=(body.block(*self.yielded(body, [*params, *inner, *params], types)),))
        self.replace(scope, inits, outs)

    def replace(self, scope: list[Value], old: list[Value], new: Any) -> None:
        for o, v in zip(old, new, strict=True):
            if self.rng.random() < 0.7 and o in scope:
                scope[:] = [v if s is o else s for s in scope]
            else:
                scope.append(v)

    def make_while(self, b: Builder, scope: list[Value], depth: int) -> None:
        inits = [integer(b, 0), *self.carried(b, scope)]
        types = [self.region_type(v) for v in inits]
        condition, body = b.sub(), b.sub()
        cp, bp = [condition.param(t) for t in types], [body.param(t) for t in types]
        limit = integer(condition, self.rng.randint(0, 4))
        if self.rng.random() < 0.3:
            inner = [*(v for v in scope if self.rng.random() < 0.3), *cp]
            self.fill(condition, inner, depth + 2)
        c = condition.emit1(OPS["lt"], cp[0], limit)
        inner = [*(v for v in scope if self.rng.random() < 0.5), *bp]
        self.fill(body, inner, depth + 1)
        step = body.emit1(OPS["add"], bp[0], integer(body, 1))
        yields = self.yielded(body, [*bp[1:], *inner, *bp[1:]], types[1:])
        outs = b.emit(OPS["while"], *inits, regions=(condition.block(c), body.block(step, *yields)))
        self.replace(scope, inits[1:], outs[1:])

    def make_if(self, b: Builder, scope: list[Value], depth: int) -> None:
        c = self.number(b, scope, Scalar(BOOL))
        count = self.rng.randint(0, 3)
        pool = [v for v in scope if not isinstance(v.type, List)]
        models = [self.rng.choice(pool) for _ in range(count)]
        sides = []
        for _ in range(2):
            side = b.sub()
            inner = list(scope)
            if self.rng.random() < 0.8:
                self.fill(side, inner, depth + 1)
            sides.append(side.block(*(self.pick([*inner, m], m.type) for m in models)))
        outs = b.emit(OPS["if"], c, regions=tuple(sides))
        self.replace(scope, models, outs)


def arguments(seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    n = int(rng.choice([0, 1, 2, 3, 5]))
    whole = lambda *shape: rng.integers(-5, 6, shape).astype(np.float64)  # noqa: E731
    arrays = [whole(n), whole(n), whole(n, 2), whole(3), rng.integers(-5, 6, 4), rng.random(80) < 0.5]
    return [*arrays, float(rng.integers(-3, 4)), int(rng.integers(-3, 9)), bool(rng.random() < 0.5)]
