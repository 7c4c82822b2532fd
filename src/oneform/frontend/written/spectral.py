"""Eigenvalues of Hermitian matrices, singular values, and what is made of them."""

# pyright: basic, reportReturnType=false, reportMissingParameterType=false

from __future__ import annotations

import math

import numpy as np

from oneform.frontend.written.linalg import inv, substituted, triangle
from oneform.frontend.written.sorting import ordered
from oneform.frontend.written.stacks import matrices, of_each, single, square
from oneform.frontend.written.structure import constant, floating, unsupported
from oneform.rules import custom_jvp, without_derivative

EighResult = type(np.linalg.eigh(np.eye(1)))
SVDResult = type(np.linalg.svd(np.eye(1)))

# ---------------------------------------------------------------- eigenvalues of Hermitian matrices


def jacobi(a):
    """Eigenvalues, not in order, and vectors of the Hermitian matrix whose lower triangle is a's: Jacobi's method, row by row (Rutishauser 1966)."""
    n = a.shape[0]
    h = np.empty(a.shape, dtype=a.dtype)
    for i in range(n):
        h[i, i] = np.real(a[i, i])
        for j in range(i):
            h[i, j] = a[i, j]
            h[j, i] = np.conjugate(a[i, j])
    v = np.eye(n, dtype=a.dtype)
    sweep = 0
    moving = True
    while moving and sweep < 60:
        moving = False
        sweep += 1
        for p in range(n - 1):
            for q in range(p + 1, n):
                size = np.abs(h[p, q])
                x = np.real(h[p, p])
                y = np.real(h[q, q])
                if size > 0 and (np.abs(x) + size != np.abs(x) or np.abs(y) + size != np.abs(y)):
                    moving = True
                    phase = h[p, q] / size
                    theta = (y - x) / (2 * size)
                    t = 1 / (np.abs(theta) + np.hypot(theta, 1))
                    t = -t if theta < 0 else t
                    c = 1 / np.hypot(t, 1)
                    s = t * c
                    for k in range(n):
                        if k != p and k != q:
                            f = h[k, p]
                            g = h[k, q] * np.conjugate(phase)
                            h[k, p] = c * f - s * g
                            h[k, q] = s * f + c * g
                            h[p, k] = np.conjugate(h[k, p])
                            h[q, k] = np.conjugate(h[k, q])
                        f = v[k, p]
                        g = v[k, q] * np.conjugate(phase)
                        v[k, p] = c * f - s * g
                        v[k, q] = s * f + c * g
                    h[p, p] = x - t * size
                    h[q, q] = y + t * size
                    h[p, q] = 0
                    h[q, p] = 0
    w = np.empty(n, dtype=np.abs(np.zeros((), dtype=a.dtype)).dtype)
    for k in range(n):
        w[k] = np.real(h[k, k])
    return w, v


@custom_jvp
def eigen(a):
    w, v = jacobi(a)
    at = ordered(w)
    values = np.empty_like(w)
    vectors = np.empty_like(v)
    for k in range(w.shape[0]):
        values[k] = w[at[k]]
        for i in range(w.shape[0]):
            vectors[i, k] = v[i, at[k]]
    return values, vectors


@eigen.defjvp
def _(primals, tangents):
    """E = V^H dA V; dw is its diagonal, dV = V (E / (w_j - w_i)). The vectors of equal eigenvalues have no derivative: it is NaN."""
    (a,) = primals
    (da,) = tangents
    w, v = eigen(a)
    e = _inner(v, da)
    n = w.shape[0]
    g = np.zeros(v.shape, dtype=v.dtype)
    for i in range(n):
        for j in range(n):
            if i != j:
                g[i, j] = e[i, j] / (w[j] - w[i]) if w[i] != w[j] else e[i, j] * math.nan
    return (w, v), (_real_part_of_diagonal(e), v @ g)


def _inner(v, da):
    return np.conjugate(v.T) @ (_hermitian(da) @ v)


def _real_part_of_diagonal(e):
    out = np.empty(e.shape[0], dtype=np.abs(np.zeros((), dtype=e.dtype)).dtype)
    for k in range(e.shape[0]):
        out[k] = np.real(e[k, k])
    return out


@custom_jvp
def eigenvalues(a):
    values, _ = eigen(a)
    return values


@eigenvalues.defjvp
def _(primals, tangents):
    (a,) = primals
    (da,) = tangents
    w, v = eigen(a)
    return w, _real_part_of_diagonal(_inner(v, da))


