"""Complex numbers as pairs of real ones: what each operation does to the parts, and how an instruction is taken apart by that.

The records of the operations name these rules (`Op.complex`). They contain no branches, only choices, so that loops over them run on
vectors. Accuracy: a few units in the last place of the larger part. Signs of zeros decide on which side of a branch cut a number lies, as
C99 (annex G) and NumPy have it. Squares that would overflow where the result does not are avoided by scaling."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from oneform.ir import Attrs, Builder, Instr, Op, Value
from oneform.ops.table import Term, apply, constant
from oneform.types import DType, Scalar, real_dtype


class Pair(NamedTuple):
    """A complex number by its parts."""

    re: Term
    im: Term


# ---------------------------------------------------------------- taking instructions apart


def splits(i: Instr) -> bool:
    """Whether an instruction works on complex numbers and has a rule for their parts."""
    values = (*i.args, *i.outs)
    return i.op.complex is not None and all(isinstance(v.type, Scalar) for v in values) and any(is_complex(v) for v in values)


def is_complex(v: Value) -> bool:
    return isinstance(v.type, Scalar) and v.type.dtype.kind == "c"


def split(b: Builder, op: Op, args: Sequence[Value], attrs: Attrs) -> Value:
    """The operation on complex numbers by real operations on their parts."""
    assert op.complex is not None
    operands = [Pair(Term(b, v).apply("real"), Term(b, v).apply("imag")) if is_complex(v) else Term(b, v) for v in args]
    start = len(b.body)
    result: Pair | Term = op.complex(*operands, **{k: v for k, v in attrs.items() if k != "reassoc"})
    if attrs.get("reassoc"):
        b.body[start:] = map(_relaxed, b.body[start:])
    return result.v if isinstance(result, Term) else apply("complex", *result).v


_RELAXED = frozenset({"add", "sub", "mul", "neg"})


def _relaxed(i: Instr) -> Instr:
    """Leave to reassociate a complex operation is leave to reassociate the arithmetic it is made of."""
    return Instr(i.op, i.args, {**i.attrs, "reassoc": True}, i.regions, i.outs, i.loc) if i.op.name in _RELAXED else i


# ---------------------------------------------------------------- vocabulary of the rules

Real = Term | float


def number(like: Term, value: float) -> Term:
    """A real number of the dtype of `like`."""
    return Term(like.b, constant(like.b, value, like.dtype))


def choose(c: Term, x: Real, y: Real) -> Term:
    """x where c holds, else y; one of them is a term."""
    return apply("select", c, x, y)


def equal(x: Term, y: Real) -> Term:
    return apply("eq", x, y)


def magnitude(x: Term) -> Term:
    return apply("abs", x)


def with_sign(x: Real, y: Term) -> Term:
    return apply("copysign", x, y)


def finite(x: Term) -> Term:
    return apply("isfinite", x)


def both(x: Term, y: Term) -> Term:
    return apply("and", x, y)


def either(x: Term, y: Term) -> Term:
    return apply("or", x, y)


def by_width(like: Term, double: float, single: float) -> float:
    """A threshold that depends on the range of the dtype."""
    return double if like.dtype.bits == 64 else single


def turned(z: Pair) -> Pair:
    """i conj(z): sin z = turned(sinh(turned(z))), and the same for tan and tanh, asin and asinh, atan and atanh."""
    return Pair(z.im, z.re)


# ---------------------------------------------------------------- arithmetic


def add(x: Pair, y: Pair) -> Pair:
    return Pair(x.re + y.re, x.im + y.im)


def subtract(x: Pair, y: Pair) -> Pair:
    return Pair(x.re - y.re, x.im - y.im)


def multiply(x: Pair, y: Pair) -> Pair:
    """As NumPy does it: infinities are not recovered from NaN."""
    return Pair(x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re)


def masked_multiply(x: Pair, y: Pair) -> Pair:
    nothing, z = both(equal(x.re, 0.0), equal(x.im, 0.0)), multiply(x, y)
    return Pair(choose(nothing, 0.0, z.re), choose(nothing, 0.0, z.im))


def negate(x: Pair) -> Pair:
    return Pair(-x.re, -x.im)


def conjugate(x: Pair) -> Pair:
    return Pair(x.re, -x.im)


def square(x: Pair) -> Pair:
    """(a - b)(a + b) + 2abi; + 0 since a² - b² is never -0"""
    product = x.re * x.im
    return Pair((x.re - x.im) * (x.re + x.im) + 0.0, product + product)


def divide(x: Pair, y: Pair) -> Pair:
    """Smith (CACM 5, 1962), as NumPy has it: with r = d/c, (a + bi) / (c + di) = ((a + br) + (b - ar)i) / (c + dr) if |c| >= |d|, else with the
    parts of the divisor exchanged. A divisor of zero gives a/0 + (b/0)i."""
    a, b, c, d = x.re, x.im, y.re, y.im
    steep = magnitude(d) > magnitude(c)
    large, small = choose(steep, d, c), choose(steep, c, d)
    zero = both(equal(c, 0.0), equal(d, 0.0))
    r = small / large
    scale = 1.0 / choose(zero, 0.0, large + small * r)
    re = choose(steep, a * r + b, a + b * r)
    im = choose(steep, b * r - a, b - a * r)
    return Pair(choose(zero, a, re) * scale, choose(zero, b, im) * scale)


def reciprocal(y: Pair) -> Pair:
    """1 / (c + di) = (1 - ri) / (c + dr) with r = d/c if |c| >= |d|, else (r - i) / (cr + d) with r = c/d"""
    c, d = y.re, y.im
    steep = magnitude(d) > magnitude(c)
    large, small = choose(steep, d, c), choose(steep, c, d)
    r = small / large
    denominator = large + small * r
    one, by_r = 1.0 / denominator, r / denominator
    return Pair(choose(steep, by_r, one), -choose(steep, one, by_r))


def power_by_number(x: Pair, *, n: int) -> Pair:
    """x**n by squaring."""
    if n == 0:
        return Pair(number(x.re, 1.0), number(x.re, 0.0))
    result: Pair | None = None
    rest = abs(n)
    while rest:
        if rest & 1:
            result = x if result is None else multiply(result, x)
        rest >>= 1
        x = square(x) if rest else x
    assert result is not None
    return result if n > 0 else reciprocal(result)


def select(c: Term, x: Pair, y: Pair) -> Pair:
    return Pair(choose(c, x.re, y.re), choose(c, x.im, y.im))


def convert(x: Pair | Term, *, dtype: DType) -> Pair:
    """From any dtype to a complex one; a real number has the imaginary part 0."""
    part = real_dtype(dtype)
    if isinstance(x, Term):
        re = _as(x, part)
        return Pair(re, number(re, 0.0))
    return Pair(_as(x.re, part), _as(x.im, part))


def _as(x: Term, dtype: DType) -> Term:
    return x if x.dtype == dtype else apply("convert", x, dtype=dtype)


def unchanged(x: Pair) -> Pair:
    return x


def rounded(x: Pair) -> Pair:
    return Pair(apply("rint", x.re), apply("rint", x.im))


# ---------------------------------------------------------------- questions


def same(x: Pair, y: Pair) -> Term:
    return both(equal(x.re, y.re), equal(x.im, y.im))


def differs(x: Pair, y: Pair) -> Term:
    return either(apply("ne", x.re, y.re), apply("ne", x.im, y.im))


def one_part(name: str) -> Callable[[Pair], Term]:
    """True if it is of either part."""
    return lambda x: either(apply(name, x.re), apply(name, x.im))


def both_parts(name: str) -> Callable[[Pair], Term]:
    return lambda x: both(apply(name, x.re), apply(name, x.im))


# ---------------------------------------------------------------- modulus, logarithms, powers


def modulus(z: Pair) -> Term:
    return apply("hypot", z.re, z.im)


def sign(z: Pair) -> Pair:
    """z / |z|, and 0 at 0"""
    r = modulus(z)
    safe = choose(equal(r, 0.0), 1.0, r)
    return Pair(z.re / safe, z.im / safe)


def _log_modulus(x: Term, y: Term, excess: Term | None = None) -> Term:
    """log|x + iy| = log m + log1p((n/m)²)/2 with m and n the larger and the smaller of |x| and |y|; near the unit circle log1p(m² - 1 + n²)/2, which does
    not cancel. `excess` is x² + y² - 1 where the caller knows it better."""
    p, q = magnitude(x), magnitude(y)
    wide = q > p
    large, small = choose(wide, q, p), choose(wide, p, q)
    norm = large * large + small * small
    near = both(norm > 0.5, norm < 3.0)
    ratio = choose(equal(small, large), 1.0, small / large)  # also 0/0 and inf/inf
    if excess is None:
        excess = (large - 1.0) * (large + 1.0) + small * small
    rest = apply("log1p", choose(near, excess, ratio * ratio)) * 0.5
    infinite = either(equal(p, math.inf), equal(q, math.inf))
    return choose(infinite, math.inf, apply("log", choose(near, 1.0, large)) + rest)


def log(z: Pair) -> Pair:
    return Pair(_log_modulus(z.re, z.im), apply("atan2", z.im, z.re))


def log_to_base(base: float) -> Callable[[Pair], Pair]:
    def rule(z: Pair) -> Pair:
        w, factor = log(z), 1.0 / math.log(base)
        return Pair(w.re * factor, w.im * factor)

    return rule


def log1p(z: Pair) -> Pair:
    """|1 + z|² - 1 = x (x + 2) + y²"""
    u = z.re + 1.0
    return Pair(_log_modulus(u, z.im, z.re * (z.re + 2.0) + z.im * z.im), apply("atan2", z.im, u))


def exp(z: Pair) -> Pair:
    """e^x (cos y + i sin y). For large x the factor e^shift is applied last: the sine may be small enough for a finite result."""
    x, y = z.re, z.im
    high = x > by_width(x, 700.0, 85.0)
    shift = by_width(x, 500.0, 60.0)
    size, factor = apply("exp", choose(high, x - shift, x)), choose(high, math.exp(shift), number(x, 1.0))
    lost = apply("not", finite(y))
    angle = choose(both(lost, equal(x, -math.inf)), 0.0, y)  # e^-inf is 0 whatever the angle
    re = size * apply("cos", angle) * factor
    im = size * apply("sin", angle) * factor
    return Pair(choose(both(lost, equal(x, math.inf)), math.inf, re), choose(equal(angle, 0.0), angle, im))


def exp2(z: Pair) -> Pair:
    return exp(Pair(z.re * math.log(2.0), z.im * math.log(2.0)))


def expm1(z: Pair) -> Pair:
    """e^x cos y - 1 = (e^x - 1) cos y - 2 sin²(y/2)"""
    half = apply("sin", z.im * 0.5)
    return Pair(apply("expm1", z.re) * apply("cos", z.im) - half * half * 2.0, apply("exp", z.re) * apply("sin", z.im))


def sqrt(z: Pair) -> Pair:
    """t = sqrt((|x| + |z|)/2): t + iy/2t for x >= 0, |y|/2t + it for x < 0, with the sign of y. Scaled by powers of 4 so that |x| + |z| neither overflows
    nor loses bits."""
    size = choose(magnitude(z.im) > magnitude(z.re), magnitude(z.im), magnitude(z.re))
    huge, tiny = size > by_width(size, 2.0**1020, 2.0**124), size < by_width(size, 2.0**-960, 2.0**-80)
    shift = by_width(size, 2.0**54, 2.0**24)
    scale = choose(huge, 0.25, choose(tiny, shift, number(size, 1.0)))
    back = choose(huge, 2.0, choose(tiny, 1.0 / math.sqrt(shift), number(size, 1.0)))
    x, y = z.re * scale, z.im * scale
    p, q = magnitude(x), magnitude(y)
    t = apply("sqrt", p * 0.5 + apply("hypot", x, y) * 0.5)
    endless = equal(q, math.inf)
    other = choose(either(equal(t, 0.0), endless), q, q / (t + t))
    left = x < 0.0
    re, im = choose(left, other, t) * back, with_sign(choose(left, t, other) * back, z.im)
    return Pair(choose(endless, math.inf, re), im)


def power(x: Pair, y: Pair) -> Pair:
    """|x|^c e^(-d arg x) at the angle c arg x + d log|x|, for y = c + di. Small whole exponents are multiplied out, as NumPy does; 0**y is 1, 0 or NaN."""
    c, d = y.re, y.im
    angle = apply("atan2", x.im, x.re)
    size = apply("pow", modulus(x), c) * apply("exp", -(angle * d))
    turn = angle * c + choose(equal(d, 0.0), 0.0, d * _log_modulus(x.re, x.im))
    polar = Pair(size * apply("cos", turn), size * apply("sin", turn))
    real, whole = equal(d, 0.0), equal(apply("rint", c), c)
    result = select(both(both(real, whole), magnitude(c) < 100.0), _whole_power(x, c), polar)
    zero, nothing = both(equal(x.re, 0.0), equal(x.im, 0.0)), both(real, equal(c, 0.0))
    defined = c > 0.0
    at_zero = choose(nothing, 1.0, choose(defined, 0.0, number(c, math.nan)))
    rest = choose(either(nothing, defined), 0.0, number(c, math.nan))
    return select(either(zero, nothing), Pair(at_zero, rest), result)


def _whole_power(x: Pair, c: Term) -> Pair:
    """x to the whole number c, |c| < 128, by squaring."""
    size = rest = magnitude(c)
    result = Pair(number(c, 1.0), number(c, 0.0))
    for k in range(7):
        if k:
            x = square(x)
        half = apply("floor", rest * 0.5)
        begun = apply("ne", rest * 2.0**k, size)  # 1 times an infinity would be NaN
        result = select(apply("ne", half + half, rest), select(begun, multiply(result, x), x), result)
        rest = half
    return select(c < 0.0, reciprocal(result), result)


# ---------------------------------------------------------------- hyperbolic and circular functions


def _halves(x: Term) -> tuple[Term, Term]:
    """s = sinh(x/2) and c = cosh(x/2): sinh x = 2 s c and cosh x = 1 + 2 s², each factor of which is finite where the result is."""
    s, c = _sinh_cosh(magnitude(x) * 0.5)
    return with_sign(s, x), c


def _sinh_cosh(a: Term) -> tuple[Term, Term]:
    """For a >= 0, by t = e^a - 1: sinh a = (t + t/(t+1))/2, cosh a = 1 + (t - t/(t+1))/2"""
    t = apply("expm1", a)
    u = choose(equal(t, math.inf), 1.0, t / (t + 1.0))
    return (t + u) * 0.5, (t - u) * 0.5 + 1.0


def sinh(z: Pair) -> Pair:
    """sinh x cos y + i cosh x sin y"""
    s, c = _halves(z.re)
    sin, cos = apply("sin", z.im), apply("cos", z.im)
    return Pair((s + s) * (c * cos), choose(equal(z.im, 0.0), z.im, sin + (s + s) * (s * sin)))


def cosh(z: Pair) -> Pair:
    """cosh x cos y + i sinh x sin y"""
    s, c = _halves(z.re)
    sin, cos = apply("sin", z.im), apply("cos", z.im)
    return Pair(cos + (s + s) * (s * cos), choose(equal(z.im, 0.0), with_sign(1.0, z.re) * z.im, (s + s) * (c * sin)))


def tanh(z: Pair) -> Pair:
    """With t = tan y, b = 1 + t², s = sinh x, c = cosh x: (b c s + it) / (1 + b s²) (Kahan 1987). Where |x| is large the real part is 1 and the
    imaginary part falls as e^(-2|x|)."""
    x = z.re
    size = magnitude(x)
    limit = by_width(x, 22.0, 11.0)
    far = size > limit
    near = choose(far, limit, size)
    s, c = _sinh_cosh(near)
    t = apply("tan", z.im)
    b = t * t + 1.0
    denominator = (b * s) * s + 1.0
    fall = apply("exp", (near - size) * 2.0)
    re = with_sign(choose(far, 1.0, (b * c) * s / denominator), x)
    return Pair(re, choose(equal(size, math.inf), with_sign(0.0, t), t / denominator * fall))


def sin(z: Pair) -> Pair:
    return turned(sinh(turned(z)))


def cos(z: Pair) -> Pair:
    """cosh(iz)"""
    return conjugate(cosh(turned(z)))


def tan(z: Pair) -> Pair:
    return turned(tanh(turned(z)))


# ---------------------------------------------------------------- inverse functions (Kahan, "Much ado about nothing's sign bit", 1987)


def _scaled(z: Pair) -> tuple[Pair, Term, float]:
    """For arguments so large that f(z) = f(z/2^k) + log 2^k: z/2^k, whether it is one, and the logarithm."""
    limit, k = by_width(z.re, 2.0**600, 2.0**100), int(by_width(z.re, 60, 10))
    far = either(magnitude(z.re) > limit, magnitude(z.im) > limit)
    scale = choose(far, 2.0**-k, number(z.re, 1.0))
    return Pair(z.re * scale, z.im * scale), far, k * math.log(2.0)


def asinh(z: Pair) -> Pair:
    """With p = sqrt(1 + iz) and q = sqrt(1 - iz): asinh(p_r q_i - q_r p_i) + i atan2(y, Re(p q))"""
    w, far, more = _scaled(z)
    p, q = sqrt(Pair(w.im + 1.0, -w.re)), sqrt(Pair(1.0 - w.im, w.re))
    re = magnitude(apply("asinh", p.re * q.im - q.re * p.im)) + choose(far, more, number(w.re, 0.0))
    im = apply("atan2", z.im, choose(far, magnitude(z.re), p.re * q.re - p.im * q.im))
    return Pair(with_sign(re, z.re), im)


def acosh(z: Pair) -> Pair:
    """With p = sqrt(z - 1) and q = sqrt(z + 1): asinh(p_r q_r + p_i q_i) + 2i atan2(p_i, q_r)"""
    w, far, more = _scaled(z)
    p, q = sqrt(Pair(w.re - 1.0, w.im)), sqrt(Pair(w.re + 1.0, w.im))
    re = apply("asinh", p.re * q.re + p.im * q.im) + choose(far, more, number(w.re, 0.0))
    im = apply("atan2", choose(far, z.im, p.im), choose(far, z.re, q.re))
    return Pair(re, choose(far, im, im + im))


def acos(z: Pair) -> Pair:
    """With p = sqrt(1 - z) and q = sqrt(1 + z): 2 atan2(p_r, q_r) + i asinh(q_r p_i - q_i p_r)"""
    w, far, more = _scaled(z)
    p, q = sqrt(Pair(1.0 - w.re, -w.im)), sqrt(Pair(w.re + 1.0, w.im))
    re = apply("atan2", choose(far, magnitude(z.im), p.re), choose(far, z.re, q.re))
    im = magnitude(apply("asinh", q.re * p.im - q.im * p.re)) + choose(far, more, number(w.re, 0.0))
    return Pair(choose(far, re, re + re), with_sign(im, -z.im))


def asin(z: Pair) -> Pair:
    return turned(asinh(turned(z)))


def atanh(z: Pair) -> Pair:
    """log1p(4x / m²)/4 + i atan2(2y, (1-x)(1+x) - y²)/2 for x >= 0, with m = |1 - z|; close to the pole the real part is log sqrt(2/m)."""
    x, y = magnitude(z.re), z.im
    m = apply("hypot", 1.0 - x, y)
    close, far = m < by_width(m, 1e-100, 1e-15), m > by_width(m, 1e100, 1e15)
    ratio = choose(equal(m, math.inf), 0.0, choose(close, math.sqrt(2.0) / apply("sqrt", m), x / m * 4.0 / m))
    re = apply("log1p", ratio) * choose(close, 1.0, number(x, 0.25))
    im = apply("atan2", choose(far, with_sign(0.0, y), y + y), choose(far, -1.0, (1.0 - x) * (x + 1.0) - y * y)) * 0.5
    return Pair(with_sign(re, z.re), im)


def atan(z: Pair) -> Pair:
    return turned(atanh(turned(z)))


