"""Small arrays of known shape live in registers: constructors over a handful of elements become straight code, and arrays indexed by constants, numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from oneform.ir import DEAR, Block, Builder, Function, Instr, Subst, Value, inline, instructions
from oneform.ops import OPS, array, integer
from oneform.ops.control.build import COMBINE
from oneform.optimise.rewrite import Rewriter, map_blocks, rebuild, resolve
from oneform.types import Array, Scalar, Type

ELEMENTS = 16  # an array in registers
_ITERATIONS = 9  # of a constructor that is written out; three times as many with a reduction: a product of two 3 × 3 matrices
_INSTRUCTIONS = 160

# ---------------------------------------------------------------- constructors


def unroll(f: Function) -> Function:
    """Constructors of a few elements, written out. (User loops are never unrolled: their length is no part of the program's text.)"""
    return Rewriter({"build": (_unroll,)}).function(f)


def _unroll(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    shape, extent, reduce = i.attrs["shape"], i.attrs["extent"], i.attrs["reduce"]
    full = (*shape, *extent)
    if not all(isinstance(d, int) for d in full) or (extent and 0 in extent):
        return None
    (region,), count = i.regions, math.prod(full)
    size = sum(1 for _ in instructions(region.body))
    dear = max((j.op.cost for j in region.body), default=0) >= DEAR  # a few such functions at once are no dearer than one
    if count > _ITERATIONS * (3 if extent and not dear else 1) or count * size > _INSTRUCTIONS or any(j.regions for j in region.body):
        return None
    b = rw.new
    counters = {n: integer(b, n) for n in range(max(full, default=0))}
    made: list[Value | None] = [b.emit1(array.empty, shape=shape, dtype=r.type.dtype) if shape else None for r in region.results if isinstance(r.type, Scalar)]
    for at in itertools.product(*map(range, shape)):
        totals: list[Value] = []
        for k in itertools.product(*map(range, extent)):
            terms = inline(region, [counters[n] for n in (*at, *k)], b.body)
            totals = [b.emit1(OPS[COMBINE[reduce]], t, x, **_order(reduce, t)) for t, x in zip(totals, terms, strict=True)] if totals else list(terms)
        made = [t if a is None else b.emit1(array.set_, a, t, *(counters[n] for n in at)) for a, t in zip(made, totals, strict=True)] if totals else made
    return [m for m in made if m is not None]


def _order(reduce: str, term: Value) -> dict[str, Any]:
    """A sum over an extent may be taken in any order."""
    return {"reassoc": True} if reduce == "add" and isinstance(term.type, Scalar) and term.type.dtype.kind in "fc" else {}


# ---------------------------------------------------------------- arrays


def scalarise(f: Function) -> Function:
    """Arrays that are made, written and read at constant indices only, also where loops carry them; made into memory where they are results."""
    groups = _Groups(f)
    return map_blocks(f, lambda block: _Scalars(groups).function(block)) if groups.chosen else f


def _small(t: Type) -> bool:
    return isinstance(t, Array) and all(isinstance(d, int) for d in t.shape) and 0 < math.prod(int(d) for d in t.shape) <= ELEMENTS


class _Groups:
    """Which array values are versions of each other, and which of these groups may become numbers."""

    def __init__(self, f: Function):
        self.root: dict[Value, Value] = {}
        self.constants: dict[Value, int] = {}
        self.bad: set[Value] = set()
        self.useful: set[Value] = set()
        self.walk(f.block)
        bad = {self.find(v) for v in self.bad}
        self.chosen = {self.find(v) for v in self.useful} - bad

    def find(self, v: Value) -> Value:
        while (up := self.root.get(v, v)) is not v:
            self.root[v] = self.root.get(up, up)
            v = up
        return v

    def __contains__(self, v: Value) -> bool:
        return isinstance(v.type, Array) and self.find(v) in self.chosen

    def join(self, values: Sequence[Value]) -> None:
        if not isinstance(values[0].type, Array):
            return
        for v in values:
            if not _small(v.type) or v.type != values[0].type:
                self.bad.update(values)
            self.root[self.find(v)] = self.find(values[0])

    def walk(self, block: Block) -> None:
        for i in block.body:
            self.instr(i)
            for r in i.regions:
                self.walk(r)

    def instr(self, i: Instr) -> None:
        if i.op is array.const:
            if isinstance(i.attrs["value"], int):
                self.constants[i.outs[0]] = int(i.attrs["value"])
        elif i.op in (array.set_, array.add_at):
            self.join((i.args[0], i.outs[0]))
            self.element(i.args[0], i.args[2:])
        elif i.op is array.get:
            self.element(i.args[0], i.args[1:])
        elif i.op is array.copy:
            self.join((i.args[0], i.outs[0]))
        elif i.op in (array.full, array.empty, array.undef):
            self.bad.update(o for o in i.outs if not _small(o.type))
        elif i.op.structure in ("for", "while"):
            skip = 1 if i.op.structure == "for" else 0
            for k, out in enumerate(i.outs):
                self.join((out, i.args[skip + k], i.regions[-1].results[k], *(r.params[skip + k] for r in i.regions)))
        elif i.op.structure == "if":
            for k, out in enumerate(i.outs):
                self.join((out, *(r.results[k] for r in i.regions)))
        else:
            region_values = (v for r in i.regions for v in (*r.params, *r.results))
            self.bad.update(v for v in (*i.args, *i.outs, *region_values) if isinstance(v.type, Array))

    def element(self, a: Value, indices: Sequence[Value]) -> None:
        shape = a.type.shape if isinstance(a.type, Array) else ()
        known = _small(a.type) and all(0 <= self.constants.get(x, -1) < int(d) for d, x in zip(shape, indices, strict=True))
        (self.useful if known else self.bad).add(a)

    def position(self, a: Value, indices: Sequence[Value]) -> int:
        """The row-major place of an element."""
        assert isinstance(a.type, Array)
        place = 0
        for d, x in zip(a.type.shape, indices, strict=True):
            place = place * int(d) + self.constants[x]
        return place


class _Scalars:
    def __init__(self, groups: _Groups):
        self.groups = groups
        self.env: Subst = {}
        self.parts: dict[Value, list[Value]] = {}  # array -> its elements

    def function(self, block: Block) -> Block:
        """Parameters are read at the entry, results made at the end."""
        b = Builder()
        for p in block.params:
            if p in self.groups:
                self.parts[p] = [b.emit1(array.get, p, *(integer(b, n) for n in at)) for at in _places(p.type)]
        body = [*b.body]
        self.body(block, body)
        end = Builder(block.body[-1].loc if block.body else None)
        results = tuple([self.made(end, r) if r in self.groups else resolve(self.env, r) for r in block.results])
        return Block(block.params, (*body, *end.body), results)

    def made(self, b: Builder, v: Value) -> Value:
        """An array of the elements."""
        t, parts = v.type, self.parts[resolve(self.env, v)]
        assert isinstance(t, Array)
        if all(p is parts[0] for p in parts):
            return b.emit1(array.full, parts[0], shape=t.shape)
        a = b.emit1(array.empty, shape=t.shape, dtype=t.dtype)
        for at, p in zip(_places(t), parts, strict=True):
            a = b.emit1(array.set_, a, p, *(integer(b, n) for n in at))
        return a

    def expand(self, values: Sequence[Value]) -> tuple[Value, ...]:
        """The values with elements in place of arrays."""
        out: list[Value] = []
        for v in values:
            w = resolve(self.env, v)
            out += self.parts[w] if w in self.parts else [w]
        return tuple(out)

    def fresh(self, values: Sequence[Value]) -> tuple[Value, ...]:
        """As `expand`, where the values come into being."""
        out: list[Value] = []
        for v in values:
            if v in self.groups:
                assert isinstance(v.type, Array)
                self.parts[v] = [Value(Scalar(v.type.dtype)) for _ in _places(v.type)]
                out += self.parts[v]
            else:
                out.append(v)
        return tuple(out)

    def body(self, block: Block, out: list[Instr]) -> None:
        for i in block.body:
            if not self.dissolved(i, out):
                out.append(self.carried(i))

    def region(self, block: Block) -> Block:
        params = self.fresh(block.params)
        out: list[Instr] = []
        self.body(block, out)
        results = self.expand(block.results)
        same = len(out) == len(block.body) and all(x is y for x, y in zip(out, block.body, strict=True))
        return block if same and params == block.params and results == block.results else Block(params, tuple(out), results)

    def dissolved(self, i: Instr, out: list[Instr]) -> bool:
        """Whether the instruction makes, writes or reads an array that is none any more."""
        a = i.outs[0] if len(i.outs) == 1 and i.outs[0] in self.groups else i.args[0] if i.args else None
        if i.regions or a is None or a not in self.groups:
            return False
        b, elements = Builder(i.loc), self.parts
        args = [resolve(self.env, x) for x in i.args]
        if i.op is array.get:
            self.env[i.outs[0]] = elements[args[0]][self.groups.position(a, i.args[1:])]
        elif i.op is array.full:
            elements[a] = [args[0]] * len(_places(a.type))
        elif i.op is array.copy:
            elements[a] = elements[args[0]]
        elif i.op in (array.set_, array.add_at):
            parts, place = list(elements[args[0]]), self.groups.position(i.args[0], i.args[2:])
            parts[place] = args[1] if i.op is array.set_ else b.emit1(OPS[COMBINE["add"]], parts[place], args[1], **i.attrs)
            elements[a] = parts
        else:  # its elements are unspecified
            assert isinstance(a.type, Array)
            nothing = b.emit1(array.undef, type=Scalar(a.type.dtype))
            elements[a] = [nothing] * len(_places(a.type))
        out.extend(b.body)
        return True

    def carried(self, i: Instr) -> Instr:
        """Any other instruction; loops and branches hand elements on in place of arrays."""
        if not i.regions:
            return rebuild(i, tuple([resolve(self.env, a) for a in i.args]), (), self.env)
        args = self.expand(i.args)
        regions = tuple([self.region(r) for r in i.regions])
        if not any(o in self.groups for o in i.outs):
            return rebuild(i, args, regions, self.env)
        return Instr(i.op, args, i.attrs, regions, self.fresh(i.outs), i.loc)


def _places(t: Type) -> list[tuple[int, ...]]:
    """The indices of all elements in row-major order."""
    assert isinstance(t, Array)
    return list(itertools.product(*(range(int(d)) for d in t.shape)))
