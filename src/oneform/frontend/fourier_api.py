"""np.fft and scipy.fft: along one axis they are written/fourier.py; along several, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oneform.frontend.arrays import rank, shape
from oneform.frontend.creation import as_operand
from oneform.frontend.registry import Call, handles, handles_late
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import NONE, Abstract, Arr, Num, Py, Seq, number
from oneform.frontend.written import fourier

ALONG = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
SEVERAL: dict[str, tuple[Any, Any, bool]] = {  # the transform of the last axis, that of the others, and whether it comes first
    "fftn": (fourier.fft, fourier.fft, True), "ifftn": (fourier.ifft, fourier.ifft, True),
    "rfftn": (fourier.rfft, fourier.fft, True), "irfftn": (fourier.irfft, fourier.ifft, False),
}  # fmt: skip


def _refuse_options(c: Call, *given: Abstract | None) -> None:
    if any(x is not None for x in given):
        c.t.refuse("E106", f"out=, workers=, plan= and overwrite_x= of {c.name} are not supported", c.node, "Leave them out.")


def _along(f: Any, scipy: bool) -> Callable[[Call], Abstract]:
    def handler(c: Call) -> Abstract:
        a, *given = _bound(c, scipy, "n?", "axis?")
        axis = given[1] or number(-1)
        operand = _array(c, a)
        _axes(c, operand, [axis])
        return c.t.call(c.t, Py(f), [operand, given[0] or NONE, axis, given[2] or NONE], {}, c.node)

    return handler


def _bound(c: Call, scipy: bool, *sizes: str) -> list[Abstract | None]:
    """The operand, length, axis and norm."""
    if scipy:
        *found, overwrite, workers, plan = c.bind("x", *sizes, "norm?", "overwrite_x?", "workers?", "*", "plan?")
        _refuse_options(c, overwrite, workers, plan)
    else:
        *found, out = c.bind("a", *sizes, "norm?", "out?")
        _refuse_options(c, out)
    return found


def _array(c: Call, a: Abstract | None) -> Arr:
    x = as_operand(c.t, a or NONE, c.node)
    if isinstance(x, Num):
        c.t.refuse("E103", "a transform along an axis takes an array with at least one axis, not a number", c.node)
    return x


def _axes(c: Call, a: Arr, axes: list[Abstract]) -> list[int]:
    n = rank(a)
    found = [c.t.known_int(k, "axis") for k in axes]
    for k in found:
        if not -n <= k < n:
            c.t.refuse("E103", f"axis {k} is out of bounds for array of dimension {n}", c.node)
    return [k % n for k in found]


def _several(name: str, scipy: bool, default: tuple[int, ...] | None) -> Callable[[Call], Abstract]:
    last, others, last_first = SEVERAL[name]

    def handler(c: Call) -> Abstract:
        t = c.t
        a, sizes, given, norm = _bound(c, scipy, "s?", "axes?")
        x = _array(c, a)
        lengths = None if sizes is None else _items(t, sizes)
        if given is not None:
            axes = _axes(c, x, _items(t, given))
        elif default is not None:
            axes = _axes(c, x, [number(k) for k in default])
        else:
            axes = list(range(rank(x) - len(lengths) if lengths is not None else 0, rank(x)))
        if lengths is not None and len(lengths) != len(axes):
            t.refuse("E101", "Shape and axes have different lengths.", c.node)
        steps = [(others, k, n) for k, n in zip(axes, lengths or [None] * len(axes), strict=True)]
        if not steps:
            return x if not last_first else t.call(t, Py(fourier.complexed), [x], {}, c.node)
        steps[-1] = (last, *steps[-1][1:])
        out: Abstract = x
        for f, k, n in reversed(steps) if last_first else steps:
            out = t.call(t, Py(f), [out, _length(t, x, k, n, f), number(k), norm or NONE], {}, c.node)
        return out

    return handler


def _items(t: Tracer, x: Abstract) -> list[Abstract]:
    return list(x.items) if isinstance(x, Seq) else [x]


def _length(t: Tracer, x: Arr, axis: int, n: Abstract | None, f: Any) -> Abstract:
    """An entry of s=: -1 is the length that there is."""
    if n is None:
        return NONE
    if isinstance(n, Num) and n.known == -1:
        return NONE if f is fourier.irfft else shape(t, x)[1][axis]
    return n


for _library, _scipy in (("numpy", False), ("scipy", True)):
    for _name in ALONG:
        handles_late(f"{_library}.fft.{_name}")(_along(getattr(fourier, _name), _scipy))
    for _name in SEVERAL:
        handles_late(f"{_library}.fft.{_name}")(_several(_name, _scipy, None))
        handles_late(f"{_library}.fft.{_name[:-1]}2")(_several(_name, _scipy, (-2, -1)))


@handles(np.fft.fftfreq)
def fftfreq(c: Call) -> Abstract:
    n, d, _ = c.bind("n", "d?", "device?")
    return c.t.call(c.t, Py(fourier.fftfreq), [n or NONE, d or number(1.0)], {}, c.node)


@handles(np.fft.rfftfreq)
def rfftfreq(c: Call) -> Abstract:
    n, d, _ = c.bind("n", "d?", "device?")
    return c.t.call(c.t, Py(fourier.rfftfreq), [n or NONE, d or number(1.0)], {}, c.node)


def _rolled(c: Call, forth: bool) -> Abstract:
    """Half of each length, rounded down to bring the first number to the middle, up for the way back."""
    t = c.t
    a, given = c.bind("x", "axes?")
    x = _array(c, a)
    axes = _axes(c, x, [number(k) for k in range(rank(x))] if given is None else _items(t, given))
    lengths = [shape(t, x)[1][k] for k in axes]
    halves = [t.call(t, Py(fourier.shift_forth if forth else fourier.shift_back), [n], {}, c.node) for n in lengths]
    return t.call(t, Py(np.roll), [x, Seq("tuple", tuple(halves)), Seq("tuple", tuple(map(number, axes)))], {}, c.node)


@handles(np.fft.fftshift)
def fftshift(c: Call) -> Abstract:
    return _rolled(c, forth=True)


@handles(np.fft.ifftshift)
def ifftshift(c: Call) -> Abstract:
    return _rolled(c, forth=False)


handles_late("scipy.fft.fftshift")(fftshift)
handles_late("scipy.fft.ifftshift")(ifftshift)
