"""Vector forms of mathematical functions that stand in the loop that calls them: where the machine's library has one too, that is a call for which all
registers are spilled. In LLVM text; they become part of their callers once these are vectorised."""

from __future__ import annotations

import math
import struct

# e^x = 2^k e^r with k = round(x / log 2) and |r| <= log(2) / 2, r in two steps so that it is exact; e^r = 1 + (r + r^2 q(r)). q interpolates
# (e^r - 1 - r) / r^2 in the ten Chebyshev nodes, an error of 0.15 units of the last place. Beyond its bounds, x makes the power of two overflow or
# vanish as it should; a NaN passes the comparisons.
_Q = (
    0.5000000000000001, 0.16666666666666669, 0.04166666666662413, 0.008333333333330062, 0.0013888888917213717,
    0.00019841269863053618, 2.4801521295954376e-05, 2.7557268459997064e-06, 2.7620088445409746e-07, 2.510038549551032e-08,
)  # fmt: skip


def _number(x: float) -> str:
    return f"splat (double 0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X})"


def _fma(a: str, b: str, c: str) -> str:
    return f"call <8 x double> @llvm.fma.v8f64(<8 x double> {a}, <8 x double> {b}, <8 x double> {c})"


_PAIRS = "\n".join(f"  %p{k} = {_fma(_number(_Q[k + 1]), '%r', _number(_Q[k]))}" for k in range(0, 10, 2))

_EXP = f"""define internal <8 x double> @of.exp.v8(<8 x double> %x) alwaysinline nounwind willreturn memory(none) {{
  %above = fcmp olt <8 x double> {_number(710.0)}, %x
  %under = select <8 x i1> %above, <8 x double> {_number(710.0)}, <8 x double> %x
  %below = fcmp ogt <8 x double> {_number(-746.0)}, %under
  %y = select <8 x i1> %below, <8 x double> {_number(-746.0)}, <8 x double> %under
  %octaves = fmul <8 x double> %y, {_number(1 / math.log(2.0))}
  %k = call <8 x double> @llvm.rint.v8f64(<8 x double> %octaves)
  %minus = fneg <8 x double> %k
  %r1 = {_fma("%minus", _number(math.log(2.0)), "%y")}
  %r = {_fma("%minus", _number(2.3190468138462996e-17), "%r1")}
  %rr = fmul <8 x double> %r, %r
  %rrrr = fmul <8 x double> %rr, %rr
{_PAIRS}
  %q0 = {_fma("%p2", "%rr", "%p0")}
  %q1 = {_fma("%p6", "%rr", "%p4")}
  %q2 = {_fma("%p8", "%rrrr", "%q1")}
  %q = {_fma("%q2", "%rrrr", "%q0")}
  %t = {_fma("%rr", "%q", "%r")}
  %e = fadd <8 x double> %t, {_number(1.0)}
  %scaled = call <8 x double> @llvm.x86.avx512.mask.scalef.pd.512(<8 x double> %e, <8 x double> %k, <8 x double> zeroinitializer, i8 -1, i32 4)
  ret <8 x double> %scaled
}}
declare <8 x double> @llvm.x86.avx512.mask.scalef.pd.512(<8 x double>, <8 x double>, <8 x double>, i8, i32)"""

FORMS = {("exp", "+avx512f"): "of.exp.v8"}  # function of doubles, what the machine must have -> the form of eight lanes
_TEXTS = {"of.exp.v8": _EXP}


def form(symbol: str, vector: str, arity: int) -> str:
    """The text that makes a vector form known to a module."""
    return _TEXTS.get(symbol) or f"declare {vector} @{symbol}({', '.join([vector] * arity)}) #5"
