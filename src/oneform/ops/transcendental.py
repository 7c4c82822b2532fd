"""Exponentials, logarithms, circular, hyperbolic and error functions: one record each, with the derivative beside the name."""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np

from oneform.ops import pairs
from oneform.ops.table import (
    Late,
    Term,
    apply,
    binary,
    unary,
)


def _ln2() -> float:
    return math.log(2.0)


# ---------------------------------------------------------------- exponentials and logarithms

exp = unary(
    "exp",
    "Exponential, e**x.",
    np.exp,
    singular=True,
    lower={"f": "libm:exp"},
    complex=pairs.exp,
    cost=20,
    partial=lambda x, y: y,
    python=(np.exp, math.exp, cmath.exp),
    jaxpr="exp",
    aten="exp",
    stablehlo="exponential",
    onnx="Exp",
)
exp2 = unary(
    "exp2",
    "2**x.",
    np.exp2,
    singular=True,
    lower={"f": "libm:exp2"},
    complex=pairs.exp2,
    cost=20,
    partial=lambda x, y: y * _ln2(),
    python=(np.exp2, math.exp2),
    jaxpr="exp2",
    aten="exp2",
)
expm1 = unary(
    "expm1",
    "e**x - 1, exact near 0.",
    np.expm1,
    singular=True,
    lower={"f": "libm:expm1"},
    complex=pairs.expm1,
    cost=25,
    partial=lambda x, y: y + 1.0,
    python=(np.expm1, math.expm1),
    jaxpr="expm1",
    aten="expm1",
    stablehlo="exponential_minus_one",
)
log = unary(
    "log",
    "Natural logarithm.",
    np.log,
    singular=True,
    lower={"f": "libm:log"},
    complex=pairs.log,
    cost=20,
    low=0.1,
    partial=lambda x, y: 1.0 / x,
    python=(np.log,),
    jaxpr="log",
    aten="log",
    stablehlo="log",
    onnx="Log",
)
log2 = unary(
    "log2",
    "Logarithm to base 2.",
    np.log2,
    singular=True,
    lower={"f": "libm:log2"},
    complex=pairs.log_to_base(2.0),
    cost=20,
    low=0.1,
    partial=lambda x, y: 1.0 / (x * _ln2()),
    python=(np.log2, math.log2),
    aten="log2",
)
log10 = unary(
    "log10",
    "Logarithm to base 10.",
    np.log10,
    singular=True,
    lower={"f": "libm:log10"},
    complex=pairs.log_to_base(10.0),
    cost=20,
    low=0.1,
    partial=lambda x, y: 1.0 / (x * math.log(10.0)),
    python=(np.log10, math.log10, cmath.log10),
    aten="log10",
)
log1p = unary(
    "log1p",
    "log(1 + x), exact near 0.",
    np.log1p,
    singular=True,
    lower={"f": "libm:log1p"},
    complex=pairs.log1p,
    cost=25,
    low=-0.9,
    partial=lambda x, y: 1.0 / (x + 1.0),
    python=(np.log1p, math.log1p),
    jaxpr="log1p",
    aten="log1p",
    stablehlo="log_plus_one",
)
# d logaddexp = e^(x-z) dx + e^(y-z) dy
logaddexp = binary(
    "logaddexp",
    "log(e**x + e**y) without overflow.",
    np.logaddexp,
    lower={"f": "generate:logaddexp"},
    cost=50,
    partials=lambda x, y, z: (apply("exp", x - z), apply("exp", y - z)),
    python=(np.logaddexp,),
    jaxpr="logaddexp",
    aten="logaddexp",
)

# ---------------------------------------------------------------- circular and hyperbolic functions

