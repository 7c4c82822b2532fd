"""Linear algebra: factorisations and what is solved by them, written as loops, with the derivatives that the mathematics gives.

A factorisation is computed once: `solved` takes the factors along as a means to an end, and its rule speaks of the matrix."""

# ruff: noqa: SIM108
# pyright: basic, reportReturnType=false, reportMissingParameterType=false

from __future__ import annotations

import numpy as np

from oneform.frontend.written.stacks import of_each, restacked, single, square, stacked
from oneform.frontend.written.structure import constant, floating, lanes, unsupported
from oneform.rules import custom_jvp

SlogdetResult = type(np.linalg.slogdet(np.eye(1)))

# ---------------------------------------------------------------- triangular systems


@custom_jvp
def substituted(a, b, lower, unit):
    """The x for which the lower or upper triangle of a times x is the matrix b; the diagonal is taken for ones if `unit`."""
    n = a.shape[0]
    x = np.empty(b.shape, dtype=b.dtype)
    for step in range(n):
        i = step if lower else n - 1 - step
        first = 0 if lower else i + 1
        last = i if lower else n
        for c in range(b.shape[1]):
            x[i, c] = b[i, c]
        for j in range(first, last):
            l = a[i, j]
            for c in range(b.shape[1]):
                x[i, c] -= l * x[j, c]
        if not unit:
            d = a[i, i]
            for c in range(b.shape[1]):
                x[i, c] = x[i, c] / d
    return x


@substituted.defjvp
def _(primals, tangents):
    a, b, lower, unit = primals
    da, db, _, _ = tangents
    x = substituted(a, b, lower, unit)
    return x, substituted(a, db - triangle(da, lower, unit) @ x, lower, unit)


def triangle(a, lower, unit):
    """The part of a matrix that a triangular solve reads."""
    out = np.zeros(a.shape, dtype=a.dtype)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if (i > j if lower else i < j) or (i == j and not unit):
                out[i, j] = a[i, j]
    return out


def solve_triangular(a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False, check_finite=True):
    a = floating(a)
    b = floating(b)
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        raise ValueError("expected square matrix")
    if a.shape[0] != b.shape[0]:
        raise ValueError("shapes of a and b are incompatible")
    if not unit_diagonal:
        for k in range(a.shape[0]):
            if a[k, k] == 0:
                raise np.linalg.LinAlgError("A singular matrix detected: a diagonal element of the triangular matrix is zero")
    zero = a[:0, :0].sum() + b[:0].sum()  # brings both to one dtype
    m = a + zero
    if trans == 1 or trans == "T":
        m = m.T
    elif trans == 2 or trans == "C":
        m = np.conjugate(m.T)
    elif trans != 0 and trans != "N":
        raise ValueError("trans must be 0, 1, 2, 'N', 'T' or 'C'")
    down = bool(lower) if trans == 0 or trans == "N" else not bool(lower)
    if b.ndim == 1:
        return substituted(m, b.reshape((-1, 1)) + zero, down, bool(unit_diagonal))[:, 0]
    return substituted(m, b + zero, down, bool(unit_diagonal))


# ---------------------------------------------------------------- LU


@custom_jvp
def factored(a):
    """L and U in one matrix, the ones of L left out, and the rows of `a` in the order in which they are in it. A zero pivot stays."""
    n = a.shape[0]
    lu = a.copy()
    order = np.arange(n)
    for k in range(n):
        best = k
        for i in range(k + 1, n):
            if np.abs(lu[i, k]) > np.abs(lu[best, k]):
                best = i
        if best != k:
            order[k], order[best] = order[best], order[k]
            for j in range(n):
                swap = lu[k, j]
                lu[k, j] = lu[best, j]
                lu[best, j] = swap
        pivot = lu[k, k]
        if pivot != 0:
            for i in range(k + 1, n):
                l = lu[i, k] / pivot
                lu[i, k] = l
                for j in range(k + 1, n):
                    lu[i, j] -= l * lu[k, j]
    return lu, order


@factored.defjvp
def _(primals, tangents):
    """G = L^-1 (P dA) U^-1; dL is L times what of G is below the diagonal, dU the rest times U."""
    (a,) = primals
    (da,) = tangents
    lu, order = factored(a)
    g = substituted(lu, _picked(da, order), True, True)
    g = substituted(lu.T, g.T, True, False).T
    below = triangle(g, True, True)
    above = triangle(g, False, False)
    dl = triangle(lu, True, True) @ below + below
    du = above @ triangle(lu, False, False)
    return (lu, order), (dl + du, None)


def _picked(a, order):
    out = np.empty(a.shape, dtype=a.dtype)
    for i in range(a.shape[0]):
        out[i] = a[order[i]]
    return out


def _put_back(a, order):
    out = np.empty(a.shape, dtype=a.dtype)
    for i in range(a.shape[0]):
        out[order[i]] = a[i]
    return out


