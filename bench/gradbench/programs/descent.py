"""Gradient descent whose step grows after ten successes and shrinks after a failure, as particle and saddle prescribe it."""

import numpy as np


def length(v):
    return np.sqrt(np.sum(v * v))


def argmin(f, gradient, start):
    """Where descent from `start` ends: at a small gradient, or when a step becomes small."""
    x, fx, gx = start, f(start), gradient(start)
    eta, successes = 1e-5, 0
    while length(gx) > 1e-5:
        if successes == 10:
            eta, successes = 2.0 * eta, 0
            continue
        step = eta * gx
        if length(step) <= 1e-5:
            break
        candidate = x - step
        value = f(candidate)
        if value < fx:
            x, fx, gx, successes = candidate, value, gradient(candidate), successes + 1
        else:
            eta, successes = 0.5 * eta, 0
    return x


def argmax(f, gradient, start):
    return argmin(lambda x: -f(x), lambda x: -gradient(x), start)
