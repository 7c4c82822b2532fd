"""A pattern with its colours, ready to be evaluated: which directions are pushed, and where what they give belongs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oneform.origins import FromPython
from oneform.sparse import kernels
from oneform.sparse.arrays import ROOM, UNCHECKED, index_type, matrix, padded, rows_of
from oneform.sparse.colouring import colours_of, symmetric, transpose, transposed
from oneform.staging import Compiled

flatten = Compiled(FromPython(kernels.flatten), UNCHECKED, "jit")
schedule = Compiled(FromPython(kernels.schedule), UNCHECKED, "jit")
slots = Compiled(FromPython(kernels.slots), UNCHECKED, "jit")

PULLBACK = 2.5  # what reverse mode costs beside forward mode, roughly
LANES = 8  # colours that are evaluated at once: a power of two
LARGEST = 1 << 26  # numbers in an array with lanes
EMPTY = 3  # times as many slots as nonzeros are too many
SPLIT = 0.8  # by how much evaluating some rows by the other mode must be cheaper


def pattern_of(roots: Any, starts: Any, children: Any, inputs: int) -> Any:
    """The rows that handles stand for, as a matrix of bool with sorted columns."""
    indptr, columns, in_order = flatten(padded(roots, 0), padded(starts, int(starts[-1])), padded(children, 0), inputs, np.empty(ROOM, index_type(inputs)))
    if not in_order:
        indptr, columns = transpose(*transpose(indptr, columns, max(inputs, ROOM)), len(indptr) - 1)
    indptr = indptr[: len(roots) + 1]
    return matrix(columns[: indptr[-1]], indptr, inputs)


@dataclass(frozen=True)
class Part:
    """Nonzeros that one mode evaluates: a pattern of them, with the colours of its columns (forward) or of its rows; how many rows or columns each result
    or argument has that comes back; for each nonzero whether it is found in its column, at the colour of its row; and which of all nonzeros these are."""

    pattern: Any
    forward: bool
    colours: Any
    count: int
    sizes: Sequence[int]
    swapped: Any = None
    chosen: Any = None

    @property
    def cost(self) -> float:
        """In directional derivatives."""
        return self.count * (1.0 if self.forward else PULLBACK)

    @functools.cached_property
    def lanes(self) -> int:
        """How many colours are evaluated at once, if the program allows it: not so many that their arrays fill the memory."""
        most = LARGEST // max(len(self.colours), *self.sizes, 1)
        return next((k for k, least in ((LANES, LANES // 2), (LANES // 2, 1)) if k <= most and self.count > least), 1)

    @property
    def slotted(self) -> bool:
        """Whether the nonzeros may be written row by row: then there is a slot for each row and colour."""
        return self.forward and self.swapped is None and self.lanes > 1 and self._slots <= EMPTY * max(self.pattern.nnz, ROOM)

    @property
    def _slots(self) -> int:
        return -(-self.count // self.lanes) * self.lanes * self.pattern.shape[0]

    @functools.cached_property
    def by_row(self) -> tuple[Any, ...]:
        """What `transforms.stored` takes."""
        nonzeros = int(self.pattern.nnz)
        indptr, indices = rows_of(self.pattern)
        rows = len(indptr) - 1
        groups = -(-self.count // self.lanes)
        table = np.full(max(groups * self.lanes * rows, ROOM), nonzeros, index_type(nonzeros))
        colours = padded(self.colours, -1)
        slots(indptr, indices, colours, self.lanes.bit_length() - 1, table)
        begins = np.concatenate([[0], np.cumsum(self.sizes)])
        begins[-1] = rows
        return colours, groups, padded(begins, rows), table, nonzeros

    @functools.cached_property
    def together(self) -> tuple[Any, ...]:
        return self.schedule(self.lanes)

    @functools.cached_property
    def apart(self) -> tuple[Any, ...]:
        return self.schedule(1)

    def schedule(self, lanes: int) -> tuple[Any, ...]:
        """Which colours are evaluated together, and where what they give belongs: see `transforms.compressed`."""
        groups, parts = -(-self.count // lanes), len(self.sizes)
        begins = np.concatenate([[0], np.cumsum(self.sizes)])
        nonzeros = max(int(self.pattern.nnz), ROOM)
        where, place = (np.zeros(nonzeros, index_type(max(nonzeros, max(self.sizes, default=0) * lanes))) for _ in range(2))
        swapped = np.zeros(nonzeros, bool) if self.swapped is None else padded(self.swapped, 0)
        colours = padded(self.colours, -1)
        starts = schedule(*rows_of(self.pattern), colours, swapped, self.forward, lanes, groups, padded(begins, 0), parts, where, place)
        return colours, groups, padded(starts, int(starts[-1])), where, place


@dataclass(frozen=True)
class Plan:
    """A pattern and the parts that evaluate it: one, or one by each mode."""

    pattern: Any
    parts: tuple[Part, ...]

    @property
    def cost(self) -> float:
        return sum(p.cost for p in self.parts)

    @property
    def passes(self) -> int:
        return sum(p.count for p in self.parts)

    @property
    def mode(self) -> str:
        return " and ".join("forward" if p.forward else "reverse" for p in self.parts)


def planned(pattern: Any, rows: Sequence[int], columns: Sequence[int]) -> Plan:
    """The cheapest of columns, of rows, and of most columns with a few rows, or the other way round. `rows`, `columns`: how many there are in each result
    and each argument."""
    counts = np.diff(pattern.indptr), np.bincount(pattern.indices, minlength=1)
    widest, tallest = (int(c.max(initial=0)) for c in counts)
    least = min(widest, PULLBACK * tallest)  # no single mode is cheaper: what shares a row differs in colour
    mixed = [_mixed(pattern, rows, columns, c, least, forward=way) for way, c in zip((True, False), counts, strict=True)]
    best = min((m for m in mixed if m is not None), key=_cost, default=None)
    if best is not None and best.cost <= least:
        return best
    forward = widest <= PULLBACK * tallest
    first = coloured(pattern, rows, columns, forward=forward)
    if first.cost > (PULLBACK * tallest if forward else widest):
        first = min(first, coloured(pattern, rows, columns, forward=not forward), key=_cost)
    return Plan(pattern, (first,)) if best is None or first.cost <= best.cost else best


def _cost(p: Part | Plan) -> float:
    return p.cost


def coloured(pattern: Any, rows: Sequence[int], columns: Sequence[int], *, forward: bool, chosen: Any = None) -> Part:
    own = pattern if forward else transposed(pattern)
    colours, count = colours_of(own)
    if chosen is not None:  # the nonzeros of others must not be met
        colours[np.bincount(own.indices, minlength=own.shape[1]) == 0] = -1
    return Part(pattern, forward, colours, count, rows if forward else columns, chosen=chosen)


def _mixed(pattern: Any, rows: Sequence[int], columns: Sequence[int], counts: Any, least: float, *, forward: bool) -> Plan | None:
    """Columns by forward mode without a few rows that make them many, which reverse mode evaluates; or rows by reverse mode without a few columns.
    `counts`: how many nonzeros these rows (columns) have. None if no number of them promises less than `least`."""
    own, others = (1.0, PULLBACK) if forward else (PULLBACK, 1.0)
    most = int(least / others)
    falling = np.sort(counts)[::-1][: most + 2]
    bounds = own * falling[1:] + others * np.arange(1, len(falling))
    if not len(bounds) or bounds.min() > SPLIT * least:
        return None
    limit = falling[1:][bounds.argmin()]
    row = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    apart = (counts > limit)[row if forward else pattern.indices]
    parts = [coloured(_some(pattern, row, chosen), rows, columns, forward=way, chosen=chosen)
             for way, chosen in ((forward, np.flatnonzero(~apart)), (not forward, np.flatnonzero(apart)))]  # fmt: skip
    return Plan(pattern, tuple(parts))


def _some(pattern: Any, row: Any, chosen: Any) -> Any:
    """The pattern of some of the nonzeros."""
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row[chosen], minlength=pattern.shape[0]))])
    return matrix(pattern.indices[chosen], indptr, pattern.shape[1])


def planned_symmetric(pattern: Any, sizes: Sequence[int]) -> Plan:
    """For the Jacobian of a gradient."""
    pattern, colours, count, swapped = symmetric(pattern)
    return Plan(pattern, (Part(pattern, True, colours, count, sizes, swapped),))


__all__ = ["Part", "Plan", "coloured", "pattern_of", "planned", "planned_symmetric"]
