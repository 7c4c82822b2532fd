"""Geometry as people write it: rays that march, rigid motions with operators of their own, curves and areas that the data decide."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

import oneform as of
from tests.programs.registry import mat, program, vec

# ---------------------------------------------------------------- rays that march


def smooth_min(a, b, k):
    h = max(k - abs(a - b), 0.0) / k
    return min(a, b) - 0.25 * h * h * k


def distance_to_scene(p, centre, radius):
    """A ball that melts into a floor, and a box."""
    ball = np.sqrt(np.sum((p - centre) ** 2)) - radius
    floor = p[1] + 1.0 + 0.05 * np.sin(3.0 * p[0])
    q = np.abs(p - np.array([-1.3, -0.5, 0.4])) - np.array([0.3, 0.4, 0.35])
    outside = 0.0
    for k in range(3):
        outside += max(q[k], 0.0) ** 2
    box = np.sqrt(outside + 1e-12) + min(max(q[0], max(q[1], q[2])), 0.0)
    return min(smooth_min(ball, floor, 0.4), box)


def march(origin, way, centre, radius):
    """How far it is along a ray, or -1."""
    t = 0.0
    while t < 8.0:
        d = distance_to_scene(origin + t * way, centre, radius)
        if d < 1e-13:
            return t
        t += d
    return -1.0


@program((np.array([0.3, -0.2, 0.5]), 0.8), (np.array([-0.2, 0.1, 0.9]), 0.5), order=1, slow=True)
def ray_marcher(centre, radius):
    """Depth and light of a small picture; the normal is the gradient of the distance."""
    picture = np.zeros((2, 3, 2))
    origin = np.array([0.1, 0.4, -3.0])
    for i in range(2):
        for j in range(3):
            way = np.array([0.25 * (j - 1.4), -0.3 * (i - 0.6), 1.0])
            way /= np.sqrt(way @ way)
            t = march(origin, way, centre, radius)
            if t < 0.0:
                picture[i, j] = 8.0, 0.1 + 0.2 * way[1]
                continue
            normal = of.grad(distance_to_scene)(origin + t * way, centre, radius)
            picture[i, j, 0] = t
            picture[i, j, 1] = max(0.05, normal @ np.array([0.48, 0.8, -0.36]))
    return picture


@program((0.9, 0.3, 1.4), (0.4, 0.9, 2.0))
def absorbed_by_a_ball(radius, offset, thickness):
    """Through a soft ball in steps that shrink where it is dense; what is left of the light."""
    z, light = -2.0, 1.0
    while z < 2.0 and light > 1e-3:
        density = thickness * np.exp(-(z * z + offset * offset) / (radius * radius))
        step = 0.4 / (1.0 + density)
        light *= np.exp(-density * step)
        z += step
    return light * (1.0 + 0.1 * z)


# ---------------------------------------------------------------- rigid motions


class Quaternion:
    def __init__(self, w, x, y, z):
        self.w, self.x, self.y, self.z = w, x, y, z

    def __add__(self, o):
        return Quaternion(self.w + o.w, self.x + o.x, self.y + o.y, self.z + o.z)

    def __mul__(self, o):
        if not isinstance(o, Quaternion):
            return Quaternion(self.w * o, self.x * o, self.y * o, self.z * o)
        return Quaternion(
            self.w * o.w - self.x * o.x - self.y * o.y - self.z * o.z,
            self.w * o.x + self.x * o.w + self.y * o.z - self.z * o.y,
            self.w * o.y - self.x * o.z + self.y * o.w + self.z * o.x,
            self.w * o.z + self.x * o.y - self.y * o.x + self.z * o.w,
        )

    def __rmul__(self, k):
        return self * k

    def __neg__(self):
        return self * -1.0

    def __invert__(self):
        return Quaternion(self.w, -self.x, -self.y, -self.z)

    def __abs__(self):
        return math.sqrt(self.w**2 + self.x**2 + self.y**2 + self.z**2)


class DualQuaternion:
    """real + ε dual, with ε² = 0: a turn and a shift."""

    def __init__(self, real, dual):
        self.real, self.dual = real, dual

    @classmethod
    def motion(cls, angle, axis, shift):
        c, s = math.cos(0.5 * angle), math.sin(0.5 * angle)
        turn = Quaternion(c, *(s * a for a in axis))
        return cls(turn, 0.5 * (Quaternion(0.0, *shift) * turn))

    def __add__(self, o):
        return DualQuaternion(self.real + o.real, self.dual + o.dual)

    def __mul__(self, o):
        if isinstance(o, DualQuaternion):
            return DualQuaternion(self.real * o.real, self.real * o.dual + self.dual * o.real)
        return DualQuaternion(self.real * o, self.dual * o)

    __rmul__ = __mul__

    def __matmul__(self, p):
        """Where a point goes."""
        moved = self.real * Quaternion(0.0, *p) * ~self.real + 2.0 * (self.dual * ~self.real)
        return moved.x, moved.y, moved.z

    def unit(self):
        return self * (1.0 / abs(self.real))


@program((vec(3, 920), 0.7, 1.2), (vec(5, 921), 0.4, -0.8), order=3)
def arm_of_dual_quaternions(angles, length, twist):
    """An arm of as many joints as there are angles; then a blend of two of its poses."""
    pose = DualQuaternion.motion(0.0, (0.0, 0.0, 1.0), (0.0, 0.0, 0.0))
    half = pose
    for k in range(len(angles)):
        axis = (0.0, 0.6, 0.8) if k % 2 == 0 else (1.0, 0.0, 0.0)
        pose = pose * DualQuaternion.motion(angles[k] + 0.1 * twist, axis, (length, 0.1 * k, length * twist))
        if k == 1:
            half = pose
    if half.real.w * pose.real.w < 0.0:
        half = DualQuaternion(-half.real, -half.dual)
    x, y, z = (0.3 * half + 0.7 * pose).unit() @ (0.2, -0.1, length)
    return x + 2.0 * y - x * z


@dataclass
class Dual:
    """Forward mode as a user writes it."""

    value: float
    slope: float

    def __add__(self, o):
        return Dual(self.value + o.value, self.slope + o.slope) if isinstance(o, Dual) else Dual(self.value + o, self.slope)

    def __mul__(self, o):
        return Dual(self.value * o.value, self.value * o.slope + self.slope * o.value) if isinstance(o, Dual) else Dual(self.value * o, self.slope * o)

    def __truediv__(self, o):
        return Dual(self.value / o.value, (self.slope - self.value / o.value * o.slope) / o.value)

    def __pow__(self, n):
        out = Dual(1.0, 0.0)
        for _ in range(n):
            out = out * self
        return out

    __radd__, __rmul__ = __add__, __mul__


@program((0.8, 1.3, 4), (-0.5, 0.6, 2), order=3)
def own_forward_mode(x, a, n):
    """Newton's method on the user's own dual numbers."""
    for _ in range(n):
        f = (Dual(x, 1.0) ** 3 + a * Dual(x, 1.0)) / (Dual(x, 1.0) * 0.2 + 2.0) + -0.7
        x = x - f.value / f.slope
    return x * a


# ---------------------------------------------------------------- curves and areas


@program((vec(4, 922), vec(4, 923), 0.35), (vec(2, 924), vec(2, 925), 0.8), order=3)
def de_casteljau(x, y, t):
    """A point of a Bezier curve by halving in place, and its tangent's direction."""
    px, py = x.copy(), y.copy()
    n = len(px)
    dx = dy = 0.0
    for k in range(1, n):
        if k == n - 1:
            dx, dy = px[1] - px[0], py[1] - py[0]
        for i in range(n - k):
            px[i] = (1.0 - t) * px[i] + t * px[i + 1]
            py[i] += t * (py[i + 1] - py[i])
    return px[0] * py[0] + math.atan2(dy, dx) * px[0]


