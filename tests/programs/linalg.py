"""Linear algebra by hand: factorisations and iterations that overwrite their matrix."""

import numpy as np

from tests.programs.registry import mat, program, spd, vec


@program((mat(4, 4, 140) + 3.0 * np.eye(4), vec(4, 141)))
def gauss_in_place(a, b):
    a = a.copy()
    b = b.copy()
    n = len(b)
    for k in range(n):
        for i in range(k + 1, n):
            f = a[i, k] / a[k, k]
            for j in range(k, n):
                a[i, j] -= f * a[k, j]
            b[i] -= f * b[k]
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            b[i] -= a[i, j] * b[j]
        b[i] /= a[i, i]
    return b


@program((np.array([[0.1, 2.0, -1.0], [1.5, 0.3, 0.7], [-0.4, 1.1, 2.5]]),))
def determinant_with_pivoting(m):
    a = m.copy()
    n = a.shape[0]
    det = 1.0
    for k in range(n):
        p = k
        for i in range(k + 1, n):
            if abs(a[i, k]) > abs(a[p, k]):
                p = i
        if p != k:
            for j in range(n):
                a[k, j], a[p, j] = a[p, j], a[k, j]
            det = -det
        det *= a[k, k]
        for i in range(k + 1, n):
            f = a[i, k] / a[k, k]
            for j in range(k + 1, n):
                a[i, j] -= f * a[k, j]
    return det


@program((spd(4, 142),), (spd(1, 142),))
def cholesky_in_place(m):
    a = m.copy()
    n = a.shape[0]
    for j in range(n):
        for k in range(j):
            a[j, j] -= a[j, k] ** 2
        a[j, j] = np.sqrt(a[j, j])
        for i in range(j + 1, n):
            for k in range(j):
                a[i, j] -= a[i, k] * a[j, k]
            a[i, j] /= a[j, j]
        for i in range(j):
            a[i, j] = 0.0
    return a


@program((mat(3, 3, 143) + 2.0 * np.eye(3),))
def lu_packed(m):
    a = m.copy()
    for k in range(3):
        for i in range(k + 1, 3):
            a[i, k] /= a[k, k]
            a[i, k + 1 :] -= a[i, k] * a[k, k + 1 :]
    return a


@program((vec(5, 144, 2.0, 3.0), vec(5, 145), vec(5, 146), vec(5, 147)))
def thomas(diag, low, up, rhs):
    n = len(diag)
    c = np.zeros(n)
    d = np.zeros(n)
    c[0] = up[0] / diag[0]
    d[0] = rhs[0] / diag[0]
    for i in range(1, n):
        m = diag[i] - low[i] * c[i - 1]
        c[i] = up[i] / m
        d[i] = (rhs[i] - low[i] * d[i - 1]) / m
    x = np.zeros(n)
    x[n - 1] = d[n - 1]
    for i in range(n - 2, -1, -1):
        x[i] = d[i] - c[i] * x[i + 1]
    return x


@program((spd(4, 148), vec(4, 149)))
def conjugate_gradients(a, b):
    """Fixed number of steps, short of convergence: the result depends on all of a."""
    x = np.zeros(len(b))
    r = b - a @ x
    p = r.copy()
    rr = np.dot(r, r)
    for _ in range(2):
        ap = a @ p
        alpha = rr / np.dot(p, ap)
        x += alpha * p
        r -= alpha * ap
        new = np.dot(r, r)
        p = r + (new / rr) * p
        rr = new
    return x


@program((mat(3, 3, 150) + 3.0 * np.eye(3), vec(3, 151, 0.5, 1.0)))
def conjugate_gradients_until(a, b):
    m = a.T @ a + np.eye(3)
    x = np.zeros(3)
    r = b * 1.0
    p = r
    rr = np.sum(r * r)
    while rr > 1e-18:
        ap = m @ p
        alpha = rr / np.sum(p * ap)
        x = x + alpha * p
        r = r - alpha * ap
        new = np.sum(r * r)
        p = r + new / rr * p
        rr = new
    return np.sum(x * np.array([1.0, -2.0, 0.5]))


@program((mat(4, 3, 152),))
def gram_schmidt(a):
    q = a.copy()
    for j in range(q.shape[1]):
        for k in range(j):
            d = np.dot(q[:, k], q[:, j])
            q[:, j] -= d * q[:, k]
        q[:, j] /= np.sqrt(np.dot(q[:, j], q[:, j]))
    return q


@program((spd(3, 153), vec(3, 154), 4))
def gauss_seidel(a, b, sweeps):
    x = np.zeros(3)
    for _ in range(sweeps):
        for i in range(3):
            s = b[i]
            for j in range(3):
                if j != i:
                    s -= a[i, j] * x[j]
            x[i] = s / a[i, i]
    return x


@program((mat(3, 3, 155), mat(3, 3, 156)))
def matmul_by_hand(a, b):
    n = a.shape[0]
    c = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            for k in range(n):
                c[i, j] += a[i, k] * b[k, j]
    c[0, 1] *= c[1, 0]
    return c


@program((mat(4, 3, 157),))
def givens_qr(m):
    r = m.copy()
    for j in range(3):
        for i in range(3, j, -1):
            h = np.hypot(r[i - 1, j], r[i, j])
            c = r[i - 1, j] / h
            s = r[i, j] / h
            for k in range(3):
                r[i - 1, k], r[i, k] = c * r[i - 1, k] + s * r[i, k], c * r[i, k] - s * r[i - 1, k]
    return r[0, 1] * r[1, 2] + r[2, 2] * r[0, 0]


@program((mat(3, 3, 158) * 0.5, 6))
def matrix_exponential(a, terms):
    total = np.eye(3)
    term = np.eye(3)
    for k in range(1, terms):
        term = term @ a / k
        total = total + term
    return total


@program((spd(3, 159), 5))
def jacobi_rotations(m, sweeps):
    """Eigenvalues by rotations; the last sweeps meet elements that are nearly zero."""
    a = 0.5 * (m + m.T)
    for _ in range(sweeps):
        for p in range(2):
            for q in range(p + 1, 3):
                if abs(a[p, q]) > 1e-6:
                    theta = (a[q, q] - a[p, p]) / (2.0 * a[p, q])
                    t = (1.0 if theta >= 0.0 else -1.0) / (abs(theta) + np.sqrt(theta * theta + 1.0))
                    c = 1.0 / np.sqrt(t * t + 1.0)
                    s = t * c
                    for k in range(3):
                        u, v = a[k, p], a[k, q]
                        a[k, p] = c * u - s * v
                        a[k, q] = s * u + c * v
                    for k in range(3):
                        u, v = a[p, k], a[q, k]
                        a[p, k] = c * u - s * v
                        a[q, k] = s * u + c * v
    return a[0, 0] + 2.0 * a[1, 1] * a[2, 2]
