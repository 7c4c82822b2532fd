"""A pattern with its colours, ready to be evaluated: which directions are pushed, and where what they give belongs."""

from __future__ import annotations

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
colour = Compiled(FromPython(kernels.colour), UNCHECKED, "jit")

PULLBACK = 2.5  # what reverse mode costs beside forward mode, roughly
ROOM = 17  # arrays shorter than this would have code of their own


def padded(x: Any, value: int) -> Any:
    """At least ROOM numbers."""
    return x if len(x) >= ROOM else np.concatenate([x, np.full(ROOM - len(x), value, np.int64)])


def pattern_of(roots: Any, starts: Any, children: Any, inputs: int) -> Any:
    """The rows that handles stand for, as a matrix of bool with sorted columns."""
    indptr, columns = flatten(padded(roots, 0), padded(starts, int(starts[-1])), padded(children, 0), inputs)
    indptr = indptr[: len(roots) + 1]
    columns = columns[: indptr[-1]].copy()
    matrix = sparse.csr_matrix((np.ones(len(columns), bool), columns, indptr), shape=(len(roots), inputs))
    matrix.sort_indices()
    return matrix


def colours_of(pattern: Any) -> tuple[Any, int]:
    """Colours of the columns: those of one colour share no row."""
    by_column = pattern.tocsc()
    counts = np.diff(by_column.indptr)
    order = np.arange(len(counts)) if len(counts) == 0 or counts.max() <= 2 * max(counts.min(), 1) else np.argsort(-counts, kind="stable")
    wide = [np.asarray(x, np.int64) for x in (pattern.indptr, pattern.indices, by_column.indptr, by_column.indices, order)]
    if pattern.shape[1] == 0:
        return np.empty(0, np.int64), 0
    lengths = [int(wide[0][-1]), 0, int(wide[2][-1]), 0]
    arrays = [padded(x, n) for x, n in zip(wide[:4], lengths, strict=True)]
    count = len(arrays[2]) - 1
    order = np.concatenate([wide[4], np.arange(len(wide[4]), count)])
    colours, used = colour(*arrays, order)
    return colours[: pattern.shape[1]], used


@dataclass(frozen=True)
class Plan:
    """Which seeds evaluate a pattern: colours of columns (forward) or of rows; for each colour and each part of what comes back, the nonzeros."""

    pattern: Any
    forward: bool
    colours: Any
    count: int
    starts: Any
    where: Any
    place: Any

    @property
    def cost(self) -> float:
        """In directional derivatives."""
        return self.count * (1.0 if self.forward else PULLBACK)


@dataclass(frozen=True)
class DirectPlan:
    """Where the entries of blocks belong: starts[s of an iteration] + ranks[entry]."""

    pattern: Any
    starts: Any
    ranks: Any


def direct(rows: Any, columns: Any, iterations: Any, sizes: Any, layout: Any, width: int) -> DirectPlan | None:
    """The plan for blocks of rows that nobody else writes to, whose columns come in the same order in every iteration; else None."""
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    groups: list[tuple[Any, Any]] = []  # rows of a site, by iteration, and their columns
    at, k = 0, 1
    strides: list[int] = []
    for count in iterations:
        sites = layout[k]
        entries = layout[k + 2 : k + 1 + 2 * sites : 2]
        outs = layout[k + 1 : k + 1 + 2 * sites : 2]
        size = int(count) * int(entries.sum())
        own_rows, own_columns = (x[at : at + size].reshape(count, int(entries.sum())) for x in (rows, columns))
        ends = np.cumsum(entries)
        for out, begin, end in zip(outs, ends - entries, ends, strict=True):
            first = own_rows[:, begin] + offsets[out] if end > begin else np.empty(0, np.int64)
            groups.append((first, own_columns[:, begin:end]))
        strides.append(int(sites))
        at, k = at + size, k + 1 + 2 * sites
    lengths = np.zeros(int(offsets[-1]), np.int64)
    for first, own in groups:
        np.add.at(lengths, first, own.shape[1])
    if sum(len(first) for first, _ in groups) != np.count_nonzero(lengths):
        return None
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    indices = np.empty(int(indptr[-1]), np.int32 if max(width, indptr[-1]) < 2**31 else np.int64)
    starts: list[Any] = []
    ranks: list[Any] = []
    for first, own in groups:
        if not len(first):
            ranks.append(np.zeros(own.shape[1], np.int64))
            starts.append(np.zeros(len(own), np.int64))
            continue
        order = np.argsort(own[0])
        ordered = own[:, order]
        if (ordered[:, 1:] <= ordered[:, :-1]).any():
            return None
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        ranks.append(rank)
        starts.append(indptr[first])
        for q in range(ordered.shape[1]):
            indices[starts[-1] + q] = ordered[:, q]
    interleaved: list[Any] = []
    k = 0
    for sites in strides:
        interleaved.append(np.stack(starts[k : k + sites], axis=1).ravel())
        k += sites
    pattern = sparse.csr_matrix((np.ones(len(indices), bool), indices, indptr), shape=(len(lengths), width))
    pattern.has_sorted_indices = True
    return DirectPlan(pattern, padded(np.concatenate(interleaved), 0), padded(np.concatenate(ranks), 0))


def planned(pattern: Any, rows: Sequence[int], columns: Sequence[int]) -> Plan:
    """The cheaper of columns and rows. `rows`, `columns`: how many there are in each result and each argument."""
    widest = int(np.diff(pattern.indptr).max(initial=0))
    tallest = int(np.bincount(pattern.indices, minlength=1).max(initial=0))
    forward = widest <= PULLBACK * tallest
    first = _plan(pattern, rows, columns, forward=forward)
    bound = (PULLBACK * tallest) if forward else widest
    if first.cost <= bound:
        return first
    other = _plan(pattern, rows, columns, forward=not forward)
    return min(first, other, key=lambda p: p.cost)


def _plan(pattern: Any, rows: Sequence[int], columns: Sequence[int], *, forward: bool) -> Plan:
    """Nonzeros sorted by colour, then by the result (or argument) that they come back in, then by their place."""
    colours, count = colours_of(pattern if forward else pattern.T.tocsr())
    row = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    column = pattern.indices
    seeded, other, sizes = (column, row, rows) if forward else (row, column, columns)
    ends = np.cumsum(sizes)
    part = np.searchsorted(ends, other, side="right")
    key = colours[seeded] * len(sizes) + part
    place = np.argsort(key, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(key, minlength=count * len(sizes)))])
    where = (other - (ends - sizes)[part])[place]
    last = int(starts[-1])
    return Plan(pattern, forward, padded(colours, -1), count, padded(starts, last), padded(where, 0), padded(place, 0))
