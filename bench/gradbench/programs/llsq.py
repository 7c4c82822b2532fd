"""llsq: the polynomial Σⱼ xⱼ tʲ fitted to sign(t) at n equidistant points of [-1, 1]; half the sum of squares."""

import numpy as np

import oneform as of


def primal(x, n):
    total = 0.0
    for i in range(n):
        t = -1.0 + i * 2.0 / (n - 1.0)
        residual = np.sign(t)
        power = 1.0
        for j in range(x.shape[0]):
            residual -= x[j] * power
            power *= t
        total += residual * residual
    return 0.5 * total


gradient = of.grad(primal)


def example():
    from bench.gradbench import wire  # which imports programs

    return wire.example("llsq")
