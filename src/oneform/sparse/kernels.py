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
                    columns = larger(columns, found, room)
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
        in_order &= ordered(columns, first, found)
        indptr[r + 1] = found
        if root > inputs and done[root - inputs - 1] < 0:
            done[root - inputs - 1] = r
    return indptr, columns, in_order


def larger(columns: Any, found: int, room: Any) -> Any:
    """An array with room for more, that begins with the `found` numbers that there are."""
    out = np.empty(2 * columns.shape[0] + room, dtype=columns.dtype)
    for k in range(found):
        out[k] = columns[k]
    return out


def ordered(columns: Any, first: int, end: int) -> bool:
    """Sort a row by insertion if it is short. Whether it is in order."""
    if end - first <= 32:
        for p in range(first + 1, end):
            c = columns[p]
            q = p
            while q > first and columns[q - 1] > c:
                columns[q] = columns[q - 1]
                q -= 1
            columns[q] = c
        return True
    in_order = True
    for p in range(first + 1, end):
        in_order &= columns[p - 1] <= columns[p]
    return in_order


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
        used = max(used, c + 1)
    return colours, used


def many_colours(column_starts: Any, rows: Any, order: Any, height: int, words: int) -> tuple[Any, int]:
    """The same with several numbers for each row."""
    count = column_starts.shape[0] - 1
    colours = np.full(count, -1)
    masks = np.zeros((height, words), dtype=np.int64)
    taken = np.zeros(words, dtype=np.int64)
    used = 0
    for n in range(count):
        j = order[n]
        taken[:] = 0
        for p in range(column_starts[j], column_starts[j + 1]):
            for k in range(words):
                taken[k] |= masks[rows[p], k]
        word = 0
        while word < words and taken[word] == (1 << 62) - 1:
            word += 1
        if word == words:
            return colours, -1
        c = 0
        while taken[word] >> c & 1 == 1:
            c += 1
        found = 62 * word + c
        colours[j] = found
        for p in range(column_starts[j], column_starts[j + 1]):
            masks[rows[p], word] |= 1 << c
        used = max(used, found + 1)
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
        increasing = True
        for s in range(sites):
            begin = indptr[first[s] + rows[site + i * sites + s]]
            starts[site + i * sites + s] = begin
            last = -1
            for q in range(entries[s]):
                c = int(columns[at + order[k + q]])
                increasing &= c > last
                last = c
                indices[begin + q] = c
            at += entries[s]
            k += entries[s]
        if not increasing:
            return False
    return True


def sort_blocks(
    rows: Any, site: int, columns: Any, entry: int, count: int, sites: int, first: Any, entries: Any, lengths: Any, indptr: Any, indices: Any, places: Any,
    room: Any,
) -> bool:
    """Write the columns of a loop's blocks in order, each once, to where their rows start; the place of each entry; and the length of each row. Whether
    that is what `lengths` said, from which `indptr` was made. Blocks are as short as the program is, so that entries are inserted one by one, in `room`:
    each as its column, times 2 ** bits, plus its number within the block."""
    bits = 0
    while 1 << bits < room.shape[0]:
        bits += 1
    number = (1 << bits) - 1
    at, as_expected = entry, True
    for i in range(count):
        for s in range(sites):
            size = entries[s]
            if size == 0:
                continue
            for q in range(size):
                key, k = int(columns[at + q]) << bits | q, q
                while k > 0 and room[k - 1] > key:
                    room[k] = room[k - 1]
                    k -= 1
                room[k] = key
            r = first[s] + rows[site + i * sites + s]
            last, found = -1, indptr[r] - 1
            for k in range(size):
                c = room[k] >> bits
                found += c != last
                last = c
                indices[found] = c
                places[at + (room[k] & number)] = found
            if lengths[r] != found + 1 - indptr[r]:
                lengths[r] = found + 1 - indptr[r]
                as_expected = False
            at += size
    return as_expected


def schedule(
    indptr: Any, indices: Any, colours: Any, swapped: Any, forward: bool, lanes: int, groups: int, begins: Any, parts: int, where: Any, place: Any,
) -> Any:
    """Sort nonzeros by group of colours, then by the part (begins[j] to begins[j + 1] of the other side) that they come back in, then by place, by counting:
    where each comes back, times lanes, plus its lane; and its place. Returns where each group and part starts."""
    starts = np.zeros(groups * parts + 1, dtype=np.int64)
    for go in range(2):
        for r in range(indptr.shape[0] - 1):
            part = 0
            for p in range(indptr[r], indptr[r + 1]):
                c = indices[p]
                if forward != swapped[p]:
                    colour, other = colours[c], r
                else:
                    colour, other = colours[r], c
                while other < begins[part]:
                    part -= 1
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


def slots(indptr: Any, indices: Any, colours: Any, bits: int, table: Any) -> None:
    """For each group of 2 ** bits colours, row and colour of the group, where the nonzero is: see `transforms.stored`. `table` comes filled for those
    that are not."""
    rows = indptr.shape[0] - 1
    for r in range(rows):
        for p in range(indptr[r], indptr[r + 1]):
            c = int(colours[indices[p]])
            table[((c >> bits) * rows + r << bits) + (c & (1 << bits) - 1)] = p


