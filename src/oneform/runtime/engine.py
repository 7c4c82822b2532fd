"""A specialisation: machine code for one signature, how to call it, and what its errors mean in the user's program."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oneform import tree as trees
from oneform.errors import ArgumentError, Location, exception, exception_named, raise_at
from oneform.ir import Function, show
from oneform.runtime import abi, cache, loader, threads, trampoline
from oneform.runtime.callable import NATIVE, Entry, Link
from oneform.runtime.pages import keep_pages
from oneform.tree import Leaf
from oneform.types import ANY, DTYPES, Array, DType, Scalar, real_dtype, shape_of


@dataclass(frozen=True)
class Options:
    """How a function is compiled; see `jit`."""

    fastmath: bool | None = None
    boundscheck: bool = True
    parallel: bool = False
    cache: bool = True


@dataclass(frozen=True)
class Site:
    """One place in the program that may raise: what, with which message, at which line."""

    error: str
    message: str
    dtypes: tuple[str, ...]  # of the details that fill the message
    loc: Location | None

    def exception(self, details: Sequence[int]) -> BaseException:
        """The exception as CPython running the same program would raise it."""
        places = iter(details)
        values = [_detail(places, DTYPES[d]) for d in self.dtypes]
        return exception(exception_named(self.error), self.message, values)


_FORMATS = {"f64": "d", "f32": "f4x", "i64": "q", "i32": "i4x", "bool": "?7x"}


class _Unsaid:
    """A number for which the context has no place any more."""

    def __format__(self, spec: str) -> str:
        return "…"


def _detail(places: Iterator[int], d: DType) -> Any:
    """The next number; a complex one takes two places."""
    raw = [next(places, None) for _ in range(2 if d.kind == "c" else 1)]
    parts = [struct.unpack("<" + _FORMATS[real_dtype(d).name], struct.pack("<q", x))[0] for x in raw if x is not None]
    if len(parts) < len(raw):
        return _Unsaid()
    return complex(*parts) if d.kind == "c" else parts[0]


@dataclass(frozen=True)
class Image:
    """What the disk cache keeps of a compiled function: machine code and what its error numbers mean."""

    code: bytes
    sites: tuple[Site, ...]


def entries(shape: trampoline.Shape) -> str:
    """LLVM text of the entries around the kernel. Where objects cannot be read natively, ctypes calls codegen's plain entry."""
    from oneform.codegen import packed_entry  # brings LLVM in; a warm start never comes here

    return trampoline.emit(shape) if NATIVE else packed_entry(trampoline.kernel_signature(shape.leaves))


def compile_image(function: Function, shape: trampoline.Shape, options: Options) -> Image:
    """Machine code, from the disk cache if the same program was compiled before."""
    from oneform import codegen

    key = ""
    if options.cache and cache.enabled():
        key = cache.digest("object", show(function, locations=True), shape, options, NATIVE, cache.platform_key())
        found = cache.read(key)
        if isinstance(found, Image):
            return found
    chosen = codegen.Options(fastmath=options.fastmath, boundscheck=options.boundscheck)
    kernel = codegen.compile_function(function, shape.writes, chosen, entries(shape))
    image = image_of(kernel)
    if key:
        cache.write(key, image)
    return image


def image_of(kernel: Any) -> Image:
    return Image(kernel.object, tuple(map(_site, kernel.sites)))


def _site(s: Any) -> Site:
    return Site(s.error, s.message, tuple(d.name for d in s.details), s.loc)


def loaded(code: bytes, symbols: Sequence[str]) -> Any:
    """Machine code in this process, by symbol, with the pool of threads if it uses that."""
    if b"of.pool." in code:
        threads.place()
    return loader.loaded(code, symbols)


class Specialisation:
    """Loaded machine code for one signature. Shared by all callables with the same program; `bind` makes it callable for one."""

    def __init__(self, image: Image, shape: trampoline.Shape):
        keep_pages()
        self.shape, self.sites, self.image = shape, image.sites, image
        self.symbols = ("of.py.enter", "of.py.flat", "of.py.try") if NATIVE else ("of.packed",)
        self.loaded = loaded(image.code, self.symbols)
        self.constants = shape.constants()

    def fail(self, code: int, *details: int) -> None:
        """Raise what error site `code` stands for, at the user's line."""
        site = self.sites[code - 1]
        raise_at(site.exception(details), site.loc)

    def bind(self, slow: Callable[..., Any], captures: Sequence[tuple[Any, Any]]) -> Bound:
        return Bound(self, slow, captures)


