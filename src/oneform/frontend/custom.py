"""Functions with a derivative of their own, called in a program: the primal and the rules become regions of one operation."""

from __future__ import annotations

import ast
import operator
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import compress
from typing import Any, NoReturn

from oneform.errors import CompileError, OneformError
from oneform.frontend.arrays import load, new_array, rank, shape
from oneform.frontend.capture import Reader
from oneform.frontend.containers import from_leaves, to_leaves
from oneform.frontend.derived import check_writes, static
from oneform.frontend.fitting import Fit, convertible, is_static, leaves_of, open_axes, rebuilt, structure, value_of, with_none, wrapped
from oneform.frontend.lift import depend
from oneform.frontend.operators import binary
from oneform.frontend.passing import plain
from oneform.frontend.registry import Call, handles, method
from oneform.frontend.sameness import same
from oneform.frontend.tracer import PathEnds, Tracer
from oneform.frontend.values import NONE, Abstract, Arr, Custom, Num, Py, Seq, describe, number
from oneform.ir import Block, Builder, Value
from oneform.ops import OPS, make
from oneform.rules import CustomRule, argument_numbers, custom_jvp, custom_vjp
from oneform.tree import Tree
from oneform.types import ANY, I64, Array, Dim, Scalar, Type, differentiable, shape_of, with_shape

DEEPEST = 8  # calls of one function in its own rule, each with other types


@dataclass(eq=False)
class Reading:
    """A call whose rule is being read: a call of the same function in there, on the same types, is that function again."""

    custom: Custom
    signature: Any
    statics: tuple[Any, ...]
    name: str
    params: tuple[Type, ...]
    tree: Tree
    weak: tuple[bool, ...]
    types: tuple[Type, ...]


@dataclass(frozen=True)
class Handed:
    """What a forward sweep hands to its reverse sweep: the residuals, the arguments in nondiff_argnums, and the types of the values in both;
    then the lengths of the arguments."""

    saved: Abstract
    first: Sequence[Abstract]
    types: Sequence[Type]
    weak: Sequence[bool]
    lengths: int


class Widen(Exception):
    """The rule calls its function with other constants: they must become values for the call `reading`."""

    def __init__(self, reading: Reading):
        super().__init__()
        self.reading = reading


# ---------------------------------------------------------------- making them


def of_object(t: Tracer, obj: CustomRule) -> Custom:
    """What Python made. The program holds as long as its rules are these."""
    t.keep.append(obj)
    name = str(getattr(obj, "__name__", obj.kind))
    depend(t, name, (id(obj), "rules"), Reader(obj, "rules"), obj.rules)
    rules = tuple(tuple(map(Py, r)) if isinstance(r, tuple) else Py(r) for r in obj.rules)
    return Custom(obj.kind, Py(obj.fun), obj.nondiff_argnums, rules, id(obj), name)


@handles(custom_jvp)
def make_custom_jvp(c: Call) -> Abstract:
    return _made(c, custom_jvp)


@handles(custom_vjp)
def make_custom_vjp(c: Call) -> Abstract:
    return _made(c, custom_vjp)


def _made(c: Call, kind: type[CustomRule]) -> Abstract:
    t = c.t
    function, given = c.bind("fun", "nondiff_argnums?")
    assert function is not None
    nondiff = argument_numbers(static(t, given, c.node)) if given is not None else ()
    key = (kind, id(c.node), t.here.path, t.unrolled)
    for old in t.keep:  # made where the body of a loop was lowered before: one object, so that the loop's variables settle
        if isinstance(old, Custom) and old.key == key and old.nondiff == nondiff and same(old.function, function):
            old.scope = t.scope
            return Py(old)
    source = getattr(function, "source", None)
    name = str(source.name if source is not None else getattr(getattr(function, "obj", None), "__name__", kind.kind))
    custom = Custom(kind.kind, function, nondiff, (), key, name, t.scope)
    t.keep.append(custom)
    return Py(custom)


@method("defjvp")
def defjvp(c: Call) -> Abstract:
    custom = _owner(c, "custom_jvp")
    (rule,) = c.only("jvp")
    custom.rules = (rule,)
    return rule


@method("defjvps")
def defjvps(c: Call) -> Abstract:
    _owner(c, "custom_jvp").rules = (tuple(c.args),)
    return NONE


