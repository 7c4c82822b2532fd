"""`of.jacobian` and `of.hessian`: the callables, and which pattern may be used again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oneform.derivatives import Grad, positions
from oneform.derivatives import Jacobian as Dense
from oneform.frontend.lowered import Lowered
from oneform.origins import Args, Derived, Kwargs, Origin
from oneform.sparse.arrays import empty_matrix, index_type
from oneform.sparse.blocks import DirectPlan, direct
from oneform.sparse.plan import Part, Plan, pattern_of, planned, planned_symmetric
from oneform.sparse.rules import Auxiliary, Direct, Nonzeros, Pattern
from oneform.staging import Call, Compiled
from oneform.tangents import is_active
from oneform.transforms import NoLanes
from oneform.tree import spread

_lock = threading.Lock()  # for the dictionaries below; lists of plans are replaced, not changed
REMEMBERED = 8  # plans of one program
Argnums = int | tuple[int, ...]


@dataclass(frozen=True)
class Structure:
    """What a pattern was found for: the shapes of all arguments, and the contents of those that it depends on."""

    signature: Any
    shapes: tuple[tuple[int, ...], ...]
    contents: tuple[tuple[int, Any], ...]

    def holds(self, signature: Any, shapes: tuple[tuple[int, ...], ...], values: Sequence[Any]) -> bool:
        return shapes == self.shapes and signature == self.signature and all(same(kept, values[k]) for k, kept in self.contents)


def same(kept: Any, x: Any) -> bool:
    """Bit for bit: NaN is itself, and -0.0 is not 0.0."""
    if isinstance(kept, np.ndarray):
        return kept.dtype == x.dtype and kept.shape == x.shape and bool((_bits(kept) == _bits(x)).all())
    return type(kept) is type(x) and (kept == x or kept != kept) and str(kept) == str(x)


def _bits(x: Any) -> Any:
    whole = np.ascontiguousarray(x).reshape(-1)
    size = whole.dtype.itemsize
    return whole.view(f"u{size}" if size in (1, 2, 4, 8) else "u8")


class Engine:
    """The compiled programs of one function's sparse Jacobian, and the plans made with them."""

    def __init__(self, function: Origin, options: Any, argnums: Argnums, has_aux: bool, *, gradient: bool = False):
        """`gradient`: for the gradient of the function."""
        origin = Derived(function, Grad(argnums, has_aux)) if gradient else function
        self.origin, self.options, self.argnums, self.has_aux = origin, options, argnums, has_aux
        self.refused: set[tuple[bool, bool]] = set()  # (forward, stored) of programs that are known not to exist
        self.value = Compiled(origin, options, "jit")
        self.aux = Compiled(Derived(origin, Auxiliary()), options, "auxiliary") if has_aux else None
        self.pattern, self.wide_pattern = (
            Compiled(Derived(function, Pattern(argnums, has_aux, gradient=gradient, wide=wide)), options, "pattern") for wide in (False, True)
        )
        self.handles = Compiled(Derived(function, Pattern(argnums, has_aux, direct=False, gradient=gradient)), options, "pattern")
        self.nonzeros: dict[tuple[bool, int, bool], Compiled] = {}
        self.blocks = {way: Compiled(Derived(origin, Direct(argnums, has_aux, scattered=way)), options, "nonzeros") for way in (False, True)}
        self.plans: list[tuple[Structure, Plan | DirectPlan]] = []

    def plan(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Plan | DirectPlan:
        """The pattern for these arguments with its colours: found before, if nothing that it depends on has changed."""
        call = Call(args, kwargs, lambda k: self.pattern.leaf_name(k, args, kwargs))
        _, captured = self.pattern.version(call.signature)
        values = [*call.values, *(v for v, _ in captured)]
        shapes = tuple(np.shape(v) for v in values)
        for k, found in enumerate(self.plans):
            structure, plan = found
            if structure.holds(call.signature, shapes, values):
                if k:  # a new list: other threads may be reading the old one
                    self.plans = [found, *(p for p in self.plans if p is not found)]
                return plan
        plan, opened, flags = self.found(args, kwargs, len(values))
        if not opened:
            contents = tuple((k, values[k].copy() if isinstance(values[k], np.ndarray) else values[k]) for k in range(len(values)) if flags[k])
            self.plans = [(Structure(call.signature, shapes, contents), plan), *self.plans[: REMEMBERED - 1]]
        return plan

    def found(self, args: tuple[Any, ...], kwargs: dict[str, Any], count: int) -> tuple[Plan | DirectPlan, bool, Any]:
        """A new plan; whether it holds for this call only; and which of the `count` values the pattern depends on."""
        columns = self.columns(args)
        kind, *found, flags = (self.pattern if index_type(sum(columns)) == np.int32 else self.wide_pattern)(*args, **kwargs)
        if kind:
            rows, order, iterations, sizes, layout = found
            plan = direct(rows, order, iterations, sizes, layout, sum(columns))
            if plan is not None:
                return plan, False, flags
            _, *found, flags = self.handles(*args, **kwargs)
        *handles, starts, children, inputs = found
        opened, symmetric = flags[count:-1], flags[-1]
        if opened.any():
            handles = self.stretched(handles, opened, args, kwargs)
        roots = np.concatenate([np.asarray(h, np.int64).reshape(-1) for h in handles])
        lengths = [int(np.size(h)) for h in handles]
        pattern = pattern_of(roots, starts, children, inputs)
        return planned_symmetric(pattern, columns) if symmetric else planned(pattern, lengths, columns), bool(opened.any()), flags

    def stretched(self, handles: Sequence[Any], opened: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """Handles that stand for all elements of an array, as many times as the array has elements at these arguments."""
        leaves: list[Any] = []
        found = self.value(*fresh(args), **kwargs)
        spread(found[0] if self.has_aux else found, leaves)
        sizes = [np.shape(x) for x in leaves if is_active(x)]
        return [np.full(n, h) if is_open else h for h, n, is_open in zip(handles, sizes, opened, strict=True)]

    def columns(self, args: tuple[Any, ...]) -> list[int]:
        leaves: list[Any] = []
        for n in positions(self.argnums, len(args)):
            spread(args[n], leaves)
        return [int(np.size(x)) for x in leaves if is_active(x)]

    def evaluate(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        plan = self.plan(args, kwargs)
        if isinstance(plan, DirectPlan):
            places = (plan.ranks,) if plan.starts is None else (plan.starts, plan.ranks)
            data = self.blocks[plan.starts is None](args, *places, int(plan.pattern.nnz), **kwargs)
        else:
            data = self.together([(p, self.coloured(p, args, kwargs)) for p in plan.parts])
        pattern = plan.pattern
        out = empty_matrix(pattern.shape, data.dtype)
        out.data, out.indices, out.indptr = data, pattern.indices, pattern.indptr
        return out if self.aux is None else (out, self.aux(*args, **kwargs))

    def together(self, found: Sequence[tuple[Part, Any]]) -> Any:
        """All nonzeros, from those of the parts."""
        if len(found) == 1:
            return found[0][1]
        data = np.empty(sum(len(p.chosen) for p, _ in found), found[0][1].dtype)
        for p, own in found:
            data[p.chosen] = own
        return data

    def coloured(self, part: Part, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The nonzeros of a part, in the best way that its program is known to allow."""
        for stored, allowed in ((True, part.slotted), (False, part.lanes > 1)):
            if allowed and (part.forward, stored) not in self.refused:
                try:
                    found = self.program(part.forward, part.lanes, stored=stored)(args, *(part.by_row if stored else part.together), **kwargs)
                    return found[: part.pattern.nnz]
                except NoLanes:
                    self.refused.add((part.forward, stored))
        return self.program(part.forward, 1)(args, *part.apart, **kwargs)

    def program(self, forward: bool, lanes: int, *, stored: bool = False) -> Compiled:
        key = forward, lanes, stored
        with _lock:
            if key not in self.nonzeros:
                rule = Nonzeros(self.argnums, self.has_aux, forward=forward, lanes=lanes, stored=stored)
                self.nonzeros[key] = Compiled(Derived(self.origin, rule), self.options, "nonzeros")
            return self.nonzeros[key]


def fresh(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments that a function may write to."""
    return tuple(a.copy() if isinstance(a, np.ndarray) else a for a in args)


_engines: OrderedDict[Any, Engine] = OrderedDict()
_ENGINES = 256


def engine_of(origin: Origin, options: Any, argnums: Argnums, has_aux: bool, gradient: bool) -> Engine:
    """The engine of a program: of.jacobian(f, sparse=True) in a loop finds the pattern once."""
    key = (origin.identity().key, options, argnums, has_aux, gradient)
    with _lock:
        found = _engines.get(key)
        if found is None:
            found = _engines[key] = Engine(origin, options, argnums, has_aux, gradient=gradient)
            if len(_engines) > _ENGINES:
                _engines.popitem(last=False)
        else:
            _engines.move_to_end(key)
        return found


class SparseJacobian:
    """A sparse Jacobian as a function of the original's arguments; see `of.jacobian`."""

    def __init__(self, origin: Origin, options: Any, argnums: Argnums, has_aux: bool, name: str):
        self._engine = engine_of(origin, options, argnums, has_aux, gradient=name == "hessian")
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._engine.evaluate(args, kwargs)

    def pattern(self, *args: Any, **kwargs: Any) -> Any:
        """Where the matrix may be nonzero, whatever the values of what is differentiated by: a scipy.sparse.csr_matrix of bool."""
        return self._engine.plan(args, kwargs).pattern.copy()

    def colours(self, *args: Any, **kwargs: Any) -> Any:
        """The colour of each column (or row, see `cost`), an int64 array: those of one colour are evaluated together. For "forward and reverse" the pair of
        the colours of columns and of rows, for "reverse and forward" that of rows and of columns. None if there are no colours."""
        plan = self._engine.plan(args, kwargs)
        if isinstance(plan, DirectPlan):
            return None
        found = [p.colours.copy() for p in plan.parts]
        return tuple(found) if len(found) > 1 else found[0]

    def cost(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """How the matrix is evaluated: mode ("forward": colours of columns; "reverse": of rows; "forward and reverse": of columns without a few rows, then of
        these; "reverse and forward"; "blocks": of loop iterations, each on its own), how often the program is run through, and the number of nonzeros."""
        plan = self._engine.plan(args, kwargs)
        mode, passes = ("blocks", 1) if isinstance(plan, DirectPlan) else (plan.mode, plan.passes)
        return {"mode": mode, "passes": passes, "nonzeros": int(plan.pattern.nnz)}

    def __repr__(self) -> str:
        return f"<of.{self._name} (sparse)>"


class DenseJacobian:
    """A dense Jacobian, by columns or by rows, whichever are fewer."""

    def __init__(self, origin: Origin, options: Any, argnums: Argnums, has_aux: bool):
        self.argnums, self.has_aux = argnums, has_aux
        self.value = Compiled(origin, options, "jit")
        self.ways = {way: Compiled(Derived(origin, Dense(argnums, has_aux, forward=way)), options, "jacobian") for way in (True, False)}
        self.sizes: dict[Any, bool] = {}

    def __oneform_function__(self, args: Args, kwargs: Kwargs) -> Lowered:
        """How a compiled function calls it."""
        return Derived(self.value.origin, Dense(self.argnums, self.has_aux, forward=None)).lower(args, kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.ways[self.forward(args, kwargs)](*args, **kwargs)

    def forward(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Decided by one evaluation for each set of shapes: it changes the speed only."""
        call = Call(args, kwargs, lambda k: self.value.leaf_name(k, args, kwargs))
        key = (call.signature, tuple(np.shape(v) for v in call.values))
        if key not in self.sizes:
            leaves: list[Any] = []
            found = self.value(*fresh(args), **kwargs)
            spread(found[0] if self.has_aux and isinstance(found, tuple) and found else found, leaves)
            rows = sum(int(np.size(x)) for x in leaves if is_active(x))
            inputs: list[Any] = []
            for n in positions(self.argnums, len(args)):
                spread(args[n], inputs)
            columns = sum(int(np.size(x)) for x in inputs if is_active(x))
            self.sizes[key] = columns <= rows
        return self.sizes[key]


def sparse_jacobian(origin: Origin, options: Any, argnums: Argnums, has_aux: bool) -> SparseJacobian:
    return SparseJacobian(origin, options, argnums, has_aux, "jacobian")


def sparse_hessian(origin: Origin, options: Any, argnums: Argnums, has_aux: bool) -> SparseJacobian:
    """The Jacobian of the gradient."""
    return SparseJacobian(origin, options, argnums, has_aux, "hessian")
