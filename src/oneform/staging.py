"""The objects that users call: which function, which derivative of it, and the compiled code for each signature met so far."""

from __future__ import annotations

import functools
import inspect
import threading
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from oneform import frontend, optimise
from oneform.derivatives import Rule
from oneform.errors import ArgumentError, CompileError
from oneform.frontend import Lowered
from oneform.identity import Identity, identify
from oneform.ir import Function
from oneform.runtime import arrays, trampoline
from oneform.runtime.arrays import LeafKey
from oneform.runtime.callable import NATIVE, Base, attach, fast
from oneform.runtime.engine import Bound, Options, Specialisation, compile_image
from oneform.tree import LEAF, Leaf, Tree, flatten
from oneform.types import Array, Scalar

Args = Sequence[tuple[Tree, list[Leaf]]]
Kwargs = Mapping[str, tuple[Tree, list[Leaf]]]

STATIC_LIMIT = 4  # specialisations that differ in static lengths only, before one for all lengths serves


# ---------------------------------------------------------------- where a program comes from


class Origin:
    """What is compiled: lowered anew for each signature."""

    def lower(self, args: Args, kwargs: Kwargs) -> Lowered:
        raise NotImplementedError

    def identity(self) -> Identity:
        """What makes two callables the same program."""
        raise NotImplementedError

    @property
    def python(self) -> Any:
        """The user's function, for names and signature."""
        return None


class FromPython(Origin):
    """A function as the user wrote it."""

    def __init__(self, function: Callable[..., Any]):
        self.function = function

    def lower(self, args: Args, kwargs: Kwargs) -> Lowered:
        return frontend.trace(self.function, list(args), dict(kwargs))

    def identity(self) -> Identity:
        return identify(self.function)

    @property
    def python(self) -> Any:
        return self.function


class Derived(Origin):
    """A derivative of another origin."""

    def __init__(self, base: Origin, rule: Rule):
        self.base, self.rule = base, rule

    def lower(self, args: Args, kwargs: Kwargs) -> Lowered:
        return self.rule.lower(self.base.lower, args, kwargs)

    def identity(self) -> Identity:
        return self.base.identity().extended(self.rule)

    @property
    def python(self) -> Any:
        return self.base.python


def origin_of(f: Any) -> Origin:
    """The origin of anything that can be compiled; ArgumentError E401 for what cannot be called."""
    if isinstance(f, Compiled):
        return f.origin
    if hasattr(f, "__oneform_origin__"):
        return f.__oneform_origin__()
    if not callable(f):
        raise ArgumentError("E401", f"a function is needed here, not a {type(f).__name__}")
    return FromPython(f)


# ---------------------------------------------------------------- compiled code by signature


class Version:
    """Machine code for one signature of one program, and what it captures."""

    def __init__(self, low: Lowered, spec: Specialisation, captures: Sequence[Any]):
        self.spec = spec
        self.captures = captures  # in the form of identity.Reference: where each value is found in any callable of this program
        self.capture_keys = spec.shape.keys[len(spec.shape.keys) - len(captures) :]
        self.written = frozenset(low.writes)


Signature = tuple[tuple[Tree, ...], tuple[tuple[str, Tree], ...], tuple[LeafKey, ...]]


class Family:
    """All versions of one program with one set of options."""

    def __init__(self, options: Options):
        self.options = options
        self.versions: dict[Signature, list[Version]] = {}
        self.statics: dict[Signature, int] = {}  # by widened signature: how many versions differ in static lengths only
        self.lock = threading.RLock()

    def narrow(self, signature: Signature) -> Signature:
        """The signature to compile for: this one, or after several that differ in lengths only the one for all lengths."""
        if signature in self.versions:
            return signature
        wide = (signature[0], signature[1], tuple(map(arrays.widened, signature[2])))
        if wide == signature or self.statics.get(wide, 0) < STATIC_LIMIT:
            return signature
        return wide


_families: dict[Any, Any] = {}


