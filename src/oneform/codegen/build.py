"""Array constructors as loop nests: elements in row-major order, reductions in registers or, where memory is walked better, row by row."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from oneform.codegen import products
from oneform.codegen.arrays import allocate, flat_index, load, store, to_memory
from oneform.codegen.complexes import Cpx, Number, number, plus, product, register_types, registers, regrouped
from oneform.codegen.emit import Arr, Emitter, Rep, generator
from oneform.codegen.loops import LIGHT, SHORT, Parts, before_loop, counted, in_vectors, inner_work, spend, trip_count
from oneform.codegen.scalars import SUFFIXES, intrinsic, literal, llvm_type
from oneform.codegen.segments import Turn, in_segments, turns
from oneform.codegen.strides import stride
from oneform.codegen.versions import either, in_versions
from oneform.ir import Block, Instr, Value
from oneform.types import DType, Scalar

Leaf = Callable[[list[str], list[str]], Sequence[str]]  # (indices, carried registers) -> next carried registers


@generator("build")
def _build(em: Emitter, i: Instr) -> Sequence[Rep]:
    shape, extent, region = i.attrs["shape"], i.attrs["extent"], i.regions[0]
    given = iter([em.scalar(a) for a in i.args])
    lengths = [str(d) if isinstance(d, int) else next(given) for d in (*shape, *extent)]
    dims, over = lengths[: len(shape)], lengths[len(shape) :]
    made = before_loop(em, i)
    outs = [allocate(em, i, k, [n for d, n in zip(shape, dims, strict=True) if not isinstance(d, int)]) for k in range(len(i.outs))] if shape else []
    long = trip_count(em, i) is None or (trip_count(em, i) or 0) > SHORT
    if long and not _polls(lengths):
        spend(em, em.count(lengths, False), check=not em.loops)
    em.loops.append(i)

    def run() -> Sequence[str]:
        if not shape:
            return _total(em, i, over)
        if product := [] if em.plain else products.of_constructor(em, i):
            known = dict(zip(region.params, lengths, strict=True))
            large = products.worth_it(em, product[0], known)
            either(em, large, [], lambda: products.multiply(em, product, {i.outs[0]: outs[0]}, known, False), sums, region)
        elif not extent:
            _elements(em, i, outs, dims)
        else:
            sums()
        return ()

    def sums() -> Sequence[str]:
        if row_by_row(region, len(shape)):
            _rows(em, i, outs, dims, over)
        else:
            _each(em, i, outs, dims, over)
        return ()

    work = inner_work(em, i)
    if work is None or work > LIGHT:
        totals = list(run())
    else:
        types = [] if shape else [t for d in _dtypes(region) for t in register_types(d)]
        totals = in_versions(em, i, dict(zip(region.params, lengths, strict=True)), types, run)
    results: Sequence[Rep] = outs if shape else regrouped(totals, _dtypes(region))
    em.loops.pop()
    for array in made:
        em.release(array)
    return results


def nest(em: Emitter, lengths: Sequence[str], carried: Parts, leaf: Leaf) -> list[str]:
    """Nested counted loops, the first length outermost."""
    if not lengths:
        return list(leaf([], [x for _, x in carried]))

    def body(index: str, names: list[str]) -> Sequence[str]:
        inner: Parts = [(t, name) for (t, _), name in zip(carried, names, strict=True)]
        return nest(em, lengths[1:], inner, lambda rest, regs: leaf([index, *rest], regs))

    return counted(em, "0", lengths[0], carried, body)


def _polls(lengths: Sequence[str]) -> bool:
    """Whether the outermost loop of a nest polls: what is inside is long enough, as far as is known."""
    inner = [int(n) if n.isdigit() else None for n in lengths[1:]]
    return bool(inner) and (None in inner or math.prod(n for n in inner if n is not None) > LIGHT)


def polled(em: Emitter, lengths: Sequence[str], inside: Sequence[str], leaf: Callable[[list[str]], object]) -> None:
    """A nest without carried registers; each round of its outermost loop counts for all that is inside, `inside` the leaf included."""

    def body(index: str, _: list[str]) -> Sequence[str]:
        nest(em, lengths[1:], [], lambda rest, _: (leaf([index, *rest]), ())[1])
        if _polls([*lengths, *inside]):
            spend(em, em.count([*lengths[1:], *inside], False), check=True)
        return ()

    counted(em, "0", lengths[0], [], body)


def _values(em: Emitter, i: Instr, indices: Sequence[str], known: Sequence[Turn] = ()) -> list[Number]:
    """The region's results for these indices; the answers of the `known` comparisons are bound already."""
    region = i.regions[0]
    for p, k in zip(region.params, indices, strict=True):
        em.env[p] = k
    if known:
        if em.probe is not None:
            em.probe.entered(em, region)
        answered = {t.instr for t in known}
        em.instructions([j for j in region.body if j not in answered])
    else:
        em.region(region)
    values = [em.number(r) for r in region.results]
    inner = inner_work(em, i)
    if inner is None or inner > LIGHT:
        spend(em, "1", check=True)
    return values


