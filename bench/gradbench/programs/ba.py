"""ba: bundle adjustment. Residuals of points seen by cameras with radial distortion; cameras, points and weights are adjusted."""

import numpy as np

import oneform as of


def rotate(axis, x, y, z):
    """The point (x, y, z) turned about `axis` by as many radians as it is long (Rodrigues' formula)."""
    square = axis[0] * axis[0] + axis[1] * axis[1] + axis[2] * axis[2]
    if square == 0.0:
        return x + axis[1] * z - axis[2] * y, y + axis[2] * x - axis[0] * z, z + axis[0] * y - axis[1] * x
    angle = np.sqrt(square)
    c, s = np.cos(angle), np.sin(angle)
    a, b, d = axis[0] / angle, axis[1] / angle, axis[2] / angle
    along = (a * x + b * y + d * z) * (1.0 - c)
    return (
        x * c + (b * z - d * y) * s + a * along,
        y * c + (d * x - a * z) * s + b * along,
        z * c + (a * y - b * x) * s + d * along,
    )


def project(camera, point):
    """Where the camera sees the point. Camera: rotation 0-2, centre 3-5, focal length 6, principal point 7-8, distortion 9-10."""
    x, y, z = rotate(camera[0:3], point[0] - camera[3], point[1] - camera[4], point[2] - camera[5])
    x, y = x / z, y / z
    square = x * x + y * y
    scale = camera[6] * (1.0 + camera[9] * square + camera[10] * square * square)
    return x * scale + camera[7], y * scale + camera[8]


def objective(cameras, points, weights, observations, features):
    """Two residuals for each observation (a camera and a point), followed by one for each weight."""
    count = observations.shape[0]
    out = np.empty(3 * count)
    for i in range(count):
        x, y = project(cameras[observations[i, 0]], points[observations[i, 1]])
        out[2 * i] = weights[i] * (x - features[i, 0])
        out[2 * i + 1] = weights[i] * (y - features[i, 1])
        out[2 * count + i] = 1.0 - weights[i] * weights[i]
    return out


def jacobian(cameras, points, weights, observations, features):
    sparse = of.jacobian(objective, argnums=(0, 1, 2), sparse=True)
    return sparse(cameras, points, weights, observations, features)


def example():
    from bench.gradbench import wire  # which imports programs

    return wire.example("ba")
