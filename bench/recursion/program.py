"""A matrix for GradBench's determinant by minors, and a `while` whose adjoint needs three numbers of every iteration."""

import numpy as np


def matrix(n):
    return np.random.default_rng(7).uniform(-1.0, 1.0, (n, n)) + np.eye(n)


def butterfly(x, y, z, end):
    """Lorenz's equations until a time, by small steps."""
    t, dt = 0.0, 1e-6
    while t < end:
        x, y, z = x + dt * 10.0 * (y - x), y + dt * (x * (28.0 - z) - y), z + dt * (x * y - 8.0 / 3.0 * z)
        t += dt
    return x + y + z


def start(steps):
    return 1.0, 1.1, 20.0, steps * 1e-6
