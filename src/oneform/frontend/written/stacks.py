"""Matrices, one or a stack of them: what linear algebra asks of its operands, and one function for each matrix of a stack."""

# pyright: basic, reportReturnType=false, reportMissingParameterType=false

from __future__ import annotations

import numpy as np

from oneform.frontend.written.structure import floating, lanes, unsupported


def matrices(a):
    """One matrix or a stack of them, of floats."""
    a = floating(a)
    if a.ndim < 2:
        raise np.linalg.LinAlgError(f"{a.ndim}-dimensional array given. Array must be at least two-dimensional")
    return a


def square(a):
    """One square matrix or a stack of them, of floats."""
    a = matrices(a)
    if a.shape[a.ndim - 1] != a.shape[a.ndim - 2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    return a


def single(a, name):
    """One matrix, of floats."""
    a = floating(a)
    if a.ndim > 2:
        unsupported(name + " of a stack of matrices is not known to the compiler", "Loop over the matrices.")
    if a.ndim < 2:
        raise np.linalg.LinAlgError(f"{a.ndim}-dimensional array given. Array must be two-dimensional")
    return a


def stacked(a):
    """All matrices of a stack, one behind the other."""
    k = a.ndim
    return a.reshape((-1, a.shape[k - 2], a.shape[k - 1])) if a.size > 0 else np.zeros((count_of(a), a.shape[k - 2], a.shape[k - 1]), dtype=a.dtype)


def count_of(a):
    n = 1
    for length in a.shape[: a.ndim - 2]:
        n *= length
    return n


def of_each(f, a):
    """f of a matrix; of each matrix of a stack, its results in stacks of the same shape."""
    if a.ndim == 2:
        return f(a)
    found = lanes(f, stacked(a))
    if isinstance(found, tuple):
        return tuple(restacked(x, a) for x in found)
    return restacked(found, a)


def restacked(x, a):
    """What there is of each matrix of `a`, in the shape of its stack."""
    return x.reshape((*a.shape[: a.ndim - 2], *x.shape[1:]))
