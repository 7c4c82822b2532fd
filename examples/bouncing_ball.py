"""A ball with drag that bounces: the coefficients recovered from heights measured at three moments.

The loop's body branches on the state, so which statements run is known only while it runs. Heights are made up by the
program itself at known coefficients, so the fit must find these again.
"""

import numpy as np
from scipy.optimize import least_squares

import oneform as of

DT = 1e-3


def heights(theta, x0, watched):
    """Heights at the watched steps, for drag theta[0] and restitution theta[1]."""
    x, v = x0, 0.0
    seen = np.zeros(watched.shape[0])
    for step in range(watched[-1] + 1):
        v = v + DT * (-9.81 - theta[0] * v * abs(v))
        before = x
        x = x + DT * v
        if x < 0.0:  # it lands within this step: split the step there, so that heights depend smoothly on theta
            landed = before / (before - x)
            v = -theta[1] * v
            x = (1.0 - landed) * DT * v
        for i in range(watched.shape[0]):
            if step == watched[i]:
                seen[i] = x
    return seen


def loss(theta, x0, watched, measured):
    """Sum of squared differences from the measured heights."""
    return np.sum((heights(theta, x0, watched) - measured) ** 2)


MOMENTS = np.array([400, 900, 1300])  # one before the first bounce, two after it
TRUTH = np.array([0.1, 0.8])


def example():
    """Arguments for `oneform check examples/bouncing_ball.py:loss`."""
    return np.array([0.2, 0.7]), 2.0, MOMENTS, heights(TRUTH, 2.0, MOMENTS)


def main():
    theta, x0, moments, measured = example()
    jacobian = of.jacfwd(heights)
    compiled = of.jit(heights)
    found = least_squares(lambda t: compiled(t, x0, moments) - measured, theta, jac=lambda t: jacobian(t, x0, moments), xtol=1e-12, ftol=1e-12, gtol=1e-12)
    print(f"drag {found.x[0]:.6f} (true {TRUTH[0]}), restitution {found.x[1]:.6f} (true {TRUTH[1]}), {found.nfev} evaluations")
    return found.x


if __name__ == "__main__":
    main()
