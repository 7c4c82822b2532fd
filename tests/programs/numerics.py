"""Numerical methods: quadrature, root finding, differential equations with fixed and adaptive steps, filters, transforms."""

import numpy as np

from tests.programs.registry import mat, program, vec


@program((0.2, 1.7, 6), (0.2, 1.7, 0))
def simpson(a, b, n):
    if n == 0:
        return 0.5 * (b - a) * (np.sin(a * a) + np.sin(b * b))
    h = (b - a) / (2 * n)
    s = np.sin(a * a) + np.sin(b * b)
    for i in range(1, 2 * n):
        x = a + i * h
        s += (4.0 if i % 2 == 1 else 2.0) * np.sin(x * x)
    return s * h / 3.0


@program((0.1, 1.2, 4))
def romberg(a, b, levels):
    t = np.zeros((levels, levels))
    h = b - a
    t[0, 0] = 0.5 * h * (np.exp(-a * a) + np.exp(-b * b))
    for k in range(1, levels):
        h = h * 0.5
        s = 0.0
        for i in range(1, 2**k, 2):
            x = a + i * h
            s += np.exp(-x * x)
        t[k, 0] = 0.5 * t[k - 1, 0] + h * s
        f = 1.0
        for j in range(1, k + 1):
            f *= 4.0
            t[k, j] = t[k, j - 1] + (t[k, j - 1] - t[k - 1, j - 1]) / (f - 1.0)
    return t[levels - 1, levels - 1] * b


def predator_prey(y, p, out):
    out[0] = p[0] * y[0] - p[1] * y[0] * y[1]
    out[1] = p[2] * y[0] * y[1] - p[3] * y[1]


@program((np.array([1.0, 0.5]), np.array([1.1, 0.4, 0.1, 0.4]), 10), (np.array([1.0, 0.5]), np.array([1.1, 0.4, 0.1, 0.4]), 0))
def runge_kutta_4(y0, p, steps):
    h = 0.1
    y = y0.copy()
    k1, k2, k3, k4 = np.zeros(2), np.zeros(2), np.zeros(2), np.zeros(2)
    for _ in range(steps):
        predator_prey(y, p, k1)
        predator_prey(y + 0.5 * h * k1, p, k2)
        predator_prey(y + 0.5 * h * k2, p, k3)
        predator_prey(y + h * k3, p, k4)
        y += h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return y


@program((1.2, 0.3, 2.0, 1e-3), (1.2, 0.3, -1.0, 1e-3), wrt=(0, 1, 2))
def adaptive_heun(x, a, end, tolerance):
    """Steps are accepted and rejected by the data; the step size itself depends on the parameters."""
    t = 0.0
    h = 0.5
    while t < end:
        if t + h > end:
            h = end - t
        k1 = np.sin(x * a) - 0.3 * x
        k2 = np.sin((x + h * k1) * a) - 0.3 * (x + h * k1)
        error = abs(0.5 * h * (k2 - k1)) + 1e-12
        if error < tolerance:
            x = x + 0.5 * h * (k1 + k2)
            t = t + h
        h = h * min(2.0, max(0.3, 0.9 * np.sqrt(tolerance / error)))
    return x


@program((0.9, 2.3))
def newton_2d(a, b):
    x, y = 1.0, 1.0
    for _ in range(12):
        f = x * x + y * y - 4.0 * a
        g = x * y - 0.5 * b
        if abs(f) + abs(g) < 1e-12:
            break
        det = 2.0 * x * x - 2.0 * y * y + 3.0
        x, y = x - (x * f - 2.0 * y * g) / det, y - (2.0 * x * g - y * f) / det
    return x + 2.0 * y


@program((2.0, 0.5))
def secant(a, x):
    x0 = x
    x1 = x + 0.3
    f0 = x0**3 - a
    for _ in range(30):
        f1 = x1**3 - a
        if abs(f1) < 1e-9:
            break
        x0, x1, f0 = x1, x1 - f1 * (x1 - x0) / (f1 - f0), f1
    return x1 * a


@program((np.array([0.0, 1.0, 0.3, -0.7]), np.array([0.2, 0.1, -0.4, 0.3]), vec(2, 160, 0.5, 1.5), 6))
def leapfrog_two_bodies(position, velocity, mass, steps):
    x = position.copy()
    v = velocity.copy()
    dt = 0.05
    for _ in range(steps):
        for i in range(4):
            x[i] += 0.5 * dt * v[i]
        dx = x[2] - x[0]
        dy = x[3] - x[1]
        r3 = (dx * dx + dy * dy + 0.01) ** 1.5
        v[0] += dt * mass[1] * dx / r3
        v[1] += dt * mass[1] * dy / r3
        v[2] -= dt * mass[0] * dx / r3
        v[3] -= dt * mass[0] * dy / r3
        for i in range(4):
            x[i] += 0.5 * dt * v[i]
    return x[0] * v[1] + x[2] * x[3] + mass[0] * v[2] ** 2


