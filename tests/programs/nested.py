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


# ---------------------------------------------------------------- derivatives inside loops that the data end


def potential(x, charges, strength):
    total = 0.0
    for i in range(charges.shape[0]):
        total += strength[i] / np.sqrt((x[0] - charges[i, 0]) ** 2 + 1.3 * (x[1] - charges[i, 1]) ** 2 + 0.2)
    return total


@program((np.array([0.4, 1.7]), np.array([[1.2, 0.9], [2.5, -0.4], [-0.3, 0.2]]), np.array([0.5, -0.3, 0.2])))
def charged_particle(start, charges, strength):
    """Where it meets the ground; the force on the way is the gradient of a potential."""
    x, v = start.copy(), np.array([1.1, -0.2])
    dt = 0.125
    while True:
        force = -of.grad(potential)(x, charges, strength)
        x = x + dt * v
        if x[1] <= 0.0:
            break
        v[1] -= 0.3 * dt
        v += dt * force
    return x[0] - x[1] / v[1] * v[0]


def climbed(slope, y):
    """Where an ascent ends."""
    g = slope(y)
    while abs(g) > 1e-12:
        y = y + 0.3 * g
        g = slope(y)
    return y


def saddle(a, b, outer, inner):
    """min over x of the greatest value over y, by descent around ascent."""

    def height(x, y):
        return (x - a) ** 2 + 0.4 * b * x * y - (y - 0.5 * b) ** 2 * (1.0 + 0.1 * math.sin(x)) - 0.05 * y**4

    def ridge(x):
        return height(x, climbed(inner(lambda y: height(x, y)), 0.1))

    x = climbed(lambda x: -outer(ridge)(x), 0.2)
    return ridge(x) + 0.3 * x


@program((0.7, 0.4), order=1, slow=True)
def saddle_by_gradients(a, b):
    return saddle(a, b, of.grad, of.grad)


@program((0.7, 0.4), slow=True)
def saddle_by_both_modes(a, b):
    return saddle(a, b, of.jacfwd, of.grad)


@program((-0.3, 1.1), slow=True)
def saddle_by_forward_mode(a, b):
    return saddle(a, b, of.jacfwd, lambda f: lambda y: of.jvp(f, (y,), (1.0,))[1])
