"""Cells: cotangent accumulators and tapes as mutable places while the sweeps are made, then threaded into pure SSA.

The sweeps say `add(cell, v)` or `query(cell, get, i)` wherever they stand, in whatever region. `thread` then walks the finished
program in order of execution, keeps the current version of each cell, and carries it through loops and branches.
Inside a program under construction these are instructions of the pseudo-operations below; none survives threading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from oneform.errors import InternalError, Location
from oneform.ir import Block, Builder, Instr, Op, Value
from oneform.ops import arithmetic, array, constant, for_, integer, lists, zeros
from oneform.types import ANY, I64, Array, Dim, List, Scalar, Type, assignable, element, shape_of


class Cell:
    """A place that holds one version at a time: None stands for zero (for a tape: for nothing yet)."""

    __slots__ = ("tape", "type")

    def __init__(self, type: Type, tape: bool = False):
        self.type, self.tape = type, tape


def _pseudo(name: str, doc: str) -> Op:
    def unreachable(*_: Any, **__: Any) -> Any:
        raise InternalError(f"{name} outside the reverse transform")

    return Op(name, doc, unreachable, unreachable, raises=True)


LOCAL = _pseudo("cell.local", "The cell lives in this region only and starts as zero.")
ADD = _pseudo("cell.add", "Add a scalar, or an array elementwise.")
LOAD = _pseudo("cell.load", "The current version.")
RESET = _pseudo("cell.reset", "Back to zero.")
STORE = _pseudo("cell.store", "Replace the version.")
QUERY = _pseudo("cell.query", "Read by an operation: outs = op(version, *args).")
UPDATE = _pseudo("cell.update", "Write by an operation: version, *outs = op(version, *args).")
ENSURE = _pseudo("cell.ensure", "Make zero explicit: an array or stack must exist before it is read, written in place or carried.")
PSEUDO = {LOCAL, ADD, LOAD, RESET, STORE, QUERY, UPDATE, ENSURE}


def node(nodes: list[Instr], op: Op, cell: Cell, args: Sequence[Value] = (), outs: Sequence[Value] = (), loc: Location | None = None, **attrs: Any) -> None:
    nodes.append(Instr(op, tuple(args), {"cell": cell, **attrs}, (), tuple(outs), loc))


def load(nodes: list[Instr], cell: Cell, loc: Location | None = None) -> Value:
    out = Value(cell.type)
    node(nodes, LOAD, cell, (), (out,), loc)
    return out


def query(nodes: list[Instr], cell: Cell, op: Op, args: Sequence[Value], type: Type, loc: Location | None = None, **attrs: Any) -> Value:
    out = Value(type)
    node(nodes, QUERY, cell, args, (out,), loc, by=op, attrs=attrs)
    return out


Functions = Mapping[str, tuple[list[Cell], list[Type]]]  # recursive functions around: the cells that they carry, and as which types


def touched(nodes: Iterable[Instr], found: dict[Cell, bool] | None = None, functions: Functions = MappingProxyType({})) -> dict[Cell, bool]:
    """The cells that nodes refer to and that live outside them; True where the version may change."""
    found = {} if found is None else found
    local: set[Cell] = set()
    for n in nodes:
        if n.op in PSEUDO:
            cell: Cell = n.attrs["cell"]
            if n.op is LOCAL:
                local.add(cell)
            elif cell not in local:
                found[cell] = found.get(cell, False) or n.op not in (LOAD, QUERY)
        elif n.op.structure == "recur":
            found.update(dict.fromkeys(functions.get(n.attrs["name"], ([], []))[0], True))
        elif n.regions:
            inner: dict[Cell, bool] = {}
            for r in n.regions:
                touched(r.body, inner, functions)
            for cell, changes in inner.items():
                if cell not in local:
                    found[cell] = found.get(cell, False) or changes
    return found


def prune(nodes: Iterable[Instr], present: set[Cell]) -> list[Instr]:
    """The nodes without ENSUREs of what exists already: `present` at the beginning, which the walk keeps up to date.
    What the zero of such an accumulator would be made from is then no residual."""
    kept: list[Instr] = []
    for n in nodes:
        cell: Cell | None = n.attrs["cell"] if n.op in PSEUDO else None
        if n.op is ENSURE and cell in present:
            continue
        if n.op in (LOCAL, RESET):
            present.discard(cell)  # pyright: ignore[reportArgumentType]
        elif cell is not None:
            present.add(cell)
        elif n.regions:
            sides = [set(present) for _ in n.regions]
            regions = tuple(Block(r.params, tuple(prune(r.body, side)), r.results) for r, side in zip(n.regions, sides, strict=True))
            n = Instr(n.op, n.args, n.attrs, regions, n.outs, n.loc)
            present &= set.intersection(*sides)
        kept.append(n)
    return kept


def versions(nodes: Iterable[Instr]) -> dict[Cell, Value]:
    """For the cotangents of lists that live outside the nodes: which version of the list the first of the nodes to say so is about."""
    found: dict[Cell, Value] = {}
    local: set[Cell] = set()
    for n in nodes:
        if n.op is LOCAL:
            local.add(n.attrs["cell"])
        elif n.op in (ADD, ENSURE) and "to" in n.attrs and n.attrs["cell"] not in local:
            found.setdefault(n.attrs["cell"], n.attrs["to"])
        for r in n.regions:
            for c, v in versions(r.body).items():
                if c not in local:
                    found.setdefault(c, v)
    return found


class Threader:
    """One walk over a finished program."""

    def __init__(self) -> None:
        self.env: dict[Value, Value] = {}
        self.versions: dict[Cell, Value | None] = {}
        self.functions: Functions = {}

    def run(self, nodes: Iterable[Instr], b: Builder) -> None:
        for n in nodes:
            b.loc = n.loc
            if n.op in PSEUDO:
                self._cell(n, b)
            elif n.regions:
                self._region(n, b)
            elif n.op.structure == "recur":
                self._call(n, b, (), *self.functions[n.attrs["name"]])
            else:
                b.body.append(self._renamed(n))

    def value(self, v: Value) -> Value:
        return self.env.get(v, v)

    def _renamed(self, n: Instr) -> Instr:
        if not any(a in self.env for a in n.args):
            return n
        return Instr(n.op, tuple(map(self.value, n.args)), n.attrs, n.regions, n.outs, n.loc)

    # ------------------------------------------------------------ operations on cells

    def _cell(self, n: Instr, b: Builder) -> None:
        cell: Cell = n.attrs["cell"]
        args = [self.value(a) for a in n.args]
        version = self.versions.get(cell)
        if n.op in (LOCAL, RESET):
            self.versions[cell] = None
        elif n.op is ADD:
            self.versions[cell] = args[0] if version is None else plus(b, version, args[0])
        elif n.op is LOAD:
            self.env[n.outs[0]] = self._present(cell, b)
        elif n.op is STORE:
            self.versions[cell] = args[0]
        elif n.op is ENSURE:
            self.versions[cell] = version or start(b, cell, args)
        else:
            op: Op = n.attrs["by"]
            version = self._present(cell, b)
            if n.op is QUERY:
                b.body.append(Instr(op, (version, *args), n.attrs.get("attrs", {}), (), n.outs, n.loc))
            else:
                new = Value(version.type)
                b.body.append(Instr(op, (version, *args), n.attrs.get("attrs", {}), (), (new, *n.outs), n.loc))
                self.versions[cell] = new

    def _present(self, cell: Cell, b: Builder) -> Value:
        version = self.versions.get(cell)
        if version is None:
            if isinstance(cell.type, Array) and not all(isinstance(d, int) for d in cell.type.shape):
                raise InternalError(f"a cotangent of type {cell.type} is read before it exists")
            version = start(b, cell, ())
            self.versions[cell] = version
        return version

    # ------------------------------------------------------------ regions

    def _region(self, n: Instr, b: Builder) -> None:
        cells: dict[Cell, bool] = {}
        for r in n.regions:
            touched(r.body, cells, self.functions)
        changed = [c for c, changes in cells.items() if changes]
        for c in cells:  # what is only read must exist before
            if not cells[c] and n.op.structure != "if":
                self._present(c, b)
        if n.op.structure == "if":
            self._branch(n, b, changed)
        elif n.op.structure == "recursive":
            self._recursive(n, b, changed)
        elif n.op.structure == "build" or not cells:
            regions = tuple(self._block(r, b, [])[0] for r in n.regions)
            b.body.append(Instr(n.op, tuple(map(self.value, n.args)), n.attrs, regions, n.outs, n.loc))
        else:
            self._loop(n, b, changed)

    def _block(self, r: Block, b: Builder, changed: list[Cell], params: Sequence[Value] = ()) -> tuple[Block, Builder]:
        sub = b.sub()
        self.run(r.body, sub)
        return Block((*r.params, *params), tuple(sub.body), tuple(map(self.value, r.results))), sub

    def _loop(self, n: Instr, b: Builder, changed: list[Cell]) -> None:
        inits = [self._carried(c, b) for c in changed]
        types = [c.type if assignable(v.type, c.type) else opened(c.type) for c, v in zip(changed, inits, strict=True)]
        before = dict(self.versions)
        regions = self._loop_regions(n, b, changed, types)
        yielded = [r.type for r in regions[-1].results[len(n.outs) :]]
        if not all(map(assignable, yielded, types)):  # a version of open length came in below: the loop carries it as such
            types = [t if assignable(y, t) else opened(t) for y, t in zip(yielded, types, strict=True)]
            self.versions = dict(before)
            regions = self._loop_regions(n, b, changed, types)
        outs = [Value(t) for t in types]
        b.body.append(Instr(n.op, (*map(self.value, n.args), *inits), n.attrs, tuple(regions), (*n.outs, *outs), n.loc))
        self.versions = {**before, **dict(zip(changed, outs, strict=True))}

    def _loop_regions(self, n: Instr, b: Builder, changed: list[Cell], types: Sequence[Type]) -> list[Block]:
        before = dict(self.versions)
        regions: list[Block] = []
        for k, r in enumerate(n.regions):
            params = [Value(t) for t in types]
            self.versions = {**before, **dict(zip(changed, params, strict=True))}
            block, sub = self._block(r, b, changed, params)
            if k == len(n.regions) - 1:  # the body, not the condition of a while
                yielded = tuple(self._carried(c, sub) for c in changed)
                block = Block(block.params, tuple(sub.body), (*block.results, *yielded))
            regions.append(block)
        return regions

    def _recursive(self, n: Instr, b: Builder, changed: list[Cell]) -> None:
        """Every call takes the versions as further arguments and returns new ones."""
        before, outer = dict(self.versions), self.functions
        inits = [self._carried(c, b) for c in changed]
        types = [c.type if assignable(v.type, c.type) else opened(c.type) for c, v in zip(changed, inits, strict=True)]
        while True:
            self.functions = {**outer, n.attrs["name"]: (changed, types)}
            params = [Value(t) for t in types]
            self.versions = {**before, **dict(zip(changed, params, strict=True))}
            block, sub = self._block(n.regions[0], b, changed, params)
            yielded = [self._carried(c, sub) for c in changed]
            if all(assignable(y.type, t) for y, t in zip(yielded, types, strict=True)):
                break
            types = [t if assignable(y.type, t) else opened(t) for y, t in zip(yielded, types, strict=True)]
        self.functions = outer
        self.versions = {**before, **dict(zip(changed, inits, strict=True))}
        whole = Block(block.params, tuple(sub.body), (*block.results, *yielded))
        self._call(n, b, (whole,), changed, types)

    def _call(self, n: Instr, b: Builder, regions: tuple[Block, ...], changed: list[Cell], types: list[Type]) -> None:
        args = (*map(self.value, n.args), *(self._carried(c, b) for c in changed))
        outs = [Value(t) for t in types]
        attrs = {**n.attrs, "types": (*n.attrs["types"], *types)}
        b.body.append(Instr(n.op, args, attrs, regions, (*n.outs, *outs), n.loc))
        self.versions.update(zip(changed, outs, strict=True))

    def _carried(self, cell: Cell, b: Builder) -> Value:
        """The version that a loop carries: a tape not yet allocated is a placeholder."""
        if self.versions.get(cell) is None and cell.tape:
            return undefined(b, cell)
        return self._present(cell, b)

    def _branch(self, n: Instr, b: Builder, changed: list[Cell]) -> None:
        before = dict(self.versions)
        blocks: list[Block] = []
        subs: list[Builder] = []
        ends: list[dict[Cell, Value | None]] = []
        for r in n.regions:
            self.versions = dict(before)
            block, sub = self._block(r, b, changed)
            blocks.append(block)
            subs.append(sub)
            ends.append(self.versions)
        live = [c for c in changed if any(e.get(c) is not None for e in ends)]
        sides: list[list[Value]] = []
        for sub, end in zip(subs, ends, strict=True):
            sides.append([end.get(c) or (start(sub, c, ()) if isinstance(c.type, Scalar) else undefined(sub, c)) for c in live])
        regions = tuple(Block((), tuple(s.body), (*k.results, *extra)) for k, s, extra in zip(blocks, subs, sides, strict=True))
        outs = n.op.types((self.value(n.args[0]).type,), n.attrs, regions)[len(n.outs) :]
        new = [Value(t) for t in outs]
        b.body.append(Instr(n.op, tuple(map(self.value, n.args)), n.attrs, regions, (*n.outs, *new), n.loc))
        self.versions = {**before, **dict.fromkeys(changed), **dict(zip(live, new, strict=True))}


# ---------------------------------------------------------------- what zero is, and sums


def start(b: Builder, cell: Cell, lengths: Sequence[Value]) -> Value:
    """Zero of the cell's type. For a list, `lengths` are the number of its rows, or zeros made in the forward sweep; without them it is empty."""
    t = cell.type
    if isinstance(t, List):
        if not lengths:
            return b.emit1(lists.empty_list, items=t.items)
        return lengths[0] if isinstance(lengths[0].type, List) else lists.zero_rows(b, t, lengths[0])
    if isinstance(t, Scalar):
        return constant(b, 0, t.dtype)
    return zeros(b, t.dtype, t.shape, lengths)


