"""Discrete Fourier transforms of any length: np.fft and scipy.fft.

A transform of n numbers takes a factor of n at a time and leaves its results in order (butterflies.py). Lengths with a large prime factor become
convolutions, whose length is a power of two (Bluestein 1970). Real and imaginary parts are arrays of their own meanwhile, so that the innermost
loops read and write neighbours."""

# pyright: basic, reportReturnType=false, reportMissingParameterType=false

from __future__ import annotations

import math

import numpy as np

from oneform.frontend.written.butterflies import roots, transformed
from oneform.frontend.written.structure import along, floating, rows
from oneform.rules import custom_jvp, custom_vjp

LARGEST = 19  # prime factors up to this are taken as they are, at a cost that grows with them
TOGETHER = 2048  # rows are transformed several at a time, up to so many numbers

# ---------------------------------------------------------------- the transform of the rows of a matrix, and its derivative


@custom_jvp
def dft(m, inverse):
    """y[k] = sum over j of x[j] exp(-2 pi i j k / n) for each row x of a complex matrix; with exp(+2 pi i j k / n) if `inverse`."""
    return turned(m, inverse)


@dft.defjvp
def _(primals, tangents):
    """y = F x is linear: dy = F dx."""
    m, inverse = primals
    return dft(m, inverse), dft(tangents[0], inverse)


