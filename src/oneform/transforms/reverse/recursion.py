"""Reverse mode of recursive functions.

The forward sweep calls itself as the program does; each call leaves its residuals on one stack before it returns. The adjoint is a function
as well: from the cotangents of a call's results to those of its arguments. It takes the residuals of its own call off the stack first and
then runs the body backward, so that the calls inside find theirs in turn: the last that returned is the first to be differentiated.

    f(x):  y = ... f(x') ...; push(residuals); return y        f̄(ȳ):  residuals = pop(); ... x̄' = f̄(ȳ') ...; return x̄

Where the cotangent of every call is known before it (all that happens to its result is linear, with factors known already), the function is
fused: it takes ȳ beside x, runs forward and backward at once, and nothing is saved."""

from __future__ import annotations

from oneform.ir import Block, Instr, Value, clone_instr, substitute
from oneform.ops import lists
from oneform.transforms.reverse.cells import LOCAL, RESET, load, loose, node, prune, touched
from oneform.transforms.reverse.early import Early
from oneform.transforms.reverse.loop import reads_final_versions
from oneform.transforms.reverse.residuals import needed, plan, sweep_dead, unchecked
from oneform.transforms.reverse.sweep import Nodes, Sweep, made, results_of
from oneform.transforms.reverse.tape import Order, Tape, hoist, own
from oneform.types import List, Scalar, Type


def recursive(sweep: Sweep, i: Instr, forward: Nodes, reverse: Nodes, early: Early | None) -> None:
    """Both sweeps of a recursive function and of its first call."""
    if early is None or not _fused(sweep, i, forward, early):
        _taped(sweep, i, forward, reverse)


def recur(sweep: Sweep, i: Instr, forward: Nodes, reverse: Nodes, early: Early | None) -> None:
    """Both sweeps of a call inside the function."""
    function = sweep.functions[i.attrs["name"]]
    if function in sweep.fused:
        _call_fused(sweep, i, forward, early)
        return
    forward.append(i)
    _call(sweep, i, function, reverse, ())


# ---------------------------------------------------------------- fused


class _Late(Exception):
    """A call whose cotangents are not known before it."""


def _fused(sweep: Sweep, i: Instr, forward: Nodes, early: Early) -> bool:
    """Run the adjoint of each call together with it, if that is possible."""
    region = i.regions[0]
    undo, outer = sweep.checkpoint(), sweep.functions
    sweep.functions = {**outer, i.attrs["name"]: region}
    sweep.fused.add(region)
    nodes: Nodes = []
    try:
        _call_fused(sweep, i, nodes, early)
    except _Late:
        undo()
        return False
    sweep.functions = outer
    forward.extend(nodes)
    return True


def _call_fused(sweep: Sweep, i: Instr, forward: Nodes, early: Early | None) -> None:
    """A call that takes cotangents beside its arguments, and gives those of the arguments beside its results."""
    function, taken = sweep.functions[i.attrs["name"]], _taken(sweep, i)
    cts = early.all([i.outs[k] for k in taken], forward) if early is not None and reads_final_versions(sweep, i) else None
    if cts is None:
        raise _Late
    given = _given(sweep, function)
    types = tuple(cotangent_type(function.params[k].type) for k in given)
    regions: tuple[Block, ...] = ()
    if i.regions:
        seeds = {k: Value(ct.type) for k, ct in zip(taken, cts, strict=True)}
        nodes = sweep.host(function, seeds)
        nodes[:0] = own(nodes, i.loc)
        sweep.ensure_touched(forward, nodes, i)
        results = _loaded(sweep, function, nodes, i)
        regions = (Block((*function.params, *seeds.values()), tuple(nodes), (*function.results, *results)),)
    outs = tuple(Value(t) for t in types)
    attrs = {**i.attrs, "types": (*i.attrs["types"], *types)}
    forward.append(Instr(i.op, (*i.args, *cts), attrs, regions, (*i.outs, *outs), i.loc))
    for k, ct in zip(given, outs, strict=True):
        sweep.accumulate(forward, i.args[k], ct, i.loc)


def _loaded(sweep: Sweep, function: Block, nodes: Nodes, i: Instr) -> list[Value]:
    """The cotangents of the parameters, once the body has run backward."""
    params = [function.params[k] for k in _given(sweep, function)]
    for p in params:
        sweep.ensure(nodes, p)
    return [load(nodes, sweep.cell(p), i.loc) for p in params]


