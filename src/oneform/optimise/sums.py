"""Sums that are known. What an adjoint adds up is often a multiple of a sum that the program has:

    s = sum e[i]        for i: r -= c e[i]; ...        r = r0 - c s

Only sums whose order is free take part, so that nothing is lost; the loop that is left has one thing less to wait for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from oneform.ir import Block, Builder, Function, Instr, Subst, Value, reads
from oneform.ops.arithmetic import add, mul, sub
from oneform.optimise.join import uses_of
from oneform.optimise.rewrite import map_blocks, rebuild, resolve
from oneform.types import Scalar

Key = Any
Term = tuple[Value, tuple[Value, ...]]  # a known sum, and what it is multiplied by


def known_sums(f: Function) -> Function:
    return map_blocks(f, _Known(uses_of(f)).block)


class _Known:
    def __init__(self, uses: Counter[Value]):
        self.uses = uses
        self.env: Subst = {}
        self.sums: dict[Key, Value] = {}
        self.numbers: dict[Key, int] = {}  # of terms

    def block(self, block: Block) -> Block:
        outside, self.sums = self.sums, dict(self.sums)
        body: list[Instr] = []
        changed = False
        for i in block.body:
            args = tuple([resolve(self.env, a) for a in i.args]) if self.env else i.args
            j = rebuild(i, args, tuple([self.block(r) for r in i.regions]) if i.regions else (), self.env)
            made = self.loop(j) if j.op.structure == "for" else [j]
            changed = changed or made != [i]
            body += made
            self.note(j)
        self.sums = outside
        results = tuple([resolve(self.env, r) for r in block.results])
        return Block(block.params, tuple(body), results) if changed or results != block.results else block

    def note(self, i: Instr) -> None:
        if i.op.structure == "build" and i.attrs["reduce"] == "add" and not i.attrs["shape"] and len(i.attrs["extent"]) == len(i.args) == 1:
            (region,) = i.regions
            terms = _Terms(region, self.numbers)
            for o, r in zip(i.outs, region.results, strict=True):
                key = terms.key(r)
                if key is not None and isinstance(key, tuple):
                    self.sums.setdefault((i.args[0], key), o)

    def loop(self, i: Instr) -> list[Instr]:
        """A loop without the sums that are known, and these before it."""
        (region,) = i.regions
        terms = _Terms(region, self.numbers)
        b = Builder(i.loc)
        kept: list[int] = []
        for k, o in enumerate(i.outs):
            found = self.total(i, k, terms) if self.sums else None
            if found is None:
                kept.append(k)
                continue
            total = i.args[1 + k]
            for op, (s, factors) in found:
                for c in factors:
                    s = b.emit1(mul, c, s, reassoc=True)
                total = b.emit1(op, total, s, reassoc=True)
            self.env[o] = total
        if len(kept) == len(i.outs):
            return [i]
        body = Block((region.params[0], *(region.params[1 + k] for k in kept)), self.without(region, kept), tuple(region.results[k] for k in kept))
        left = Instr(i.op, (i.args[0], *(i.args[1 + k] for k in kept)), i.attrs, (body,), tuple(i.outs[k] for k in kept), i.loc)
        return [*b.body, left]

    def without(self, region: Block, kept: list[int]) -> tuple[Instr, ...]:
        """The body without what only the removed sums need."""
        needed = {region.results[k] for k in kept}
        body: list[Instr] = []
        for j in reversed(region.body):
            if j.op.raises or j.regions or needed.intersection(j.outs):
                needed.update(reads(j))
                body.append(j)
        return tuple(reversed(body))

    def total(self, i: Instr, k: int, terms: _Terms) -> list[tuple[Any, Term]] | None:
        """What a carried number is added to, as known sums; None if it is not only added to, or by something else."""
        (region,) = i.regions
        p, at = region.params[1 + k], region.results[k]
        if not isinstance(p.type, Scalar) or p.type.dtype.kind not in "fc" or self.uses[p] != 1:
            return None
        found: list[tuple[Any, Term]] = []
        while at is not p:
            j = terms.makers.get(at)
            if j is None or j.op not in (add, sub) or not j.attrs.get("reassoc") or self.uses[at] != 1:
                return None
            term = self.term(i.args[0], j.args[1], terms)
            if term is None:
                return None
            found.append((j.op, term))
            at = j.args[0]
        return found

    def term(self, count: Value, v: Value, terms: _Terms) -> Term | None:
        """v, summed over the loop."""
        key = terms.key(v)
        if key is not None and (s := self.sums.get((count, key))) is not None:
            return s, ()
        j = terms.makers.get(v)
        if j is None or j.op is not mul or not j.attrs.get("reassoc"):
            return None
        for c, u in (j.args, j.args[::-1]):
            if c not in terms.makers and c not in terms.params and (found := self.term(count, u, terms)) is not None:
                return found[0], (*found[1], c)
        return None


class _Terms:
    """What the values of a region are made of, so that those of two regions can be compared."""

    def __init__(self, region: Block, numbers: dict[Key, int]):
        self.numbers = numbers  # a term is known by its own: to compare what it is made of takes a step for each way to that
        self.params = region.params
        self.makers: Mapping[Value, Instr] = {o: j for j in region.body for o in j.outs}
        self._keys: dict[Value, Key] = {}

    def key(self, v: Value) -> Key:
        """Equal for equal terms; None for what is not understood."""
        if v not in self._keys:
            self._keys[v] = self._key(v)
        return self._keys[v]

    def _key(self, v: Value) -> Key:
        if v in self.params:
            return "index" if v is self.params[0] else None
        j = self.makers.get(v)
        if j is None:
            return v
        if j.regions or j.op.raises or j.op.consumes or len(j.outs) != 1:
            return None
        inner = [self.key(a) for a in j.args]
        attrs = tuple((k, repr(x)) for k, x in sorted(j.attrs.items()) if k != "reassoc")
        return None if None in inner else ("term", self.numbers.setdefault((j.op, attrs, *inner), len(self.numbers)))