def parity(order):
    """1 or -1: the sign of a permutation."""
    at = order.copy()
    sign = 1.0
    for k in range(at.shape[0]):
        while at[k] != k:
            j = at[k]
            at[k] = at[j]
            at[j] = j
            sign = -sign
    return sign


def _require_regular(lu):
    for k in range(lu.shape[0]):
        if lu[k, k] == 0:
            raise np.linalg.LinAlgError("Singular matrix")


@custom_jvp
def solved(a, lu, order, b):
    """a^-1 b, by the factors."""
    return substituted(lu, substituted(lu, _picked(b, order), True, True), False, False)


@solved.defjvp
def _(primals, tangents):
    a, lu, order, b = primals
    da, _, _, db = tangents
    x = solved(a, lu, order, b)
    return x, solved(a, lu, order, db - da @ x)


def solve_matrix(a, b):
    lu, order = factored(a)
    _require_regular(lu)
    return solved(a, lu, order, b)


def solve(a, b):
    a = square(a)
    b = floating(b)
    zero = a[..., :0, :0].sum() + b[:0].sum()
    a = a + zero
    b = b + zero
    n = a.shape[a.ndim - 1]
    if b.ndim == 1:
        if b.shape[0] != n:
            raise ValueError("solve: the length of b is not the number of rows of a")
        return of_each(lambda m: solve_matrix(m, b.reshape((-1, 1)))[:, 0], a)
    if b.shape[b.ndim - 2] != n:
        raise ValueError("solve: the number of rows of b is not that of a")
    if b.ndim == 2:
        return of_each(lambda m: solve_matrix(m, b), a)
    if a.ndim == 2:
        return of_each(lambda m: solve_matrix(a, m), b)
    if a.shape[: a.ndim - 2] != b.shape[: b.ndim - 2]:
        raise ValueError("solve: the stacks of a and b differ in shape")
    return restacked(lanes(solve_matrix, stacked(a), stacked(b)), a)


def scipy_solve(a, b, lower=False, overwrite_a=False, overwrite_b=False, check_finite=True, assume_a=None, transposed=False):
    if assume_a is not None and assume_a != "gen" and assume_a != "general" and assume_a != "pos":
        unsupported("scipy.linalg.solve with this assume_a is not known to the compiler", "Leave it out, or use 'gen' or 'pos'.")
    a = square(single(a, "scipy.linalg.solve"))
    if assume_a == "pos":
        return cho_solve(cho_factor(a, lower), b)
    return solve(a.T if transposed else a, b)


@custom_jvp
def inverse(a):
    lu, order = factored(a)
    _require_regular(lu)
    return solved(a, lu, order, np.eye(a.shape[0], dtype=a.dtype))


@inverse.defjvp
def _(primals, tangents):
    (a,) = primals
    (da,) = tangents
    x = inverse(a)
    return x, -(x @ (da @ x))


def inv(a, overwrite_a=False, check_finite=True):
    return of_each(inverse, square(a))


# ---------------------------------------------------------------- determinants


def _diagonal_product(lu, order):
    product = np.ones((), dtype=lu.dtype) * lu.dtype.type(parity(order))
    for k in range(lu.shape[0]):
        product = product * lu[k, k]
    return product


@custom_jvp
def regular_determinant(a):
    lu, order = factored(a)
    return _diagonal_product(lu, order)


@regular_determinant.defjvp
def _(primals, tangents):
    (a,) = primals
    (da,) = tangents
    d = regular_determinant(a)
    return d, d * np.sum(inverse(a).T * da)


def singular_determinant(a):
    """Without any division (Berkowitz 1984), so that its derivatives exist where the matrix has no inverse. O(n^4)."""
    n = a.shape[0]
    p = np.zeros(n + 1, dtype=a.dtype)  # coefficients of the characteristic polynomial of the leading block
    p[0] = 1
    for r in range(n):
        # the block is [[A, c], [b, d]]; the first column of the Toeplitz matrix is 1, -d, -b c, -b A c, …
        first = np.zeros(n + 2, dtype=a.dtype)
        first[0] = 1
        first[1] = -a[r, r]
        v = a[:r, r].copy()
        for k in range(r):
            total = np.zeros((), dtype=a.dtype)
            for i in range(r):
                total = total + a[r, i] * v[i]
            first[k + 2] = -total
            v = a[:r, :r] @ v
        q = np.zeros(n + 1, dtype=a.dtype)
        for i in range(r + 2):
            total = np.zeros((), dtype=a.dtype)
            for j in range(min(i, r) + 1):
                total = total + first[i - j] * p[j]
            q[i] = total
        p = q
    return p[n] if n % 2 == 0 else -p[n]


def determinant(a):
    lu, order = factored(constant(a))
    for k in range(a.shape[0]):
        if lu[k, k] == 0:
            return singular_determinant(a)
    return regular_determinant(a)


def det(a, overwrite_a=False, check_finite=True):
    return of_each(determinant, square(a))


