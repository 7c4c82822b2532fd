"""Reverse mode of a block: the forward sweep, and the adjoint of each instruction in reverse order.

`split` makes both sweeps of a block. `host` puts them one behind the other in one region, where the adjoint reads the values of the
forward sweep directly. Where the adjoint must run elsewhere (another loop, another branch) the construct's own file decides what
is saved for it. Naming: F forward sweep, R reverse sweep, ct cotangent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from oneform.errors import DerivativeError, InternalError
from oneform.ir import Block, Builder, Instr, Op, Value, instructions
from oneform.ops import Term, array, constant, dim, lists
from oneform.transforms.activity import Activity, Poison, partial_attrs
from oneform.transforms.linear import times
from oneform.transforms.reverse.cells import ADD, ENSURE, LOCAL, RESET, UPDATE, Cell, load, node, query, touched, versions
from oneform.transforms.reverse.early import Early
from oneform.transforms.reverse.shadow import plain
from oneform.transforms.reverse.usage import Usage
from oneform.types import ANY, Array, List, Scalar, Type, element, shape_of

Nodes = list[Instr]
Construct = Callable[["Sweep", Instr, Nodes, Nodes, "Early | None"], None]


class Sweep:
    """The state of one reverse transform. `constructs` maps a structure to the function that differentiates it."""

    def __init__(self, block: Block, inputs: Iterable[Value], outputs: Iterable[Value], constructs: Mapping[str, Construct]):
        self.constructs = constructs
        self.usage = Usage(block)
        self.active = Activity(block, inputs, outputs).active
        self.poison = Poison(block)
        self.accounts = {self.usage.root_of(v) for v in self.active}  # the values that own a cotangent, their own or their versions'
        self.lengths: dict[Value, list[Value]] = {}  # of active arrays: their dimensions that are no number
        self.within: list[set[Value]] = []  # values made inside each enclosing loop whose adjoint runs later
        self.functions: dict[str, Block] = {}  # recursive functions around
        self.fused: set[Block] = set()  # those whose calls run forward and backward at once
        self._cells: dict[Value, Cell] = {}
        self._symbols: list[dict[str, Value]] = [{}]

    # ------------------------------------------------------------ cotangents

    def cell(self, v: Value) -> Cell:
        """Where the cotangent of v is accumulated; versions of one array share it."""
        root = self.usage.root_of(v)
        if root not in self._cells:
            t = root.type
            self._cells[root] = Cell(lists.tangent_list(t) if isinstance(t, List) else t)
        return self._cells[root]

    def accumulate(self, nodes: Nodes, v: Value, ct: Value, loc: Any = None) -> None:
        """ct(v) += ct"""
        if v in self.active:
            node(nodes, ADD, self.cell(v), (ct,), (), loc, **({"to": v} if isinstance(v.type, List) else {}))

    def ensure(self, nodes: Nodes, v: Value) -> None:
        """The accumulator of an array or list exists from here on; what its zero is made from was measured in the forward sweep."""
        if isinstance(v.type, List):
            node(nodes, ENSURE, self.cell(v), self.lengths[v], to=v)
        elif not isinstance(v.type, Scalar):
            node(nodes, ENSURE, self.cell(v), self.lengths.get(self.usage.root_of(v), ()))

    def ensure_touched(self, nodes: Nodes, region_nodes: Iterable[Instr], i: Instr) -> None:
        """Around a region of i: the accumulators of arrays and lists that it adds to must exist, a list's as it is there."""
        region = list(region_nodes)
        owner = {c: v for v, c in self._cells.items()}
        about = versions(region)
        for c in touched(region):
            if isinstance(c.type, Array) and c in owner:
                self.ensure(nodes, owner[c])
            elif c in about and (v := self._before(about[c], i)) is not None:
                self.ensure(nodes, v)

    def _before(self, v: Value, i: Instr) -> Value | None:
        """The version of a list that instruction i finds; None if the list is made in it, or has no cotangent before."""
        usage = self.usage
        while i in usage.start and v in usage.defined and usage.defined[v].order >= usage.start[i]:
            maker = usage.maker.get(v)
            if maker is None or v not in usage.root:
                return None
            v = maker.args[0]
        return v if v in self.lengths else None

    def readable(self, a: Value) -> bool:
        """Whether the elements of an array are still there when the reverse sweep runs, without saving the array."""
        return a not in self.usage.overwritten and not any(a in w for w in self.within)

    def copied(self, body: Sequence[Instr], copy: Sequence[Instr]) -> None:
        """Copies of instructions are as active as the originals, and use their arrays alike."""
        usage = self.usage
        for old, new in zip(instructions(body), instructions(copy), strict=True):
            pairs = [*zip(old.outs, new.outs, strict=True)]
            for r, s in zip(old.regions, new.regions, strict=True):
                pairs += zip(r.params, s.params, strict=True)
            for v, w in pairs:
                if v in self.active:
                    self.active.add(w)
                if v in self.accounts:
                    self.accounts.add(w)
                for marked in (self.poison.behind, self.poison.risky):
                    if v in marked:
                        marked.add(w)
                if v in usage.overwritten:
                    usage.overwritten.add(w)
                usage.twin[v] = w
        for old in instructions(body):
            for v in (*old.outs, *(p for r in old.regions for p in r.params)):
                if v in usage.root:
                    root = usage.root[v]
                    usage.root[usage.twin[v]] = usage.twin.get(root, root)
        for new in instructions(copy):
            usage.maker.update(dict.fromkeys(new.outs, new))

    # ------------------------------------------------------------ blocks

    def locals(self, block: Block) -> list[Cell]:
        """The cells of values that a block makes, branches included, loops not."""
        found: dict[Cell, None] = {}
        for v in made(block):
            if v in self.accounts:
                found[self.cell(v)] = None
        return list(found)

    def split(self, block: Block, early: Early | None) -> tuple[Nodes, Nodes]:
        """Both sweeps of a block's instructions."""
        forward: Nodes = []
        pieces: list[Nodes] = []
        self._symbols.append(dict(self._symbols[-1]))
        self.measure(forward, block.params)
        if early is not None:
            early.known(block.params)
        for i in block.body:
            piece: Nodes = []
            after: Nodes = []
            self.measure(after, i.outs)
            if i.op.structure and self.concerned(i):
                self.constructs[i.op.structure](self, i, forward, piece, early)
            else:
                forward.append(plain(i))
                if not i.regions and any(o in self.active for o in i.outs):
                    self.instruction(i, piece)
            forward += after
            if early is not None:
                early.known(i.outs)
            pieces.append(piece)
        self._symbols.pop()
        return forward, [n for piece in reversed(pieces) for n in piece]

    def checkpoint(self) -> Callable[[], None]:
        """What undoes everything that is noted from here on."""
        kept = dict(self.lengths), [dict(s) for s in self._symbols], dict(self.functions), set(self.fused), list(self.within)

        def undo() -> None:
            self.lengths, self._symbols, self.functions, self.fused, self.within = kept

        return undo

    def concerned(self, i: Instr) -> bool:
        return any(o in self.active for o in i.outs) or any(o in self.active for r in i.regions for m in instructions(r.body) for o in m.outs)

    def host(self, block: Block, seeds: Mapping[int, Value | Callable[[Nodes], Value]], plain: bool = True) -> Nodes:
        """Both sweeps in one region, with the cotangents of the block's results. `plain`: these are known before the forward sweep."""
        given = {k: v for k, v in seeds.items() if isinstance(v, Value)} if plain else {}
        early = Early(self, block, given)
        forward, reverse = self.split(block, early)
        nodes: Nodes = []
        for c in self.locals(block):
            node(nodes, LOCAL, c)
        nodes += forward
        for k, seed in seeds.items():
            self.accumulate(nodes, block.results[k], seed if isinstance(seed, Value) else seed(nodes))
        return nodes + as_reverse(reverse)

    def measure(self, forward: Nodes, values: Sequence[Value]) -> None:
        """Note the lengths of active arrays and lists while they are at hand."""
        for v in values:
            if v in self.active and isinstance(v.type, List):
                b = Builder()
                self.lengths[v] = [b.emit1(lists.size, v, fields=(), axis=0) if lists.flat(v.type) else lists.like(b, v)]
                forward.extend(b.body)
            if v in self.accounts and isinstance(v.type, Array) and v not in self.lengths:
                self.lengths[v] = [self._length(forward, v, k) for k, d in enumerate(v.type.shape) if not isinstance(d, int)]

    def _length(self, forward: Nodes, v: Value, axis: int) -> Value:
        symbol = shape_of(v.type)[axis]
        assert isinstance(symbol, str)
        known = self._symbols[-1].get(symbol)
        if known is None:
            b = Builder()
            known = dim(b, v, axis)
            forward.extend(b.body)
            if symbol != ANY:
                self._symbols[-1][symbol] = known
        return known

    # ------------------------------------------------------------ single instructions

    def instruction(self, i: Instr, nodes: Nodes) -> None:
        op = i.op
        if op.partials is not None:
            self._pointwise(i, nodes)
        elif op.transpose is not None:
            op.transpose(Transposer(self, i, nodes), i)
        else:
            raise DerivativeError("E201", f"the operation {op.name} has no derivative: {op.missing.get('derivative', 'none is stated')}", i.loc)

    def _pointwise(self, i: Instr, nodes: Nodes) -> None:
        """ct(x_k) += ct(y) dy/dx_k"""
        if i.op.partials is None or not isinstance(i.outs[0].type, Scalar):
            raise InternalError(f"{i.op.name} on arrays is differentiated only after `prepare`")
        b = Builder(i.loc)
        b.body = nodes
        (y,) = i.outs
        ct = Term(b, load(nodes, self.cell(y), i.loc))
        start = len(nodes)
        partials = i.op.partials(*(Term(b, a) for a in i.args), Term(b, y), **partial_attrs(i))
        factors = nodes[start:]
        for a, p in zip(i.args, partials, strict=True):
            if a in self.active:
                guarded = self.poison.guards(y, factors, p.v if isinstance(p, Term) else None)
                product = times(ct, p, element(a.type), guarded)
                if product is not None:
                    self.accumulate(nodes, a, product.v, i.loc)

    def move(self, nodes: Nodes, source: Value, target: Value) -> None:
        """ct(target) += ct(source), whose own account is closed; nothing happens where they share a cell."""
        if self.cell(source) is self.cell(target) or source not in self.active:
            return
        self.ensure(nodes, source)
        ct = load(nodes, self.cell(source))
        node(nodes, RESET, self.cell(source))
        self.accumulate(nodes, target, ct)


