"""What the rounds of a loop in lanes read again and again: rows that are better transposed once for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oneform.codegen.lanes.plan import Pack, apart, is_index
from oneform.ir import Instr, Value

Around = Mapping[Value, Value | None]  # variables of the loops around, with their lengths


class Packer:
    """Finds reads of a row of each round in a loop that is run again and again: it is better transposed once for all.

    Whether there is such an element, a branch may have asked: a read in one takes part if it is made only where another, in no branch, is made as well."""

    def __init__(self, round_: Value, own: Mapping[Value, Instr], varying: frozenset[Value]):
        self.round, self.own, self.varying = round_, own, varying
        self.found: dict[Instr, Pack] = {}
        self.sure: dict[object, list[tuple[Instr, frozenset[Value]]]] = {}  # reads in no branch, with the lengths of the loops around them
        self.parted: list[tuple[Instr, Around]] = []
        self.numbers: dict[object, int] = {}  # of terms: one that is read twice by each of many is not compared again for each way to it

    def packs(self, work: Sequence[Instr]) -> Mapping[Instr, Pack]:
        self.block(work, {}, False)
        for i, around in self.parted:
            self.join(i, around)
        return self.found

    def block(self, body: Sequence[Instr], around: Around, parted: bool) -> None:
        for i in body:
            for r in i.regions:
                inner = dict(around)
                if i.op.structure == "for":
                    inner[r.params[0]] = i.args[0]
                elif i.op.structure == "build":
                    inner.update(dict.fromkeys(r.params))
                self.block(r.body, inner, parted or i.op.structure == "if")
            if i.op.lower != "get" or i.args[0] in self.own or len(around) < 2 or is_index(i.outs[0]):
                continue
            if parted:
                self.parted.append((i, around))
            elif (found := self.element(i, around)) is not None:
                key, column = found
                same = self.sure.setdefault(key, [])
                same.append((i, _lengths(around)))
                self.found[i] = Pack(same[0][0], column, tuple(around))

    def join(self, i: Instr, around: Around) -> None:
        found = self.element(i, around)
        if found is None:
            return
        key, column = found
        same = self.sure.get(key, [])
        if any(lengths <= _lengths(around) for _, lengths in same):
            self.found[i] = Pack(same[0][0], column, ())

    def element(self, i: Instr, around: Around) -> tuple[object, Value] | None:
        """What tells the elements that are read from others, and the variable of their row; None if they are better read as they are."""
        used = set[Value]()
        keys = [self.key(k, around, used) for k in i.args[1:]]
        columns = [v for v in used if v in around]
        if None in keys or self.round not in used or len(columns) != 1 or i.args[0] in self.varying or not apart(i, self.round, self.own):
            return None
        return (i.args[0], tuple(keys), around[columns[0]] or columns[0]), columns[0]

    def key(self, v: Value, around: Around, used: set[Value], known: dict[Value, object] | None = None) -> object:
        """What an index is, with the variable of the inner loop as that of any."""
        known = {} if known is None else known
        if v not in known:
            known[v] = self.term(v, around, used, known)
        return known[v]

    def term(self, v: Value, around: Around, used: set[Value], known: dict[Value, object]) -> object:
        if v is self.round or v in around:
            used.add(v)
            return "round" if v is self.round else "column"
        i = self.own.get(v)
        if i is None:
            return v if v not in self.varying else None
        if i.regions or (i.op.lower not in ("index", "const", "dim") and not isinstance(i.op.lower, Mapping)):
            return None
        keys = [self.key(a, around, used, known) if is_index(a) else a for a in i.args]
        if None in keys:
            return None
        term = (i.op, tuple(keys), tuple(sorted(i.attrs.items(), key=str)))
        return i.op, self.numbers.setdefault(term, len(self.numbers))


def _lengths(around: Around) -> frozenset[Value]:
    """The lengths of loops; where that is no single value, the loop itself."""
    return frozenset(n or v for v, n in around.items())
