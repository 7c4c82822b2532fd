"""The loop around a function that of.vmap runs along axes, and its results put together where their shape is known only from them."""

# pyright: basic, reportReturnType=false

from __future__ import annotations

import numpy as np


def lanes(n, lane):
    for k in range(n):
        lane(k)


def collected(n, lane):
    out = []
    for k in range(n):
        out.append(lane(k))
    if n == 0:
        raise ValueError("vmap along an axis of length 0: the shape of a result is known only when the function has run")
    return out


def numbers(rows, j, dtype):
    out = np.empty(len(rows), dtype)
    for k in range(len(rows)):
        out[k] = rows[k][j]
    return out


def arrays(rows, j, dtype):
    shape = rows[0][j].shape
    out = np.empty((len(rows), *shape), dtype)
    for k in range(len(rows)):
        if rows[k][j].shape != shape:
            raise ValueError("vmap needs results of one shape, but the function returned arrays of different shapes")
        out[k] = rows[k][j]
    return out
