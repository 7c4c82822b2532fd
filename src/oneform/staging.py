"""The objects that users call: which function, which derivative of it, and the compiled code for each signature met so far."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import os
import sys
import threading
import types
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import numpy as np

from oneform import manifest, optimise
from oneform.errors import ArgumentError, CompileError, ObservedError, OneformError, ZeroGradientWarning
from oneform.families import generation
from oneform.frontend.lowered import Lowered
from oneform.identity import Identity, Reference
from oneform.ir import Function
from oneform.origins import Args, FromPython, Kwargs, Origin
from oneform.runtime import arrays, cache, updates
from oneform.runtime.arrays import LeafKey
from oneform.runtime.callable import Base, attach, fast
from oneform.runtime.engine import Bound, Options, Specialisation, compile_image
from oneform.runtime.trampoline import Shape
from oneform.tree import LEAF, Leaf, Tree, columns_among, flatten, native, readable, unflatten

STATIC_LIMIT = 4  # specialisations that differ in static lengths only, before one for all lengths serves


# ---------------------------------------------------------------- what may be given as a function


def options_of(f: Any) -> Options:
    """The options that derivatives of a compiled function inherit."""
    return f.options if isinstance(f, Compiled) else Options()


def origin_of(f: Any) -> Origin:
    """The origin of anything that can be compiled; ArgumentError E401 for what cannot be called."""
    if isinstance(f, Compiled):
        return f.origin
    if isinstance(f, Origin):
        return f
    if not callable(f):
        raise ArgumentError("E401", f"a function is needed here, not a {type(f).__name__}")
    return FromPython(f)


@contextlib.contextmanager
def without_collection() -> Generator[None]:
    """No garbage collector meanwhile: a compiler makes hundreds of thousands of small objects that stay, and looking through them again and again takes
    an eighth of its time. Where another thread has switched it off, that one switches it on."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


# ---------------------------------------------------------------- compiled code by signature

Signature = tuple[tuple[Tree, ...], tuple[tuple[str, Tree], ...], tuple[LeafKey, ...]]


class Version:
    """Machine code for one signature of one program, and where what it captures is found in any callable of that program."""

    def __init__(self, spec: Specialisation, references: Sequence[Reference], holds: Callable[[], bool]):
        self.spec, self.references, self.holds = spec, references, holds
        self.capture_keys = [arrays.key_of_leaf(leaf) for leaf in spec.shape.leaves[len(spec.shape.leaves) - len(references) :]]


class Family:
    """All versions of one program with one set of options."""

    def __init__(self, options: Options, alive: Sequence[Any]):
        self.options, self.alive = options, alive
        self.versions: dict[Signature, list[Version]] = {}
        self.statics: dict[Signature, int] = {}  # by widened signature: how many versions differ in static lengths only
        self.warned: set[str] = set()
        self.lock = threading.RLock()

    def narrow(self, signature: Signature) -> Signature:
        """The signature to compile for: this one, or after several that differ in lengths only the one for all lengths."""
        wide = widened(signature)
        return signature if self.statics.get(wide, 0) < STATIC_LIMIT else wide

    def add(self, signature: Signature, version: Version) -> None:
        self.versions[signature] = [*self.versions.get(signature, ()), version]
        wide = widened(signature)
        self.statics[wide] = self.statics.get(wide, 0) + 1

    def refresh(self) -> None:
        """Forget versions made from structure that has been rebound since."""
        self.versions = {s: kept for s, found in self.versions.items() if (kept := [v for v in found if v.holds()])}


def widened(signature: Signature) -> Signature:
    return (signature[0], signature[1], tuple(map(arrays.widened, signature[2])))


_families: OrderedDict[Any, Family] = OrderedDict()
_families_lock = threading.Lock()
_FAMILIES = 1024  # programs remembered after their last callable is gone


def family_of(identity: Identity, options: Options) -> Family:
    """The family that a new callable joins: of.grad(lambda x: ...) in a loop compiles once."""
    key = (identity.key, options)
    with _families_lock:
        family = _families.get(key)
        if family is None:
            family = _families[key] = Family(options, identity.alive)
            if len(_families) > _FAMILIES:
                _families.popitem(last=False)
        else:
            _families.move_to_end(key)
            family.refresh()
    return family