@custom_vjp
def turned(m, inverse):
    """`dft`; F is symmetric, so what reverse mode does to a tangent of it is F again, of the cotangent.

    Rows are transformed several at a time: behind one another in memory are then the numbers of these rows at one place. There is one place
    where it is done, whatever the length, since the code of all factors is not small. For a convolution it is done to what all rows are
    multiplied with (`_chirp`), then twice to the rows."""
    count = m.shape[0]
    n = m.shape[1]
    out = np.empty(m.shape, dtype=m.dtype)
    direct = _is_smooth(n)
    length = n if direct else _power_of_two(2 * n - 1)
    wr, wi = roots(length, length, m[:0, 0])
    cr, ci = _chirp(0 if direct else n, m[:0, 0])
    fr, fi = _pair(0 if direct else length, m[:0, 0])
    br, bi = _pair(0, m[:0, 0])
    width = max(1, TOGETHER // length)
    chunks = (count + width - 1) // width
    for step in range(chunks if direct else 2 * chunks + 1):
        start = (step if direct else (step - 1) // 2) * width
        k = 1 if step == 0 and not direct else min(width, count - start)
        ar, ai = _pair(length * k, m[:0, 0])
        xr, xi = ar.reshape((length, k)), ai.reshape((length, k))
        if direct:
            _rows_in(xr, xi, m, start, inverse)
        elif step == 0:
            _chirp_in(xr, xi, cr, ci)
        elif step % 2 == 1:
            _rows_in_chirped(xr, xi, m, start, inverse, cr, ci)
        else:
            _products_in(xr, xi, br.reshape((length, k)), bi.reshape((length, k)), fr, fi)
        br, bi = transformed(ar, ai, length, wr, wi)
        yr, yi = br.reshape((length, k)), bi.reshape((length, k))
        if direct:
            _rows_out(out, start, yr, yi, inverse)
        elif step == 0:
            fr[:] = br
            fi[:] = bi
        elif step % 2 == 0:
            _rows_out_chirped(out, start, yr, yi, inverse, cr, ci)
    return out


def _turned_forward(m, inverse):
    return turned(m, inverse), inverse


@custom_jvp
def dft_again(m, inverse):
    """`dft` under another name: called in a rule of what it calls, it would be a recursion. One rule for both names is refused, too (E213)."""
    return turned(m, inverse)


@dft_again.defjvp
def _(primals, tangents):
    m, inverse = primals
    return dft_again(m, inverse), dft_again(tangents[0], inverse)


def _turned_back(inverse, ct):
    return dft_again(ct, inverse), None


turned.defvjp(_turned_forward, _turned_back)


def _is_smooth(n):
    for p in range(2, LARGEST + 1):
        while n % p == 0:
            n //= p
    return n == 1


def _power_of_two(least):
    n = 1
    while n < least:
        n *= 2
    return n


def _pair(n, like):
    """Arrays for the parts of complex numbers like these."""
    kind = np.real(like).dtype
    return np.empty(n, dtype=kind), np.empty(n, dtype=kind)


# ---------------------------------------------------------------- what is transformed, from the rows of a matrix and back


def _rows_in(xr, xi, m, start, inverse):
    """Real and imaginary parts change places for the inverse: conj(z) = i z with its parts exchanged."""
    for c in range(xr.shape[1]):
        for j in range(xr.shape[0]):
            z = m[start + c, j]
            xr[j, c] = np.imag(z) if inverse else np.real(z)
            xi[j, c] = np.real(z) if inverse else np.imag(z)


def _rows_out(out, start, yr, yi, inverse):
    for c in range(yr.shape[1]):
        for j in range(yr.shape[0]):
            out[start + c, j] = complex(yi[j, c], yr[j, c]) if inverse else complex(yr[j, c], yi[j, c])


def _chirp(n, like):
    """The parts of c[k] = exp(-pi i k^2 / n). With j k = (j^2 + k^2 - (k - j)^2) / 2, y[k] = c[k] sum over j of (x[j] c[j]) conj(c[k - j])."""
    wr, wi = roots(2 * n, 2 * n, like)
    cr, ci = _pair(n, like)
    square = 0  # k^2 modulo 2 n
    for k in range(n):
        cr[k] = wr[square]
        ci[k] = wi[square]
        square = (square + 2 * k + 1) % (2 * n)
    return cr, ci


def _chirp_in(xr, xi, cr, ci):
    """conj(c[k]), k from 1 - n to n - 1, over the length, which the inverse transform leaves out."""
    length = xr.shape[0]
    xr[:] = 0.0
    xi[:] = 0.0
    for k in range(cr.shape[0]):
        at = length - k if k > 0 else 0
        xr[k, 0] = cr[k] / length
        xi[k, 0] = -ci[k] / length
        xr[at, 0] = cr[k] / length
        xi[at, 0] = -ci[k] / length


def _rows_in_chirped(xr, xi, m, start, inverse, cr, ci):
    n = cr.shape[0]
    for j in range(n):
        for c in range(xr.shape[1]):
            z = m[start + c, j]
            x = np.imag(z) if inverse else np.real(z)
            y = np.real(z) if inverse else np.imag(z)
            xr[j, c] = x * cr[j] - y * ci[j]
            xi[j, c] = x * ci[j] + y * cr[j]
    for j in range(n, xr.shape[0]):
        for c in range(xr.shape[1]):
            xr[j, c] = 0.0
            xi[j, c] = 0.0


def _products_in(xr, xi, yr, yi, fr, fi):
    """The parts change places, so that the next transform is the inverse one."""
    for j in range(xr.shape[0]):
        for c in range(xr.shape[1]):
            xr[j, c] = yr[j, c] * fi[j] + yi[j, c] * fr[j]
            xi[j, c] = yr[j, c] * fr[j] - yi[j, c] * fi[j]


def _rows_out_chirped(out, start, yr, yi, inverse, cr, ci):
    for k in range(cr.shape[0]):
        for c in range(yr.shape[1]):
            x = yi[k, c] * cr[k] - yr[k, c] * ci[k]
            y = yi[k, c] * ci[k] + yr[k, c] * cr[k]
            out[start + c, k] = complex(y, x) if inverse else complex(x, y)


# ---------------------------------------------------------------- lengths, factors


def complexed(a):
    return floating(a) + 0j


def some(n):
    """A length, if there is anything to transform."""
    if n < 1:
        raise ValueError(f"Invalid number of FFT data points ({n}) specified.")
    return n


def sized(m, n):
    """The rows cut, or filled up with zeros, to the length n."""
    n = some(m.shape[1] if n is None else n)
    if n == m.shape[1]:
        return m
    out = np.zeros((m.shape[0], n), dtype=m.dtype)
    for i in range(m.shape[0]):
        for j in range(min(n, m.shape[1])):
            out[i, j] = m[i, j]
    return out


def forward_factor(n, norm):
    if norm is None or norm == "backward":
        return 1.0
    if norm == "ortho":
        return 1.0 / math.sqrt(n)
    if norm == "forward":
        return 1.0 / n
    raise ValueError(f'Invalid norm value {norm}; should be "backward","ortho" or "forward".')


def backward_factor(n, norm):
    return forward_factor(n, _swapped(norm))


def _swapped(norm):
    """The norm whose transforms forth have the factor that those of this one have back."""
    if norm is None or norm == "backward":
        return "forward"
    return "backward" if norm == "forward" else norm


# ---------------------------------------------------------------- along one axis


def fft(a, n=None, axis=-1, norm=None, out=None):
    a = floating(a)
    m = sized(rows(a, axis), n)
    y = dft(m, False) if a.dtype.kind == "c" else _with_conjugates(_half(m), m.shape[1])
    return along(y * forward_factor(m.shape[1], norm), a, axis)


def ifft(a, n=None, axis=-1, norm=None, out=None):
    a = complexed(a)
    m = sized(rows(a, axis), n)
    return along(dft(m, True) * backward_factor(m.shape[1], norm), a, axis)


def rfft(a, n=None, axis=-1, norm=None, out=None):
    a = floating(a)
    if a.dtype.kind == "c":
        raise TypeError("ufunc 'rfft_n_even' did not contain a loop with signature matching types " + str(a.dtype))
    m = sized(rows(a, axis), n)
    return along(_half(m) * forward_factor(m.shape[1], norm), a, axis)


def _half(m):
    """The transforms of real rows, without those places that are conjugates of others. Of an even number: as many complex numbers as pairs,
    z[j] = x[2 j] + i x[2 j + 1], give Z, and y[k] = (Z[k] + conj(Z[h - k])) / 2 - i W[k] (Z[k] - conj(Z[h - k])) / 2."""
    n = m.shape[1]
    h = n // 2
    paired = n % 2 == 0
    z = np.empty((m.shape[0], h if paired else n), dtype=(m[:0, 0] + 0j).dtype)
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] = complex(m[i, 2 * j], m[i, 2 * j + 1]) if paired else m[i, j]
    z = dft(z, False)
    out = np.empty((m.shape[0], h + 1), dtype=z.dtype)
    wr, wi = roots(n, h + 1 if paired else 0, m[:0, 0])
    for i in range(m.shape[0]):
        for k in range(h + 1):
            if paired:
                p = z[i, k if k < h else 0]
                q = np.conjugate(z[i, h - k if k > 0 else 0])
                out[i, k] = (p + q) * 0.5 - (p - q) * (complex(-wi[k], wr[k]) * 0.5)
            else:
                out[i, k] = z[i, k]
    return out


def _with_conjugates(y, n):
    """All n places of the transforms of real rows, whose first half is y."""
    out = np.empty((y.shape[0], n), dtype=y.dtype)
    for i in range(y.shape[0]):
        for k in range(y.shape[1]):
            out[i, k] = y[i, k]
        for k in range(y.shape[1], n):
            out[i, k] = np.conjugate(y[i, n - k])
    return out


def irfft(a, n=None, axis=-1, norm=None, out=None):
    a = complexed(a)
    m = rows(a, axis)
    n = some(2 * (m.shape[1] - 1) if n is None else n)
    return along(_whole(sized(m, n // 2 + 1), n) * backward_factor(n, norm), a, axis)


def _whole(m, n):
    """The inverse of `_half`, but for the factor n: z[j] = x[2 j] + i x[2 j + 1] from
    Z[k] = (y[k] + conj(y[h - k])) + i conj(W[k]) (y[k] - conj(y[h - k])). Of y[0] and y[h] only the real parts count."""
    h = n // 2
    paired = n % 2 == 0
    z = np.empty((m.shape[0], h if paired else n), dtype=m.dtype)
    wr, wi = roots(n, h if paired else 0, m[:0, 0])
    for i in range(m.shape[0]):
        first = np.real(m[i, 0])
        if paired:
            last = np.real(m[i, h])
            z[i, 0] = complex(first + last, first - last)
            for k in range(1, h):
                p = m[i, k]
                q = np.conjugate(m[i, h - k])
                z[i, k] = (p + q) + (p - q) * complex(wi[k], wr[k])
        else:
            z[i, 0] = first
            for k in range(1, h + 1):
                z[i, k] = m[i, k]
                z[i, n - k] = np.conjugate(m[i, k])
    z = dft(z, True)
    out = np.empty((m.shape[0], n), dtype=np.real(m[:0, 0]).dtype)
    for i in range(m.shape[0]):
        for j in range(z.shape[1]):
            if paired:
                out[i, 2 * j] = np.real(z[i, j])
                out[i, 2 * j + 1] = np.imag(z[i, j])
            else:
                out[i, j] = np.real(z[i, j])
    return out


def hfft(a, n=None, axis=-1, norm=None, out=None):
    return irfft(np.conjugate(complexed(a)), n, axis, _swapped(norm))


def ihfft(a, n=None, axis=-1, norm=None, out=None):
    return np.conjugate(rfft(a, n, axis, _swapped(norm)))


# ---------------------------------------------------------------- frequencies and shifts


def fftfreq(n, d=1.0):
    if n == 0:
        raise ZeroDivisionError("float division by zero")
    out = np.empty(n)
    half = (n - 1) // 2 + 1
    for k in range(n):
        out[k] = k if k < half else k - n
    return out * (1.0 / (n * d))


def rfftfreq(n, d=1.0):
    return np.arange(n // 2 + 1) * (1.0 / (n * d))


def shift_forth(n):
    return n // 2


def shift_back(n):
    return -(n // 2)
