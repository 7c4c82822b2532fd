"""Python's min and max: of arguments, of iterables, of numbers and of whatever can be compared."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from oneform.frontend import library
from oneform.frontend.arrays import rank, whole
from oneform.frontend.comprehensions import listed, run_loop
from oneform.frontend.containers_api import items
from oneform.frontend.meet import choose
from oneform.frontend.numbers import compare_numbers, elementwise, op_of, real_scalar
from oneform.frontend.objects import new_list, run
from oneform.frontend.operators import binary_compare
from oneform.frontend.reductions import reduction
from oneform.frontend.registry import Call, Handler, handles
from oneform.frontend.truth import truth
from oneform.frontend.values import Abstract, Arr, Generator, Opt, Py, Ref, Seq, number
from oneform.types import I64


def _extreme(name: str, larger: bool) -> Handler:
    f: Any = np.maximum if larger else np.minimum

    def pick(c: Call, a: Abstract, b: Abstract) -> Abstract:
        if isinstance(a, (Seq, Ref, Opt)) and isinstance(b, (Seq, Ref, Opt)):
            better = truth(c.t, binary_compare(c.t, operator.gt if larger else operator.lt, b, a))
            return choose(c.t, better, lambda: b, lambda: a)
        x, y = real_scalar(c.t, a, f"an argument of {name}"), real_scalar(c.t, b, f"an argument of {name}")
        if x.known is not None and y.known is not None:
            return number(max(x.known, y.known) if larger else min(x.known, y.known))
        if x.weak and y.weak and x.dtype == I64 and y.dtype == I64:
            return c.t.imax(x, y) if larger else c.t.imin(x, y)
        return elementwise(c.t, op_of(f), [x, y], strong=False)

    def of_array(c: Call, x: Arr, default: Abstract | None) -> Abstract:
        if rank(x) != 1:
            c.t.refuse("E101", f"{name} of an array takes one axis", c.node, f"Use np.{name}.")
        if default is None:
            return reduction(c.t, name, x, None)
        some = compare_numbers(c.t, operator.gt, whole(c.t, x).lengths[0], number(0))
        return choose(c.t, some, lambda: reduction(c.t, name, x, None), lambda: default)

    def of_generator(c: Call, x: Generator, default: Abstract | None) -> Abstract:
        step = f"if best_ is None or item_ {'>' if larger else '<'} best_:\n    best_ = item_"
        if default is not None:
            end = "return default_ if best_ is None else best_"
            return run_loop(c.t, x, f"{name} or else", "def loop(default_):\n    best_ = None", step, end, {"default_": default})
        fail = f"if best_ is None:\n    raise ValueError('{name}() arg is an empty sequence')\nreturn best_"
        return run_loop(c.t, x, name, "def loop():\n    best_ = None", step, fail, {})

    def handler(c: Call) -> Abstract:
        t = c.t
        key, default = c.kwargs.pop("key", None), c.kwargs.pop("default", None)
        if c.kwargs:
            t.refuse("E106", f"{name}() takes key= and default= as its only keyword arguments", c.node)
        if isinstance(key, Py) and key.obj is None:
            key = None
        if len(c.args) > 1 and default is not None:
            t.refuse("E106", f"{name}() takes default= with one iterable only", c.node)
        if len(c.args) > 1 and key is None:
            return functools.reduce(lambda a, b: pick(c, a, b), c.args)
        x = new_list(t, tuple(c.args)) if len(c.args) > 1 else c.only("iterable")[0]
        if isinstance(x, Arr) and key is None:
            return of_array(c, x, default)
        found = None if isinstance(x, Arr) else items(t, x, c.node)
        if found is not None and not found:
            return default if default is not None else t.refuse("E101", f"{name}() of an empty sequence", c.node)
        if key is not None:
            over = listed(t, x) if isinstance(x, Generator) else x
            if default is not None and found is None:
                return run(t, library.largest_by_or if larger else library.smallest_by_or, over, key, default)
            return run(t, library.largest_by if larger else library.smallest_by, over, key)
        if found is not None:
            return functools.reduce(lambda a, b: pick(c, a, b), found)
        if isinstance(x, Generator):
            return of_generator(c, x, default)
        if default is not None:
            return run(t, library.largest_or if larger else library.smallest_or, x, default)
        return run(t, library.largest if larger else library.smallest, x)

    return handler


handles(max, objects=True)(_extreme("max", True))
handles(min, objects=True)(_extreme("min", False))
