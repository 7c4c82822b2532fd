"""Puts machine code from the cache into this process without LLVM, whose import alone costs more than everything else in a warm start.

Serves what our code generator makes on x86-64 Linux: a relocatable ELF object with position-independent code. Anything it does not
know (another format, another relocation, a symbol that is not found) is left to LLVM's own loader.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import platform
import struct
import sys
from collections.abc import Sequence
from typing import Any

from oneform.runtime import blas

_SHT_SYMTAB, _SHT_RELA, _SHT_NOBITS, _SHF_ALLOC, _SHF_WRITE = 2, 4, 8, 2, 1
_64, _PC32, _PLT32, _GOTPCREL, _GOTPCRELX, _REX_GOTPCRELX = 1, 2, 4, 9, 41, 42
_LIBRARIES = (None, "libm.so.6", "libc.so.6", "libmvec.so.1")
KNOWN: dict[str, int] = {}  # symbols of ours that other machine code may use
_STUB = b"\xff\x25\x00\x00\x00\x00"  # jmp *[rip]: through the address that follows


class Unsupported(Exception):
    """Not an object that this loader can place."""


class Code:
    """Machine code in memory of its own, which is given back when the object dies."""

    def __init__(self, memory: mmap.mmap, hold: Any, addresses: dict[str, int]):
        self._memory, self._hold, self.addresses = memory, hold, addresses

    def __getitem__(self, symbol: str) -> int:
        return self.addresses[symbol]


def load(image: bytes, symbols: Sequence[str]) -> Code | None:
    """The image placed in memory with the addresses of its symbols; None if that takes LLVM."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return None
    try:
        return _Object(image).place(symbols)
    except (Unsupported, struct.error, IndexError, OSError):
        return None


def loaded(image: bytes, symbols: Sequence[str]) -> Any:
    """The image in this process, by symbol: placed by `load` where that can, else by LLVM's loader."""
    if blas.needed(image):
        KNOWN.update(blas.slots())
    placed = load(image, symbols)
    if placed is not None:
        return placed
    from oneform.codegen import target

    return target.load_object(image, *symbols, known=KNOWN)


