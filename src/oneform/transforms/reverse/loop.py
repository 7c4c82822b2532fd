"""Reverse mode of `for` and `while`.

A loop whose active carried values are only accumulated, and whose sums' cotangents are known early, is fused: each iteration runs
forward and then at once backward. Any other loop runs forward with a tape and is run again from its last iteration to its first:

    for i in 0..n-1:  c = f(i, c); save(residuals)          ct(c_n) given
    for t in 0..n-1:  i = n-1-t; restore; ct(c) = ct(c) f'   ct(c_0) results

A while loop counts its iterations on the way forward, so its adjoint is a `for`."""

from __future__ import annotations

from collections.abc import Sequence

from oneform.ir import Block, Builder, Instr, Value, clone_instr, reads, substitute
from oneform.ops import Term, accumulated, apply, for_, integer, literal
from oneform.transforms.reverse.cells import LOCAL, RESET, STORE, load, node, prune, touched
from oneform.transforms.reverse.early import Early
from oneform.transforms.reverse.residuals import needed, plan, sweep_dead, unchecked
from oneform.transforms.reverse.sweep import Nodes, Sweep, made, results_of
from oneform.transforms.reverse.tape import INDEX, Order, Tape, hoist
from oneform.types import I64, Scalar, Type


def loop(sweep: Sweep, i: Instr, forward: Nodes, reverse: Nodes, early: Early | None) -> None:
    """Both sweeps of a `for` or `while`."""
    if early is None or not _fused(sweep, i, forward, early):
        _taped(sweep, i, forward, reverse)


def _skip(i: Instr) -> int:
    """How many arguments and parameters come before the carried ones."""
    return 1 if i.op.structure == "for" else 0


def _active(sweep: Sweep, i: Instr) -> list[int]:
    return [k for k, o in enumerate(i.outs) if o in sweep.active]


# ---------------------------------------------------------------- fused


def _fused(sweep: Sweep, i: Instr, forward: Nodes, early: Early) -> bool:
    """Run the adjoint of each iteration right behind it, if that is possible."""
    body, skip, active = i.regions[-1], _skip(i), _active(sweep, i)
    if not all(isinstance(i.outs[k].type, Scalar) and accumulated(body, k + skip, k, i) for k in active):
        return False
    if not reads_final_versions(sweep, i):
        return False
    cts = early.all([i.outs[k] for k in active], forward)
    if cts is None:
        return False
    nodes = sweep.host(body, dict(zip(active, cts, strict=True)))
    sweep.ensure_touched(forward, nodes, i)
    block = Block(body.params, tuple(nodes), body.results)
    forward.append(Instr(i.op, i.args, i.attrs, (*i.regions[:-1], block), i.outs, i.loc))
    for k, ct in zip(active, cts, strict=True):
        sweep.accumulate(forward, i.args[k + skip], ct, i.loc)
    return True


def reads_final_versions(sweep: Sweep, i: Instr) -> bool:
    """An array read by a fused loop must not be written afterwards: its cotangent would be taken for the later version's."""
    return all(isinstance(a.type, Scalar) or a not in sweep.active or a not in sweep.usage.overwritten for a in reads(i))


# ---------------------------------------------------------------- with a tape


def _taped(sweep: Sweep, i: Instr, forward: Nodes, reverse: Nodes) -> None:
    body, skip = i.regions[-1], _skip(i)
    sums = all(isinstance(i.outs[k].type, Scalar) and accumulated(body, k + skip, k, i) for k in _active(sweep, i))
    inside = set(made(body))
    sweep.within.append(inside)
    body_forward, body_reverse = sweep.split(body, None)
    sweep.within.pop()
    inside.update(results_of(body_forward))  # the sweep adds values: counts, lengths, exports of branches
    incoming = [load(reverse, sweep.cell(i.outs[k]), i.loc) for k in _active(sweep, i)] if sums else None
    full = _iteration(sweep, i, body, body_reverse, incoming)
    adjoint = prune(full, {c for c in touched(full) if not isinstance(c.type, Scalar)})

    counted = i.op.structure == "for"
    variable = body.params[0] if counted else Value(Scalar(I64))
    count = i.args[0] if counted else Value(Scalar(I64))
    order = Order(free=sums and counted)
    step, index = Value(Scalar(I64)), Value(Scalar(I64))
    again: Nodes = [Instr(INDEX, (count, step), {"order": order}, (), (index,), i.loc)]

    outer = _move_out(sweep, i, body_forward, inside, variable, index, order)
    wanted = [v for v in needed(adjoint) if v in inside and v is not variable]
    how = plan(body_forward, [p for p in body.params if p is not variable], wanted, sweep.readable)
    env: dict[Value, Value] = {variable: index}
    for tape, values in _record(i, how.saved, counted):
        outs = [Value(t) for t in tape.types]
        tape.enter(order)
        if not tape.stacked:
            tape.lengths.append((count, _number(sweep, count)))
            tape.forward.append(variable)
            tape.backward.append(index)
        tape.saving(body_forward, values)
        tape.restoring(again, outs)
        env.update(zip(values, outs, strict=True))
        tape.placing(outer)
    again += [clone_instr(n, env, unchecked) for n in how.again]
    again += substitute(Block((), tuple(adjoint), ()), env).body

    forward.extend(outer)
    _forward_loop(i, body, body_forward, None if counted else count, forward)
    _close(sweep, i, reverse, count, Block((step,), tuple(again), ()), full, incoming)


