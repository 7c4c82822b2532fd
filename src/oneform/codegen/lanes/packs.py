"""What the rounds of a loop in lanes read again and again: rows that are better transposed once for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oneform.codegen.lanes.plan import Pack, apart, is_index
from oneform.ir import Instr, Value


class Packer:
    """Finds reads of a row of each round in a loop that is run again and again: it is better transposed once for all."""

    def __init__(self, round_: Value, own: Mapping[Value, Instr], varying: frozenset[Value]):
        self.round, self.own, self.varying = round_, own, varying
        self.found: dict[Instr, Pack] = {}
        self.first: dict[object, Instr] = {}

    def packs(self, work: Sequence[Instr]) -> Mapping[Instr, Pack]:
        self.block(work, {})
        return self.found

    def block(self, body: Sequence[Instr], around: Mapping[Value, Value | None]) -> None:
        for i in body:
            for r in i.regions if i.op.structure != "if" else ():  # whether there is such an element, a branch may have asked
                inner = dict(around)
                if i.op.structure == "for":
                    inner[r.params[0]] = i.args[0]
                elif i.op.structure == "build":
                    inner.update(dict.fromkeys(r.params))
                self.block(r.body, inner)
            if i.op.lower == "get" and i.args[0] not in self.own and len(around) > 1 and not is_index(i.outs[0]):
                self.read(i, around)

    def read(self, i: Instr, around: Mapping[Value, Value | None]) -> None:
        used = set[Value]()
        keys = [self.key(k, around, used) for k in i.args[1:]]
        columns = [v for v in used if v in around]
        if None in keys or self.round not in used or len(columns) != 1 or i.args[0] in self.varying:
            return
        if not apart(i, self.round, self.own):
            return  # neighbours are read as they are
        length = around[columns[0]]
        key = i.args[0], tuple(keys), length or columns[0]
        self.found[i] = Pack(self.first.setdefault(key, i), columns[0], tuple(around))

    def key(self, v: Value, around: Mapping[Value, Value | None], used: set[Value]) -> object:
        """What an index is, with the variable of the inner loop as that of any."""
        if v is self.round or v in around:
            used.add(v)
            return "round" if v is self.round else "column"
        i = self.own.get(v)
        if i is None:
            return v if v not in self.varying and v not in around else None
        if i.regions or (i.op.lower not in ("index", "const", "dim") and not isinstance(i.op.lower, Mapping)):
            return None
        keys = [self.key(a, around, used) if is_index(a) else a for a in i.args]
        return None if None in keys else (i.op, tuple(keys), tuple(sorted(i.attrs.items(), key=str)))
