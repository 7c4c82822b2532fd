"""Where values are defined and read: which arrays keep their elements, and which versions share one cotangent."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from oneform.ir import Block, Instr, Value
from oneform.ops import lists
from oneform.ops.control.recursion import calls
from oneform.transforms.reverse.shadow import MARKS
from oneform.types import Scalar

Path = tuple[tuple[Instr, int], ...]  # the branches around a place, outermost first, with the side taken


@dataclass(frozen=True)
class Place:
    order: int  # program order
    loop: Instr | None  # innermost loop or array constructor around it
    path: Path


class Usage:
    """One pass over a function's block."""

    def __init__(self, block: Block):
        self.defined: dict[Value, Place] = {}
        self.maker: dict[Value, Instr] = {}
        self.start: dict[Instr, int] = {}  # of instructions with regions, in program order: what they make is not before
        self.uses: dict[Value, list[tuple[Place, Instr | None]]] = defaultdict(list)
        self.overwritten: set[Value] = set()  # arrays whose memory a later version may take over
        self.root: dict[Value, Value] = {}
        self.twin: dict[Value, Value] = {}  # the latest copy of a value, while a region is being copied
        self._order = 0
        self._consumed: list[tuple[Value, Value, Place]] = []
        self._block(block, None, ())
        for x, y, place in self._consumed:
            if self._last(x, place):
                self.root[y] = self.root_of(x)
        self._share()

    def root_of(self, v: Value) -> Value:
        """The first version of the array that v is a version of: they share one cotangent."""
        return self.root.get(v, v)

    def _share(self) -> None:
        """A mark and its operand are one array: if a later version may take over the memory of one, the other's is gone as well."""
        marks = [(y, i.args[i.outs.index(y)]) for y, i in self.maker.items() if i.op in MARKS and not isinstance(y.type, Scalar)]
        for pairs in (marks, reversed(marks)):
            for y, x in pairs:
                if x in self.overwritten or y in self.overwritten:
                    self.overwritten.update((x, y))

    def _block(self, block: Block, loop: Instr | None, path: Path) -> None:
        for p in block.params:
            self.defined[p] = Place(self._order, loop, path)
        for i in block.body:
            self._order += 1
            here = Place(self._order, loop, path)
            if i.regions:
                self.start[i] = self._order
            for k, a in enumerate(i.args):
                if i.op is not lists.size or i.attrs["fields"]:  # the number of rows is kept apart from them
                    self.uses[a].append((here, i))
                if k in i.op.consumes or i.op.structure in ("for", "while"):
                    self._take(a)
            for k, r in enumerate(i.regions):
                if i.op.structure == "recursive":
                    self._function(r, i)
                elif i.op.structure == "if":
                    self._block(r, loop, (*path, (i, k)))
                else:
                    self._block(r, i, ())
            for o in i.outs:
                self.defined[o] = Place(self._order, loop, path)
                self.maker[o] = i
            for k in i.op.consumes:
                self._consumed.append((i.args[k], i.outs[0], here))
        self._order += 1
        for r in block.results:
            self.uses[r].append((Place(self._order, loop, path), None))
            if loop is not None or path:
                self._take(r)

    def _function(self, region: Block, i: Instr) -> None:
        """A recursive function may write to the arrays that it is given, if it does so to the parameters."""
        self._block(region, i, ())
        sites = [i, *calls(region, i.attrs["name"])]
        before = -1
        while len(self.overwritten) != before:
            before = len(self.overwritten)
            for k, p in enumerate(region.params):
                if p in self.overwritten:
                    self.overwritten.update(s.args[k] for s in sites)

    def _take(self, v: Value) -> None:
        if not isinstance(v.type, Scalar):
            self.overwritten.add(v)

    def _last(self, x: Value, place: Place) -> bool:
        """Whether nobody reads x after `place`, which lies in the same iteration as its definition."""
        if self.defined[x].loop is not place.loop:
            return False
        later = [u for u, _ in self.uses[x] if u.order > place.order]
        return all(_exclusive(u, place) for u in later)


def _exclusive(a: Place, b: Place) -> bool:
    """Whether two places lie on different sides of one branch."""
    sides = dict(b.path)
    return any(i in sides and sides[i] != k for i, k in a.path)
