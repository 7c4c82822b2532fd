"""What the adjoint of a region needs from the forward sweep, and how it gets it: saved, or computed again.

The values the adjoint reads form the sinks of a graph whose edges are the forward instructions; its sources are the values that
cannot be computed again cheaply: carried values, dear operations, elements of arrays that are overwritten later. The smallest set
of values (by bytes) that separates sources from sinks is saved, the rest is recomputed (a minimum vertex cut)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass

from oneform.ir import DEAR, Attrs, Block, Instr, Value, free_values, reads
from oneform.transforms.reverse.cells import LOAD, PSEUDO, QUERY
from oneform.types import Scalar

INFINITE = 1 << 30
_LITTLE = 16  # what is there already is read for so much less than what has to be written first
CHEAP_BUILD = 2 * DEAR  # an array is computed again if each of its elements costs less than this


@dataclass(frozen=True)
class Plan:
    saved: list[Value]
    again: list[Instr]  # in order of execution


def sweep_dead(nodes: Sequence[Instr], results: Iterable[Value] = ()) -> list[Instr]:
    """Nodes whose results nobody reads go, unless they write a cell or may raise, those in loops over elements as well: what only they read is
    not saved. `results` are read behind them."""
    used: set[Value] = set(results)
    kept: list[Instr] = []
    for n in reversed(nodes):
        effect = n.op.raises and n.op not in (LOAD, QUERY) or (n.regions and _has_effect(n))
        if effect or any(o in used for o in n.outs):
            if _is_over_elements(n):
                (body,) = n.regions
                n = Instr(n.op, n.args, n.attrs, (Block(body.params, tuple(sweep_dead(body.body, body.results)), body.results),), n.outs, n.loc)
            kept.append(n)
            used.update(reads(n))
    kept.reverse()
    return kept


def _is_over_elements(n: Instr) -> bool:
    """Whether this is the adjoint of a constructor with no other loop inside: nothing will be put into it later, as the reads of tapes are into others."""
    return bool(n.op.structure == "for" and n.attrs.get("parallel")) and all(not m.regions or _is_over_elements(m) for m in n.regions[0].body)


def _has_effect(n: Instr) -> bool:
    return any(m.op.raises or m.op in PSEUDO or (m.regions and _has_effect(m)) for r in n.regions for m in r.body)


def unchecked(i: Instr) -> Attrs:
    """Attributes for a copy that runs after the original: what was checked once holds."""
    return {**i.attrs, "checked": False} if "checked" in i.attrs else i.attrs


def needed(nodes: Sequence[Instr]) -> dict[Value, None]:
    """The values that nodes read from outside."""
    return free_values(Block((), tuple(nodes), ()))


def plan(
    body: Sequence[Instr], params: Iterable[Value], wanted: Iterable[Value], readable: Callable[[Value], bool], there: Container[Value] = ()
) -> Plan:
    """How the wanted values, defined by `params` and `body`, reach the adjoint. `readable(array)`: its elements are still there then;
    `there`: values that need no place of their own to be saved."""
    made: dict[Value, Instr | None] = dict.fromkeys(params)
    for n in body:
        made.update(dict.fromkeys(n.outs, n))
    sinks = [v for v in wanted if v in made]
    if not sinks:
        return Plan([], [])
    graph = _Graph(made, readable, there)
    saved = graph.cut(sinks)
    return Plan(saved, again(body, sinks, saved))


def again(body: Sequence[Instr], wanted: Iterable[Value], have: Iterable[Value]) -> list[Instr]:
    """The instructions that compute the wanted values from what is saved."""
    made = {o: n for n in body for o in n.outs}
    have, chosen = set(have), set[Instr]()
    pending = [v for v in wanted if v not in have]
    while pending:
        i = made.get(pending.pop())
        if i is None or i in chosen:
            continue
        chosen.add(i)
        pending.extend(a for a in reads(i) if a in made and a not in have)
    return [n for n in body if n in chosen]


def recomputable(i: Instr, readable: Callable[[Value], bool]) -> bool:
    """Cheap, without effect, and reading no array whose elements may be gone."""
    if i.op in PSEUDO or i.op.consumes or not i.outs:
        return False
    if i.op.structure:
        return _recomputable_region(i, readable)
    if i.op.raises and "checked" not in i.attrs:
        return False
    return (i.op.cost < DEAR or _whole(i)) and all(isinstance(a.type, Scalar) or readable(a) for a in i.args)


def _whole(i: Instr) -> bool:
    """Arithmetic of integers: its results are mostly places in arrays, and behind a load no pass would see what they are made of."""
    return i.op.partials is not None and all(isinstance(v.type, Scalar) and v.type.dtype.kind in "ib" for v in (*i.args, *i.outs))


def _recomputable_region(i: Instr, readable: Callable[[Value], bool]) -> bool:
    """Array constructors without a reduction and branches, if what they do is cheap and holds no loop."""
    inner = [m for r in i.regions for m in r.body]
    if any(m.regions or m.op in PSEUDO or m.op.consumes or (m.op.raises and "checked" not in m.attrs) for m in inner):
        return False
    if not all(isinstance(v.type, Scalar) or readable(v) for v in reads(i)):
        return False
    cost = sum(m.op.cost for m in inner)
    if i.op.structure == "if":
        return cost < DEAR and all(isinstance(o.type, Scalar) for o in i.outs)
    return i.op.structure == "build" and not i.attrs["reduce"] and cost < CHEAP_BUILD


class _Graph:
    """Vertices split in two, Dinic's algorithm."""

    def __init__(self, made: dict[Value, Instr | None], readable: Callable[[Value], bool], there: Container[Value]):
        self.made, self.readable, self.there = made, readable, there
        self.number: dict[Value, int] = {}
        self.heads: list[list[int]] = [[], []]  # edges leaving each vertex; 0 is the source, 1 the sink
        self.to: list[int] = []
        self.room: list[int] = []

    def _edge(self, u: int, v: int, capacity: int) -> None:
        for a, b, c in ((u, v, capacity), (v, u, 0)):
            self.heads[a].append(len(self.to))
            self.to.append(b)
            self.room.append(c)

    def _vertex(self, v: Value) -> int:
        """The entering half; the leaving half is the next number. Builds what lies before it as well."""
        if v in self.number:
            return self.number[v]
        pending = [v]
        links: list[tuple[Value, Value]] = []
        while pending:
            w = pending.pop()
            if w in self.number:
                continue
            self.number[w] = k = len(self.heads)
            self.heads += [[], []]
            self._edge(k, k + 1, 1 if w in self.there else _LITTLE * _weight(w))
            i = self.made[w]
            if i is None or not recomputable(i, self.readable):
                self._edge(0, k, INFINITE)
            else:
                before = [a for a in reads(i) if a in self.made]
                pending.extend(before)
                links.extend((a, w) for a in before)
        for a, w in links:
            self._edge(self.number[a] + 1, self.number[w], INFINITE)
        return self.number[v]

    def cut(self, sinks: Sequence[Value]) -> list[Value]:
        for v in sinks:
            self._edge(self._vertex(v) + 1, 1, INFINITE)
        while self._augment():
            pass
        reach = self._reaches_sink()
        return [v for v, k in self.number.items() if k not in reach and k + 1 in reach]

    def _augment(self) -> bool:
        """One phase: levels by breadth, then as many paths as there are."""
        level = [-1] * len(self.heads)
        level[0] = 0
        queue = deque([0])
        while queue:
            u = queue.popleft()
            for e in self.heads[u]:
                if self.room[e] and level[self.to[e]] < 0:
                    level[self.to[e]] = level[u] + 1
                    queue.append(self.to[e])
        if level[1] < 0:
            return False
        following = [0] * len(self.heads)
        path: list[int] = []
        u = 0
        while True:
            if u == 1:
                flow = min(self.room[e] for e in path)
                for e in path:
                    self.room[e] -= flow
                    self.room[e ^ 1] += flow
                path, u = [], 0
                continue
            step = next(
                (k for k in range(following[u], len(self.heads[u])) if self.room[self.heads[u][k]] and level[self.to[self.heads[u][k]]] == level[u] + 1), None
            )
            if step is None:
                if u == 0:
                    return True
                level[u] = -1
                u = self.to[path.pop() ^ 1]
                continue
            following[u] = step
            path.append(self.heads[u][step])
            u = self.to[path[-1]]

    def _reaches_sink(self) -> set[int]:
        """The vertices from which the sink can still be reached: cutting there recomputes least."""
        found = {1}
        queue = deque([1])
        while queue:
            v = queue.popleft()
            for e in self.heads[v]:
                u = self.to[e]
                if self.room[e ^ 1] and u not in found:
                    found.add(u)
                    queue.append(u)
        return found


def _weight(v: Value) -> int:
    """Bytes to save, roughly; an array counts as many."""
    return max(1, v.type.dtype.bits // 8) if isinstance(v.type, Scalar) else 256
