"""Tapes: what one iteration of a loop leaves for its adjoint.

A tape starts as arrays with one place per iteration, allocated before its loop. When that loop stands inside another whose
adjoint runs later, the tape moves out: it gains a dimension for the outer loop if its lengths are known there, and otherwise
becomes a stack, which grows with the data. A while loop's tape is a stack from the start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn

from oneform.errors import InternalError, Location
from oneform.ir import Block, Builder, Instr, Op, Value
from oneform.ops import Term, apply, array, integer, lists
from oneform.transforms.reverse.cells import ENSURE, LOCAL, QUERY, STORE, UPDATE, Cell, node
from oneform.types import ANY, Array, Dim, DType, List, Scalar, Type


class Order:
    """Whether the adjoint of a loop may run its iterations forward; a stack below it demands the reverse."""

    __slots__ = ("free",)

    def __init__(self, free: bool):
        self.free = free


class Tape:
    """`lengths` and the indices grow from the left as the tape moves out of loops."""

    def __init__(self, types: Sequence[Type], loc: Location | None, stacked: bool):
        self.types, self.loc, self.stacked = tuple(types), loc, stacked
        self.saves = loc and loc.as_role("tape")
        self.orders: list[Order] = []  # of the loops it lies in
        self.lengths: list[tuple[Value, int | None]] = []  # trip counts, outermost first, with the number where it is known
        self.forward: list[Value] = []  # loop variables of the forward sweep
        self.backward: list[Value] = []  # the same iteration, as the reverse sweep names it
        self._cells: dict[DType | None, Cell] = {}

    def enter(self, order: Order, stack: bool = False) -> None:
        """The tape lies within one more loop, perhaps one that only a stack can follow."""
        self.orders.append(order)
        self.stacked = self.stacked or stack
        if self.stacked:
            for o in self.orders:
                o.free = False

    def columns(self) -> dict[DType, list[int]]:
        """Which of the saved values go to the array of each dtype, in order."""
        found: dict[DType, list[int]] = {}
        for k, t in enumerate(self.types):
            assert isinstance(t, Scalar)
            found.setdefault(t.dtype, []).append(k)
        return found

    def cell(self, dtype: DType | None) -> Cell:
        """The cell of a dtype's array, or of the stack."""
        if dtype not in self._cells:
            self._cells[dtype] = Cell(List(self.types) if dtype is None else Array(dtype, self._shape(dtype)), tape=True)
        return self._cells[dtype]

    def _shape(self, dtype: DType) -> tuple[Dim, ...]:
        dims: tuple[Dim, ...] = tuple(ANY if n is None else n for _, n in self.lengths)
        return (*dims, len(self.columns()[dtype]))

    # ------------------------------------------------------------ emission, once the tape has its final form

    def allocate(self, nodes: list[Instr]) -> None:
        if self.stacked:
            node(nodes, ENSURE, self.cell(None), (), (), self.saves)
            return
        for dtype in self.columns():
            b = Builder(self.saves)
            open_lengths = [apply("maximum", Term(b, v), Term(b, integer(b, 0))).v for v, n in self.lengths if n is None]  # fewer than none is none
            place = b.emit1(array.empty, *open_lengths, dtype=dtype, shape=self._shape(dtype))
            nodes.extend(b.body)
            node(nodes, STORE, self.cell(dtype), (place,), (), self.saves)

    def save(self, nodes: list[Instr], values: Sequence[Value]) -> None:
        if self.stacked:
            node(nodes, UPDATE, self.cell(None), values, (), self.saves, by=lists.push)
            return
        for dtype, columns in self.columns().items():
            for c, k in enumerate(columns):
                node(nodes, UPDATE, self.cell(dtype), (values[k], *self.forward, _column(nodes, c)), (), self.saves, by=array.set_)

    # ------------------------------------------------------------ the same, before that is known

    def placing(self, nodes: list[Instr]) -> None:
        nodes.append(Instr(PLACE, (), {"tape": self}, (), (), self.loc))

    def saving(self, nodes: list[Instr], values: Sequence[Value]) -> None:
        nodes.append(Instr(SAVE, tuple(values), {"tape": self}, (), (), self.loc))

    def restoring(self, nodes: list[Instr], outs: Sequence[Value]) -> None:
        nodes.append(Instr(RESTORE, (), {"tape": self}, (), tuple(outs), self.loc))

    def restore(self, nodes: list[Instr], outs: Sequence[Value]) -> None:
        loc = self.loc and self.loc.as_role("reverse")
        if self.stacked:
            node(nodes, UPDATE, self.cell(None), (), outs, loc, by=lists.pop)
            return
        for dtype, columns in self.columns().items():
            for c, k in enumerate(columns):
                node(nodes, QUERY, self.cell(dtype), (*self.backward, _column(nodes, c)), (outs[k],), loc, by=array.get)


