"""Which loops have their rounds in lanes, and what of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oneform.codegen.emit import Emitter
from oneform.codegen.lanes.packs import Packer
from oneform.codegen.lanes.plan import Abreast, apart, is_index
from oneform.codegen.lanes.worth import Price, worthy
from oneform.codegen.loops import trip_count
from oneform.codegen.plan import INPLACE, SLOT, in_memory
from oneform.codegen.scalars import itemsize
from oneform.codegen.target import vector_bytes
from oneform.ir import DEAR, Block, Instr, Value, instructions, reads
from oneform.types import Array, DType, Scalar

_FEWEST = 8  # rounds
_ROWS = 16  # lanes that read rows block by block: more of them would not stay in registers
_LARGEST = {4: 80, 2: 160, 1: 800}  # instructions, by vectors: each is written once for every vector, and for every column of a block


def find_abreast(em: Emitter, loop: Instr) -> Abreast | None:
    """The loop in lanes, if it gains by that more than the loops inside it would."""
    trips = trip_count(em, loop)
    if em.cold or (trips is not None and trips < _FEWEST) or not loop.outs:
        return None
    found = _Finder(em, loop).find()
    if found is None or not worthy(found):
        return None
    price, body = Price(em), loop.regions[0].body
    mine = price.block(body, found)
    others = [_Finder(em, i).find() for i in instructions(found.work) if i.op.structure == "for" and any(j.regions for j in i.regions[0].body)]
    least = min([price.plainly(found), *(price.block(body, o) for o in others if o is not None and worthy(o))])
    return found if mine < least else None


class _Finder:
    def __init__(self, em: Emitter, loop: Instr):
        self.em, self.loop, self.body = em, loop, loop.regions[0]
        self.own = {o: i for i in instructions(self.body.body) for o in i.outs}
        self.inside = {*self.own, *self.body.params, *(p for i in instructions(self.body.body) for r in i.regions for p in r.params)}
        self.dtype: DType | None = None

    def find(self) -> Abreast | None:
        em, loop, body = self.em, self.loop, self.body
        if body in em.plan.start_frees:
            return None
        results = [o.type for i in (*body.body, loop) if i.regions or i.op.cost >= DEAR for o in i.outs]
        floats = {t.dtype for t in results if isinstance(t, Scalar | Array) and t.dtype.kind == "f"}
        if len(floats) != 1:
            return None
        self.dtype = next(iter(floats))
        self.varying = varying(self.body)
        chains = [self.chain(p, body) for p in body.params[1:]]
        free = {k for k, c in enumerate(chains) if c is not None and c[0] is body.results[k] and (not in_memory(loop.outs[k].type) or self.in_place(loop, k))}
        able = self.able({body.params[1 + k] for k in range(len(loop.outs)) if k not in free})
        links = {i for k in free for i in (chains[k] or (None, []))[1] if i in body.body}
        roots = {i for i in body.body if i in able and (i.regions or i.op.cost >= DEAR)} | links
        if not roots or not roots <= able:
            return None
        work = self.needed(roots)
        while readers := {i for i in able - work if any(in_memory(v.type) and v in self.own and self.own[v] in work for v in reads(i))}:
            roots |= readers
            work = self.needed(roots)
        return self.split(work, free, roots) if work <= able else None

    def split(self, work: set[Instr], free: set[int], roots: set[Instr]) -> Abreast | None:
        body, loop = self.body, self.loop
        made = {o: i for i in work for o in i.outs}
        again, handed, queue = set[Instr](), dict[Value, None](), [i for i in body.body if i not in work]
        ends = [r for k, r in enumerate(body.results) if k not in free]
        for v in [*ends, *(v for i in queue for v in reads(i))]:
            if not self.hand(v, made, handed, again):
                return None
        behind = tuple(i for i in body.body if i not in work or i in again)
        inner = list(instructions(i for i in body.body if i in work))
        size = sum(not is_index(o) for i in inner for o in i.outs)
        if size > _LARGEST[1]:
            return None
        scratch = tuple(i for i in inner if any(in_memory(o.type) for o in i.outs) and i.op.lower in ("empty", "full", "build"))
        arrays = frozenset(k for k in free if in_memory(loop.outs[k].type))
        assert self.dtype is not None
        own = {o: i for i in inner for o in i.outs}
        ordered = tuple(i for i in body.body if i in work)
        d = self.dtype
        mine = {o for i in scratch for o in i.outs if in_memory(o.type)}
        _follow(inner, mine)
        packs = Packer(loop.regions[0].params[0], own, self.varying).packs(ordered)
        rows = any(i.op.lower == "get" and i.args[0] not in self.inside and i not in packs and apart(i, loop.regions[0].params[0], own) for i in inner)
        vectors = max(n for n, most in _LARGEST.items() if size <= most)
        if rows:
            vectors = min(vectors, max(1, _ROWS * itemsize(d) // vector_bytes()))
        return Abreast(loop, d, vectors, ordered, behind, tuple(handed), frozenset(free - arrays), arrays, own, self.varying, scratch, frozenset(mine), packs)

    def hand(self, v: Value, made: Mapping[Value, Instr], handed: dict[Value, None], again: set[Instr]) -> bool:
        """Make a value of the work known behind it: a number is handed over, an index is made once more."""
        i = made.get(v)
        if i is None or i in again:
            return True
        if self.number(v):
            handed[v] = None
            return True
        if i.regions or any(in_memory(o.type) for o in i.outs) or not is_index(v):
            return False
        again.add(i)
        return all(self.hand(a, made, handed, again) for a in i.args)

    def needed(self, roots: set[Instr]) -> set[Instr]:
        makers = {o: i for i in self.body.body for o in i.outs}
        found, queue = set[Instr](), list(roots)
        while queue:
            i = queue.pop()
            if i not in found:
                found.add(i)
                queue += [makers[v] for v in reads(i) if v in makers]
        return found

    # ------------------------------------------------------------ what is only added to

    def chain(self, v: Value, block: Block) -> tuple[Value, list[Instr]] | None:
        """What becomes of a carried value by additions alone, each of which is the only one to see it; and the instructions that add."""
        links: list[Instr] = []
        while v not in block.results:
            users = [i for i in block.body if v in reads(i)]
            if len(users) != 1:
                return None
            i = users[0]
            links.append(i)
            if (end := self.link(v, i)) is None:
                return None
            v = end
        return None if any(v in reads(i) for i in block.body) or block.results.count(v) > 1 else (v, links)

    def link(self, v: Value, i: Instr) -> Value | None:
        """The value after one instruction that adds to it."""
        name = i.op.name
        if name in ("add_at", "add", "sub"):
            plain = self.free(i) and v is i.args[0] and v not in i.args[1:]
            return i.outs[0] if plain else None
        if i.op.structure == "for" and v in i.args[1:]:
            k = i.args[1:].index(v)
            region = i.regions[0]
            if v in (i.args[0], *i.args[k + 2 :]) or any(v in reads(j) for j in region.body) or (in_memory(v.type) and not self.in_place(i, k)):
                return None
            inner = self.chain(region.params[1 + k], region)
            return i.outs[k] if inner is not None and inner[0] is region.results[k] else None
        if i.op.structure == "if" and v is not i.args[0]:
            return self.branch(v, i)
        return None

    def free(self, i: Instr) -> bool:
        """Whether an addition may be made in any order."""
        flags = self.em.flags(i.attrs)
        return "reassoc" in flags or "fast" in flags

    def branch(self, v: Value, i: Instr) -> Value | None:
        out: int | None = None
        for r in i.regions:
            inner = self.chain(v, r)
            if inner is None:
                return None
            k = r.results.index(inner[0])
            if out not in (None, k):
                return None
            out = k
        if out is None or (in_memory(v.type) and self.em.plan.merge.get((i, out)) != INPLACE):
            return None
        return i.outs[out]

    def in_place(self, i: Instr, k: int) -> bool:
        plan, region = self.em.plan, i.regions[0]
        return plan.carry.get((i, k)) in (INPLACE, SLOT) and (region, k) not in plan.slot_copies and (i, k + 1) not in plan.copy_args

    # ------------------------------------------------------------ what has a form in lanes

    def able(self, tainted: set[Value]) -> set[Instr]:
        """The instructions of the body that can be done in lanes, given values that cannot be known there."""
        found = set[Instr]()
        for i in self.body.body:
            if any(v in tainted for v in reads(i)) or not self.instr(i):
                tainted.update(i.outs)
            else:
                found.add(i)
        return found

    def block(self, block: Block) -> bool:
        return block not in self.em.plan.start_frees and all(self.instr(i) for i in block.body)

    def instr(self, i: Instr) -> bool:
        plan, d = self.em.plan, self.dtype
        assert d is not None
        if any((i, k) in plan.copy_args for k in range(len(i.args))):
            return False
        match i.op.structure:
            case "for":
                return self.known(i.args[0]) and all(self.carries(i, k) for k in range(len(i.outs))) and self.block(i.regions[0])
            case "build":
                plain = i.attrs["reduce"] in ("", "add", "mul", "max", "min") and all(self.known(a) for a in i.args)
                return plain and all(self.number(r) for r in i.regions[0].results) and self.block(i.regions[0])
            case "if":
                parted = i.args[0] in self.varying
                sides = all(self.block(r) and not any(_makes_memory(j) or (parted and self.astray(j)) for j in instructions(r.body)) for r in i.regions)
                return sides and all(self.merges(i, k) for k in range(len(i.outs)))
            case "":
                return self.simple(i, d)
            case _:
                return False

    def simple(self, i: Instr, d: DType) -> bool:
        match i.op.lower:
            case "const" | "dim":
                return True
            case "undef":
                return self.plain(i.outs[0])
            case "index":
                return True  # whether it raises is asked later
            case "get":
                return self.number(i.outs[0]) or (is_index(i.outs[0]) and i.args[0] not in self.inside)
            case "empty":
                return self.number_array(i.outs[0]) and all(self.known(a) for a in i.args)
            case "full":
                return self.number_array(i.outs[0]) and all(self.known(a) for a in i.args[1:])
            case "set":
                return self.number(i.args[1]) and self.written(i.args[0])
            case "add_at":
                return self.number(i.args[1]) and self.free(i)
            case str() | None:
                return False
            case _:
                pass
        if i.op.raises or any(in_memory(o.type) for o in i.outs):
            return False
        if i.outs[0] not in self.varying:
            return True
        if is_index(i.outs[0]):
            return all(is_index(a) for a in i.args)
        return self.plain(i.outs[0]) and all(is_index(a) or self.plain(a) for a in i.args)

    def astray(self, i: Instr) -> bool:
        """Whether a round that does not come to this instruction cannot do it all the same. The adjoint does not check once more what it reads: where an
        index is that of a round, one that is not here takes another element, but of integers, which may be indices again."""
        if i.op.lower not in ("get", "add_at"):
            return False
        whole = i.op.lower == "get" and is_index(i.outs[0])
        for k in i.args[1:] if i.op.lower == "get" else i.args[2:]:
            maker = self.own.get(k)
            round_ = (maker is None or bool(maker.attrs.get("round"))) and not whole
            fine = round_ or (maker is not None and maker.op.lower == "index" and maker.attrs["checked"])
            if k in self.varying and not fine:
                return True
        return False

    def known(self, v: Value) -> bool:
        """A length that is known before the loop."""
        i = self.em.plan.makers.get(v)
        return v not in self.inside or (i is not None and i.op.lower == "const")

    def number(self, v: Value) -> bool:
        return v.type == Scalar(self.dtype) if self.dtype is not None else False

    def plain(self, v: Value) -> bool:
        """A number or a truth value."""
        return self.number(v) or (isinstance(v.type, Scalar) and v.type.dtype.kind == "b")

    def number_array(self, v: Value) -> bool:
        return isinstance(v.type, Array) and v.type.dtype == self.dtype

    def written(self, array: Value) -> bool:
        """Whether an array that is written to is the round's own."""
        return array in self.inside and self.number_array(array) and array not in self.body.params

    def carries(self, i: Instr, k: int) -> bool:
        p = i.regions[0].params[1 + k]
        if in_memory(p.type):
            return self.number_array(p) and self.in_place(i, k)
        return self.number(p) or p not in self.varying and isinstance(p.type, Scalar) and p.type.dtype.kind in "fi"

    def merges(self, i: Instr, k: int) -> bool:
        out = i.outs[k]
        if in_memory(out.type):
            return self.em.plan.merge.get((i, k)) == INPLACE
        return self.plain(out)


