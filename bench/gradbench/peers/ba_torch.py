"""Bundle adjustment in PyTorch, eager: one observation as a function, its residuals and its 2 × 15 block by `vmap`.

The answer is the blocks, which are the values of the sparse Jacobian; its rows and columns are not filled in.
"""

import torch
from torch.func import jacrev, vmap


def residual(camera, point, weight, feature):
    rotation, centre, focal, principal, distortion = camera[:3], camera[3:6], camera[6], camera[7:9], camera[9:]
    p = point - centre
    square = rotation @ rotation
    angle = torch.where(square == 0.0, 1.0, square).sqrt()  # so that neither branch has a bad derivative
    axis = rotation / angle
    turned = p * angle.cos() + torch.linalg.cross(axis, p) * angle.sin() + axis * (axis @ p) * (1.0 - angle.cos())
    seen = torch.where(square == 0.0, p + torch.linalg.cross(rotation, p), turned)
    image = seen[:2] / seen[2]
    distance = image @ image
    return weight * (focal * (1.0 + distortion[0] * distance + distortion[1] * distance**2) * image + principal - feature)


def block(camera, point, weight, feature):
    by_camera, by_point, by_weight = jacrev(residual, argnums=(0, 1, 2))(camera, point, weight, feature)
    return torch.cat([by_camera, by_point, by_weight[:, None]], dim=1)


def build(cameras, points, weights, observations, features):
    cameras, points, weights, observations, features = (torch.from_numpy(a) for a in (cameras, points, weights, observations, features))

    def each(f):
        return vmap(f)(cameras[observations[:, 0]], points[observations[:, 1]], weights, features).ravel()

    return {"value": lambda: (each(residual), 1.0 - weights**2), "derivative": lambda: (each(block), -2.0 * weights)}
