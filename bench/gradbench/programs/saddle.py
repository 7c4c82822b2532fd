"""saddle: the least x, and the greatest y, of the greatest value that (x₁² + y₁²) - (x₂² + y₂²) takes, found by descent inside descent.

Each function is named by the modes of the outer and of the inner derivative, f or r.
"""

import numpy as np

import oneform as of
from bench.gradbench.programs.descent import argmax, argmin


def height(x, y):
    return (x[0] * x[0] + x[1] * x[1]) - (y[0] * y[0] + y[1] * y[1])


def highest(x, start, mode):
    """Where y makes the height greatest."""
    return argmax(lambda y: height(x, y), mode(lambda y: height(x, y)), start)


def saddle_point(start, outer, inner):
    def ridge(x):
        return height(x, highest(x, start, inner))

    x = argmin(ridge, outer(ridge), start)
    y = highest(x, start, outer)
    return np.array([x[0], x[1], y[0], y[1]])


def rr(start):
    return saddle_point(start, of.grad, of.grad)


def ff(start):
    return saddle_point(start, of.jacfwd, of.jacfwd)


def fr(start):
    return saddle_point(start, of.jacfwd, of.grad)


def rf(start):
    return saddle_point(start, of.grad, of.jacfwd)


def example():
    from bench.gradbench import wire  # which imports programs

    return wire.example("saddle")