class _Object:
    """A relocatable ELF file, read."""

    def __init__(self, image: bytes):
        if image[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<HH", image, 16) != (1, 62):
            raise Unsupported("not an x86-64 object")
        self.image = image
        (table,) = struct.unpack_from("<Q", image, 40)
        size, count = struct.unpack_from("<HH", image, 58)
        # name, type, flags, address, offset, size, link, info, alignment, entry size
        self.sections = [struct.unpack_from("<IIQQQQIIQQ", image, table + k * size) for k in range(count)]
        found = [s for s in self.sections if s[1] == _SHT_SYMTAB]
        if len(found) != 1:
            raise Unsupported("no symbols")
        strings = self.sections[found[0][6]][4]
        # name, value, section of each
        self.symbols: list[tuple[str, int, int]] = []
        for at in range(found[0][4], found[0][4] + found[0][5], 24):
            name, _, _, section, value, _ = struct.unpack_from("<IBBHQQ", image, at)
            self.symbols.append((image[strings + name : image.index(b"\0", strings + name)].decode(), value, section))

    def relocations(self) -> list[tuple[int, int, int, int, int]]:
        """Section, offset, kind, symbol, addend of each in code or data; unwinding tables are not loaded."""
        out: list[tuple[int, int, int, int, int]] = []
        for s in self.sections:
            if s[1] == _SHT_RELA and s[7] in self.offsets:
                for at in range(s[4], s[4] + s[5], 24):
                    offset, info, addend = struct.unpack_from("<QQq", self.image, at)
                    out.append((s[7], offset, info & 0xFFFFFFFF, info >> 32, addend))
        return out

    def place(self, symbols: Sequence[str]) -> Code:
        end = self._layout()
        relocations = self.relocations()
        external = sorted({s for _, _, _, s, _ in relocations if self.symbols[s][2] == 0})
        linked = sorted({s for _, _, kind, s, _ in relocations if kind in (_GOTPCREL, _GOTPCRELX, _REX_GOTPCRELX)})
        stubs = {s: end + 16 * k for k, s in enumerate(external)}
        pointers = {s: end + 16 * len(external) + 8 * k for k, s in enumerate(linked)}
        memory = mmap.mmap(-1, max(1, end + 16 * len(external) + 8 * len(linked)), prot=mmap.PROT_READ | mmap.PROT_WRITE)
        hold = ctypes.c_char.from_buffer(memory)
        base = ctypes.addressof(hold)
        for k, start in self.offsets.items():
            s = self.sections[k]
            if s[1] != _SHT_NOBITS:
                memory[start : start + s[5]] = self.image[s[4] : s[4] + s[5]]
        for s, at in stubs.items():
            memory[at : at + 14] = _STUB + struct.pack("<Q", _address(self.symbols[s][0]))
        for s, at in pointers.items():
            struct.pack_into("<Q", memory, at, self._value(s, base))
        for section, offset, kind, s, addend in relocations:
            self._relocate(memory, base, self.offsets[section] + offset, kind, s, addend, stubs, pointers)
        _protect(base, len(memory))
        return Code(memory, hold, {name: base + self._offset(name) for name in symbols})

    def _layout(self) -> int:
        """Where each section goes, one after the other; returns the end."""
        self.offsets: dict[int, int] = {}
        end = 0
        for k, s in enumerate(self.sections):
            if s[2] & _SHF_ALLOC and self.name(k) != ".eh_frame":
                if s[2] & _SHF_WRITE:
                    raise Unsupported("writable data")
                end = -(-end // max(1, s[8])) * max(1, s[8])
                self.offsets[k] = end
                end += s[5]
        return -(-end // 16) * 16

    def name(self, k: int) -> str:
        (strings,) = struct.unpack_from("<H", self.image, 62)
        start = self.sections[strings][4] + self.sections[k][0]
        return self.image[start : self.image.index(b"\0", start)].decode()

    def _offset(self, symbol: str) -> int:
        for name, value, section in self.symbols:
            if name == symbol and section in self.offsets:
                return self.offsets[section] + value
        raise Unsupported(symbol)

    def _value(self, s: int, base: int) -> int:
        """The address of a symbol, inside or outside."""
        name, value, section = self.symbols[s]
        if section == 0:
            return _address(name)
        if section not in self.offsets:
            raise Unsupported(name)
        return base + self.offsets[section] + value

    def _relocate(self, memory: mmap.mmap, base: int, at: int, kind: int, s: int, addend: int, stubs: dict[int, int], pointers: dict[int, int]) -> None:
        if kind == _64:
            struct.pack_into("<Q", memory, at, (self._value(s, base) + addend) % 2**64)
            return
        if kind in (_GOTPCREL, _GOTPCRELX, _REX_GOTPCRELX):
            target = base + pointers[s]
        elif kind == _PLT32 or (kind == _PC32 and self.symbols[s][2] != 0):
            target = base + stubs[s] if s in stubs else self._value(s, base)
        else:
            raise Unsupported(f"relocation {kind}")
        struct.pack_into("<i", memory, at, target + addend - base - at)


def _address(name: str) -> int:
    """The address of a function of the interpreter, of the C library, or of ours."""
    if name in KNOWN:
        return KNOWN[name]
    for library in _LIBRARIES:
        found = getattr(_library(library), name, None)
        if found is not None:
            return ctypes.cast(found, ctypes.c_void_p).value or 0
    raise Unsupported(name)


@functools.cache
def _library(name: str | None) -> Any:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def _protect(address: int, size: int) -> None:
    """No longer writable, now executable."""
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    if protect(address, size, mmap.PROT_READ | mmap.PROT_EXEC) != 0:
        raise OSError(ctypes.get_errno(), "mprotect")