class Call:
    """The arguments of one call, taken apart."""

    __slots__ = ("originals", "signature", "values")

    def __init__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], name: Callable[[int], str]):
        leaves: list[Any] = []
        trees = tuple(flatten(a, leaves) for a in args)
        named = tuple((k, flatten(a, leaves)) for k, a in kwargs.items())
        values: list[Any] = []
        keys: list[LeafKey] = []
        for k, x in enumerate(leaves):
            try:
                value, key = arrays.marshal(x, "")
            except ArgumentError:
                value, key = arrays.marshal(x, name(k))
            values.append(value)
            keys.append(key)
        self.originals, self.values = leaves, values
        self.signature: Signature = (trees, named, tuple(keys))

    def lowering_arguments(self, signature: Signature) -> tuple[list[tuple[Tree, list[Leaf]]], dict[str, tuple[Tree, list[Leaf]]]]:
        leaves = iter(arrays.leaves_of(signature[2]))
        take: Callable[[Tree], tuple[Tree, list[Leaf]]] = lambda t: (t, [next(leaves) for _ in range(t.leaves)])
        return [take(t) for t in signature[0]], {k: take(t) for k, t in signature[1]}


@fast
class Compiled(Base):
    """A compiled function. Called like the original; compiles at the first call with arguments of new types."""

    def __init__(self, origin: Origin, options: Options, name: str = ""):
        self.origin, self.options = origin, options
        self.family: Family | None = None
        self.bounds: dict[Version, Bound] = {}
        self.last: Bound | None = None
        self.slow = self.__call__
        python = origin.python
        if python is not None:
            functools.update_wrapper(self, python, updated=())
        self.prefix = name

    # ------------------------------------------------------------ calls

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The slow path: whatever the native entries do not take as it is."""
        call = Call(args, kwargs, lambda k: self.leaf_name(k, args, kwargs))
        version, captured = self.version(call)
        bound = self.bounds.get(version) or self.bind(version)
        values = [*call.values, *(v for v, _ in captured)]
        if not version.written:
            return bound.call(*values)
        originals = [*call.originals, *(o for _, o in captured)]
        return self.call_writing(version, bound, values, originals, args, kwargs)

    def call_writing(self, version: Version, bound: Bound, values: list[Any], originals: list[Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """A call that changes arguments: they must be writable and apart; where a copy was passed, it is copied back."""
        back: list[tuple[Any, Any]] = []
        for k in version.written:
            name = self.leaf_name(k, args, kwargs)
            original = originals[k]
            check_writable(original, values[k], name)
            other = arrays.overlapping(k, [o if isinstance(o, np.ndarray) else v for o, v in zip(originals, values, strict=True)])
            if other is not None:
                raise ArgumentError("E403", f"{name}, which the function writes to, shares memory with {self.leaf_name(other, args, kwargs)}", repair="Pass a copy.")
            if values[k] is not original and not np.may_share_memory(values[k], original):
                back.append((original, values[k]))
        try:
            return bound.call(*values)
        finally:
            for original, value in back:
                np.copyto(original, value)

    def version(self, call: Call) -> tuple[Version, list[tuple[Any, Any]]]:
        """Compiled code that fits the call, and the captured values with what they were converted from."""
        family = self.family
        if family is None:
            family = self.family = self.join_family()
        found = self.fitting(family, call.signature)
        if found is not None:
            return found
        with family.lock:
            signature = family.narrow(call.signature)
            found = self.fitting(family, signature)
            if found is None:
                version = self.compile(call, signature)
                family.versions.setdefault(signature, []).append(version)
                wide = (signature[0], signature[1], tuple(map(arrays.widened, signature[2])))
                family.statics[wide] = family.statics.get(wide, 0) + 1
                found = version, self.captured(version)
            if signature != call.signature:
                family.versions[call.signature] = family.versions[signature]
            return found

    def fitting(self, family: Family, signature: Signature) -> tuple[Version, list[tuple[Any, Any]]] | None:
        for version in family.versions.get(signature, ()):
            captured = self.captured(version)
            if all(arrays.fits(v, key) for (v, _), key in zip(captured, version.capture_keys, strict=True)):
                return version, captured
        return None

    def captured(self, version: Version) -> list[tuple[Any, Any]]:
        """The captured values as they are now, in the form compiled code takes, and as they were found."""
        out: list[tuple[Any, Any]] = []
        for reference in version.captures:
            x = reference.get(self.origin)
            out.append((arrays.marshal(x, f"the captured `{reference.name}`")[0], x))
        return out

    # ------------------------------------------------------------ compilation

    def lowered(self, args: Args, kwargs: Kwargs) -> Lowered:
        return self.origin.lower(args, kwargs)

    def compile(self, call: Call, signature: Signature) -> Version:
        args, kwargs = call.lowering_arguments(signature)
        low = self.lowered(args, kwargs)
        shape, function = plan(low, signature)
        spec = Specialisation(compile_image(function, shape, self.options), shape)
        return Version(low, spec, [self.identity.reference(c) for c in low.captures])