def _elements(em: Emitter, i: Instr, outs: Sequence[Arr], dims: Sequence[str]) -> None:
    region = i.regions[0]
    found = turns(em, region, region.params[-1], dims[-1])

    def leaf(indices: list[str]) -> None:
        for out, x in zip(outs, _values(em, i, indices, found), strict=True):
            store(em, out, flat_index(em, out, indices), to_memory(em, x, out.dtype))

    def row(outer: list[str]) -> None:
        for p, k in zip(region.params, outer, strict=False):
            em.env[p] = k
        in_segments(em, found, dims[-1], [], lambda start, stop, _: counted(em, start, stop, [], lambda k, _: leaf([*outer, k]) or ()))

    if found and len(dims) > 1:
        polled(em, dims[:-1], dims[-1:], row)
    elif found:
        row([])
    elif len(dims) > 1 or in_vectors(em, i, trip_count(em, i), [], lambda k, _: leaf([k]) or ()) is None:
        polled(em, dims, (), leaf)


# ---------------------------------------------------------------- reductions


def neutral(kind: str, d: DType) -> Number:
    match kind, d.kind:
        case "add", _:
            return number(0, d)
        case "mul", _:
            return number(1, d)
        case _, "f":
            return literal(float("-inf" if kind == "max" else "inf"), d)
        case _:
            return literal(-(1 << (d.bits - 1)) if kind == "max" else (1 << (d.bits - 1)) - 1, d)


def combine(em: Emitter, kind: str, d: DType, total: Number, x: Number) -> Number:
    """One step of a reduction, whose order is free."""
    flags = em.flags({"reassoc": True})
    if kind == "add":
        return plus(em, d, total, x, flags)
    if isinstance(total, Cpx) and isinstance(x, Cpx):
        return product(em, d, total, x, flags)
    assert isinstance(total, str) and isinstance(x, str)
    if kind in ("max", "min"):
        return intrinsic(em, {"f": f"{kind}imum", "i": f"s{kind}"}[d.kind], [total, x], d)
    return em.ins(f"{f'f{kind} {flags}' if d.kind == 'f' else kind} {llvm_type(d)} {total}, {x}")


def _dtypes(region: Block) -> list[DType]:
    return [r.type.dtype for r in region.results if isinstance(r.type, Scalar)]


def _accumulate(em: Emitter, i: Instr, outer: Sequence[Sequence[str]], over: Sequence[str]) -> list[str]:
    """The registers of the totals of one or several elements, side by side."""
    kind, dtypes, region = i.attrs["reduce"], _dtypes(i.regions[0]), i.regions[0]
    cuts = turns(em, region, region.params[-1], over[-1]) if len(outer) == 1 else []
    flagged = kind in ("max", "min") and all(d.kind == "f" for d in dtypes)

    def leaf(indices: list[str], names: list[str]) -> Sequence[str]:
        if flagged:
            return _extremes(em, i, [_values(em, i, [*element, *indices], cuts) for element in outer], names)
        totals, new = regrouped(names, dtypes * len(outer)), list[Number]()
        for k, element in enumerate(outer):
            own = totals[k * len(dtypes) : (k + 1) * len(dtypes)]
            new += [combine(em, kind, d, s, x) for d, s, x in zip(dtypes, own, _values(em, i, [*element, *indices], cuts), strict=True)]
        em.wide += len(outer) > 1
        return [r for x in new for r in registers(x)]

    start: Parts = [part for d in dtypes for part in zip(register_types(d), registers(neutral(kind, d)), strict=True)] * len(outer)
    if flagged:
        start = [part for own in start for part in (own, ("i1", "false"))]
    found = _reduced(em, i, outer, over, cuts, start, leaf)
    return _with_nan(em, dtypes * len(outer), found) if flagged else found


