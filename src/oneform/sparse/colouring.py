"""Colours: which columns of a pattern are evaluated together."""

from __future__ import annotations

from typing import Any

import numpy as np

from oneform.origins import FromPython
from oneform.sparse import kernels
from oneform.sparse.arrays import ROOM, UNCHECKED, matrix, padded, rows_of
from oneform.staging import Compiled

transpose = Compiled(FromPython(kernels.transpose), UNCHECKED, "jit")
few_colours = Compiled(FromPython(kernels.few_colours), UNCHECKED, "jit")
many_colours = Compiled(FromPython(kernels.many_colours), UNCHECKED, "jit")
colour = Compiled(FromPython(kernels.colour), UNCHECKED, "jit")
mirrors = Compiled(FromPython(kernels.mirrors), UNCHECKED, "jit")
star = Compiled(FromPython(kernels.star), UNCHECKED, "jit")
sources = Compiled(FromPython(kernels.sources), UNCHECKED, "jit")

MOST = 1 << 24  # numbers that may be spent on sets of colours


def transposed(pattern: Any) -> Any:
    starts, rows = transpose(*rows_of(pattern), max(pattern.shape[1], ROOM))
    return matrix(rows[: pattern.nnz], starts[: pattern.shape[1] + 1], pattern.shape[0])


def colours_of(pattern: Any) -> tuple[Any, int]:
    """Colours of the columns: those of one colour share no row."""
    height, width = pattern.shape
    if width == 0:
        return np.empty(0, np.int64), 0
    rows, columns = rows_of(pattern)
    column_starts, own = transpose(rows, columns, max(width, ROOM))
    order = _order(np.diff(column_starts), width)
    colours, used = few_colours(column_starts, own, order, max(height, ROOM))
    words = 1
    while used < 0 and words * height < MOST:
        words *= 4
        colours, used = many_colours(column_starts, own, order, max(height, ROOM), words)
    if used < 0:
        colours, used = colour(rows, columns, column_starts, own, order)
    return colours[:width], used


def _order(counts: Any, width: int) -> Any:
    """Those with many neighbours first, where that makes a difference."""
    own = counts[:width]
    return np.arange(len(counts)) if own.max() <= 2 * max(own.min(), 1) else np.argsort(-counts, kind="stable")


def star_colours(pattern: Any, mirror: Any) -> tuple[Any, int]:
    """Colours of rows and columns such that neighbours differ, and no path of four has two colours only."""
    rows, columns = rows_of(pattern)
    colours, used = star(rows, columns, mirror, _order(np.diff(rows), pattern.shape[0]))
    return colours[: pattern.shape[0]], used


def symmetric(pattern: Any) -> tuple[Any, Any, int, Any]:
    """For a matrix that is symmetric: where it may be nonzero (which both it and its transpose say), colours, how many there are, and for each nonzero
    whether it is found in the column, at the colour of the row, rather than the other way round.

    With star colours, of H[i, j] and H[j, i] one is alone with its colour in its row: were both in company, there would be a path of four with two colours."""
    mirror, same = mirrors(*rows_of(pattern))
    if not same:
        pattern = pattern.multiply(transposed(pattern)).tocsr()
        pattern = matrix(pattern.indices, pattern.indptr, pattern.shape[1])
        mirror, _ = mirrors(*rows_of(pattern))
    colours, count = star_colours(pattern, mirror)
    if not 0 <= count <= np.diff(pattern.indptr).max(initial=0):  # which are the fewest otherwise
        others, used = colours_of(pattern)
        if count < 0 or used < count:
            colours, count = others, used
    swapped, found = sources(*rows_of(pattern), padded(colours, -1), mirror)
    assert found
    return pattern, colours, count, swapped


__all__ = ["colours_of", "star_colours", "symmetric", "transposed"]
