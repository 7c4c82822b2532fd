"""Sets of inputs as numbers (*handles*), and the record of how they are united, while a dependency program is built.

Handle 0 is the empty set, 1 ... n are the inputs, and n + 1 + k is node k: the union of children[starts[k] : starts[k + 1]]. Nodes are only
ever added, so that a child is always older than what it belongs to. The record is two growing lists, which every region passes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from oneform.ir import Builder, Value
from oneform.ops import Term, apply, array, dims, for_, if_, integer, lists, logic, open_operands
from oneform.types import ANY, I64, Array, DType, List, Scalar, element, shape_of

RECORD = List((Scalar(I64),))
Deps = tuple[Value, ...]


class Store:
    """`record`: the lists (starts, children) as they are where the builder stands."""

    def __init__(self, b: Builder, inputs: Value):
        self.inputs = inputs
        self.record: tuple[Value, ...] = tuple(b.emit1(lists.empty_list, items=RECORD.items) for _ in range(2))

    def enter(self, sub: Builder) -> None:
        """Into a region that gets the record as its last parameters."""
        self.record = (sub.param(RECORD), sub.param(RECORD))

    def count(self, b: Builder, which: int) -> Value:
        return b.emit1(lists.size, self.record[which], fields=(), axis=0)

    def open_node(self, b: Builder) -> Value:
        """A new node; what is pushed next are its children."""
        starts, children = self.record
        number = self.count(b, 0)
        self.record = (b.emit1(lists.push, starts, self.count(b, 1)), children)
        return (Term(b, number) + Term(b, self.inputs) + 1).v

    def push(self, b: Builder, child: Value) -> None:
        self.record = (self.record[0], b.emit1(lists.push, self.record[1], child))

    def node(self, b: Builder, deps: Deps) -> Value:
        """The handle of a union."""
        if not deps:
            return integer(b, 0)
        if len(deps) == 1:
            return deps[0]
        handle = self.open_node(b)
        for d in deps:
            self.push(b, d)
        return handle

    def whole(self, b: Builder, grid: Value) -> Value:
        """The union over all elements of an array of handles."""
        handle = self.open_node(b)

        def visit(inner: Builder, index: list[Value], carried: list[Value]) -> list[Value]:
            return [inner.emit1(lists.push, carried[0], inner.emit1(array.get, grid, *index))]

        (children,) = nest(b, dims(b, grid), [self.record[1]], visit)
        self.record = (self.record[0], children)
        return handle

    def each(self, b: Builder, grids: Sequence[Value], extra: Deps) -> Value:
        """An array of the unions, element by element, of arrays of one shape and what is common to all elements."""

        def visit(inner: Builder, index: list[Value], carried: list[Value]) -> list[Value]:
            self.record = (carried[1], carried[2])
            handle = self.node(inner, (*(inner.emit1(array.get, g, *index) for g in grids), *extra))
            return [inner.emit1(array.set_, carried[0], handle, *index), *self.record]

        new = blank(b, grids[0])
        out, *record = nest(b, dims(b, grids[0]), [new, *self.record], visit)
        self.record = tuple(record)
        return out


def blank(b: Builder, like: Value) -> Value:
    """An array of empty sets of the shape of another."""
    return array.zeros(b, I64, shape_of(like.type), open_operands(b, like))


Step = Callable[[Builder, list[Value], list[Value]], list[Value]]


def nest(b: Builder, lengths: Sequence[Value], carried: list[Value], step: Step, index: tuple[Value, ...] = (), **attrs: bool) -> list[Value]:
    """Loops over all indices; the outermost has the attributes."""
    if not lengths:
        return step(b, list(index), carried)
    body = b.sub()
    i = body.param(Scalar(I64))
    params = [body.param(c.type) for c in carried]
    new = nest(body, lengths[1:], params, step, (*index, i))
    return list(b.emit(for_, lengths[0], *carried, regions=(body.block(*new),), **attrs))


def numbered(b: Builder, like: Value, first: Value) -> Value:
    """The handles of the elements of an input: first, first + 1 ... in row-major order."""
    lengths = dims(b, like)

    def element(body: Builder, index: list[Value]) -> Value:
        return position(body, lengths, index, first)

    return array.build(b, shape_of(like.type), open_operands(b, like), element)


def position(b: Builder, lengths: Sequence[Value], index: Sequence[Value], first: Value) -> Value:
    """first + the place of an element in row-major order."""
    flat = Term(b, index[0])
    for n, i in zip(lengths[1:], index[1:], strict=True):
        flat = flat * Term(b, n) + Term(b, i)
    return (flat + Term(b, first)).v


def of_dtype(b: Builder, x: Value, dtype: DType) -> Value:
    return x if element(x.type) == dtype else b.emit1(logic.convert, x, dtype=dtype)


def number(b: Builder, numbers: Value, at: Value) -> Value:
    """One of an array of integers, which may be narrow to save memory."""
    return of_dtype(b, b.emit1(array.get, numbers, at), I64)


def inside(b: Builder, a: Value, index: Sequence[Value]) -> Value:
    """Whether indices are in range."""
    found: Term | None = None
    for i, n in zip(index, dims(b, a), strict=True):
        within = apply("and", Term(b, i) >= 0, Term(b, i) < Term(b, n))
        found = within if found is None else apply("and", found, within)
    assert found is not None
    return found.v


def guarded(b: Builder, safe: Value, then: Callable[[Builder], Value], other: Callable[[Builder], Value]) -> Value:
    sides: list[Builder] = [b.sub(), b.sub()]
    blocks = [s.block(f(s)) for s, f in zip(sides, (then, other), strict=True)]
    return b.emit1(if_, safe, regions=blocks)


def to_array(b: Builder, rows: Value, extra: Value | None = None) -> Value:
    """A list of numbers as an array, with one more at the end."""
    size = b.emit1(lists.size, rows, fields=(), axis=0)
    length = size if extra is None else (Term(b, size) + 1).v
    out = b.emit1(array.empty, length, dtype=I64, shape=(ANY,))
    body = b.sub()
    i, a = body.param(Scalar(I64)), body.param(Array(I64, (ANY,)))
    new = body.emit1(array.set_, a, body.emit1(lists.item, rows, i, fields=(0,)), i)
    out = b.emit1(for_, size, out, regions=(body.block(new),))
    return out if extra is None else b.emit1(array.set_, out, extra, size)