# ---------------------------------------------------------------- with a tape


def _taped(sweep: Sweep, i: Instr, forward: Nodes, reverse: Nodes) -> None:
    region, name = i.regions[0], i.attrs["name"]
    inside = set(made(region))
    sweep.within.append(inside)
    outer, sweep.functions = sweep.functions, {**sweep.functions, name: region}
    body_forward, body_reverse = sweep.split(region, None)
    sweep.functions = outer
    sweep.within.pop()
    inside.update(results_of(body_forward))

    cts, full, results = _adjoint(sweep, i, region, body_reverse)
    adjoint = prune(full, {c for c in touched(full) if not isinstance(c.type, Scalar)})
    again: Nodes = []
    env = _remember(sweep, i, body_forward, [*adjoint], results, inside, forward, again)
    whole = substitute(Block((), tuple(adjoint), tuple(results)), env)

    forward.append(Instr(i.op, i.args, i.attrs, (Block(region.params, tuple(body_forward), region.results),), i.outs, i.loc))
    sweep.ensure_touched(reverse, full, i)
    block = Block(tuple(cts), (*again, *whole.body), whole.results)
    _call(sweep, i, region, reverse, (block,))


def _given(sweep: Sweep, region: Block) -> list[int]:
    """The parameters that receive a cotangent."""
    return [k for k, p in enumerate(region.params) if p in sweep.active]


def _taken(sweep: Sweep, i: Instr) -> list[int]:
    """The results whose cotangents the adjoint takes: the same for all calls."""
    return [k for k, o in enumerate(i.outs) if o in sweep.active]


def cotangent_type(t: Type) -> Type:
    """As declared for a function that is called with arrays of any lengths."""
    return lists.tangent_list(t) if isinstance(t, List) else loose(t)


def _adjoint(sweep: Sweep, i: Instr, region: Block, body_reverse: Nodes) -> tuple[list[Value], Nodes, list[Value]]:
    """The adjoint of one call: its parameters, instructions and results."""
    nodes: Nodes = []
    for c in sweep.locals(region):
        node(nodes, LOCAL, c)
    cts = [Value(cotangent_type(region.results[k].type)) for k in _taken(sweep, i)]
    for k, ct in zip(_taken(sweep, i), cts, strict=True):
        sweep.accumulate(nodes, region.results[k], ct, i.loc)
    nodes += body_reverse
    results = _loaded(sweep, region, nodes, i)
    return cts, sweep_dead(nodes, results), results


def _remember(
    sweep: Sweep, i: Instr, body_forward: Nodes, adjoint: Nodes, results: list[Value], inside: set[Value], before: Nodes, again: Nodes
) -> dict[Value, Value]:
    """Save what the adjoint of a call needs of it. Returns by which names the adjoint knows it; what it does first goes to `again`."""
    order = Order(free=False)
    for tape in hoist(body_forward):
        tape.enter(order, stack=True)
        tape.placing(before)
    wanted = [v for v in (*needed(adjoint), *results) if v in inside]
    how = plan(body_forward, i.regions[0].params, wanted, sweep.readable)
    env: dict[Value, Value] = {}
    if how.saved:
        tape = Tape([v.type for v in how.saved], i.loc, stacked=True)
        tape.enter(order)
        outs = [Value(t) for t in tape.types]
        tape.saving(body_forward, how.saved)
        tape.restoring(again, outs)
        tape.placing(before)
        env.update(zip(how.saved, outs, strict=True))
    again += [clone_instr(n, env, unchecked) for n in how.again]
    return env


def _call(sweep: Sweep, i: Instr, region: Block, reverse: Nodes, regions: tuple[Block, ...]) -> None:
    """The adjoint is called; what it returns goes to the arguments."""
    taken, given = _taken(sweep, i), _given(sweep, region)
    for k in taken:
        sweep.ensure(reverse, i.outs[k])
    cts = [load(reverse, sweep.cell(i.outs[k]), i.loc) for k in taken]
    for k in taken:
        node(reverse, RESET, sweep.cell(i.outs[k]))
    types = tuple(cotangent_type(region.params[k].type) for k in given)
    outs = tuple(Value(t) for t in types)
    reverse.append(Instr(i.op, tuple(cts), {"name": i.attrs["name"] + "_adjoint", "types": types}, regions, outs, i.loc))
    for k, ct in zip(given, outs, strict=True):
        sweep.accumulate(reverse, i.args[k], ct, i.loc)
