"""Functions along axes of arrays: of.vmap in programs, of programs with loops, branches, writes and recursion, and of derivatives."""

import numpy as np

import oneform as of
from tests.programs.registry import mat, program, vec


def newton(x, start):
    y = start
    while abs(y * y - x) > 1e-12:
        y = 0.5 * (y + x / y)
    return y * start


@program((vec(3, 300, 1.0, 9.0), 1.5), (vec(20, 301, 1.0, 9.0), 1.5))
def lanes_of_their_own_length(v, start):
    return of.vmap(newton, (0, None))(v, start), np.sum(v)


def written(layer, x):
    w, h = layer["w"], x.copy()
    for i in range(len(h)):
        h[i] = w[i] * x[i] if x[i] > 0.0 else h[i - 1] * layer["b"]
    return {"h": h, "last": (h[-1] * w[0], 3)}


@program((mat(4, 3, 302), mat(3, 4, 303), 0.7), (mat(18, 2, 304), mat(2, 18, 305), 0.7))
def lanes_in_containers(w, x, b):
    out = of.vmap(written, ({"w": 1, "b": None}, 0), {"h": -1, "last": 0})({"w": w, "b": b}, x)
    return out["h"] * b, out["last"][0]


@program((mat(2, 3, 306), mat(3, 3, 307)), (mat(4, 20, 308), mat(2, 20, 309)))
def lanes_in_lanes(a, b):
    def pair(u, v):
        s = 0.0
        for i in range(len(u)):
            s = s * 0.5 + np.sin(u[i] * v[i]) * u[0]
        return s

    return of.vmap(lambda u: of.vmap(pair, (None, 0))(u, b))(a)


@program((mat(3, 2, 310, 0.2, 1.0), 0.4), (mat(2, 20, 311, 0.2, 1.0), 0.4))
def lanes_of_pullbacks(x, k):
    def lane(v):
        out, pull = of.vjp(lambda u: u * np.sin(u * k) * u[0], v)
        return np.sum(out) * pull(v)[0]

    return of.vmap(lane, 0, 1)(x)


def power(x, n):
    return 1.0 if n == 0 else x * power(x, n - 1)


@program((vec(3, 312, 0.5, 1.5), np.array([0, 2, 3])))
def lanes_that_recur(v, n):
    return np.sum(of.vmap(power)(v, n) * v)


@program((vec(4, 313), 3), (vec(5, 314), 2))
def lanes_as_long_as_they_say(v, n):
    """Lengths that only the lanes know, but for being equal."""

    def lane(x, k):
        kept = np.zeros(k)
        for i in range(k):
            kept[i] = x**2 * (i + 1.0)
        return kept[kept > -1.0]

    return np.sum(of.vmap(lane, (0, None), 1)(v, n), axis=1) * v[0]
