"""Reverse mode of `if`: the adjoint takes the same side. What it needs of that side's values becomes results of the forward branch."""

from __future__ import annotations

from oneform.ir import Block, Builder, Instr, Value, clone_instr, substitute
from oneform.ops import array
from oneform.transforms.reverse.cells import LOCAL, RESET, load, loose, node, touched
from oneform.transforms.reverse.early import Early
from oneform.transforms.reverse.residuals import needed, plan, sweep_dead, unchecked
from oneform.transforms.reverse.sweep import Nodes, Sweep, made, results_of
from oneform.types import Scalar


def branch(sweep: Sweep, i: Instr, forward: Nodes, reverse: Nodes, early: Early | None) -> None:
    """Both sweeps of an `if`."""
    if early is None or not _hosted(sweep, i, forward, early):
        _parted(sweep, i, forward, reverse)


def _hosted(sweep: Sweep, i: Instr, forward: Nodes, early: Early) -> bool:
    """Where all cotangents are known before, each side runs forward and backward at once."""
    active = [k for k, o in enumerate(i.outs) if o in sweep.active]
    if any(not isinstance(i.outs[k].type, Scalar) for k in active):
        return False
    if any(v in sweep.active and v in sweep.usage.overwritten for v in needed([i]) if not isinstance(v.type, Scalar)):
        return False
    cts = early.all([i.outs[k] for k in active], forward)
    if cts is None or not cts:
        return False
    seeds = dict(zip(active, cts, strict=True))
    sides = [sweep.host(r, seeds) for r in i.regions]
    _even(sweep, sides, i)
    regions = tuple(Block((), tuple(nodes), r.results) for nodes, r in zip(sides, i.regions, strict=True))
    forward.append(Instr(i.op, i.args, i.attrs, regions, i.outs, i.loc))
    return True


def _parted(sweep: Sweep, i: Instr, forward: Nodes, reverse: Nodes) -> None:
    active = [k for k, o in enumerate(i.outs) if o in sweep.active]
    for k in active:
        sweep.ensure(reverse, i.outs[k])
    cts = [load(reverse, sweep.cell(i.outs[k]), i.loc) for k in active]
    for k in active:
        node(reverse, RESET, sweep.cell(i.outs[k]))

    sweeps = [sweep.split(r, None) for r in i.regions]
    exported: list[list[Value]] = []
    adjoints: list[Nodes] = []
    fresh: list[dict[Value, Value]] = []
    for r, (side_forward, side_reverse) in zip(i.regions, sweeps, strict=True):
        nodes: Nodes = []
        in_forward = touched(side_forward)
        for c in sweep.locals(r):
            if c not in in_forward:
                node(nodes, LOCAL, c)
        for k, ct in zip(active, cts, strict=True):
            sweep.accumulate(nodes, r.results[k], ct, i.loc)
        nodes = sweep_dead(nodes + side_reverse)
        inside = {*made(r), *results_of(side_forward)}
        how = plan(side_forward, (), [v for v in needed(nodes) if v in inside], sweep.readable)
        exported.append(how.saved)
        outside = {v: Value(loose(v.type)) for v in how.saved}
        env: dict[Value, Value] = dict(outside)
        again = [clone_instr(n, env, unchecked) for n in how.again]
        adjoints.append([*again, *substitute(Block((), tuple(nodes), ()), env).body])
        fresh.append(outside)

    forward.append(_with_exports(i, [f for f, _ in sweeps], exported, fresh))
    _even(sweep, adjoints, i)
    reverse.append(Instr(i.op, i.args, {}, tuple(Block((), tuple(a), ()) for a in adjoints), (), i.loc))


def _even(sweep: Sweep, sides: list[Nodes], i: Instr) -> None:
    """An accumulator that one side brings into being must exist at the end of the other as well."""
    both = [n for nodes in sides for n in nodes]
    for nodes in sides:
        sweep.ensure_touched(nodes, both, i)


def _with_exports(i: Instr, forwards: list[Nodes], exported: list[list[Value]], fresh: list[dict[Value, Value]]) -> Instr:
    """The forward branch, with the values that each side exports as further results; the other side has nothing to give there."""
    results = [list(r.results) for r in i.regions]
    outs = list(i.outs)
    for side, values in enumerate(exported):
        for v in values:
            outs.append(fresh[side][v])
            for k, (r, nodes) in enumerate(zip(results, forwards, strict=True)):
                r.append(v if k == side else _nothing(nodes, v, i))
    regions = tuple(Block((), tuple(nodes), tuple(r)) for nodes, r in zip(forwards, results, strict=True))
    return Instr(i.op, i.args, i.attrs, regions, tuple(outs), i.loc)


def _nothing(nodes: Nodes, like: Value, i: Instr) -> Value:
    b = Builder(i.loc)
    b.body = nodes
    return b.emit1(array.undef, type=loose(like.type))
