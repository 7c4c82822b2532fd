"""Log-likelihood of a Gaussian mixture as explicit loops: sum_i logsumexp_k(b_k - |A_k (x_i - m_k)|^2 / 2)."""

import numpy as np


def mixture(A, m, b, x):
    components, d = m.shape
    z = np.empty(components)
    total = 0.0
    for i in range(x.shape[0]):
        for k in range(components):
            distance = 0.0
            for r in range(d):
                y = 0.0
                for c in range(d):
                    y += A[k, r, c] * (x[i, c] - m[k, c])
                distance += y * y
            z[k] = b[k] - 0.5 * distance
        top = z[0]
        for k in range(1, components):
            top = max(top, z[k])
        s = 0.0
        for k in range(components):
            s += np.exp(z[k] - top)
        total += top + np.log(s)
    return total


def example(n=1000, d=10, components=25):
    rng = np.random.default_rng(0)
    A = np.eye(d) + 0.1 * rng.standard_normal((components, d, d))
    return A, rng.standard_normal((components, d)), rng.standard_normal(components), rng.standard_normal((n, d))
