"""What is done with a pattern, as programs that are compiled like a user's: sets written out as rows, colours."""

from __future__ import annotations

from typing import Any

import numpy as np


def flatten(roots: Any, starts: Any, children: Any, inputs: int, like: Any) -> tuple[Any, Any, bool]:
    """The rows of a pattern: for each root the inputs that can be reached from it. (indptr, columns, whether all rows are in order; what lies behind
    indptr[-1] is room.) Columns have the dtype of `like`.

    A depth-first walk; `stamp` says for which root a handle was met last. Where a handle was a root before, its row is copied."""
    count = roots.shape[0]
    nodes = starts.shape[0] - 1
    stamp = np.full(inputs + nodes + 1, -1)
    stack = np.empty(inputs + nodes + 1, dtype=np.int64)
    done = np.full(nodes, -1)
    indptr = np.zeros(count + 1, dtype=np.int64)
    columns = np.empty(64 + 2 * count, dtype=like.dtype)
    found = 0
    in_order = True
    for r in range(count):
        root = roots[r]
        first = found
        top = 0
        if root > 0:
            stack[0] = root
            stamp[root] = r
            top = 1
        while top > 0:
            top -= 1
            h = stack[top]
            if found + inputs + 1 > columns.shape[0]:
                room = 1
                if h > inputs and done[h - inputs - 1] >= 0:
                    row = done[h - inputs - 1]
                    room = indptr[row + 1] - indptr[row]
                if found + room > columns.shape[0]:
                    larger = np.empty(2 * columns.shape[0] + room, dtype=columns.dtype)
                    for k in range(found):
                        larger[k] = columns[k]
                    columns = larger
            if h <= inputs:
                columns[found] = h - 1
                found += 1
            else:
                k = h - inputs - 1
                if done[k] >= 0:
                    for p in range(indptr[done[k]], indptr[done[k] + 1]):
                        c = columns[p]
                        if stamp[c + 1] != r:
                            stamp[c + 1] = r
                            columns[found] = c
                            found += 1
                else:
                    for p in range(starts[k + 1] - 1, starts[k] - 1, -1):
                        c = children[p]
                        if c > 0 and stamp[c] != r:
                            stamp[c] = r
                            stack[top] = c
                            top += 1
        if found - first <= 32:
            for p in range(first + 1, found):
                c = columns[p]
                q = p
                while q > first and columns[q - 1] > c:
                    columns[q] = columns[q - 1]
                    q -= 1
                columns[q] = c
        else:
            for p in range(first + 1, found):
                if columns[p] < columns[p - 1]:
                    in_order = False
        indptr[r + 1] = found
        if root > inputs and done[root - inputs - 1] < 0:
            done[root - inputs - 1] = r
    return indptr, columns, in_order


def transpose(indptr: Any, indices: Any, width: int) -> tuple[Any, Any]:
    """A pattern by columns, with its rows in order."""
    starts = np.zeros(width + 1, dtype=np.int64)
    count = indptr.shape[0] - 1
    for p in range(indptr[count]):
        starts[indices[p]] += 1
    total = 0
    for c in range(width + 1):
        total, starts[c] = total + starts[c], total
    rows = np.empty_like(indices)
    for r in range(count):
        for p in range(indptr[r], indptr[r + 1]):
            c = indices[p]
            rows[starts[c]] = r
            starts[c] += 1
    for c in range(width, 0, -1):
        starts[c] = starts[c - 1]
    starts[0] = 0
    return starts, rows


def few_colours(column_starts: Any, rows: Any, order: Any, height: int) -> tuple[Any, int]:
    """As `colour`, with a set of colours as the bits of a number for each row. If 62 are too few, how many there are is -1."""
    count = column_starts.shape[0] - 1
    colours = np.full(count, -1)
    masks = np.zeros(height, dtype=np.int64)
    used = 0
    for n in range(count):
        j = order[n]
        taken = 0
        for p in range(column_starts[j], column_starts[j + 1]):
            taken |= masks[rows[p]]
        c = 0
        while taken >> c & 1 == 1:
            c += 1
        if c >= 62:
            return colours, -1
        colours[j] = c
        for p in range(column_starts[j], column_starts[j + 1]):
            masks[rows[p]] |= 1 << c
        if c + 1 > used:
            used = c + 1
    return colours, used


def colour(row_starts: Any, columns: Any, column_starts: Any, rows: Any, order: Any) -> tuple[Any, int]:
    """Colours of columns such that no row has two of one colour, greedily in the given order; and how many there are."""
    count = column_starts.shape[0] - 1
    colours = np.full(count, -1)
    taken = np.full(count + 1, -1)
    used = 0
    for n in range(count):
        j = order[n]
        for p in range(column_starts[j], column_starts[j + 1]):
            r = rows[p]
            for q in range(row_starts[r], row_starts[r + 1]):
                c = colours[columns[q]]
                if c >= 0:
                    taken[c] = j
        c = 0
        while taken[c] == j:
            c += 1
        colours[j] = c
        if c + 1 > used:
            used = c + 1
    return colours, used


