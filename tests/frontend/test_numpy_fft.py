"""Discrete Fourier transforms of NumPy and SciPy, in compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.fft as sf

import oneform as of
from tests.frontend.library_snippets import Snippet, case, check_raises, check_values, compare

RNG = np.random.default_rng(11)
V = RNG.normal(size=6)
Z = RNG.normal(size=(3, 4)) + 1j * RNG.normal(size=(3, 4))
T = RNG.normal(size=(2, 3, 4))
F = RNG.normal(size=(3, 5)).astype(np.float32)
C = Z.astype(np.complex64)
K = np.arange(6).reshape(2, 3)

TRANSFORMS: list[Snippet] = [
    case(lambda z: np.fft.fft(z, 6, 0, "forward"), Z), case(lambda k: np.fft.fft(k), K), case(lambda z: np.fft.fft(z, 2), np.empty((3, 0))), case(lambda z: np.fft.ifft(z, 5, norm="ortho"), C),
    case(lambda v: np.fft.rfft(v, axis=1, norm="ortho"), T), case(lambda k: np.fft.rfft(k > 1), K), case(lambda z: np.fft.irfft(z, 3, axis=0, norm="forward"), C), case(lambda z: np.fft.irfft(z, 1), Z),
    case(lambda z: np.fft.hfft(z, 5, norm="ortho"), Z), case(lambda v: np.fft.ihfft(v, 5, norm="forward"), F), case(lambda t: np.fft.fft2(t, (2, 5), axes=(0, 2), norm="ortho"), T),
    case(lambda t: np.fft.rfftn(t, axes=(2, 0)), T), case(lambda t: np.fft.rfft2(t, s=(-1, 3)), T), case(lambda z: np.fft.irfft2(z, (3, 5)), Z), case(lambda v: sf.rfft(v, 4, norm="ortho"), F),
    case(lambda v: np.fft.fftshift(v), V), case(lambda t: np.fft.ifftshift(t, axes=(1,)), T), case(lambda v: sf.fftshift(v[:5]), V),
    case(lambda n: np.fft.fftfreq(n, 0.1), 5), case(lambda n: np.fft.fftfreq(n), 6), case(lambda n: np.fft.rfftfreq(n, d=2.0), 7),
]  # fmt: skip

LINEAR: list[tuple[Any, Any]] = [
    (lambda z: np.fft.fft(z, norm="ortho"), Z), (lambda z: np.fft.ifft(z, 3, 0), C), (lambda v: np.fft.rfft(v, 5), V), (lambda z: np.fft.irfft(z), Z[0]),
    (lambda v: np.fft.fft(v, 23), V), (lambda t: np.fft.ifftshift(t, 1), T),
]  # fmt: skip

BAD: list[Snippet] = [
    case(lambda v: np.fft.fft(v, 0), V), case(lambda v: np.fft.fft(v), np.empty(0)), case(lambda v: np.fft.irfft(v), V[:1]), case(lambda v: np.fft.fft(v, norm="half"), V), case(lambda v: np.fft.fft(v, axis=1), V), case(lambda z: np.fft.rfft(z), Z),
    case(lambda z: np.fft.fftn(z, (2,), axes=(0, 1)), Z),
]  # fmt: skip


@pytest.mark.parametrize("k", range(len(TRANSFORMS)))
def test_transforms(k: int) -> None:
    check_values(TRANSFORMS[k])


@pytest.mark.parametrize("k", range(len(LINEAR)))
def test_derivatives_of_transforms(k: int) -> None:
    """f = Re(sum w T(x)) is linear: its gradient is what it makes of each place, its derivative along dx is f(dx)."""
    transform, x = LINEAR[k]
    shape = transform(x).shape
    w = RNG.normal(size=shape) + 1j * RNG.normal(size=shape)

    def f(x: Any) -> Any:
        return np.sum(np.real(w * transform(x)))

    units = [u.reshape(x.shape) for u in np.eye(x.size)]
    expected = np.array([f(u.astype(x.dtype)) - (1j * f(1j * u) if x.dtype.kind == "c" else 0) for u in units]).reshape(x.shape)
    tolerance = 1e-5 if x.dtype == np.complex64 else 1e-13
    compare(of.grad(f)(x), expected, tolerance, dtypes=False)
    dx = x[::-1].copy()
    compare(of.jvp(f, (x,), (dx,))[1], f(dx), tolerance, dtypes=False)


def test_derivatives_of_second_order() -> None:
    """Of sum |F x|^4 for a real x: forward over reverse, and reverse over reverse."""

    def f(x: Any) -> Any:
        return np.sum(np.abs(np.fft.fft(x)) ** 4)

    gradient, h = of.grad(f), 1e-5
    x, dx = RNG.normal(size=20), RNG.normal(size=20)
    expected = (gradient(x + h * dx) - gradient(x - h * dx)) / (2 * h)
    compare(of.hvp(f, (x,), (dx,)), expected, 1e-8)
    compare(of.grad(lambda x: gradient(x) @ dx)(x), expected, 1e-8)


@pytest.mark.parametrize("k", range(len(BAD)))
def test_what_numpy_refuses_is_refused(k: int) -> None:
    check_raises(BAD[k])


def test_every_kind_of_length() -> None:
    """Each factor, several rows at a time and one, and prime numbers by convolution; one program for them all."""

    @of.jit
    def all_of_them(z: Any, n: int) -> Any:
        z = z[:, :n]
        half = np.fft.rfft(z.real)
        return np.fft.fft(z), np.fft.ifft(z), half, np.fft.irfft(half, n)

    buffer = RNG.normal(size=(3, 4100)) + 1j * RNG.normal(size=(3, 4100))
    for n in (*range(1, 41), 49, 60, 64, 97, 210, 1000, 1009, 1024, 2310, 4099):
        z = buffer[:, :n]
        for actual, expected in zip(all_of_them(buffer, n), (np.fft.fft(z), np.fft.ifft(z), np.fft.rfft(z.real), z.real), strict=True):
            compare(actual, expected, 1e-14)
    compare(all_of_them(buffer.reshape(1025, 12), 12)[0], np.fft.fft(buffer.reshape(1025, 12)), 1e-14)
