"""Pointwise operations: one record each, with the derivative beside the name."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from oneform.ir import Attrs, Block, Op, mismatch
from oneform.ops.table import (
    Late,
    Term,
    apply,
    binary,
    broadcast_shape,
    define,
    expand_pointwise,
    pointwise_types,
    sample,
    unary,
)
from oneform.types import BOOL, F64, I64, DType, Scalar, Stack, Type, shape_of, with_shape


def _ln2() -> float:
    return math.log(2.0)


# ---------------------------------------------------------------- arithmetic

add = binary(
    "add",
    "Sum, x + y.",
    np.add,
    kinds="fic",
    lower={"f": "fadd", "i": "add"},
    partials=lambda x, y, z: (1, 1),
    python=(operator.add, np.add),
    jaxpr="add",
    aten="add.Tensor",
    stablehlo="add",
    onnx="Add",
)
sub = binary(
    "sub",
    "Difference, x - y.",
    np.subtract,
    kinds="fic",
    lower={"f": "fsub", "i": "sub"},
    partials=lambda x, y, z: (1, -1),
    python=(operator.sub, np.subtract),
    jaxpr="sub",
    aten="sub.Tensor",
    stablehlo="subtract",
    onnx="Sub",
)
mul = binary(
    "mul",
    "Product, x y.",
    np.multiply,
    kinds="fic",
    lower={"f": "fmul", "i": "mul"},
    partials=lambda x, y, z: (y, x),
    python=(operator.mul, np.multiply),
    jaxpr="mul",
    aten="mul.Tensor",
    stablehlo="multiply",
    onnx="Mul",
)
# d(x/y) = dx/y - z dy/y
div = binary(
    "div",
    "Quotient, x / y; division by zero gives an infinity or NaN.",
    np.divide,
    singular=True,
    kinds="fc",
    lower={"f": "fdiv"},
    cost=5,
    partials=lambda x, y, z: (1.0 / y, -z / y),
    python=(operator.truediv, np.divide, np.true_divide),
    jaxpr="div",
    aten="div.Tensor",
    stablehlo="divide",
    onnx="Div",
)
neg = unary(
    "neg",
    "Negation, -x.",
    np.negative,
    kinds="fic",
    lower={"f": "fneg", "i": "sub {T} 0, {0}"},
    partial=lambda x, y: -1,
    python=(operator.neg, np.negative),
    jaxpr="neg",
    aten="neg",
    stablehlo="negate",
    onnx="Neg",
)
abs_ = unary(
    "abs",
    "Absolute value; its derivative at 0 is 0.",
    np.abs,
    kinds="fi",
    lower={"f": "intrinsic:fabs", "i": "call {T} @llvm.abs.{S}({T} {0}, i1 false)"},
    partial=lambda x, y: apply("sign", x),
    python=(abs, np.abs, np.absolute, np.fabs, math.fabs),
    jaxpr="abs",
    aten="abs",
    stablehlo="abs",
    onnx="Abs",
)
_KINK = "piecewise constant: zero wherever it is defined"
sign = unary(
    "sign",
    "-1, 0 or 1; NaN stays NaN.",
    np.sign,
    kinds="fi",
    lower={"f": "generate:sign", "i": "generate:sign"},
    partial=lambda x, y: None,
    python=(np.sign,),
    jaxpr="sign",
    aten="sign",
    stablehlo="sign",
    onnx="Sign",
)
for _name, _doc, _ref, _intrinsic, _python in (
    ("floor", "The largest integer not above x, as a float.", np.floor, "floor", (np.floor,)),
    ("ceil", "The smallest integer not below x, as a float.", np.ceil, "ceil", (np.ceil,)),
    ("trunc", "x without its fraction, as a float.", np.trunc, "trunc", (np.trunc, np.fix)),
    ("rint", "The nearest integer, ties to even, as a float.", np.rint, "rint", (np.rint,)),
):
    unary(
        _name,
        _doc,
        _ref,
        lower={"f": f"intrinsic:{_intrinsic}"},
        partial=lambda x, y: None,
        python=_python,
        jaxpr=_name,
        aten=_name,
        stablehlo=_name,
        onnx=_name,
    )

# Python's x % y and x // y: the remainder has the sign of y. Integers divided by zero raise, as Python does (NumPy warns and gives 0).
floordiv = binary(
    "floordiv",
    "Floor of the quotient, x // y, as Python defines it.",
    np.floor_divide,
    singular=True,
    kinds="fi",
    lower={"f": "generate:floordiv", "i": "generate:floordiv"},
    cost=25,
    partials=lambda x, y, z: (None, None),
    python=(operator.floordiv, np.floor_divide),
    aten="floor_divide",
)
# x % y = x - y floor(x / y)
mod = binary(
    "mod",
    "Remainder, x % y, with the sign of y as Python defines it.",
    np.remainder,
    singular=True,
    kinds="fi",
    lower={"f": "generate:mod", "i": "generate:mod"},
    cost=25,
    partials=lambda x, y, z: (1, -apply("floordiv", x, y)),
    python=(operator.mod, np.remainder, np.mod),
    aten="remainder.Tensor",
    onnx="Mod",
)
# fmod(x, y) = x - y trunc(x / y)
fmod = binary(
    "fmod",
    "Remainder with the sign of x, as C defines it.",
    np.fmod,
    singular=True,
    lower={"f": "libm:fmod"},
    cost=25,
    partials=lambda x, y, z: (1, -apply("trunc", x / y)),
    python=(np.fmod, math.fmod),
    jaxpr="rem",
    aten="fmod.Tensor",
    stablehlo="remainder",
)


def _pow_partials(x: Term, y: Term, z: Term) -> tuple[Any, Any]:
    """d(x^y) = y x^(y-1) dx + x^y log(x) dy; the first is 0 where y is 0, the second 0 where x is not positive."""
    by_x = apply("select", apply("eq", y, 0.0), 0.0, y * apply("pow", x, y - 1.0))
    positive = x > 0.0
    by_y = apply("select", positive, z * apply("log", apply("select", positive, x, 1.0)), 0.0)
    return by_x, by_y


pow_ = binary(
    "pow",
    "Power, x ** y.",
    np.power,
    singular=True,
    lower={"f": "libm:pow"},
    cost=40,
    partials=_pow_partials,
    low=0.2,
    python=(operator.pow, np.power, np.float_power, math.pow, pow),
    jaxpr="pow",
    aten="pow.Tensor_Tensor",
    stablehlo="power",
    onnx="Pow",
)


def _ipow_ref(x: Any, n: Any) -> Any:
    if np.any(np.asarray(n) < 0):
        raise ValueError("integers to negative integer powers are not allowed")
    return np.power(x, n)


define(
    Op(
        "ipow",
        "An integer to a non-negative integer power.",
        pointwise_types("i", arity=2),
        lambda *a, attrs, regions: (_ipow_ref(*a),),
        lower={"i": "generate:ipow"},
        expand=expand_pointwise("ipow"),
        cost=30,
        raises=True,
        samples=lambda rng: [((np.int64(3), np.int64(4)), {}), ((np.array([2, -3]), np.array([5, 3])), {})],
        missing={"derivative": "integers have none"},
    )
)
# d(x^n) = n x^(n-1) dx, with n a number known to the compiler
define(
    Op(
        "powi",
        "Power with an integer exponent known to the compiler, {n}.",
        pointwise_types("fi"),
        lambda x, *, attrs, regions: (_quiet(np.power, x, x.dtype.type(attrs["n"])),),
        singular=True,
        partials=lambda x, y, *, n: (0 if n == 0 else 1 if n == 1 else apply("powi", x, n=n - 1) * float(n),),
        lower={"f": "generate:powi", "i": "generate:powi"},
        expand=expand_pointwise("powi"),
        cost=4,
        samples=lambda rng: [((sample(rng, "f", s, -2, 2),), {"n": n}) for s in ((), (3,)) for n in (0, 1, 2, 3, 5, -1, -2)] + [((np.int64(-3),), {"n": 3})],
    )
)


def _quiet(f: Any, *args: Any) -> Any:
    with np.errstate(all="ignore"):
        return f(*args)


square = unary(
    "square",
    "x².",
    np.square,
    kinds="fi",
    lower={"f": "fmul {fm} {T} {0}, {0}", "i": "mul {T} {0}, {0}"},
    partial=lambda x, y: x * 2.0,
    python=(np.square,),
    aten="square",
)
sqrt = unary(
    "sqrt",
    "Square root; NaN for negative x.",
    np.sqrt,
    singular=True,
    lower={"f": "intrinsic:sqrt"},
    cost=8,
    low=0.1,
    partial=lambda x, y: 0.5 / y,
    python=(np.sqrt, math.sqrt),
    jaxpr="sqrt",
    aten="sqrt",
    stablehlo="sqrt",
    onnx="Sqrt",
)
# (x^(1/3))' = 1 / (3 y²)
cbrt = unary(
    "cbrt",
    "Cube root.",
    np.cbrt,
    singular=True,
    lower={"f": "libm:cbrt"},
    cost=30,
    low=0.1,
    partial=lambda x, y: 1.0 / (3.0 * y * y),
    python=(np.cbrt, math.cbrt),
    jaxpr="cbrt",
    stablehlo="cbrt",
)
reciprocal = unary(
    "reciprocal",
    "1 / x.",
    np.reciprocal,
    singular=True,
    lower={"f": "fdiv {fm} {T} 1.0, {0}"},
    cost=5,
    low=0.1,
    partial=lambda x, y: -(y * y),
    python=(np.reciprocal,),
    aten="reciprocal",
    onnx="Reciprocal",
)

# ---------------------------------------------------------------- exponentials and logarithms

exp = unary(
    "exp",
    "Exponential, e**x.",
    np.exp,
    singular=True,
    lower={"f": "libm:exp"},
    cost=20,
    partial=lambda x, y: y,
    python=(np.exp, math.exp),
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
    cost=20,
    low=0.1,
    partial=lambda x, y: 1.0 / (x * math.log(10.0)),
    python=(np.log10, math.log10),
    aten="log10",
)
log1p = unary(
    "log1p",
    "log(1 + x), exact near 0.",
    np.log1p,
    singular=True,
    lower={"f": "libm:log1p"},
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
    cost=20,
    partial=lambda x, y: apply("cos", x),
    python=(np.sin, math.sin),
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
    cost=20,
    partial=lambda x, y: -apply("sin", x),
    python=(np.cos, math.cos),
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
    cost=25,
    low=-1.2,
    high=1.2,
    partial=lambda x, y: y * y + 1.0,
    python=(np.tan, math.tan),
    jaxpr="tan",
    aten="tan",
    stablehlo="tan",
    onnx="Tan",
)
# asin' = 1/sqrt(1-x²), acos' = -1/sqrt(1-x²), atan' = 1/(1+x²)
asin = unary(
    "asin",
    "Arc sine.",
    np.arcsin,
    singular=True,
    lower={"f": "libm:asin"},
    cost=25,
    low=-0.9,
    high=0.9,
    partial=lambda x, y: 1.0 / apply("sqrt", 1.0 - x * x),
    python=(np.arcsin, math.asin),
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
    cost=25,
    low=-0.9,
    high=0.9,
    partial=lambda x, y: -1.0 / apply("sqrt", 1.0 - x * x),
    python=(np.arccos, math.acos),
    jaxpr="acos",
    aten="acos",
    onnx="Acos",
)
atan = unary(
    "atan",
    "Arc tangent.",
    np.arctan,
    lower={"f": "libm:atan"},
    cost=25,
    partial=lambda x, y: 1.0 / (x * x + 1.0),
    python=(np.arctan, math.atan),
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
    cost=25,
    partial=lambda x, y: apply("cosh", x),
    python=(np.sinh, math.sinh),
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
    cost=25,
    partial=lambda x, y: apply("sinh", x),
    python=(np.cosh, math.cosh),
    jaxpr="cosh",
    aten="cosh",
    onnx="Cosh",
)
tanh = unary(
    "tanh",
    "Hyperbolic tangent.",
    np.tanh,
    lower={"f": "libm:tanh"},
    cost=25,
    partial=lambda x, y: 1.0 - y * y,
    python=(np.tanh, math.tanh),
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
    cost=30,
    partial=lambda x, y: 1.0 / apply("sqrt", x * x + 1.0),
    python=(np.arcsinh, math.asinh),
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
    cost=30,
    low=1.2,
    high=3.0,
    partial=lambda x, y: 1.0 / apply("sqrt", x * x - 1.0),
    python=(np.arccosh, math.acosh),
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
    cost=30,
    low=-0.9,
    high=0.9,
    partial=lambda x, y: 1.0 / (1.0 - x * x),
    python=(np.arctanh, math.atanh),
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

# ---------------------------------------------------------------- comparison, choice, logic


def _tie(first: str) -> Any:
    """Partials of max or min: 1 for the winner, 1/2 each at a tie."""

    def partials(x: Term, y: Term, z: Term) -> tuple[Any, Any]:
        by_x = apply("select", apply("eq", x, y), 0.5, apply("convert", apply(first, x, y), dtype=x.dtype))
        return by_x, 1.0 - by_x

    return partials


maximum = binary(
    "maximum",
    "The larger; NaN if one is NaN; ties share the derivative evenly.",
    np.maximum,
    kinds="fi",
    lower={"f": "intrinsic:maximum", "i": "intrinsic:smax"},
    cost=3,
    partials=_tie("gt"),
    python=(np.maximum,),
    jaxpr="max",
    aten="maximum",
    stablehlo="maximum",
    onnx="Max",
)
minimum = binary(
    "minimum",
    "The smaller; NaN if one is NaN; ties share the derivative evenly.",
    np.minimum,
    kinds="fi",
    lower={"f": "intrinsic:minimum", "i": "intrinsic:smin"},
    cost=3,
    partials=_tie("lt"),
    python=(np.minimum,),
    jaxpr="min",
    aten="minimum",
    stablehlo="minimum",
    onnx="Min",
)
copysign = binary(
    "copysign",
    "|x| with the sign of y.",
    np.copysign,
    lower={"f": "intrinsic:copysign"},
    partials=lambda x, y, z: (apply("sign", x) * apply("copysign", 1.0, y), None),
    python=(np.copysign, math.copysign),
    aten="copysign.Tensor",
)

for _name, _doc, _ref, _f, _i, _python in (
    ("eq", "x == y.", np.equal, "fcmp oeq", "icmp eq", (operator.eq, np.equal)),
    ("ne", "x != y.", np.not_equal, "fcmp une", "icmp ne", (operator.ne, np.not_equal)),
    ("lt", "x < y.", np.less, "fcmp olt", "icmp slt", (operator.lt, np.less)),
    ("le", "x <= y.", np.less_equal, "fcmp ole", "icmp sle", (operator.le, np.less_equal)),
    ("gt", "x > y.", np.greater, "fcmp ogt", "icmp sgt", (operator.gt, np.greater)),
    ("ge", "x >= y.", np.greater_equal, "fcmp oge", "icmp sge", (operator.ge, np.greater_equal)),
):
    binary(
        _name,
        _doc,
        _ref,
        kinds="fib",
        result=BOOL,
        lower={"f": _f + " {T} {0}, {1}", "i": _i + " {T} {0}, {1}", "b": _i.replace("icmp s", "icmp u") + " {T} {0}, {1}"},
        partials=lambda x, y, z: (None, None),
        python=_python,
        jaxpr=_name,
        aten=_name + ".Tensor",
        stablehlo="compare",
    )

and_ = binary(
    "and",
    "Both (bits, for integers).",
    np.bitwise_and,
    kinds="bi",
    lower={"b": "and", "i": "and"},
    partials=lambda x, y, z: (None, None),
    python=(operator.and_, np.bitwise_and),
    jaxpr="and",
    aten="bitwise_and.Tensor",
    stablehlo="and",
    onnx="And",
)
or_ = binary(
    "or",
    "Either or both (bits, for integers).",
    np.bitwise_or,
    kinds="bi",
    lower={"b": "or", "i": "or"},
    partials=lambda x, y, z: (None, None),
    python=(operator.or_, np.bitwise_or),
    jaxpr="or",
    aten="bitwise_or.Tensor",
    stablehlo="or",
    onnx="Or",
)
xor = binary(
    "xor",
    "One but not both (bits, for integers).",
    np.bitwise_xor,
    kinds="bi",
    lower={"b": "xor", "i": "xor"},
    partials=lambda x, y, z: (None, None),
    python=(operator.xor, np.bitwise_xor),
    jaxpr="xor",
    aten="bitwise_xor.Tensor",
    stablehlo="xor",
    onnx="Xor",
)
not_ = unary(
    "not",
    "Not (bits, for integers).",
    np.bitwise_not,
    kinds="bi",
    lower={"b": "xor {T} {0}, true", "i": "xor {T} {0}, -1"},
    partial=lambda x, y: None,
    python=(operator.invert, np.invert),
    jaxpr="not",
    aten="bitwise_not",
    stablehlo="not",
    onnx="Not",
)
shl = binary(
    "shl",
    "x shifted left by y bits.",
    np.left_shift,
    kinds="i",
    low=0,
    lower={"i": "generate:shl"},
    partials=lambda x, y, z: (None, None),
    python=(operator.lshift, np.left_shift),
    jaxpr="shift_left",
    stablehlo="shift_left",
)
shr = binary(
    "shr",
    "x shifted right by y bits, keeping its sign.",
    np.right_shift,
    kinds="i",
    low=0,
    lower={"i": "generate:shr"},
    partials=lambda x, y, z: (None, None),
    python=(operator.rshift, np.right_shift),
    jaxpr="shift_right_arithmetic",
    stablehlo="shift_right_arithmetic",
)
isnan = unary(
    "isnan",
    "Whether x is NaN.",
    np.isnan,
    result=BOOL,
    lower={"f": "fcmp uno {T} {0}, {0}"},
    partial=lambda x, y: None,
    python=(np.isnan, math.isnan),
    aten="isnan",
    onnx="IsNaN",
)
isinf = unary(
    "isinf",
    "Whether x is an infinity.",
    np.isinf,
    result=BOOL,
    lower={"f": "generate:isinf"},
    partial=lambda x, y: None,
    python=(np.isinf, math.isinf),
    aten="isinf",
    onnx="IsInf",
)
isfinite = unary(
    "isfinite",
    "Whether x is neither an infinity nor NaN.",
    np.isfinite,
    result=BOOL,
    lower={"f": "generate:isfinite"},
    partial=lambda x, y: None,
    python=(np.isfinite, math.isfinite),
    jaxpr="is_finite",
    stablehlo="is_finite",
)


def _select_types(types: tuple[Type, ...], attrs: Attrs, regions: tuple[Block, ...]) -> tuple[Type, ...]:
    c, x, y = types
    if isinstance(c, Stack) or c.dtype != BOOL:
        raise mismatch(f"the condition must be bool, not {c}")
    if isinstance(x, Stack) or isinstance(y, Stack) or x.dtype != y.dtype:
        raise mismatch(f"the alternatives differ: {x} and {y}")
    return (with_shape(x.dtype, broadcast_shape([shape_of(t) for t in types])),)


# A partial that is chosen, not multiplied: the side not taken contributes 0 even where its own derivative is NaN.
select = define(
    Op(
        "select",
        "x where c holds, else y.",
        _select_types,
        lambda c, x, y, *, attrs, regions: (np.where(c, x, y)[()],),
        partials=lambda c, x, y, z: (None, ("where", c, True), ("where", c, False)),
        lower=dict.fromkeys("fibc", "select i1 {0}, {T} {1}, {T} {2}"),
        expand=expand_pointwise("select"),
        python=(),
        foreign={"jaxpr": "select_n", "aten": "where.self", "stablehlo": "select", "onnx": "Where"},
        samples=lambda rng: [
            ((sample(rng, "b", s, 0, 1), sample(rng, "f", t, -2, 2), sample(rng, "f", u, -2, 2)), {})
            for s, t, u in (((), (), ()), ((3,), (3,), ()), ((2, 1), (3,), (2, 3)))
        ],
        rejects=(((Scalar(F64), Scalar(F64), Scalar(F64)), {}, "E101"), ((Scalar(BOOL), Scalar(F64), Scalar(I64)), {}, "E101")),
    )
)


def _convert_types(types: tuple[Type, ...], attrs: Attrs, regions: tuple[Block, ...]) -> tuple[Type, ...]:
    (t,) = types
    if isinstance(t, Stack):
        raise mismatch(f"no such operation on {t}")
    return (with_shape(attrs["dtype"], shape_of(t)),)


def _convert_partials(x: Term, y: Term, *, dtype: DType) -> tuple[Any]:
    """Linear between floats; an integer or bool on either side has no derivative."""
    return (("convert", x.dtype) if dtype.differentiable and x.dtype.differentiable else None,)


convert = define(
    Op(
        "convert",
        "The same number as another dtype; floats to integers are truncated.",
        _convert_types,
        lambda x, *, attrs, regions: (_quiet(x.astype, attrs["dtype"].numpy),),
        partials=_convert_partials,
        lower=dict.fromkeys("fibc", "generate:convert"),
        expand=expand_pointwise("convert"),
        foreign={"jaxpr": "convert_element_type", "aten": "_to_copy", "stablehlo": "convert", "onnx": "Cast"},
        samples=lambda rng: (
            [((sample(rng, "f", s, -5, 5),), {"dtype": d}) for s in ((), (3,)) for d in (F64, I64)]
            + [
                ((sample(rng, "i", (3,), -5, 5),), {"dtype": F64}),
                ((sample(rng, "b", (3,), 0, 1),), {"dtype": F64}),
                ((sample(rng, "f", (3,), -1, 1),), {"dtype": BOOL}),
            ]
        ),
    )
)

stop_gradient = unary(
    "stop_gradient",
    "x itself, as a constant to every derivative.",
    lambda x: x,
    kinds="fib",
    lower=dict.fromkeys("fib", "generate:identity"),
    partial=lambda x, y: None,
    jaxpr="stop_gradient",
    aten="detach",
)