def _extremes(em: Emitter, i: Instr, terms: Sequence[Sequence[Number]], names: Sequence[str]) -> list[str]:
    """One step of maxima or minima, each beside a flag whether a NaN was met: the comparison need not look for one, and waits for nothing else."""
    kind, new = i.attrs["reduce"], list[str]()
    dtypes = _dtypes(i.regions[0])
    for own, d, x in zip(zip(names[::2], names[1::2], strict=True), dtypes * len(terms), itertools.chain(*terms), strict=True):
        t = llvm_type(d)
        total, met = own
        unordered = em.ins(f"fcmp uno {t} {x}, {literal(0.0, d)}")
        number = em.ins(f"select i1 {unordered}, {t} {literal(0.0, d)}, {t} {x}")  # any number: the result will be NaN
        new.append(em.ins(f"call nnan nsz {t} @llvm.{kind}imum.{SUFFIXES[d.name]}({t} {total}, {t} {number})"))
        new.append(em.ins(f"or i1 {met}, {unordered}"))
    em.wide += len(terms) > 1
    return new


def _with_nan(em: Emitter, dtypes: Sequence[DType], found: Sequence[str]) -> list[str]:
    """The extrema, or NaN where one was met."""
    pairs = zip(zip(found[::2], found[1::2], strict=True), dtypes, strict=True)
    return [em.ins(f"select i1 {met}, {llvm_type(d)} {literal(math.nan, d)}, {llvm_type(d)} {total}") for (total, met), d in pairs]


def _reduced(em: Emitter, i: Instr, outer: Sequence[Sequence[str]], over: Sequence[str], cuts: Sequence[Turn], start: Parts, leaf: Leaf) -> list[str]:
    """The loops of a reduction."""
    region = i.regions[0]
    if cuts:

        def row(outside: list[str], names: list[str]) -> Sequence[str]:
            for p, k in zip(region.params, [*outer[0], *outside], strict=False):
                em.env[p] = k
            carried: Parts = [(t, name) for (t, _), name in zip(start, names, strict=True)]
            return in_segments(em, cuts, over[-1], carried, lambda a, z, own: counted(em, a, z, own, lambda k, regs: leaf([*outside, k], regs)))

        return nest(em, over[:-1], start, row)
    short = int(over[0]) if len(over) == 1 and over[0].isdigit() else None
    found = in_vectors(em, i, short, start, lambda k, names: leaf([k], names))
    return nest(em, over, start, leaf) if found is None else found


def _total(em: Emitter, i: Instr, over: Sequence[str]) -> list[str]:
    return _accumulate(em, i, [()], over)


_JAM = 4  # elements whose totals share one pass; rounds of the reduced axis that share one pass over the row of totals


def _each(em: Emitter, i: Instr, outs: Sequence[Arr], dims: Sequence[str], over: Sequence[str]) -> None:
    """Element by element, each total in a register; several at a time, which read what they have in common once."""
    dtypes = _dtypes(i.regions[0])

    def elements(outer: list[str], last: Sequence[str]) -> Sequence[str]:
        at = [[*outer, k] for k in last]
        totals = iter(regrouped(_accumulate(em, i, at, over), dtypes * len(at)))
        for indices in at:
            for out in outs:
                store(em, out, flat_index(em, out, indices), next(totals))
        return ()

    if not _may_share_a_pass(em, i, dims, over):
        polled(em, dims, over, lambda indices: elements(indices[:-1], indices[-1:]))
        return

    often = _polls(["", *over])  # once for each group of elements; else once for each row of them

    def some(outer: list[str], last: Sequence[str]) -> Sequence[str]:
        elements(outer, last)
        if often:
            spend(em, em.count([*over, str(len(last))], False), check=True)
        return ()

    def row(outer: list[str], _: list[str]) -> Sequence[str]:
        _in_groups(em, dims[-1], lambda last: some(outer, last))
        if outer and not often and _polls(["", dims[-1], *over]):
            spend(em, em.count([dims[-1], *over], False), check=True)
        return ()

    nest(em, dims[:-1], [], row)