class Call:
    """The arguments of one call, taken apart."""

    __slots__ = ("originals", "signature", "values")

    def __init__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], name: Callable[[int], str]):
        known = generation()
        trees, named, leaves = _taken_apart(args, kwargs)
        while known != generation():  # until no class turns out to be recursive on the way
            known = generation()
            trees, named, leaves = _taken_apart(args, kwargs)
        columns = [c for t in (*trees, *(t for _, t in named)) for c in columns_among(t)]
        values: list[Any] = []
        keys: list[LeafKey] = []
        for k, x in enumerate(leaves):
            try:
                value, key = arrays.marshal(x, "")
            except ArgumentError:
                value, key = arrays.marshal(x, name(k))
            values.append(value)
            keys.append(arrays.column(key) if columns[k] else key)
        self.originals, self.values = leaves, values
        self.signature: Signature = (trees, named, tuple(keys))


def _taken_apart(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[Tree, ...], tuple[tuple[str, Tree], ...], list[Any]]:
    leaves: list[Any] = []
    return tuple(flatten(a, leaves) for a in args), tuple((k, flatten(a, leaves)) for k, a in kwargs.items()), leaves


def lowering_arguments(signature: Signature) -> tuple[list[tuple[Tree, list[Leaf]]], dict[str, tuple[Tree, list[Leaf]]]]:
    """The signature as the frontend takes it."""
    leaves = iter(arrays.leaves_of(signature[2]))
    positional = [(t, [next(leaves) for _ in range(t.leaves)]) for t in signature[0]]
    return positional, {k: (t, [next(leaves) for _ in range(t.leaves)]) for k, t in signature[1]}


def plan(low: Lowered, signature: Signature, references: Sequence[Reference], identity: Identity, parallel: bool) -> tuple[Function, Shape]:
    """The optimised program, its loops in parts for threads if it is to be `parallel`, and the shape of the entries around it."""
    function = optimise.optimise(low.function)
    if parallel:
        function = optimise.split(function)
    trees, named, keys = signature
    weak = [leaf.weak for leaf in (*arrays.leaves_of(keys), *(c.leaf for c in low.captures))]
    leaves = tuple(Leaf(p.type, w) for p, w in zip(function.params, weak, strict=True))
    kinds = tuple(r.native(identity)[0] for r in references)
    results = tuple(r.type for r in function.results[: len(function.results) - len(low.writes)])
    by_python = not all(map(readable, (*trees, *(k for _, k in named)))) or bool(low.updates or low.watched)
    further: dict[str, Any] = {"apart": low.apart, "seeds": low.seeds, "watched": low.watched, "numbers": low.numbers}
    if native(low.result) and not low.updates:
        return function, Shape(trees, named, leaves, kinds, low.result, results, tuple(low.writes), by_python=by_python, **further)
    flat = Tree("tuple", (LEAF,) * len(results))
    return function, Shape(trees, named, leaves, kinds, flat, results, tuple(low.writes), low.result, low.updates, by_python, **further)


# ---------------------------------------------------------------- the callable


def _outside() -> int:
    """How many frames up the caller of this library stands, for a warning that the calling function gives."""
    package, depth, frame = os.path.dirname(__file__), 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
        depth, frame = depth + 1, frame.f_back
    return depth


def _overlap(written: str, other: str) -> ArgumentError:
    return ArgumentError("E403", f"{written}, which the function writes to, shares memory with {other}", repair="Pass a copy of one of them.")


class _Slow:
    """What native entries call when nothing fits. Holds no reference, so that a callable dies as soon as nobody uses it."""

    def __init__(self, target: Compiled):
        self.target = weakref.ref(target)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        target = self.target()
        assert target is not None
        return target.call(args, kwargs)