@custom_jvp
def sign_and_log(a):
    lu, order = factored(a)
    sign = np.ones((), dtype=lu.dtype) * lu.dtype.type(parity(order))
    total = np.abs(np.zeros((), dtype=lu.dtype))
    for k in range(a.shape[0]):
        size = np.abs(lu[k, k])
        if size == 0:
            sign = sign * 0
        else:
            sign = sign * (lu[k, k] / size)
        total = total + np.log(size)
    return sign, total


@sign_and_log.defjvp
def _(primals, tangents):
    """d log det = tr(a^-1 da): its real part moves the size, its imaginary part turns the sign."""
    (a,) = primals
    (da,) = tangents
    sign, total = sign_and_log(a)
    moved = np.sum(inverse(a).T * da)
    return (sign, total), (sign * (moved - np.real(moved)), np.real(moved))


def slogdet(a):
    sign, log = of_each(sign_and_log, square(a))
    return SlogdetResult(sign, log)


def lu_factor(a, overwrite_a=False, check_finite=True):
    """LAPACK's pivots: with which row each was exchanged."""
    lu, order = factored(square(single(a, "lu_factor")))
    n = order.shape[0]
    rows = np.arange(n)
    pivots = np.empty(n, dtype=np.int32)
    for k in range(n):
        j = k
        while rows[j] != order[k]:
            j += 1
        rows[j] = rows[k]
        rows[k] = order[k]
        pivots[k] = j
    return lu, pivots


def lu_solve(lu_and_piv, b, trans=0, overwrite_b=False, check_finite=True):
    lu, pivots = lu_and_piv
    b = floating(b) + lu[:0, :0].sum()
    n = lu.shape[0]
    if b.shape[0] != n:
        raise ValueError("Shapes of lu and b are incompatible")
    order = np.arange(n)
    for k in range(n):
        swap = order[k]
        order[k] = order[pivots[k]]
        order[pivots[k]] = swap
    m = b.reshape((-1, 1)) if b.ndim == 1 else b
    if trans == 0:
        x = substituted(lu, substituted(lu, _picked(m, order), True, True), False, False)
    else:
        turned = lu.T if trans == 1 else np.conjugate(lu.T)
        x = _put_back(substituted(turned, substituted(turned, m, True, False), False, True), order)
    return x[:, 0] if b.ndim == 1 else x


# ---------------------------------------------------------------- Cholesky


@custom_jvp
def cholesky_lower(a):
    """L with L L^H = a, of the lower triangle of a."""
    n = a.shape[0]
    l = np.zeros(a.shape, dtype=a.dtype)
    for j in range(n):
        d = np.real(a[j, j])
        for k in range(j):
            d = d - np.abs(l[j, k]) ** 2
        if not d > 0:
            raise np.linalg.LinAlgError("Matrix is not positive definite")
        root = np.sqrt(d)
        l[j, j] = root
        for i in range(j + 1, n):
            total = a[i, j]
            for k in range(j):
                total = total - l[i, k] * np.conjugate(l[j, k])
            l[i, j] = total / root
    return l


@cholesky_lower.defjvp
def _(primals, tangents):
    """dL = L phi(L^-1 dA L^-H), phi the lower triangle with half the diagonal (Murray 2016)."""
    (a,) = primals
    (da,) = tangents
    l = cholesky_lower(a)
    below = triangle(da, True, True)
    s = below + np.conjugate(below.T) + _real_diagonal(da)
    g = substituted(l, s, True, False)
    g = np.conjugate(substituted(l, np.conjugate(g.T), True, False).T)
    return l, l @ (triangle(g, True, True) + _real_diagonal(g) * 0.5)


def _real_diagonal(a):
    out = np.zeros(a.shape, dtype=a.dtype)
    for k in range(a.shape[0]):
        out[k, k] = np.real(a[k, k])
    return out


def cholesky(a, *, upper=False):
    """numpy.linalg.cholesky"""
    return of_each((lambda m: np.conjugate(cholesky_lower(np.conjugate(m.T)).T)) if upper else cholesky_lower, square(a))


def scipy_cholesky(a, lower=False, overwrite_a=False, check_finite=True):
    return cholesky(a, upper=not lower)


def cho_factor(a, lower=False, overwrite_a=False, check_finite=True):
    return cholesky(a, upper=not lower), lower


def cho_solve(c_and_lower, b, overwrite_b=False, check_finite=True):
    c, lower = c_and_lower
    b = floating(b) + c[:0, :0].sum()
    if b.shape[0] != c.shape[0]:
        raise ValueError("incompatible dimensions of c and b")
    m = b.reshape((-1, 1)) if b.ndim == 1 else b
    turned = np.conjugate(c.T)
    x = substituted(turned, substituted(c, m, True, False), False, False) if lower else substituted(c, substituted(turned, m, True, False), False, False)
    return x[:, 0] if b.ndim == 1 else x