@method("defvjp")
def defvjp(c: Call) -> Abstract:
    custom = _owner(c, "custom_vjp")
    custom.rules = tuple(c.only("fwd", "bwd"))
    return NONE


def _owner(c: Call, kind: str) -> Custom:
    owner = c.args.pop(0)
    custom = owner.obj if isinstance(owner, Py) else None
    if not isinstance(custom, Custom) or custom.kind != kind:
        c.t.refuse("E003", f"{describe(owner)} has no attribute {c.name} that the compiler knows", c.node)
    if custom.scope is not c.t.scope:
        c.t.refuse("E006", f"the rule of {custom.name} would depend on the path taken", c.node, f"Call {c.name} where {custom.name} is made.")
    return custom


# ---------------------------------------------------------------- calls


def call_custom(t: Tracer, custom: Custom, args: Sequence[Abstract], signature: Any, node: ast.AST) -> Abstract:
    """A call, its arguments by position. `signature`: what its lowering depends on, apart from the numbers."""
    again = _again(t, custom, args, signature)
    if again is not None:
        return again
    if sum(r.custom.key == custom.key for r in t.readings) >= DEEPEST:
        t.refuse("E005", f"the rule of {custom.name} calls {custom.name} with ever new types", node, "Call it with arguments of the rule's own types.")
    for widened in (False, True):
        call = _Call(t, custom, args, signature, node, widened)
        try:
            return call.emit()
        except Widen as w:
            if w.reading is not call.reading:
                raise
        except PathEnds:
            return t.call(t, custom.function, list(args), {}, node)  # the primal surely raises
    raise AssertionError("unreachable")


def _again(t: Tracer, custom: Custom, args: Sequence[Abstract], signature: Any) -> Abstract | None:
    """A call of a function in its own rule."""
    for r in reversed(t.readings):
        if r.custom.key != custom.key or r.signature != signature:
            continue
        statics = constants(args)
        if r.statics and r.statics != statics:
            raise Widen(r)
        values = [value_of(t, n) for a in args for n in leaves_of(a) if not r.statics or not is_static(n)]
        if tuple(v.type for v in values) == r.params:
            outs = t.b.emit(OPS["custom_again"], *values, name=r.name, types=r.types)
            return from_leaves(t, r.tree, wrapped(t, outs, r.weak))
    return None