def _makes_memory(i: Instr) -> bool:
    return i.op.lower in ("empty", "full", "build", "copy") and any(in_memory(o.type) for o in i.outs)


def _follow(body: Sequence[Instr], arrays: set[Value]) -> None:
    """Add to some arrays what becomes of them in place."""
    for i in body:
        if i.op.structure == "for":
            arrays.update(p for p, a in zip(i.regions[0].params[1:], i.args[1:], strict=True) if a in arrays)
            _follow(i.regions[0].body, arrays)
            arrays.update(o for o, a in zip(i.outs, i.args[1:], strict=True) if a in arrays)
        elif i.op.structure == "if":
            for r in i.regions:
                _follow(r.body, arrays)
            arrays.update(o for o, r in zip(i.outs, i.regions[0].results, strict=True) if r in arrays)
        elif i.op.lower in ("set", "add_at") and i.args[0] in arrays:
            arrays.add(i.outs[0])


def varying(body: Block) -> frozenset[Value]:
    """What may differ between the rounds of the loop with this body: all but what is made of values from outside alone."""
    found = set(body.params)
    size = -1
    while size != len(found):
        size = len(found)
        _spread(body, found)
    return frozenset(found)


def _spread(block: Block, found: set[Value]) -> None:
    for i in block.body:
        for r in i.regions:
            _spread(r, found)
        match i.op.structure:
            case "for":
                skip = i.args[0] in found
                region = i.regions[0]
                for k, o in enumerate(i.outs):
                    if skip or not found.isdisjoint((i.args[1 + k], region.params[1 + k], region.results[k])):
                        found.update((o, region.params[1 + k]))
                if skip:
                    found.add(region.params[0])
            case "if" if i.args[0] not in found:
                found.update(o for k, o in enumerate(i.outs) if any(r.results[k] in found for r in i.regions))
            case "build":
                found.update(i.outs)
            case _:
                if any(in_memory(o.type) for o in i.outs) or any(v in found for v in reads(i)):
                    found.update(i.outs)
