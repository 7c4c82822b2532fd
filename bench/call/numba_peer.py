"""The two small functions compiled by Numba."""

import numba

from bench.call.program import eight, scalar


def build(x, v):
    f, g = numba.njit(scalar), numba.njit(eight)
    return {"scalar": (f, x), "eight": (g, v)}
