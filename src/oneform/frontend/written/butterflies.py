"""The discrete Fourier transform of the columns of a matrix, whose real and imaginary parts are arrays of their own: roots of unity, and one factor of
the length at a time (Stockham, after Cooley and Tukey 1965)."""

# pyright: basic, reportReturnType=false, reportMissingParameterType=false

from __future__ import annotations

import math

import numpy as np

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


def transformed(xr, xi, n, wr, wi):
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
