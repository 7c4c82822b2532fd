"""The same loop in JAX, written as the program is: `y.at[i].set(...)` in a `fori_loop`."""

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)


def build(p, y0):
    n = p.shape[0]

    def driven(p, y0):
        y = jnp.zeros(n).at[0].set(y0)
        y = jax.lax.fori_loop(1, n, lambda i, y: y.at[i].set(p[i] * y[i - 1] * (1.0 - y[i - 1])), y)
        return jnp.sum(y * y)

    p = jnp.asarray(p)
    value, gradient = jax.jit(driven), jax.jit(jax.grad(driven, argnums=(0, 1)))
    return {"value": lambda: value(p, y0).block_until_ready(), "gradient": lambda: jax.block_until_ready(gradient(p, y0))}
