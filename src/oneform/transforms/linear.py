"""A partial derivative times a tangent or cotangent. The products may be reassociated: `reassoc` says so to the optimiser."""

from __future__ import annotations

from typing import Any

from oneform.ops import Term, apply, complexes, constant
from oneform.types import DType


def times(v: Term, p: Any, dtype: DType, guarded: bool = False) -> Term | None:
    """p · v as a number of `dtype`, for the forms a partial may take (see `Op.partials`); None is zero.
    Guarded, the product is 0 where v is, even if p is infinite or NaN: v may be 0 because a choice fell on the other side."""
    if isinstance(p, Term):
        return apply("masked_mul", v, p) if guarded else apply("mul", v, p, reassoc=True)
    if isinstance(p, tuple):
        form, what, *side = p  # pyright: ignore[reportUnknownVariableType]
        if form in ("masked", "masking"):
            return apply("masked_mul", *((v, what) if form == "masked" else (what, v)))  # pyright: ignore[reportUnknownArgumentType]
        if form == "convert":
            return complexes.as_dtype(v, dtype)
        if form == "linear":
            return what(v, dtype)  # pyright: ignore[reportUnknownVariableType]
        zero = Term(v.b, constant(v.b, 0, v.dtype))  # chosen, not multiplied: the side not taken must not leak NaN
        return apply("select", what, *((v, zero) if side[0] else (zero, v)))  # pyright: ignore[reportUnknownArgumentType]
    if p is None or p == 0:
        return None
    if p in (1, -1):
        return v if p == 1 else apply("neg", v, reassoc=True)
    return apply("mul", v, float(p), reassoc=True)