sin = unary(
    "sin",
    "Sine.",
    np.sin,
    lower={"f": "libm:sin"},
    complex=pairs.sin,
    cost=20,
    partial=lambda x, y: apply("cos", x),
    python=(np.sin, math.sin, cmath.sin),
    jaxpr="sin",
    aten="sin",
    stablehlo="sine",
    onnx="Sin",
)
cos = unary(
    "cos",
    "Cosine.",
    np.cos,
    lower={"f": "libm:cos"},
    complex=pairs.cos,
    cost=20,
    partial=lambda x, y: -apply("sin", x),
    python=(np.cos, math.cos, cmath.cos),
    jaxpr="cos",
    aten="cos",
    stablehlo="cosine",
    onnx="Cos",
)
tan = unary(
    "tan",
    "Tangent.",
    np.tan,
    singular=True,
    lower={"f": "libm:tan"},
    complex=pairs.tan,
    cost=25,
    low=-1.2,
    high=1.2,
    partial=lambda x, y: y * y + 1.0,
    python=(np.tan, math.tan, cmath.tan),
    jaxpr="tan",
    aten="tan",
    stablehlo="tan",
    onnx="Tan",
)

# The roots in the derivatives of the inverse functions. On complex numbers they are products of two, which have the branch cuts of the function
# itself, and are written so that a zero keeps the sign that tells the sides of a cut apart (x - 1 does, 1 - x does not).


def _root_of_one_minus_square(x: Term) -> Term:
    """sqrt(1 - x²)"""
    return apply("sqrt", -(x - 1.0)) * apply("sqrt", x - -1.0) if x.dtype.kind == "c" else apply("sqrt", 1.0 - x * x)


def _root_of_square_minus_one(x: Term) -> Term:
    """sqrt(x² - 1)"""
    return apply("sqrt", x - 1.0) * apply("sqrt", x - -1.0) if x.dtype.kind == "c" else apply("sqrt", x * x - 1.0)


def _root_of_square_plus_one(x: Term) -> Term:
    """sqrt(x² + 1) = sqrt(1 + ix) sqrt(1 - ix)"""
    if x.dtype.kind != "c":
        return apply("sqrt", x * x + 1.0)
    re, im = x.apply("real"), x.apply("imag")
    return apply("sqrt", apply("complex", 1.0 - im, re)) * apply("sqrt", apply("complex", im + 1.0, -re))


# asin' = 1/sqrt(1-x²), acos' = -1/sqrt(1-x²), atan' = 1/(1+x²)
asin = unary(
    "asin",
    "Arc sine.",
    np.arcsin,
    singular=True,
    lower={"f": "libm:asin"},
    complex=pairs.asin,
    cost=25,
    low=-0.9,
    high=0.9,
    partial=lambda x, y: 1.0 / _root_of_one_minus_square(x),
    python=(np.arcsin, math.asin, cmath.asin),
    jaxpr="asin",
    aten="asin",
    onnx="Asin",
)
acos = unary(
    "acos",
    "Arc cosine.",
    np.arccos,
    singular=True,
    lower={"f": "libm:acos"},
    complex=pairs.acos,
    cost=25,
    low=-0.9,
    high=0.9,
    partial=lambda x, y: -1.0 / _root_of_one_minus_square(x),
    python=(np.arccos, math.acos, cmath.acos),
    jaxpr="acos",
    aten="acos",
    onnx="Acos",
)
atan = unary(
    "atan",
    "Arc tangent.",
    np.arctan,
    lower={"f": "libm:atan"},
    complex=pairs.atan,
    cost=25,
    partial=lambda x, y: 1.0 / (x * x + 1.0),
    python=(np.arctan, math.atan, cmath.atan),
    jaxpr="atan",
    aten="atan",
    onnx="Atan",
)


def _atan2_partials(y: Term, x: Term, z: Term) -> tuple[Any, Any]:
    """d atan2(y, x) = (x dy - y dx) / (x² + y²)"""
    norm = x * x + y * y
    return x / norm, -y / norm


atan2 = binary(
    "atan2",
    "Angle of the point (x, y), given as (y, x).",
    np.arctan2,
    lower={"f": "libm:atan2"},
    cost=40,
    partials=_atan2_partials,
    python=(np.arctan2, math.atan2),
    jaxpr="atan2",
    aten="atan2",
    stablehlo="atan2",
)


def _hypot_partials(x: Term, y: Term, z: Term) -> tuple[Any, Any]:
    """d hypot = (x dx + y dy) / z, and 0 at the origin."""
    safe = apply("select", apply("eq", z, 0.0), 1.0, z)
    return x / safe, y / safe


