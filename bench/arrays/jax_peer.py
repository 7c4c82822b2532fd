"""The programs over whole arrays in JAX: the same text, its `np` being jax.numpy."""

import jax
import jax.numpy as jnp

from bench.arrays import program

jax.config.update("jax_enable_x64", True)
program.np = jnp


def build(name, argnums, *args):
    function = program.PROGRAMS[name]
    args = tuple(jnp.asarray(a) for a in args)
    value, gradient = jax.jit(function), jax.jit(jax.grad(function, argnums=argnums))
    return {"value": lambda: value(*args).block_until_ready(), "gradient": lambda: jax.block_until_ready(gradient(*args))}
