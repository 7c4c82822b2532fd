"""The dependency program: for each result, not its value but the set of inputs that its derivative may involve, at any values of the inputs.

It runs what the inputs do not decide (indices, trip counts, conditions on other data) as the program does. Numbers that vary are represented by sets:
a scalar by those it is the union of, known while the program is built (so that straight-line code makes a node only where a value leaves it), an
array by an array of handles. Where the inputs decide, both sides of a branch count, and any number of iterations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from oneform.errors import DerivativeError
from oneform.ir import Block, Builder, Function, Instr, Value, clone_instr, instructions
from oneform.ops import Term, apply, array, dim, dims, integer
from oneform.transforms.activity import differentiable_arguments
from oneform.transforms.sparsity.influence import LOOPS, Influence, lowered, speculative
from oneform.transforms.sparsity.store import Deps, Store, blank, guarded, inside, numbered, to_array
from oneform.types import I64, Array, Scalar, Type, carries_derivative, shape_of


def dependence(f: Function, wrt: Sequence[int], outs: Sequence[int]) -> tuple[Function, list[bool]]:
    """x... -> (the handles of each result in `outs`, starts, children, the number of inputs). For results whose lengths the inputs decide, one
    handle stands for all elements: these are True in the list returned. `f` must be prepared."""
    block = lowered(f.block, Influence(f.block, [f.params[k] for k in wrt]))
    influence = Influence(block, [f.params[k] for k in wrt])
    b = Builder()
    params = [b.param(p.type) for p in f.params]
    total: Value = integer(b, 0)
    d = Dependence(influence)
    d.env.update(zip(block.params, params, strict=True))
    for k in wrt:
        p, first = block.params[k], (Term(b, total) + 1).v
        size = Term(b, integer(b, 1))
        if isinstance(p.type, Array):
            d.grids[p] = numbered(b, params[k], first)
            for n in dims(b, params[k]):
                size = size * Term(b, n)
        else:
            d.deps[p] = (first,)
        total = (Term(b, total) + size).v
    d.store = Store(b, total)
    d.body(block, b)
    opened = [block.results[o] in influence.open for o in outs]
    handles = [d.grid(b, r) if isinstance(r.type, Array) and not is_open else d.handle(b, r) for r, is_open in _pairs(block, outs, opened)]
    starts, children = d.store.record
    count = d.store.count(b, 1)
    return b.function(f"{f.name}_pattern", *handles, to_array(b, starts, count), to_array(b, children), total), opened


def _pairs(block: Block, outs: Sequence[int], opened: Sequence[bool]) -> list[tuple[Value, bool]]:
    return [(block.results[o], is_open) for o, is_open in zip(outs, opened, strict=True)]


class Dependence:
    """`env`: what the inputs do not decide, in the new program. `deps`: the sets that scalars (and arrays of unknown lengths, and lists) are
    unions of; `grids`: arrays of handles. `weak`: inside a region that may or may not run."""

    store: Store

    def __init__(self, influence: Influence):
        self.influence = influence
        self.env: dict[Value, Value] = {}
        self.deps: dict[Value, Deps] = {}
        self.grids: dict[Value, Value] = {}
        self.weak = False

    # ------------------------------------------------------------ what values stand for

    def tainted(self, v: Value) -> bool:
        return v in self.influence.tainted

    def value(self, v: Value) -> Value:
        return self.env.get(v, v)

    def gridded(self, v: Value) -> bool:
        return isinstance(v.type, Array) and v not in self.influence.open

    def grid(self, b: Builder, v: Value) -> Value:
        if v in self.grids:
            return self.grids[v]
        return blank(b, self.value(v))

    def everything(self, b: Builder, v: Value) -> Deps:
        """All that any part of a value depends on."""
        if not self.tainted(v) or not carries_derivative(v.type):
            return ()
        return (self.store.whole(b, self.grids[v]),) if v in self.grids else self.deps.get(v, ())

    def handle(self, b: Builder, v: Value) -> Value:
        return self.store.node(b, self.everything(b, v))

    def union(self, b: Builder, values: Sequence[Value]) -> Deps:
        return tuple(dict.fromkeys(h for v in values for h in self.everything(b, v)))

    # ------------------------------------------------------------ blocks

    def body(self, block: Block, b: Builder) -> None:
        for i in block.body:
            b.loc = i.loc
            if self.untouched(i):
                self.copied(i, b)
            elif i.op.structure in self.structures:
                self.structures[i.op.structure](self, i, b)
            elif i.op.structure:
                self.summary(i, b)
            else:
                self.plain(i, b)

    def untouched(self, i: Instr) -> bool:
        """Whether an instruction has nothing to do with the inputs, and may run as it stands."""
        if any(map(self.tainted, i.outs)) or any(True for _ in self.influence.reads(i)):
            return False
        return not (self.weak and i.regions) and not any(self.tainted(o) for r in i.regions for j in instructions(r.body) for o in j.outs)

    def copied(self, i: Instr, b: Builder) -> None:
        if not self.weak:
            new = clone_instr(i, self.env)
            b.body.append(new)
            return
        args = [self.value(a) for a in i.args]
        if i.op in (array.get, array.set_, array.add_at):
            first = 1 if i.op is array.get else 2
            fallback: Callable[[Builder], Value] = (lambda s: array.zero_of(s, i.outs[0].type)) if i.op is array.get else (lambda s: args[0])
            self.env[i.outs[0]] = guarded(b, inside(b, args[0], args[first:]), lambda s: s.emit1(i.op, *args), fallback)
        elif i.op is not array.assert_:
            attrs = {**i.attrs, "checked": False} if i.op is array.index else i.attrs
            if i.op.singular and len(args) > 1 and args[1].type == Scalar(I64):
                y = Term(b, args[1])
                args[1] = apply("select", y.apply("eq", 0), apply("add", y, 1), y).v
            self.env.update(zip(i.outs, b.instr(i.op, args, attrs, (), i.loc).outs, strict=True))

    def plain(self, i: Instr, b: Builder) -> None:
        if i.op is array.dim_:
            if i.args[0] in self.grids:
                self.env[i.outs[0]] = b.emit1(array.dim_, self.grids[i.args[0]], **i.attrs)
        elif i.op.flow is not None and any(map(self.gridded, (*i.args[:1], *i.outs))):
            i.op.flow(self, b, i)
        else:
            flags = differentiable_arguments(i)
            found = self.union(b, [a for a, f in zip(i.args, flags, strict=True) if f])
            for o in i.outs:
                self.put(b, o, found)

    def put(self, b: Builder, o: Value, found: Deps) -> None:
        """The sets that a new value is the union of; all elements of an array."""
        if not carries_derivative(o.type):
            found = ()
        if self.gridded(o):
            self.grids[o] = self.spread(b, o, found)
        else:
            self.deps[o] = found

    def spread(self, b: Builder, o: Value, found: Deps) -> Value:
        """An array of one set, of the shape of `o`: that of the array it was made from, if its type does not tell."""
        handle = self.store.node(b, found)
        root = self.influence.lineage.root(o)
        like = self.grids.get(root, self.value(root))
        lengths = [dim(b, like, k) for k, n in enumerate(shape_of(o.type)) if not isinstance(n, int)]
        return b.emit1(array.full, handle, *lengths, shape=shape_of(o.type))

    # ------------------------------------------------------------ elements: what the records of operations say (Op.flow)

    def element(self, b: Builder, o: Value, a: Value, index: Sequence[Value]) -> None:
        """o = a[index]"""
        if not carries_derivative(o.type) or a not in self.grids:
            self.deps[o] = ()
        elif any(map(self.tainted, index)):
            self.deps[o] = self.everything(b, a)
        else:
            self.deps[o] = (self.read(b, self.grids[a], [self.value(k) for k in index]),)

    def read(self, b: Builder, grid: Value, index: Sequence[Value]) -> Value:
        if not self.weak:
            return b.emit1(array.get, grid, *index)
        return guarded(b, inside(b, grid, index), lambda s: s.emit1(array.get, grid, *index), lambda s: integer(s, 0))

    def replaced(self, b: Builder, o: Value, a: Value, v: Value, index: Sequence[Value], *, added: bool) -> None:
        """o = a, with v at an index; `added`: added to what is there."""
        grid = self.grid(b, a)
        found = self.deps.get(v, ()) if carries_derivative(v.type) else ()
        if any(map(self.tainted, index)):
            self.grids[o] = self.store.each(b, [grid], found) if found else grid
            return
        at = [self.value(k) for k in index]
        if self.weak or added:
            found = (self.read(b, grid, at), *found)
        handle = self.store.node(b, found)
        if self.weak:
            self.grids[o] = guarded(b, inside(b, grid, at), lambda s: s.emit1(array.set_, grid, handle, *at), lambda s: grid)
        else:
            self.grids[o] = b.emit1(array.set_, grid, handle, *at)

    def filled(self, b: Builder, o: Value, v: Value, lengths: Sequence[Value]) -> None:
        """o is an array of v"""
        handle = self.store.node(b, self.deps.get(v, ()))
        self.grids[o] = b.emit1(array.full, handle, *map(self.value, lengths), shape=shape_of(o.type))

    def same(self, b: Builder, o: Value, a: Value) -> None:
        self.grids[o] = self.grid(b, a)

    # ------------------------------------------------------------ regions

    def bind(self, v: Value, given: list[Value]) -> None:
        """The next of `given` for a value of the old program."""
        if not self.tainted(v):
            self.env[v] = given.pop(0)
        elif self.gridded(v):
            self.grids[v] = given.pop(0)
        elif carries_derivative(v.type):
            self.deps[v] = (given.pop(0),)

    def parameter_type(self, v: Value) -> list[Type]:
        if not self.tainted(v):
            return [v.type]
        if self.gridded(v):
            return [Array(I64, shape_of(v.type))]
        return [Scalar(I64)] if carries_derivative(v.type) else []

    def passed(self, b: Builder, values: Sequence[Value], targets: Sequence[Value]) -> list[Value]:
        """What stands for `values` where they become `targets`."""
        return [c for v, t in zip(values, targets, strict=True) for c in self._as(b, v, t)]

    def _as(self, b: Builder, v: Value, target: Value) -> list[Value]:
        if not self.tainted(target):
            return [self.value(v)]
        if self.gridded(target):
            return [self.grid(b, v)]
        return [self.handle(b, v)] if carries_derivative(target.type) else []

    def loop(self, i: Instr, b: Builder) -> None:
        if self.influence.uncertain(i):
            self.summary(i, b)
            return
        skip, carried = LOOPS[i.op.structure], i.regions[-1].params[LOOPS[i.op.structure] :]
        inits = self.passed(b, i.args[skip:], carried)
        record = self.store.record
        blocks: list[Block] = []
        for r in i.regions:
            sub = b.sub()
            for p in r.params:
                given = [sub.param(t) for t in self.parameter_type(p)]
                self.bind(p, given)
            self.store.enter(sub)
            self.body(r, sub)
            last = r is i.regions[-1]
            results = self.passed(sub, r.results, carried) if last else [self.value(r.results[0])]
            blocks.append(sub.block(*results, *(self.store.record if last else ())))
        new = b.instr(i.op, (*map(self.value, i.args[:skip]), *inits, *record), i.attrs, tuple(blocks), i.loc)
        self.leave(i, list(new.outs))

    def leave(self, i: Instr, outs: list[Value]) -> None:
        """The results of a region, and the record."""
        self.store.record = (outs[-2], outs[-1])
        given = outs[:-2]
        for o in i.outs:
            self.bind(o, given)

    def branch(self, i: Instr, b: Builder) -> None:
        if self.influence.uncertain(i):
            self.both(i, b)
            return
        record = self.store.record
        blocks: list[Block] = []
        for r in i.regions:
            sub = b.sub()
            self.store.record = record
            self.body(r, sub)
            results = self.passed(sub, r.results, i.outs)
            blocks.append(sub.block(*results, *self.store.record))
        new = b.instr(i.op, (self.value(i.args[0]),), i.attrs, tuple(blocks), i.loc)
        self.leave(i, list(new.outs))

    def both(self, i: Instr, b: Builder) -> None:
        """The union of both sides. They are run one after the other; arrays written to go through both, and lose nothing on the way."""
        if not speculative(i, self.influence):
            self.summary(i, b)
            return
        outer, self.weak = self.weak, True
        self.body(i.regions[0], b)
        roots = [[self.influence.lineage.base(r.results[k], i) for r in i.regions] for k in range(len(i.outs))]
        threaded = [k for k, o in enumerate(i.outs) if self.gridded(o) and roots[k][0] is roots[k][1] and sum(x[0] is roots[k][0] for x in roots) == 1]
        kept = {roots[k][0]: self.grids.get(roots[k][0]) for k in threaded}
        for k in threaded:
            first = i.regions[0].results[k]
            if first in self.grids:
                self.grids[roots[k][0]] = self.grids[first]
        self.body(i.regions[1], b)
        self.weak = outer
        for k, o in enumerate(i.outs):
            sides = [r.results[k] for r in i.regions]
            if not self.gridded(o):
                self.put(b, o, self.union(b, sides))
            elif k in threaded:
                self.grids[o] = self.grids[sides[1]] if sides[1] in self.grids else self.grid(b, roots[k][0])
            else:
                self.grids[o] = self.store.each(b, [self.grid(b, s) for s in sides], ())
        for root, grid in kept.items():
            if grid is None:
                self.grids.pop(root, None)
            else:
                self.grids[root] = grid

    def summary(self, i: Instr, b: Builder) -> None:
        """Every result depends on everything that is read."""
        found = self.union(b, list(dict.fromkeys(self.influence.reads(i))))
        found = (self.store.node(b, found),) if found else ()
        for o in i.outs:
            if self.tainted(o):
                self.put(b, o, found)

    def build(self, i: Instr, b: Builder) -> None:
        """What makes sets became loops; here nobody reads what varies."""
        raise DerivativeError("E201", "an array constructor whose pattern is asked for", i.loc)

    structures: dict[str, Callable[..., None]] = {"for": loop, "while": loop, "if": branch, "build": build}

