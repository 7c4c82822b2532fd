"""Products of NumPy: einsum and what it covers, by contractions over named axes."""

from __future__ import annotations

import operator

import numpy as np

from oneform.frontend.arrays import load, rank, shape, transposed
from oneform.frontend.complexes import conjugate
from oneform.frontend.contractions import Labels, axes, contract
from oneform.frontend.creation import as_operand, product, reshaped
from oneform.frontend.index import index_array
from oneform.frontend.numbers import Operand, arithmetic, op_of
from oneform.frontend.registry import Call, handles
from oneform.frontend.values import Abstract, Arr, Py, Seq, Slice, number

# ---------------------------------------------------------------- einsum


@handles(np.einsum)
def einsum(c: Call) -> Abstract:
    t = c.t
    for name in c.kwargs:
        if name != "optimize":
            t.refuse("E106", f"np.einsum() got an unexpected keyword argument '{name}'", c.node, "out=, dtype= and order= are not supported.")
    text = c.args[0].obj if c.args and isinstance(c.args[0], Py) else None
    if not isinstance(text, str):
        t.refuse("E101", "np.einsum takes its subscripts as a string", c.node, "Write np.einsum('ij,jk->ik', a, b).")
    operands = [as_operand(t, x, c.node) for x in c.args[1:]]
    labels, out = _parse(c, text.replace(" ", ""), operands)
    return contract(t, operands, labels, out)


def _parse(c: Call, text: str, operands: list[Operand]) -> tuple[list[Labels], Labels]:
    """The labels of the axes; those that an ellipsis stands for are numbers, counted from the right."""
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(operands):
        c.t.refuse("E106", f"np.einsum has subscripts for {len(terms)} operands, but {len(operands)} were given", c.node)
    ranks = [rank(x) if isinstance(x, Arr) else 0 for x in operands]
    labels = [_labels(c, term, n) for term, n in zip(terms, ranks, strict=True)]
    extra = max((sum(isinstance(l, int) for l in ls) for ls in labels), default=0)
    dots: Labels = tuple(range(-extra, 0))
    if arrow:
        before, found, after = output.partition("...")
        out: Labels = (*before, *(dots if found else ()), *after)
    else:
        every = [l for ls in labels for l in ls if isinstance(l, str)]
        out = (*dots, *sorted(l for l in set(every) if every.count(l) == 1))
    known = {l for ls in labels for l in ls}
    for l in out:
        if l not in known or out.count(l) > 1:
            c.t.refuse("E101", f"einstein sum subscripts string: the output subscript '{l}' is not one of the inputs', or is there twice", c.node)
    if not set(dots) <= set(out) and extra:
        c.t.refuse("E101", "output has no ellipsis, but an operand's ellipsis stands for axes", c.node)
    return labels, out


def _labels(c: Call, term: str, n: int) -> Labels:
    before, found, after = term.partition("...")
    extra = n - len(before) - len(after)
    if extra < 0 or (extra and not found) or not (before + after).isalpha() and before + after:
        c.t.refuse("E101", f"the subscripts '{term}' do not fit an operand with {n} axes", c.node)
    return (*before, *range(-extra, 0), *after)


# ---------------------------------------------------------------- products of two


def _rank(x: Operand) -> int:
    return rank(x) if isinstance(x, Arr) else 0


@handles(np.inner)
def inner(c: Call) -> Abstract:
    a, b = (as_operand(c.t, x, c.node) for x in c.only("a", "b"))
    if not _rank(a) or not _rank(b):
        return contract(c.t, [a, b], [axes(_rank(a), "a"), axes(_rank(b), "b")], (*axes(_rank(a), "a"), *axes(_rank(b), "b")))
    left, right = axes(_rank(a) - 1, "a"), axes(_rank(b) - 1, "b")
    return contract(c.t, [a, b], [(*left, "k"), (*right, "k")], (*left, *right), "shapes not aligned")


@handles(np.outer)
def outer(c: Call) -> Abstract:
    a, b = (_flat(c, x) for x in c.only("a", "b"))
    return contract(c.t, [a, b], [("i",), ("j",)], ("i", "j"))


def _flat(c: Call, x: Abstract) -> Operand:
    a = as_operand(c.t, x, c.node)
    if isinstance(a, Arr) and rank(a) == 1:
        return a
    out = c.t.call(c.t, Py(np.full), [Seq("tuple", (number(1),)), a], {}, c.node) if not isinstance(a, Arr) else reshaped(c.t, a, number(-1))
    assert isinstance(out, Arr)
    return out


@handles(np.vdot)
def vdot(c: Call) -> Abstract:
    a, b = (_flat(c, x) for x in c.only("a", "b"))
    return contract(c.t, [conjugate(c.t, a), b], [("k",), ("k",)], (), "cannot multiply vectors of different lengths")


@handles(np.tensordot)
def tensordot(c: Call) -> Abstract:
    t = c.t
    x, y, over = c.bind("a", "b", "axes?")
    a, b = as_operand(t, x or Py(None), c.node), as_operand(t, y or Py(None), c.node)
    n, m = _rank(a), _rank(b)
    if isinstance(over, Seq) and len(over.items) == 2:
        first, second = ([t.known_int(i, "axes") % k for i in (g.items if isinstance(g, Seq) else (g,))] for g, k in zip(over.items, (n, m), strict=True))
    else:
        count = 2 if over is None else t.known_int(over, "axes")
        first, second = list(range(n - count, n)), list(range(count))
    twice = len(set(first)) != len(first) or len(set(second)) != len(second)
    if len(first) != len(second) or twice or any(k < 0 for k in first) or any(k >= m for k in second):
        t.refuse("E103", "shape-mismatch for sum: the axes of np.tensordot do not fit the arrays", c.node)
    left: list[object] = [("a", k) for k in range(n)]
    right: list[object] = [("b", k) for k in range(m)]
    for j, (p, q) in enumerate(zip(first, second, strict=True)):
        left[p] = right[q] = j
    out = tuple(l for l in (*left, *right) if not isinstance(l, int))
    return contract(t, [a, b], [tuple(left), tuple(right)], out, "shape-mismatch for sum")


