"""The mixture in JAX: whole arrays, a product of tensors for all points and components."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp, multigammaln

jax.config.update("jax_enable_x64", True)


def build(alpha, mu, q, l, x, m, gamma):
    n, d = x.shape
    cols, rows = np.triu_indices(d, 1)

    def objective(alpha, mu, q, l, x):
        diagonal = jnp.exp(q)
        factor = jnp.zeros((len(alpha), d, d)).at[:, rows, cols].set(l) + jax.vmap(jnp.diag)(diagonal)
        y = jnp.einsum("kij,nkj->nki", factor, x[:, None] - mu)
        beta = alpha + q.sum(axis=1) - 0.5 * jnp.sum(y * y, axis=2)
        freedom = d + m + 1
        constant = freedom * d * jnp.log(gamma / jnp.sqrt(2.0)) - multigammaln(0.5 * freedom, d)
        squares = jnp.sum(diagonal**2) + jnp.sum(l**2)
        prior = len(alpha) * constant - 0.5 * gamma**2 * squares + m * q.sum()
        return logsumexp(beta, axis=1).sum() - n * (0.5 * d * jnp.log(2.0 * jnp.pi) + logsumexp(alpha)) + prior

    args = tuple(jnp.asarray(a) for a in (alpha, mu, q, l, x))
    value, gradient = jax.jit(objective), jax.jit(jax.grad(objective, argnums=(0, 1, 2, 3)))
    return {"value": lambda: value(*args).block_until_ready(), "derivative": lambda: jax.block_until_ready(gradient(*args))}