def _as_lower(a, uplo):
    if uplo != "L" and uplo != "U" and uplo != "l" and uplo != "u":
        raise ValueError("UPLO argument must be 'L' or 'U'")
    return np.conjugate(a.T) if uplo == "U" or uplo == "u" else a


def eigh(a, UPLO="L"):
    w, v = of_each(lambda m: eigen(_as_lower(m, UPLO)), square(a))
    return EighResult(w, v)


def eigvalsh(a, UPLO="L"):
    return of_each(lambda m: eigenvalues(_as_lower(m, UPLO)), square(a))


def scipy_eigh(a, b=None, lower=True, eigvals_only=False, overwrite_a=False, overwrite_b=False):
    """Also of a pair (a, b): by the Cholesky factor of b."""
    a = square(single(a, "scipy.linalg.eigh"))
    uplo = "L" if lower else "U"
    if b is None:
        if eigvals_only:
            return eigenvalues(_as_lower(a, uplo))
        return eigen(_as_lower(a, uplo))
    l = np.linalg.cholesky(_as_lower(square(b), uplo))
    c = substituted(l, _hermitian(_as_lower(a, uplo)), True, False)
    c = np.conjugate(substituted(l, np.conjugate(c.T), True, False).T)
    if eigvals_only:
        return eigenvalues(c)
    w, v = eigen(c)
    return w, substituted(np.conjugate(l.T), v, False, False)


def _hermitian(a):
    """The matrix that the lower triangle stands for."""
    below = triangle(a, True, True)
    out = below + np.conjugate(below.T)
    for k in range(a.shape[0]):
        out[k, k] = np.real(a[k, k])
    return out


def scipy_eigvalsh(a, b=None, lower=True):
    return scipy_eigh(a, b, lower, True)


# ---------------------------------------------------------------- singular values


def rotated(a):
    """U S, not in order, and V with a V = U S: the columns made orthogonal two by two (Hestenes 1958). a has no more columns than rows."""
    m, n = a.shape
    u = a.copy()
    v = np.eye(n, dtype=a.dtype)
    tolerance = np.finfo(a.dtype).eps
    sweep = 0
    moving = True
    while moving and sweep < 60:
        moving = False
        sweep += 1
        for p in range(n - 1):
            for q in range(p + 1, n):
                x = np.abs(np.zeros((), dtype=a.dtype))
                y = np.abs(np.zeros((), dtype=a.dtype))
                z = np.zeros((), dtype=a.dtype)
                for i in range(m):
                    x = x + np.abs(u[i, p]) ** 2
                    y = y + np.abs(u[i, q]) ** 2
                    z = z + np.conjugate(u[i, p]) * u[i, q]
                size = np.abs(z)
                if size > tolerance * np.sqrt(x) * np.sqrt(y) and size > 0:
                    moving = True
                    phase = np.conjugate(z / size)
                    theta = (y - x) / (2 * size)
                    t = 1 / (np.abs(theta) + np.hypot(theta, 1))
                    t = -t if theta < 0 else t
                    c = 1 / np.hypot(t, 1)
                    s = t * c
                    for i in range(m):
                        f = u[i, p]
                        g = u[i, q] * phase
                        u[i, p] = c * f - s * g
                        u[i, q] = s * f + c * g
                    for i in range(n):
                        f = v[i, p]
                        g = v[i, q] * phase
                        v[i, p] = c * f - s * g
                        v[i, q] = s * f + c * g
    return u, v


def tall(a):
    """U, s, V of a matrix with no more columns than rows. Where s is zero the columns of U complete the others."""
    n = a.shape[1]
    scaled, turned = rotated(a)
    s = np.empty(n, dtype=np.abs(np.zeros((), dtype=a.dtype)).dtype)
    for k in range(n):
        s[k] = np.sqrt(np.sum(np.abs(scaled[:, k]) ** 2))
    at = ordered(-s)
    values = np.empty_like(s)
    u = np.empty(a.shape, dtype=a.dtype)
    v = np.empty((n, n), dtype=a.dtype)
    for k in range(n):
        values[k] = s[at[k]]
        for i in range(n):
            v[i, k] = turned[i, at[k]]
        for i in range(a.shape[0]):
            u[i, k] = scaled[i, at[k]] / values[k] if values[k] > 0 else scaled[i, at[k]]
        if values[k] <= np.finfo(a.dtype).eps * values[0]:
            u[:, k] = _completion(u, k)
    return u, values, v


