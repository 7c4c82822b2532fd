"""Gradient descent as particle and saddle prescribe it, in JAX: `while_loop`, through which there is forward mode only."""

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)


def argmin(f, gradient, start):
    def length(v):
        return jnp.sqrt(jnp.sum(v * v))

    def go_on(carry):
        _, _, gx, _, _, done = carry
        return (length(gx) > 1e-5) & ~done

    def grow(carry):
        x, fx, gx, eta, _, done = carry
        return x, fx, gx, 2.0 * eta, 0, done

    def advance(carry):
        x, fx, gx, eta, successes, _ = carry
        candidate = x - eta * gx
        value = f(candidate)
        better = value < fx
        moved = (candidate, value, gradient(candidate), eta, successes + 1, False)
        stayed = (x, fx, gx, 0.5 * eta, 0, False)
        stopped = (x, fx, gx, eta, successes, True)
        chosen = jax.tree.map(lambda a, b: jnp.where(better, a, b), moved, stayed)
        return jax.tree.map(lambda a, b: jnp.where(length(eta * gx) <= 1e-5, a, b), stopped, chosen)

    first = (start, f(start), gradient(start), 1e-5, 0, False)
    return jax.lax.while_loop(go_on, lambda c: jax.lax.cond(c[4] == 10, grow, advance, c), first)[0]


def argmax(f, gradient, start):
    return argmin(lambda x: -f(x), lambda x: -gradient(x), start)
