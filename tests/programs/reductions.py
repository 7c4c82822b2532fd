"""Whole arrays: broadcasting, reductions, products, and what is built of them."""

import numpy as np

from tests.programs.registry import mat, program, vec


@program((vec(5, 100),), (vec(1, 100),), (vec(5, 100) * 300.0,))
def softmax(x):
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


@program((vec(6, 101),), (vec(6, 101) * 200.0,))
def logsumexp(x):
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))


@program((mat(4, 1, 102), vec(3, 103), 0.7))
def broadcasting(a, b, c):
    return (a * b + c) / (1.0 + a * a) - b * np.sin(c * a)


@program((mat(3, 4, 104),))
def sums_along_axes(a):
    return np.sum(a, axis=0) * np.mean(a) + np.sum(a * a, axis=1)[0] - a.sum(axis=0).mean() * a[1]


@program((mat(3, 4, 105),))
def maxima_and_minima(a):
    return np.max(a, axis=1) * np.min(a) + np.min(a, axis=0)[:3] * np.max(a)


@program((np.array([0.5, 2.0, -1.5]),), (np.array([0.0, 2.0, -1.5]),), (np.array([0.0, 0.0, 3.0]),))
def product_of_elements(x):
    return np.prod(x) * 2.0 + np.prod(x[1:])


@program((mat(2, 3, 106), mat(3, 4, 107), vec(4, 108)))
def matmul_chain(a, b, v):
    w = a @ b @ v
    return np.dot(w, w) * 0.5 + np.sum((a @ b) * 0.3) + (b @ v) @ a[0]


@program((mat(4, 3, 109), mat(3, 5, 110), vec(5, 111), mat(5, 1, 112)))
def two_layer_network(x, w1, b1, w2):
    h = np.tanh(x @ w1 + b1)
    y = h @ w2
    return np.mean((y[:, 0] - x[:, 1]) ** 2) + 0.01 * np.sum(w1 * w1)


@program((mat(4, 2, 113), mat(3, 2, 114)))
def pairwise_distances(x, y):
    d = x[:, None, :] - y[None, :, :]
    return np.sqrt(np.sum(d * d, axis=2) + 0.1)


@program((mat(3, 4, 115), vec(4, 116), vec(4, 117)))
def layer_norm(x, gain, bias):
    m = np.mean(x, axis=1)
    c = x - m[:, None]
    v = np.mean(c * c, axis=1)
    return c / np.sqrt(v + 1e-3)[:, None] * gain + bias


@program((vec(5, 118), 0.2))
def where_on_arrays(x, level):
    y = np.where(x > level, x * x, np.sin(x) * level)
    return np.sum(y) * np.max(np.abs(x)) + np.sum(np.maximum(x, level) * np.minimum(y, 0.1))


@program((vec(4, 119), vec(4, 120)))
def outer_and_inner(x, y):
    m = x[:, None] * y
    return np.sum(m @ m.T) + m[1, 2] * np.dot(x, y)


@program((mat(3, 4, 121), 5))
def array_ops_in_loop(a, n):
    x = a[0] * 1.0
    for i in range(n):
        x = np.sin(x) + a[i % 3] * np.sum(x) * 0.1
    return x


@program((mat(3, 3, 122), vec(3, 123), 6))
def matrix_recurrence(a, x, n):
    for _ in range(n):
        x = a @ x
        x = x / np.sqrt(np.sum(x * x))
    return x @ a @ x


@program((vec(6, 124), vec(3, 125)))
def convolution_by_slices(x, k):
    n = len(x) - len(k) + 1
    y = np.zeros(n)
    for j in range(len(k)):
        y += k[j] * x[j : j + n]
    return y * y[0]


@program(
    (vec(4, 126), 3),
)
def array_carried_and_replaced(x, n):
    h = np.zeros_like(x)
    for i in range(n):
        h = np.tanh(h * 0.5 + x * (i + 1))
        if h[0] > 0.5:
            h = h * 0.9
        x = x - 0.1 * h
    return np.sum(h * x)


@program((mat(2, 3, 127),))
def transposes(a):
    b = a.T @ a
    c = np.transpose(b) * b + np.outer(a[0], a[1])
    return np.sum(c * np.arange(9.0).reshape(3, 3))


@program((np.zeros(0), 1.5), (vec(3, 128), 1.5))
def sums_over_maybe_nothing(x, y):
    return np.sum(x) * y + np.prod(x) + y * y + np.sum(x * y)


@program((vec(4, 129), mat(4, 4, 130)))
def quadratic_form(x, a):
    r = a @ x - x
    return np.dot(r, r) + x @ (a.T @ x) / (1.0 + np.sum(np.abs(x)))