def _completion(u, k):
    """A unit vector orthogonal to the first k columns."""
    m = u.shape[0]
    best = np.zeros(m, dtype=u.dtype)
    longest = np.abs(np.zeros((), dtype=u.dtype))
    for start in range(m):
        e = np.zeros(m, dtype=u.dtype)
        e[start] = 1
        for _ in range(2):
            for j in range(k):
                part = np.zeros((), dtype=u.dtype)
                for i in range(m):
                    part = part + np.conjugate(u[i, j]) * e[i]
                for i in range(m):
                    e[i] -= part * u[i, j]
        length = np.sqrt(np.sum(np.abs(e) ** 2))
        if length > longest:
            longest = length
            for i in range(m):
                best[i] = e[i] / length
    return best


@custom_jvp
def thin(a):
    """U, s and V of any matrix, min(m, n) columns each."""
    if a.shape[0] >= a.shape[1]:
        u, s, v = tall(a)
    else:
        v, s, u = tall(np.conjugate(a.T))
    return u, s, v


@thin.defjvp
def _(primals, tangents):
    """P = U^H dA V; ds is its diagonal; U and V turn by what is not (Townsend 2016). Vectors of equal singular values have no derivative: NaN."""
    (a,) = primals
    (da,) = tangents
    u, s, v = thin(a)
    k = s.shape[0]
    left = np.conjugate(u.T)
    p = left @ (da @ v)
    x = np.zeros(p.shape, dtype=a.dtype)
    y = np.zeros(p.shape, dtype=a.dtype)
    for i in range(k):
        for j in range(k):
            if i == j:
                x[i, i] = (p[i, i] - np.real(p[i, i])) / s[i]
            else:
                gap = (s[j] - s[i]) * (s[j] + s[i]) if s[i] != s[j] else math.nan
                x[i, j] = (p[i, j] * s[j] + s[i] * np.conjugate(p[j, i])) / gap
                y[i, j] = (s[i] * p[i, j] + np.conjugate(p[j, i]) * s[j]) / gap
    du = u @ x
    dv = v @ y
    if a.shape[0] > k:
        m = da @ v
        du = du + (m - u @ (left @ m)) / s
    if a.shape[1] > k:
        m = np.conjugate(da.T) @ u
        dv = dv + (m - v @ (np.conjugate(v.T) @ m)) / s
    return (u, s, v), (du, _real_part_of_diagonal(p), dv)


@custom_jvp
def singular_values(a):
    _, s, _ = thin(a)
    return s


@singular_values.defjvp
def _(primals, tangents):
    (a,) = primals
    (da,) = tangents
    u, s, v = thin(a)
    return s, _real_part_of_diagonal(np.conjugate(u.T) @ (da @ v))


@custom_jvp
def values_of(a, s):
    """s, known to be the singular values of a."""
    return s.copy()


@values_of.defjvp
def _(primals, tangents):
    a, s = primals
    da, _ = tangents
    u, _, v = thin(a)
    return s.copy(), _real_part_of_diagonal(np.conjugate(u.T) @ (da @ v))


@without_derivative(
    "the square factors of a singular value decomposition have no derivative: their vectors beside the singular ones are one choice of many",
    "Pass full_matrices=False.",
)
def full(a):
    """With square U and V."""
    u, s, v = thin(a)
    k = s.shape[0]
    wide = np.zeros((a.shape[0], a.shape[0]), dtype=a.dtype)
    wide[:, :k] = u
    for j in range(k, a.shape[0]):
        wide[:, j] = _completion(wide, j)
    high = np.zeros((a.shape[1], a.shape[1]), dtype=a.dtype)
    high[:, :k] = v
    for j in range(k, a.shape[1]):
        high[:, j] = _completion(high, j)
    return wide, s, high


def parts(a, full_matrices):
    if full_matrices and a.shape[0] != a.shape[1]:
        u, s, v = full(a)
        s = values_of(a, constant(s))
    else:
        u, s, v = thin(a)
    return u, s, np.conjugate(v.T)


def svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    a = matrices(a)
    if not compute_uv:
        return of_each(singular_values, a)
    u, s, v = of_each(lambda m: parts(m, full_matrices), a)
    return SVDResult(u, s, v)


