"""Velocities of 82 galaxies in the Corona Borealis region, fitted by a mixture of normal distributions.

The likelihood is written as loops over observations and components, as one would write it on paper; nothing is
vectorised by hand. The figures are those of Postman, Huchra and Geller (1986) as tabulated by Roeder (1990).
"""

import numpy as np
from scipy.optimize import minimize

import oneform as of

# Thousands of kilometres per second.
VELOCITIES = np.array([
    9.172, 9.350, 9.483, 9.558, 9.775, 10.227, 10.406, 16.084, 16.170, 18.419, 18.552, 18.600, 18.927, 19.052, 19.070, 19.330, 19.343,
    19.349, 19.440, 19.473, 19.529, 19.541, 19.547, 19.663, 19.846, 19.856, 19.863, 19.914, 19.918, 19.973, 19.989, 20.166, 20.175,
    20.179, 20.196, 20.215, 20.221, 20.415, 20.629, 20.795, 20.821, 20.846, 20.875, 20.986, 21.137, 21.492, 21.701, 21.814, 21.921,
    21.960, 22.185, 22.209, 22.242, 22.249, 22.314, 22.374, 22.495, 22.746, 22.747, 22.888, 22.914, 23.206, 23.241, 23.263, 23.484,
    23.538, 23.542, 23.666, 23.706, 23.711, 24.129, 24.285, 24.289, 24.366, 24.717, 24.990, 25.633, 26.690, 26.995, 32.065, 32.789,
    34.279,
])  # fmt: skip


def negative_log_likelihood(weights, means, log_scales, x):
    """Weights are unnormalised logarithms; scales are logarithms."""
    components = means.shape[0]
    z = np.empty(components)
    normaliser = 0.0
    for k in range(components):
        normaliser += np.exp(weights[k])
    total = 0.0
    for i in range(x.shape[0]):
        top = -np.inf
        for k in range(components):
            r = (x[i] - means[k]) * np.exp(-log_scales[k])
            z[k] = weights[k] - log_scales[k] - 0.5 * r * r
            top = max(top, z[k])
        s = 0.0
        for k in range(components):
            s += np.exp(z[k] - top)
        total += top + np.log(s)
    return x.shape[0] * (np.log(normaliser) + 0.5 * np.log(2.0 * np.pi)) - total


def example():
    """Arguments for `oneform check examples/galaxies.py:negative_log_likelihood`."""
    return np.zeros(3), np.array([10.0, 21.0, 33.0]), np.zeros(3), VELOCITIES


def main():
    weights, means, scales, x = example()
    k = len(means)
    value_and_grad = of.value_and_grad(negative_log_likelihood, argnums=(0, 1, 2))

    def objective(theta):
        value, gradient = value_and_grad(theta[:k].copy(), theta[k : 2 * k].copy(), theta[2 * k :].copy(), x)
        return value, np.concatenate(gradient)

    found = minimize(objective, np.concatenate([weights, means, scales]), jac=True, method="BFGS", options={"gtol": 1e-6})
    weights, means, scales = found.x[:k], found.x[k : 2 * k], np.exp(found.x[2 * k :])
    shares = np.exp(weights) / np.exp(weights).sum()
    print(f"log-likelihood {-found.fun:.4f} after {found.nit} iterations")
    for share, mean, scale in zip(shares, means, scales, strict=True):
        print(f"  {share:6.1%} of the galaxies at {mean:7.3f} ± {scale:.3f} thousand km/s")
    return -found.fun, shares, means, scales


if __name__ == "__main__":
    main()
