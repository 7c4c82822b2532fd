"""Sums of products over named axes: einsum, and the products of NumPy that are cases of it. Each is one array constructor with a reduction."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence

from oneform.frontend.arrays import rank, require_equal, shape
from oneform.frontend.numbers import Operand, as_value, check_shapes, op_of, pointwise, promoted, to_dtype, wrap
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Arr, Num
from oneform.ir import Builder, Value
from oneform.ops import integer, make
from oneform.types import BOOL, I64, Dim

Labels = tuple[object, ...]  # of the axes of an operand, or of the result
UNKNOWN = 64  # the length that the order of contraction assumes where it is known only at run time


def contract(t: Tracer, operands: Sequence[Operand], labels: Sequence[Labels], out: Labels, error: str = "operands could not be broadcast together") -> Operand:
    """The sum over all labels that are not in `out` of the product of the operands; operands two by two, in the cheapest order."""
    dtype, _ = promoted(operands)
    dtype = I64 if dtype == BOOL else dtype
    sizes = _sizes(t, operands, labels, error)
    parts = [(to_dtype(t, x, dtype), ls) for x, ls in zip(operands, labels, strict=True)]
    for i, j in _order([ls for _, ls in parts], out, sizes):
        x, y = parts[i], parts[j]
        rest = [p for k, p in enumerate(parts) if k not in (i, j)]
        needed = {*out, *(l for _, ls in rest for l in ls)}
        kept = tuple(l for l in dict.fromkeys((*x[1], *y[1])) if l in needed) if rest else out
        parts = [*rest, (_sum_of_products(t, [x[0], y[0]], [x[1], y[1]], kept, sizes), kept)]
    if len(parts) > 1 or parts[0][1] != out or len(operands) == 1:
        return _sum_of_products(t, [x for x, _ in parts], [ls for _, ls in parts], out, sizes)
    return parts[0][0]


def _sizes(t: Tracer, operands: Sequence[Operand], labels: Sequence[Labels], error: str) -> dict[object, tuple[Dim, Num]]:
    """The length of each label. A length of 1 that the type knows is stretched, others must agree."""
    sizes: dict[object, tuple[Dim, Num]] = {}
    for x, ls in zip(operands, labels, strict=True):
        for label, d, n in zip(ls, *shape(t, x), strict=True):
            known = sizes.get(label)
            if known is None or known[0] == 1:
                sizes[label] = d, n
            elif d != 1:
                if isinstance(d, int) and isinstance(known[0], int) and d != known[0]:
                    t.refuse("E103", f"{error}: lengths {known[0]} and {d} do not fit")
                require_equal(t, known, (d, n), error + ": lengths {0} and {1} do not fit", [known[1], n])
                if isinstance(d, int):
                    sizes[label] = d, n
    return sizes


def _order(labels: list[Labels], out: Labels, sizes: dict[object, tuple[Dim, Num]]) -> list[tuple[int, int]]:
    """Which two of what is left to multiply next: all orders are tried for few operands, beyond that the cheapest next step is taken."""

    def cost(names: set[object]) -> float:
        return math.prod(float(n.known) if (n := sizes[l][1]).known is not None else UNKNOWN for l in names)

    def search(left: list[frozenset[object]], exhaustive: bool) -> tuple[float, list[tuple[int, int]]]:
        if len(left) < 2:
            return 0.0, []
        found: list[tuple[float, int, int]] = []
        for i, j in itertools.combinations(range(len(left)), 2):
            found.append((cost({*left[i], *left[j]}), i, j))
        best: tuple[float, list[tuple[int, int]]] = (math.inf, [])
        for price, i, j in sorted(found) if exhaustive else [min(found)]:
            if price >= best[0]:
                break
            rest = [x for k, x in enumerate(left) if k not in (i, j)]
            needed = {*out, *(l for x in rest for l in x)}
            more, steps = search([*rest, frozenset((left[i] | left[j]) & needed)], exhaustive)
            best = min(best, (price + more, [(i, j), *steps]))
        return best

    return search([frozenset(ls) for ls in labels], len(labels) <= 5)[1]


def _sum_of_products(t: Tracer, operands: Sequence[Operand], labels: Sequence[Labels], out: Labels, sizes: dict[object, tuple[Dim, Num]]) -> Operand:
    inner = [l for l in dict.fromkeys(l for ls in labels for l in ls) if l not in out]
    if not inner and not out:
        check_shapes(t, operands)
        product = operands[0]
        for x in operands[1:]:
            product = pointwise(t, op_of(operator.mul), [product, x], promoted(operands)[0], False)
        return product
    values = [as_value(t, x) for x in operands]
    dims = [shape(t, x)[0] for x in operands]

    def term(b: Builder, index: Sequence[Value]) -> Value:
        at = dict(zip((*out, *inner), index, strict=True))
        product: Value | None = None
        for x, v, ls, ds in zip(operands, values, labels, dims, strict=True):
            if isinstance(x, Arr):
                v = make.get(b, v, [integer(b, 0) if d == 1 else at[l] for l, d in zip(ls, ds, strict=True)])
            product = v if product is None else make.multiply(b, product, v)
        assert product is not None
        return product

    lengths = [t.value(sizes[l][1], I64) for l in (*out, *inner) if not isinstance(sizes[l][0], int)]
    return wrap(t, make.summed(t.b, tuple(sizes[l][0] for l in out), tuple(sizes[l][0] for l in inner), lengths, term))




# ---------------------------------------------------------------- products of arrays with any number of axes


def axes(n: int, name: str) -> Labels:
    return tuple((name, k) for k in range(n))


def dot_of(t: Tracer, a: Arr, b: Arr) -> Operand:
    """np.dot: over the last axis of a and the last but one of b."""
    left, right = axes(rank(a) - 1, "a"), axes(rank(b), "b")
    k = max(rank(b) - 2, 0)
    return contract(t, [a, b], [(*left, "k"), (*right[:k], "k", *right[k + 1 :])], (*left, *right[:k], *right[k + 1 :]), "shapes not aligned")


def stacked_matmul(t: Tracer, a: Arr, b: Arr) -> Operand:
    """a @ b of stacks of matrices, whose leading axes are broadcast."""
    n, m = max(rank(a) - 2, 0), max(rank(b) - 2, 0)
    lead = tuple(range(-max(n, m), 0))
    row: Labels = ("row",) if rank(a) > 1 else ()
    column: Labels = ("column",) if rank(b) > 1 else ()
    left, right = (*lead[len(lead) - n :], *row, "k"), (*lead[len(lead) - m :], "k", *column)
    return contract(t, [a, b], [left, right], (*lead, *row, *column), "matmul: the stacks of matrices do not fit")