def clipped(polygon, a, b, c):
    """Sutherland and Hodgman: what of a polygon lies where a x + b y >= c."""
    out = []
    for k in range(len(polygon)):
        (x0, y0), (x1, y1) = polygon[k - 1], polygon[k]
        d0, d1 = a * x0 + b * y0 - c, a * x1 + b * y1 - c
        if d0 * d1 < 0.0:
            t = d0 / (d0 - d1)
            out.append((x0 + t * (x1 - x0), y0 + t * (y1 - y0)))
        if d1 >= 0.0:
            out.append((x1, y1))
    return out


@program((mat(3, 2, 926) + np.array([[2.0, 0.1], [0.3, 2.2], [-1.0, -0.7]]), 0.5), (mat(3, 2, 927) + np.array([[9.0, 9.0], [9.3, 9.2], [8.0, 9.5]]), 0.5))
def area_in_a_window(corners, half):
    polygon = [(p[0], p[1]) for p in corners]
    for a, b in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)):
        polygon = clipped(polygon, a, b, -half - 0.1 * (a + 2.0 * b))
    area = 0.0
    for k in range(len(polygon)):
        (x0, y0), (x1, y1) = polygon[k - 1], polygon[k]
        area += 0.5 * (x0 * y1 - x1 * y0)
    return area * (1.0 + half)


def hull_side(points, a, b):
    """Quickhull: the corners left of a → b, in order."""
    far, best = -1, 1e-12
    for k in range(len(points)):
        area = (b[0] - a[0]) * (points[k][1] - a[1]) - (b[1] - a[1]) * (points[k][0] - a[0])
        if area > best:
            far, best = k, area
    if far < 0:
        return [a]
    return hull_side(points, a, points[far]) + hull_side(points, points[far], b)


@program((mat(9, 2, 928),), (mat(3, 2, 929),))
def hull_length(p):
    points = [(q[0], q[1]) for q in p]
    first, last = min(points), max(points)
    hull = hull_side(points, first, last) + hull_side(points, last, first)
    total = 0.0
    for k in range(len(hull)):
        total += (k + 1) * math.hypot(hull[k][0] - hull[k - 1][0], hull[k][1] - hull[k - 1][1])
    return total