@handles(np.kron)
def kron(c: Call) -> Abstract:
    """Blocks of b, one for each element of a; the shorter shape is filled up with ones in front."""
    t = c.t
    a, b = (as_operand(t, x, c.node) for x in c.only("a", "b"))
    n = max(_rank(a), _rank(b))
    names = [axes(n, "a"), axes(n, "b")]
    used = [ls[n - _rank(x) :] for x, ls in zip((a, b), names, strict=True)]
    pairs = [l for k in range(n) for l in (names[0][k], names[1][k]) if l in used[0] or l in used[1]]
    out = contract(t, [a, b], used, tuple(pairs))
    if not isinstance(out, Arr):
        return out
    lengths = {l: m for ls, x in zip(used, (a, b), strict=True) for l, m in zip(ls, shape(t, x)[1], strict=True)}
    full = tuple(product(t, [lengths[l] for l in (names[0][k], names[1][k]) if l in lengths]) for k in range(n))
    return reshaped(t, out, Seq("tuple", full))


@handles(np.cross)
def cross(c: Call) -> Abstract:
    """Vectors of three (or two) components, along the last axis or `axis`."""
    t = c.t
    x, y, first, second, result, axis = c.bind("a", "b", "axisa?", "axisb?", "axisc?", "axis?")
    a, b = (as_operand(t, v or Py(None), c.node) for v in (x, y))
    parts = [_components(c, v, axis or k) for v, k in ((a, first), (b, second))]
    if len(parts[0]) == len(parts[1]) == 2:
        return _minor(c, *parts[0], *parts[1])
    (p, q, r), (u, v, w) = ((*side, number(0.0)) if len(side) == 2 else side for side in parts)
    made = Seq("tuple", (_minor(c, q, r, v, w), _minor(c, r, p, w, u), _minor(c, p, q, u, v)))
    stacked = as_operand(t, made, c.node)
    assert isinstance(stacked, Arr)
    n = rank(stacked)
    at = n - 1 if axis is None and result is None else t.known_int(axis or result or number(-1), "axis") % n
    return transposed(t, stacked, (*range(1, at + 1), 0, *range(at + 1, n)))


def _components(c: Call, a: Operand, axis: Abstract | None) -> list[Operand]:
    n = _rank(a)
    if not isinstance(a, Arr) or not n:
        c.t.refuse("E103", "at least one of the arguments of np.cross has no axes", c.node)
    k = n - 1 if axis is None else c.t.known_int(axis, "axis") % n
    count = shape(c.t, a)[0][k]
    if count not in (2, 3):
        c.t.refuse("E103", f"incompatible dimensions for cross product: the vectors have {count} components, not 2 or 3", c.node)
    found: list[Operand] = []
    for i in range(int(count)):
        key = tuple(number(i) if j == k else Slice(None, None, None) for j in range(n))
        found.append(load(c.t, index_array(c.t, a, Seq("tuple", key), c.node)))
    return found


def _minor(c: Call, a: Operand, b: Operand, x: Operand, y: Operand) -> Operand:
    """a y - b x"""
    t = c.t
    return arithmetic(t, op_of(operator.sub), arithmetic(t, op_of(operator.mul), a, y), arithmetic(t, op_of(operator.mul), b, x))


# ---------------------------------------------------------------- the names of np.linalg


def matmul(c: Call) -> Abstract:
    return c.t.call(c.t, Py(np.matmul), c.args, c.kwargs, c.node)


for _name, _handler in (("matmul", matmul), ("outer", outer), ("tensordot", tensordot), ("cross", cross)):
    if hasattr(np.linalg, _name):  # new in NumPy 2
        handles(getattr(np.linalg, _name))(_handler)


@handles(np.linalg.multi_dot)
def multi_dot(c: Call) -> Abstract:
    """A chain of matrices; the first and the last may be vectors. In the order that einsum finds."""
    t = c.t
    (given,) = c.only("arrays")
    if not isinstance(given, Seq) or len(given.items) < 2:
        t.refuse("E101", "Expecting at least two arrays, in a tuple or list", c.node)
    operands = [as_operand(t, x, c.node) for x in given.items]
    labels: list[Labels] = []
    for k, x in enumerate(operands):
        ends = k in (0, len(operands) - 1)
        if _rank(x) != 2 and not (ends and _rank(x) == 1):
            t.refuse("E103", "multi_dot takes matrices, and vectors at the ends", c.node)
        labels.append((k, k + 1) if _rank(x) == 2 else (k + 1,) if k == 0 else (k,))
    out = tuple(l for l in (0, len(operands)) if any(l in ls for ls in labels))
    return contract(t, operands, labels, out, "shapes not aligned")


def vecdot(c: Call) -> Abstract:
    x, y, axis = c.bind("x1", "x2", "axis?", "*")
    if axis is not None and c.t.known_int(axis, "axis") != -1:
        c.t.refuse("E101", "vecdot is taken along the last axis", c.node)
    a, b = (as_operand(c.t, v or Py(None), c.node) for v in (x, y))
    n = max(_rank(a), _rank(b))
    names = axes(n, "a")
    return contract(c.t, [conjugate(c.t, a), b], [names[n - _rank(a) :], names[n - _rank(b) :]], names[:-1])


handles(*(f for owner in (np, np.linalg) if (f := getattr(owner, "vecdot", None)) is not None))(vecdot)