def claim(rows: Any, site: int, count: int, sites: int, first: Any, entries: Any, lengths: Any) -> bool:
    """Give each row that a loop stores the length of its block. False if two blocks ask for one row: the later one would count alone."""
    for i in range(count):
        for s in range(sites):
            if entries[s] > 0:
                r = first[s] + rows[site + i * sites + s]
                if lengths[r] != 0:
                    return False
                lengths[r] = entries[s]
    return True


def lay(
    rows: Any, site: int, columns: Any, entry: int, count: int, sites: int, first: Any, entries: Any, order: Any, indptr: Any, indices: Any, starts: Any,
) -> bool:
    """Write the columns of a loop's blocks, each site's in the given order. False if they do not increase: the order differs between iterations."""
    at = entry
    for i in range(count):
        k = 0
        for s in range(sites):
            begin = indptr[first[s] + rows[site + i * sites + s]]
            starts[site + i * sites + s] = begin
            last = -1
            for q in range(entries[s]):
                c = columns[at + order[k + q]]
                if c <= last:
                    return False
                last = c
                indices[begin + q] = c
            at += entries[s]
            k += entries[s]
    return True


def expand(rows: Any, site: int, entry: int, count: int, sites: int, first: Any, entries: Any, out: Any) -> None:
    """The row of each entry of a loop."""
    at = entry
    for i in range(count):
        for s in range(sites):
            for _ in range(entries[s]):
                out[at] = first[s] + rows[site + i * sites + s]
                at += 1


def scatter(rows: Any, columns: Any, height: int, width: int) -> tuple[Any, Any, Any]:
    """The pattern of entries in any order, which may meet: indptr, columns (in order, then room), and the place of each entry.

    Entries are sorted by column, then by row, each time by counting."""
    count = columns.shape[0]
    ends = np.zeros(width + 1, dtype=np.int64)
    for e in range(count):
        ends[columns[e]] += 1
    total = 0
    for c in range(width):
        total, ends[c] = total + ends[c], total
    by_column = np.empty(count, dtype=np.int64)
    for e in range(count):
        by_column[ends[columns[e]]] = e
        ends[columns[e]] += 1
    ends = np.zeros(height + 1, dtype=np.int64)
    for e in range(count):
        ends[rows[e]] += 1
    total = 0
    for r in range(height):
        total, ends[r] = total + ends[r], total
    by_row = np.empty(count, dtype=np.int64)
    for k in range(count):
        e = by_column[k]
        by_row[ends[rows[e]]] = e
        ends[rows[e]] += 1
    indptr = np.zeros(height + 1, dtype=np.int64)
    places = np.empty(count, dtype=np.int64)
    found, k = 0, 0
    for r in range(height):
        last = -1
        while k < ends[r]:
            e = by_row[k]
            if columns[e] != last:
                last = columns[e]
                by_column[found] = last
                found += 1
            places[e] = found - 1
            k += 1
        indptr[r + 1] = found
    return indptr, by_column, places


def schedule(
    indptr: Any, indices: Any, colours: Any, forward: bool, lanes: int, groups: int, begins: Any, parts: int, where: Any, place: Any,
) -> Any:
    """Sort nonzeros by group of colours, then by the part (begins[j] to begins[j + 1] of the other side) that they come back in, then by place, by counting:
    where each comes back, times lanes, plus its lane; and its place. Returns where each group and part starts."""
    starts = np.zeros(groups * parts + 1, dtype=np.int64)
    for go in range(2):
        row_part = 0
        for r in range(indptr.shape[0] - 1):
            while row_part + 1 < parts and r >= begins[row_part + 1]:
                row_part += 1
            part = 0
            for p in range(indptr[r], indptr[r + 1]):
                c = indices[p]
                if forward:
                    colour, other, part = colours[c], r, row_part
                else:
                    colour, other = colours[r], c
                    while part + 1 < parts and other >= begins[part + 1]:
                        part += 1
                key = colour // lanes * parts + part
                if go == 1:
                    k = starts[key]
                    where[k] = (other - begins[part]) * lanes + colour % lanes
                    place[k] = p
                starts[key] += 1
        if go == 0:
            total = 0
            for key in range(groups * parts + 1):
                total, starts[key] = total + starts[key], total
    for key in range(groups * parts, 0, -1):
        starts[key] = starts[key - 1]
    starts[0] = 0
    return starts
