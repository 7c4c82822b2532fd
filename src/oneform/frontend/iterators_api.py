"""itertools: walks over what is known, and generators that the library writes (written/iterators.py)."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

from oneform.frontend.containers_api import items
from oneform.frontend.objects import run
from oneform.frontend.once import born
from oneform.frontend.registry import Call, Handler, handles
from oneform.frontend.values import NONE, Abstract, Py, Seq, Walk, number
from oneform.frontend.written import iterators


@handles(itertools.chain, objects=True)
def chain(c: Call) -> Abstract:
    return run(c.t, iterators.chained, Seq("tuple", tuple(c.args)))


@handles(itertools.product, objects=True)
def product(c: Call) -> Abstract:
    lists = [items(c.t, a, c.node) for a in c.args]
    if any(x is None for x in lists):
        c.t.refuse("E006", f"{c.name} goes over things whose length is known", c.node, "Write nested loops.")
    rows = itertools.product(*(x for x in lists if x is not None))
    return Walk("iter", (Seq("tuple", tuple(Seq("tuple", row) for row in rows)),), born=born(c.t))


@handles(itertools.chain.from_iterable, objects=True)
def chain_from(c: Call) -> Abstract:
    return run(c.t, iterators.chained, *c.only("iterable"))


@handles(itertools.accumulate, objects=True)
def accumulate(c: Call) -> Abstract:
    over, f, start = c.bind("iterable", "func?", "*", "initial?")
    assert over is not None
    f = _given(f) or Py(operator.add)
    return run(c.t, iterators.accumulated, over, f) if start is None else run(c.t, iterators.accumulated_from, over, f, start)


@handles(itertools.count)
def count(c: Call) -> Abstract:
    start, step = c.bind("start?", "step?")
    return run(c.t, iterators.counted, start or number(0), step or number(1))


@handles(itertools.islice, objects=True)
def islice(c: Call) -> Abstract:
    over, *bounds = c.args
    if c.kwargs or not 1 <= len(bounds) <= 3:
        c.t.refuse("E106", "islice takes an iterable and one to three numbers", c.node)
    start, stop, step = (None, bounds[0], None) if len(bounds) == 1 else (*bounds, None)[:3]
    numbers = [_given(x) or number(d) for x, d in ((start, 0), (stop, 0), (step, 1))]
    return run(c.t, iterators.sliced_open if _given(stop) is None else iterators.sliced_from, over, *numbers)


def _given(x: Abstract | None) -> Abstract | None:
    """An argument, unless it is None."""
    return None if isinstance(x, Py) and x.obj is None else x


@handles(itertools.repeat, objects=True)
def repeat(c: Call) -> Abstract:
    x, times = c.bind("object", "times?")
    given = [x or NONE]
    return run(c.t, iterators.for_ever, *given) if times is None else run(c.t, iterators.again, *given, times)


_LAZILY: dict[Any, Callable[..., Any]] = {
    itertools.takewhile: iterators.taken_while, itertools.dropwhile: iterators.dropped_while, itertools.filterfalse: iterators.dropped,
    itertools.starmap: iterators.mapped_rows, itertools.pairwise: iterators.in_pairs, itertools.cycle: iterators.in_circles,
}


def _lazily(f: Callable[..., Any]) -> Handler:
    return lambda c: run(c.t, f, *c.args)


for _name, _f in _LAZILY.items():
    handles(_name, objects=True)(_lazily(_f))
