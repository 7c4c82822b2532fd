"""Products of matrices, wherever sums of products are one: large ones are BLAS's, small ones stay the loops that they are.

C[p, q] = sum over r of X[p, r] Y[r, q], each matrix as it lies or transposed, and perhaps one of a stack: an array constructor that sums over one
axis, or, in adjoints, a nest of parallel loops that adds to matrices. The order of such sums is free. BLAS counts by columns, and sees our rows as its columns:
it is asked for C' = Y' X'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from oneform.codegen.arrays import flat_index
from oneform.codegen.emit import Arr, Emitter
from oneform.codegen.loops import counted, spend
from oneform.codegen.nests import Nest
from oneform.codegen.plan import INPLACE
from oneform.codegen.scalars import literal, llvm_type
from oneform.ir import Instr, Value
from oneform.types import F32, F64, Array

_SMALLEST = 8  # an axis shorter than that leaves BLAS's registers empty
_WORK = 1 << 15  # multiplications from which on a call is worth its price
_LARGEST = (1 << 31) - 1  # BLAS counts in 32 bits

Shift = tuple[Value, str]  # what is added to an index, or taken from it
Place = tuple[Value, Shift | None]


@dataclass(frozen=True)
class Matrix:
    """Two axes of an array, `row` and the last, by two indices of the nest; its other axes are fixed by other indices."""

    array: Value
    places: tuple[Place, ...]
    row: int

    @property
    def first(self) -> Value:
        return self.places[self.row][0]


@dataclass(frozen=True)
class Product:
    """target (+)= sum over `summed` of left right, for every value of the indices `around`. The left matrix has the target's rows."""

    target: Matrix
    left: Matrix
    right: Matrix
    sizes: tuple[Value, Value, Value]  # the indices of rows and columns of the target, and the one that is summed over
    around: tuple[Value, ...]


def of_constructor(em: Emitter, i: Instr) -> list[Product]:
    """A constructor of matrices that are products; else none."""
    region, rank = i.regions[0], len(i.attrs["shape"])
    if em.cold or rank < 2 or (len(i.attrs["extent"]), i.attrs["reduce"], len(i.outs)) != (1, "add", 1) or not _only(region.body):
        return []
    found = _product(em, i.outs[0], region.params[:rank], region.results[0], region.params, region.body)
    return [found] if found is not None and region.params[-1] is found.sizes[2] else []


def of_nest(em: Emitter, nest: Nest | None) -> list[Product]:
    """A nest of loops that adds products to matrices, whose targets are what its first loop starts from; else none."""
    if nest is None or em.cold or len(nest.loops) < 3 or any(em.plan.carry.get((j, k)) != INPLACE for j in nest.loops for k in range(len(j.outs))):
        return []
    body, inner = nest.body, nest.loops[-1].regions[0]
    if not _only(body):
        return []
    starts = nest.loops[0].args[1:]
    root = dict(zip(inner.params[1:], starts, strict=True))  # of each version of what is added to: what the nest starts from
    found: list[Product | None] = []
    for j in body:
        if j.op.lower == "add_at":
            root[j.outs[0]] = root[j.args[0]]
            found.append(_product(em, root[j.args[0]], j.args[2:], j.args[1], nest.indices, body))
    kept = [root.get(r) for r in inner.results] == list(starts) and root.keys().isdisjoint(j.args[0] for j in body if j.op.lower == "get")
    return [f for f in found if f is not None] if kept and None not in found else []


def _only(body: Sequence[Instr]) -> bool:
    return all(j.op.lower in ("get", "add_at", "dim", "const") or _is(j, "mul", "add", "sub") for j in body)


def _is(i: Instr, *names: str) -> bool:
    return isinstance(i.op.lower, Mapping) and i.op.name in names


def _product(em: Emitter, target: Value, at: Sequence[Value], term: Value, indices: Sequence[Value], body: Sequence[Instr]) -> Product | None:
    makers = {o: j for j in body for o in j.outs}
    i = makers.get(term)
    if i is None or not _is(i, "mul") or not isinstance(kind := target.type, Array) or kind.dtype not in (F32, F64):
        return None
    reads = [j for a in i.args if (j := makers.get(a)) is not None and j.op.lower == "get" and isinstance(em.env.get(j.args[0]), Arr)]
    accesses = [(a, _places(index, indices, makers)) for a, index in ((target, at), *((j.args[0], j.args[1:]) for j in reads))]
    if len(reads) != 2 or any(places is None for _, places in accesses):
        return None
    for rows, columns, summed in permutations(indices, 3):
        for one, other in ((1, 2), (2, 1)):
            pairs = zip((0, one, other), ((rows, columns), (rows, summed), (summed, columns)), strict=True)
            found = [_matrix(*accesses[n], pair, (rows, columns, summed)) for n, pair in pairs]
            c, left, right = found
            if c is not None and left is not None and right is not None:
                around = tuple(k for k in indices if k not in (rows, columns, summed))
                return Product(c, left, right, (rows, columns, summed), around)
    return None


