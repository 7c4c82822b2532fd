"""The heat equation stepped in place: the diffusivity of a rod recovered from its temperatures.

Each step overwrites one array, element by element. What the derivative needs of the old values is kept by the
compiler; a write costs O(1) in the gradient too.
"""

import numpy as np
from scipy.optimize import brentq

import oneform as of


def cool(diffusivity, start, dx, dt, steps):
    """Temperatures after `steps` explicit steps; the ends are kept at zero."""
    u = start.copy()
    n = u.shape[0]
    rate = diffusivity * dt / (dx * dx)
    for _ in range(steps):
        left = u[0]
        for i in range(1, n - 1):
            old = u[i]
            u[i] = old + rate * (left - 2.0 * old + u[i + 1])
            left = old
    return u


def loss(diffusivity, start, dx, dt, steps, measured):
    """Mean of squared differences from the measured temperatures."""
    return np.mean((cool(diffusivity, start, dx, dt, steps) - measured) ** 2)


def exact(diffusivity, x, t):
    """Two sine waves decay, each at its own rate."""
    return np.sin(np.pi * x) * np.exp(-np.pi**2 * diffusivity * t) + 0.5 * np.sin(3 * np.pi * x) * np.exp(-9 * np.pi**2 * diffusivity * t)


def example():
    """Arguments for `oneform check examples/heat.py:loss`."""
    x = np.linspace(0.0, 1.0, 101)
    dt, steps = 2.5e-4, 400
    return 0.15, exact(0.1, x, 0.0), x[1] - x[0], dt, steps, exact(0.1, x, dt * steps)


def main():
    _, *rest = example()
    slope = of.grad(loss)
    found = brentq(lambda diffusivity: slope(diffusivity, *rest), 0.02, 0.19, xtol=1e-12)  # stable below 0.2 = dx²/(2 dt)
    print(f"diffusivity {found:.6f} (true 0.1; what is left is the error of the discretisation)")
    return found


if __name__ == "__main__":
    main()
