"""Where the entries of blocks belong, for loops whose Jacobians are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oneform.origins import FromPython
from oneform.sparse import kernels
from oneform.sparse.arrays import ROOM, UNCHECKED, index_type, matrix, padded
from oneform.staging import Compiled

claim = Compiled(FromPython(kernels.claim), UNCHECKED, "jit")
lay = Compiled(FromPython(kernels.lay), UNCHECKED, "jit")
sort_blocks = Compiled(FromPython(kernels.sort_blocks), UNCHECKED, "jit")


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
    return _regular(rows, columns, loops, lengths, height, width) or _scattered(rows, columns, loops, lengths, height, width)


def _regular(rows: Any, columns: Any, loops: Sequence[Loop], lengths: Any, height: int, width: int) -> DirectPlan | None:
    """For blocks whose columns come in the same order in every iteration: the order of the first."""
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    entries = int(indptr[-1])
    indices = np.empty(max(entries, ROOM), index_type(max(entries, width)))
    starts = np.empty(len(rows), indices.dtype)
    ranks: list[Any] = [np.empty(0, starts.dtype)]
    for n in loops:
        ends = np.cumsum(n.entries)
        own = [np.argsort(columns[n.entry + end - size : n.entry + end], kind="stable") for end, size in zip(ends, n.entries, strict=True)]
        order = np.concatenate(own) if n.count else np.empty(0, np.int64)
        if not lay(rows, n.site, columns, n.entry, n.count, *n.shape[1:], padded(order, 0), indptr, indices, starts):
            return None
        ranks += [np.argsort(o).astype(starts.dtype) for o in own]
    return DirectPlan(matrix(indices[:entries], indptr[: height + 1], width), starts, padded(np.concatenate(ranks), 0))


def _scattered(rows: Any, columns: Any, loops: Sequence[Loop], lengths: Any, height: int, width: int) -> DirectPlan:
    """For blocks whose columns come in any order, or the same one twice: every entry has a place of its own."""
    places = np.empty(len(columns), index_type(len(columns)))
    room = np.empty(max(ROOM, *(int(n.entries.max(initial=0)) for n in loops)), np.int64)
    while True:
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        nonzeros = int(indptr[-1])
        indices = np.empty(max(nonzeros, ROOM), index_type(max(nonzeros, width)))
        as_expected = [sort_blocks(rows, n.site, columns, n.entry, *n.shape, lengths, indptr, indices, places, room) for n in loops]
        if all(as_expected):
            break  # else entries met, and rows are shorter
    return DirectPlan(matrix(indices[:nonzeros], indptr[: height + 1], width), None, places)
