"""Complex numbers: iterations, roots, transforms, quantum mechanics, circuits, conformal maps; with complex arguments and with real ones."""

import cmath
import math

import numpy as np

from tests.programs.registry import cmat, cvec, program, vec


@program((0.3 + 0.55j, 30), (-0.75 + 0.2j, 12), (np.complex128(-0.1 + 0.65j), 20), (0.1 + 0.1j, 0))
def mandelbrot_distance(c, steps):
    """|z| log|z| / |dz/dc|, or the size of the last point inside the set."""
    z, dz = 0j, 0j
    for _ in range(steps):
        dz = 2.0 * z * dz + 1.0
        z = z * z + c
        if abs(z) > 50.0:
            return abs(z) * math.log(abs(z)) / abs(dz)
    return abs(z) + (z * z.conjugate()).real


@program((cvec(5, 1), 0.4 + 0.9j), (cvec(4, 2), -0.7 + 0.4j))
def polynomial_root(coefficients, z):
    """Newton's method, as long as it takes."""
    n = len(coefficients)
    for _ in range(60):
        p, dp = coefficients[0] + 1.5, 0j
        for k in range(1, n):
            dp = dp * z + p
            p = p * z + coefficients[k]
        step = p / dp
        z = z - step
        if abs(step) < 1e-13:
            break
    return z


