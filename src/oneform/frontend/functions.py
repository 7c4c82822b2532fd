"""Functions as values: what two of them have in common, and what each holds beside its code."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from oneform.frontend.values import Abstract, Attr, Choice, Fn, Method, Py


def key_of(x: Any) -> Any:
    """Equal for functions that differ in what they hold only; None for what is no function, and for one of several."""
    if isinstance(x, Fn):
        frame = None if x.frame is None else x.frame.path
        return ("function", id(x.source.node), frame, tuple(x.defaults), None if x.captured is None else tuple(x.captured))
    if isinstance(x, Method):
        inner = key_of(x.function)
        return None if inner is None else ("method", inner, len(x.args), tuple(x.kwargs))
    if isinstance(x, Attr):
        return ("attribute", x.name, type(x.owner))
    if isinstance(x, Py) and callable(x.obj) and not (isinstance(x.obj, type) and issubclass(x.obj, np.generic)):
        return ("object", id(x.obj))
    return None


def holds_nothing(key: Any) -> bool:
    """Whether functions with this key are all one."""
    return key[0] == "object" or (key[0] == "function" and not key[3] and not key[4])


def is_function(x: Any) -> bool:
    return isinstance(x, Choice) or key_of(x) is not None


def held(x: Any) -> tuple[Abstract, ...]:
    """What a function holds, in a fixed order."""
    if isinstance(x, Fn):
        return (*x.defaults.values(), *(x.captured or {}).values())
    if isinstance(x, Method):
        return (*held(x.function), *x.args, *x.kwargs.values())
    return (x.owner,) if isinstance(x, Attr) else ()


def holding(model: Any, items: Sequence[Abstract]) -> Any:
    """A function like `model` that holds these; the inverse of `held`."""
    if isinstance(model, Fn):
        n = len(model.defaults)
        captured = None if model.captured is None else dict(zip(model.captured, items[n:], strict=True))
        return dataclasses.replace(model, defaults=dict(zip(model.defaults, items[:n], strict=True)), captured=captured)
    if isinstance(model, Method):
        first = len(held(model.function))
        last = first + len(model.args)
        kwargs = dict(zip(model.kwargs, items[last:], strict=True))
        return Method(holding(model.function, items[:first]), tuple(items[first:last]), kwargs)
    return Attr(items[0], model.name) if isinstance(model, Attr) else model


def options(x: Abstract) -> tuple[Abstract, ...]:
    """The functions that a value may be."""
    return x.options if isinstance(x, Choice) else (x,)


def are_distinct(items: Sequence[Abstract]) -> bool:
    """Whether these are functions with different code: then which is meant by an index, the index says."""
    keys = list(map(key_of, items))
    return len(items) > 0 and None not in keys and all(keys.index(key) == k for k, key in enumerate(keys))
