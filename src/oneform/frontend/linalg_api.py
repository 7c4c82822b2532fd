"""What np.linalg's functions do."""

from __future__ import annotations

import math
import operator

import numpy as np

from oneform.frontend.arrays import rank
from oneform.frontend.complexes import is_complex, squared_modulus
from oneform.frontend.creation import as_operand
from oneform.frontend.numbers import arithmetic, dtype_of, elementwise, op_of, to_dtype
from oneform.frontend.reductions import axes_of, is_true, reduction
from oneform.frontend.registry import Call, handles
from oneform.frontend.values import Abstract, Arr, Num, Py
from oneform.types import F64


@handles(np.linalg.norm)
def norm(c: Call) -> Abstract:
    """(sum |x|^p)^(1/p) of vectors for p = 1, 2 and infinity; without p the root of the sum of all squares."""
    t = c.t
    x, order, axis, keep = c.bind("x", "ord?", "axis?", "keepdims?")
    a = as_operand(t, x or Py(None))
    if dtype_of(a).kind not in "fc":
        a = to_dtype(t, a, F64)
    p = None if order is None else _order(c, order)
    of_vectors = len(axes_of(t, axis, rank(a) if isinstance(a, Arr) else 0)) == 1
    if p is not None and not (of_vectors and p in (1.0, 2.0, math.inf)):
        detail = "of np.linalg.norm the compiler knows ord=1, 2 and np.inf for vectors, and no ord for anything"
        t.refuse("E003", detail, c.node, "Write the others with loops.")
    keepdims = is_true(t, keep)
    if p in (None, 2.0):
        squares = squared_modulus(t, a) if is_complex(a) else arithmetic(t, op_of(operator.mul), a, a)
        return elementwise(t, op_of(np.sqrt), [reduction(t, "sum", squares, axis, keepdims)])
    size = elementwise(t, op_of(np.abs), [a])
    return reduction(t, "sum" if p == 1.0 else "max", size, axis, keepdims)


def _order(c: Call, x: Abstract) -> float:
    if isinstance(x, Num) and x.known is not None:
        return float(x.known.real)
    if isinstance(x, Py) and isinstance(x.obj, str):
        c.t.refuse("E003", f"np.linalg.norm with ord={x.obj!r} is not known to the compiler", c.node, "Leave ord out for the Frobenius norm.")
    c.t.refuse("E006", "the ord of np.linalg.norm must be a constant", c.node)
