"""The native base of the objects that users call: a type whose instances carry their own entry, and the links it follows."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from oneform.runtime import abi
from oneform.runtime.text import LINK, SELF_LINK, SELF_VECTORCALL

T = TypeVar("T")


class _Member(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("type", ctypes.c_int), ("offset", ctypes.c_ssize_t), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p)]


class _Slot(ctypes.Structure):
    _fields_ = [("slot", ctypes.c_int), ("function", ctypes.c_void_p)]


class _Spec(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("basicsize", ctypes.c_int), ("itemsize", ctypes.c_int), ("flags", ctypes.c_uint), ("slots", ctypes.c_void_p)]


_PY_TP_CALL, _PY_TP_MEMBERS = 50, 72
_T_PYSSIZET, _READONLY = 19, 1
_FLAGS_DEFAULT, _FLAGS_BASETYPE = 0, 1 << 10
_keep: list[Any] = []


def _make_base() -> type:
    """A type with room for an entry and a link, called by the vectorcall protocol."""
    members = (_Member * 2)(_Member(b"__vectorcalloffset__", _T_PYSSIZET, SELF_VECTORCALL, _READONLY, None))
    call = ctypes.cast(ctypes.pythonapi.PyVectorcall_Call, ctypes.c_void_p).value
    slots = (_Slot * 3)(_Slot(_PY_TP_CALL, call), _Slot(_PY_TP_MEMBERS, ctypes.addressof(members)))
    name = ctypes.create_string_buffer(b"oneform.runtime.NativeCallable")
    spec = _Spec(ctypes.addressof(name), SELF_LINK + 8, 0, _FLAGS_DEFAULT | _FLAGS_BASETYPE | abi.HAVE_VECTORCALL, ctypes.addressof(slots))
    _keep.extend((members, slots, spec, name))
    make = ctypes.pythonapi.PyType_FromSpec
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p]
    return make(ctypes.addressof(spec))


class _Plain:
    """Stands in where objects cannot be read natively: calls go through `__call__`."""


NATIVE = abi.supported()
Base: Any = _make_base() if NATIVE else _Plain


def fast(cls: type[T]) -> type[T]:
    """Class decorator: instances whose entry is set are called there at once; the others by the class's `__call__`.

    CPython drops the flag from classes that define `__call__`; with an empty entry it falls back to just that method.
    """
    if NATIVE:
        address = id(cls) + abi.TYPE_FLAGS
        assert abi.word(address) == cls.__flags__
        ctypes.c_uint64.from_address(address).value |= abi.HAVE_VECTORCALL
        assert cls.__flags__ & abi.HAVE_VECTORCALL
    return cls


class Link:
    """The words a trampoline reads (see text.LINK). Keeps alive what they point to."""

    def __init__(self, entry: int, slow: Any, raiser: Callable[..., Any], finish: Any, captures: Sequence[tuple[Any, Any]], constants: Sequence[Any]):
        head = {"try": entry, "next": 0, "slow": id(slow), "raiser": id(raiser), "finish": id(finish), "api": abi.table()}
        found = [id(x) for pair in captures for x in pair]
        words = [*(head[name] for name in LINK if name != "captures"), *found, *map(id, constants)]
        self.words = (ctypes.c_uint64 * len(words))(*words)
        self.address = ctypes.addressof(self.words)
        self.objects = (slow, raiser, finish, captures, constants)
        self.next: Link | None = None

    def then(self, link: Link) -> None:
        """What does not fit this link is tried on `link`."""
        self.next = link
        self.words[LINK["next"] // 8] = link.address


def attach(target: Any, enter: int, link: Link) -> None:
    """Make calls of `target` (an instance of Base) start at `link`, whose module's `of.py.enter` is at `enter`."""
    ctypes.c_uint64.from_address(id(target) + SELF_LINK).value = link.address
    ctypes.c_uint64.from_address(id(target) + SELF_VECTORCALL).value = enter


@fast
class Entry(Base):
    """A specialisation as Python calls it: exact leaves in, result out."""

    __slots__ = ("link",)

    def __init__(self, entry: int, link: Link):
        self.link = link
        attach(self, entry, link)
