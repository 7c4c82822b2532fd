"""of.vmap: a function called in a loop along axes of its arguments, its results put side by side along axes of new arrays.

A lane is one round of that loop. It sees views of the mapped arguments, and writes its results into arrays that were made before the loop: their
shapes are those of a lane that is lowered once on trial. Where a shape is known only when a lane has run, the results are collected in a list."""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oneform.frontend.affine import Affine, constant
from oneform.frontend.arrays import array_type, load, rank, read, require_equal, shape, store
from oneform.frontend.boxes import new_box
from oneform.frontend.containers import from_leaves, to_leaves
from oneform.frontend.creation import parse_shape, uninitialised
from oneform.frontend.derived import parameter_names
from oneform.frontend.index import at_index
from oneform.frontend.numbers import compare_numbers
from oneform.frontend.passing import plain, see
from oneform.frontend.registry import Call, handles
from oneform.frontend.sameness import same
from oneform.frontend.shape_api import moved_axis
from oneform.frontend.tracer import PathEnds, Tracer
from oneform.frontend.values import Abstract, Arr, Box, Cell, Mapped, Num, Py, Ref, Seq, Visit, changes, describe, number
from oneform.frontend.written import batches, structure
from oneform.ir import Instr, Value, instructions, reads
from oneform.ops import OPS
from oneform.tree import NONE, Tree, axes_tree
from oneform.types import ANY, I64, Dim, DType, Scalar, shape_of

# ---------------------------------------------------------------- vmap as a value


def mapped(function: Any, in_axes: Tree, out_axes: Tree, size: int | None) -> Any:
    """of.vmap of a Python object, for `trace`."""
    return Mapped(Py(function), in_axes, out_axes, None if size is None else number(size))


