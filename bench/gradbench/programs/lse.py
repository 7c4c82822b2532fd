"""lse: log Σ exp(xᵢ), computed as max x + log Σ exp(xᵢ - max x) so that nothing overflows."""

import numpy as np

import oneform as of


def primal(x):
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))


gradient = of.grad(primal)


def example():
    from bench.gradbench import wire  # which imports programs

    return wire.example("lse")
