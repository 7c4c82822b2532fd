"""Mechanics as people simulate it: springs, cloth, rigid bodies, membranes; state in arrays that every step overwrites."""

import math

import numpy as np

from tests.programs.registry import mat, program, vec

GRAVITY = np.array([0.0, -9.81])


@program(
    (mat(4, 2, 900, 0.2, 1.5), vec(5, 901, 2.0, 6.0), vec(5, 902, 0.3, 0.9), np.array([0, 0, 1, 3, 2]), np.array([1, 2, 2, 1, 3]), 8),
    (mat(2, 2, 903, 0.2, 1.5), vec(1, 904, 2.0, 6.0), vec(1, 905, 0.3, 0.9), np.array([1]), np.array([0]), 12),
)
def masses_and_springs(start, stiffness, rest, first, second, steps):
    """Springs are two arrays of indices; the floor is met by a penalty."""
    x = start.copy()
    v = np.zeros_like(x)
    force = np.zeros_like(x)
    dt = 0.05
    for _ in range(steps):
        force[:] = GRAVITY
        for s in range(len(first)):
            i, j = first[s], second[s]
            d = x[j] - x[i]
            length = np.sqrt(d @ d)
            pull = stiffness[s] * (length - rest[s]) * d / length
            force[i] += pull
            force[j] -= pull
        for i in range(x.shape[0]):
            if x[i, 1] < 0.0:
                force[i, 1] -= 40.0 * x[i, 1] + 0.5 * v[i, 1]
                force[i, 0] -= 0.3 * v[i, 0]
        v += dt * force
        v *= 0.99
        x += dt * v
    return x


def hung(rows, columns):
    sheet = np.zeros((rows, columns, 3))
    for i in range(rows):
        for j in range(columns):
            sheet[i, j] = 0.4 * j + 0.02 * i, -0.05 * i * j, 0.4 * i + 0.03 * j * j
    return sheet


@program((hung(3, 4), 0.35, 0.9, np.array([0.1, 0.0, -0.4]), 4), (hung(2, 2), 0.45, 0.3, np.array([0.1, 0.2, -0.4]), 6), slow=True)
def cloth(start, rest, radius, wind, steps):
    """Verlet's method, the buffers trading places; then lengths are put right one after the other, and a ball is in the way."""
    now, before = start.copy(), start.copy()
    rows, columns, _ = start.shape
    for step in range(steps):
        for i in range(rows):
            for j in range(columns):
                before[i, j] = 1.99 * now[i, j] - 0.99 * before[i, j] + 0.01 * wind * (1.0 + 0.1 * step)
        now, before = before, now
        for _ in range(2):
            for i in range(rows):
                for j in range(columns):
                    for di, dj in ((0, 1), (1, 0)):
                        k, l = i + di, j + dj
                        if k < rows and l < columns:
                            d = now[k, l] - now[i, j]
                            length = math.sqrt(d[0] ** 2 + d[1] ** 2 + d[2] ** 2)
                            if length > rest:
                                shift = 0.5 * (1.0 - rest / length) * d
                                now[i, j] += shift
                                now[k, l] -= shift
            now[0, 0] = start[0, 0]
            now[0, -1] = start[0, -1]
        for i in range(rows):
            for j in range(columns):
                out = now[i, j] - np.array([0.5, -0.1, 0.4])
                distance = np.sqrt(np.sum(out * out))
                if distance < radius:
                    now[i, j] += (radius / distance - 1.0) * out
    return now


def rotation(q):
    """The matrix of a unit quaternion."""
    w, x, y, z = q
    r = np.empty((3, 3))
    r[0] = 1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)
    r[1] = 2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)
    r[2] = 2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)
    return r


def cross(a, b):
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


@program((np.array([0.9, 0.1, -0.3, 0.2]), np.array([0.4, 2.0, -0.3]), np.array([1.0, 2.1, 3.3]), 6), order=3)
def spinning_body(attitude, momentum, inertia, steps):
    """Torque-free rotation; the quaternion is turned and made a unit again in place."""
    q = attitude / np.linalg.norm(attitude)
    for _ in range(steps):
        r = rotation(q)
        omega = r @ ((momentum @ r) / inertia)
        w, v = q[0], q[1:].copy()
        q[0] -= 0.05 * (omega @ v)
        q[1:] += 0.05 * (w * omega + cross(omega, v))
        q /= np.sqrt(np.sum(q * q))
    return rotation(q)[0] @ momentum + q[3]


@program((np.array([0.0, 0.8, 0.3]), np.array([0.4, 0.0, 1.5]), 0.5, 0.6, 0.4, 25), loose=10.0)
def rod_that_falls(place, velocity, half, restitution, friction, steps):
    """A rigid rod in the plane: each end that reaches the floor gets an impulse, whose friction is cut off."""
    x, v = place.copy(), velocity.copy()
    mass, inertia = 1.3, 1.3 * half**2 / 3.0
    for _ in range(steps):
        v[1] -= 9.81 * 0.02
        x += 0.02 * v
        for side in (-1.0, 1.0):
            rx, ry = side * half * math.cos(x[2]), side * half * math.sin(x[2])
            depth = x[1] + ry
            approach = v[1] + v[2] * rx
            if depth < 0.0 and approach < 0.0:
                normal = -(1.0 + restitution) * approach / (1.0 / mass + rx * rx / inertia)
                slip = v[0] - v[2] * ry
                along = -slip / (1.0 / mass + ry * ry / inertia)
                along = max(-friction * normal, min(friction * normal, along))
                v[0] += along / mass
                v[1] += normal / mass
                v[2] += (rx * normal - ry * along) / inertia
                x[1] -= depth
    return x, v


@program((mat(4, 5, 906), 0.3, 0.05, 4), (mat(3, 3, 907), 0.2, 0.1, 5), (mat(3, 4, 908), 0.2, 0.1, 0))
def drum(start, speed, damping, steps):
    """A membrane in three buffers that go round."""
    a, b, c = start.copy(), start.copy(), np.zeros_like(start)
    for _ in range(steps):
        for i in range(1, a.shape[0] - 1):
            for j in range(1, a.shape[1] - 1):
                bent = b[i - 1, j] + b[i + 1, j] + b[i, j - 1] + b[i, j + 1] - 4.0 * b[i, j]
                c[i, j] = 2.0 * b[i, j] - a[i, j] + speed**2 * bent - damping * (b[i, j] - a[i, j]) - 0.02 * b[i, j] ** 3
        a, b, c = b, c, a
    return b


@program((vec(3, 909), vec(3, 910, 0.5, 1.5), 0.02, 6))
def pendulum_chain(angle, length, dt, steps):
    """Links of a chain by their angles; the mass matrix is filled and solved in place at every step."""
    n = len(angle)
    a, w = angle.copy(), np.zeros(n)
    m, f = np.empty((n, n)), np.empty(n)
    for _ in range(steps):
        for i in range(n):
            f[i] = -9.81 * (n - i) * length[i] * np.sin(a[i])
            for j in range(n):
                c = (n - max(i, j)) * length[i] * length[j]
                m[i, j] = c * np.cos(a[i] - a[j])
                f[i] -= c * np.sin(a[i] - a[j]) * w[j] ** 2
        for k in range(n):
            for i in range(k + 1, n):
                g = m[i, k] / m[k, k]
                m[i, k:] -= g * m[k, k:]
                f[i] -= g * f[k]
        for k in range(n - 1, -1, -1):
            f[k] = (f[k] - m[k, k + 1 :] @ f[k + 1 :]) / m[k, k]
        w += dt * f
        a += dt * w
    return a
