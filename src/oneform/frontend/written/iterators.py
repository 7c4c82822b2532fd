"""map, filter and itertools: functions that yield, compiled into the programs that call them. Nothing here is run by Python."""

# ruff: noqa: SIM110
# pyright: basic, reportReturnType=false

from __future__ import annotations


def mapped(f, xs):
    for x in xs:
        yield f(x)


def mapped_rows(f, xs):
    for x in xs:
        yield f(*x)


def kept(f, xs):
    for x in xs:
        if f(x):
            yield x


def through(xs, visit):
    """Hand on every item; whether that was ended."""
    for x in xs:
        if visit(x):
            return True
    return False


def enumerated(xs, start):
    for x in xs:
        yield start, x
        start += 1


def chained(all_of_them):
    for xs in all_of_them:
        yield from xs


def accumulated(xs, f):
    begun = False
    total = 0
    for x in xs:
        if begun:
            total = f(total, x)
        else:
            total = x
            begun = True
        yield total


def accumulated_from(xs, f, total):
    yield total
    for x in xs:
        total = f(total, x)
        yield total


def counted(start, step):
    while True:
        yield start
        start += step


def sliced_from(xs, start, stop, step):
    """islice"""
    if start < 0 or stop < 0 or step < 1:
        raise ValueError("Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
    k = 0
    if stop > start:
        for x in xs:
            if k >= start and (k - start) % step == 0:
                yield x
            k += 1
            if k >= stop:
                return


def sliced_open(xs, start, _stop, step):
    """islice without an end"""
    if start < 0 or step < 1:
        raise ValueError("Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
    for k, x in enumerate(xs):
        if k >= start and (k - start) % step == 0:
            yield x


def taken_while(f, xs):
    for x in xs:
        if not f(x):
            return
        yield x


def dropped_while(f, xs):
    begun = False
    for x in xs:
        if not begun and not f(x):
            begun = True
        if begun:
            yield x


def dropped(f, xs):
    for x in xs:
        if not f(x):
            yield x


def in_pairs(xs):
    begun = False
    last = 0
    for x in xs:
        if begun:
            yield last, x
        last = x
        begun = True


def again(x, times):
    for _ in range(times):
        yield x


def for_ever(x):
    while True:
        yield x


def in_circles(xs):
    """cycle: the items are kept; for none of them it ends at once."""
    items = list(xs)
    if len(items) == 0:
        return
    while True:
        yield from items