def vmapped(t: Tracer, args: list[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST) -> Abstract:
    """A call of of.vmap itself: the function comes first, what follows is structure, but that the number of lanes may be any integer."""
    names = ("f", "in_axes", "out_axes", "axis_size")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    if len(args) > len(names) or not {"f"} <= set(given) <= set(names):
        t.refuse("E106", "vmap() takes a function, in_axes, out_axes and axis_size", node)
    size = given.get("axis_size", Py(None))
    if not (isinstance(size, Num) and size.dtype.kind == "i" or isinstance(size, Py) and size.obj is None):
        t.refuse("E101", f"axis_size must be an integer or None, not {describe(size)}", node)
    where = [_axes(t, plain(t, given.get(n, number(0))), n, node) for n in names[1:3]]
    made = Mapped(given["f"], where[0], where[1], t.as_index(size) if isinstance(size, Num) else None)
    for old in t.keep:  # as in `derive`
        if isinstance(old, Mapped) and _alike(old, made):
            return Py(old)
    t.keep.append(made)
    return Py(made)


def _alike(a: Mapped, b: Mapped) -> bool:
    return same(a.function, b.function) and (a.in_axes, a.out_axes) == (b.in_axes, b.out_axes) and same(a.size, b.size)


def _axes(t: Tracer, x: Abstract, what: str, node: ast.AST) -> Tree:
    """in_axes or out_axes, as `tree.axes_tree` gives them for Python's objects."""
    if isinstance(x, Num) and x.known is not None and x.dtype.kind == "i":
        return Tree("axis", (), int(x.known))
    if isinstance(x, Py) and x.obj is None:
        return NONE
    if isinstance(x, Py) and isinstance(x.obj, (tuple, list, dict)):
        return axes_tree(x.obj, what)
    if isinstance(x, Seq):
        return Tree(x.kind, tuple(_axes(t, i, what, node) for i in x.items), x.meta)
    if isinstance(x, Num):
        t.refuse("E006", f"{what} must be a constant here", node, "Write the number itself.")
    t.refuse("E101", f"{what} is made of integers, None and containers of them, not {describe(x)}", node)


@handles(structure.lanes)
def along_first(c: Call) -> Abstract:
    """For functions written in Python."""
    first = Tree("axis", (), 0)
    return call_mapped(c.t, Mapped(c.args[0], first, first), c.args[1:], {}, c.node)


# ---------------------------------------------------------------- which axes

PREFIX = "in_axes has the structure of the arguments, or of the beginning of it."


@dataclass(frozen=True)
class Along:
    """An array with one of its axes, and what to call it."""

    array: Arr
    axis: int
    name: str


def call_mapped(t: Tracer, m: Mapped, args: list[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST) -> Abstract:
    """Run the loop."""
    lanes = Lanes(t, m, args, kwargs, node)
    with t.handling(node), t.holding(*args, *kwargs.values()):
        return lanes.run()


class Lanes:
    """One call of a mapped function."""

    def __init__(self, t: Tracer, m: Mapped, args: list[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST):
        self.t, self.m, self.args, self.kwargs, self.node = t, m, args, kwargs, node
        self.axes = self._of_arguments()
        found: list[Along] = []
        names = [*map(self._named, range(len(args))), *(f"argument `{k}`" for k in kwargs)]
        for name, axes, x in zip(names, self.axes, (*args, *kwargs.values()), strict=True):
            self._mapped(axes, x, name, found)
        self.mapped = found
        self.count = self._count()

    # ------------------------------------------------------------ the arguments

    def _of_arguments(self) -> list[Tree]:
        """The axes of each argument; those of arguments by keyword are 0."""
        axes, count = self.m.in_axes, len(self.args)
        behind = [Tree("axis", (), 0)] * len(self.kwargs)
        if axes.kind not in ("tuple", "list"):
            return [axes] * count + behind
        if len(axes.children) != count:
            detail = f"in_axes names {len(axes.children)} argument{'' if len(axes.children) == 1 else 's'}, but the call has {count} by position"
            self.t.refuse("E106", detail, self.node, "Give an axis, or None, for each of them.")
        return [*axes.children, *behind]

    def _named(self, k: int) -> str:
        names = parameter_names(self.m.function)
        return f"argument `{names[k]}`" if k < len(names) else f"argument {k}"

    def _mapped(self, axes: Tree, x: Abstract, name: str, found: list[Along]) -> None:
        """The arrays in an argument along which the loop goes."""
        t = self.t
        if axes.kind == "none" or isinstance(x, Py) and x.obj is None:
            return
        if axes.kind == "axis" and isinstance(x, Arr):
            found.append(Along(x, self._axis(axes.meta, rank(x), name), name))
            return
        inner = see(t, x)
        if isinstance(inner, Seq) and inner.kind in ("tuple", "list", "dict", "record"):
            for axes_, item, step in zip(self._inside(axes, inner, name), inner.items, _steps(inner), strict=True):
                self._mapped(axes_, item, f"{name} at {step}" if " at " not in name else name + step, found)
            return
        repair = "Its axis in in_axes must be None: every lane gets all of it."
        if axes.kind == "axis" and isinstance(x, Num):
            t.refuse("E103", f"vmap is to go along axis {axes.meta} of {name}, which is {describe(x)} and has no axes", self.node, repair)
        if axes.kind != "axis":
            t.refuse("E106", f"in_axes has {_container(axes)} where {name} is {describe(x)}", self.node, PREFIX)
        what = "a list of run-time length" if isinstance(x, Ref) else describe(x)
        t.refuse("E101", f"vmap goes along axes of arrays, but {name} is {what}", self.node, repair)

    def _inside(self, axes: Tree, x: Seq, name: str) -> Sequence[Tree]:
        """The axes of what is in a container."""
        found = inside(axes, x.kind, x.meta, len(x.items))
        if found is None:
            detail = f"in_axes has {_container(axes)} where {name} is {describe(x)}"
            self.t.refuse("E106", detail, self.node, PREFIX)
        return found

    def _axis(self, axis: int, n: int, name: str) -> int:
        if not -n <= axis < n:
            self.t.refuse("E103", f"vmap is to go along axis {axis} of {name}, which has {n} ax{'i' if n == 1 else 'e'}s", self.node)
        return axis % n

    def _count(self) -> Num:
        """How many lanes there are: all axes have that length."""
        t, size = self.t, self.m.size
        if not self.mapped and size is None:
            t.refuse("E106", "vmap needs an argument with an axis to go along: in_axes gives none", self.node, "Map an argument, or give axis_size.")
        if size is not None:
            (dim,), (first,) = parse_shape(t, size)
            whose = "axis_size"
        else:
            a = self.mapped[0]
            dims, lengths = shape(t, a.array)
            first, dim, whose = lengths[a.axis], dims[a.axis], f"axis {a.axis} of {a.name}"
        for a in self.mapped:
            dims, lengths = shape(t, a.array)
            other = f"axis {a.axis} of {a.name}"
            if isinstance(dim, int) and isinstance(dims[a.axis], int) and dim != dims[a.axis]:
                detail = f"vmap goes along axes of one length, but {whose} has length {dim} and {other} has length {dims[a.axis]}"
                t.refuse("E103", detail, self.node)
            message = f"vmap goes along axes of one length, but {whose} has length {{0}} and {other} has length {{1}}"
            require_equal(t, (dim, first), (dims[a.axis], lengths[a.axis]), message, [first, lengths[a.axis]])
        return first

    def given(self, axes: Tree, x: Abstract, k: Num) -> Abstract:
        """What lane k gets of an argument: views of arrays, in containers of its own."""
        t = self.t
        if axes.kind == "none" or isinstance(x, Py):
            return x
        if isinstance(x, Arr):
            return load(t, at_index(t, x, k, axes.meta % rank(x)))
        inner = see(t, x)
        assert isinstance(inner, Seq)
        found = inside(axes, inner.kind, inner.meta, len(inner.items))
        assert found is not None
        contents = Seq(inner.kind, tuple(self.given(a, i, k) for a, i in zip(found, inner.items, strict=True)), inner.meta)
        own = inner.kind in ("list", "dict") or (inner.kind == "record" and changes(inner.meta[0]))
        return new_box(t, inner.kind, contents) if own and isinstance(x, Ref) else contents

    def lane(self, k: Num) -> Abstract:
        """The function's result in lane k."""
        given = [self.given(axes, x, k) for axes, x in zip(self.axes, (*self.args, *self.kwargs.values()), strict=True)]
        return self.t.call(self.t, self.m.function, given[: len(self.args)], dict(zip(self.kwargs, given[len(self.args) :], strict=True)), self.node)

    # ------------------------------------------------------------ the loop

    def run(self) -> Abstract:
        t = self.t
        try:
            outline = Outline(self)
        except PathEnds:  # the function always raises: there is a result only if it is never called
            t.call(t, Py(batches.lanes), [self.count, Visit(lambda k: self.lane(_index(k)))], {}, self.node)
            t.check(number(False), "ValueError", "vmap along an axis of length 0 of a function that always raises has no result")
            raise
        outs = outline.allocated()
        if outs is None:
            found = self._listed(outline)
        else:
            with t.holding(*outs):
                visit = Visit(lambda k: self._store(outline, outs, _index(k)), tuple(x.cell for x in outs))
                t.call(t, Py(batches.lanes), [self.count, visit], {}, self.node)
            found = [load(t, at_index(t, x, number(0))) if single else x for x, single in zip(outs, outline.single, strict=True)]
        return from_leaves(t, outline.tree, iter(found))

    def _store(self, outline: Outline, outs: Sequence[Arr], k: Num) -> Abstract:
        t = self.t
        message = "vmap needs results of one shape, but a result has length {0} along an axis where another has {1}"
        for x, out, axis, single in zip(self.leaves(outline, k), outs, outline.axes, outline.single, strict=True):
            place = out if axis is None and not single else at_index(t, out, k if axis is not None else number(0), axis or 0)
            if isinstance(x, Arr):
                (dims, lengths), (wanted, others) = shape(t, x), shape(t, place)
                for d, n, e, m in zip(dims, lengths, wanted, others, strict=True):
                    require_equal(t, (d, n), (e, m), message, [n, m])
            store(t, place, x)
        return number(0)

    def leaves(self, outline: Outline, k: Num) -> list[Num | Arr]:
        """The numbers and arrays in the result of lane k, which has the structure that was found on trial."""
        t, found = self.t, list[Num | Arr]()
        tree = to_leaves(t, self.lane(k), found)
        kinds = [(x.dtype if isinstance(x, Num) else x.cell.dtype, len(shape(t, x)[0])) for x in found]
        if tree != outline.tree or kinds != [(leaf.dtype, len(leaf.dims)) for leaf in outline.leaves]:
            detail = "what the function under vmap returns is of another type in a later lane than in the first"
            t.refuse("E102", detail, self.node, "Give what it changes from lane to lane its final type before the call.")
        return found

    def _listed(self, outline: Outline) -> list[Num | Arr]:
        """The results from a list of all of them."""
        t = self.t
        if None in outline.axes:
            t.refuse("E006", "where out_axes is None the shape of the result must be known before the function runs", self.node)
        visit = Visit(lambda k: Seq("tuple", tuple(self.leaves(outline, _index(k)))))
        rows = t.call(t, Py(batches.collected), [self.count, visit], {}, self.node)
        found: list[Num | Arr] = []
        for j, (leaf, axis) in enumerate(zip(outline.leaves, outline.axes, strict=True)):
            f = batches.arrays if leaf.dims else batches.numbers
            x = t.call(t, Py(f), [rows, number(j), Py(leaf.dtype.numpy)], {}, self.node)
            assert isinstance(x, Arr) and axis is not None
            found.append(moved_axis(t, x, 0, axis) if axis else x)
        return found


def _index(k: Abstract) -> Num:
    assert isinstance(k, Num)
    return k


def _steps(x: Seq) -> list[str]:
    """How the items of a container are reached."""
    if x.kind == "record":
        return [f".{n}" for n in x.meta[1]]
    return [f"[{k!r}]" for k in (x.meta if x.kind == "dict" else range(len(x.items)))]


def _container(axes: Tree) -> str:
    return f"a {axes.meta[0].__name__}" if axes.kind == "record" else f"a {axes.kind} of {len(axes.children)}"


def inside(axes: Tree, kind: str, meta: Any, count: int) -> Sequence[Tree] | None:
    """The axes of the items of a container; None if it is not the container that the axes are for."""
    if axes.kind in ("axis", "none"):
        return [axes] * count
    if kind in ("tuple", "list"):
        return axes.children if axes.kind in ("tuple", "list") and len(axes.children) == count else None
    if axes.kind != kind or (kind == "record" and axes.meta[0] is not meta[0]):
        return None
    names, wanted = (axes.meta, meta) if kind == "dict" else (axes.meta[1], meta[1])
    return [axes.children[names.index(n)] for n in wanted] if set(names) == set(wanted) else None


# ---------------------------------------------------------------- what a lane returns


@dataclass(frozen=True)
class Part:
    """A number or array in the result of a lane. `forms`: the lengths as sums of what is known around the loop, where they are."""

    dtype: DType
    dims: tuple[Dim, ...]
    lengths: tuple[Num, ...]
    forms: tuple[Affine, ...]


class Outline:
    """The result of a lane, as it comes out of one that is lowered on trial."""

    def __init__(self, lanes: Lanes):
        t = self.t = lanes.t
        self.lanes = lanes
        undo, spent, before = t.checkpoint(), dict(t.spent), t.state.copy()
        try:
            with t.region() as b:
                index = b.param(Scalar(I64))
                t.bound(index, constant(0), t.affine_of(lanes.count) - 1)
                t.loop_indices.append(index)
                found: list[Num | Arr] = []
                try:
                    self.tree = to_leaves(t, lanes.lane(t.integer(index)), found)
                finally:
                    t.loop_indices.pop()
                self._check_structure(self.tree)
                self.leaves = [self._part(x) for x in found]
                self.axes = self._out_axes()
                self.single = [axis is None and not leaf.dims for axis, leaf in zip(self.axes, self.leaves, strict=True)]  # a number for all lanes
                self._check_shared(found, b.body, index, before)
            self.inside = [*instructions(b.body)]
            self.made = {o: i for i in self.inside for o in i.outs}
            self.params = {index, *(p for i in self.inside for r in i.regions for p in r.params)}
            self.known: dict[Value | Dim, Num | None] = {}  # lengths brought out
        finally:
            t.spent = spent
            undo()

    def _part(self, x: Num | Arr) -> Part:
        t = self.t
        dims, lengths = shape(t, x)
        return Part(x.dtype if isinstance(x, Num) else array_type(t, x).dtype, dims, lengths, tuple(map(t.affine_of, lengths)))

    def _check_structure(self, tree: Tree) -> None:
        if tree.kind not in ("leaf", "none", "static", "tuple", "list", "dict", "record"):
            detail = "a function under vmap returns numbers, arrays and containers of them, not a list of run-time length, or what may be None"
            self.t.refuse("E101", detail, self.lanes.node, "Return an array.")
        for c in tree.children:
            self._check_structure(c)

    def _out_axes(self) -> list[int | None]:
        """For each leaf the axis of the result along which the lanes lie; None: they all have the same."""
        t, found = self.t, list[int | None]()

        def walk(axes: Tree, tree: Tree) -> None:
            if tree.kind == "leaf" and axes.kind in ("axis", "none"):
                n = len(self.leaves[len(found)].dims) + 1
                if axes.kind == "axis" and not -n <= axes.meta < n:
                    t.refuse("E103", f"out_axes puts the lanes along axis {axes.meta} of a result that has {n} ax{'i' if n == 1 else 'e'}s", self.lanes.node)
                found.append(axes.meta % n if axes.kind == "axis" else None)
                return
            kids = inside(axes, tree.kind, tree.meta, len(tree.children)) if tree.kind != "leaf" else None
            if kids is None:
                what = "a number or an array" if tree.kind == "leaf" else f"a {tree.kind} of {len(tree.children)}"
                repair = "out_axes has the structure of the result, or of the beginning of it."
                t.refuse("E106", f"out_axes has {_container(axes)} where the function returns {what}", self.lanes.node, repair)
            for axes_, kid in zip(kids, tree.children, strict=True):
                walk(axes_, kid)

        walk(self.lanes.m.out_axes, self.tree)
        return found

    def _check_shared(self, found: Sequence[Num | Arr], body: Sequence[Instr], index: Value, before: Any) -> None:
        """What is the same in all lanes depends neither on the lane nor on what other lanes have written."""
        if None not in self.axes:
            return
        t = self.t
        varies = {index}
        values = [t.value(x) if isinstance(x, Num) else read(t, x) for x in found]
        for i in body:
            if not varies.isdisjoint(reads(i)):
                varies.update(i.outs)
        writes = any(isinstance(s, (Cell, Box)) and before.get(s) is not None and before.get(s) is not x for s, x in t.state.slots.items())
        if any(axis is None and (writes or v in varies) for axis, v in zip(self.axes, values, strict=True)):
            detail = "out_axes is None for a result that may differ from lane to lane"
            t.refuse("E106", detail, self.lanes.node, "Give the axis along which the lanes are to lie.")

    # ------------------------------------------------------------ around the loop

    def allocated(self) -> list[Arr] | None:
        """Arrays for the results of all lanes; None if a shape is known only in a lane."""
        t, outs = self.t, list[Arr]()
        if None in self.axes:
            some = compare_numbers(t, operator.gt, self.lanes.count, number(0))
            t.check(some, "ValueError", "vmap along an axis of length 0 has no result that is the same in all lanes")
        for leaf, axis in zip(self.leaves, self.axes, strict=True):
            lengths: list[Num] = []
            for part in zip(leaf.dims, leaf.lengths, leaf.forms, strict=True):
                n = self._outside(*part)
                if n is None:
                    return None
                lengths.append(n)
            if axis is not None:
                lengths.insert(axis, self.lanes.count)
            lengths = lengths or [number(1)]
            out = uninitialised(t, tuple(map(t.dim_for, lengths)), tuple(lengths), leaf.dtype)
            assert isinstance(out, Arr)
            outs.append(out)
        return outs

    def _outside(self, d: Dim, n: Num, form: Affine) -> Num | None:
        """A length as a number known around the loop; None if it depends on the lane."""
        t = self.t
        if isinstance(d, int):
            return number(d)
        found = self._number(n.value) if n.value is not None else None
        if found is None:
            return self._symbol(d)
        if found.value is not None and all(t.atom_scope[a].encloses(t.scope) for a in form.terms):
            t.affine[found.value] = form
        return found if t.proves(t.affine_of(found)) else t.positive(found)

    def _number(self, v: Value) -> Num | None:
        """An integer computed in the lane, computed before it from what is there."""
        i = self.made.get(v)
        if i is None:
            return None if v in self.params else self.t.integer(v)
        if v not in self.known:
            self.known[v] = None
            self.known[v] = self._again(i)
        return self.known[v]

    def _again(self, i: Instr) -> Num | None:
        t = self.t
        if i.op is OPS["dim"] and (i.args[0] in self.made or i.args[0] in self.params):
            return self._symbol(shape_of(i.args[0].type)[i.attrs["axis"]])
        if i.regions or i.op.raises or len(i.outs) != 1 or not isinstance(i.outs[0].type, Scalar):
            return None
        if i.op.name in ("floordiv", "mod") and not self._regular(i.args[1]):
            return None
        args: list[Value] = []
        for a in i.args:
            n = self._number(a) if isinstance(a.type, Scalar) else None
            if n is None and (isinstance(a.type, Scalar) or a in self.made or a in self.params):
                return None
            args.append(a if n is None else t.value(n, a.type.dtype) if isinstance(a.type, Scalar) else a)
        return t.integer(t.b.instr(i.op, args, i.attrs, (), i.loc).outs[0])

    def _regular(self, divisor: Value) -> bool:
        """Whether a division is safe where the check that it follows has not been made."""
        i = self.made.get(divisor)
        return i is not None and i.op is OPS["const"] and i.attrs["value"] > 0

    def _symbol(self, d: Dim) -> Num | None:
        """The length that a dimension stands for, which is one wherever it stands: from what is there, else from where such an array is made."""
        t = self.t
        if isinstance(d, int):
            return number(d)
        if d not in self.known:
            self.known[d] = None
            found = (t.scope.recall(("length", d)) or self._of_argument(d)) if t.visible(d) else None
            self.known[d] = found or next((n for v in self._lengths(d) if (n := self._number(v)) is not None), None)
        return self.known[d]

    def _lengths(self, d: Dim) -> Iterator[Value]:
        """Operands that give an array made in the lane this dimension."""
        for i in self.inside:
            if i.op in (OPS["empty"], OPS["full"], OPS["build"]):
                opened = [e for e in i.attrs["shape"] if not isinstance(e, int)]
                operands = i.args[1:] if i.op is OPS["full"] else i.args
                yield from (v for e, v in zip(opened, operands, strict=False) if e == d and d != ANY)

    def _of_argument(self, d: Dim) -> Num | None:
        """The length that a symbol stands for, from an array that has it."""
        t = self.t
        arrays: list[Num | Arr] = []
        for x in (*self.lanes.args, *self.lanes.kwargs.values()):
            arrays += _arrays(t, x)
        for x in arrays:
            dims, lengths = shape(t, x)
            if d in dims:
                return lengths[dims.index(d)]
        for p in t.root.params:
            dims = getattr(p.type, "shape", ())
            if d in dims:
                return t.length(p, dims.index(d))
        return None


def _arrays(t: Tracer, x: Abstract) -> list[Arr]:
    inner = see(t, x)
    return [x] if isinstance(x, Arr) else [a for i in inner.items for a in _arrays(t, i)] if isinstance(inner, Seq) else []
