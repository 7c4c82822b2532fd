"""The machine: CPU and options, vector mathematics, LLVM's pass pipeline, object code, loading, text for display."""

from __future__ import annotations

import ctypes
import functools
import itertools
import platform
import sys
import threading
from collections.abc import Mapping
from typing import Any

import llvmlite.binding as llvm

from oneform.codegen.vectormath import FORMS
from oneform.errors import InternalError

_lock = threading.RLock()  # LLVM contexts are not thread safe
_serial = itertools.count(1)


@functools.cache
def _machine() -> Any:
    """The target machine of this process."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=_features(), opt=3, reloc="pic", codemodel="small")


def _features() -> str:
    features: str = llvm.get_host_cpu_features().flatten()
    if "+avx512f" in features:
        # LLVM prefers 256 bits on AVX-512 for fear of old processors' clocks; vector mathematics is twice as fast at 512.
        features += ",-prefer-256-bit"
    if "+avx2" in features:
        # A gather is so many loads one after the other, and slower than these written out; LLVM takes it for cheap.
        features += ",+prefer-no-gather,+prefer-no-scatter"
    return features


@functools.cache
def vector_bytes() -> int:
    """The size of the widest vectors; without any, that of AVX2's, which LLVM takes apart."""
    return 64 if "+avx512f" in _features() else 32


def description() -> str:
    """Everything about this machine and LLVM that object code depends on: part of the key of the disk cache."""
    version = ".".join(map(str, llvm.llvm_version_info))
    return f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {_features()} llvm{version} {bool(_vector_library())}"


# ---------------------------------------------------------------- vector mathematics


@functools.cache
def _vector_library() -> ctypes.CDLL | None:
    """glibc's vector mathematics, where there is one."""
    if not (sys.platform == "linux" and platform.machine() == "x86_64"):
        return None
    try:
        library = ctypes.CDLL("libmvec.so.1", mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return None
    llvm.load_library_permanently("libmvec.so.1")
    return library


@functools.cache
def vector_variants(name: str, arity: int, bits: int) -> tuple[tuple[str, int], ...]:
    """(symbol, lanes) of the vector forms of a mathematical function that this machine can run."""
    library, features = _vector_library(), _features()
    found = [(symbol, 8) for (function, feature), symbol in FORMS.items() if (function, 64) == (name, bits) and feature in features]
    if library is None:
        return tuple(found)
    for letter, width, feature in (("e", 512, "+avx512f"), ("d", 256, "+avx2"), ("b", 128, "+sse4.1")):
        symbol = f"_ZGV{letter}N{width // bits}{'v' * arity}_{name}"
        if feature in features and hasattr(library, symbol) and width // bits not in [n for _, n in found]:
            found.append((symbol, width // bits))
    return tuple(found)


# ---------------------------------------------------------------- text -> optimised module -> object code


# Vectorising straight code takes LLVM longer than all its other passes together; in large functions it is not worth that.
_SLP_LINES = 1500


def _module(text: str, speed: int) -> Any:
    machine = _machine()
    module = llvm.parse_assembly(f'target triple = "{machine.triple}"\ntarget datalayout = "{machine.target_data}"\n{text}', llvm.create_context())
    tuning = llvm.create_pipeline_tuning_options(speed_level=speed)
    tuning.loop_vectorization = True
    tuning.slp_vectorization = text.count("\n") <= _SLP_LINES
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    if any(name in text for name in FORMS.values()):  # vector forms, which loops call only now
        late = llvm.create_new_module_pass_manager()
        late.add_always_inliner_pass()
        late.run(module, builder)
    return module


def verify(text: str) -> None:
    """Raise InternalError unless LLVM accepts the module."""
    with _lock:
        try:
            llvm.parse_assembly(text, llvm.create_context()).verify()
        except RuntimeError as e:
            raise InternalError(f"LLVM refuses the generated code: {e}") from None


def object_code(text: str, speed: int = 3) -> bytes:
    """Machine code for this CPU as an object file."""
    with _lock:
        try:
            return bytes(_machine().emit_object(_module(text, speed)))
        except RuntimeError as e:
            raise InternalError(f"LLVM refuses the generated code: {e}") from None


def optimised_text(text: str, speed: int = 3) -> str:
    with _lock:
        return str(_module(text, speed))


def assembly_text(text: str, speed: int = 3) -> str:
    with _lock:
        return str(_machine().emit_assembly(_module(text, speed)))


# ---------------------------------------------------------------- loading


@functools.cache
def _jit() -> Any:
    _vector_library()
    _machine()
    return llvm.create_lljit_compiler()


class Loaded:
    """Object code in this process. Its addresses are valid as long as it lives."""

    def __init__(self, tracker: Any, symbols: tuple[str, ...]):
        self._tracker = tracker
        self.addresses: dict[str, int] = {s: tracker[s] for s in symbols}

    def __getitem__(self, symbol: str) -> int:
        return self.addresses[symbol]


def load_object(image: bytes, *symbols: str, known: Mapping[str, int] | None = None) -> Loaded:
    """Link object code into this process and find the symbols in it. `known`: addresses that it may use beside the process's own symbols."""
    with _lock:
        builder = llvm.JITLibraryBuilder().add_object_img(image).add_current_process()
        for s, address in (known or {}).items():
            builder.import_symbol(s, address)
        for s in symbols:
            builder.export_symbol(s)
        return Loaded(builder.link(_jit(), f"of.{next(_serial)}"), symbols)
