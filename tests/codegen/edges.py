"""Loops in lanes over arrays behind which no memory may be read: python -m tests.codegen.edges ends with a fault if it is."""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

import numpy as np

import oneform as of

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_PAGE, _FORBIDDEN = mmap.PAGESIZE, 16
_kept: list[mmap.mmap] = []


def at_the_edge(values: Any) -> Any:
    """A copy that ends where pages begin that cannot be read."""
    a = np.ascontiguousarray(values)
    size = -(-a.nbytes // _PAGE) * _PAGE
    memory = mmap.mmap(-1, size + _FORBIDDEN * _PAGE)
    _kept.append(memory)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    assert _libc.mprotect(start + size, _FORBIDDEN * _PAGE, 0) == 0
    out = np.frombuffer(memory, a.dtype, a.size, size - a.nbytes).reshape(a.shape)
    out[...] = a
    return out


def one_by_one(x, w):
    """Rounds without an element of x do not come to it; the adjoint does not check once more."""
    total = 1.0
    for i in range(w.shape[0]):
        if i < x.shape[0]:
            y = np.exp(x[i, 0]) * w[i]
        else:
            y = np.sin(w[i])
        total = total * 0.9 + y * y
    return total


def rows(x, w):
    total = 1.0
    for i in range(w.shape[0]):
        if i < x.shape[0]:
            s = 0.0
            for j in range(x.shape[1]):
                s = 0.5 * s + x[i, j] * w[i]
        else:
            s = np.sin(w[i])
        total = total * 0.9 + s * s
    return total


def side_by_side(x, w):
    """The same with neighbours."""
    t = x.T
    total = 1.0
    for i in range(w.shape[0]):
        if i < t.shape[1]:
            s = 0.0
            for j in range(t.shape[0]):
                s = 0.5 * s + t[j, i] * w[i]
        else:
            s = np.sin(w[i])
        total = total * 0.9 + s * s
    return total


def never(x, w, around, columns):
    """Columns that there are not, in a loop that is not run."""
    total = 1.0
    for i in range(x.shape[0]):
        s = w[i]
        for _ in range(around):
            for c in range(columns):
                s = 0.5 * s + x[i, c] * w[i]
        total = total * 0.9 + s * s
    return total


def plainly(x, w):
    """The last group is not full."""
    total = 1.0
    for i in range(x.shape[0]):
        s = w[i]
        for k in range(3):
            for c in range(x.shape[1]):
                s = 0.5 * s + x[i, c] * w[x.shape[0] - 1 - i] * 0.1 * k
        total = total * 0.9 + s * s
    return total


def main() -> None:
    rng = np.random.default_rng(0)
    for n, m in ((205, 20), (37, 9), (33, 17)):
        x, w = at_the_edge(rng.uniform(-1.0, 1.0, (n, m))), at_the_edge(rng.uniform(-1.0, 1.0, 2 * n + 300))
        for f in (one_by_one, rows, side_by_side, plainly):
            value, _ = of.value_and_grad(f, argnums=(0, 1))(x, w)
            np.testing.assert_allclose(value, f(x, w), rtol=1e-12)
        of.grad(never, argnums=(0, 1))(x, w, 0, 50 * m)
    print("fine")


if __name__ == "__main__":
    main()
