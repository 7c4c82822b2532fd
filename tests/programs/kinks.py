"""Points where a derivative is a convention, and branches whose other side has none. `expect` holds the documented gradients."""

import numpy as np

from tests.programs.registry import program


@program((0.0, 2.0), kinks=True, expect=(0.0, 4.0))
def abs_at_zero(x, y):
    return abs(x) * y + y * y + np.abs(x * y)


@program((1.5, 1.5, 2.0), kinks=True, expect=(7.75, 3.25, 1.5))
def maximum_tie(x, y, w):
    return np.maximum(x, y) * w + 3.0 * np.minimum(x, y) * x


@program((1.5, 1.5, 2.0), kinks=True, expect=(7.75, 3.25, 1.5))
def builtin_max_tie(x, y, w):
    return max(x, y) * w + 3.0 * min(x, y) * x


@program((0.0, 3.0), kinks=True, expect=(0.0, 0.0))
def relu_by_branch(x, w):
    if x > 0.0:
        y = x * w
    else:
        y = 0.0
    return y * (w + 1.0)


@program((np.array([0.0, 2.0, -1.0]),), kinks=True, expect=(np.array([0.0, 4.0, 0.0]),))
def relu_by_where(x):
    y = np.where(x > 0.0, x, 0.0)
    return np.sum(y * y)


@program((np.array([1.0, 3.0, 3.0, 2.0]),), kinks=True, expect=(np.array([0.0, 1.5, 1.5, 0.0]),))
def max_of_array_tie(x):
    return np.max(x) * 3.0


@program((np.array([0.0, 4.0, -9.0]),), kinks=True, expect=(np.array([0.0, 0.25, 0.0]),))
def where_guards_sqrt(x):
    """The untaken side has an infinite derivative at 0 and NaN below: none of it may leak."""
    return np.sum(np.where(x > 0.0, np.sqrt(x), 0.0))


@program((np.array([0.0, 4.0, -9.0]),), kinks=True, expect=(np.array([0.0, 0.25, 0.0]),))
def branch_guards_sqrt(x):
    s = 0.0
    for i in range(len(x)):
        if x[i] > 0.0:
            s += np.sqrt(x[i])
    return s


@program((0.0, 5.0), kinks=True, expect=(5.0, 0.0))
def ternary_guards_division(x, y):
    q = y if x == 0.0 else np.sin(x * y) / x
    return q * x + (0.0 if x == 0.0 else y / x)


@program((0.0, 0.0), kinks=True, expect=(0.0, 0.0))
def hypot_at_origin(x, y):
    return np.hypot(x, y) + x * y


@program((0.0, 2.0), (0.0, 1.0), kinks=True, expect=(0.0, 0.0))
def power_at_zero(x, p):
    return (x * x) ** p


@program((0.7, 0.0), kinks=True, expect=(6.0, 1.4))
def multiplied_by_zero(x, y):
    big = 1.0 / (y + 1e-300)  # so large that a product with it overflows
    safe = big if y > 0.0 else 3.0
    return safe * x * (y + 2.0) + x * y * -1.0
