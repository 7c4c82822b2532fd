"""The loop over 60 scalars in JAX: a scan whose carry has 60 leaves."""

import jax
import jax.numpy as jnp

from bench.state60.generate import N, P, Q

jax.config.update("jax_enable_x64", True)


def build(s, k, f, steps):
    dt = 0.01

    def network(s, k, f):
        def step(x, _):
            return tuple(x[i] + dt * (k * x[P[i]] * x[Q[i]] - x[i] + f) for i in range(N)), None

        x, _ = jax.lax.scan(step, tuple(s[i] for i in range(N)), None, length=steps)
        return sum(v * v for v in x)

    s = jnp.asarray(s)
    value, gradient = jax.jit(network), jax.jit(jax.grad(network, argnums=(0, 1, 2)))
    return {"value": lambda: value(s, k, f).block_until_ready(), "gradient": lambda: jax.block_until_ready(gradient(s, k, f))}
