"""Derivatives taken by the program itself, and functions with rules of their own."""

import math

import numpy as np

import oneform as of
from tests.programs.registry import mat, program, vec


@of.custom_jvp
def softplus(x):
    return np.log(1.0 + np.exp(x))


@softplus.defjvp
def softplus_rule(primals, tangents):
    (x,), (t,) = primals, tangents
    return softplus(x), t / (1.0 + np.exp(-x))


@of.custom_jvp
def norm(v):
    return np.sqrt(np.sum(v * v))


@norm.defjvp
def norm_rule(primals, tangents):
    n = norm(*primals)
    s = 0.0
    for i in range(len(primals[0])):
        s += primals[0][i] * tangents[0][i]
    return n, s / n


@of.custom_jvp
def fixed_point(a, b):
    """x = cos(a x) + b, and its derivative by the implicit function theorem."""
    x = b
    for _ in range(200):
        x = 0.5 * (x + np.cos(a * x) + b)
    return x


@fixed_point.defjvp
def fixed_point_rule(primals, tangents):
    (a, b), (da, db) = primals, tangents
    x = fixed_point(a, b)
    s = np.sin(a * x)
    return x, (db - s * x * da) / (1.0 + s * a)


@program((0.7, 5), (-1.2, 0))
def rule_in_loop(x, n):
    s = 0.0
    for i in range(n):
        x = softplus(x) * math.sin(x + 0.1 * i)
        s += x * softplus(s)
    return s


@program((0.4,))
def rule_in_while(x):
    while x < 3.0:
        if x < 1.0:
            x = softplus(x) * 1.1
        else:
            x = x + 0.3 * softplus(-x) + 0.5
    return x


@program((vec(3, 70), 2), (vec(20, 71), 3))
def rule_on_arrays(v, n):
    w = v.copy()
    for i in range(n):
        w = softplus(w * v) - 0.3 * w
        w[i] = norm(w) * v[i]
    return w, norm(v + w)


@program((vec(4, 72), mat(4, 4, 73)))
def rule_in_constructor(v, a):
    return np.sum(np.array([norm(row) * softplus(x) for row, x in zip(a, v)]))


@program((0.6, 0.3))
def implicit_derivative(a, b):
    return fixed_point(a, b) * fixed_point(b, a * b)


@program((0.8, 3))
def gradient_in_loop(x, n):
    """Gradient descent on a function of the outer variable."""
    y = 0.5
    for i in range(n):
        y = y - 0.2 * of.grad(lambda z: (z * z - x) ** 2 * (1.0 + 0.1 * i))(y)
    return y * x


@program((1.3,))
def newton_by_forward_mode(x):
    y = x
    while abs(y * y * y - x) > 1e-12:
        value, slope = of.jvp(lambda z: z * z * z - x, (y,), (1.0,))
        y = y - value / slope
    return y


@program((vec(3, 74, 0.2, 1.0), 0.7), (vec(12, 75, 0.2, 1.0), 0.7))
def curvature_inside(v, k):
    def f(u):
        return np.sum(np.sin(u * k) * u) * u[0]

    value, gradient = of.value_and_grad(f)(v)
    return value * np.sum(of.hvp(f, (v,), (gradient,))) + np.sum(of.jacrev(lambda u: u * u * k)(v)), gradient


@program((vec(3, 76, 0.2, 1.0), 2), (vec(12, 77, 0.2, 1.0), 2))
def pullback_in_loop(v, n):
    def f(u):
        w = u
        for _ in range(2):
            w = w * np.sin(w) + u * 0.5
        return w

    out, pull = of.vjp(f, v)
    for i in range(n):
        out = out * 0.5 + pull(out * (i + 1.0))[0]
    return np.sum(out * v)


@program((0.9, 0.4))
def rule_under_inner_derivatives(x, y):
    """Rules inside derivatives inside the program: of softplus the second and the third are taken."""
    first = of.grad(lambda t: softplus(t * y) * t)(x)
    second = of.jacfwd(of.grad(lambda t: softplus(t) * softplus(y * t)))(x)
    return first * second
