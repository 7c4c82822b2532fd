"""Compiled code on disk: entries found by digest, written atomically, ignored when they are damaged or foreign."""

from __future__ import annotations

import functools
import hashlib
import hmac
import importlib.util
import os
import pickle
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

VERSION = 1  # of the format of entries
_MAGIC = b"oneform\x00"
_MAX_BYTES = 512 * 2**20  # the oldest entries go when the folder grows beyond this


def enabled() -> bool:
    """Whether compiled code is kept on disk: not if ONEFORM_CACHE=0."""
    return os.environ.get("ONEFORM_CACHE", "1") != "0"


def folder() -> Path:
    """$ONEFORM_CACHE_DIR, or oneform in the user's cache folder."""
    given = os.environ.get("ONEFORM_CACHE_DIR")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "oneform"


@functools.cache
def platform_key() -> str:
    """What machine code depends on besides the program: our sources, Python's and NumPy's ABI, LLVM and the CPU."""
    from oneform.codegen import target

    return f"{python_key()} {target.description()}"


@functools.cache
def python_key() -> str:
    """The part of `platform_key` that is known without LLVM, and a stamp of the CPU."""
    return f"{VERSION} {sys.implementation.cache_tag} {sys.abiflags} numpy{np.__version__} {_llvmlite()} {_sources()} {_cpu()}"


def _llvmlite() -> str:
    """A stamp of llvmlite as installed, without importing it."""
    found = importlib.util.find_spec("llvmlite")
    if found is None or found.origin is None:
        return "none"
    info = Path(found.origin).with_name("_version.py").stat()
    return f"llvmlite{info.st_size}.{info.st_mtime_ns}"


@functools.cache
def _sources() -> str:
    """A digest of this package as installed: another version of the compiler never meets our entries."""
    root = Path(__file__).resolve().parent.parent
    stamp = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        info = path.stat()
        stamp.update(f"{path.relative_to(root)} {info.st_size} {info.st_mtime_ns}\n".encode())
    return stamp.hexdigest()[:24]


@functools.cache
def _cpu() -> str:
    """Model and features of the processor, cheaply."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").split("\n\n", 1)[0].splitlines()
        text = "\n".join(line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part")))
    except OSError:
        import platform

        text = platform.processor() + platform.machine()
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digest(*parts: Any) -> str:
    """A file name for an entry that depends on the parts."""
    stamp = hashlib.sha256()
    for p in parts:
        text = p if isinstance(p, bytes) else str(p).encode()
        stamp.update(len(text).to_bytes(8, "little"))
        stamp.update(text)
    return stamp.hexdigest()


def read(key: str) -> Any:
    """The entry, or None if there is none that can be trusted to be what was written."""
    path = folder() / key[:2] / key
    try:
        with path.open("rb") as file:
            if hasattr(os, "getuid") and os.fstat(file.fileno()).st_uid != os.getuid():
                return None  # somebody else's: it might hold any code
            data = file.read()
    except OSError:
        return None
    try:
        head = len(_MAGIC)
        if data[:head] != _MAGIC or not hmac.compare_digest(data[head : head + 32], _seal(key, data[head + 32 :])):
            return None
        return pickle.loads(data[head + 32 :])
    except Exception:  # whatever a damaged pickle raises
        return None


def _seal(key: str, body: bytes) -> bytes:
    """Binds an entry's content to its name, so that a truncated, damaged or misplaced file is not read."""
    return hashlib.sha256(_MAGIC + key.encode() + body).digest()


def write(key: str, value: Any) -> None:
    """Keep an entry. A full or read-only disk is no error: the next process compiles again."""
    try:
        body = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError):
        return  # a record class that no other process can import
    place = folder() / key[:2]
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=place, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(_MAGIC + _seal(key, body) + body)
            os.replace(name, place / key)
        except BaseException:
            os.unlink(name)
            raise
    except OSError:
        return
    _trim()


_written = [0]


def _trim() -> None:
    """Now and then remove the entries used longest ago."""
    _written[0] += 1
    if _written[0] % 64 != 1:
        return
    files: list[tuple[float, int, Path]] = []
    for path in folder().glob("??/*"):
        try:
            info = path.stat()
        except OSError:
            continue
        files.append((info.st_mtime, info.st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= _MAX_BYTES:
            return
        total -= size
        path.unlink(missing_ok=True)
