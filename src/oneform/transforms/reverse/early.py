"""Cotangents that are known before the forward sweep has come far: those of sums on their way to the result.

If everything that happens to s after a loop is linear in s with factors known already, the loop's adjoint need not wait for the
forward sweep to end: forward and adjoint iterations run together, and nothing is saved between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from oneform.ir import Block, Builder, Instr, Value, clone_instr, reads
from oneform.ops import Term, accumulated, arithmetic
from oneform.transforms.activity import partial_attrs
from oneform.transforms.linear import times
from oneform.transforms.reverse.residuals import recomputable
from oneform.types import Scalar

if TYPE_CHECKING:
    from oneform.transforms.reverse.sweep import Nodes, Sweep


class Early:
    """What is known of the cotangents of one block's values; `given` maps results to theirs."""

    def __init__(self, sweep: Sweep, block: Block, given: Mapping[int, Value]):
        self.sweep, self.block, self.given = sweep, block, given
        self.present: set[Value] = set()  # values that the forward sweep has computed so far
        self._own: set[Value] | None = None  # values of this block, present or to come
        self._users: dict[Value, list[Instr]] | None = None

    def known(self, values: Iterable[Value]) -> None:
        self.present.update(values)

    def all(self, values: Sequence[Value], forward: Nodes) -> list[Value] | None:
        """The cotangents of all these scalars, or None if one is not known yet."""
        out: list[Value] = []
        scratch: Nodes = []
        for v in values:
            ct = self._ct(v, scratch)
            if ct is None:
                return None
            out.append(ct)
        forward.extend(scratch)
        return out

    def _ct(self, v: Value, nodes: Nodes) -> Value | None:
        if not isinstance(v.type, Scalar) or not self.given:
            return None
        parts: list[Value] = []
        for k, r in enumerate(self.block.results):
            if r is v and k in self.given:
                parts.append(self.given[k])
        for i in self._readers().get(v, ()):
            if not any(o in self.sweep.active for o in i.outs) and not i.regions:
                continue
            part = self._through(v, i, nodes)
            if part is None:
                return None
            parts.extend(part)
        if not parts:
            return None
        total = parts[0]
        b = _on(nodes)
        for p in parts[1:]:
            total = b.emit1(arithmetic.add, total, p, reassoc=True)
        return total

    def _readers(self) -> dict[Value, list[Instr]]:
        if self._users is None:
            self._users = defaultdict(list)
            self._own = set(self.block.params)
            for i in self.block.body:
                self._own.update(i.outs)
                for a in reads(i):
                    self._users[a].append(i)
        return self._users

    def _through(self, v: Value, i: Instr, nodes: Nodes) -> list[Value] | None:
        """What v receives from one instruction that reads it; None if that must wait."""
        if i.op.structure in ("for", "while"):
            return self._through_sum(v, i, nodes)
        if i.regions or i.op.partials is None:
            return None
        assert isinstance(v.type, Scalar)
        scratch = Builder(i.loc)
        (y,) = i.outs
        partials = i.op.partials(*(Term(scratch, a) for a in i.args), Term(scratch, y), **partial_attrs(i))
        assert self._own is not None
        mine = [p for a, p in zip(i.args, partials, strict=True) if a is v]
        if any(isinstance(p, tuple) and any(isinstance(x, Term) for x in p) for p in mine):
            return None
        factors, needed = _computing([p.v for p in mine if isinstance(p, Term)], scratch.body)
        ahead = self._ahead([a for a in needed if a in self._own and a not in self.present])
        if ahead is None or v in needed or any(v in n.args for n in ahead):
            return None
        ct = self._ct(y, nodes)
        if ct is None:
            return None
        env: dict[Value, Value] = {}
        nodes.extend(clone_instr(n, env) for n in (*ahead, *factors))
        again = [Term(scratch, env.get(p.v, p.v)) if isinstance(p, Term) else p for p in mine]
        return [t.v for p in again if (t := times(Term(_on(nodes), ct), p, v.type.dtype)) is not None]

    def _ahead(self, wanted: Sequence[Value]) -> list[Instr] | None:
        """What computes these values, which the block makes later, from those present; None if that is dear or not possible."""
        makers = {o: i for i in self.block.body for o in i.outs} if wanted else {}
        pending, chosen = list(wanted), set[Instr]()
        while pending:
            i = makers.get(pending.pop())
            if i is None or i.regions or not recomputable(i, lambda _: False):
                return None
            chosen.add(i)
            pending += [a for a in i.args if a in makers and a not in self.present]
        return [i for i in self.block.body if i in chosen]

    def _through_sum(self, v: Value, i: Instr, nodes: Nodes) -> list[Value] | None:
        """v starts the sum that a later loop goes on with: it receives what the loop's result receives."""
        skip = 1 if i.op.structure == "for" else 0
        body = i.regions[-1]
        if sum(a is v for a in i.args) != 1 or any(v in reads(m) for r in i.regions for m in r.body):
            return None
        k = next(k for k, a in enumerate(i.args) if a is v) - skip
        if k < 0 or not accumulated(body, k + skip, k, i):
            return None
        ct = self._ct(i.outs[k], nodes)
        return None if ct is None else [ct]


def _computing(wanted: Iterable[Value], body: Sequence[Instr]) -> tuple[list[Instr], set[Value]]:
    """The instructions that compute the wanted values, and what these take from elsewhere."""
    needed, kept = set(wanted), list[Instr]()
    for n in reversed(body):
        if needed.intersection(n.outs):
            needed.difference_update(n.outs)
            needed.update(n.args)
            kept.append(n)
    return kept[::-1], needed


def _on(nodes: Nodes) -> Builder:
    b = Builder()
    b.body = nodes
    return b
