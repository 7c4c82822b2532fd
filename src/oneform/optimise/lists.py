"""What is known of lists: the length and the elements of one that was just made or changed, and lengths that a loop does not change.

A list is changed in place, so its old version must not be read after the change, or it would be copied. A rule may follow versions
back to a number that went in, or to a number of rows (which is kept apart from the rows); but never move a read of rows to an older version,
nor postpone one beyond a change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from oneform.ir import Block, Builder, Function, Instr, Value, instructions
from oneform.ops import OPS, array, integer, lists
from oneform.optimise.facts import integer_of, linear
from oneform.optimise.rewrite import Rewriter, map_blocks
from oneform.types import List, Scalar

Fields = tuple[int, ...]


def simplify_lists(f: Function) -> Function:
    every = list(instructions(f.block.body))
    if not any(isinstance(o.type, List) for i in every for o in i.outs):
        return f
    return _Lists(f, every).function(map_blocks(f, _Lengths(every).block))


def _fields(i: Instr) -> Fields:
    return i.attrs.get("fields", ())


def _count(b: Builder, s: Value) -> Value:
    return b.emit1(lists.size, s, fields=(), axis=0)


# ---------------------------------------------------------------- numbers of rows that stay


def _kept(v: Value, p: Value, makers: dict[Value, Instr]) -> bool:
    """Whether v has as many rows as p, of which it is a later version."""
    while v is not p:
        i = makers.get(v)
        if i is None:
            return False
        k = i.outs.index(v)
        if i.op.structure == "if":
            return all(_kept(r.results[k], p, makers) for r in i.regions)
        if i.op.structure in ("for", "while"):
            body, skip = i.regions[-1], len(i.args) - len(i.outs)
            if not _kept(body.results[k], body.params[len(body.params) - len(i.outs) + k], makers):
                return False
            v = i.args[skip + k]
        elif k == 0 and (i.op in (lists.put, lists.add_item, lists.swap) or (i.op in (lists.push, lists.pop) and _fields(i))):
            v = i.args[0]
        else:
            return False
    return True


def _origins(every: Sequence[Instr]) -> dict[Value, Value]:
    """Of lists that loops carry and give: what the loop starts from, if every iteration leaves the number of rows as it was."""
    makers = {o: i for i in every for o in i.outs}
    found: dict[Value, Value] = {}
    for i in every:
        if i.op.structure not in ("for", "while"):
            continue
        body, skip = i.regions[-1], len(i.args) - len(i.outs)
        for k, o in enumerate(i.outs):
            if isinstance(o.type, List) and _kept(body.results[k], body.params[len(body.params) - len(i.outs) + k], makers):
                found[o] = i.args[skip + k]
                found.update((r.params[len(r.params) - len(i.outs) + k], i.args[skip + k]) for r in i.regions)
    return found


# ---------------------------------------------------------------- lengths in rows, before the loops that do not change them


class _Lengths:
    """A length that a loop asks for again and again is asked for before it as well, where the row is certainly there; the next pass keeps one."""

    def __init__(self, every: Sequence[Instr]):
        self.makers = {o: i for i in every for o in i.outs}
        self.origins = _origins(every)
        self.counts = {i.regions[0].params[0]: i.args[0] for i in every if i.op.structure == "for"}

    def block(self, block: Block) -> Block:
        body: list[Instr] = []
        for i in block.body:
            regions = tuple(self.block(r) for r in i.regions)
            j = i if regions == i.regions else Instr(i.op, i.args, i.attrs, regions, i.outs, i.loc)
            if j.op.structure in ("for", "while"):
                body += [Instr(n.op, n.args, n.attrs, (), tuple(Value(o.type) for o in n.outs), n.loc) for n in self.asked(j)]
            body.append(j)
        same = len(body) == len(block.body) and all(x is y for x, y in zip(body, block.body, strict=True))
        return block if same else Block(block.params, tuple(body), block.results)

    def asked(self, loop: Instr) -> list[Instr]:
        inside = [j for r in loop.regions for j in instructions(r.body)]
        own = {v for r in (loop, *inside) for b in r.regions for v in b.params} | {o for j in inside for o in j.outs}
        found = {(j.args, _fields(j), j.attrs["axis"]): j for j in inside if j.op is lists.size and _fields(j) and own.isdisjoint(j.args)}
        return [j for j in found.values() if all(self.certain(j, k) for k in range(len(_fields(j))))]

    def certain(self, i: Instr, step: int) -> bool:
        """Whether the row index of one step of a path is known to be in range."""
        at = i.args[1 + step]
        made, bound = self.makers.get(at), self.counts.get(at)
        if made is not None and made.op is OPS["index"]:
            bound = made.args[1]
        length = self.makers.get(bound) if bound is not None else None
        if length is not None and length.op is OPS["maximum"]:
            length = self.makers.get(length.args[0])
        if length is None or length.op is not lists.size:
            return False
        same = length.args[1:] == i.args[1 : 1 + step] and _fields(length) == _fields(i)[:step]
        return same and (length.args[0] is i.args[0] or (step == 0 and self.origin(length.args[0]) is self.origin(i.args[0])))

    def origin(self, s: Value) -> Value:
        while s in self.origins:
            s = self.origins[s]
        return s


# ---------------------------------------------------------------- rules


class _Lists(Rewriter):
    def __init__(self, f: Function, every: Sequence[Instr]):
        rules = {
            "size": (self.rows, self.length_inside), "dim": (self.length,), "get": (self.element,), "item": (self.number, self.longer_path),
            "pop": (self.popped,),
        }  # fmt: skip
        super().__init__(rules)
        self.origins = _origins(every)
        self.taken: set[Value] = set()
        self.uses: Counter[Value] = Counter(f.results)
        for i in every:
            holds = i.op in (lists.push, lists.swap) or i.op.structure in ("for", "while", "recursive", "recur")
            self.taken.update(i.args if holds else (i.args[k] for k in i.op.consumes))
            self.uses.update(i.args)
            for r in i.regions:
                self.taken.update(r.results)
                self.uses.update(r.results)

    # Rules take the rewriter, which is self.

    def rows(self, _: Rewriter, i: Instr) -> Sequence[Value] | None:
        """The number of rows: of a new list; one more after a push and one less after a pop; as before after any other change."""
        if _fields(i):
            return None
        s = i.args[0]
        if s in self.origins:
            return (_count(self.new, self.origins[s]),)
        d = self.defs.get(s)
        if d is None or d.outs[0] is not s:
            return None
        if d.op is lists.empty_list:
            return (integer(self.new, 0),)
        if d.op in (lists.push, lists.pop) and not _fields(d):
            op = OPS["add"] if d.op is lists.push else OPS["sub"]
            return self.new.emit(op, _count(self.new, d.args[0]), integer(self.new, 1))
        if d.op is lists.repeat:
            return self.new.emit(OPS["maximum"], d.args[0], integer(self.new, 0))
        if d.op in (lists.put, lists.add_item, lists.swap, lists.push, lists.pop, lists.like_op, array.copy):
            return (_count(self.new, d.args[0]),)
        return None

    def whole(self, v: Value) -> Instr | None:
        """The `item` that gives v, an array or list, if what it is read from is not changed later."""
        d = self.defs.get(v)
        return d if d is not None and d.op is lists.item and d.args[0] not in self.taken else None

    def length_inside(self, _: Rewriter, i: Instr) -> Sequence[Value] | None:
        """size (item s, p), q = size s, p q"""
        d = self.whole(i.args[0])
        return None if d is None else self.new.emit(lists.size, *d.args, *i.args[1:], fields=(*_fields(d), *_fields(i)), axis=i.attrs["axis"])

    def length(self, _: Rewriter, i: Instr) -> Sequence[Value] | None:
        """dim (item s, p) = size s, p"""
        d = self.whole(i.args[0])
        return None if d is None else self.new.emit(lists.size, *d.args, fields=_fields(d), axis=i.attrs["axis"])

    def element(self, _: Rewriter, i: Instr) -> Sequence[Value] | None:
        """get (item s, p), j = item s, p, j"""
        d = self.whole(i.args[0])
        return None if d is None else self.new.emit(lists.item, *d.args, *i.args[1:], fields=_fields(d))

    def longer_path(self, _: Rewriter, i: Instr) -> Sequence[Value] | None:
        """item (item s, p), q = item s, p q"""
        d = self.whole(i.args[0])
        return None if d is None else self.new.emit(lists.item, *d.args, *i.args[1:], fields=(*_fields(d), *_fields(i)))

    def popped(self, _: Rewriter, i: Instr) -> Sequence[Value] | None:
        """pop (push s, row) = s, row where nobody else sees the longer list"""
        d = self.defs.get(i.args[0])
        if d is None or d.op is not lists.push or _fields(d) or _fields(i) or self.uses[d.outs[0]] != 1:
            return None
        return d.args

    def number(self, _: Rewriter, i: Instr) -> Sequence[Value] | None:
        """The number last put at a place, past changes of other places."""
        if not isinstance(i.outs[0].type, Scalar):
            return None
        at, fields, s = i.args[1:], _fields(i), i.args[0]
        while (d := self.defs.get(s)) is not None and s is d.outs[0]:
            if d.op in (lists.put, lists.add_item, lists.swap):
                if not self.distinct(at, fields, d.args[2:], _fields(d)):
                    return (d.args[1],) if d.op is lists.put and fields == _fields(d) and self.same(at, d.args[2:]) else None
            elif d.op is lists.push and not _fields(d):
                last = self.is_last(at[0], d.args[0])
                if last is None:
                    return None
                if last:
                    v = d.args[1 + fields[0]]
                    return (v,) if isinstance(v.type, Scalar) else None
            elif d.op is lists.repeat:
                v = d.args[1 + fields[0]]
                return (v,) if isinstance(v.type, Scalar) else None
            elif d.op is not array.copy and not (d.op is lists.pop and not _fields(d)):
                return None
            s = d.args[0]
        return None

    def same(self, x: Sequence[Value], y: Sequence[Value]) -> bool:
        return len(x) == len(y) and all(a is b or ((c := integer_of(self, a)) is not None and c == integer_of(self, b)) for a, b in zip(x, y, strict=True))

    def distinct(self, x: Sequence[Value], fields: Fields, y: Sequence[Value], others: Fields) -> bool:
        """Whether two paths certainly lead to different places, neither of them inside the other."""
        for a, b in zip(x, y, strict=False):
            c, d = integer_of(self, a), integer_of(self, b)
            if c is not None and d is not None and c != d:
                return True
        return any(f != g for f, g in zip(fields, others, strict=False))

    def is_last(self, k: Value, s: Value) -> bool | None:
        """Whether row k of `push s` is the new one; None if that is not known."""
        e, c = linear(self, k), integer_of(self, k)
        if e.const == 0 and len(e.terms) == 1 and e.terms[0][1] == 1 and (d := self.defs.get(e.terms[0][0])) and d.op is lists.size and d.args == (s,):
            return True
        n = 0
        while (m := self.defs.get(s)) is not None and s is m.outs[0]:
            if m.op is lists.empty_list:
                return None if c is None else c == n
            if m.op not in (lists.push, lists.put, lists.add_item, lists.swap):
                return None
            n += m.op is lists.push and not _fields(m)
            s = m.args[0]
        return None
