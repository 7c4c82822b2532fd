"""Discrete Fourier transforms of any length: np.fft and scipy.fft.

A transform of n numbers takes a factor of n at a time and leaves its results in order (Stockham, after Cooley and Tukey 1965). Lengths with a
large prime factor become convolutions, whose length is a power of two (Bluestein 1970). Real and imaginary parts are arrays of their own
meanwhile, so that the innermost loops read and write neighbours."""

# pyright: basic, reportReturnType=false, reportMissingParameterType=false

from __future__ import annotations

import math

import numpy as np

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
        br, bi = _transformed(ar, ai, length, wr, wi)
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
    """`dft` under another name: called in a rule of what it calls, it would be a recursion."""
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


# ---------------------------------------------------------------- roots of unity


def roots(n, count, like):
    """The first `count` of cos(2 pi k / n) and of -sin(2 pi k / n), in the precision of `like`: products of some 2 sqrt(n) that are computed."""
    kind = np.real(like).dtype
    wr = np.empty(count, dtype=kind)
    wi = np.empty(count, dtype=kind)
    step = int(math.sqrt(count)) + 1
    near = np.empty((step, 2))
    for j in range(min(step, count)):
        near[j, 0], near[j, 1] = _root(j, n)
    for i in range(0, count, step):
        c, s = _root(i, n)
        for j in range(min(step, count - i)):
            wr[i + j] = c * near[j, 0] - s * near[j, 1]
            wi[i + j] = c * near[j, 1] + s * near[j, 0]
    return wr, wi


def _root(k, n):
    """cos and -sin of 2 pi k / n, from an angle of at most pi / 4: what that is, is known exactly."""
    x = 8 * k
    s = -1.0
    if x > 4 * n:
        x = 8 * n - x
        s = 1.0
    c = 1.0
    if x > 2 * n:
        x = 4 * n - x
        c = -1.0
    if x > n:
        angle = math.pi * (2 * n - x) / (4 * n)
        return c * math.sin(angle), s * math.cos(angle)
    angle = math.pi * x / (4 * n)
    return c * math.cos(angle), s * math.sin(angle)


# ---------------------------------------------------------------- one factor at a time


