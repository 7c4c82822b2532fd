"""Programs over whole arrays, as one writes them with NumPy. JAX runs the same text, with its own `np`."""

import numpy as np


def chain(x):
    return np.sum(np.tanh(np.sin(x) * x + 1.0) / (1.0 + x * x))


def cross_entropy(x, w):
    """Log-softmax of the rows, weighted."""
    top = np.max(x, axis=1, keepdims=True)
    shifted = x - top
    return -np.sum(w * (shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))))


def layer_norm(x, scale, shift):
    centred = x - np.mean(x, axis=1, keepdims=True)
    deviation = np.sqrt(np.mean(centred * centred, axis=1, keepdims=True) + 1e-5)
    return np.sum(np.tanh(centred / deviation * scale + shift))


def heat(u):
    """Ten steps of the heat equation on a torus."""
    for _ in range(10):
        u = u + 0.2 * (np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1) - 4.0 * u)
    return np.sum(u * u)


def perceptron(u, v, w, x):
    """Three layers and a sum of squares: 784–512–512–10 over a batch."""
    return np.sum(np.square(np.maximum(np.maximum(x @ u, 0.0) @ v, 0.0) @ w))


def attention(x, q, k, v):
    scores = (x @ q) @ (x @ k).T / np.sqrt(q.shape[1])
    e = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    return np.sum(np.square(e / np.sum(e, axis=1, keepdims=True) @ (x @ v)))


def spectrum(x, w):
    return np.sum(w * np.abs(np.fft.fft(x)) ** 2)


def example(name, small=False):
    """The arguments of a program, and the numbers of those that its gradient is by."""
    rng = np.random.default_rng(0)

    def normal(*shape):
        return rng.standard_normal(shape)

    n = 8 if small else 256
    if name == "chain":
        return (normal(n * n * (1 if small else 16)),), (0,)
    if name == "cross_entropy":
        return (normal(4 * n, n), rng.random((4 * n, n))), (0,)
    if name == "layer_norm":
        return (normal(4 * n, n), normal(n), normal(n)), (0, 1, 2)
    if name == "heat":
        return (normal(n, n),), (0,)
    if name == "perceptron":
        a, b, c = (7, 5, 3) if small else (784, 512, 10)
        return (normal(a, b) / 30, normal(b, b) / 30, normal(b, c) / 30, normal(n // 4, a)), (0, 1, 2)
    if name == "attention":
        return (normal(n, 64), normal(64, 64) / 8, normal(64, 64) / 8, normal(64, 64) / 8), (0, 1, 2, 3)
    return (normal(n * n), rng.random(n * n)), (0,)


PROGRAMS = {f.__name__: f for f in (chain, cross_entropy, layer_norm, heat, perceptron, attention, spectrum)}