def _column(nodes: list[Instr], c: int) -> Value:
    b = Builder()
    v = integer(b, c)
    nodes.extend(b.body)
    return v


def _no_rule(*_: object, **__: object) -> NoReturn:
    raise InternalError("a tape that was never settled")


# ---------------------------------------------------------------- places for a tape, until its form is settled

PLACE = Op("tape.place", "Here the tape is allocated.", _no_rule, _no_rule, raises=True)
SAVE = Op("tape.save", "Here an iteration saves its residuals.", _no_rule, _no_rule, raises=True)
OWN = Op("tape.own", "Each call that runs this has arrays of its own; a stack serves all, for each leaves it as it was.", _no_rule, _no_rule, raises=True)
INDEX = Op("tape.index", "The iteration that the adjoint is at: (count, step).", _no_rule, _no_rule)
RESTORE = Op("tape.restore", "Here the adjoint of an iteration gets them back.", _no_rule, _no_rule, raises=True)


def hoist(nodes: list[Instr]) -> list[Tape]:
    """Take all tapes placed in these nodes or in branches below them out of there."""
    tapes: list[Tape] = []
    kept: list[Instr] = []
    for n in nodes:
        if n.op is PLACE:
            tapes.append(n.attrs["tape"])
        elif n.op.structure == "if":
            regions: list[Block] = []
            for r in n.regions:
                inner = list(r.body)
                tapes += hoist(inner)
                regions.append(Block(r.params, tuple(inner), r.results))
            kept.append(Instr(n.op, n.args, n.attrs, tuple(regions), n.outs, n.loc))
        else:
            kept.append(n)
    nodes[:] = kept
    return tapes


def own(nodes: Iterable[Instr], loc: Location | None) -> list[Instr]:
    """Marks, for the beginning of a function that runs forward and backward at once, for the tapes that are placed in it."""
    found: list[Instr] = []
    for n in nodes:
        if n.op is PLACE:
            found.append(Instr(OWN, (), n.attrs, (), (), loc))
        for r in n.regions:
            found += own(r.body, loc)
    return found


def settle(nodes: Iterable[Instr]) -> list[Instr]:
    """Replace the places by what they stand for, now that every tape has its final form."""
    out: list[Instr] = []
    for n in nodes:
        if n.op in (PLACE, SAVE, RESTORE, OWN):
            tape: Tape = n.attrs["tape"]
            if n.op is PLACE:
                tape.allocate(out)
            elif n.op is OWN:
                for dtype in () if tape.stacked else tape.columns():
                    node(out, LOCAL, tape.cell(dtype), (), (), n.loc)
            elif n.op is SAVE:
                tape.save(out, n.args)
            else:
                tape.restore(out, n.outs)
        elif n.op is INDEX:
            out += _index(n)
        elif n.regions:
            regions = tuple(Block(r.params, tuple(settle(r.body)), r.results) for r in n.regions)
            out.append(Instr(n.op, n.args, n.attrs, regions, n.outs, n.loc))
        else:
            out.append(n)
    return out


def _index(n: Instr) -> list[Instr]:
    """step itself, or count - 1 - step from the last iteration back."""
    b = Builder(n.loc)
    count, step = (Term(b, a) for a in n.args)
    one = Term(b, integer(b, 1))
    index = step + Term(b, integer(b, 0)) if n.attrs["order"].free else (count - one) - step
    last = b.body.pop()
    assert last.outs == (index.v,)
    return [*b.body, Instr(last.op, last.args, last.attrs, (), n.outs, n.loc)]
