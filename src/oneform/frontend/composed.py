"""Functions of NumPy and SciPy that are written in Python (frontend/written): which call is which, and what they ask of the compiler."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oneform.frontend.arrays import open_lengths, rank, shape, transposed
from oneform.frontend.creation import as_operand, parse_dtype, product, reshaped
from oneform.frontend.numbers import Operand, as_value, check_shapes, dtype_of, promoted, python_number, scalar, to_dtype, wrap
from oneform.frontend.numpy_api import along_first
from oneform.frontend.reductions import axes_of, is_true, to_float
from oneform.frontend.registry import Call, handles, handles_late, method
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Num, Py, Seq, number
from oneform.frontend.written import bessel, incomplete, linalg, matrices, orthogonal, scans, signals, sorting, special, spectral, structure
from oneform.ops import make
from oneform.types import F64, I64, Dim, Scalar

# ---------------------------------------------------------------- what the written functions ask for


@handles(structure.mapped)
def mapped(c: Call) -> Abstract:
    f, *given = c.args
    return map_numbers(c.t, f, [as_operand(c.t, x, c.node) for x in given], c)


def map_numbers(t: Tracer, f: Abstract, operands: Sequence[Operand], c: Call) -> Operand:
    dtype, _ = promoted(operands)
    if dtype.kind == "c":
        t.refuse("E101", f"{c.name} of complex numbers is not known to the compiler", c.node)
    kind = F64 if dtype.kind in "bi" else dtype
    check_shapes(t, operands)
    dims, lengths = _broadcast(t, operands)
    before = t.state

    def result(args: list[Abstract]) -> Num:
        out = t.call(t, f, args, {}, c.node)
        assert isinstance(out, Num)
        return out

    if not dims:
        return to_dtype(t, result([Num(F64, False, as_value(t, x, F64)) for x in operands]), kind)
    values = [as_value(t, x) for x in operands]
    with t.region() as b:
        t.state = before.copy()
        try:
            index = [b.param(Scalar(I64)) for _ in dims]
            args: list[Abstract] = []
            for x, v in zip(operands, values, strict=True):
                if isinstance(x, Arr):
                    own = shape(t, x)[0]
                    at = index[len(dims) - len(own) :]
                    v = make.get(b, v, [t.value(number(0), I64) if d == 1 else i for d, i in zip(own, at, strict=True)])
                args.append(Num(F64, False, make.convert(b, v, F64)))
            block = b.block(t.value(result(args), kind))
        finally:
            t.state = before
    return wrap(t, make.constructor(t.b, dims, open_lengths(t, dims, lengths), block))


def _broadcast(t: Tracer, operands: Sequence[Operand]) -> tuple[tuple[Dim, ...], tuple[Num, ...]]:
    """The shape that operands, whose shapes fit, have together."""
    shapes = [shape(t, x) for x in operands]
    n = max(len(s[0]) for s in shapes)
    dims: list[Dim] = [1] * n
    lengths = [number(1)] * n
    for ds, ls in shapes:
        for k, (d, m) in enumerate(zip(ds, ls, strict=True), n - len(ds)):
            if dims[k] == 1 or isinstance(d, int) and d != 1:
                dims[k], lengths[k] = d, m
    return tuple(dims), tuple(lengths)


@handles(structure.rows)
def rows(c: Call) -> Abstract:
    t = c.t
    a, axis = c.args
    x = as_operand(t, a, c.node)
    if isinstance(x, Num):
        axes_of(t, axis, 0)
        return as_matrix(t, x)
    axes = axes_of(t, axis, rank(x))
    others = tuple(k for k in range(rank(x)) if k not in axes)
    lengths = shape(t, x)[1]
    outer, inner = (product(t, [lengths[k] for k in group]) for group in (others, axes))
    moved = transposed(t, x, (*others, *axes))
    if len(others) == len(axes) == 1:
        return moved
    return reshaped(t, moved, Seq("tuple", (outer, inner)))


def as_matrix(t: Tracer, x: Num) -> Abstract:
    return t.call(t, Py(np.full), [Seq("tuple", (number(1), number(1))), x], {}, t.here.source.node)


@handles(structure.reduced)
def reduced(c: Call) -> Abstract:
    t = c.t
    y, a, axis, keep = c.args
    x = as_operand(t, a, c.node)
    assert isinstance(y, Arr)
    n = 0 if isinstance(x, Num) else rank(x)
    axes, lengths = axes_of(t, axis, n), shape(t, x)[1]
    kept = is_true(t, keep)
    left = [number(1) if k in axes else lengths[k] for k in range(n) if kept or k not in axes]
    return reshaped(t, y, Seq("tuple", tuple(left)))


@handles(structure.along)
def along(c: Call) -> Abstract:
    t = c.t
    y, a, axis = c.args
    x = as_operand(t, a, c.node)
    assert isinstance(y, Arr) and isinstance(x, Arr)
    (k,) = axes_of(t, axis, rank(x))
    n = rank(x)
    others = [j for j in range(n) if j != k]
    lengths = shape(t, x)[1]
    full = y if n == 2 else reshaped(t, y, Seq("tuple", (*(lengths[j] for j in others), shape(t, y)[1][1])))
    assert isinstance(full, Arr)
    order = [*others, k]
    return transposed(t, full, tuple(order.index(j) for j in range(n)))


@handles(structure.floating)
def floating(c: Call) -> Abstract:
    return to_float(c.t, as_operand(c.t, c.args[0], c.node))


@handles(structure.unsupported)
def unsupported(c: Call) -> Abstract:
    what, repair = (x.obj if isinstance(x, Py) else "" for x in c.args)
    c.t.refuse("E003", str(what), c.node, str(repair))


@handles(structure.accumulated)
def accumulated(c: Call) -> Abstract:
    x, dtype = c.args
    a = as_operand(c.t, x, c.node)
    return to_dtype(c.t, a, parse_dtype(c.t, dtype, I64 if dtype_of(a).kind in "bi" else dtype_of(a)))


# ---------------------------------------------------------------- calls whose number depends on structure


@handles(np.diff)
def diff(c: Call) -> Abstract:
    t = c.t
    a, n, axis, *ends = c.bind("a", "n?", "axis?", "prepend?", "append?")
    x = as_operand(t, a or Py(None), c.node)
    if isinstance(x, Num):
        t.refuse("E103", "diff requires input that is at least one dimensional", c.node)
    along_ = number(-1) if axis is None else axis
    (k,) = axes_of(t, along_, rank(x))
    parts = [as_operand(t, e) if e is not None else None for e in ends]
    sides = [_one_thick(t, e, x, k, c) if isinstance(e, Num) else e for e in parts]
    joined = [e for e in (sides[0], x, sides[1]) if e is not None]
    out: Abstract = x if len(joined) == 1 else t.call(t, Py(np.concatenate), [Seq("tuple", tuple(joined)), number(k)], {}, c.node)
    times = 1 if n is None else t.known_int(n, "n")
    if times < 0:
        t.refuse("E101", f"order must be non-negative but got {times}", c.node)
    for _ in range(times):
        out = t.call(t, Py(scans.difference), [out, number(k)], {}, c.node)
    return out


def _one_thick(t: Tracer, e: Num, x: Arr, axis: int, c: Call) -> Operand:
    lengths = [number(1) if j == axis else n for j, n in enumerate(shape(t, x)[1])]
    out = t.call(t, Py(np.full), [Seq("tuple", tuple(lengths)), e, Py(x.cell.dtype.numpy)], {}, c.node)
    assert isinstance(out, Arr)
    return out


@handles(np.gradient)
def gradient(c: Call) -> Abstract:
    t = c.t
    a, *spacing = c.args
    axis, order = c.kwargs.get("axis"), c.kwargs.get("edge_order", number(1))
    if set(c.kwargs) - {"axis", "edge_order"}:
        c.bind("f", "*", "axis?", "edge_order?")
    x = to_float(t, as_operand(t, a, c.node))
    if isinstance(x, Num):
        t.refuse("E103", "gradient requires input that is at least one dimensional", c.node)
    given = axis.items if isinstance(axis, Seq) else () if axis is None else (axis,)
    axes = [axes_of(t, i, rank(x))[0] for i in given] if given else list(range(rank(x)))
    steps = [as_operand(t, s, c.node) for s in spacing] or [number(1.0)]
    if len(steps) == 1:
        steps *= len(axes)
    if len(steps) != len(axes):
        t.refuse("E106", "invalid number of arguments: a spacing for each axis, or one for all", c.node)
    found = [t.call(t, Py(scans.slopes), [x, s, number(k), order], {}, c.node) for k, s in zip(axes, steps, strict=True)]
    return found[0] if len(axes) == 1 and not isinstance(axis, Seq) else Seq("tuple", tuple(found))


@handles(np.lexsort)
def lexsort(c: Call) -> Abstract:
    keys, axis = c.bind("keys", "axis?")
    if axis is not None and c.t.known_int(axis, "axis") != -1:
        c.t.refuse("E101", "np.lexsort sorts along the last axis", c.node)
    return c.t.call(c.t, Py(sorting.lexsort_rows), [as_operand(c.t, keys or Py(None), c.node)], {}, c.node)


for _name, _scan in (("add", scans.cumsum), ("multiply", scans.cumprod), ("maximum", scans.running_max), ("minimum", scans.running_min)):
    handles_late(f"numpy.{_name}.accumulate")(lambda c, f=_scan: c.t.call(c.t, Py(f), along_first(c).args, along_first(c).kwargs, c.node))


# ---------------------------------------------------------------- the table


IGNORED = ("out", "order")  # parameters that stand in the signatures for their place only


def written(f: Any) -> Callable[[Call], Abstract]:
    """The function itself, called with the arguments as they are."""
    code = f.__code__

    def handler(c: Call) -> Abstract:
        given = {**dict(zip(code.co_varnames[: code.co_argcount], c.args, strict=False)), **c.kwargs}
        for name in IGNORED:
            if not (isinstance(x := given.get(name, Py(None)), Py) and x.obj is None):
                c.t.refuse("E106", f"{name}= of {c.name} is not supported", c.node, "Leave it out.")
        return c.t.call(c.t, Py(f), c.args, c.kwargs, c.node)

    return handler


def of_numbers(f: Any) -> Callable[[Call], Abstract]:
    """A function of numbers, element by element."""

    def handler(c: Call) -> Abstract:
        count = (f.fun if hasattr(f, "fun") else f).__code__.co_argcount
        if c.kwargs or len(c.args) != count:
            c.t.refuse("E106", f"{c.name}() takes {count} argument{'s' if count > 1 else ''} by position", c.node, "out=, where= and dtype= are not supported.")
        return map_numbers(c.t, Py(f), [as_operand(c.t, x, c.node) for x in c.args], c)

    return handler


NUMPY: dict[str, Any] = {
    "argmax": scans.argmax, "argmin": scans.argmin, "nanargmax": scans.nanargmax, "nanargmin": scans.nanargmin, "count_nonzero": scans.count_nonzero,
    "ptp": scans.ptp, "average": scans.average, "nansum": scans.nansum, "nanprod": scans.nanprod, "nanmax": scans.nanmax, "nanmin": scans.nanmin,
    "nanmean": scans.nanmean, "nanvar": scans.nanvar, "nanstd": scans.nanstd, "median": scans.median, "nanmedian": scans.nanmedian,
    "percentile": scans.percentile, "quantile": scans.quantile, "cumsum": scans.cumsum, "cumprod": scans.cumprod, "nancumsum": scans.nancumsum,
    "nancumprod": scans.nancumprod, "trapezoid": scans.trapezoid,
    "sort": sorting.sort, "argsort": sorting.argsort, "partition": sorting.partition, "argpartition": sorting.argpartition,
    "unique": sorting.unique, "bincount": sorting.bincount,
    "histogram": sorting.histogram, "convolve": signals.convolve, "correlate": signals.correlate,
    "polyval": signals.polyval, "polyder": signals.polyder, "unwrap": signals.unwrap, "cov": signals.cov,
    "corrcoef": signals.corrcoef,
}  # fmt: skip
handles(np.polynomial.polynomial.polyval)(written(signals.polyval_rising))
METHODS_OF_ARRAYS = ("argmax", "argmin", "cumsum", "cumprod", "argsort")
for _name, _function in NUMPY.items():
    if hasattr(np, _name):  # np.trapezoid is new in NumPy 2
        handles(getattr(np, _name))(written(_function))
LINALG: dict[str, Any] = {
    "solve": linalg.solve, "inv": linalg.inv, "det": linalg.det, "slogdet": linalg.slogdet, "cholesky": linalg.cholesky, "qr": orthogonal.qr,
    "eigh": spectral.eigh, "eigvalsh": spectral.eigvalsh, "svd": spectral.svd, "svdvals": spectral.svdvals, "pinv": spectral.pinv, "lstsq": spectral.lstsq,
    "matrix_rank": spectral.matrix_rank, "cond": spectral.cond, "matrix_power": matrices.matrix_power,
}  # fmt: skip
for _name, _function in LINALG.items():
    if hasattr(np.linalg, _name):  # np.linalg.svdvals is new in NumPy 2
        handles(getattr(np.linalg, _name))(written(_function))
for _name in METHODS_OF_ARRAYS:
    method(_name)(written(NUMPY[_name]))

SCIPY: dict[str, Any] = {
    "scipy.special.logsumexp": scans.logsumexp, "scipy.special.softmax": scans.softmax, "scipy.special.log_softmax": scans.log_softmax,
    "scipy.integrate.trapezoid": scans.trapezoid, "scipy.integrate.cumulative_trapezoid": scans.cumulative_trapezoid,
    "scipy.integrate.simpson": scans.simpson,
    "scipy.linalg.solve_triangular": linalg.solve_triangular, "scipy.linalg.solve": linalg.scipy_solve, "scipy.linalg.inv": linalg.inv,
    "scipy.linalg.det": linalg.det, "scipy.linalg.lu_factor": linalg.lu_factor, "scipy.linalg.lu_solve": linalg.lu_solve,
    "scipy.linalg.cholesky": linalg.scipy_cholesky, "scipy.linalg.cho_factor": linalg.cho_factor, "scipy.linalg.cho_solve": linalg.cho_solve,
    "scipy.linalg.qr": orthogonal.scipy_qr, "scipy.linalg.eigh": spectral.scipy_eigh, "scipy.linalg.eigvalsh": spectral.scipy_eigvalsh,
    "scipy.linalg.svd": spectral.scipy_svd, "scipy.linalg.svdvals": spectral.svdvals, "scipy.linalg.pinv": spectral.scipy_pinv,
    "scipy.linalg.lstsq": spectral.scipy_lstsq, "scipy.linalg.expm": matrices.expm, "scipy.linalg.block_diag": matrices.block_diag,
    "scipy.linalg.toeplitz": matrices.toeplitz,
}  # fmt: skip
for _name, _function in SCIPY.items():
    handles_late(_name)(written(_function))

SPECIAL: dict[str, Any] = {
    "gamma": special.gamma, "gammaln": special.gammaln, "digamma": special.digamma, "psi": special.digamma, "polygamma": special.polygamma_of,
    "gammasgn": special.gammasgn, "beta": special.beta, "betaln": special.betaln, "erfcx": special.erfcx, "erfinv": special.erfinv,
    "erfcinv": special.erfcinv, "ndtr": special.ndtr, "log_ndtr": special.log_ndtr, "ndtri": special.ndtri, "expit": special.expit,
    "logit": special.logit, "log_expit": special.log_expit, "xlogy": special.xlogy, "xlog1py": special.xlog1py, "entr": special.entr,
    "rel_entr": special.rel_entr, "kl_div": special.kl_div, "huber": special.huber, "pseudo_huber": special.pseudo_huber, "exprel": special.exprel,
    "boxcox": special.boxcox, "gammainc": incomplete.gammainc, "gammaincc": incomplete.gammaincc, "betainc": incomplete.betainc,
    "betaincc": incomplete.betaincc,
    "j0": bessel.j0, "j1": bessel.j1, "i0": bessel.i0, "i1": bessel.i1, "i0e": bessel.i0e, "i1e": bessel.i1e,
}  # fmt: skip
for _name, _function in SPECIAL.items():
    handles_late(f"scipy.special.{_name}")(of_numbers(_function))


@handles_late("scipy.special.zeta")
def zeta(c: Call) -> Abstract:
    return of_numbers(special.hurwitz if len(c.args) == 2 else special.zeta_of)(c)


handles(np.i0)(of_numbers(bessel.i0))


def _checked(f: Any) -> Callable[[Call], Abstract]:
    """As Python's math has it: a Python number, with its exceptions."""

    def handler(c: Call) -> Abstract:
        (x,) = c.only("x")
        out = c.t.call(c.t, Py(f), [python_number(c.t, scalar(c.t, x, "the argument"), F64)], {}, c.node)
        assert isinstance(out, Num)
        return Num(out.dtype, True, out.value, out.known)

    return handler


handles(math.gamma)(_checked(special.math_gamma))
handles(math.lgamma)(_checked(special.math_lgamma))
