"""Products with a Jacobian: jvp, vjp with its pullback, hvp."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from oneform.derivatives import Grad, Jvp, Vjp
from oneform.errors import DerivativeError
from oneform.families import generation
from oneform.origins import Derived
from oneform.staging import Compiled, options_of, origin_of
from oneform.tangents import form_of, form_of_result, has_derivative
from oneform.tree import copied


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Forward mode: f(*primals), and the derivative of that in the direction `tangents`.

    `primals` and `tangents` are tuples of the same structure; leaves without derivative have the tangent None (or 0, which is ignored). Tangents of
    results without derivative come back as None. Raises DerivativeError E202 if structure, shape or dtype of the tangents do not fit.
    """
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        detail = "of.jvp takes primals and tangents as tuples, one entry per argument of the function"
        raise DerivativeError("E202", detail, repair="Write of.jvp(f, (x,), (dx,)).")
    points = tuple(primals)
    function = Compiled(Derived(origin_of(f), Jvp()), options_of(f), "jvp")
    known = generation()
    try:
        moved = form_of(points).call(function, points, tuple(tangents), "tangents", "primals")
    except Exception:
        if known == generation():
            raise
    else:
        if known == generation():
            return moved
    return jvp(f, primals, tangents)  # a class turned out to be recursive on the way: the tangents were taken apart as if it were not


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Reverse mode: f(*primals), and the pullback, which maps a cotangent of the result to a tuple of cotangents of the primals.

    The cotangent has the structure of the result (None or anything for leaves without derivative); cotangents of primals without derivative are
    None. The pullback keeps a copy of the primals and runs the function again. It raises DerivativeError E202 if structure, shape or dtype do not fit.
    """
    origin, options = origin_of(f), options_of(f)
    points = copied(primals)
    first = Compiled(origin, options, "jit")
    first.apart(*primals)  # which copies do not tell
    out, form = form_of_result(*first.leaves(*copied(points)))
    function = Compiled(Derived(origin, Vjp()), options, "vjp")

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        return form.call(function, points, cotangent, "cotangent", "result")

    return out, pullback


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The Hessian of `f`, which returns one float, times the direction `tangents`: forward over reverse, at a few times the cost of f.

    The result has the structure of the argument; for several arguments it is a tuple of these (None for those without derivative). Raises as `jvp` and `grad`.
    """
    points = tuple(primals)
    active = [n for n, p in enumerate(points) if has_derivative(p)]
    if not active:
        raise DerivativeError("E202", "none of the primals has a derivative", repair="Pass floats (2.0, not 2).")
    rule = Grad(tuple(active))
    gradient = Compiled(Derived(origin_of(f), rule), options_of(f), "grad")
    _, moved = jvp(gradient, points, tangents)
    if len(points) == 1:
        return moved[0]
    parts = iter(moved)
    return tuple(next(parts) if n in active else None for n in range(len(points)))