def undefined(b: Builder, cell: Cell) -> Value:
    return b.emit1(array.undef, type=cell.type)


def plus(b: Builder, x: Value, y: Value) -> Value:
    """x + y; for arrays and lists, y is added into x."""
    if isinstance(x.type, List):
        return b.emit1(lists.add_item, x, y, fields=(), reassoc=True)
    if isinstance(x.type, Scalar):
        return b.emit1(arithmetic.add, x, y, reassoc=True)
    return nest(b, y, lambda inner, acc, i: inner.emit1(array.add_at, acc, inner.emit1(array.get, y, *i), *i, reassoc=True), x)


def nest(b: Builder, shape_like: Value, step: Any, acc: Value) -> Value:
    """Loops over all indices of `shape_like`, carrying `acc` through `step(builder, acc, indices)`."""
    lengths = [array_length(b, shape_like, k) for k in range(len(shape_of(shape_like.type)))]

    def level(inner: Builder, k: int, acc: Value, indices: list[Value]) -> Value:
        if k == len(lengths):
            return step(inner, acc, indices)
        body = inner.sub()
        i, carried = body.param(Scalar(I64)), body.param(acc.type)
        result = level(body, k + 1, carried, [*indices, i])
        return inner.emit1(for_, lengths[k], acc, regions=(body.block(result),))

    return level(b, 0, acc, [])


def array_length(b: Builder, a: Value, axis: int) -> Value:
    d: Dim = shape_of(a.type)[axis]
    return integer(b, d) if isinstance(d, int) else b.emit1(array.dim_, a, axis=axis)


def loose(t: Type) -> Type:
    """The same type with every dimension that is no number left open."""
    if not isinstance(t, Array):
        return t
    return Array(element(t), tuple(d if isinstance(d, int) else ANY for d in t.shape))


def opened(t: Type) -> Type:
    """The same type with every dimension left open."""
    return Array(t.dtype, (ANY,) * t.rank) if isinstance(t, Array) else t
