"""Hand tracking in PyTorch, eager: all vertices at once, forward mode for the 26 angles and for the two barycentric coordinates."""

import torch
from torch.func import jacfwd, jvp


def turn_hand(axis):
    angle = axis.norm()
    x, y, z = axis / angle
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero]).reshape(3, 3)
    return torch.eye(3, dtype=axis.dtype) + angle.sin() * skew + (1.0 - angle.cos()) * skew @ skew


def turn_bones(bend, spread):
    cx, sx, cz, sz = bend.cos(), bend.sin(), spread.cos(), spread.sin()
    zero, one = torch.zeros_like(cx), torch.ones_like(cx)
    rows = [cz, -sz * cx, sz * sx, zero, sz, cz * cx, -cz * sx, zero, zero, sx, cx, zero, zero, zero, zero, one]
    return torch.stack(rows, dim=1).reshape(-1, 4, 4)


def skin(theta, parents, relatives, inverses, positions, weights, mirrored):
    fingers = theta[6:].reshape(5, 4)
    still, end = torch.zeros(5, dtype=theta.dtype), torch.zeros(1, dtype=theta.dtype)
    bend = torch.cat([end, torch.stack([still, fingers[:, 0], fingers[:, 2], fingers[:, 3]], dim=1).ravel(), end])
    spread = torch.cat([end, torch.stack([still, fingers[:, 1], still, still], dim=1).ravel(), end])
    turned = relatives @ turn_bones(bend, spread)
    absolutes = []
    for bone, parent in enumerate(parents):
        absolutes.append(turned[bone] if parent < 0 else absolutes[parent] @ turned[bone])
    transforms = torch.stack(absolutes) @ inverses
    bent = torch.einsum("vb,bij,vj->vi", weights, transforms[:, :3], positions)
    bent = bent * torch.tensor([-1.0 if mirrored else 1.0, 1.0, 1.0], dtype=theta.dtype)
    return bent @ turn_hand(theta[:3]).T + theta[3:6]


def build(theta, us, hand, correspondences, points):
    parents, relatives, inverses, positions, weights, triangles, mirrored = hand
    relatives, inverses, positions, weights, triangles = (torch.from_numpy(a) for a in (relatives, inverses, positions, weights, triangles))
    theta, us, correspondences, points = (torch.from_numpy(a) for a in (theta, us, correspondences, points))
    surface = len(us) > 0

    def residuals(theta, us):
        places = skin(theta, parents.tolist(), relatives, inverses, positions, weights, mirrored)
        if not surface:
            return (points - places[correspondences]).ravel()
        a, b, c = (places[triangles[correspondences, corner]] for corner in range(3))
        u, v = us[:, :1], us[:, 1:]
        return (points - (u * a + v * b + (1.0 - u - v) * c)).ravel()

    def jacobian():
        by_theta = jacfwd(residuals)(theta, us)
        if not surface:
            return by_theta
        by_us = []
        for k in range(2):  # no two correspondences meet in a row
            direction = torch.zeros_like(us)
            direction[:, k] = 1.0
            by_us.append(jvp(lambda us: residuals(theta, us), (us,), (direction,))[1])
        return torch.cat([torch.stack(by_us, dim=1), by_theta], dim=1)

    return {"value": lambda: residuals(theta, us), "derivative": jacobian}
