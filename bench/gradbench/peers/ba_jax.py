"""Bundle adjustment in JAX: one observation as a function, its residuals and its 2 × 15 block by `vmap`.

The answer is the blocks, which are the values of the sparse Jacobian; its rows and columns are not filled in.
"""

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)


def residual(camera, point, weight, feature):
    rotation, centre, focal, principal, distortion = camera[:3], camera[3:6], camera[6], camera[7:9], camera[9:]
    p = point - centre
    square = rotation @ rotation
    angle = jnp.sqrt(jnp.where(square == 0.0, 1.0, square))  # so that neither branch has a bad derivative
    axis = rotation / angle
    turned = p * jnp.cos(angle) + jnp.cross(axis, p) * jnp.sin(angle) + axis * (axis @ p) * (1.0 - jnp.cos(angle))
    seen = jnp.where(square == 0.0, p + jnp.cross(rotation, p), turned)
    image = seen[:2] / seen[2]
    distance = image @ image
    return weight * (focal * (1.0 + distortion[0] * distance + distortion[1] * distance**2) * image + principal - feature)


def build(cameras, points, weights, observations, features):
    def of_observations(f):
        def run(cameras, points, weights, observations, features):
            return jax.vmap(f)(cameras[observations[:, 0]], points[observations[:, 1]], weights, features)

        return run

    def objective(*args):
        return of_observations(residual)(*args).ravel(), 1.0 - args[2] ** 2

    def block(camera, point, weight, feature):
        by_camera, by_point, by_weight = jax.jacrev(residual, argnums=(0, 1, 2))(camera, point, weight, feature)
        return jnp.concatenate([by_camera, by_point, by_weight[:, None]], axis=1)

    def jacobian(*args):
        return of_observations(block)(*args).ravel(), -2.0 * args[2]

    args = tuple(jnp.asarray(a) for a in (cameras, points, weights, observations, features))
    value, derivative = jax.jit(objective), jax.jit(jacobian)
    return {"value": lambda: jax.block_until_ready(value(*args)), "derivative": lambda: jax.block_until_ready(derivative(*args))}
