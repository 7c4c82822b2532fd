"""k-means in JAX: all distances, and forward mode over the gradient for the diagonal of the Hessian."""

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)


def build(points, centroids):
    def cost(points, centroids):
        return jnp.sum(jnp.min(jnp.sum((points[:, None] - centroids) ** 2, axis=2), axis=1))

    def dir(points, centroids):
        gradient, diagonal = jax.jvp(jax.grad(lambda c: cost(points, c)), (centroids,), (jnp.ones_like(centroids),))
        return gradient / diagonal

    args = jnp.asarray(points), jnp.asarray(centroids)
    value, direction = jax.jit(cost), jax.jit(dir)
    return {"value": lambda: value(*args).block_until_ready(), "derivative": lambda: direction(*args).block_until_ready()}