def made(block: Block) -> Iterable[Value]:
    """The values that a block makes itself, those in branches included, those in loops not."""
    yield from block.params
    yield from results_of(block.body)


def results_of(nodes: Iterable[Instr]) -> Iterable[Value]:
    """The results of instructions and of those in branches below them."""
    for i in nodes:
        yield from i.outs
        if i.op.structure == "if":
            for r in i.regions:
                yield from results_of(r.body)


def as_reverse(nodes: Iterable[Instr]) -> Nodes:
    """The nodes, each with the place that it has in the reverse sweep: whoever measures derivatives tells the sweeps apart by it."""
    out: Nodes = []
    for n in nodes:
        loc = n.loc and n.loc.as_role("reverse")
        regions = tuple(Block(r.params, tuple(as_reverse(r.body)), r.results) for r in n.regions)
        out.append(n if loc is n.loc and not regions else Instr(n.op, n.args, n.attrs, regions, n.outs, loc))
    return out


class Transposer:
    """What the transpose rule of an operation may do with cotangents."""

    def __init__(self, sweep: Sweep, instr: Instr, nodes: Nodes):
        self.sweep, self.instr, self.nodes = sweep, instr, nodes

    def cotangent(self, out: Value) -> Value:
        self.sweep.ensure(self.nodes, out)
        return load(self.nodes, self.sweep.cell(out), self.instr.loc)

    def accumulate(self, arg: Value, ct: Value) -> None:
        self.sweep.accumulate(self.nodes, arg, ct, self.instr.loc)

    def zero(self, v: Value) -> Value:
        """Zero of a number's type."""
        b = Builder(self.instr.loc)
        out = constant(b, 0, element(v.type))
        self.nodes.extend(b.body)
        return out

    def copy(self, out: Value) -> Value:
        """A copy of ct(out)."""
        return self.query(out, array.copy, (), self.sweep.cell(out).type)

    def query(self, out: Value, op: Op, args: Sequence[Value], type: Type, **attrs: Any) -> Value:
        """op(ct(out), args), which changes nothing."""
        self.sweep.ensure(self.nodes, out)
        return query(self.nodes, self.sweep.cell(out), op, args, type, self.instr.loc, **attrs)

    def update(self, out: Value, op: Op, args: Sequence[Value], types: Sequence[Type], **attrs: Any) -> list[Value]:
        """ct(out), *results = op(ct(out), args)"""
        if out not in self.sweep.active:
            raise InternalError("an adjoint of what has none")
        cell = self.sweep.cell(out)
        self.sweep.ensure(self.nodes, out)
        found = op.types((cell.type, *(a.type for a in args)), attrs, ())
        outs = [Value(t) for t in found[1:]]
        node(self.nodes, UPDATE, cell, args, outs, self.instr.loc, by=op, attrs=attrs)
        return outs

    def accumulate_at(self, a: Value, index: Sequence[Value], ct: Value) -> None:
        """ct(a)[index] += ct"""
        if a in self.sweep.active:
            self.sweep.ensure(self.nodes, a)
            node(self.nodes, UPDATE, self.sweep.cell(a), (ct, *index), (), self.instr.loc, by=array.add_at, attrs={"reassoc": True})

    def read(self, out: Value, index: Sequence[Value]) -> Value:
        """ct(out)[index]"""
        self.sweep.ensure(self.nodes, out)
        return query(self.nodes, self.sweep.cell(out), array.get, index, Scalar(element(out.type)), self.instr.loc)

    def take(self, out: Value, index: Sequence[Value]) -> Value:
        """ct(out)[index], which becomes 0"""
        ct, zero = self.read(out, index), self.zero(out)
        node(self.nodes, UPDATE, self.sweep.cell(out), (zero, *index), (), self.instr.loc, by=array.set_)
        return ct

    def total(self, out: Value) -> Value:
        """The sum of all elements of ct(out)."""
        ct = self.cotangent(out)
        b = Builder(self.instr.loc)
        shape = shape_of(out.type)
        total = array.build(b, (), self.sweep.lengths[self.sweep.usage.root_of(out)], lambda body, i: body.emit1(array.get, ct, *i), extent=shape, reduce="add")
        self.nodes.extend(b.body)
        return total

    def column_sum(self, out: Value, field: int, type: Type) -> Value:
        """The sum over all rows of one column of ct(out)."""
        ct = self.cotangent(out)
        b = Builder(self.instr.loc)
        shape = shape_of(type)
        rows = b.emit1(lists.size, ct, fields=(), axis=0)

        def term(body: Builder, i: list[Value]) -> Value:
            return body.emit1(lists.item, ct, i[-1], *i[:-1], fields=(field,))

        total = array.build(b, shape, [rows], term, extent=(ANY,), reduce="add")
        self.nodes.extend(b.body)
        return total

    def pass_on(self, out: Value, arg: Value) -> None:
        """ct(arg) += ct(out): for free where both are versions of one array."""
        self.sweep.move(self.nodes, out, arg)
