"""Names, calls, structure that would depend on numbers."""

import math

import numpy as np

import oneform as of


def unknown_name(x):
    return x * scael  # E: E002 scael is not defined


scale = 3.0


def never_bound(x):
    z = x + later  # E: E002 later is not bound here on any path
    later = 1.0
    return z + later


def growing(p, n):
    if n == 0:
        return p[0]
    return growing((p, 1.0), n - 1)  # E: E005 growing calls itself with ever new types: growing → growing


def derives_itself(x, n):
    if n == 0:
        return x * x
    return x * of.grad(lambda y: derives_itself(y, n - 1))(x)  # E: E005 derives_itself takes a derivative of itself


def tuple_index(x, n):
    return (x, "one")[n]  # E: E006 which item is meant would be known only at run time


def axis_at_run_time(a, n):
    return np.sum(a, axis=n)  # E: E006 axis must be a constant of the program


def step_at_run_time(v, n):
    return v[::n]  # E: E006 the step of a slice must be a constant of the program


def unpack_at_run_time(v):
    a, *b = v  # E: E006 an array whose length is known only at run time cannot be unpacked so
    return a + b[0]


def returns_open_list_of_functions(n):
    return [abs for i in range(n)]  # E: E101 a list of such things cannot be passed out of compiled code


def tuple_of_run_time_length(n):
    return tuple(i for i in range(n))  # E: E006 the length of this tuple is known only at run time


def dict_key(x):
    return {x: 1.0}  # E: E006 a dict with keys known only at run time takes integers


def mixed_keys(n):
    d = {"a": 1.0}
    d[n] = 2.0
    return d[n + 1]  # E: E006 which item is meant would be known only at run time, but the list holds the string 'a' and an int


def too_many_arguments(x):
    return helper(x, x, x)  # E: E106 helper() takes 2 positional arguments but 3 were given


def missing_argument(x):
    return helper(x)  # E: E106 helper() missing 1 required argument: 'b'


def unexpected_keyword(x):
    return helper(x, c=x)  # E: E106 helper() got an unexpected keyword argument 'c'


def twice_given(x):
    return helper(x, a=x)  # E: E106 helper() got multiple values for argument 'a'


def helper(a, b):
    return a + b


def operation_arity(x):
    return np.sin(x, x)  # E: E106 np.sin() takes 1 argument but 2 were given


def library_keyword(v):
    return np.sum(v, start=3.0)  # E: E106 np.sum() got an unexpected keyword argument 'start'


def not_a_function(x):
    return x(3)  # E: E101 a float is not a function


def error_in_helper(x):
    return inner(x)


def inner(x):
    return x + "text"  # E: E101 unsupported operands for +: a float and the string 'text'


def math_of_array(v):
    return math.sin(v)  # E: E101 math.sin takes numbers, not arrays


def returns_function(x):
    return lambda y: x + y  # E: E101 a function cannot be passed out of compiled code


def dict_without_key(x):
    d = {"a": x}
    return d["b"]  # E: E101 the dict has no key 'b'


def tuple_out_of_range(p):
    return p[2]  # E: E101 tuple index 2 is out of range: it has 2 items


def too_few(p):
    a, b, c = p  # E: E101 not enough values to unpack (expected 3, got 2)
    return a


def too_many(p):
    (a,) = p  # E: E101 too many values to unpack (expected 1)
    return a


def iterate_number(x):
    for i in x:  # E: E101 a float cannot be iterated over
        pass
    return x


def range_of_float(x):
    for i in range(x):  # E: E101 range takes integers, not a float
        pass
    return x


def large_integer(n):
    return n + 2**70  # E: E301 the integer 1180591620717411303424 does not fit i64