class Bound:
    """A specialisation for one callable: `call` takes leaves in the exact form, captures last; `link` joins the callable's chain."""

    def __init__(self, spec: Specialisation, slow: Callable[..., Any], captures: Sequence[tuple[Any, Any]]):
        self.spec = spec
        self.link: Link | None = None
        self.enter = 0
        if not NATIVE:
            self.call: Callable[..., Any] = _PlainEntry(spec)
            return
        flat = Link(0, _unfit, spec.fail, None, [(None, None)] * len(captures), spec.constants)
        self.call = Entry(spec.loaded["of.py.flat"], flat)
        self.link = Link(spec.loaded["of.py.try"], slow, spec.fail, spec.shape.rebuild, captures, spec.constants)
        self.enter = spec.loaded["of.py.enter"]


def _unfit(*leaves: Any) -> None:
    shown = ", ".join(f"array of shape {x.shape}" if isinstance(x, np.ndarray) else type(x).__name__ for x in leaves)
    raise ArgumentError("E401", f"the arguments do not fit the program: {shown}")


class _PlainEntry:
    """Calls a kernel by ctypes, where objects cannot be read natively (free-threaded interpreters)."""

    def __init__(self, spec: Specialisation):
        self.spec = spec
        prototype = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
        self.function = prototype(spec.loaded["of.packed"])
        self.starts = trampoline.out_slots(spec.shape.results)

    def __call__(self, *leaves: Any) -> Any:
        if not fit(leaves, self.spec.shape.leaves):
            _unfit(*leaves)
        words = _words(leaves, self.spec.shape.leaves)
        args = (ctypes.c_uint64 * max(1, len(words)))(*words)
        context = (ctypes.c_uint64 * (abi.CONTEXT // 8))()
        out = (ctypes.c_uint64 * max(1, self.starts[-1]))()
        code = self.function(context, args, out)
        if code:
            self.spec.fail(code, *(ctypes.c_int64(context[1 + k]).value for k in range(4)))
        results = [_box(out, k, t) for k, t in zip(self.starts, self.spec.shape.results, strict=False)]
        return trees.unflatten(self.spec.shape.result, iter(results))


def fit(values: Sequence[Any], leaves: Sequence[Leaf]) -> bool:
    """Whether marshalled values have the declared lengths; one symbol is one length."""
    known: dict[Any, int] = {}
    for x, leaf in zip(values, leaves, strict=True):
        for d, n in zip(shape_of(leaf.type), np.shape(x), strict=True):
            if n != (d if isinstance(d, int) else known.setdefault(d, n) if d != ANY else n):
                return False
    return True


def _words(values: Sequence[Any], leaves: Sequence[Leaf]) -> list[int]:
    """The kernel's arguments as 8-byte words."""
    out: list[int] = []
    for x, leaf in zip(values, leaves, strict=True):
        if isinstance(leaf.type, Scalar):
            d = leaf.type.dtype
            for part in (x.real, x.imag) if d.kind == "c" else (x,):
                raw = np.zeros(8, np.uint8)
                raw.view(real_dtype(d).numpy)[0] = part
                out.append(int(raw.view(np.uint64)[0]))
        else:
            out += [x.ctypes.data, *(n for n, d in zip(x.shape, shape_of(leaf.type), strict=True) if not isinstance(d, int))]
    return out


def _box(out: Any, slot: int, t: Any) -> Any:
    if isinstance(t, Scalar):
        value = np.frombuffer(out, t.dtype.numpy, 1, 8 * slot)[0]
        return value.item() if t.dtype.name in ("f64", "i64", "bool", "c128") else value.copy()
    assert isinstance(t, Array)
    shape = tuple(int(out[slot + 1 + k]) for k in range(t.rank))
    return _adopt(int(out[slot]), shape, t.dtype.numpy)


def _adopt(address: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """A NumPy array over malloc'ed memory, which it frees when it dies."""
    if not address:
        return np.empty(shape, dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = _Memory(address)
    buffer: Any = (ctypes.c_uint8 * size).from_address(address)
    buffer._owner = memory
    return np.frombuffer(buffer, dtype).reshape(shape)


class _Memory:
    def __init__(self, address: int):
        self.address = address

    def __del__(self) -> None:
        free = ctypes.CDLL(None).free
        free.argtypes = [ctypes.c_void_p]
        free(self.address)


__all__ = ["Bound", "Image", "Options", "Site", "Specialisation", "compile_image", "entries", "image_of"]
