"""Maps between a million numbers whose Jacobians have 15 nonzeros in a row: as parallel loops over gathered inputs, and as programs that are none."""

import numpy as np

WIDTH = 15


def window(x):
    """Each result from 15 neighbours, in straight-line code."""
    out = np.empty(len(x) - 14)
    for i in range(len(out)):
        near = x[i + 6] * x[i + 8] + x[i + 5] * x[i + 9] + x[i + 4] * x[i + 10]
        far = x[i + 3] * x[i + 11] + x[i + 2] * x[i + 12] + x[i + 1] * x[i + 13]
        out[i] = x[i + 7] * (near - 0.5 * far) + 0.1 * x[i] * x[i + 14] ** 2
    return out


def root(x):
    """The same neighbours, and a few steps of Newton's method for each result."""
    out = np.empty(len(x) - 14)
    for i in range(len(out)):
        near = x[i + 6] * x[i + 8] + x[i + 5] * x[i + 9] + x[i + 4] * x[i + 10]
        far = x[i + 3] * x[i + 11] + x[i + 2] * x[i + 12] + x[i + 1] * x[i + 13]
        p, q = 1.0 + near * near, far + x[i] * x[i + 14] + x[i + 7]
        y = 0.0
        for _ in range(5):
            y -= (y * y * y + p * y + q) / (3.0 * y * y + p)
        out[i] = y
    return out


def elements(x, corners):
    """A term for each element of an unstructured mesh, from its 15 corners, which a table names in no order."""
    out = np.empty(len(corners))
    for i in range(len(corners)):
        c = corners[i]
        near = x[c[0]] * x[c[1]] + x[c[2]] * x[c[3]] + x[c[4]] * x[c[5]] + x[c[6]] * x[c[7]]
        far = x[c[8]] * x[c[9]] + x[c[10]] * x[c[11]] + x[c[12]] * x[c[13]]
        out[i] = near * (far + x[c[14]])
    return out


def gathered(x, index, weights):
    """A product with a sparse matrix, of sines: 15 neighbours from a table, in an inner loop."""
    out = np.empty(len(index))
    for i in range(len(index)):
        total = 0.0
        for k in range(index.shape[1]):
            total += weights[i, k] * x[index[i, k]] ** 2
        out[i] = total
    return out


def conduction(x, steps):
    """Heat in a rod whose conductivity depends on the temperature: explicit steps, each reading what the last wrote."""
    u = x.copy()
    for _ in range(steps):
        v = u.copy()
        for i in range(1, len(u) - 1):
            left, right = u[i] - u[i - 1], u[i + 1] - u[i]
            v[i] = u[i] + 0.1 * (right * (1.0 + right * right) - left * (1.0 + left * left))
        u = v
    return u


def shifted(x):
    """A sum over a window that is carried along in scalars."""
    a = b = c = d = e = f = g = h = j = k = l = m = n = o = 0.0
    y = x.copy()
    for i in range(len(x)):
        t = x[i]
        y[i] = t * (a + b * c + d * e + f * g + h * j + k * l + m * n + o)
        a, b, c, d, e, f, g, h, j, k, l, m, n, o = b, c, d, e, f, g, h, j, k, l, m, n, o, t
    return y


def mesh(n):
    """Neighbours in any order."""
    rng = np.random.default_rng(4)
    return rng.permuted((np.arange(n)[:, None] + np.arange(WIDTH)) % n, axis=1)


def numbers(n):
    return np.random.default_rng(5).uniform(0.5, 1.5, n)


def table(n):
    rng = np.random.default_rng(6)
    near = np.arange(n)[:, None] + np.arange(WIDTH) - WIDTH // 2
    return near % n, rng.uniform(-1.0, 1.0, (n, WIDTH))
