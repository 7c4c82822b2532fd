"""THE list of passes, each with the reason why it stands there."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from oneform.ir import Function, Instr, verify
from oneform.optimise.construct import construct
from oneform.optimise.cse import cse
from oneform.optimise.dce import dce
from oneform.optimise.expand import expand
from oneform.optimise.fuse import fuse
from oneform.optimise.inline import inline_primals
from oneform.optimise.invariant import constant_carries, hoist
from oneform.optimise.join import join
from oneform.optimise.lists import simplify_lists
from oneform.optimise.privatise import privatise
from oneform.optimise.recurrence import counters, shorten
from oneform.optimise.recycle import recycle
from oneform.optimise.scalarise import scalarise, unroll
from oneform.optimise.simplify import simplify
from oneform.optimise.sums import known_sums

Pass = Callable[[Function], Function]

PASSES: tuple[tuple[Pass, str], ...] = (
    (dce, "what tracing and differentiation leave unused need not be looked at by any later pass"),
    (expand, "all later passes know elements and loops only"),
    (constant_carries, "a value that a loop does not change is seen through by the simplifier only once it is read from outside"),
    (simplify, "folds what the frontend leaves to it: literals, lengths of static axes, indices that are certainly in range"),
    (cse, "one value per length and per element read, so that the comparisons of values in the passes below succeed"),
    (simplify_lists, "the lengths of lists follow from how these were made, and what was put into them need not be read again"),
    (cse, "lengths of lists as well are one value each"),
    (simplify, "indices and comparisons of lengths are certain once equal lengths are one value"),
    (hoist, "what does not change inside a loop is no residual of it, and needs no derivative code in it"),
    (counters, "what is a function of the index need not be carried: it makes no iteration wait, and the adjoint need not save it"),
    (simplify, "indices by counters are certainly in range where those by the index are"),
    (dce, "counts of uses are exact for the passes below"),
    (construct, "a loop that fills an array is a constructor, which fuses, and whose iterations are free of each other"),
    (fuse, "an array that is read once, in order, never needs to exist"),
    (privatise, "a scratch array carried through a loop would make its iterations depend on each other"),
    (unroll, "elements of a vector in space are named by constants, as the next pass needs them"),
    (simplify, "inlined and unrolled constructors read through constants; their indices fold"),
    (scalarise, "small vectors are numbers: no memory, and nothing that the adjoint would have to keep versions of"),
    (constant_carries, "most elements of a carried vector may be constant"),
    (simplify, "reads of elements have become arithmetic"),
    (cse, "several elements of one constructor at the same index are one"),
    (dce, "removes the inlined constructors and what their reads replaced"),
    (known_sums, "multiples of sums that the program has need no loop of their own, and nothing has to wait for one"),
    (shorten, "the adjoint of a loop waits for one multiplication per iteration instead of a chain of operations"),
    (dce, "the chains that nobody reads any more"),
)

LAST: tuple[tuple[Pass, str], ...] = (
    (join, "one pass over memory serves loops that read the same arrays; of loops apart derivatives are simpler"),
    (simplify, "what an earlier loop wrote at an index is there as a number"),
    (recycle, "what is read for the last time gives its memory to what is written in its place"),
    (dce, "arrays that only a joined loop read"),
)


def optimise(f: Function, *, verified: bool | None = None) -> Function:
    """The same function, faster, for machine code. `verified` (or ONEFORM_VERIFY=1 in the environment) checks the program after each pass."""
    return run(f, [inline_primals, *(p for p, _ in PASSES), *(p for p, _ in LAST)], _checks(verified))


def prepare(f: Function, *, verified: bool | None = None) -> Function:
    """What runs before differentiation: the same list, since a derivative is as simple as the program it is taken of. But custom derivatives
    stay, for this derivative and those to come."""
    return run(f, [p for p, _ in PASSES], _checks(verified))


def _checks(verified: bool | None) -> bool:
    return bool(os.environ.get("ONEFORM_VERIFY")) if verified is None else verified


def run(f: Function, passes: Sequence[Pass], check: bool) -> Function:
    typed: set[Instr] = set()
    for p in passes:
        given, f = f, p(f)
        if check and f is not given:
            verify(f, typed)
    return f
