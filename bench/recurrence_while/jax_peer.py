"""The logistic map in JAX with `while_loop`: reverse mode is refused there, so only the value can be timed."""

import jax

jax.config.update("jax_enable_x64", True)


def build(a, x0, bound):
    def logistic_until(a, x0):
        def step(carry):
            x, total = carry
            x = a * x * (1.0 - x)
            return x, total + x

        x, total = jax.lax.while_loop(lambda carry: carry[1] < bound, step, (x0, 0.0 * x0))
        return total + x

    value = jax.jit(logistic_until)
    return {"value": lambda: value(a, x0).block_until_ready()}