def scipy_svd(a, full_matrices=True, compute_uv=True, overwrite_a=False, check_finite=True, lapack_driver="gesdd"):
    if not compute_uv:
        return of_each(singular_values, matrices(a))
    u, s, v = svd(a, full_matrices)
    return u, s, v


def svdvals(a, overwrite_a=False, check_finite=True):
    return of_each(singular_values, matrices(a))


@custom_jvp
def pseudo_inverse(a, rcond):
    u, s, v = thin(a)
    cutoff = rcond * (s[0] if s.shape[0] > 0 else 0.0)
    scaled = np.zeros(v.shape, dtype=a.dtype)
    for k in range(s.shape[0]):
        if s[k] > cutoff:
            for i in range(v.shape[0]):
                scaled[i, k] = v[i, k] / s[k]
    return scaled @ np.conjugate(u.T)


@pseudo_inverse.defjvp
def _(primals, tangents):
    """Of matrices whose rank does not change (Golub and Pereyra 1973)."""
    a, rcond = primals
    da, _ = tangents
    p = pseudo_inverse(a, rcond)
    d = np.conjugate(da.T)
    q = np.conjugate(p.T)
    m = p @ q @ d
    w = d @ q @ p
    return p, m - (m @ a) @ p + w - p @ (a @ w) - p @ (da @ p)


def pinv(a, rcond=None, hermitian=False, *, rtol=None):
    if rcond is None:
        rcond = 1e-15 if rtol is None else rtol
    return of_each(lambda m: pseudo_inverse(m, rcond), matrices(a))


def scipy_pinv(a, *, atol=None, rtol=None, return_rank=False, check_finite=True):
    if atol is not None or return_rank:
        unsupported("scipy.linalg.pinv with atol or return_rank is not known to the compiler", "Use rtol, and np.linalg.matrix_rank.")
    a = matrices(a)
    if rtol is None:
        rtol = max(a.shape[a.ndim - 2], a.shape[a.ndim - 1]) * np.finfo(a.dtype).eps
    return of_each(lambda m: pseudo_inverse(m, rtol), a)


def lstsq(a, b, rcond=None):
    """The shortest x with the least |a x - b|; the sums of squares left over, where they are sure; rank; singular values."""
    a = single(a, "lstsq")
    b = floating(b)
    if a.shape[0] != b.shape[0]:
        raise np.linalg.LinAlgError("Incompatible dimensions")
    if rcond is None:
        rcond = np.finfo(a.dtype).eps * max(a.shape[0], a.shape[1])
    s = singular_values(a)
    rank = np.sum(s > rcond * s[0]) if s.shape[0] > 0 else 0
    m = b.reshape((-1, 1)) if b.ndim == 1 else b
    x = pseudo_inverse(a, rcond) @ m
    known = rank == a.shape[1] and a.shape[0] > a.shape[1]
    count = m.shape[1] if known else 0
    left = np.empty(count, dtype=s.dtype)
    rest = a @ x - m
    for k in range(count):
        left[k] = np.sum(np.abs(rest[:, k]) ** 2)
    return x[:, 0] if b.ndim == 1 else x, left, np.int32(rank), s


def scipy_lstsq(a, b, cond=None):
    x, left, rank, s = lstsq(a, b, cond)
    return x, left, rank, s


def rank_of(a, tol, rtol):
    s = singular_values(a)
    if s.shape[0] == 0:
        return 0
    if tol is None:
        tol = s[0] * (max(a.shape[0], a.shape[1]) * np.finfo(a.dtype).eps if rtol is None else rtol)
    return np.sum(s > tol)


def matrix_rank(A, tol=None, hermitian=False, *, rtol=None):
    return of_each(lambda m: rank_of(m, tol, rtol), matrices(A))


def matrix_norms(x, order):
    """The norms of matrices that take more than sums: 2, -2 and "nuc"."""
    return of_each(lambda m: matrix_norm(m, order), x)


def matrix_norm(x, order):
    s = singular_values(x)
    if order == "nuc":
        return np.sum(s)
    return s[0] if order == 2 else s[s.shape[0] - 1]


def condition(a, p):
    s = singular_values(a)
    return s[s.shape[0] - 1] / s[0] if p == -2 else s[0] / s[s.shape[0] - 1]


def cond(x, p=None):
    x = matrices(x)
    if p is None or p == 2 or p == -2:
        return of_each(lambda m: condition(m, p), x)
    return of_each(lambda m: np.linalg.norm(m, p) * np.linalg.norm(inv(m), p), x)
