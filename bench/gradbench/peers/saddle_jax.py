"""The saddle point in JAX. The outer derivative goes through a `while_loop`, so it is by forward mode; the inner one may be by either."""

import jax
import jax.numpy as jnp

from bench.gradbench.peers.descent_jax import argmax, argmin


def height(x, y):
    return jnp.sum(x * x) - jnp.sum(y * y)


def build(start):
    def saddle_point(outer, inner):
        def highest(x, mode):
            return argmax(lambda y: height(x, y), mode(lambda y: height(x, y)), start)

        def ridge(x):
            return height(x, highest(x, inner))

        x = argmin(ridge, outer(ridge), start)
        return jnp.concatenate([x, highest(x, outer)])

    start = jnp.asarray(start)
    ff, fr = jax.jit(lambda: saddle_point(jax.jacfwd, jax.jacfwd)), jax.jit(lambda: saddle_point(jax.jacfwd, jax.grad))
    return {"ff": lambda: ff().block_until_ready(), "fr": lambda: fr().block_until_ready()}
