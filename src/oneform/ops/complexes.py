"""Complex numbers put together and taken apart: linear operations between real and complex numbers.

The derivative of f: C -> R is du/dx - i du/dy, that is, a cotangent c of z pairs with a tangent dz as Re(c dz). Hence a cotangent passes
an analytic operation by multiplication with the plain derivative, and the operations here by

    z = x + iy:    x gets Re c, y gets -Im c        Re z:  z gets c        Im z:  z gets -ic        conj z:  z gets conj c"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oneform.ops import pairs
from oneform.ops.table import Term, apply, binary, constant, unary
from oneform.types import BY_NUMPY, DType, complex_dtype, real_dtype


def as_dtype(v: Term, dtype: DType) -> Term:
    """v as a number of another dtype; a complex number loses its imaginary part where the other is real."""
    if v.dtype.kind == "c" and dtype.kind != "c":
        v = v.apply("real")
    return v if v.dtype == dtype else apply("convert", v, dtype=dtype)


def _joined(x: Any, y: Any) -> Any:
    """Not x + 1j * y, where an infinite part would make the other one NaN."""
    out = np.empty(np.broadcast_shapes(np.shape(x), np.shape(y)), complex_dtype(BY_NUMPY[x.dtype]).numpy)
    out.real, out.imag = x, y
    return out[()]


def _imaginary(sign: int) -> Callable[[Term, DType], Term]:
    """The linear map between y and ±iy, in the direction that `dtype` says: a complex number gives ± its imaginary part, a real one ∓i times it."""

    def through(v: Term, dtype: DType) -> Term:
        if v.dtype.kind == "c":
            part = v.apply("imag")
            return part if sign > 0 else -part
        zero = Term(v.b, constant(v.b, 0.0, v.dtype))
        return apply("complex", zero, -v if sign > 0 else v)

    return through


def _conjugate(v: Term, dtype: DType) -> Term:
    return v.apply("conj")


complex_ = binary(
    "complex",
    "x + iy.",
    _joined,
    result=complex_dtype,
    lower={"f": "pair:complex"},
    cost=0,
    partials=lambda x, y, z: (("convert", z.dtype), ("linear", _imaginary(-1))),
    jaxpr="complex",
    aten="complex",
    stablehlo="complex",
)
real = unary(
    "real",
    "The real part of a complex number.",
    lambda z: z.real.copy()[()],
    kinds="c",
    result=real_dtype,
    lower={"c": "pair:real"},
    cost=0,
    partial=lambda z, x: ("convert", x.dtype),
    jaxpr="real",
    aten="real",
    stablehlo="real",
)
imag = unary(
    "imag",
    "The imaginary part of a complex number.",
    lambda z: z.imag.copy()[()],
    kinds="c",
    result=real_dtype,
    lower={"c": "pair:imag"},
    cost=0,
    partial=lambda z, y: ("linear", _imaginary(1)),
    jaxpr="imag",
    aten="imag",
    stablehlo="imag",
)
conj = unary(
    "conj",
    "The complex conjugate.",
    np.conjugate,
    kinds="c",
    lower={},
    complex=pairs.conjugate,
    partial=lambda z, w: ("linear", _conjugate),
    python=(np.conjugate,),
    jaxpr="conj",
    aten="conj",
)
