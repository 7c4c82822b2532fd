"""Functions of matrices, and matrices of a form."""

# pyright: basic, reportReturnType=false, reportMissingParameterType=false

from __future__ import annotations

import numpy as np

from oneform.frontend.written.linalg import inv, solve_matrix
from oneform.frontend.written.stacks import of_each, square
from oneform.frontend.written.structure import constant, floating

# ---------------------------------------------------------------- matrix functions


def matrix_power(a, n):
    a = np.asarray(a)
    square(a)
    if n < 0:
        return of_each(lambda m: matrix_power_of(m, -n), inv(floating(a)))
    return of_each(lambda m: matrix_power_of(m, n), a)


def matrix_power_of(a, n):
    out = np.eye(a.shape[0], dtype=a.dtype)
    power = a.copy()
    while n > 0:
        if n % 2 == 1:
            out = out @ power
        n = n // 2
        if n > 0:
            power = power @ power
    return out


def expm(A):
    return of_each(exponential, square(A))


def exponential(a):
    """Scaling and squaring with the Padé approximant of degree 13 (Higham 2005)."""
    norm = np.max(np.sum(np.abs(constant(a)), axis=0)) if a.shape[0] > 0 else 0.0
    squarings = 0
    while norm > 5.371920351148152:
        norm = norm / 2
        squarings += 1
    a = a / a.dtype.type(2.0**squarings)
    one = np.eye(a.shape[0], dtype=a.dtype)
    b = a @ a
    c = b @ b
    d = b @ c
    u = a @ (
        d @ (d + 16380.0 * c + 40840800.0 * b) + 33522128640.0 * d + 10559470521600.0 * c + 1187353796428800.0 * b + 32382376266240000.0 * one
    )
    v = d @ (182.0 * d + 960960.0 * c + 1323241920.0 * b) + 670442572800.0 * d + 129060195264000.0 * c + 7771770303897600.0 * b + 64764752532480000.0 * one
    out = solve_matrix(v - u, v + u)
    for _ in range(squarings):
        out = out @ out
    return out


# ---------------------------------------------------------------- matrices of a form


def _matrix(a):
    a = np.asarray(a)
    return np.full((1, 1), a) if np.ndim(a) == 0 else a.reshape((1, -1)) if np.ndim(a) == 1 else a


def block_diag(*arrays):
    rows, columns = 0, 0
    zero = 0
    for a in arrays:
        m = _matrix(a)
        rows += m.shape[0]
        columns += m.shape[1]
        zero = zero + m[:0, :0].sum()
    out = np.zeros((rows, columns), dtype=np.asarray(zero).dtype)
    i, j = 0, 0
    for a in arrays:
        m = _matrix(a)
        out[i : i + m.shape[0], j : j + m.shape[1]] = m
        i += m.shape[0]
        j += m.shape[1]
    return out


def toeplitz(c, r=None):
    c = np.ravel(np.asarray(c))
    row = np.conjugate(c) if r is None else np.ravel(np.asarray(r))
    zero = c[:0].sum() + row[:0].sum()
    out = np.empty((c.shape[0], row.shape[0]), dtype=zero.dtype)
    for i in range(c.shape[0]):
        for j in range(row.shape[0]):
            out[i, j] = c[i - j] if i >= j else row[j - i]
    return out
