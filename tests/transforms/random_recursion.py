"""Random recursive programs: functions inside each other that call themselves and those around them, with numbers, arrays and lists as parameters.

Of a list that functions hand on, the rows at the first call are known to be there, in this structure, whatever the calls push behind them."""

from __future__ import annotations

from dataclasses import dataclass

from oneform.ir import Builder, Value
from oneform.ops import OPS, constant, integer, make
from oneform.ops.control import recur, recursive
from oneform.types import ANY, F64, I64, Scalar, Type, assignable
from tests.transforms import random_lists
from tests.transforms.random_lists import LISTS, Made, N, copied

K = Scalar(I64)
LENGTH = 4  # of all arrays that are parameters


@dataclass
class Frame:
    """A function around: how many calls are left, the current versions of what it changes, and what else it takes."""

    name: str
    left: Value
    numbers: int
    made: list[Made]
    arrays: list[Value]
    results: tuple[Type, ...]
    calls: bool = True  # whether it may be called from here: there are calls left


class Maker(random_lists.Maker):
    def __init__(self, seed: int, fuel: int):
        super().__init__(seed, fuel)
        self.frames: list[Frame] = []
        self.sums: list[Value] = []  # what the result is a sum of

    def program(self):
        b = Builder()
        x, a, y, k = (b.param(t) for t in random_lists.PARAMS)
        self.numbers = [x, y, *(b.emit1(OPS["get"], a, integer(b, j)) for j in range(LENGTH))]
        self.k = k
        made = [Made(b.emit1(OPS["list"], items=t.items), []) for t in self.rng.sample(LISTS, self.rng.randint(0, 2))]
        for m in made:
            for _ in range(self.rng.randint(0, 2)):
                self.push(b, m)
        arrays = [a, make.full(b, y, (ANY,), [integer(b, LENGTH)])][: self.rng.randint(0, 2)]
        for _ in range(self.rng.randint(1, 2)):
            self.function(b, made, arrays)
        total = self.number()
        for v in (*self.sums, *(v for m in made for _ in range(2) if (v := self.read(b, m)) is not None), *(self.element(b, v) for v in arrays)):
            total = b.emit1(OPS["add"], total, v)
        return b.function("recursion", total, self.number())

    def element(self, b: Builder, a: Value) -> Value:
        return make.get(b, a, [integer(b, self.rng.randrange(LENGTH))])

    # ------------------------------------------------------------ functions

    def function(self, b: Builder, made: list[Made], arrays: list[Value]) -> None:
        """A function and its first call; lists and arrays that it takes are changed by it, the others it may read. Of some, the results are
        linear in those of the calls inside, so that they run forward and backward at once."""
        linear = self.rng.random() < 0.3
        chance = 0.0 if linear else 0.7
        taken, given = [m for m in made if self.rng.random() < chance], [k for k in range(len(arrays)) if self.rng.random() < chance]
        name, depth, numbers, count = self.rng.choice("fg"), self.rng.randint(0, 3), list(self.numbers), self.rng.randint(1, 2)
        args = [integer(b, depth), *(self.number() for _ in range(count)), *(arrays[k] for k in given), *(m.v for m in taken)]
        body = b.sub()
        left, *params = (body.param(a.type) for a in args)
        types = (*(N for _ in range(self.rng.randint(1, 2))), *(a.type for a in args[1 + count :]))
        own = params[count : count + len(given)], [Made(p, copied(m.rows), True) for p, m in zip(params[count + len(given) :], taken, strict=True)]
        then, other = body.sub(), body.sub()
        sides = []
        for side in (then, other):
            self.numbers = [*numbers, *params[:count]] if self.rng.random() < 0.7 else params[:count]
            frame = Frame(name, left, count, [Made(m.v, copied(m.rows), True) for m in own[1]], list(own[0]), types, side is then)
            self.frames.append(frame)
            for _ in range(self.rng.randint(1, 4)):
                self.step(side, frame)
            known = self.numbers[-3:]
            results = [self.mixed(side, self.rng.choice(known)) for t in types if t == N]
            for _ in range(self.rng.randint(1, 2) if side is then else 0):
                factor = side.emit1(OPS["sin"], self.rng.choice(self.numbers[:3]))
                self.call(side, frame)
                if linear:
                    outs = self.numbers[-len(results) :]
                    results = [side.emit1(OPS["add"], r, side.emit1(OPS["mul"], out, factor)) for r, out in zip(results, outs, strict=True)]
                else:
                    results[0] = self.mixed(side, self.number())
            self.frames.pop()
            sides.append(side.block(*results, *frame.arrays, *(m.v for m in frame.made)))
        more = body.emit1(OPS["gt"], left, integer(body, 0))
        outs = body.emit(OPS["if"], more, regions=sides)
        self.numbers = numbers
        outs = b.emit(recursive, *args, regions=(body.block(*outs),), name=name, types=types)
        if linear and not self.frames:
            self.sums += outs
        else:
            self.returned(b, Frame(name, left, count, taken, arrays, types), given, outs)

    def returned(self, b: Builder, frame: Frame, given: list[int], outs: tuple[Value, ...]) -> None:
        """A call has changed what it took."""
        first = len(frame.results) - len(given) - len(frame.made)
        self.numbers = [*self.numbers, *outs[:first]]
        for k, v in zip(given, outs[first:], strict=False):
            frame.arrays[k] = v
        for m, v in zip(frame.made, outs[first + len(given) :], strict=True):
            m.v, m.open = v, True

    def call(self, b: Builder, frame: Frame) -> None:
        """Call a function around; what it changes counts only for the innermost."""
        self.fuel -= 1
        target = frame if self.rng.random() < 0.8 else self.rng.choice([f for f in self.frames if f.calls])
        target = [f for f in self.frames if f.name == target.name][-1]  # the innermost of the name
        target = target if target.calls else frame
        less = b.emit1(OPS["sub"], target.left, integer(b, self.rng.choice([1, 1, 2])))
        args = [less, *(self.mixed(b, self.number()) for _ in range(target.numbers)), *target.arrays, *(m.v for m in target.made)]
        outs = b.emit(recur, *args, name=target.name, types=target.results)
        if target is frame:
            self.returned(b, frame, list(range(len(frame.arrays))), outs)
        else:
            self.numbers.append(outs[0])

    # ------------------------------------------------------------ statements of functions

    def step(self, b: Builder, frame: Frame) -> None:
        self.fuel -= 1
        kinds = ["number", "number", "array", "array", "list", "list", "around"]
        if self.fuel > 0:
            kinds += (["call"] * 3 + ["maybe", "loop"] if frame.calls else []) + (["inner"] if len(self.frames) < 3 else [])
        kind = self.rng.choice(kinds)
        if kind == "number":
            self.numbers.append(self.mixed(b, self.number()))
        elif kind == "array" and frame.arrays:
            k = self.rng.randrange(len(frame.arrays))
            self.numbers.append(self.mixed(b, self.element(b, frame.arrays[k])))
            frame.arrays[k] = make.put(b, frame.arrays[k], self.number(), [integer(b, self.rng.randrange(LENGTH))])
        elif kind == "list" and frame.made:
            m = self.rng.choice(frame.made)
            self.rng.choice([self.do_read, self.do_put, self.do_add, self.push])(b, m)
        elif kind == "around":
            m = self.rng.choice([m for f in self.frames for m in f.made] or [None])
            if m is not None:
                self.do_read(b, m)
        elif kind == "call":
            self.call(b, frame)
        elif kind in ("maybe", "loop"):
            self.region(b, frame, kind)
        elif kind == "inner":
            self.function(b, frame.made, frame.arrays)

    def region(self, b: Builder, frame: Frame, kind: str) -> None:
        """Steps in a branch that the numbers decide, or in a loop."""
        numbers, before = list(self.numbers), [*frame.arrays, *(m.v for m in frame.made)]
        inner, count = b.sub(), len(frame.arrays)
        start = self.number()
        if kind == "loop":
            inner.param(K)
            params = [inner.param(v.type) for v in (*before, start)]
            frame.arrays = params[:count]
            for m, v in zip(frame.made, params[count:], strict=False):
                m.v, m.open = v, True
            self.numbers.append(params[-1])
        for _ in range(self.rng.randint(1, 2)):
            self.step(inner, frame)
        block = inner.block(*frame.arrays, *(m.v for m in frame.made), self.mixed(inner, self.numbers[-1]))
        if kind == "loop":
            *outs, x = b.emit(OPS["for"], integer(b, self.rng.randint(0, 2)), *before, start, regions=(block,))
        else:
            c = b.emit1(OPS["gt"], self.rng.choice(numbers), constant(b, 0.1, F64))
            *outs, x = b.emit(OPS["if"], c, regions=(block, b.sub().block(*before, start)))
        assert all(assignable(v.type, p.type) for v, p in zip(outs, before, strict=True))
        frame.arrays = outs[:count]
        for m, v in zip(frame.made, outs[count:], strict=True):
            m.v, m.open = v, True
        self.numbers = [*numbers, x]
