"""The logistic map in JAX: `fori_loop` with a static trip count, which reverse mode turns into a scan."""

import jax

jax.config.update("jax_enable_x64", True)


def build(a, x0, steps):
    def logistic(a, x0):
        return jax.lax.fori_loop(0, steps, lambda _, x: a * x * (1.0 - x), x0)

    value, gradient = jax.jit(logistic), jax.jit(jax.grad(logistic, argnums=(0, 1)))
    return {"value": lambda: value(a, x0).block_until_ready(), "gradient": lambda: jax.block_until_ready(gradient(a, x0))}
