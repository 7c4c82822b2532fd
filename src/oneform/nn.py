"""Convolution and pooling over one to three axes, as PyTorch lays them out: ordinary Python loops, compiled into the programs that call them."""

# pyright: basic, reportReturnType=false, reportMissingParameterType=false

from __future__ import annotations

import numpy as np

# ---------------------------------------------------------------- arguments


def _three(x, n, fill):
    """A number for each of n axes, as three numbers, the missing ones in front."""
    own = x if isinstance(x, tuple) else (x,) * n
    if len(own) != n:
        raise ValueError("one number is needed, or one for each axis")
    return (*(fill,) * (3 - n), *own)


def _in_three(x):
    """Axes of length 1 in front of the last ones, so that there are three behind the first two."""
    return x.reshape((x.shape[0], x.shape[1], *(1,) * (5 - x.ndim), *x.shape[2:]))


def _out_length(n, size, stride, padding, dilation):
    return (n + 2 * padding - dilation * (size - 1) - 1) // stride + 1


def _out_lengths(x, size, stride, padding, dilation):
    found = (
        _out_length(x.shape[2], size[0], stride[0], padding[0], dilation[0]),
        _out_length(x.shape[3], size[1], stride[1], padding[1], dilation[1]),
        _out_length(x.shape[4], size[2], stride[2], padding[2], dilation[2]),
    )
    if found[0] < 1 or found[1] < 1 or found[2] < 1:
        raise ValueError("the window is larger than what it moves over")
    return found


def _padded(x, padding, fill):
    p, q, r = padding
    out = np.full((x.shape[0], x.shape[1], x.shape[2] + 2 * p, x.shape[3] + 2 * q, x.shape[4] + 2 * r), fill, dtype=x.dtype)
    out[:, :, p : p + x.shape[2], q : q + x.shape[3], r : r + x.shape[4]] = x
    return out


# ---------------------------------------------------------------- convolution


def conv(x, w, stride=1, padding=0, dilation=1, groups=1):
    """y[n, o, i…] = sum over c and k… of w[o, c, k…] x[n, g + c, stride i + dilation k - padding…], where x is 0 outside.

    x     (samples, channels, lengths…), with one to three lengths
    w     (out channels, channels / groups, sizes…); the out channels of group j read the j-th part of the channels
    stride, padding, dilation: an int, or one for each length. Returns (samples, out channels, lengths…). Raises ValueError if shapes do not fit."""
    n = x.ndim - 2
    if n < 1 or n > 3 or w.ndim != x.ndim:
        raise ValueError("conv takes arrays (samples, channels, lengths...) and (out channels, channels / groups, sizes...) with one to three lengths")
    if x.shape[1] != w.shape[1] * groups or w.shape[0] % groups != 0:
        raise ValueError("the channels of x and w do not fit the number of groups")
    k = _in_three(w)
    by, pad, apart = _three(stride, n, 1), _three(padding, n, 0), _three(dilation, n, 1)
    full = _in_three(x)
    lengths = _out_lengths(full, k.shape[2:], by, pad, apart)
    out = _products(_padded(full, pad, 0), k, lengths, by, apart, w.shape[0] // groups)
    return out.reshape((x.shape[0], w.shape[0], *lengths[3 - n :]))


def _products(x, w, lengths, by, apart, share):
    """Row by row: one product of a number and a row for each number of w."""
    out = np.zeros((x.shape[0], w.shape[0], *lengths), dtype=(x[:0].sum() * w[:0].sum()).dtype)
    for n in range(x.shape[0]):
        for o in range(w.shape[0]):
            first = o // share * w.shape[1]
            for i in range(lengths[0]):
                for j in range(lengths[1]):
                    for c in range(w.shape[1]):
                        for p in range(w.shape[2]):
                            for q in range(w.shape[3]):
                                for r in range(w.shape[4]):
                                    for l in range(lengths[2]):
                                        out[n, o, i, j, l] += (
                                            w[o, c, p, q, r] * x[n, first + c, i * by[0] + p * apart[0], j * by[1] + q * apart[1], l * by[2] + r * apart[2]]
                                        )
    return out


# ---------------------------------------------------------------- pooling


def max_pool(x, size, stride=None, padding=0, dilation=1):
    """The largest number in each window; of equal ones each has its part of the derivative. Shapes and arguments as those of `conv`; the stride is
    the size of the window unless it is given."""
    least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    return _pooled(x, size, stride, padding, dilation, least, np.maximum)


def avg_pool(x, size, stride=None, padding=0):
    """The mean over each window, zeros of the padding included. Shapes and arguments as those of `max_pool`; of integers as floats."""
    window = _three(size, x.ndim - 2, 1)
    return _pooled(x, size, stride, padding, 1, 0, np.add) / (window[0] * window[1] * window[2])


def _pooled(x, size, stride, padding, dilation, fill, more):
    """One number of each window: `more` of what came before and the next one. `fill` is what there is outside."""
    n = x.ndim - 2
    window, by = _three(size, n, 1), _three(size if stride is None else stride, n, 1)
    pad, apart = _three(padding, n, 0), _three(dilation, n, 1)
    full = _in_three(x)
    lengths = _out_lengths(full, window, by, pad, apart)
    y = _padded(full, pad, fill)
    out = np.empty((x.shape[0], x.shape[1], *lengths), dtype=x.dtype)
    for b in range(x.shape[0]):
        for c in range(x.shape[1]):
            for i in range(lengths[0]):
                for j in range(lengths[1]):
                    for l in range(lengths[2]):
                        found = y[b, c, i * by[0], j * by[1], l * by[2]]
                        for p in range(window[0]):
                            for q in range(window[1]):
                                for r in range(window[2]):
                                    if p + q + r > 0:
                                        found = more(found, y[b, c, i * by[0] + p * apart[0], j * by[1] + q * apart[1], l * by[2] + r * apart[2]])
                        out[b, c, i, j, l] = found
    return out.reshape((x.shape[0], x.shape[1], *lengths[3 - n :]))
