"""QR by Householder's reflections."""

# pyright: basic, reportReturnType=false, reportMissingParameterType=false

from __future__ import annotations

import numpy as np

from oneform.frontend.written.linalg import substituted, triangle
from oneform.frontend.written.stacks import matrices, of_each, single
from oneform.frontend.written.structure import unsupported
from oneform.rules import custom_jvp, without_derivative

QRResult = type(np.linalg.qr(np.eye(1)))


def householder(a, columns):
    """Q (of so many columns) and R by Householder's reflections, with LAPACK's signs."""
    m, n = a.shape
    r = a.copy()
    steps = min(m, n)
    factors = np.zeros(n, dtype=a.dtype)
    for k in range(steps):
        alpha = r[k, k]
        below = np.abs(np.zeros((), dtype=a.dtype))
        for i in range(k + 1, m):
            below = below + np.abs(r[i, k]) ** 2
        if below > 0 or alpha != np.real(alpha):
            length = np.sqrt(below + np.abs(alpha) ** 2)
            head = -np.copysign(length, np.real(alpha))
            factors[k] = (head - alpha) / head
            scale = alpha - head
            for i in range(k + 1, m):
                r[i, k] = r[i, k] / scale
            r[k, k] = head
            for j in range(k + 1, n):
                total = r[k, j]
                for i in range(k + 1, m):
                    total = total + np.conjugate(r[i, k]) * r[i, j]
                total = total * np.conjugate(factors[k])
                r[k, j] -= total
                for i in range(k + 1, m):
                    r[i, j] -= total * r[i, k]
    q = np.zeros((m, columns), dtype=a.dtype)
    for k in range(min(m, columns)):
        q[k, k] = 1
    for step in range(steps):
        k = steps - 1 - step
        for j in range(columns):
            total = q[k, j]
            for i in range(k + 1, m):
                total = total + np.conjugate(r[i, k]) * q[i, j]
            total = total * factors[k]
            q[k, j] -= total
            for i in range(k + 1, m):
                q[i, j] -= total * r[i, k]
    return q, r


@custom_jvp
def orthonormal(a):
    """The reduced factors of a matrix with no more columns than rows."""
    n = a.shape[1]
    q, r = householder(a, n)
    return q, triangle(r[:n], False, False)


@orthonormal.defjvp
def _(primals, tangents):
    """W = Q^H dA R^-1; dQ = Q Omega + (1 - Q Q^H) dA R^-1, dR = (W - Omega) R, Omega skew-Hermitian, so that dR is a triangle."""
    (a,) = primals
    (da,) = tangents
    q, r = orthonormal(a)
    turned = np.conjugate(q.T)
    m = substituted(r.T, da.T, True, False).T
    w = turned @ m
    below = triangle(w, True, True)
    omega = below - np.conjugate(below.T) + _imaginary_diagonal(w)
    return (q, r), (q @ (omega - w) + m, triangle((w - omega) @ r, False, False))


def _imaginary_diagonal(a):
    out = np.zeros(a.shape, dtype=a.dtype)
    for k in range(a.shape[0]):
        out[k, k] = a[k, k] - np.real(a[k, k])
    return out


@without_derivative(
    "the square factor of a QR decomposition has no derivative: its columns behind those of the reduced factor are one choice of many",
    "Use mode='reduced', which scipy.linalg.qr calls 'economic'.",
)
def complete(a):
    q, r = householder(a, a.shape[0])
    return q, triangle(r, False, False)


def tall(a):
    """R of a matrix with more rows than columns, with the zero rows below it."""
    r = np.zeros(a.shape, dtype=a.dtype)
    r[: a.shape[1]] = orthonormal(a)[1]
    return r


def qr_matrix(a):
    if a.shape[0] >= a.shape[1]:
        return orthonormal(a)
    m = a.shape[0]
    q, r = orthonormal(a[:, :m])
    out = np.empty(a.shape, dtype=a.dtype)
    out[:, :m] = r
    out[:, m:] = np.conjugate(q.T) @ a[:, m:]
    return q, out


def factors(a, whole):
    return complete(a) if whole and a.shape[0] > a.shape[1] else qr_matrix(a)


def qr(a, mode="reduced"):
    if mode != "reduced" and mode != "complete" and mode != "r":
        raise ValueError("Unrecognized mode")
    q, r = of_each(lambda m: factors(m, mode == "complete"), matrices(a))
    return r if mode == "r" else QRResult(q, r)


def scipy_qr(a, overwrite_a=False, lwork=None, mode="full", pivoting=False, check_finite=True):
    if pivoting or mode == "raw":
        unsupported("scipy.linalg.qr with pivoting or mode='raw' is not known to the compiler", "Leave them out.")
    a = single(a, "scipy.linalg.qr")
    if mode == "r":
        return (tall(a) if a.shape[0] > a.shape[1] else qr_matrix(a)[1],)
    return factors(a, mode == "full")
