"""ode: y₀' = x₀, yᵢ' = xᵢ yᵢ₋₁ from y = 0 to t = 2, by s steps of the classical Runge–Kutta method; the gradient is that of the last component."""

import numpy as np

import oneform as of


def rate(x, y):
    out = np.empty(x.shape[0])
    out[0] = x[0]
    out[1:] = x[1:] * y[:-1]
    return out


def primal(x, s):
    h = 2.0 / s
    y = np.zeros(x.shape[0])
    for _ in range(s):
        k1 = rate(x, y)
        k2 = rate(x, y + h / 2.0 * k1)
        k3 = rate(x, y + h / 2.0 * k2)
        k4 = rate(x, y + h * k3)
        y = y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return y


def last(x, s):
    return primal(x, s)[-1]


gradient = of.grad(last)


def example():
    from bench.gradbench import wire  # which imports programs

    return wire.example("ode")