@program((cvec(8, 3),), (cvec(16, 4),), (cvec(1, 5),), (cvec(8, 6).astype(np.complex64),))
def fourier_transform(x):
    """Radix 2, in place after the reversal of bits."""
    n = len(x)
    y = np.zeros(n, dtype=x.dtype)
    for i in range(n):
        j, k, m = 0, i, n
        while m > 1:
            j = 2 * j + k % 2
            k = k // 2
            m = m // 2
        y[j] = x[i]
    size = 2
    while size <= n:
        turn = np.exp(-2j * math.pi / size)
        for start in range(0, n, size):
            w = 1.0 + 0j
            for k in range(size // 2):
                even, odd = y[start + k], w * y[start + k + size // 2]
                y[start + k] = even + odd
                y[start + k + size // 2] = even - odd
                w = w * turn
        size = 2 * size
    return y


@program((vec(12, 7),), (np.zeros(0),))
def power_spectrum(signal):
    """The transform as a double sum over real data."""
    n = len(signal)
    out = np.zeros(n)
    for k in range(n):
        total = 0j
        for t in range(n):
            total += signal[t] * cmath.exp(-2j * cmath.pi * k * t / n)
        out[k] = abs(total) ** 2
    return out


@program((0.3 - 0.2j, 1.5 + 0.4j, 0.2j, 0.7 - 0.1j, 1.1 + 0.3j, 6))
def mobius_iterated(z, a, b, c, d, n):
    for _ in range(n):
        z = (a * z + b) / (c * z + d)
    return z


@program((np.array([1.0 + 0j, 0j]), 0.7, 1.3, 0.05, 20), (np.array([0.6 + 0.2j, -0.3j]), -0.4, 0.9, 0.1, 7))
def two_levels(psi, detuning, rabi, dt, steps):
    """Unitary steps of a driven two-level system, in place; the population of the upper level and the coherence."""
    psi = psi.copy()
    size = math.sqrt(detuning**2 + rabi**2)
    cos, sin = math.cos(0.5 * size * dt), math.sin(0.5 * size * dt) / size
    for k in range(steps):
        drive = rabi * cmath.exp(0.3j * k * dt)
        lower = (cos + 1j * detuning * sin) * psi[0] - 1j * sin * drive * psi[1]
        psi[1] = (cos - 1j * detuning * sin) * psi[1] - 1j * sin * drive.conjugate() * psi[0]
        psi[0] = lower
    return abs(psi[1]) ** 2, psi[0] * np.conj(psi[1])


@program((cvec(6, 8), 0.6 - 0.3j), (vec(5, 9), 0.6 - 0.3j), (cvec(4, 10), 0.8), (vec(3, 11), -0.4))
def polynomial_value(coefficients, z):
    """Horner's rule, with every mixture of real and complex arguments."""
    p = 0.0 * z
    for c in coefficients:
        p = p * z + c
    return p


@program((np.array([1.0, 0.4, 0.3]), np.array([1.0, 0.2, 0.05]), np.linspace(0.2, 3.0, 5)))
def gain_of_a_filter(b, a, frequencies):
    """|B/A| in decibels and the phase along the unit circle."""
    z = np.exp(-1j * frequencies)
    top, bottom = np.zeros(len(z), dtype=complex), np.zeros(len(z), dtype=complex)
    for k in range(len(b)):
        top = top * z + b[len(b) - 1 - k]
        bottom = bottom * z + a[len(b) - 1 - k]
    h = top / bottom
    return 20.0 * np.log10(np.abs(h)), np.angle(h)


@program((0.4 + 0.3j, 1.6, 24), (1.2 - 0.1j, 2.5, 30))
def residue_by_contour(pole, radius, n):
    """The integral of exp(z) / (z - pole) around a circle, by the trapezoidal rule: 2 pi i exp(pole)."""
    total = 0j
    for k in range(n):
        z = cmath.rect(radius, 2.0 * math.pi * k / n)
        total = total + cmath.exp(z) / (z - pole) * (1j * z) * (2.0 * math.pi / n)
    return total / (2j * math.pi)


@program((cmat(4, 3, 12),), (cmat(2, 2, 13),))
def complex_gram_schmidt(a):
    """Q and R in place; R has complex entries above its real diagonal."""
    m, n = a.shape
    q = a.copy()
    r = np.zeros((n, n), dtype=complex)
    for k in range(n):
        for j in range(k):
            s = 0j
            for i in range(m):
                s += q[i, j].conjugate() * q[i, k]
            r[j, k] = s
            for i in range(m):
                q[i, k] -= s * q[i, j]
        size = np.sqrt(np.sum(np.abs(q[:, k]) ** 2))
        r[k, k] = size
        q[:, k] = q[:, k] / size
    return q, r


@program((np.array([1.0, 2.2, 0.7]), np.array([0.3, 0.1, 0.4]), np.array([0.8, 1.5]), 2.0, cvec(3, 14)))
def ladder_circuit(resistance, inductance, capacitance, omega, source):
    """Node voltages of a network at one frequency, by elimination with a choice of the pivot."""
    n = 3
    y = np.zeros((n, n), dtype=complex)
    for k in range(n):
        y[k, k] += 1.0 / (resistance[k] + 1j * omega * inductance[k])
    for k in range(n - 1):
        couple = 1j * omega * capacitance[k]
        y[k, k] += couple
        y[k + 1, k + 1] += couple
        y[k, k + 1] -= couple
        y[k + 1, k] -= couple
    v = source.copy()
    for k in range(n):
        best = k
        for i in range(k + 1, n):
            if abs(y[i, k]) > abs(y[best, k]):
                best = i
        for j in range(n):
            swap = y[k, j]
            y[k, j] = y[best, j]
            y[best, j] = swap
        held = v[k]
        v[k] = v[best]
        v[best] = held
        for i in range(k + 1, n):
            factor = y[i, k] / y[k, k]
            for j in range(k, n):
                y[i, j] -= factor * y[k, j]
            v[i] -= factor * v[k]
    for k in range(n - 1, -1, -1):
        for j in range(k + 1, n):
            v[k] -= y[k, j] * v[j]
        v[k] = v[k] / y[k, k]
    return v


@program((0.08 - 0.06j, 1.1, 0.2, 9), (-0.1 + 0.05j, 0.9, -0.15, 5))
def joukowski_airfoil(centre, speed, attack, n):
    """The pressure around an airfoil that a circle is mapped to, and the circulation of the Kutta condition."""
    radius = abs(1.0 - centre)
    below = cmath.phase(1.0 - centre)
    circulation = 4.0 * math.pi * speed * radius * math.sin(attack - below)
    pressure = np.zeros(n)
    for k in range(n):
        zeta = centre + cmath.rect(radius, 0.3 + 2.0 * math.pi * k / n)
        rel = zeta - centre
        flow = speed * (cmath.exp(-1j * attack) - cmath.exp(1j * attack) * radius**2 / rel**2) + 1j * circulation / (2.0 * math.pi * rel)
        velocity = flow / (1.0 - 1.0 / zeta**2)
        pressure[k] = 1.0 - abs(velocity) ** 2 / speed**2
    return pressure, circulation


@program((0.7 + 0.4j,), (-1.3 + 0.8j,), (0.2 - 1.6j,), (np.complex128(-0.6 - 0.9j),), (1.7 + 0.2j,))
def elementary_complex(z):
    """Every analytic function, away from its singularities, in a loop and in a branch."""
    s = 0j
    for k in range(3):
        w = z * (0.6 + 0.1 * k)
        s += cmath.exp(w) * cmath.sin(w) + cmath.cos(w) / cmath.cosh(w) + cmath.sinh(w) * cmath.tanh(w) + cmath.tan(0.3 * w)
    if z.imag >= 0.0:
        s = s + cmath.log(z) + cmath.sqrt(z) + cmath.asin(z) * cmath.acos(z) + z**-2 + z ** (0.3 - 0.2j)
    else:
        s = s + cmath.atan(0.4 * z) + cmath.asinh(z) + cmath.acosh(z) * cmath.atanh(z) + np.log1p(z) + np.expm1(z) + 2.0**z
    return s


@program((cvec(5, 15), cvec(5, 16), vec(5, 17)), (cvec(3, 18), cvec(3, 19), vec(3, 20)))
def whole_arrays(a, b, x):
    """Broadcasting, reductions, products and the parts of arrays."""
    table = a[:, None] * np.conj(b) + x
    inner = np.vdot(a, b) + a @ b + np.dot(x, b) + np.mean(table) + np.prod(a + 1.5)
    kept = np.where(np.abs(a) > 0.5, a * x, b.real + 1j * b.imag)
    return np.sum(table, axis=0), inner, kept[::-1], np.abs(table[1:, :2]), np.angle(b + 3.0), np.std(a), np.sum(a.real * b.imag)


@program((cvec(6, 21), 0.3), (cvec(4, 22), -1.1))
def rotated_in_place(a, angle):
    """The caller's array is changed: phases, products with its neighbours, one row at a time."""
    w = cmath.exp(1j * angle)
    for i in range(1, len(a)):
        a[i] *= w
        a[i] += a[i - 1] * a[i].conjugate() / (1.0 + abs(a[i - 1]))
    a[0] = a[0].real
    return a[-1]


@program((1.2, 0.7), (-0.4, 2.0))
def real_in_and_out(x, y):
    """Complex numbers on the way only."""
    z = complex(x, y) ** 2 / complex(y, 1.0)
    r, phi = cmath.polar(z)
    back = r * (math.cos(phi) + 1j * math.sin(phi))
    return back.real * z.imag + abs(z - 2.0 * back.conjugate()) + cmath.sqrt(x * x + 1.0).real


@program((np.complex64(0.4 + 0.3j), np.float32(1.5), 5), (np.complex64(-0.2 + 0.8j), np.float32(-0.5), 3))
def single_precision(z, x, n):
    s = z * x
    for k in range(n):
        s = np.exp(s * 0.5) - x * np.conj(z) / (k + 2)
    return s


@program((cvec(3, 23), 2.0, 1e-6), (cvec(3, 24), 0.5, 1e-6), wrt=(0, 1))
def damped_until_small(z, rate, tolerance):
    """A trip count that the data decide, with a complex array carried through the loop."""
    k = 0
    size = np.sum(np.abs(z))
    while size > tolerance and k < 40:
        z = z * np.exp(1j * rate - 0.7 * np.abs(z)) * 0.5
        size = np.sum(np.abs(z))
        k += 1
    return np.sum(z) * 1e6, k
