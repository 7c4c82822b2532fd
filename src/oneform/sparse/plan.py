"""A pattern with its colours, ready to be evaluated: which directions are pushed, and where what they give belongs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from oneform.runtime.engine import Options
from oneform.sparse import kernels
from oneform.staging import Compiled, FromPython

UNCHECKED = Options(boundscheck=False)
flatten = Compiled(FromPython(kernels.flatten), UNCHECKED, "jit")
transpose = Compiled(FromPython(kernels.transpose), UNCHECKED, "jit")
few_colours = Compiled(FromPython(kernels.few_colours), UNCHECKED, "jit")
colour = Compiled(FromPython(kernels.colour), UNCHECKED, "jit")
schedule = Compiled(FromPython(kernels.schedule), UNCHECKED, "jit")
claim = Compiled(FromPython(kernels.claim), UNCHECKED, "jit")
lay = Compiled(FromPython(kernels.lay), UNCHECKED, "jit")
expand = Compiled(FromPython(kernels.expand), UNCHECKED, "jit")
scatter = Compiled(FromPython(kernels.scatter), UNCHECKED, "jit")

PULLBACK = 2.5  # what reverse mode costs beside forward mode, roughly
LANES = 8  # colours that are evaluated at once
ROOM = 17  # arrays shorter than this would have code of their own


def padded(x: Any, value: int) -> Any:
    """At least ROOM numbers."""
    return x if len(x) >= ROOM else np.concatenate([x, np.full(ROOM - len(x), value, x.dtype)])


def pattern_of(roots: Any, starts: Any, children: Any, inputs: int) -> Any:
    """The rows that handles stand for, as a matrix of bool with sorted columns."""
    indptr, columns, in_order = flatten(padded(roots, 0), padded(starts, int(starts[-1])), padded(children, 0), inputs, np.empty(ROOM, _index(inputs)))
    if not in_order:
        indptr, columns = transpose(*transpose(indptr, columns, max(inputs, ROOM)), len(indptr) - 1)
    indptr = indptr[: len(roots) + 1]
    return _matrix(columns[: indptr[-1]], indptr, inputs)


def colours_of(pattern: Any) -> tuple[Any, int]:
    """Colours of the columns: those of one colour share no row."""
    height, width = pattern.shape
    if width == 0:
        return np.empty(0, np.int64), 0
    rows, columns = (padded(x, n) for x, n in ((pattern.indptr, pattern.indptr[-1]), (pattern.indices, 0)))
    column_starts, own = transpose(rows, columns, max(width, ROOM))
    counts = np.diff(column_starts)
    order = np.arange(len(counts)) if counts[:width].max() <= 2 * max(counts[:width].min(), 1) else np.argsort(-counts, kind="stable")
    colours, used = few_colours(column_starts, own, order, max(height, ROOM))
    if used < 0:
        colours, used = colour(rows, columns, column_starts, own, order)
    return colours[:width], used


@dataclass(frozen=True)
class Plan:
    """A pattern with the colours of its columns (forward) or of its rows; and how many rows or columns each part has that comes back."""

    pattern: Any
    forward: bool
    colours: Any
    count: int
    sizes: Sequence[int]

    @property
    def cost(self) -> float:
        """In directional derivatives."""
        return self.count * (1.0 if self.forward else PULLBACK)

    @functools.cached_property
    def lanes(self) -> int:
        """How many colours are evaluated at once, if the program allows it."""
        return 1 if self.count == 1 else LANES if self.count > LANES // 2 else LANES // 2

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
        where, place = (np.zeros(nonzeros, _index(max(nonzeros, max(self.sizes, default=0) * lanes))) for _ in range(2))
        rows, columns = padded(self.pattern.indptr, self.pattern.indptr[-1]), padded(self.pattern.indices, 0)
        starts = schedule(rows, columns, padded(self.colours, -1), self.forward, lanes, groups, padded(begins, 0), parts, where, place)
        return padded(self.colours, -1), groups, padded(starts, int(starts[-1])), where, place


@dataclass(frozen=True)
class DirectPlan:
    """Where the entries of blocks belong: at starts[site of an iteration] + ranks[entry], or, without starts, at ranks[entry of an iteration]."""

    pattern: Any
    starts: Any
    ranks: Any


@dataclass(frozen=True)
class Loop:
    """A loop with blocks: where its sites and entries start among all, its iterations, and for each site its result's first row and its entries."""

    site: int
    entry: int
    count: int
    first: Any
    entries: Any

    @property
    def shape(self) -> tuple[int, int, Any, Any]:
        return self.count, len(self.entries), padded(self.first, 0), padded(self.entries, 0)


