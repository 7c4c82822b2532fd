"""A recurrence that writes an array element by element and reads it back: y[i] = f(y[i-1], p[i])."""

import numpy as np


def driven(p, y0):
    n = p.shape[0]
    y = np.empty(n)
    y[0] = y0
    for i in range(1, n):
        y[i] = p[i] * y[i - 1] * (1.0 - y[i - 1])
    total = 0.0
    for i in range(n):
        total += y[i] * y[i]
    return total


def example(n=1000):
    return np.random.default_rng(0).uniform(2.7, 3.0, n), 0.3
