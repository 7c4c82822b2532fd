"""Convolution and pooling, and what networks are written with as plain NumPy: values, derivatives, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform import nn
from tests.frontend.library_snippets import compare

RNG = np.random.default_rng(17)
X = {n: RNG.normal(size=(2, 4, *(7, 6, 5)[:n])) for n in (1, 2, 3)}
W = {n: RNG.normal(size=(6, 2, *(3, 2, 2)[:n])) for n in (1, 2, 3)}
OPTIONS: list[dict[str, Any]] = [{}, {"stride": 2, "padding": 1}, {"padding": 2, "dilation": 2}]


def windows(x: Any, sizes: Any, stride: int = 1, padding: int = 0, dilation: int = 1, fill: float = 0.0) -> Any:
    """(samples, channels, places…, sizes…), by NumPy."""
    n = len(sizes)
    x = np.pad(x, ((0, 0), (0, 0), *((padding, padding),) * n), constant_values=fill)
    reach = tuple(dilation * (s - 1) + 1 for s in sizes)
    found = np.lib.stride_tricks.sliding_window_view(x, reach, axis=tuple(range(2, 2 + n)))
    return found[(slice(None), slice(None), *(slice(None, None, stride),) * n, *(slice(None, None, dilation),) * n)]


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("k", range(len(OPTIONS)))
def test_convolution(n: int, k: int) -> None:
    options, x, w = OPTIONS[k], X[n], W[n]
    over = tuple(range(-n, 0))
    parts = []
    for g in range(2):
        seen = windows(x[:, 2 * g : 2 * g + 2], w.shape[2:], **options)
        parts.append(np.stack([np.sum(seen * w[o].reshape(2, *(1,) * n, *w.shape[2:]), axis=(1, *over)) for o in range(3 * g, 3 * g + 3)], axis=1))
    expected = np.concatenate(parts, axis=1)
    compare(of.jit(lambda x, w: nn.conv(x, w, groups=2, **options))(x, w), expected)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_pooling(n: int) -> None:
    x, over = X[n].astype(np.float32), tuple(range(-n, 0))
    compare(of.jit(lambda x: nn.max_pool(x, 2, padding=1))(x), np.max(windows(x, (2,) * n, 2, 1, fill=-np.inf), axis=over))
    compare(of.jit(lambda x: nn.max_pool(x, 2, 1, dilation=2))(x), np.max(windows(x, (2,) * n, dilation=2), axis=over))
    compare(of.jit(lambda x: nn.avg_pool(x, 2, 1, 1))(x), np.mean(windows(x, (2,) * n, 1, 1), axis=over))


def test_pooling_of_integers() -> None:
    x = np.arange(-20, 4).reshape(2, 1, 12)
    for pool, expected in ((lambda x: nn.max_pool(x, 3, 2, 1), np.max), (lambda x: nn.avg_pool(x, 3, 2), np.mean)):
        padding = 1 if expected is np.max else 0
        compare(of.jit(pool)(x), expected(windows(x, (3,), 2, padding, fill=-100), axis=-1))
        compare(pool(x), expected(windows(x, (3,), 2, padding, fill=-100), axis=-1))


def test_derivatives() -> None:
    of.check_grads(lambda x, w: nn.conv(x, w, (1, 2), (1, 0), (1, 2), groups=2), (X[2], W[2]))
    of.check_grads(lambda x, w: nn.conv(x, w, 2, 1, groups=2) ** 2, (X[1][:1], W[1]), order=2)
    of.check_grads(lambda x: nn.max_pool(x, (2, 3), 1, (0, 1)), (X[2],))
    of.check_grads(lambda x: nn.avg_pool(x, 2, 1, 1), (X[1],))


def test_a_convolution_is_compiled_for_any_lengths() -> None:
    f = of.jit(lambda x, w: nn.conv(x, w, padding=1))
    for size in (20, 31):
        x, w = RNG.normal(size=(2, 3, size)), RNG.normal(size=(4, 3, 3))
        compare(f(x, w), nn.conv(x, w, padding=1))


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x, w: nn.conv(x, w), "do not fit the number of groups"),
        (lambda x, w: nn.conv(x, w[:, :, :, :1].reshape((6, 2, 3)), groups=2), "one to three lengths"),
        (lambda x, w: nn.conv(x[:, :, :2], w, groups=2), "larger than what it moves over"),
        (lambda x, w: nn.max_pool(x, (2, 2, 2)), "one for each axis"),
    ],
)
def test_what_does_not_fit_is_refused(f: Any, message: str) -> None:
    with pytest.raises((ValueError, of.CompileError), match=message):
        of.jit(f)(X[2], W[2])


def attention(x: Any, q: Any, k: Any, v: Any) -> Any:
    """Two heads over a layer norm, with a causal mask."""
    z = (x - np.mean(x, axis=-1, keepdims=True)) / np.sqrt(np.var(x, axis=-1, keepdims=True) + 1e-5)
    n = x.shape[0]
    heads = [(z @ m).reshape((n, 2, -1)).transpose((1, 0, 2)) for m in (q, k, v)]
    scores = heads[0] @ np.swapaxes(heads[1], 1, 2) / np.sqrt(heads[0].shape[2])
    scores = np.where(np.tri(n) > 0, scores, -np.inf)
    e = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return ((e / np.sum(e, axis=-1, keepdims=True)) @ heads[2]).transpose((1, 0, 2)).reshape((n, -1))


def test_attention_is_plain_numpy() -> None:
    args = (RNG.normal(size=(5, 6)), *(RNG.normal(size=(6, 4)) for _ in range(3)))
    compare(of.jit(attention)(*args), attention(*args), 1e-13)
    of.check_grads(attention, args)
