"""Types, shapes and memory that do not fit."""

import numpy as np


def clash_in_branch(x, v):
    if x > 0.0:
        y = x
    else:
        y = v  # E: E102 'y' is a float on one path and an array f64[n0] on the other
    return y


def clash_in_loop(v, n):
    y = 0.0
    for _ in range(n):
        y = v  # E: E102 'y' is a float before the loop and an array f64[n0] after an iteration
    return y


def clash_of_ranks(x, v, a):
    if x > 0.0:
        y = v
    else:
        y = a  # E: E102 'y' is an array f64[n0] on one path and an array f64[n1, 3] on the other
    return y


def clash_of_dtypes(x, n):
    if x > 0.0:
        y = np.zeros(n)
    else:
        y = np.arange(n)  # E: E102 'y' is an array f64[d0] on one path and an array i64[d0] on the other
    return y


def clash_of_returns(x, v):
    if x > 0.0:
        return x
    return v  # E: E102 the function returns a float on one path and an array f64[n0] on the other


def forgotten_return(x):
    if x > 0.0:  # E: E102 forgotten_return returns a float at line 45 and nothing on another path
        return x


def float_index(v, x):
    return v[x]  # E: E101 an index must be an integer, not a float


def float_indices(v):
    return v[2.0 * v]  # E: E101 arrays used as indices must be of integer (or boolean) type, not an array of f64 with 1 axes


def truth_of_array(v):
    if v > 0.0:  # E: E101 the truth of an array is ambiguous
        return 1.0
    return 2.0


def number_indexed(x):
    return x[0]  # E: E101 a number cannot be indexed


def too_many_indices(v):
    return v[0, 1]  # E: E103 too many indices: the array has 1 axes, but 2 were indexed


def static_shapes(n):
    return np.zeros(3) + np.zeros(4)  # E: E103 operands could not be broadcast together with shapes (3,) (4,)


def static_matmul(n):
    return np.zeros((2, 3)) @ np.zeros((2, 3))  # E: E103 shapes (2,3) and (2,3) not aligned: 3 (dim 1) != 2 (dim 0)


def bad_axis(a):
    return a.sum(axis=2)  # E: E103 axis 2 is out of bounds for array of dimension 2


def bad_store(v, a):
    v[:] = a  # E: E103 an array of shape (n1, 3) cannot be stored where shape (n0,) is expected
    return v


def bad_reshape(n):
    return np.zeros((2, 3)).reshape(4)  # E: E103 cannot reshape an array of size 6 into shape (4)


def narrowing(n):
    t = np.zeros(3, dtype=np.int64)
    t += 1.5  # E: E101 an array of i64 cannot hold the f64 result in place
    return t


def string_dtype(n):
    return np.zeros(3, dtype="U4")  # E: E101 the dtype 'U4' is not supported


def bit_operation(x):
    return x & 1  # E: E101 bit operations take integers and bools, not a float and an int


def inverted_float(x):
    return ~x  # E: E101 ~ takes integers and bools, not a float


def subtracted_bools(v, w):
    return (v > 0) - (w > 0)  # E: E101 NumPy does not subtract bools


def ragged(x):
    return np.array([[x, x], [x]])  # E: E103 the items of the sequence have different shapes


def float_shape(x):
    return np.zeros(x)  # E: E101 a shape is made of integers, not a float


def undecided_alias(v, x):
    y = v * 2.0
    z = y if x > 0.0 else v * 3.0
    z[0] = 1.0
    return y  # E: E104 y may or may not be the same memory as z, which was written to at line


def undecided_argument(v, x):
    y = v if x > 0.0 else v * 2.0
    y[0] = 1.0  # E: E104 y may or may not be the same memory as the argument v
    return y


def view_by_branch(a, x):
    r = a[0] if x > 0.0 else a[:, 0]
    r[0] = 1.0  # E: E104 r may or may not be the same memory as the argument a
    return a


def account(total):

    def add(d):
        nonlocal total
        total += d
        return total

    return add


def accounts_listed(x, n):
    fs = []
    for _ in range(n):
        fs.append(account(0.0))  # E: E104 functions that share variables with the call that made them cannot be listed: add of one call is there already
    return fs[0](x)


def account_of_an_earlier_call(x, n):
    first = account(0.0)
    for i in range(n):
        add = account(0.0)
        if i == 0:
            first = add
        add(x)
    return first(x)  # E: E104 the function add shares variables with the call that made it, whose place a later call has taken


def functions_that_take_other_arguments(x, n):
    f = abs if n > 3 else pow
    return f(x)  # E: E106 pow() missing
