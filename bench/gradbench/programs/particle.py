"""particle: a charge is steered, by the place of one of two others, to reach the x axis at the origin.

Euler steps of Newton's law follow it, the force being the gradient of the potential; descent on the square of where it
meets the axis finds the place. Each function is named by the modes of the outer and of the inner derivative, f or r.
"""

import numpy as np

import oneform as of
from bench.gradbench.programs.descent import argmin


def potential(x, charges):
    total = 0.0
    for i in range(charges.shape[0]):
        total += 1.0 / np.sqrt((x[0] - charges[i, 0]) ** 2 + (x[1] - charges[i, 1]) ** 2)
    return total


def miss(w, slope):
    """The square of where the particle meets the x axis; `slope` gives the gradient of the potential."""
    charges = np.array([[10.0, 10.0 - w[0]], [10.0, 0.0]])
    x, v = np.array([0.0, 8.0]), np.array([0.75, 0.0])
    dt = 0.1
    while True:
        force = -slope(x, charges)
        x = x + dt * v
        if x[1] <= 0.0:
            break
        v = v + dt * force
    meeting = x[0] - x[1] / v[1] * v[0]
    return meeting * meeting


def steered(w, outer, inner):
    def cost(w):
        return miss(w, inner(potential))

    return argmin(cost, outer(cost), np.array([w]))[0]


def rr(w):
    return steered(w, of.grad, of.grad)


def ff(w):
    return steered(w, of.jacfwd, of.jacfwd)


def fr(w):
    return steered(w, of.jacfwd, of.grad)


def rf(w):
    return steered(w, of.grad, of.jacfwd)


def example():
    from bench.gradbench import wire  # which imports programs

    return wire.example("particle")
