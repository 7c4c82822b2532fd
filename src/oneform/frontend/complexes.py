"""Complex numbers and arrays: their parts, put together, conjugate, angle."""

from __future__ import annotations

import operator

import numpy as np

from oneform.frontend.arrays import new_array, open_lengths, read, shape
from oneform.frontend.creation import share
from oneform.frontend.numbers import Operand, arithmetic, as_value, check_shapes, dtype_of, elementwise, op_of, promoted, to_dtype, wrap
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Num, number
from oneform.ops import constant, make
from oneform.types import BOOL, F64, I64, real_dtype


def is_complex(x: Operand) -> bool:
    return dtype_of(x).kind == "c"


def real_part(t: Tracer, x: Operand) -> Operand:
    """x.real, which of an array is the same memory: a write to one makes the other unreadable."""
    if not is_complex(x):
        return _as_integer(t, x)
    if isinstance(x, Num):
        return number(x.known.real) if x.known is not None else Num(real_dtype(x.dtype), x.weak, make.real(t.b, t.value(x)))
    out = new_array(t, make.real(t.b, read(t, x)))
    share(out, x)
    return out


def imaginary_part(t: Tracer, x: Operand) -> Operand:
    """x.imag, as `real_part`; zeros if x is real."""
    if isinstance(x, Num):
        if x.known is not None:
            return number(x.known.imag)
        if not is_complex(x):
            return _as_integer(t, Num(x.dtype, x.weak, None, 0 if x.dtype.kind in "bi" else 0.0))
        return Num(real_dtype(x.dtype), x.weak, make.imag(t.b, t.value(x)))
    if not is_complex(x):
        dims, lengths = shape(t, x)
        return new_array(t, make.full(t.b, constant(t.b, 0, x.cell.dtype), dims, open_lengths(t, dims, lengths)))
    out = new_array(t, make.imag(t.b, read(t, x)))
    share(out, x)
    return out


def _as_integer(t: Tracer, x: Operand) -> Operand:
    """The parts of a Python bool are integers."""
    return to_dtype(t, x, I64, weak=True) if isinstance(x, Num) and x.weak and x.dtype == BOOL else x


def joined(t: Tracer, re: Operand, im: Operand, weak: bool) -> Operand:
    """re + i im of real numbers or arrays."""
    dtype, _ = promoted([re, im])
    if isinstance(re, Num) and isinstance(im, Num) and re.known is not None and im.known is not None and weak:
        return number(complex(re.known, im.known))
    part = dtype if dtype.kind == "f" else F64
    check_shapes(t, [re, im])
    return wrap(t, make.complex_number(t.b, as_value(t, re, part), as_value(t, im, part)), weak)


def conjugate(t: Tracer, x: Operand) -> Operand:
    """The complex conjugate; a real number or array itself."""
    if not is_complex(x):
        return _as_integer(t, x)
    if isinstance(x, Num) and x.known is not None:
        return number(x.known.conjugate())
    return wrap(t, t.op(np.conjugate, as_value(t, x)), isinstance(x, Num) and x.weak)


def angle(t: Tracer, x: Operand, strong: bool = True) -> Operand:
    """atan2(imag, real)"""
    y: Operand = imaginary_part(t, x) if is_complex(x) else number(0.0)
    return elementwise(t, op_of(np.arctan2), [y, real_part(t, x) if is_complex(x) else x], strong=strong)


def squared_modulus(t: Tracer, x: Operand) -> Operand:
    """x.real² + x.imag²"""
    times, plus = op_of(operator.mul), op_of(operator.add)
    re, im = real_part(t, x), imaginary_part(t, x)
    return arithmetic(t, plus, arithmetic(t, times, re, re), arithmetic(t, times, im, im))
