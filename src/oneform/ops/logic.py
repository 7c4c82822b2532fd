"""Comparison, choice, logic, bits, conversion: pointwise operations whose derivative is a choice or nothing."""

from __future__ import annotations

import cmath
import math
import operator
from typing import Any

import numpy as np

from oneform.ir import Attrs, Block, Op, mismatch
from oneform.ops import pairs
from oneform.ops.table import (
    Term,
    apply,
    binary,
    broadcast_shape,
    define,
    expand_pointwise,
    quiet,
    sample,
    unary,
)
from oneform.types import BOOL, C128, F64, I64, DType, List, Scalar, Type, shape_of, with_shape


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
        complex={"eq": pairs.same, "ne": pairs.differs}.get(_name),
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
    complex=pairs.one_part("isnan"),
    partial=lambda x, y: None,
    python=(np.isnan, math.isnan, cmath.isnan),
    aten="isnan",
    onnx="IsNaN",
)
isinf = unary(
    "isinf",
    "Whether x is an infinity.",
    np.isinf,
    result=BOOL,
    lower={"f": "generate:isinf"},
    complex=pairs.one_part("isinf"),
    partial=lambda x, y: None,
    python=(np.isinf, math.isinf, cmath.isinf),
    aten="isinf",
    onnx="IsInf",
)
isfinite = unary(
    "isfinite",
    "Whether x is neither an infinity nor NaN.",
    np.isfinite,
    result=BOOL,
    lower={"f": "generate:isfinite"},
    complex=pairs.both_parts("isfinite"),
    partial=lambda x, y: None,
    python=(np.isfinite, math.isfinite, cmath.isfinite),
    jaxpr="is_finite",
    stablehlo="is_finite",
)


def _select_types(types: tuple[Type, ...], attrs: Attrs, regions: tuple[Block, ...]) -> tuple[Type, ...]:
    c, x, y = types
    if isinstance(c, List) or c.dtype != BOOL:
        raise mismatch(f"the condition must be bool, not {c}")
    if isinstance(x, List) or isinstance(y, List) or x.dtype != y.dtype:
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
        lower=dict.fromkeys("fib", "select i1 {0}, {T} {1}, {T} {2}"),
        complex=pairs.select,
        expand=expand_pointwise("select"),
        python=(),
        foreign={"jaxpr": "select_n", "aten": "where.self", "stablehlo": "select", "onnx": "Where"},
        samples=lambda rng: [
            ((sample(rng, "b", s, 0, 1), sample(rng, kind, t, -2, 2), sample(rng, kind, u, -2, 2)), {})
            for kind in "fc"
            for s, t, u in (((), (), ()), ((3,), (3,), ()), ((2, 1), (3,), (2, 3)))
        ],
        rejects=(((Scalar(F64), Scalar(F64), Scalar(F64)), {}, "E101"), ((Scalar(BOOL), Scalar(F64), Scalar(I64)), {}, "E101")),
    )
)


def _convert_types(types: tuple[Type, ...], attrs: Attrs, regions: tuple[Block, ...]) -> tuple[Type, ...]:
    (t,) = types
    if isinstance(t, List):
        raise mismatch(f"no such operation on {t}")
    if t.dtype.kind == "c" and attrs["dtype"].kind != "c":
        raise mismatch(f"{t} does not become {attrs['dtype']}: that would lose the imaginary part")
    return (with_shape(attrs["dtype"], shape_of(t)),)


def _convert_partials(x: Term, y: Term, *, dtype: DType) -> tuple[Any]:
    """Linear between floats and complex numbers; an integer or bool on either side has no derivative."""
    return (("convert", x.dtype) if dtype.differentiable and x.dtype.differentiable else None,)


convert = define(
    Op(
        "convert",
        "The same number as another dtype; floats to integers are truncated.",
        _convert_types,
        lambda x, *, attrs, regions: (quiet(x.astype, attrs["dtype"].numpy),),
        partials=_convert_partials,
        lower=dict.fromkeys("fib", "generate:convert"),
        complex=pairs.convert,
        expand=expand_pointwise("convert"),
        foreign={"jaxpr": "convert_element_type", "aten": "_to_copy", "stablehlo": "convert", "onnx": "Cast"},
        samples=lambda rng: (
            [((sample(rng, "f", s, -5, 5),), {"dtype": d}) for s in ((), (3,)) for d in (F64, I64)]
            + [
                ((sample(rng, "i", (3,), -5, 5),), {"dtype": F64}),
                ((sample(rng, "b", (3,), 0, 1),), {"dtype": F64}),
                ((sample(rng, "f", (3,), -1, 1),), {"dtype": BOOL}),
            ]
            + [((sample(rng, kind, s, -2, 2),), {"dtype": C128}) for kind in "fibc" for s in ((), (3,))]
        ),
        rejects=(((Scalar(C128),), {"dtype": F64}, "E101"),),
    )
)

stop_gradient = unary(
    "stop_gradient",
    "x itself, as a constant to every derivative.",
    lambda x: x,
    kinds="fib",
    lower=dict.fromkeys("fib", "generate:identity"),
    complex=pairs.unchanged,
    partial=lambda x, y: None,
    jaxpr="stop_gradient",
    aten="detach",
)
