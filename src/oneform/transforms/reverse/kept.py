"""What a constructor keeps of its elements for its adjoint.

The adjoint of an element runs the constructor's region again. What is dear there is kept in arrays instead, made by the forward sweep from the
same loop (a constructor without a reduction) or in one before it, and read back:

    y = sum exp(x[i])        e = [exp(x[i]) for i];  y = sum e[i]        ct(x)[i] += ct(y) e[i]

Elements that the program has in an array anyway are read there. In a loop or a recursive function whose adjoint runs later nothing is
kept, as the arrays would have to be saved for each iteration: one pass over memory costs what a function on vectors does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from oneform.ir import DEAR, Block, Builder, Instr, Value, clone_instr, instructions, substitute
from oneform.ops import array
from oneform.transforms.reverse.cells import LOCAL, node, touched
from oneform.transforms.reverse.residuals import again, needed, plan, sweep_dead, unchecked
from oneform.transforms.reverse.sweep import Nodes, Sweep, made, results_of
from oneform.transforms.reverse.tape import PLACE
from oneform.types import Array, Scalar, element

Seed = Callable[[int, Value, Nodes], Value]  # the cotangent of a result of the region, from that of the element


@dataclass(frozen=True)
class Kept:
    """The forward sweep of a constructor that keeps something, and the adjoint of one of its elements."""

    region: Block
    nodes: Nodes  # the forward sweep of the region
    forward: Nodes
    places: dict[Value, Value]  # value of the region -> the array of it
    again: list[Instr]
    cts: dict[int, Value]  # the names by which `adjoint` knows the cotangents of the element
    adjoint: Nodes

    def term(self, b: Builder, indices: Sequence[Value], cts: dict[int, Value]) -> None:
        """The adjoint of one element."""
        env = _read(self.region, self.places, b, indices, self.again)
        env.update((self.cts[k], ct) for k, ct in cts.items())
        b.body += substitute(Block((), tuple(self.adjoint), ()), env).body

    def result(self, b: Builder, indices: Sequence[Value], k: int) -> Value:
        """One result of the region, as it was."""
        return _results(self.region, self.nodes, self.places, b, indices)[k]


def keep(sweep: Sweep, i: Instr, active: Sequence[int], seed: Seed | None) -> Kept | None:
    """How to keep what is dear in an element of a constructor; None if nothing is, or if it cannot be."""
    (region,) = i.regions
    if sweep.within or not any(m.op.cost >= DEAR or m.op.structure for m in instructions(region.body)):
        return None
    undo = sweep.checkpoint()
    sweep.within.append(set())  # constructors inside keep nothing: this one cannot save arrays of theirs
    forward, reverse = sweep.split(region, None)
    undo()
    if touched(forward) or any(m.op is PLACE for m in instructions(forward)):
        return None
    adjoint: Nodes = []
    for c in sweep.locals(region):
        node(adjoint, LOCAL, c)
    cts = {k: Value(Scalar(element(i.outs[k].type))) for k in active}
    for k, ct in cts.items():
        sweep.accumulate(adjoint, region.results[k], seed(k, ct, adjoint) if seed is not None else ct, i.loc)
    adjoint = sweep_dead(adjoint + reverse)
    return _kept(sweep, i, forward, adjoint, cts)


def _kept(sweep: Sweep, i: Instr, forward: Nodes, adjoint: Nodes, cts: dict[int, Value]) -> Kept | None:
    (region,) = i.regions
    inside = {*made(region), *results_of(forward)}.difference(region.params)
    wanted = [v for v in needed(adjoint) if v in inside]
    there = {} if i.attrs["reduce"] else {r: o for r, o in zip(region.results, i.outs, strict=True) if r in inside and o not in sweep.usage.overwritten}
    how = plan(forward, (), wanted, lambda _: True, set(there))
    new = [v for v in how.saved if v not in there]
    if not how.saved or not all(isinstance(v.type, Scalar) for v in how.saved):
        return None
    spared = _cost(again(forward, wanted, ())) - _cost(how.again)
    if spared < DEAR * max(1, len(new)):
        return None
    arrays = {v: Value(Array(element(v.type), (*i.attrs["shape"], *i.attrs["extent"]))) for v in new}
    places = {v: arrays.get(v) or there[v] for v in how.saved}
    return Kept(region, forward, _forward(i, forward, arrays), places, how.again, cts, adjoint)


def _cost(instrs: Sequence[Instr]) -> int:
    return sum(m.op.cost for m in instructions(instrs))


def _forward(i: Instr, nodes: Nodes, arrays: dict[Value, Value]) -> Nodes:
    """The constructor with the arrays for further results; a reduction reads its terms from them."""
    (region,) = i.regions
    if not i.attrs["reduce"]:
        block = Block(region.params, tuple(nodes), (*region.results, *arrays))
        return [Instr(i.op, i.args, i.attrs, (block,), (*i.outs, *arrays.values()), i.loc)]
    whole = {"shape": (*i.attrs["shape"], *i.attrs["extent"]), "extent": (), "reduce": ""}
    terms = Block(region.params, tuple(sweep_dead(nodes, arrays)), tuple(arrays))
    b = Builder(i.loc)
    params = [b.param(p.type) for p in region.params]
    results = _results(region, nodes, arrays, b, params)
    return [
        Instr(i.op, i.args, whole, (terms,), tuple(arrays.values()), i.loc),
        Instr(i.op, i.args, i.attrs, (Block(tuple(params), tuple(b.body), tuple(results)),), i.outs, i.loc),
    ]


def _results(region: Block, nodes: Sequence[Instr], places: dict[Value, Value], b: Builder, indices: Sequence[Value]) -> list[Value]:
    """The results of the region at these indices, from what is kept."""
    env = _read(region, places, b, indices, again(nodes, region.results, places))
    return [env.get(r, r) for r in region.results]


def _read(region: Block, places: dict[Value, Value], b: Builder, indices: Sequence[Value], instrs: Sequence[Instr]) -> dict[Value, Value]:
    """Read what is kept and compute these instructions again."""
    env: dict[Value, Value] = dict(zip(region.params, indices, strict=True))
    env.update((v, b.emit1(array.get, a, *indices)) for v, a in places.items())
    b.body += [clone_instr(n, env, unchecked) for n in instrs]
    return env
