"""Reverse mode of a function with custom_vjp: its own forward sweep has been copied in (see `expand`), and its own reverse sweep is the adjoint."""

from __future__ import annotations

from oneform.ir import Instr, inline
from oneform.transforms.activity import carries_derivative
from oneform.transforms.reverse.cells import load
from oneform.transforms.reverse.early import Early
from oneform.transforms.reverse.shadow import FROZEN
from oneform.transforms.reverse.sweep import Nodes, Sweep


def pull(sweep: Sweep, i: Instr, forward: Nodes, reverse: Nodes, early: Early | None) -> None:
    """Both sweeps of a `pull`."""
    forward.extend(Instr(FROZEN, (r,), {}, (), (o,), i.loc) for o, r in zip(i.outs, i.args, strict=False))
    outs = [o for o in i.outs if carries_derivative(o.type)]
    for o in outs:
        sweep.ensure(reverse, o)
    cts = inline(i.regions[0], [load(reverse, sweep.cell(o), i.loc) for o in outs], reverse)
    for k, ct in zip(i.attrs["wrt"], cts, strict=True):
        sweep.accumulate(reverse, i.args[k], ct, i.loc)