def mirrors(indptr: Any, indices: Any) -> tuple[Any, bool]:
    """Where the nonzero across the diagonal is; and whether there is one for each. Rows come in order, so each row is met across from its start to its end."""
    count = indptr.shape[0] - 1
    following = np.empty(count, dtype=np.int64)
    for r in range(count):
        following[r] = indptr[r]
    mirror = np.full(indices.shape[0], -1)
    for r in range(count):
        for p in range(indptr[r], indptr[r + 1]):
            c = indices[p]
            q = following[c]
            if q >= indptr[c + 1] or indices[q] != r:
                return mirror, False
            mirror[p] = q
            following[c] = q + 1
    return mirror, True


def link(heads: Any, following: Any, vertex: int, edge: int) -> None:
    """Put an edge in front of a vertex's list."""
    following[edge] = heads[vertex]
    heads[vertex] = edge


def forbidden(
    v: int, indptr: Any, indices: Any, colours: Any, masks: Any, centre_edge: Any, next_centre: Any, seen_by: Any, seen: Any,
) -> int:
    """The colours that `star` may not give to a vertex, as bits; and, in `seen`, an edge to a neighbour of each colour."""
    taken = masks[v]
    for p in range(indptr[v], indptr[v + 1]):
        w = indices[p]
        if w == v or colours[w] < 0:
            continue
        c = colours[w]
        if seen_by[c] == v:  # two neighbours of one colour: v will be their centre
            taken |= masks[indices[seen[c]]] | masks[w]
        else:
            seen_by[c] = v
            seen[c] = p
            e = centre_edge[w]
            while e >= 0:
                taken |= 1 << colours[indices[e]]
                e = next_centre[e]
    return taken


def star(indptr: Any, indices: Any, mirror: Any, order: Any) -> tuple[Any, int]:
    """Star colours of a symmetric pattern, and how many: neighbours differ, and no path of four has two colours only. Greedily in the given order. If 62
    are too few, how many there are is -1.

    Edges of two colours form stars: `star_of` says for both nonzeros of an edge which, `hub` which vertex is the centre, -1 while there is one edge only
    (Gebremedhin, Tarafdar, Manne, Pothen: New acyclic and star coloring algorithms, 2007). So that no row is searched, each vertex keeps the set of its
    neighbours' colours, one edge for each of them, and the edges to centres whose stars it belongs to; lists of edges are linked by their nonzeros."""
    count, edges = indptr.shape[0] - 1, indices.shape[0]
    colours, masks = np.full(count, -1), np.zeros(count, dtype=np.int64)
    star_of, hub = np.full(edges, -1), np.full(edges + 1, -1)
    colour_edge, next_colour = np.full(count, -1), np.full(edges, -1)
    centre_edge, next_centre = np.full(count, -1), np.full(edges, -1)
    seen_by, seen = np.full(62, -1), np.full(62, -1)  # for a colour: the vertex that has met it, and by which edge
    stars, used = 0, 0
    for n in range(count):
        v = order[n]
        taken = forbidden(v, indptr, indices, colours, masks, centre_edge, next_centre, seen_by, seen)
        own = 0
        while taken >> own & 1 == 1:
            own += 1
        if own >= 62:
            return colours, -1
        colours[v] = own
        used = max(used, own + 1)
        for p in range(indptr[v], indptr[v + 1]):
            w, across = indices[p], mirror[p]
            if w == v:
                continue
            other = -1
            if masks[w] >> own & 1 == 1:
                other = colour_edge[w]
                while colours[indices[other]] != own:
                    other = next_colour[other]
            else:
                masks[w] |= 1 << own
                link(colour_edge, next_colour, w, across)
            if colours[w] < 0:
                continue
            first = seen[colours[w]]
            if other >= 0:  # w is the centre of v and of the neighbour that has v's colour
                s = star_of[other]
                if hub[s] < 0:
                    hub[s] = w
                    link(centre_edge, next_centre, indices[other], mirror[other])
                link(centre_edge, next_centre, v, p)
            elif first != p:  # v is the centre of w and of the neighbour that has w's colour
                s = star_of[first]
                if hub[s] < 0:
                    hub[s] = v
                    link(centre_edge, next_centre, indices[first], mirror[first])
                link(centre_edge, next_centre, w, across)
            else:
                s = stars
                stars += 1
            star_of[p] = s
            star_of[across] = s
    return colours, used


def sources(indptr: Any, indices: Any, colours: Any, mirror: Any) -> tuple[Any, bool]:
    """For each nonzero of a symmetric pattern whether it is found across the diagonal: the same place for both of a pair. And whether all are found."""
    count = indptr.shape[0] - 1
    met, times = np.full(count + 1, -1), np.zeros(count + 1, dtype=np.int64)
    alone = np.zeros(indices.shape[0], dtype=np.bool_)
    for r in range(count):
        for p in range(indptr[r], indptr[r + 1]):
            c = colours[indices[p]]
            if met[c] != r:
                met[c] = r
                times[c] = 0
            times[c] += 1
        for p in range(indptr[r], indptr[r + 1]):
            alone[p] = times[colours[indices[p]]] == 1
    swapped = np.zeros(indices.shape[0], dtype=np.bool_)
    every = True
    for r in range(count):
        for p in range(indptr[r], indptr[r + 1]):
            upper = indices[p] >= r
            first = p if upper else mirror[p]
            if alone[first]:
                swapped[p] = not upper
            else:
                swapped[p] = upper
                if not alone[mirror[first]]:
                    every = False
    return swapped, every
