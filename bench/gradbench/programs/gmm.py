"""gmm: the logarithm of the posterior of a Gaussian mixture, with a Wishart prior on its precision matrices.

The precision matrix of component k is QᵀQ, where Q is lower triangular, its diagonal exp(q[k]) and its columns below
the diagonal stored in l[k], one after the other.
"""

import numpy as np

import oneform as of


def factors(q, l):
    """The lower triangular factor Q of each component's precision matrix."""
    components, d = q.shape
    out = np.zeros((components, d, d))
    for k in range(components):
        stored = 0
        for column in range(d):
            out[k, column, column] = np.exp(q[k, column])
            for row in range(column + 1, d):
                out[k, row, column] = l[k, stored]
                stored += 1
    return out


def logsumexp(v):
    """Along the first axis."""
    top = np.max(v, axis=0)
    return top + np.log(np.sum(np.exp(v - top), axis=0))


def log_gamma_of_half(twice):
    """log Γ(twice / 2), by Γ(1/2) = √π, Γ(1) = 1 and Γ(x + 1) = x Γ(x)."""
    total = 0.5 * np.log(np.pi) if twice % 2 == 1 else 0.0
    for numerator in range(2 - twice % 2, twice, 2):
        total += np.log(0.5 * numerator)
    return total


def log_prior(q, l, m, gamma):
    """Each precision matrix has a Wishart distribution of d + m + 1 degrees of freedom and scale 1/γ²."""
    components, d = q.shape
    freedom = d + m + 1
    log_gamma = 0.25 * d * (d - 1) * np.log(np.pi)  # of the multivariate gamma function
    for j in range(d):
        log_gamma += log_gamma_of_half(freedom - j)
    constant = freedom * d * np.log(gamma / np.sqrt(2.0)) - log_gamma
    squares = np.sum(np.exp(q) ** 2) + np.sum(l * l)
    return components * constant - 0.5 * gamma * gamma * squares + m * np.sum(q)


def objective(alpha, mu, q, l, x, m, gamma):
    (n, d), components = x.shape, alpha.shape[0]
    factor, log_det = factors(q, l), np.sum(q, axis=1)
    beta = np.empty((components, n))
    for k in range(components):
        y = (x - mu[k]) @ factor[k].T
        beta[k] = alpha[k] + log_det[k] - 0.5 * np.sum(y * y, axis=1)
    log_likelihood = np.sum(logsumexp(beta)) - n * (0.5 * d * np.log(2.0 * np.pi) + logsumexp(alpha))
    return log_likelihood + log_prior(q, l, m, gamma)


jacobian = of.grad(objective, argnums=(0, 1, 2, 3))


def example():
    from bench.gradbench import wire  # which imports programs

    return wire.example("gmm")
