"""Hand tracking in JAX: all vertices at once, forward mode for the 26 angles, and the two barycentric coordinates as two more directions."""

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)


def turn_hand(axis):
    angle = jnp.linalg.norm(axis)
    x, y, z = axis / angle
    skew = jnp.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return jnp.eye(3) + jnp.sin(angle) * skew + (1.0 - jnp.cos(angle)) * skew @ skew


def turn_bone(bend, spread):
    cx, sx, cz, sz = jnp.cos(bend), jnp.sin(bend), jnp.cos(spread), jnp.sin(spread)
    return jnp.array([[cz, -sz * cx, sz * sx, 0.0], [sz, cz * cx, -cz * sx, 0.0], [0.0, sx, cx, 0.0], [0.0, 0.0, 0.0, 1.0]])


def skin(theta, parents, relatives, inverses, positions, weights, mirrored):
    fingers = theta[6:].reshape(5, 4)
    still = jnp.zeros(5)
    bend = jnp.concatenate([jnp.zeros(1), jnp.stack([still, fingers[:, 0], fingers[:, 2], fingers[:, 3]], axis=1).ravel(), jnp.zeros(1)])
    spread = jnp.concatenate([jnp.zeros(1), jnp.stack([still, fingers[:, 1], still, still], axis=1).ravel(), jnp.zeros(1)])
    turned = relatives @ jax.vmap(turn_bone)(bend, spread)
    absolutes = []
    for bone, parent in enumerate(parents):
        absolutes.append(turned[bone] if parent < 0 else absolutes[parent] @ turned[bone])
    transforms = jnp.stack(absolutes) @ inverses
    bent = jnp.einsum("vb,bij,vj->vi", weights, transforms[:, :3], positions)
    bent = bent * jnp.array([-1.0 if mirrored else 1.0, 1.0, 1.0])
    return bent @ turn_hand(theta[:3]).T + theta[3:6]


def build(theta, us, hand, correspondences, points):
    parents, relatives, inverses, positions, weights, triangles, mirrored = hand
    surface = len(us) > 0

    def residuals(theta, us, correspondences, points):
        places = skin(theta, parents.tolist(), relatives, inverses, positions, weights, mirrored)
        if not surface:
            return (points - places[correspondences]).ravel()
        a, b, c = (places[triangles[correspondences, corner]] for corner in range(3))
        u, v = us[:, :1], us[:, 1:]
        return (points - (u * a + v * b + (1.0 - u - v) * c)).ravel()

    def jacobian(theta, us, *rest):
        by_theta = jax.jacfwd(residuals)(theta, us, *rest)
        if not surface:
            return by_theta
        directions = [jnp.zeros_like(us).at[:, k].set(1.0) for k in range(2)]  # no two correspondences meet in a row
        by_us = [jax.jvp(lambda us: residuals(theta, us, *rest), (us,), (direction,))[1] for direction in directions]
        return jnp.concatenate([jnp.stack(by_us, axis=1), by_theta], axis=1)

    triangles = jnp.asarray(np.asarray(triangles))
    relatives, inverses, positions, weights = (jnp.asarray(a) for a in (relatives, inverses, positions, weights))
    args = tuple(jnp.asarray(a) for a in (theta, us, correspondences, points))
    value, derivative = jax.jit(residuals), jax.jit(jacobian)
    return {"value": lambda: value(*args).block_until_ready(), "derivative": lambda: derivative(*args).block_until_ready()}
