"""heapq, and collections' deque, defaultdict and Counter, as the library writes them (written/queues.py)."""

from __future__ import annotations

import collections
import heapq
from collections.abc import Callable
from typing import Any

from oneform.frontend.boxes import new_box
from oneform.frontend.objects import run
from oneform.frontend.registry import Call, Handler, handles
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import NONE, Abstract, Py, Seq
from oneform.frontend.written import queues


def _written(f: Callable[..., Any], *parameters: str) -> Handler:
    return lambda c: run(c.t, f, *c.only(*parameters))


handles(heapq.heappush, objects=True)(_written(queues.heappush, "heap", "item"))
handles(heapq.heappop, objects=True)(_written(queues.heappop, "heap"))
handles(heapq.heapify, objects=True)(_written(queues.heapify, "heap"))
handles(heapq.heapreplace, objects=True)(_written(queues.heapreplace, "heap", "item"))
handles(heapq.heappushpop, objects=True)(_written(queues.heappushpop, "heap", "item"))
handles(heapq.nsmallest, objects=True)(_written(queues.nsmallest, "n", "iterable"))
handles(heapq.nlargest, objects=True)(_written(queues.nlargest, "n", "iterable"))


def _filled(c: Call, new: Abstract, take: Callable[..., Any], items: Abstract | None) -> Abstract:
    """A new object after it has taken what an iterable gives."""
    if items is not None:
        run(c.t, take, new, items)
    return new


def _table(t: Tracer) -> Abstract:
    return new_box(t, "dict", Seq("dict", (), ()))


@handles(collections.deque, objects=True)
def deque(c: Call) -> Abstract:
    items, maxlen = c.bind("iterable?", "maxlen?")
    return _filled(c, c.t.call(c.t, Py(queues.Deque), [maxlen or NONE], {}, c.node), queues.extended, items)


@handles(collections.defaultdict, objects=True)
def defaultdict(c: Call) -> Abstract:
    (factory,) = c.only("default_factory")
    return c.t.call(c.t, Py(queues.DefaultDict), [factory, _table(c.t)], {}, c.node)


@handles(collections.Counter, objects=True)
def counter(c: Call) -> Abstract:
    (items,) = c.bind("iterable?")
    return _filled(c, c.t.call(c.t, Py(queues.Counter), [_table(c.t)], {}, c.node), queues.counted, items)
