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
    del y
    return y  # E: E002 y is not bound here on any path


def class_definition(x):
    class A:  # E: E001 classes cannot be defined inside a compiled function
        pass

    return x


def value_of_a_yield(x):
    def sent_to(x):
        for i in (yield x):  # E: E001 the value of a yield is not supported
            x = x + i

    return sum(sent_to(x))


def generator_returned(x):
    def some():
        yield x

    return some()  # E: E101 a generator cannot be passed out of compiled code


def generator_beside_others(v):
    def some():
        yield from v

    return sum(a * b for a, b in zip(v, some()))  # E: E101 a generator cannot be iterated over here


def gone_through_twice(v):
    squares = (e * e for e in v)
    return sum(squares) / max(squares)  # E: E107 a generator is gone through more than once


def gone_through_in_a_loop(v, n):
    pairs = zip(v, v)
    total = 0.0
    for _ in range(n):
        for a, b in pairs:  # E: E107 zip is gone through in a loop
            total += a * b
    return total


def gone_through_in_a_condition(v, x):
    squares = map(lambda e: e * e, v)
    while x < sum(squares):  # E: E107 a generator is gone through in a loop
        x = 2.0 * x
    return x


def gone_through_by_another(v):
    squares = (e * e for e in v)

    def largest():
        return max(squares)  # E: E107 a generator is gone through more than once

    return largest() + largest()


def set_display(x):
    return len({x, 1.0})  # E: E006 a set takes integers, strings and tuples of them, not a float


def order_of_a_set(x, n):
    for k in {n, 1, 2}:  # E: E006 in which order a set is gone through is known to Python only
        x = x / 2.0 + k
    return x


def sum_over_a_set(x, n):
    return sum(x * k for k in {n, 1, 2})  # E: E006 a sum over a set depends on the order in which Python goes through it


def list_of_a_set(n):
    return list({n, 1, 2})  # E: E006 in which order a set is gone through is known to Python only


def global_statement(x):
    global G  # E: E001 a compiled function cannot rebind a global name
    G = x


def matching(p):
    match p:  # E: E001 a pattern with | cannot name parts of what it matches
        case (a, 1) | (1, a):
            return a
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


LIST = [1.0, 2.0]


def write_to_global_list(x):
    LIST.append(x)  # E: E105 the list LIST from outside the function cannot be changed by compiled code
    return x


def list_of_two_kinds(n):
    items = []
    for _ in range(n):  # E: E102 'items' holds a float and the builtin_function_or_method abs
        items.append(1.0)
        items.append(abs)
    return items


def grows_while_iterated_over(n):
    items = [float(i) for i in range(n)]
    for x in items:  # E: E104 items changes its length while it is iterated over
        items.append(x)
    return len(items)


def named_before_it_moved(n):
    rows = [[1.0, 2.0] for _ in range(n)]
    row = rows[0]
    last = rows.pop()
    row[0] = 3.0  # E: E104 this part of rows was named before items of rows were moved or replaced
    return last


def changed_behind_a_list(n):
    items = [[float(i)] for i in range(n)]
    one = [1.0]
    items.append(one)
    one[0] = 2.0
    return items[0][0]  # E: E104 items may or may not be the same memory as one


def write_to_tuple(p):
    p[0] = 1.0  # E: E105 a tuple does not change
    return p


def write_to_record(x):
    r = Frozen(x)
    r.x = 1.0  # E: E105 the attribute x cannot be changed: objects of Frozen are frozen
    return r


from dataclasses import dataclass  # noqa: E402


@dataclass(frozen=True)
class Frozen:
    x: float


@dataclass
class Counter:
    x: float


def file_open(x):
    f = open("x")  # E: E003 open is not known to the compiler
    return x