def _places(index: Sequence[Value], own: Sequence[Value], makers: Mapping[Value, Instr]) -> tuple[Place, ...] | None:
    """Each index of an access as one of the nest's `own`, and what is added to it, or as one that does not change; None if it is neither."""
    found: list[Place] = []
    for k in index:
        i = makers.get(k)
        shift = None
        if i is not None:
            if not _is(i, "add", "sub"):
                return None
            k, by = i.args if i.args[0] in own or _is(i, "sub") else (i.args[1], i.args[0])
            shift = by, i.op.name
            if k not in own or by in own or by in makers:
                return None
        found.append((k, shift))
    return tuple(found)


def _matrix(array: Value, places: tuple[Place, ...] | None, pair: tuple[Value, Value], three: tuple[Value, ...]) -> Matrix | None:
    """An access as a matrix by the two indices; the third of the product has no part in it."""
    if places is None or len(places) < 2 or places[-1][0] not in pair:
        return None
    other = pair[0] if places[-1][0] is pair[1] else pair[1]
    rows = [n for n, (k, _) in enumerate(places[:-1]) if k is other]
    if len(rows) != 1 or any(k in three for n, (k, _) in enumerate(places[:-1]) if n != rows[0]):
        return None
    return Matrix(array, places, rows[0])


# ---------------------------------------------------------------- the call


def worth_it(em: Emitter, p: Product, known: Mapping[Value, str]) -> str:
    """Whether products of matrices with these lengths are BLAS's."""
    lengths = [known[k] for k in p.sizes]
    if all(n.isdigit() for n in lengths):
        a, b, c = map(int, lengths)
        return "true" if min(a, b, c) >= _SMALLEST and a * b * c >= _WORK and max(a, b, c) <= _LARGEST else "false"
    fits = [em.ins(f"icmp ult i64 {em.ins(f'sub i64 {n}, {_SMALLEST}')}, {_LARGEST - _SMALLEST}") for n in lengths]
    for f in fits[1:]:
        fits[0] = em.ins(f"and i1 {fits[0]}, {f}")
    work = em.ins(f"icmp sge i64 {em.count(lengths, False)}, {_WORK}")
    return em.ins(f"and i1 {fits[0]}, {work}")


def multiply(em: Emitter, found: Sequence[Product], targets: Mapping[Value, Arr], lengths: Mapping[Value, str], add: bool) -> Sequence[str]:
    """The calls. No register comes out of them."""
    for p in found:
        _matrices(em, p, targets[p.target.array], lengths, add, p.around)
    return ()


def _matrices(em: Emitter, p: Product, target: Arr, lengths: Mapping[Value, str], add: bool, around: tuple[Value, ...]) -> None:
    """Loops over the indices `around`, and a call in them."""
    if not around:
        _call(em, p, target, lengths, add)
        return

    def body(index: str, _: list[str]) -> Sequence[str]:
        em.env[around[0]] = index
        _matrices(em, p, target, lengths, add, around[1:])
        if len(around) == 1:
            spend(em, em.count([lengths[k] for k in p.sizes], False), check=True)
        return ()

    counted(em, "0", lengths[around[0]], [], body)


def _call(em: Emitter, p: Product, target: Arr, lengths: Mapping[Value, str], add: bool) -> None:
    """C' (columns by rows) = right' left' + C' if it is to `add`."""
    d = target.dtype
    symbol, t = {64: ("of.blas.dgemm", "double"), 32: ("of.blas.sgemm", "float")}[d.bits]
    em.declare(symbol, f'@"{symbol}" = external global ptr')
    rows, columns, summed = p.sizes
    left, right, target_ = p.left, p.right, p.target
    if target_.first is columns:  # C' is a product as well: the factors change places
        rows, columns, left, right = columns, rows, right, left
    flags = [_word(em, "i8", str(ord("N" if as_it_is else "T"))) for as_it_is in (right.first is summed, left.first is rows)]
    sizes = [_integer(em, lengths[k]) for k in (columns, rows, summed)]
    one, beta = _word(em, t, literal(1.0, d)), _word(em, t, literal(1.0 if add else 0.0, d))
    matrices = [_place(em, m, a) for m, a in ((right, em.array(right.array)), (left, em.array(left.array)), (target_, target))]
    operands = [*flags, *sizes, one, *matrices[0], *matrices[1], beta, *matrices[2]]
    routine = em.ins(f'load ptr, ptr @"{symbol}"')
    em.do(f"call void {routine}({', '.join(f'ptr {x}' for x in operands)})")


def _place(em: Emitter, m: Matrix, a: Arr) -> tuple[str, str]:
    """Where a matrix begins, and how far apart its rows are."""
    begin: list[str] = []
    for n, (k, shift) in enumerate(m.places):
        at = "0" if n in (m.row, len(m.places) - 1) else em.scalar(k)
        begin.append(at if shift is None else em.ins(f"{shift[1]} i64 {at}, {em.scalar(shift[0])}"))
    pointer = a.ptr
    if set(begin) != {"0"}:
        pointer = em.ins(f"getelementptr inbounds {llvm_type(a.dtype)}, ptr {a.ptr}, i64 {flat_index(em, a, begin)}")
    return pointer, _integer(em, em.count(a.dims[m.row + 1 :], False))


def _integer(em: Emitter, n: str) -> str:
    return _word(em, "i32", n if n.isdigit() else em.ins(f"trunc i64 {n} to i32"))


def _word(em: Emitter, t: str, value: str) -> str:
    place = em.new()
    em.entry.append(f"  {place} = alloca {t}")
    em.do(f"store {t} {value}, ptr {place}")
    return place
