"""det: the determinant by recursive expansion along the first row that is left, with the columns that are left."""

import oneform as of


def minor(a, row, used):
    """The determinant of the rows from `row` on, without the columns whose bit is set in `used`."""
    n = a.shape[0]
    if row == n:
        return 1.0
    total, sign = 0.0, 1.0
    for column in range(n):
        if used >> column & 1 == 0:
            total += sign * a[row, column] * minor(a, row + 1, used | 1 << column)
            sign = -sign
    return total


def primal(a):
    return minor(a, 0, 0)


gradient = of.grad(primal)


def example():
    from bench.gradbench import wire  # which imports programs

    return wire.example("det")
