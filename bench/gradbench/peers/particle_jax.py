"""The charged particle in JAX. The outer derivative goes through a `while_loop`, so it is by forward mode; the inner one may be by either."""

import jax
import jax.numpy as jnp

from bench.gradbench.peers.descent_jax import argmin


def potential(x, charges):
    return jnp.sum(1.0 / jnp.sqrt(jnp.sum((x - charges) ** 2, axis=1)))


def miss(w, slope):
    charges = jnp.array([[10.0, 10.0], [10.0, 0.0]]) - jnp.array([[0.0, 1.0], [0.0, 0.0]]) * w[0]
    dt = 0.1

    def fly(carry):
        x, v = carry
        return x + dt * v, v - dt * slope(x, charges)

    def above(carry):
        x, v = carry
        return x[1] + dt * v[1] > 0.0

    x, v = jax.lax.while_loop(above, fly, (jnp.array([0.0, 8.0]), jnp.array([0.75, 0.0])))
    x = x + dt * v
    return (x[0] - x[1] / v[1] * v[0]) ** 2


def build(w):
    def steered(inner):
        def cost(w):
            return miss(w, inner(potential))

        return jax.jit(lambda w: argmin(cost, jax.jacfwd(cost), w))

    start = jnp.array([w])
    ff, fr = steered(jax.jacfwd), steered(jax.grad)
    return {"ff": lambda: ff(start).block_until_ready(), "fr": lambda: fr(start).block_until_ready()}