def direct(rows: Any, columns: Any, iterations: Any, sizes: Any, layout: Any, width: int) -> DirectPlan | None:
    """The plan for blocks of rows that nobody else writes to; else None."""
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    height = int(offsets[-1])
    loops: list[Loop] = []
    site = entry = 0
    k = 1
    for count in map(int, iterations):
        sites = int(layout[k])
        outs, entries = (layout[k + p : k + p + 2 * sites : 2].copy() for p in (1, 2))
        loops.append(Loop(site, entry, count, offsets[outs], entries))
        site, entry, k = site + count * sites, entry + count * int(entries.sum()), k + 1 + 2 * sites
    rows, columns = padded(rows, 0), padded(columns, 0)
    lengths = np.zeros(max(height, ROOM), np.int64)
    if not all(claim(rows, n.site, *n.shape, lengths) for n in loops):
        return None
    return _regular(rows, columns, loops, lengths, height, width) or _scattered(rows, columns[:entry], loops, height, width)


def _regular(rows: Any, columns: Any, loops: Sequence[Loop], lengths: Any, height: int, width: int) -> DirectPlan | None:
    """For blocks whose columns come in the same order in every iteration: the order of the first."""
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    entries = int(indptr[-1])
    indices = np.empty(max(entries, ROOM), _index(max(entries, width)))
    starts = np.empty(len(rows), np.int64)
    ranks: list[Any] = [np.empty(0, np.int64)]
    for n in loops:
        ends = np.cumsum(n.entries)
        own = [np.argsort(columns[n.entry + end - size : n.entry + end], kind="stable") for end, size in zip(ends, n.entries, strict=True)]
        order = np.concatenate(own) if n.count else np.empty(0, np.int64)
        if not lay(rows, n.site, columns, n.entry, n.count, *n.shape[1:], padded(order, 0), indptr, indices, starts):
            return None
        ranks += [np.argsort(o) for o in own]
    return DirectPlan(_matrix(indices[:entries], indptr[: height + 1], width), starts, padded(np.concatenate(ranks), 0))


def _scattered(rows: Any, columns: Any, loops: Sequence[Loop], height: int, width: int) -> DirectPlan:
    """For blocks whose columns come in any order, or the same one twice: every entry has a place of its own."""
    own = np.empty(max(len(columns), ROOM), np.int64)
    for n in loops:
        expand(rows, n.site, n.entry, *n.shape, own)
    if not len(columns):
        return DirectPlan(_matrix(columns, np.zeros(height + 1, np.int64), width), None, padded(columns, 0))
    indptr, indices, places = scatter(own, columns, height, width)
    return DirectPlan(_matrix(indices[: indptr[-1]], indptr, width), None, places)


def _index(largest: int) -> type:
    return np.int32 if largest < 2**31 else np.int64


def _matrix(indices: Any, indptr: Any, width: int) -> Any:
    """A pattern whose columns are in order and differ. Jacobians share its indices, which nobody may change."""
    index = _index(max(len(indices), width))
    pattern = sparse.csr_matrix((len(indptr) - 1, width), dtype=bool)
    pattern.data, pattern.indices, pattern.indptr = np.ones(len(indices), bool), indices.astype(index, copy=False), indptr.astype(index, copy=False)
    pattern.indices.flags.writeable = pattern.indptr.flags.writeable = False
    pattern.has_canonical_format = True
    return pattern


def planned(pattern: Any, rows: Sequence[int], columns: Sequence[int]) -> Plan:
    """The cheaper of columns and rows. `rows`, `columns`: how many there are in each result and each argument."""
    widest = int(np.diff(pattern.indptr).max(initial=0))
    tallest = int(np.bincount(pattern.indices, minlength=1).max(initial=0))
    forward = widest <= PULLBACK * tallest
    first = coloured(pattern, rows, columns, forward=forward)
    bound = (PULLBACK * tallest) if forward else widest
    if first.cost <= bound:
        return first
    other = coloured(pattern, rows, columns, forward=not forward)
    return min(first, other, key=lambda p: p.cost)


def coloured(pattern: Any, rows: Sequence[int], columns: Sequence[int], *, forward: bool) -> Plan:
    colours, count = colours_of(pattern if forward else pattern.T.tocsr())
    return Plan(pattern, forward, colours, count, rows if forward else columns)
