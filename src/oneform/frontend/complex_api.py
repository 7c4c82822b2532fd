"""What Python and NumPy say of complex numbers beyond the operations of the table: complex(), cmath, the parts of arrays."""

from __future__ import annotations

import cmath
import operator

import numpy as np

from oneform.frontend.complexes import angle, conjugate, imaginary_part, is_complex, joined, real_part
from oneform.frontend.creation import as_operand, copied
from oneform.frontend.numbers import Operand, arithmetic, compare, conjunction, elementwise, op_of, python_number, scalar
from oneform.frontend.registry import Call, handles, method
from oneform.frontend.values import Abstract, Num, Py, Seq, number
from oneform.types import C128, F64

# ---------------------------------------------------------------- Python's complex numbers


@handles(complex)
def complex_(c: Call) -> Abstract:
    re, im = c.bind("real?", "imag?")
    if isinstance(re, Py) and isinstance(re.obj, str):
        return number(complex(re.obj))
    x = number(0.0) if re is None else scalar(c.t, re, "the real part")
    if im is None:
        return python_number(c.t, x, C128)
    y = scalar(c.t, im, "the imaginary part")
    # (a + bi) + i (c + di) = (a - d) + (b + c)i, no part of which is there for a real number
    t, minus, plus = c.t, op_of(operator.sub), op_of(operator.add)
    first: Operand = arithmetic(t, minus, real_part(t, x), imaginary_part(t, y)) if is_complex(y) else real_part(t, x)
    second: Operand = arithmetic(t, plus, imaginary_part(t, x), real_part(t, y)) if is_complex(x) else real_part(t, y)
    return joined(t, _double(c, first), _double(c, second), weak=True)


def _double(c: Call, x: Abstract) -> Num:
    return python_number(c.t, scalar(c.t, x, "the argument"), F64)


def _plane(c: Call, x: Abstract | None) -> Num:
    """An argument of a function of cmath."""
    return python_number(c.t, scalar(c.t, x or Py(None), f"the argument of {c.name}"), C128)


@handles(cmath.log)
def log(c: Call) -> Abstract:
    z, base = c.bind("z", "base?")
    out = Num(C128, True, c.t.op(np.log, c.t.value(_plane(c, z))))
    if base is None:
        return out
    return arithmetic(c.t, op_of(operator.truediv), out, Num(C128, True, c.t.op(np.log, c.t.value(_plane(c, base)))))


@handles(cmath.phase)
def phase(c: Call) -> Abstract:
    return angle(c.t, _plane(c, c.only("z")[0]), strong=False)


@handles(cmath.polar)
def polar(c: Call) -> Abstract:
    z = _plane(c, c.only("z")[0])
    return Seq("tuple", (elementwise(c.t, op_of(abs), [z], strong=False), angle(c.t, z, strong=False)))


@handles(cmath.rect)
def rect(c: Call) -> Abstract:
    r, phi = (_double(c, x) for x in c.only("r", "phi"))
    times = op_of(operator.mul)
    sides = (elementwise(c.t, op_of(f), [phi], strong=False) for f in (np.cos, np.sin))
    re, im = (arithmetic(c.t, times, r, s) for s in sides)
    return joined(c.t, re, im, weak=True)


@handles(cmath.isclose)
def isclose(c: Call) -> Abstract:
    """|a - b| <= max(rel_tol max(|a|, |b|), abs_tol); equal numbers are close, infinities to nothing else."""
    a, b, rel, least = c.bind("a", "b", "*", "rel_tol?", "abs_tol?")
    t, x, y = c.t, _plane(c, a), _plane(c, b)

    def size(z: Operand) -> Operand:
        return elementwise(t, op_of(abs), [z], strong=False)

    def larger(p: Operand, q: Operand) -> Operand:
        return elementwise(t, op_of(np.maximum), [p, q], strong=False)

    relative = arithmetic(t, op_of(operator.mul), number(1e-9) if rel is None else _double(c, rel), larger(size(x), size(y)))
    allowed = larger(relative, number(0.0) if least is None else _double(c, least))
    near = compare(t, op_of(operator.le), size(arithmetic(t, op_of(operator.sub), x, y)), allowed)
    bounded = compare(t, op_of(operator.lt), allowed, number(float("inf")))
    same = compare(t, op_of(operator.eq), x, y)
    assert isinstance(near, Num) and isinstance(bounded, Num) and isinstance(same, Num)
    return conjunction(t, same, conjunction(t, near, bounded), either=True)


# ---------------------------------------------------------------- parts of numbers and arrays


@handles(np.real)
def real(c: Call) -> Abstract:
    return real_part(c.t, as_operand(c.t, c.only("val")[0]))


@handles(np.imag)
def imag(c: Call) -> Abstract:
    return imaginary_part(c.t, as_operand(c.t, c.only("val")[0]))


@handles(np.conjugate)
def conj(c: Call) -> Abstract:
    """A new array also where there is nothing to conjugate."""
    x = as_operand(c.t, c.only("x")[0])
    return conjugate(c.t, x) if is_complex(x) else copied(c.t, x)


@method("conj", "conjugate")
def conj_method(c: Call) -> Abstract:
    return conjugate(c.t, as_operand(c.t, c.only("self")[0]))


@handles(np.angle)
def angle_(c: Call) -> Abstract:
    z, degrees = c.bind("z", "deg?")
    out = angle(c.t, as_operand(c.t, z or Py(None)))
    if degrees is None or not c.t.known_int(degrees, "deg"):
        return out
    return arithmetic(c.t, op_of(operator.mul), out, number(180.0 / cmath.pi))


@handles(np.iscomplexobj)
def iscomplexobj(c: Call) -> Abstract:
    return number(is_complex(as_operand(c.t, c.only("x")[0])))


@handles(np.isrealobj)
def isrealobj(c: Call) -> Abstract:
    return number(not is_complex(as_operand(c.t, c.only("x")[0])))


@handles(np.iscomplex)
def iscomplex(c: Call) -> Abstract:
    return compare(c.t, op_of(operator.ne), imaginary_part(c.t, as_operand(c.t, c.only("x")[0])), number(0), strong=True)


@handles(np.isreal)
def isreal(c: Call) -> Abstract:
    return compare(c.t, op_of(operator.eq), imaginary_part(c.t, as_operand(c.t, c.only("x")[0])), number(0), strong=True)