def _number(sweep: Sweep, v: Value) -> int | None:
    maker = sweep.usage.maker.get(v)
    return None if maker is None or literal(maker) is None else max(0, int(literal(maker)))


def _iteration(sweep: Sweep, i: Instr, body: Block, body_reverse: Nodes, incoming: Sequence[Value] | None) -> Nodes:
    """The adjoint of one iteration. The loop's cells hold the cotangents of what it yields before, of its parameters after;
    but a sum hands its own cotangent, `incoming`, to every iteration."""
    active, skip, nodes = _active(sweep, i), _skip(i), list[Instr]()
    for c in sweep.locals(body):
        node(nodes, LOCAL, c)
    taken = list(incoming) if incoming is not None else [load(nodes, sweep.cell(i.outs[k]), i.loc) for k in active]
    if incoming is None:
        for k in active:
            node(nodes, RESET, sweep.cell(i.outs[k]))
    for k, ct in zip(active, taken, strict=True):
        sweep.accumulate(nodes, body.results[k], ct, i.loc)
    nodes += body_reverse
    if incoming is None:
        for k in active:
            sweep.ensure(nodes, body.params[k + skip])
        given = [load(nodes, sweep.cell(body.params[k + skip]), i.loc) for k in active]
        for k, ct in zip(active, given, strict=True):
            node(nodes, STORE, sweep.cell(i.outs[k]), (ct,))
    return sweep_dead(nodes)


def _close(sweep: Sweep, i: Instr, reverse: Nodes, count: Value, block: Block, full: Nodes, incoming: Sequence[Value] | None) -> None:
    """The reverse loop, and what the initial values receive from it. `full`: its body as it was before pruning."""
    active, skip = _active(sweep, i), _skip(i)
    for k in active:
        sweep.ensure(reverse, i.outs[k])
    sweep.ensure_touched(reverse, full, i)
    reverse.append(Instr(for_, (count,), {}, (block,), (), i.loc))
    for position, k in enumerate(active):
        if incoming is None:
            sweep.move(reverse, i.outs[k], i.args[k + skip])
        else:
            sweep.accumulate(reverse, i.args[k + skip], incoming[position], i.loc)


def _forward_loop(i: Instr, body: Block, nodes: Nodes, count: Value | None, forward: Nodes) -> None:
    """The loop with its saves; a while loop also counts."""
    if count is None:
        forward.append(Instr(i.op, i.args, i.attrs, (Block(body.params, tuple(nodes), body.results),), i.outs, i.loc))
        return
    b = Builder(i.loc)
    before = b.param(Scalar(I64))
    b.body = nodes
    after = apply("add", Term(b, before), Term(b, integer(b, 1))).v
    condition = i.regions[0]
    tested = Block((*condition.params, Value(Scalar(I64))), condition.body, condition.results)
    counting = Block((*body.params, before), tuple(nodes), (*body.results, after))
    b.body = forward
    forward.append(Instr(i.op, (*i.args, integer(b, 0)), i.attrs, (tested, counting), (*i.outs, count), i.loc))


def _record(i: Instr, saved: Sequence[Value], counted: bool) -> list[tuple[Tape, list[Value]]]:
    """Numbers of a counted loop go to arrays; everything else to a stack."""
    numbers = [v for v in saved if counted and isinstance(v.type, Scalar)]
    others = [v for v in saved if v not in numbers]
    tapes: list[tuple[Tape, list[Value]]] = []
    for values, stacked in ((numbers, False), (others, True)):
        if values:
            types: list[Type] = [v.type for v in values]
            tapes.append((Tape(types, i.loc, stacked), values))
    return tapes


def _move_out(sweep: Sweep, i: Instr, body_forward: Nodes, inside: set[Value], variable: Value, index: Value, order: Order) -> Nodes:
    """Tapes that inner loops placed in this loop's body, moved before it."""
    outer: Nodes = []
    counted = i.op.structure == "for"
    for tape in hoist(body_forward):
        tape.enter(order, stack=not counted or any(v in inside for v, _ in tape.lengths))
        if not tape.stacked:
            tape.lengths.insert(0, (i.args[0], _number(sweep, i.args[0])))
            tape.forward.insert(0, variable)
            tape.backward.insert(0, index)
        tape.placing(outer)
    return outer
