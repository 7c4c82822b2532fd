"""What the inputs of a derivative decide: values, ways through branches, trip counts, lengths. The rest is known when a pattern is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from oneform.ir import Block, Builder, Instr, Value, free_values, instructions
from oneform.ops import array
from oneform.transforms.lower import as_loops
from oneform.types import Array, List, Scalar

LOOPS = {"for": 1, "while": 0}  # the parameters of a body before what is carried


class Lineage:
    """From which array another was made by writing to elements, so that it has its shape."""

    def __init__(self, block: Block):
        self.made: dict[Value, tuple[Instr, int]] = {o: (i, k) for i in instructions(block.body) for k, o in enumerate(i.outs)}
        self.roots: dict[Value, Value] = {}

    def root(self, v: Value) -> Value:
        if v not in self.roots:
            self.roots[v] = self._root(v)
        return self.roots[v]

    def _root(self, v: Value) -> Value:
        i, k = self.made.get(v, (None, 0))
        if i is None or not isinstance(v.type, Array):
            return v
        if i.op.flow is not None and i.op.consumes == (0,) or i.op is array.copy:
            return self.root(i.args[0])
        skip = LOOPS.get(i.op.structure)
        if skip is not None:
            body = i.regions[-1]
            return self.root(i.args[skip + k]) if self.root(body.results[k]) is body.params[skip + k] else v
        if i.op.structure == "if":
            sides = [self.root(r.results[k]) for r in i.regions]
            return sides[0] if sides[0] is sides[1] else v
        return v

    def base(self, v: Value, i: Instr) -> Value:
        """The value from outside the regions of `i` that `v`, a result of one of them, was made from by writing to elements; else one inside."""
        within = {o for r in i.regions for j in instructions(r.body) for o in j.outs}
        while v in within:
            j, k = self.made[v]
            if j.op.flow is not None and isinstance(j.args[0].type, Array) and (j.op.consumes == (0,) or j.op is array.copy):
                v = j.args[0]
            elif j.op.structure in LOOPS and self.base(j.regions[-1].results[k], j) is j.regions[-1].params[LOOPS[j.op.structure] + k]:
                v = j.args[LOOPS[j.op.structure] + k]
            elif j.op.structure == "if" and len({self.base(r.results[k], j) for r in j.regions}) == 1:
                v = self.base(j.regions[0].results[k], j)
            else:
                break
        return v


class Influence:
    """`tainted`: values, of any type, that change with the inputs. `open`: arrays whose lengths may change with them, and lists of such values."""

    def __init__(self, block: Block, inputs: Iterable[Value]):
        self.tainted: set[Value] = set(inputs)
        self.open: set[Value] = set()
        self.lineage = Lineage(block)
        self._block(block)

    def reads(self, i: Instr) -> Iterator[Value]:
        """What an instruction reads of tainted values, its regions included."""
        yield from (v for v in i.args if v in self.tainted)
        for r in i.regions:
            yield from (v for v in free_values(r) if v in self.tainted)

    def uncertain(self, i: Instr) -> bool:
        """Whether the inputs decide which region runs, or how often."""
        kind = i.op.structure
        decides = i.args[0] if kind in ("if", "for") else i.regions[0].results[0] if kind == "while" else None
        return decides is not None and decides in self.tainted

    def _block(self, block: Block) -> None:
        for i in block.body:
            kind = i.op.structure
            if kind in LOOPS:
                self._loop(i)
            elif kind == "if":
                self._branch(i)
            elif kind == "build":
                self._build(i)
            elif kind:
                if any(True for _ in self.reads(i)):
                    self._taint(i.outs, opened=True)
            else:
                self._plain(i)

    def _taint(self, outs: Iterable[Value], *, opened: bool) -> None:
        """`opened`: lengths that the types do not give may change as well."""
        for o in outs:
            self.tainted.add(o)
            if isinstance(o.type, List) or (opened and isinstance(o.type, Array) and not all(isinstance(d, int) for d in o.type.shape)):
                self.open.add(o)

    def _plain(self, i: Instr) -> None:
        if i.op is array.dim_:
            if i.args[0] in self.open:
                self.tainted.update(i.outs)
            return
        if not any(a in self.tainted for a in i.args):
            return
        lengths = i.args[1:] if i.op is array.full else i.args if i.op is array.empty else ()
        arrays = [a for a in i.args if isinstance(a.type, Array)]
        opened = any(a in self.tainted for a in lengths) or any(a in self.open for a in arrays) or i.op.flow is None
        self._taint(i.outs, opened=opened)

    def _loop(self, i: Instr) -> None:
        skip, body = LOOPS[i.op.structure], i.regions[-1]
        inits = i.args[skip:]
        while True:
            before = len(self.tainted) + len(self.open)
            if self.uncertain(i):
                self.tainted.update(v for r in i.regions for v in r.params)
            for k, (init, y) in enumerate(zip(inits, body.results, strict=True)):
                params = [r.params[skip + k] for r in i.regions]
                if any(v in self.tainted for v in (init, y, *params)):
                    self.tainted.update(params)
                    if isinstance(params[0].type, List):
                        self.open.update(params)
                if any(v in self.open for v in (init, y, *params)):
                    self.open.update(params)
            for r in i.regions:
                self._block(r)
            if len(self.tainted) + len(self.open) == before:
                break
        for o, p, y in zip(i.outs, body.params[skip:], body.results, strict=True):
            if p in self.tainted or y in self.tainted:
                known = self.lineage.root(y) is p and p not in self.open
                self._taint([o], opened=p in self.open or (self.uncertain(i) and not known))

    def _branch(self, i: Instr) -> None:
        for r in i.regions:
            self._block(r)
        for k, o in enumerate(i.outs):
            sides = [r.results[k] for r in i.regions]
            if self.uncertain(i) or any(s in self.tainted for s in sides):
                same = self.lineage.root(sides[0]) is self.lineage.root(sides[1])
                self._taint([o], opened=any(s in self.open for s in sides) or (self.uncertain(i) and not same))

    def _build(self, i: Instr) -> None:
        (region,) = i.regions
        self._block(region)
        lengths = any(a in self.tainted for a in i.args)
        for o, r in zip(i.outs, region.results, strict=True):
            if lengths or r in self.tainted:
                self._taint([o], opened=lengths)


def speculative(i: Instr, influence: Influence) -> bool:
    """Whether both sides of a branch can be run, whichever is taken: nothing in them may raise, or loop for longer than it is known to."""
    for j in instructions(r for region in i.regions for r in region.body):
        if j.op.structure not in ("", "for", "if") or (j.op.structure == "for" and influence.uncertain(j)):
            return False
        if j.op.raises and j.op not in (array.index, array.assert_):
            return False
        if any(isinstance(v.type, List) for v in (*j.args, *j.outs)):
            return False
    return all(isinstance(o.type, Scalar | Array) for o in i.outs)


def lowered(block: Block, influence: Influence, inside_branch: bool = False, kept: Callable[[Instr], bool] = lambda _: False) -> Block:
    """Array constructors that make sets, or that may run where the program would not run them, as loops; not those that are `kept`."""
    b = Builder()
    for i in block.body:
        uncertain = inside_branch or (i.op.structure == "if" and influence.uncertain(i))
        regions = tuple(lowered(r, influence, uncertain, kept) for r in i.regions)
        new = Instr(i.op, i.args, i.attrs, regions, i.outs, i.loc)
        if i.op.structure == "build" and (inside_branch or any(o in influence.tainted for o in i.outs)) and not kept(i):
            as_loops(b, new)
        else:
            b.body.append(new)
    return Block(block.params, tuple(b.body), block.results)