@program((mat(4, 3, 161), vec(4, 162, 0.5, 2.0), 2))
def n_body_energy(x, m, steps):
    n = x.shape[0]
    p = x.copy()
    e = 0.0
    for s in range(steps):
        e = 0.0
        for i in range(n):
            for j in range(i):
                d2 = 0.1
                for k in range(3):
                    d2 += (p[i, k] - p[j, k]) ** 2
                e -= m[i] * m[j] / np.sqrt(d2)
                for k in range(3):
                    f = 0.01 * (p[j, k] - p[i, k]) / d2
                    p[i, k] += f * m[j]
                    p[j, k] -= f * m[i]
    return e


@program((vec(8, 163), 0.3, 0.2, 0.1))
def iir_filter(x, a, b, c):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[i] = c * x[i]
        if i >= 1:
            y[i] += a * y[i - 1]
        if i >= 2:
            y[i] += b * y[i - 2] * y[i - 1]
    return y


@program((vec(6, 164), 0.5, 0.8, 0.3))
def kalman_likelihood(z, q, r, x):
    p = 1.0
    loss = 0.0
    for i in range(len(z)):
        p = p + q * q
        s = p + r * r
        gain = p / s
        e = z[i] - x
        loss += 0.5 * (np.log(s) + e * e / s)
        x = 0.95 * (x + gain * e)
        p = (1.0 - gain) * p
    return loss


@program((vec(8, 165),), (vec(1, 165),))
def walsh_hadamard(x):
    """Butterflies in place, the stride doubling by a while."""
    y = x.copy()
    n = len(y)
    h = 1
    while h < n:
        for i in range(0, n, 2 * h):
            for j in range(i, i + h):
                u = y[j]
                v = y[j + h] * 1.1
                y[j] = u + v
                y[j + h] = (u - v) * (1.0 + 0.1 * u)
        h *= 2
    return y


@program((vec(7, 166), 0.7))
def cubic_spline_at(y, t):
    n = len(y)
    m = np.zeros(n)
    d = np.zeros(n)
    u = np.zeros(n)
    for i in range(1, n - 1):
        w = 4.0 - d[i - 1]
        d[i] = 1.0 / w
        u[i] = (6.0 * (y[i + 1] - 2.0 * y[i] + y[i - 1]) - u[i - 1]) / w
    for i in range(n - 2, 0, -1):
        m[i] = u[i] - d[i] * m[i + 1]
    s = t * (n - 1)
    k = int(s)
    a = s - k
    b = 1.0 - a
    return b * y[k] + a * y[k + 1] + ((a**3 - a) * m[k + 1] + (b**3 - b) * m[k]) / 6.0


@program((vec(6, 167), 0.15, 3))
def implicit_heat(u0, c, steps):
    n = len(u0)
    u = u0.copy()
    cp = np.zeros(n)
    for _ in range(steps):
        cp[0] = -c / (1.0 + 2.0 * c)
        u[0] = u[0] / (1.0 + 2.0 * c)
        for i in range(1, n):
            w = 1.0 + 2.0 * c + c * cp[i - 1]
            cp[i] = -c / w
            u[i] = (u[i] + c * u[i - 1]) / w
        for i in range(n - 2, -1, -1):
            u[i] -= cp[i] * u[i + 1]
    return u


@program((vec(5, 168), vec(4, 169), 0.2, 0.4))
def lstm_like(x, w, h, c):
    for i in range(len(x)):
        f = 1.0 / (1.0 + np.exp(-(w[0] * x[i] + w[1] * h)))
        g = np.tanh(w[2] * x[i] + w[3] * h)
        c = f * c + (1.0 - f) * g
        h = f * np.tanh(c)
    return h * c + h


@program((mat(5, 2, 170), np.array([0.3, 0.7]), mat(2, 2, 171), mat(2, 2, 172, 0.5, 1.5)))
def gaussian_mixture(x, alpha, mu, scale):
    total = 0.0
    t = np.zeros(2)
    for i in range(x.shape[0]):
        for k in range(2):
            q = alpha[k]
            for d in range(2):
                z = (x[i, d] - mu[k, d]) * scale[k, d]
                q += np.log(scale[k, d]) - 0.5 * z * z
            t[k] = q
        top = max(t[0], t[1])
        total += top + np.log(np.exp(t[0] - top) + np.exp(t[1] - top))
    return total - len(x) * np.log(np.exp(alpha[0]) + np.exp(alpha[1]))


@program((0.5, 1.8, 0.4), loose=10.0)
def gradient_descent_unrolled(x, y, rate):
    """Rosenbrock's valley by descent with backtracking; the number of halvings is data."""
    for _ in range(6):
        gx = -2.0 * (1.0 - x) - 40.0 * x * (y - x * x)
        gy = 20.0 * (y - x * x)
        f = (1.0 - x) ** 2 + 10.0 * (y - x * x) ** 2
        t = rate
        nx, ny = x - t * gx, y - t * gy
        while (1.0 - nx) ** 2 + 10.0 * (ny - nx * nx) ** 2 > f:
            t *= 0.5
            nx, ny = x - t * gx, y - t * gy
        x, y = nx, ny
    return (1.0 - x) ** 2 + 10.0 * (y - x * x) ** 2 + 0.1 * x