def _transformed(xr, xi, n, wr, wi):
    """The transforms of the columns of a matrix with n rows."""
    k = xr.shape[0] // n
    ar, ai = xr.copy(), xi.copy()
    br, bi = np.empty_like(ar), np.empty_like(ai)
    s = 1  # the factors done
    while s < n:
        p = 4 if (n // s) % 4 == 0 else _least_factor(n // s)
        m = n // (s * p)
        ur, ui = ar.reshape((p, m, s * k)), ai.reshape((p, m, s * k))
        vr, vi = br.reshape((m, p, s * k)), bi.reshape((m, p, s * k))
        if p == 4:
            _pass4(ur, ui, vr, vi, s, wr, wi)
        elif p == 2:
            _pass2(ur, ui, vr, vi, s, wr, wi)
        elif p == 3:
            _pass3(ur, ui, vr, vi, s, wr, wi)
        elif p == 5:
            _pass5(ur, ui, vr, vi, s, wr, wi)
        else:
            _pass(ur, ui, vr, vi, s, wr, wi)
        ar, br = br, ar
        ai, bi = bi, ai
        s *= p
    return ar, ai


def _least_factor(n):
    p = 2
    while n % p != 0:
        p += 1
    return p


def _pass2(xr, xi, yr, yi, s, wr, wi):
    """y[a, j] = W[a j s] sum over l of exp(-2 pi i j l / 2) x[l, a], and so on for the other factors."""
    for a in range(xr.shape[1]):
        c, d = wr[a * s], wi[a * s]
        for q in range(xr.shape[2]):
            t = xr[0, a, q] - xr[1, a, q]
            u = xi[0, a, q] - xi[1, a, q]
            yr[a, 0, q] = xr[0, a, q] + xr[1, a, q]
            yi[a, 0, q] = xi[0, a, q] + xi[1, a, q]
            yr[a, 1, q] = t * c - u * d
            yi[a, 1, q] = t * d + u * c


def _pass3(xr, xi, yr, yi, s, wr, wi):
    third = wr.dtype.type(math.sqrt(0.75))
    half = wr.dtype.type(0.5)
    for a in range(xr.shape[1]):
        c1, d1 = wr[a * s], wi[a * s]
        c2, d2 = wr[2 * a * s], wi[2 * a * s]
        for q in range(xr.shape[2]):
            er = xr[1, a, q] + xr[2, a, q]
            ei = xi[1, a, q] + xi[2, a, q]
            fr = third * (xi[1, a, q] - xi[2, a, q])
            fi = third * (xr[2, a, q] - xr[1, a, q])
            gr = xr[0, a, q] - half * er
            gi = xi[0, a, q] - half * ei
            yr[a, 0, q] = xr[0, a, q] + er
            yi[a, 0, q] = xi[0, a, q] + ei
            t, u = gr + fr, gi + fi
            yr[a, 1, q] = t * c1 - u * d1
            yi[a, 1, q] = t * d1 + u * c1
            t, u = gr - fr, gi - fi
            yr[a, 2, q] = t * c2 - u * d2
            yi[a, 2, q] = t * d2 + u * c2


def _pass4(xr, xi, yr, yi, s, wr, wi):
    for a in range(xr.shape[1]):
        c1, d1 = wr[a * s], wi[a * s]
        c2, d2 = wr[2 * a * s], wi[2 * a * s]
        c3, d3 = wr[3 * a * s], wi[3 * a * s]
        for q in range(xr.shape[2]):
            er = xr[0, a, q] + xr[2, a, q]
            ei = xi[0, a, q] + xi[2, a, q]
            fr = xr[1, a, q] + xr[3, a, q]
            fi = xi[1, a, q] + xi[3, a, q]
            gr = xr[0, a, q] - xr[2, a, q]
            gi = xi[0, a, q] - xi[2, a, q]
            hr = xi[1, a, q] - xi[3, a, q]
            hi = xr[3, a, q] - xr[1, a, q]
            yr[a, 0, q] = er + fr
            yi[a, 0, q] = ei + fi
            t, u = gr + hr, gi + hi
            yr[a, 1, q] = t * c1 - u * d1
            yi[a, 1, q] = t * d1 + u * c1
            t, u = er - fr, ei - fi
            yr[a, 2, q] = t * c2 - u * d2
            yi[a, 2, q] = t * d2 + u * c2
            t, u = gr - hr, gi - hi
            yr[a, 3, q] = t * c3 - u * d3
            yi[a, 3, q] = t * d3 + u * c3


def _pass5(xr, xi, yr, yi, s, wr, wi):
    p1, p2 = wr.dtype.type(math.cos(0.4 * math.pi)), wr.dtype.type(math.cos(0.8 * math.pi))
    m1, m2 = wr.dtype.type(math.sin(0.4 * math.pi)), wr.dtype.type(math.sin(0.8 * math.pi))
    for a in range(xr.shape[1]):
        for q in range(xr.shape[2]):
            er, ei = xr[1, a, q] + xr[4, a, q], xi[1, a, q] + xi[4, a, q]
            fr, fi = xr[2, a, q] + xr[3, a, q], xi[2, a, q] + xi[3, a, q]
            gr, gi = xr[1, a, q] - xr[4, a, q], xi[1, a, q] - xi[4, a, q]
            hr, hi = xr[2, a, q] - xr[3, a, q], xi[2, a, q] - xi[3, a, q]
            br, bi = xr[0, a, q] + p1 * er + p2 * fr, xi[0, a, q] + p1 * ei + p2 * fi
            cr, ci = xr[0, a, q] + p2 * er + p1 * fr, xi[0, a, q] + p2 * ei + p1 * fi
            vr, vi = m1 * gr + m2 * hr, m1 * gi + m2 * hi
            zr, zi = m2 * gr - m1 * hr, m2 * gi - m1 * hi
            yr[a, 0, q] = xr[0, a, q] + er + fr
            yi[a, 0, q] = xi[0, a, q] + ei + fi
            _turn(yr, yi, a, 1, q, br + vi, bi - vr, wr, wi, s)
            _turn(yr, yi, a, 4, q, br - vi, bi + vr, wr, wi, s)
            _turn(yr, yi, a, 2, q, cr + zi, ci - zr, wr, wi, s)
            _turn(yr, yi, a, 3, q, cr - zi, ci + zr, wr, wi, s)


def _turn(yr, yi, a, j, q, t, u, wr, wi, s):
    c, d = wr[a * j * s], wi[a * j * s]
    yr[a, j, q] = t * c - u * d
    yi[a, j, q] = t * d + u * c


def _pass(xr, xi, yr, yi, s, wr, wi):
    """Any factor: each sum as it stands."""
    p = xr.shape[0]
    n = wr.shape[0]
    for a in range(xr.shape[1]):
        for j in range(p):
            at = a * j * s
            for q in range(xr.shape[2]):
                yr[a, j, q] = 0.0
                yi[a, j, q] = 0.0
            for l in range(p):
                c, d = wr[at], wi[at]
                for q in range(xr.shape[2]):
                    yr[a, j, q] += xr[l, a, q] * c - xi[l, a, q] * d
                    yi[a, j, q] += xr[l, a, q] * d + xi[l, a, q] * c
                at = (at + j * (n // p)) % n


# ---------------------------------------------------------------- lengths, factors


def complexed(a):
    return floating(a) + 0j


def sized(m, n):
    """The rows cut, or filled up with zeros, to the length n."""
    if n is None:
        n = m.shape[1]
    if n < 1:
        raise ValueError(f"Invalid number of FFT data points ({n}) specified.")
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
    if norm is None or norm == "backward":
        return 1.0 / n
    if norm == "ortho":
        return 1.0 / math.sqrt(n)
    if norm == "forward":
        return 1.0
    raise ValueError(f'Invalid norm value {norm}; should be "backward","ortho" or "forward".')


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
    n = 2 * (m.shape[1] - 1) if n is None else n
    if n < 1:
        raise ValueError(f"Invalid number of FFT data points ({n}) specified.")
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


def _swapped(norm):
    if norm is None or norm == "backward":
        return "forward"
    return "backward" if norm == "forward" else norm


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