@fast
class Compiled(Base):
    """A compiled function. Called like the original; compiles at the first call with arguments of new types."""

    def __init__(self, origin: Origin, options: Options, kind: str):
        self.origin, self.options, self.kind = origin, options, kind
        self.family: Family | None = None
        self.identity: Identity | None = None
        self.bounds: dict[Version, Bound] = {}
        self.chain: list[Bound] = []
        if origin.python is not None:
            functools.update_wrapper(self, origin.python, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.call(args, kwargs)

    def call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """The slow path: whatever the native entries do not take as it is."""
        tree, found = self.taken(args, kwargs)
        return found if tree is None else unflatten(tree, iter(found))

    def leaves(self, *args: Any, **kwargs: Any) -> tuple[Tree | None, Any]:
        """A call, and what it returns as compiled code gives it: the structure, and the leaves that Python objects are made of; None and the
        result where compiled code makes these itself."""
        return self.taken(args, kwargs)

    def apart(self, *args: Any) -> None:
        """Raise ArgumentError E403 for arguments that share memory which the function writes to; nothing is run."""
        call = Call(args, {}, lambda k: self.leaf_name(k, args, {}))
        try:
            shape = self.found(call)[0].spec.shape
        except ObservedError:  # which changes what the arguments are
            self.apart(*args)
            return
        self.check(dataclasses.replace(shape, apart=(*shape.apart, *shape.writes), watched=tuple((0, u) for u in shape.updates)), call, args, {})

    def taken(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Tree | None, Any]:
        call = Call(args, kwargs, lambda k: self.leaf_name(k, args, kwargs))
        try:
            version, captured = self.found(call)
        except ObservedError:  # which changes what the arguments are
            return self.taken(args, kwargs)
        bound = self.bounds.get(version) or self.bind(version)
        values = [*call.values, *(v for v, _ in captured)]
        shape = version.spec.shape
        self.check(shape, call, args, kwargs)
        if shape.rebuilt is None:
            return None, self.run(call, version, bound, values, captured, args, kwargs)
        places = updates.places(shape.updates, args, kwargs)
        leaves = self.run(call, version, bound, values, captured, args, kwargs)
        count = shape.rebuilt.leaves
        updates.apply(shape.updates, places, iter(leaves[count:]), args, kwargs)
        return shape.rebuilt, leaves[:count]

    def found(self, call: Call) -> tuple[Version, list[tuple[Any, Any]]]:
        """The version for a call; what the compiler refuses is raised without its own frames, which tell a user nothing."""
        try:
            return self.version(call.signature)
        except ObservedError:
            raise
        except OneformError as refusal:
            if os.environ.get("ONEFORM_TRACEBACK"):
                raise
            raise refusal.with_traceback(None) from None

    def check(self, shape: Shape, call: Call, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """What compiled code takes for granted of its arguments, beside their types."""
        for k in shape.numbers:
            arrays.check_number(call.originals[k], self.leaf_name(k, args, kwargs))
        own = [None if k in shape.seeds else x for k, x in enumerate(call.originals)]
        for k in shape.apart:
            other = arrays.overlapping(k, own) if k < len(own) and isinstance(own[k], np.ndarray) else None
            if other is not None:
                raise _overlap(self.leaf_name(k, args, kwargs), self.leaf_name(other, args, kwargs))
        updates.check(shape.watched, args, kwargs)

    def run(
        self, call: Call, version: Version, bound: Bound, values: list[Any], captured: list[tuple[Any, Any]], args: tuple[Any, ...], kwargs: Mapping[str, Any],
    ) -> Any:
        """The call itself, with its values in the form that compiled code takes."""
        if not bound.spec.shape.writes:
            return bound.call(*values)
        first = len(call.values)

        def name(k: int) -> str:
            return self.leaf_name(k, args, kwargs) if k < first else f"the captured array `{version.references[k - first].name}`"

        return self.call_writing(bound, values, [*call.originals, *(o for _, o in captured)], name)

    def call_writing(self, bound: Bound, values: list[Any], originals: list[Any], name: Callable[[int], str]) -> Any:
        """A call that changes arguments: they must be writable and apart; where a copy was passed, it is copied back."""
        places = [o if isinstance(o, np.ndarray) else v for o, v in zip(originals, values, strict=True)]
        back: list[tuple[Any, Any]] = []
        for k in bound.spec.shape.writes:
            arrays.check_writable(places[k], values[k], name(k))
            other = arrays.overlapping(k, places)
            if other is not None:
                raise _overlap(name(k), name(other))
            if not np.may_share_memory(values[k], places[k]):
                back.append((places[k], values[k]))
        try:
            return bound.call(*values)
        finally:
            for place, value in back:
                np.copyto(place, value)

    # ------------------------------------------------------------ finding and making versions

    def version(self, signature: Signature) -> tuple[Version, list[tuple[Any, Any]]]:
        """Compiled code that fits the call, and the captured values, each with the object it was made from."""
        if self.family is None or self.identity is None:
            self.identity = self.origin.identity()
            self.family = family_of(self.identity, self.options)
        family = self.family
        found = self.fitting(family, signature)
        if found is not None:
            return found
        with family.lock:
            narrow = family.narrow(signature)
            found = self.fitting(family, narrow)
            if found is None:
                family.add(narrow, self.compile(narrow))
                found = self.fitting(family, narrow)
            if narrow != signature:
                family.versions[signature] = family.versions[narrow]
        if found is None:
            raise CompileError("E301", "what the function captures changes while it is compiled")
        return found

    def fitting(self, family: Family, signature: Signature) -> tuple[Version, list[tuple[Any, Any]]] | None:
        for version in family.versions.get(signature, ()):
            captured = self.fits(version)
            if captured is not None:
                return version, captured
        return None

    def fits(self, version: Version) -> list[tuple[Any, Any]] | None:
        """The captured values if they have the types that the version was compiled for."""
        captured = self.captured(version)
        if captured is not None and all(arrays.fits(v, key) for (v, _), key in zip(captured, version.capture_keys, strict=True)):
            return captured
        return None

    def captured(self, version: Version) -> list[tuple[Any, Any]] | None:
        """The captured values as they are now, in the form compiled code takes and as found; None if one is no number any more."""
        assert self.identity is not None
        out: list[tuple[Any, Any]] = []
        for reference in version.references:
            try:
                x = reference.get(self.identity)
                out.append((arrays.marshal(x, reference.name)[0], x))
            except (ArgumentError, LookupError, AttributeError, ValueError):
                return None  # another version, or the frontend, says what is wrong
        return out

    def compile(self, signature: Signature) -> Version:
        """Machine code for a signature: from the disk if it was compiled in another process, else from the source."""
        assert self.identity is not None
        key = self.disk_key(signature)
        found = manifest.load(key, self.identity, self.origin.python) if key else None
        if found is not None:
            image, shape, references, holds = found
            version = Version(Specialisation(image, shape), references, holds)
            if self.fits(version) is not None:
                return version
        with without_collection():
            low = self.origin.lower(*lowering_arguments(signature))
            self.warn(low.warnings)
            references = [self.identity.reference(c.name, c.read) for c in low.captures]
            function, shape = plan(low, signature, references, self.identity, self.options.parallel)
            image = compile_image(function, shape, self.options)
            if key and not low.warnings:  # the next process is to be warned as well
                manifest.store(key, self.identity, image, shape, low.captures, low.dependencies)
        dependencies = list(low.dependencies)
        return Version(Specialisation(image, shape), references, lambda: all(d.holds() for d in dependencies))

    def warn(self, found: Sequence[str]) -> None:
        """Once for a program, whatever the signatures it is compiled for; at the user's own line."""
        assert self.family is not None
        for text in found:
            if text not in self.family.warned:
                warnings.warn(text, ZeroGradientWarning, stacklevel=_outside())
                self.family.warned.add(text)

    def disk_key(self, signature: Signature) -> str:
        """Under which name the disk cache has this program for this signature; "" if it cannot."""
        if not self.options.cache or not cache.enabled():
            return ""
        try:
            return manifest.stable_key(self.origin.stable(), self.options, signature)
        except manifest.Unstable:
            return ""

    def bind(self, version: Version) -> Bound:
        """Make a version callable from here, natively where its arguments allow it."""
        assert self.identity is not None
        places = [r.native(self.identity)[1] for r in version.references]
        bound = version.spec.bind(_Slow(self), places)
        if bound.link is not None and not version.spec.shape.by_python:
            if self.chain and self.chain[-1].link is not None:
                bound.link.then(self.chain[-1].link)
            self.chain.append(bound)  # all links stay: another thread may be inside one
            attach(self, bound.enter, bound.link)
        self.bounds[version] = bound
        return bound

    # ------------------------------------------------------------ as a Python object

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """As a method: bound to the instance, as a function would be."""
        return self if instance is None else types.MethodType(self, instance)

    def __oneform_function__(self, args: Args, kwargs: Kwargs) -> Lowered:
        """How compiled functions call this one: by inlining its program."""
        return self.origin.lower(args, kwargs)

    def __repr__(self) -> str:
        name = getattr(self.origin.python, "__qualname__", None) or repr(self.origin.python)
        return f"<of.{self.kind} {name}>"

    def __reduce__(self) -> Any:
        """A function found under its own name (a decorated one) is pickled as that name, others as what they are made of."""
        name = getattr(self, "__qualname__", "")
        module = sys.modules.get(getattr(self, "__module__", ""))
        found: Any = module
        for part in name.split("."):
            found = getattr(found, part, None)
        return name if found is self else (Compiled, (self.origin, self.options, self.kind))

    def leaf_name(self, k: int, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        """What to call leaf k of a call in messages: the parameter, and the path inside it."""
        for n, (label, x) in enumerate([(None, a) for a in args] + list(kwargs.items())):
            leaves: list[Any] = []
            tree = flatten(x, leaves)
            if k < len(leaves):
                base = f"argument `{label}`" if label is not None else self.origin.parameter(n)
                path = leaf_path(tree, k)
                return f"{base} at {path}" if path else base
            k -= len(leaves)
        raise IndexError(k)


def leaf_path(tree: Tree, k: int) -> str:
    """How leaf k is reached inside a container."""
    for n, child in enumerate(tree.children):
        if k < child.leaves:
            step = f".{tree.meta[1][n]}" if tree.kind == "record" else f"[{tree.meta[n]!r}]" if tree.kind == "dict" else f"[{n}]"
            return step + leaf_path(child, k)
        k -= child.leaves
    return ""
