"""Constructs outside the language. Parameters: x, y floats; n, k integers; v, w vectors; a a matrix; p a pair of floats."""

import numpy as np


def with_statement(x):
    with open("f") as f:  # E: E001 with is not supported
        return x


def try_statement(x):
    try:  # E: E001 exceptions cannot be caught in compiled code
        return x
    except ValueError:
        return 0.0


def deletion(x):
    y = x
    del y  # E: E001 del is not supported
    return x


def class_definition(x):
    class A:  # E: E001 classes cannot be defined inside a compiled function
        pass

    return x


def generator(x):
    for i in (yield x):  # E: E001 generators are not supported
        x = x + i


def set_display(x):
    return len({x, 1.0})  # E: E001 sets are not supported


def global_statement(x):
    global G  # E: E001 a compiled function cannot rebind a global name
    G = x


def matching(n):
    match n:  # E: E001 match is not supported yet
        case 1:
            return 2
    return 3


async def asynchronous(x):  # E: E001 asynchronous functions are not supported
    return x


def bare_raise(x):
    if x > 0.0:
        raise  # E: E001 a bare raise has no exception to raise again
    return x


def own_exception(x):
    class_ = NotBuiltIn
    if x > 0.0:
        raise class_("no")  # E: E003 the exception NotBuiltIn is not built in
    return x


class NotBuiltIn(Exception):
    pass


def printing(x):
    print(x)  # E: E003 print is not known to the compiler
    return x


def unknown_numpy(v):
    return np.fft.fft(v)  # E: E003 np.fft.fft is not known to the compiler


def unknown_attribute(v):
    return v.flags  # E: E003 the attribute flags of arrays is not known to the compiler


def missing_attribute(x):
    return np.expp(x)  # E: E003 numpy has no attribute expp


def list_append(x):
    items = [x]
    items.append(x)  # E: E105 list.append is not supported: lists have a fixed length
    return items


def write_to_list(x):
    items = [x, x]
    items[0] = 1.0  # E: E105 writing to a list is not supported yet
    return items


def write_to_tuple(p):
    p[0] = 1.0  # E: E105 a tuple does not change
    return p


def write_to_record(x):
    r = Point(x)
    r.x = 1.0  # E: E105 the attribute x cannot be changed: records are values
    return r


from dataclasses import dataclass  # noqa: E402


@dataclass
class Point:
    x: float


def file_open(x):
    f = open("x")  # E: E003 open is not known to the compiler
    return x