class _Call:
    """One call being lowered. `widened`: constants are passed as values too."""

    def __init__(self, t: Tracer, custom: Custom, args: Sequence[Abstract], signature: Any, node: ast.AST, widened: bool):
        self.t, self.custom, self.args, self.signature, self.node, self.widened = t, custom, list(args), signature, node, widened
        count = len(self.args)
        self.nondiff = {k % count for k in custom.nondiff if -count <= k < count} if count else set[int]()
        self.leaves = [[n for n in leaves_of(a) if self.passed(n)] for a in self.args]
        self.values = [value_of(t, n) for ls in self.leaves for n in ls]
        self.weak = [isinstance(n, Num) and n.weak for ls in self.leaves for n in ls]
        owner = [k for k, ls in enumerate(self.leaves) for _ in ls]
        self.moving = [j for j, v in enumerate(self.values) if owner[j] not in self.nondiff and differentiable(v.type)]
        self.reading: Reading | None = None
        self.fit = Fit(t, self.misfit, f" by the rule of {custom.name}")

    def passed(self, n: Num | Arr) -> bool:
        return self.widened or not is_static(n)

    def emit(self) -> Abstract:
        t, custom = self.t, self.custom
        name = _unused(custom.name, {r.name for r in t.readings})
        primal, (tree, weak, inner) = self.primal()
        types = tuple(map(t.erase, inner))
        statics = () if self.widened else constants(self.args)
        params = tuple(v.type for v in self.values)
        self.reading = Reading(custom, self.signature, statics, name, params, tree, weak, types)
        attrs: dict[str, Any] = {"name": name, "types": types, "wrt": tuple(self.moving)}
        rules: tuple[Block, ...] = ()
        t.readings.append(self.reading)
        try:
            if not custom.rules or not self.moving:
                pass
            elif isinstance(why := getattr(custom.rules[0], "obj", None), str):
                attrs["without"] = why
            elif custom.kind == "custom_jvp":
                rules = (self.jvp(),)
            else:
                rules, wrt = self.vjp()
                attrs |= {"wrt": wrt, "zero": tuple(j for j in self.moving if j not in wrt)}
        except OneformError as refusal:  # of the rule: that matters to whoever differentiates
            attrs["refused"] = str(refusal)
        finally:
            t.readings.pop()
        outs = t.b.emit(OPS[custom.kind], *self.values, regions=(primal, *rules), **attrs)
        return from_leaves(t, tree, wrapped(t, outs, weak))

    # ------------------------------------------------------------ regions

    @contextmanager
    def region(self, role: int) -> Generator[Builder]:
        """A region with a state and frames of its own; what it changes outside is refused."""
        t = self.t
        before, unrolled = t.state, t.unrolled
        t.state, t.unrolled = before.copy(), (*unrolled, -1 - role)
        try:
            with t.region() as b:
                yield b
                check_writes(t, before, self.node, "a function with a custom rule")
        finally:
            t.state, t.unrolled = before, unrolled

    def parameters(self, b: Builder, types: Sequence[Type], weak: Sequence[bool]) -> list[Num | Arr]:
        return list(wrapped(self.t, [b.param(k) for k in types], weak))

    def primals(self, params: Sequence[Num | Arr]) -> list[Abstract]:
        """The arguments with parameters in place of the values passed."""
        it = iter(params)
        return [rebuilt(a, lambda n: next(it) if self.passed(n) else n) for a in self.args]

    def own(self, b: Builder) -> list[Num | Arr]:
        return self.parameters(b, [v.type for v in self.values], self.weak)

    def primal(self) -> tuple[Block, tuple[Tree, tuple[bool, ...], list[Type]]]:
        """The function itself; the structure of its result, which of its numbers are Python's, and their types."""
        t = self.t
        with self.region(0) as b:
            params = self.own(b)
            result = t.call(t, self.custom.function, self.primals(params), {}, self.node)
            found: list[Num | Arr] = []
            tree = to_leaves(t, result, found)
            values = [value_of(t, x) for x in found]
            for p, v in zip(params, b.params, strict=True):
                if isinstance(p, Arr) and t.state.version(p.cell) is not v:
                    t.refuse("E105", f"{self.custom.name}, which has a custom rule, changes its argument", self.node, "Return the new value instead.")
            block = b.block(*values)
        return block, (tree, tuple(isinstance(x, Num) and x.weak for x in found), [v.type for v in values])

    def jvp(self) -> Block:
        t, custom, reading = self.t, self.custom, self.known
        with self.region(1) as b:
            params = self.own(b)
            moved = self.parameters(b, [self.values[j].type for j in self.moving], [self.weak[j] for j in self.moving])
            primals = self.primals(params)
            tangents = self.tangents(dict(zip(self.moving, moved, strict=True)))
            try:
                first = [p for k, p in enumerate(primals) if k in self.nondiff]
                points = [p for k, p in enumerate(primals) if k not in self.nondiff]
                directions = [d for k, d in enumerate(tangents) if k not in self.nondiff]
                (rule,) = custom.rules
                result = self.sum(rule, primals, points, directions) if isinstance(rule, tuple) else self.run(rule, [*first, seq(points), seq(directions)])
                out, moved_out = self.pair(result, "the result and its tangent")
                results = self.results(out)
                models = [r for r, k in zip(results, reading.types, strict=True) if differentiable(k)]
                given = self.fit.leaves_like(reading.tree, moved_out, "the tangent of the result")
                active = [g for g, k in zip(given, reading.types, strict=True) if differentiable(k)]
                dots = [self.fitted(g, m, "the tangent of the result") for g, m in zip(active, models, strict=True)]
                values = [*(value_of(t, r) for r in results), *dots]
            except PathEnds:  # the rule surely raises
                values = [make.undefined(t.b, k) for k in (*reading.types, *filter(differentiable, reading.types))]
            return b.block(*values)

    def vjp(self) -> tuple[tuple[Block, Block], tuple[int, ...]]:
        """Both sweeps, and the numbers of the values that receive a cotangent."""
        fwd, bwd = self.custom.rules
        assert not isinstance(fwd, tuple) and not isinstance(bwd, tuple)
        forward, handed = self.forward_sweep(fwd)
        reverse, wrt = self.reverse_sweep(bwd, handed)
        return (forward, reverse), wrt

    def forward_sweep(self, fwd: Abstract) -> tuple[Block, Handed]:
        """fwd, followed by what else the reverse sweep needs: arguments without derivative, and the lengths of those that have one."""
        t = self.t
        saved, first, kept = NONE, list[Abstract](), list[Num | Arr]()
        with self.region(1) as b:
            params = self.own(b)
            primals = self.primals(params)
            try:
                out, saved = self.pair(self.run(fwd, primals), "the result and what bwd needs")
                results = [value_of(t, r) for r in self.results(out)]
                first = [p for k, p in enumerate(primals) if k in self.nondiff]
                kept = [n for x in (saved, *first) for n in leaves_of(x) if not is_static(n)]
            except PathEnds:
                results = [make.undefined(t.b, k) for k in self.known.types]
            values = [value_of(t, n) for n in kept]
            lengths = [t.value(n, I64) for j in self.moving for n in open_axes(t, params[j])]
            block = b.block(*results, *values, *lengths)
        return block, Handed(saved, first, [t.erase(v.type) for v in values], [isinstance(n, Num) and n.weak for n in kept], len(lengths))

    def reverse_sweep(self, bwd: Abstract, handed: Handed) -> tuple[Block, tuple[int, ...]]:
        t, reading = self.t, self.known
        with self.region(2) as b:
            own = iter(self.parameters(b, handed.types, handed.weak))
            residuals, *first = [rebuilt(x, lambda n: n if is_static(n) else next(own)) for x in (handed.saved, *handed.first)]
            sizes = iter([t.integer(b.param(Scalar(I64))) for _ in range(handed.lengths)])
            shapes = {j: tuple(number(d) if isinstance(d, int) else next(sizes) for d in shape_of(self.values[j].type)) for j in self.moving}
            active = [differentiable(k) for k in reading.types]
            cts = iter(self.parameters(b, list(compress(reading.types, active)), list(compress(reading.weak, active))))
            ct = with_none(t, reading.tree, [next(cts) if a else None for a in active])
            try:
                given = self.cotangents(self.run(bwd, [*first, residuals, ct]))
                wrt = tuple(j for j in self.moving if given[j] is not None)
                values = [self.fit.moved(given[j], self.values[j].type, shapes[j], "the cotangent of an argument") for j in wrt]
            except PathEnds:
                wrt, values = (), []
            return b.block(*values), wrt

    @property
    def known(self) -> Reading:
        assert self.reading is not None
        return self.reading

    def run(self, rule: Abstract, args: list[Abstract]) -> Abstract:
        out: Abstract = plain(self.t, self.t.call(self.t, rule, args, {}, self.node))
        return out

    def misfit(self, detail: str, repair: str = "") -> NoReturn:
        """Refuse what a rule returned, at its return."""
        raise CompileError("E210", f"the rule of {self.custom.name} does not fit it: {detail}", self.t.returned_at or self.t.at(self.node), repair)

    # ------------------------------------------------------------ arguments of the rules, and what they return

    def tangents(self, moved: dict[int, Num | Arr]) -> list[Abstract]:
        """The tangents in the structure of the arguments: None for whatever has none."""
        numbers = iter(range(len(self.values)))

        def tangent(x: Abstract) -> Abstract:
            if isinstance(x, (Num, Arr)):
                return moved.get(next(numbers), NONE) if self.passed(x) else NONE
            return Seq(x.kind, tuple(map(tangent, x.items)), x.meta) if isinstance(x, Seq) else NONE

        return [tangent(a) for a in self.args]

    def pair(self, x: Abstract, what: str) -> tuple[Abstract, Abstract]:
        if not isinstance(x, Seq) or x.kind not in ("tuple", "list") or len(x.items) != 2:
            self.misfit(f"it returns {describe(x)} where it should return a pair, {what}")
        return x.items[0], x.items[1]

    def results(self, out: Abstract) -> list[Num | Arr]:
        """The leaves of the rule's result in the types of the primal's."""
        t, reading = self.t, self.known
        found: list[Num | Arr] = []
        if to_leaves(t, out, found) != reading.tree:
            self.misfit(f"it returns {describe(out)} as the result, which has another structure than that of {self.custom.name}")
        return [self.typed(x, k, w) for x, k, w in zip(found, reading.types, reading.weak, strict=True)]

    def typed(self, x: Num | Arr, k: Type, weak: bool) -> Num | Arr:
        """A result as a value of the declared type."""
        t = self.t
        x = load(t, x) if isinstance(x, Arr) else x
        if isinstance(x, Num) and isinstance(k, Scalar) and convertible(x, k):
            return Num(k.dtype, weak, t.value(x, k.dtype))
        if isinstance(x, Arr) and isinstance(k, Array) and x.cell.dtype == k.dtype and rank(x) == k.rank:
            dims, lengths = shape(t, x)
            declared = [(d, None if d == ANY else self.length(d)) for d in k.shape]
            wanted = [(e, m) if n is None else (d, n) for (d, n), e, m in zip(declared, dims, lengths, strict=True)]
            return new_array(t, self.fit.shaped(x, wanted, "the result"))
        self.misfit(f"its result has {describe(x)} where that of {self.custom.name} has {k}")

    def length(self, d: Dim) -> Num | None:
        """The length that a symbol stands for, if it is to be had here."""
        if isinstance(d, int):
            return number(d)
        found = self.t.scope.recall(("length", d))
        if found is None:
            for v in (*self.t.b.params, *self.t.root.params):
                if d in shape_of(v.type):
                    return self.t.length(v, shape_of(v.type).index(d))
        return found

    def fitted(self, x: Num | Arr | None, model: Num | Arr, what: str) -> Value:
        """A tangent as a value of its model's type."""
        dims, lengths = shape(self.t, model)
        dtype = model.dtype if isinstance(model, Num) else model.cell.dtype
        return self.fit.moved(x, with_shape(dtype, dims), lengths, what)

    def cotangents(self, x: Abstract) -> list[Num | Arr | None]:
        """What bwd returns, by the numbers of the values passed."""
        moving = [k for k in range(len(self.args)) if k not in self.nondiff]
        if not isinstance(x, Seq) or x.kind not in ("tuple", "list") or len(x.items) != len(moving):
            expected = f"a tuple of {len(moving)}, one entry for each argument"
            self.misfit(f"bwd returns {describe(x)} where it should return {expected}", "None stands for zero; arguments in nondiff_argnums have no entry.")
        entries = dict(zip(moving, x.items, strict=True))
        found: list[Num | Arr | None] = []
        for k, a in enumerate(self.args):
            given = self.fit.leaves_like(structure(a), entries[k], f"the cotangent of argument {k}") if k in entries else [None] * len(leaves_of(a))
            found += [g for g, n in zip(given, leaves_of(a), strict=True) if self.passed(n)]
        return found

    def sum(self, rules: Sequence[Abstract], args: list[Abstract], points: list[Abstract], directions: list[Abstract]) -> Abstract:
        """The rule that `defjvps` gives by argument: the function itself, and the sum of what the arguments contribute."""
        out = plain(self.t, self.t.call(self.t, Py(self.custom), args, {}, self.node))
        if len(rules) != len(points):
            self.misfit(f"defjvps gives {len(rules)} rules for {len(points)} arguments", "None stands for an argument that contributes nothing.")
        total: Abstract = NONE
        for rule, d in zip(rules, directions, strict=True):
            if not (isinstance(rule, Py) and rule.obj is None) and any(True for _ in leaves_of(d)):
                total = self.plus(total, self.run(rule, [d, out, *points]))
        return seq([out, total])

    def plus(self, x: Abstract, y: Abstract) -> Abstract:
        if isinstance(x, Py) and x.obj is None:
            return y
        if isinstance(y, Py) and y.obj is None:
            return x
        if isinstance(x, Seq) and isinstance(y, Seq) and (x.kind, len(x.items)) == (y.kind, len(y.items)):
            return Seq(x.kind, tuple(self.plus(a, b) for a, b in zip(x.items, y.items, strict=True)), x.meta)
        return binary(self.t, operator.add, x, y)

def _unused(name: str, taken: set[str]) -> str:
    """The name, told apart from those of the functions whose rules are around it."""
    return next(n for k in range(len(taken) + 1) if (n := f"{name}.{k}" if k else name) not in taken)


def constants(args: Sequence[Abstract]) -> tuple[Any, ...]:
    """The integers and bools among the arguments that are known now."""
    return tuple(n.known for a in args for n in leaves_of(a) if isinstance(n, Num) and is_static(n))


def seq(items: Sequence[Abstract]) -> Seq:
    return Seq("tuple", tuple(items))
