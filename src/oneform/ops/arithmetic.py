"""Arithmetic, roundings, remainders and powers: one record each, with the derivative beside the name."""

from __future__ import annotations

import cmath
import math
import operator
from typing import Any

import numpy as np

from oneform.ir import Op
from oneform.ops import pairs
from oneform.ops.table import (
    Term,
    apply,
    binary,
    define,
    expand_pointwise,
    pointwise_types,
    quiet,
    sample,
    unary,
)
from oneform.types import real_dtype

add = binary(
    "add",
    "Sum, x + y.",
    np.add,
    kinds="fi",
    lower={"f": "fadd", "i": "add"},
    complex=pairs.add,
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
    kinds="fi",
    lower={"f": "fsub", "i": "sub"},
    complex=pairs.subtract,
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
    kinds="fi",
    lower={"f": "fmul", "i": "mul"},
    complex=pairs.multiply,
    partials=lambda x, y, z: (y, x),
    python=(operator.mul, np.multiply),
    jaxpr="mul",
    aten="mul.Tensor",
    stablehlo="multiply",
    onnx="Mul",
)


def _masked(x: Any, y: Any) -> Any:
    z = x * y
    return np.where(x == 0.0, np.zeros((), z.dtype), z)[()]


def _masked_partials(x: Term, y: Term, z: Term) -> tuple[Any, Any]:
    """x may be 0 and vary; where y is not finite besides, it is taken to be 0 by choice, and not to."""
    factor = apply("select", apply("or", apply("ne", x, 0.0), apply("isfinite", y)), y, 0.0)
    return ("masked", factor), ("masking", x)


# An expression with `select` would not do: its derivative would be 0 where x is, while x may vary.
masked_mul = binary(
    "masked_mul",
    "Product, x y, and 0 where x is 0 even if y is infinite or NaN: x is a cotangent, which is 0 where a choice fell on the other side.",
    _masked,
    lower={"f": "generate:masked_mul"},
    complex=pairs.masked_multiply,
    partials=_masked_partials,
)
# d(x/y) = dx/y - z dy/y
div = binary(
    "div",
    "Quotient, x / y; division by zero gives an infinity or NaN.",
    np.divide,
    singular=True,
    lower={"f": "fdiv"},
    complex=pairs.divide,
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
    kinds="fi",
    lower={"f": "fneg", "i": "sub {T} 0, {0}"},
    complex=pairs.negate,
    partial=lambda x, y: -1,
    python=(operator.neg, np.negative),
    jaxpr="neg",
    aten="neg",
    stablehlo="negate",
    onnx="Neg",
)
abs_ = unary(
    "abs",
    "Absolute value, of complex numbers the modulus; its derivative at 0 is 0.",
    np.abs,
    kinds="fi",
    result=real_dtype,
    lower={"f": "intrinsic:fabs", "i": "call {T} @llvm.abs.{S}({T} {0}, i1 false)"},
    complex=pairs.modulus,
    analytic=False,
    partial=lambda x, y: apply("sign", x),
    python=(abs, np.abs, np.absolute, np.fabs, math.fabs),
    jaxpr="abs",
    aten="abs",
    stablehlo="abs",
    onnx="Abs",
)


def _sign_ref(x: Any) -> Any:
    """As NumPy 2 has it; before, the sign of a complex number was that of its real part."""
    if x.dtype.kind != "c":
        return np.sign(x)
    r = np.abs(x)
    return (x / np.where(r == 0.0, np.ones((), r.dtype), r)).astype(x.dtype)[()]


sign = unary(
    "sign",
    "-1, 0 or 1, of complex numbers z/|z|; NaN stays NaN.",
    _sign_ref,
    kinds="fi",
    lower={"f": "generate:sign", "i": "generate:sign"},
    complex=pairs.sign,
    analytic=False,
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
        complex=pairs.rounded if _name == "rint" else None,
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
    """d(x^y) = y x^(y-1) dx + x^y log(x) dy; the first is 0 where y is 0, the second 0 where x is not positive (complex: where x is 0)."""
    by_x = apply("select", apply("eq", y, 0.0), 0.0, y * apply("pow", x, y - 1.0))
    positive = apply("ne", x, 0.0) if x.dtype.kind == "c" else x > 0.0
    by_y = apply("select", positive, z * apply("log", apply("select", positive, x, 1.0)), 0.0)
    return by_x, by_y


pow_ = binary(
    "pow",
    "Power, x ** y.",
    np.power,
    singular=True,
    lower={"f": "libm:pow"},
    complex=pairs.power,
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
        pointwise_types("fic"),
        lambda x, *, attrs, regions: (quiet(np.power, x, x.dtype.type(attrs["n"])),),
        singular=True,
        partials=lambda x, y, *, n: (0 if n == 0 else 1 if n == 1 else apply("powi", x, n=n - 1) * float(n),),
        lower={"f": "generate:powi", "i": "generate:powi"},
        complex=pairs.power_by_number,
        expand=expand_pointwise("powi"),
        cost=4,
        samples=lambda rng: (
            [((sample(rng, kind, s, -2, 2),), {"n": n}) for kind in "fc" for s in ((), (3,)) for n in (0, 1, 2, 3, 5, -1, -2)] + [((np.int64(-3),), {"n": 3})]
        ),
    )
)


square = unary(
    "square",
    "x².",
    np.square,
    kinds="fi",
    lower={"f": "fmul {fm} {T} {0}, {0}", "i": "mul {T} {0}, {0}"},
    complex=pairs.square,
    partial=lambda x, y: x * 2.0,
    python=(np.square,),
    aten="square",
)
sqrt = unary(
    "sqrt",
    "Square root; NaN for a negative real x.",
    np.sqrt,
    singular=True,
    lower={"f": "intrinsic:sqrt"},
    complex=pairs.sqrt,
    cost=8,
    low=0.1,
    partial=lambda x, y: 0.5 / y,
    python=(np.sqrt, math.sqrt, cmath.sqrt),
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
    complex=pairs.reciprocal,
    cost=5,
    low=0.1,
    partial=lambda x, y: -(y * y),
    python=(np.reciprocal,),
    aten="reciprocal",
    onnx="Reciprocal",
)