hypot = binary(
    "hypot", "sqrt(x² + y²) without overflow.", np.hypot, lower={"f": "libm:hypot"}, cost=20, partials=_hypot_partials, python=(np.hypot,), aten="hypot"
)
sinh = unary(
    "sinh",
    "Hyperbolic sine.",
    np.sinh,
    singular=True,
    lower={"f": "libm:sinh"},
    complex=pairs.sinh,
    cost=25,
    partial=lambda x, y: apply("cosh", x),
    python=(np.sinh, math.sinh, cmath.sinh),
    jaxpr="sinh",
    aten="sinh",
    onnx="Sinh",
)
cosh = unary(
    "cosh",
    "Hyperbolic cosine.",
    np.cosh,
    singular=True,
    lower={"f": "libm:cosh"},
    complex=pairs.cosh,
    cost=25,
    partial=lambda x, y: apply("sinh", x),
    python=(np.cosh, math.cosh, cmath.cosh),
    jaxpr="cosh",
    aten="cosh",
    onnx="Cosh",
)
tanh = unary(
    "tanh",
    "Hyperbolic tangent.",
    np.tanh,
    lower={"f": "libm:tanh"},
    complex=pairs.tanh,
    cost=25,
    partial=lambda x, y: 1.0 - y * y,
    python=(np.tanh, math.tanh, cmath.tanh),
    jaxpr="tanh",
    aten="tanh",
    stablehlo="tanh",
    onnx="Tanh",
)
# asinh' = 1/sqrt(x²+1), acosh' = 1/sqrt(x²-1), atanh' = 1/(1-x²)
asinh = unary(
    "asinh",
    "Inverse hyperbolic sine.",
    np.arcsinh,
    lower={"f": "libm:asinh"},
    complex=pairs.asinh,
    cost=30,
    partial=lambda x, y: 1.0 / _root_of_square_plus_one(x),
    python=(np.arcsinh, math.asinh, cmath.asinh),
    jaxpr="asinh",
    aten="asinh",
    onnx="Asinh",
)
acosh = unary(
    "acosh",
    "Inverse hyperbolic cosine.",
    np.arccosh,
    singular=True,
    lower={"f": "libm:acosh"},
    complex=pairs.acosh,
    cost=30,
    low=1.2,
    high=3.0,
    partial=lambda x, y: 1.0 / _root_of_square_minus_one(x),
    python=(np.arccosh, math.acosh, cmath.acosh),
    jaxpr="acosh",
    aten="acosh",
    onnx="Acosh",
)
atanh = unary(
    "atanh",
    "Inverse hyperbolic tangent.",
    np.arctanh,
    singular=True,
    lower={"f": "libm:atanh"},
    complex=pairs.atanh,
    cost=30,
    low=-0.9,
    high=0.9,
    partial=lambda x, y: 1.0 / (1.0 - x * x),
    python=(np.arctanh, math.atanh, cmath.atanh),
    jaxpr="atanh",
    aten="atanh",
    onnx="Atanh",
)

# ---------------------------------------------------------------- special functions that Python's math has

_erf, _erfc = Late("scipy.special", "erf"), Late("scipy.special", "erfc")
# erf' = 2/sqrt(pi) e^(-x²)
erf = unary(
    "erf",
    "Error function.",
    _erf,
    lower={"f": "libm:erf"},
    cost=30,
    partial=lambda x, y: apply("exp", -(x * x)) * (2.0 / math.sqrt(math.pi)),
    python=(math.erf, _erf),
    jaxpr="erf",
    aten="erf",
    onnx="Erf",
)
erfc = unary(
    "erfc",
    "1 - erf(x), exact for large x.",
    _erfc,
    lower={"f": "libm:erfc"},
    cost=30,
    partial=lambda x, y: apply("exp", -(x * x)) * (-2.0 / math.sqrt(math.pi)),
    python=(math.erfc, _erfc),
    jaxpr="erfc",
    aten="special_erfc",
)