def _may_share_a_pass(em: Emitter, i: Instr, dims: Sequence[str], over: Sequence[str]) -> bool:
    """Whether several elements may be added up at a time, and there is something to gain: no check can fail, and the sums are not unrolled anyway."""
    body = i.regions[0].body
    if any(j.regions or (j.op.raises and j.attrs.get("checked", True) and j not in em.certain) for j in body) or em.cold:
        return False
    return not (dims[-1].isdigit() and int(dims[-1]) < _JAM) and not (len(over) == 1 and over[0].isdigit() and int(over[0]) < 2 * _JAM)


def _in_groups(em: Emitter, n: str, body: Callable[[Sequence[str]], Sequence[str]]) -> None:
    """A loop that runs several rounds at a time, and then those that are left over."""
    shift = _JAM.bit_length() - 1
    rounds = em.ins(f"ashr i64 {n}, {shift}")

    def several(q: str, _: list[str]) -> Sequence[str]:
        first = em.ins(f"shl nuw nsw i64 {q}, {shift}")
        return body([first, *(em.ins(f"add nuw nsw i64 {first}, {k}") for k in range(1, _JAM))])

    counted(em, "0", rounds, [], several)
    counted(em, em.ins(f"shl i64 {rounds}, {shift}"), n, [], lambda k, _: body([k]))


def _rows(em: Emitter, i: Instr, outs: Sequence[Arr], dims: Sequence[str], over: Sequence[str]) -> None:
    """The last axis of the result innermost, inside the axes reduced over: the totals are a row of the result."""
    kind = i.attrs["reduce"]

    def clear(indices: list[str]) -> None:
        def leaf(k: str, _: list[str]) -> Sequence[str]:
            for out in outs:
                store(em, out, flat_index(em, out, [*indices, k]), neutral(kind, out.dtype))
            return ()

        counted(em, "0", dims[-1], [], leaf)

    def step(indices: list[str], inner: list[str], last: Sequence[str]) -> None:
        """One element of the row takes up the terms of several indices `last` of the innermost axis reduced over."""
        at = [*indices, inner[-1]]
        places = [flat_index(em, out, at) for out in outs]
        totals = [load(em, out, k) for out, k in zip(outs, places, strict=True)]
        for n in last:
            values = _values(em, i, [*at, *inner[:-1], n])
            totals = [combine(em, kind, out.dtype, s, x) for out, s, x in zip(outs, totals, values, strict=True)]
        for out, k, s in zip(outs, places, totals, strict=True):
            store(em, out, k, s)

    def along(outer: list[str], indices: list[str], last: Sequence[str]) -> Sequence[str]:
        nest(em, dims[-1:], [], lambda j, _: step(indices, [*outer, *j], last) or ())
        if _polls([*over, dims[-1]]):
            spend(em, em.count([dims[-1], str(len(last))], False), check=True)
        return ()

    def jammed(outer: list[str], indices: list[str]) -> None:
        _in_groups(em, over[-1], lambda last: along(outer, indices, last))

    def row(indices: list[str]) -> None:
        clear(indices)
        nest(em, over[:-1], [], lambda outer, _: jammed(outer, indices) or ())

    if len(dims) == 1:
        row([])
    else:
        nest(em, dims[:-1], [], lambda indices, _: row(indices) or ())


# ---------------------------------------------------------------- which order walks memory better


def row_by_row(region: Block, rank: int) -> bool:
    """Whether some array is read across its rows along the reduced axis, but all are read along them on the last axis of the result."""
    if any(i.regions for i in region.body):
        return False
    makers = {o: i for i in region.body for o in i.outs}
    reads = [i.args[1:] for i in region.body if i.op.lower == "get"]

    def along(axis: Value) -> list[int | None]:
        return [stride(read, axis, makers) for read in reads]

    inner, last = along(region.params[-1]), along(region.params[rank - 1])
    return None in inner and None not in last
